-- +goose Up
-- Orders on hold that others went ahead of: a projection of the journal, written with the entry of the order that got credit, which names
-- them. Nothing is written where nothing waits.
CREATE TABLE passed_over (
    root_id       text COLLATE "C" NOT NULL, -- the entry
    account_id    text COLLATE "C" NOT NULL,
    seq           bigint           NOT NULL,
    order_id      text COLLATE "C" NOT NULL, -- the order that waits
    by_order      text COLLATE "C" NOT NULL, -- the order that went ahead
    business_date date             NOT NULL,
    at            timestamptz      NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (root_id, account_id, seq, order_id)
);
CREATE INDEX passed_over_order ON passed_over (order_id, at);
CREATE TRIGGER passed_over_append_only BEFORE UPDATE OR DELETE ON passed_over
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER passed_over_no_truncate BEFORE TRUNCATE ON passed_over
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who judges again all that waits, for a business date under the policy in force: claimed before the work begins, so that of several
-- replicas one does it. A claim whose holder has died is free again when its lease is over, and goes on where it was left.
CREATE TABLE waiting_runs (
    business_date  date             NOT NULL,
    policy_version bigint           NOT NULL,
    worker         text             NOT NULL,
    lease_until    timestamptz      NOT NULL,
    attempts       int              NOT NULL DEFAULT 1,
    after_root     text COLLATE "C" NOT NULL DEFAULT '', -- the last account that was looked at
    after_account  text COLLATE "C" NOT NULL DEFAULT '',
    accounts       bigint           NOT NULL DEFAULT 0,
    approved       bigint           NOT NULL DEFAULT 0,
    ended_at       timestamptz,
    PRIMARY KEY (business_date, policy_version)
);

-- +goose Down
DROP TABLE waiting_runs;
DROP TABLE passed_over;
