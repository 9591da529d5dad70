-- Runs over all customers: long-running work, payment records asked for it, and what it made of each customer.

-- +goose Up
SET LOCAL statement_timeout = 0;

-- What very many customers are read by, of their file and of what the other phases were told last. The database derives it, so that
-- it never says anything else.
ALTER TABLE customers
    ADD COLUMN unit_id           text GENERATED ALWAYS AS (file->>'unit_id') STORED,
    ADD COLUMN currency_code     text GENERATED ALWAYS AS (file->>'currency_code') STORED,
    ADD COLUMN usual_currency    text GENERATED ALWAYS AS (file->'usual_purchase'->>'currency_code') STORED,
    ADD COLUMN usual_amount      text GENERATED ALWAYS AS (file->'usual_purchase'->>'amount') STORED,
    ADD COLUMN granted_version   bigint GENERATED ALWAYS AS ((profile->'grant'->>'version')::bigint) STORED,
    ADD COLUMN granted_grade     text GENERATED ALWAYS AS (profile->'grant'->>'grade') STORED,
    ADD COLUMN granted_treatment text GENERATED ALWAYS AS (profile->'grant'->>'treatment') STORED,
    ADD COLUMN granted_amount    text GENERATED ALWAYS AS (profile->'grant'->'limit'->'amount'->>'amount') STORED,
    ADD COLUMN granted_unlimited boolean GENERATED ALWAYS AS ((profile->'grant'->'limit'->>'unlimited')::boolean) STORED,
    ADD COLUMN granted_term      int GENERATED ALWAYS AS ((profile->'grant'->>'term_days')::int) STORED,
    ADD COLUMN granted_grace     int GENERATED ALWAYS AS ((profile->'grant'->>'grace_days')::int) STORED,
    ADD COLUMN granted_until     text GENERATED ALWAYS AS (profile->'grant'->>'valid_until_date') STORED;

-- Long-running work (pkg/operation). A process claims it by an UPDATE, saves how far it is, and loses it when its lease is over.
CREATE TABLE operations (
    operation_id     text COLLATE "C" PRIMARY KEY,
    number           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
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

-- Payment records as receivables told them for a day, amounts in minor units of the account's currency. A copy, to be asked for again.
CREATE TABLE payment_records (
    customer_id         text COLLATE "C" PRIMARY KEY REFERENCES customers,
    as_of               date        NOT NULL,
    window_start        date        NOT NULL,
    asked_at            timestamptz NOT NULL,
    currency_code       text        NOT NULL,
    fallen_due          bigint      NOT NULL,
    collected           bigint      NOT NULL,
    collected_on_time   bigint      NOT NULL,
    settled_items       bigint      NOT NULL,
    late_items          bigint      NOT NULL,
    late_amount_days    text        NOT NULL, -- a whole number of any size
    settled_amount      bigint      NOT NULL,
    longest_days_late   int         NOT NULL,
    oldest_overdue_days int         NOT NULL,
    defaults            bigint      NOT NULL,
    first_invoice       date,
    open_amount         bigint      NOT NULL,
    invoice_minor       bigint[]    NOT NULL, -- of the invoices from window_start on, rising
    broken_promises     bigint, -- NULL, as below: not told
    last_year           bigint,
    year_before         bigint
);

-- What a run made of a customer, limits in minor units of currency_code. Rows are added by the run and removed with old runs, never changed.
CREATE TABLE portfolio_rows (
    run              bigint NOT NULL,
    customer_id      text COLLATE "C" NOT NULL,
    salesperson_id   text NOT NULL,
    unit_id          text NOT NULL,
    group_id         text NOT NULL,
    currency_code    text NOT NULL,
    grade_before     text NOT NULL,
    grade_after      text NOT NULL,
    treatment_before text NOT NULL,
    treatment_after  text NOT NULL,
    limit_before     bigint, -- NULL: no credit, or unlimited
    limit_after      bigint,
    unlimited_before boolean NOT NULL,
    unlimited_after  boolean NOT NULL,
    recommended      bigint, -- NULL: none
    term_before      int NOT NULL,
    term_after       int NOT NULL,
    deciding         text NOT NULL,
    rating_id        text NOT NULL,
    unchanged        boolean NOT NULL,
    problem          text NOT NULL,
    PRIMARY KEY (run, customer_id)
);

-- +goose Down
DROP TABLE portfolio_rows, payment_records, operations;
ALTER TABLE customers DROP COLUMN unit_id, DROP COLUMN currency_code, DROP COLUMN usual_currency, DROP COLUMN usual_amount,
    DROP COLUMN granted_version, DROP COLUMN granted_grade, DROP COLUMN granted_treatment, DROP COLUMN granted_amount,
    DROP COLUMN granted_unlimited, DROP COLUMN granted_term, DROP COLUMN granted_grace, DROP COLUMN granted_until;
