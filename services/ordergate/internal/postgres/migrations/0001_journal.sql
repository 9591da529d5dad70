-- +goose Up
-- Every table on the decision path begins its keys with root_id, the root of the customer's limit hierarchy, so that every rule
-- that must hold lives in one shard. order_directory alone is keyed by the ERP's number: it says in which root an order lives.

-- One journal an account, numbered without gaps. The primary key is the concurrency control: of two replicas that decide from the
-- same state both write seq + 1, one wins, the other decides again. No row is ever changed.
CREATE TABLE journal (
    root_id          text COLLATE "C"        NOT NULL,
    account_id       text COLLATE "C"        NOT NULL,
    seq              bigint      NOT NULL CHECK (seq > 0),
    kind             text        NOT NULL,
    order_id         text COLLATE "C",
    request_id       text COLLATE "C",
    request_hash     bytea,
    business_date    date        NOT NULL,
    actor            text        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    order_minor      bigint      NOT NULL,
    delivery_minor   bigint      NOT NULL,
    receivable_minor bigint      NOT NULL,
    unapplied_minor  bigint      NOT NULL,
    prepaid_minor    bigint      NOT NULL,
    billed_minor     bigint      NOT NULL,
    profile_at       bigint      NOT NULL, -- entry that holds the profile in force
    position_at      bigint      NOT NULL, -- entry that holds the due ladder
    position_seq     bigint      NOT NULL,
    held             int         NOT NULL,
    forms            bigint      NOT NULL, -- approval forms opened so far
    decision         text,                 -- canonical decision record, byte for byte
    detail           text        NOT NULL,
    hash             bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (root_id, account_id, seq)
) WITH (toast_tuple_target = 8160); -- records of 2-3 kB stay in the row: compressing each would cost more than deciding it
CREATE UNIQUE INDEX journal_request ON journal (root_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX journal_first ON journal (root_id, account_id) WHERE seq = 1;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Orders as they stand: a projection of the journal, written in the same transaction.
CREATE TABLE orders (
    root_id     text COLLATE "C"   NOT NULL,
    order_id    text COLLATE "C"   NOT NULL,
    account_id  text COLLATE "C"   NOT NULL,
    state       text   NOT NULL,
    updated_seq bigint NOT NULL, -- journal entry that it stands at
    doc         text   NOT NULL,
    PRIMARY KEY (root_id, account_id, order_id)
) WITH (toast_tuple_target = 8160);
CREATE INDEX orders_held ON orders (root_id, account_id) WHERE state = 'HELD';

CREATE TABLE order_directory (
    order_id   text COLLATE "C" PRIMARY KEY,
    root_id    text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL
);

-- +goose Down
DROP TABLE order_directory;
DROP TABLE orders;
DROP TABLE journal;
