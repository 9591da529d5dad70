-- Collection: dunning runs with their lines and letters, where the dunning of each item stands, and what collectors record:
-- promises, disputes, holds, contacts, minutes, action items. What went out and what was said is only added.

-- +goose Up

-- Records of collectors. Every version stays; the head is the newest, with what it is found by.
CREATE TABLE collection_versions (
    kind        text        NOT NULL,
    record_id   text        NOT NULL,
    version     int         NOT NULL CHECK (version > 0),
    body        json        NOT NULL,
    changed_by  text        NOT NULL CHECK (changed_by <> ''),
    change_date date        NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, record_id, version)
);

CREATE TABLE collection_records (
    kind           text        NOT NULL CHECK (kind IN ('PROMISE', 'DISPUTE', 'HOLD', 'CONTACT', 'MINUTES', 'ACTION')),
    record_id      text        NOT NULL,
    version        int         NOT NULL,
    customer_id    text        NOT NULL, -- empty: of no customer
    owner          text        NOT NULL, -- who has to act; empty: nobody
    item_ids       text[]      NOT NULL, -- empty: all of the customer
    live           boolean     NOT NULL, -- not taken back, closed or lifted
    from_date      date        NOT NULL,
    until_date     date,                 -- its last day; null: it still holds
    next_date      date,                 -- a promise: when it is judged next; a contact: the next action; an action: due; null: none
    amount         bigint,               -- of a dispute or a promise of one item; null: all that is open
    after_sequence bigint      NOT NULL, -- of a promise: applications of the account after this one count
    created_at     timestamptz NOT NULL,
    body           json        NOT NULL,
    PRIMARY KEY (kind, record_id),
    FOREIGN KEY (kind, record_id, version) REFERENCES collection_versions
);
CREATE INDEX collection_records_newest_idx   ON collection_records (kind, created_at DESC, record_id DESC);
CREATE INDEX collection_records_customer_idx ON collection_records (customer_id, kind, created_at DESC, record_id DESC);
CREATE INDEX collection_records_next_idx     ON collection_records (kind, next_date) WHERE next_date IS NOT NULL;
CREATE INDEX collection_records_owner_idx    ON collection_records (kind, owner) WHERE live;
-- An item is promised and disputed once at a time (whatever program writes); of promises the domain tells which are over.
CREATE UNIQUE INDEX collection_records_one_dispute_idx ON collection_records ((item_ids[1])) WHERE kind = 'DISPUTE' AND live;

-- Who collects from whom; a customer without a row is its salesperson's.
CREATE TABLE collectors (
    customer_id text PRIMARY KEY,
    collector   text NOT NULL CHECK (collector <> ''),
    assigned_by text NOT NULL,
    assign_date date NOT NULL
);
CREATE INDEX collectors_collector_idx ON collectors (collector, customer_id);

CREATE TABLE dunning_runs (
    dunning_run_id text        PRIMARY KEY,
    number         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    run_date       date        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('PROPOSING', 'PROPOSED', 'SENDING', 'SENT', 'SUPERSEDED', 'DISCARDED', 'FAILED')),
    policy_version bigint      NOT NULL,
    cursor         text        NOT NULL DEFAULT '', -- customers up to this one are done in the present stage
    done           bigint      NOT NULL DEFAULT 0,
    total          bigint      NOT NULL DEFAULT 0,
    lines          bigint      NOT NULL DEFAULT 0,
    customers      bigint      NOT NULL DEFAULT 0,
    letters        bigint      NOT NULL DEFAULT 0,
    finished       bigint      NOT NULL DEFAULT 0,
    proposed_by    text        NOT NULL CHECK (proposed_by <> ''),
    created_at     timestamptz NOT NULL,
    decided_by     text        NOT NULL DEFAULT '',
    decide_date    date,
    comment        text        NOT NULL DEFAULT '',
    error_reason   text        NOT NULL DEFAULT '',
    operation_id   text        NOT NULL
);
-- One run at a time judges or sends.
CREATE UNIQUE INDEX dunning_runs_one_idx ON dunning_runs ((true)) WHERE state IN ('PROPOSING', 'SENDING');

CREATE TABLE dunning_lines (
    dunning_run_id text     NOT NULL,
    customer_id    text     NOT NULL,
    item_id        text     NOT NULL,
    strategy       text     NOT NULL,
    level          smallint NOT NULL CHECK (level >= 0),
    last_level     smallint NOT NULL CHECK (last_level > 0),
    due_date       date     NOT NULL,
    days           int      NOT NULL,
    currency       text     NOT NULL,
    open           bigint   NOT NULL CHECK (open > 0),
    fee            bigint   NOT NULL CHECK (fee >= 0),
    interest       bigint   NOT NULL CHECK (interest >= 0),
    interest_until date,
    state          text     NOT NULL CHECK (state IN ('PROPOSED', 'EXCLUDED', 'SENT', 'DROPPED')),
    reason         text     NOT NULL DEFAULT '',
    changed_by     text     NOT NULL DEFAULT '',
    PRIMARY KEY (dunning_run_id, customer_id, item_id)
) WITH (fillfactor = 80);
CREATE INDEX dunning_lines_item_idx ON dunning_lines (item_id);

