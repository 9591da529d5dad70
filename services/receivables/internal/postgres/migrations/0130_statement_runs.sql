-- Statements that go out by themselves: one run of a kind and day, whatever replica makes it.

-- +goose Up

CREATE TABLE statement_runs (
    kind        text        NOT NULL CHECK (kind IN ('ACCOUNT', 'CONFIRMATION')),
    as_of_date  date        NOT NULL,
    worker      text        NOT NULL,
    lease_until timestamptz NOT NULL,
    cursor      text        NOT NULL DEFAULT '', -- customers up to this one have been looked at
    finished_at timestamptz,
    PRIMARY KEY (kind, as_of_date)
);
CREATE TRIGGER statement_runs_stay BEFORE DELETE ON statement_runs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_runs_no_truncate BEFORE TRUNCATE ON statement_runs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE statement_runs;
