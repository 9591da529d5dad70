-- Who acts in whose seat, and when a step of a form is late.

-- +goose Up
CREATE TABLE delegations (
    delegation_id text COLLATE "C" PRIMARY KEY,
    number    bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    principal text   NOT NULL,
    deputy    text   NOT NULL CHECK (deputy <> principal),
    roles     text[] NOT NULL CHECK (cardinality(roles) > 0),
    from_date date   NOT NULL,
    -- The last day on which it holds; before from_date where it was ended before it began.
    last_date date   NOT NULL,
    body      json   NOT NULL
);
CREATE INDEX delegations_deputy_idx ON delegations (deputy, last_date);
CREATE INDEX delegations_principal_idx ON delegations (principal, number);

-- +goose StatementBegin
CREATE FUNCTION delegations_end_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.delegation_id, NEW.number, NEW.principal, NEW.deputy, NEW.roles, NEW.from_date)
        IS DISTINCT FROM (OLD.delegation_id, OLD.number, OLD.principal, OLD.deputy, OLD.roles, OLD.from_date) OR NEW.last_date >= OLD.last_date THEN
        RAISE EXCEPTION 'a delegation is only ended';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER delegations_ended BEFORE UPDATE ON delegations FOR EACH ROW EXECUTE FUNCTION delegations_end_only();
CREATE TRIGGER delegations_stay BEFORE DELETE ON delegations FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER delegations_no_truncate BEFORE TRUNCATE ON delegations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The last day on which the open step is in time; NULL where it has no bound, or went to somebody else already.
ALTER TABLE applications ADD COLUMN late_after date;
CREATE INDEX applications_late_idx ON applications (late_after, application_id) WHERE state = 'PENDING' AND late_after IS NOT NULL;

ALTER TABLE form_registers DROP CONSTRAINT form_registers_event_check;
ALTER TABLE form_registers ADD CONSTRAINT form_registers_event_check
    CHECK (event IN ('SUBMIT', 'APPROVE', 'REJECT', 'RETURN', 'OFFER', 'WITHDRAW', 'GRANT', 'ESCALATE'));

-- +goose Down
ALTER TABLE form_registers DROP CONSTRAINT form_registers_event_check;
ALTER TABLE form_registers ADD CONSTRAINT form_registers_event_check
    CHECK (event IN ('SUBMIT', 'APPROVE', 'REJECT', 'RETURN', 'OFFER', 'WITHDRAW', 'GRANT')) NOT VALID;
DROP INDEX applications_late_idx;
ALTER TABLE applications DROP COLUMN late_after;
DROP TABLE delegations;
DROP FUNCTION delegations_end_only;