-- Letters, and the levels that items took with them: an item takes each level once, whatever program writes.
CREATE TABLE dunning_letters (
    dunning_letter_id text        PRIMARY KEY,
    dunning_run_id    text        NOT NULL,
    customer_id       text        NOT NULL,
    strategy          text        NOT NULL,
    policy_version    bigint      NOT NULL,
    level             smallint    NOT NULL,
    letter_date       date        NOT NULL,
    currency          text        NOT NULL,
    total             bigint      NOT NULL CHECK (total > 0),
    display_name      text        NOT NULL, -- as it was then
    sent_by           text        NOT NULL CHECK (sent_by <> ''),
    created_at        timestamptz NOT NULL,
    UNIQUE (dunning_run_id, customer_id)
);
CREATE INDEX dunning_letters_customer_idx ON dunning_letters (customer_id, created_at DESC, dunning_letter_id DESC);
CREATE INDEX dunning_letters_newest_idx   ON dunning_letters (created_at DESC, dunning_letter_id DESC);

CREATE TABLE dunned_levels (
    item_id           text     NOT NULL,
    level             smallint NOT NULL CHECK (level > 0),
    customer_id       text     NOT NULL,
    dunning_letter_id text     NOT NULL REFERENCES dunning_letters,
    fee_id            text     NOT NULL, -- document that charges the fee; empty: none
    interest_id       text     NOT NULL, -- document that charges the interest; empty: none
    PRIMARY KEY (item_id, level)
);
CREATE INDEX dunned_levels_letter_idx ON dunned_levels (dunning_letter_id);

-- Where the dunning of an item stands: what its letters give.
CREATE TABLE dunning_states (
    item_id        text     PRIMARY KEY,
    customer_id    text     NOT NULL,
    level          smallint NOT NULL DEFAULT 0,
    letter_date    date,
    reminded_for   date,
    reminded_days  smallint NOT NULL DEFAULT 0,
    interest_until date
) WITH (fillfactor = 80);
CREATE INDEX dunning_states_customer_idx ON dunning_states (customer_id) WHERE level > 0;

-- Customers that letters went to; active: not all that was dunned is resolved.
CREATE TABLE dunning_customers (
    customer_id text    PRIMARY KEY,
    letter_date date    NOT NULL,
    active      boolean NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX dunning_customers_active_idx ON dunning_customers (customer_id) WHERE active;

-- Long-running work.
CREATE TABLE IF NOT EXISTS operations (
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
    cursor           text        NOT NULL DEFAULT '',
    outcome          text        NOT NULL DEFAULT '',
    error_reason     text        NOT NULL DEFAULT '',
    error_message    text        NOT NULL DEFAULT '',
    CHECK ((ended_at IS NOT NULL) = (state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')))
);
CREATE INDEX IF NOT EXISTS operations_newest ON operations (created_at DESC, operation_id DESC);
CREATE INDEX IF NOT EXISTS operations_open ON operations (created_at) WHERE state IN ('QUEUED', 'RUNNING');

-- Disputes and promises of items, by day: what aging shows apart and a forecast counts with. One row is a part of an item's
-- open amount (no amount: all of it) from a day on, until_date being its last day (none: it still holds).
CREATE OR REPLACE VIEW item_marks AS
SELECT i.item_id, r.customer_id, CASE r.kind WHEN 'DISPUTE' THEN 'DISPUTED' ELSE 'PROMISED' END AS kind,
       r.from_date, r.until_date, r.amount, CASE r.kind WHEN 'PROMISE' THEN (r.body -> 'parts' -> -1 ->> 'date')::date END AS promised_date
FROM collection_records r CROSS JOIN LATERAL unnest(r.item_ids) AS i (item_id)
WHERE r.kind IN ('DISPUTE', 'PROMISE');

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['collection_versions', 'dunning_letters', 'dunned_levels'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['collection_records', 'dunning_runs', 'dunning_lines', 'dunning_states', 'dunning_customers'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_stay', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW item_marks;
DROP TABLE dunning_customers, dunning_states, dunned_levels, dunning_letters, dunning_lines, dunning_runs, collectors,
    collection_records, collection_versions;
