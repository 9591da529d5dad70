-- What sales answers for: limits of customers by day, and what was charged month by month.

-- +goose Up

-- Limits as the customers' files told of them; each holds from its day until the next.
CREATE TABLE customer_limits (
    customer_id text   NOT NULL,
    sequence    bigint NOT NULL,
    from_date   date   NOT NULL,
    body        json   NOT NULL,
    PRIMARY KEY (customer_id, sequence)
);

CREATE TABLE charge_runs (
    month          date        PRIMARY KEY CHECK (extract(day FROM month) = 1),
    policy_version bigint      NOT NULL,
    lines          bigint      NOT NULL,
    run_by         text        NOT NULL CHECK (run_by <> ''),
    run_date       date        NOT NULL,
    created_at     timestamptz NOT NULL
);

CREATE TABLE charge_lines (
    month        date   NOT NULL, -- its run is written in the same transaction
    item_id      text   NOT NULL,
    kind         text   NOT NULL CHECK (kind IN ('OVER_TERM', 'OVER_LIMIT', 'CORRECTION')),
    customer_id  text   NOT NULL,
    unit_id      text   NOT NULL,
    person       text   NOT NULL,
    charged_to   text   NOT NULL CHECK (charged_to IN ('UNIT', 'PERSON')),
    days         int    NOT NULL,
    balance_days bigint NOT NULL,
    per_mille    text   NOT NULL, -- empty of a correction
    currency     text   NOT NULL,
    amount       bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (month, item_id, kind)
);
CREATE INDEX charge_lines_item_idx   ON charge_lines (item_id);
CREATE INDEX charge_lines_person_idx ON charge_lines (person, month);

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_limits', 'charge_runs', 'charge_lines'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE charge_lines, charge_runs, customer_limits;
