-- +goose Up
-- Verifications by the clock, one for each business date: claimed before the work begins, so that of several replicas one does it. A claim
-- whose holder has died is free again when its lease is over.
CREATE TABLE verification_runs (
    business_date date        PRIMARY KEY,
    worker        text        NOT NULL,
    lease_until   timestamptz NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    chains        bigint      NOT NULL DEFAULT 0,
    entries       bigint      NOT NULL DEFAULT 0,
    breaks        text        NOT NULL DEFAULT '[]' -- JSON: what did not hold
);

-- +goose Down
DROP TABLE verification_runs;
