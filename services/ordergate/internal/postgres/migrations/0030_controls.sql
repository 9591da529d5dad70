-- +goose Up
-- Blocks, stops, and what expires are part of an account's state, so they are in its journal: control_at names the entry that holds the
-- control in force, next_expiry a day before which no order of the account expires. Both are 0 and NULL in entries from before.
ALTER TABLE journal ADD COLUMN control_at bigint NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN next_expiry date;
CREATE INDEX journal_control ON journal (root_id, account_id, seq) WHERE control_at = seq;

-- The last day on which an order goes as it stands; read only for accounts whose next_expiry has passed.
ALTER TABLE orders ADD COLUMN expires_on date;
CREATE INDEX orders_expiring ON orders (root_id, account_id) WHERE expires_on IS NOT NULL;

-- Stops and releases of all customers in one order: a projection of the outbox, written by its relay under one lock, so that whoever
-- reads behind a position misses none. Not on the decision path.
CREATE TABLE shipment_log (
    pos         bigint      PRIMARY KEY CHECK (pos > 0),
    customer_id text COLLATE "C" NOT NULL,
    seq         bigint      NOT NULL CHECK (seq > 0),
    payload     text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (customer_id, seq)
);
CREATE TRIGGER shipment_log_append_only BEFORE UPDATE OR DELETE ON shipment_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER shipment_log_no_truncate BEFORE TRUNCATE ON shipment_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Receivers of stops and releases. The key of their signatures is sealed with the service's own.
CREATE TABLE webhooks (
    id         text        PRIMARY KEY,
    url        text        NOT NULL,
    types      text[]      NOT NULL,
    secret     bytea       NOT NULL,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- +goose Down
DROP TABLE webhooks;
DROP TABLE shipment_log;
DROP INDEX orders_expiring;
ALTER TABLE orders DROP COLUMN expires_on;
DROP INDEX journal_control;
ALTER TABLE journal DROP COLUMN next_expiry;
ALTER TABLE journal DROP COLUMN control_at;
