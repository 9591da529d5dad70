-- +goose Up
-- Reports and long-running work: nothing here is on the decision path, and nothing here changes what is.

-- Who makes the report of a business date: a row for each date, claimed before the work begins, so that of several replicas one makes it.
-- A claim whose holder has died is free again when its lease is over.
CREATE TABLE report_runs (
    business_date date        PRIMARY KEY,
    worker        text        NOT NULL,
    lease_until   timestamptz NOT NULL,
    attempts      int         NOT NULL DEFAULT 1
);

-- Reports as they were made: never changed, never removed.
CREATE TABLE daily_reports (
    business_date  date        PRIMARY KEY,
    made_at        timestamptz NOT NULL,
    policy_version bigint      NOT NULL,
    counts         text        NOT NULL, -- JSON
    content        text        NOT NULL, -- JSON, byte for byte what hash was taken of
    hash           bytea       NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER daily_reports_append_only BEFORE UPDATE OR DELETE ON daily_reports
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER daily_reports_no_truncate BEFORE TRUNCATE ON daily_reports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Long-running work. A process claims it by an UPDATE, saves how far it is, and loses it when its lease is over.
CREATE TABLE operations (
    operation_id     text COLLATE "C" PRIMARY KEY,
    kind             text        NOT NULL,
    state            text        NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    spec             text        NOT NULL, -- JSON
    created_by       text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    ended_at         timestamptz,
    done             bigint      NOT NULL DEFAULT 0,
    total            bigint      NOT NULL DEFAULT 0,
    attempts         int         NOT NULL DEFAULT 0,
    cancel_requested boolean     NOT NULL DEFAULT false,
    worker           text        NOT NULL DEFAULT '',
    lease_until      timestamptz,
    cursor           text        NOT NULL DEFAULT '', -- JSON: where to go on
    outcome          text        NOT NULL DEFAULT '', -- JSON: what came out so far, and in the end
    error_reason     text        NOT NULL DEFAULT '',
    error_message    text        NOT NULL DEFAULT '',
    CHECK ((ended_at IS NOT NULL) = (state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')))
);
CREATE INDEX operations_newest ON operations (created_at DESC, operation_id DESC);
CREATE INDEX operations_open ON operations (created_at) WHERE state IN ('QUEUED', 'RUNNING');

-- Refused acts are few; the report of a date finds them by it.
CREATE INDEX audit_events_refused ON audit_events (business_date) WHERE action LIKE 'refused.%';

-- +goose Down
DROP INDEX audit_events_refused;
DROP TABLE operations;
DROP TABLE daily_reports;
DROP TABLE report_runs;
