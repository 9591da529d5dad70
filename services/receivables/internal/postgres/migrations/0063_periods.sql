-- Closing of periods: until which day nothing more is posted. Each row says who moved the day,
-- forward by closing or back by opening, and why; the last one holds.

-- +goose Up

CREATE TABLE period_acts (
    act_number    bigint      PRIMARY KEY CHECK (act_number > 0),
    act           text        NOT NULL CHECK (act IN ('CLOSE', 'OPEN')),
    closed_until  date        NOT NULL, -- the last day that is closed
    reason        text        NOT NULL CHECK (act = 'CLOSE' OR reason <> ''),
    acted_by      text        NOT NULL CHECK (acted_by <> ''),
    business_date date        NOT NULL,
    created_at    timestamptz NOT NULL
);

-- The act goes on from the one before it, closing forward and opening back, and every posting of
-- a day that is closed is refused here too, whatever program writes.
-- +goose StatementBegin
CREATE FUNCTION period_act_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last period_acts%ROWTYPE;
BEGIN
    SELECT * INTO last FROM period_acts ORDER BY act_number DESC LIMIT 1;
    IF NEW.act_number <> coalesce(last.act_number, 0) + 1
       OR NEW.act = 'CLOSE' AND NEW.closed_until <= last.closed_until
       OR NEW.act = 'OPEN' AND (last.closed_until IS NULL OR NEW.closed_until >= last.closed_until)
    THEN
        RAISE EXCEPTION 'period act % does not follow', NEW.act_number USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER period_acts_follow BEFORE INSERT ON period_acts FOR EACH ROW EXECUTE FUNCTION period_act_follows();
CREATE TRIGGER period_acts_append_only BEFORE UPDATE OR DELETE ON period_acts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER period_acts_no_truncate BEFORE TRUNCATE ON period_acts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION ledger_entries_in_open_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date := (SELECT closed_until FROM period_acts ORDER BY act_number DESC LIMIT 1);
BEGIN
    IF closed IS NOT NULL AND EXISTS (SELECT FROM added WHERE entry_date <= closed) THEN
        RAISE EXCEPTION 'the books are closed until %', closed USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER ledger_entries_in_open_period AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_in_open_period();

-- +goose Down
DROP TRIGGER ledger_entries_in_open_period ON ledger_entries;
DROP TABLE period_acts;
DROP FUNCTION ledger_entries_in_open_period(), period_act_follows();
