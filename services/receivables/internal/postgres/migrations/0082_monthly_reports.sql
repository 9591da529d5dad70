-- The receivables report of each month, kept as it was made.

-- +goose Up
CREATE TABLE monthly_report_runs (
    month       date        PRIMARY KEY CHECK (extract(day FROM month) = 1),
    worker      text        NOT NULL,
    lease_until timestamptz NOT NULL
);
CREATE TABLE monthly_reports (
    month          date        PRIMARY KEY CHECK (extract(day FROM month) = 1),
    made_at        timestamptz NOT NULL,
    policy_version bigint      NOT NULL,
    content        text        NOT NULL, -- JSON, byte for byte
    hash           bytea       NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER monthly_reports_append_only BEFORE UPDATE OR DELETE ON monthly_reports FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER monthly_reports_no_truncate BEFORE TRUNCATE ON monthly_reports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE monthly_reports, monthly_report_runs;
