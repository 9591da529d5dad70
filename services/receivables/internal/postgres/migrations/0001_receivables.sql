-- Receivables: documents, the sales ledger, what is applied to what. What is
-- posted never changes; accounts and *_balances are projections of it that carry
-- the locks and keep a write from reading a customer's whole history.

-- +goose Up

-- Customers as evaluation tells of them: the newest profile.
CREATE TABLE customers (
    customer_id   text        PRIMARY KEY,
    sequence      bigint      NOT NULL CHECK (sequence > 0),
    business_date date        NOT NULL,
    display_name  text        NOT NULL,
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    salesperson   text        NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX customers_salesperson_idx ON customers (salesperson, customer_id);

-- One account a customer, in one currency. A writer locks its row first, so a
-- customer's changes take turns; the heads let a missing tail be noticed.
CREATE TABLE accounts (
    customer_id          text   PRIMARY KEY REFERENCES customers,
    currency             text   NOT NULL,
    ledger_sequence      bigint NOT NULL CHECK (ledger_sequence >= 0),
    ledger_hash          bytea  NOT NULL CHECK (length(ledger_hash) = 32),
    balance              bigint NOT NULL,
    application_sequence bigint NOT NULL CHECK (application_sequence >= 0),
    application_hash     bytea  NOT NULL CHECK (length(application_hash) = 32)
) WITH (fillfactor = 70);

CREATE TABLE ledger_entries (
    customer_id       text        NOT NULL REFERENCES accounts,
    sequence          bigint      NOT NULL CHECK (sequence > 0),
    kind              text        NOT NULL CHECK (kind IN ('INVOICE', 'RECEIPT', 'REVERSAL')),
    entry_date        date        NOT NULL,
    post_date         date        NOT NULL,
    document_id       text        NOT NULL,
    currency          text        NOT NULL,
    amount            bigint      NOT NULL CHECK (amount <> 0),
    balance           bigint      NOT NULL,
    reverses_sequence bigint      CHECK (reverses_sequence < sequence),
    text              text        NOT NULL,
    posted_by         text        NOT NULL CHECK (posted_by <> ''),
    created_at        timestamptz NOT NULL,
    document_digest   bytea       NOT NULL CHECK (length(document_digest) = 32),
    prev              bytea       NOT NULL CHECK (length(prev) = 32),
    hash              bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (customer_id, sequence),
    FOREIGN KEY (customer_id, reverses_sequence) REFERENCES ledger_entries (customer_id, sequence),
    CHECK ((kind = 'REVERSAL') = (reverses_sequence IS NOT NULL))
);
-- An entry is taken back at most once.
CREATE UNIQUE INDEX ledger_entries_reverses_idx ON ledger_entries (customer_id, reverses_sequence)
    WHERE reverses_sequence IS NOT NULL;

CREATE TABLE ledger_lines (
    customer_id text     NOT NULL,
    sequence    bigint   NOT NULL,
    line        smallint NOT NULL CHECK (line > 0),
    account     text     NOT NULL CHECK (account IN ('RECEIVABLE', 'SALES', 'CASH')),
    currency    text     NOT NULL,
    amount      bigint   NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (customer_id, sequence, line),
    FOREIGN KEY (customer_id, sequence) REFERENCES ledger_entries (customer_id, sequence)
);

-- +goose StatementBegin
CREATE FUNCTION ledger_entry_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence > 1 AND NOT EXISTS (
        SELECT FROM ledger_entries e
        WHERE e.customer_id = NEW.customer_id AND e.sequence = NEW.sequence - 1
          AND e.hash = NEW.prev AND e.balance + NEW.amount = NEW.balance AND e.currency = NEW.currency)
    THEN
        RAISE EXCEPTION 'ledger of %: entry % does not follow the one before', NEW.customer_id, NEW.sequence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER ledger_entries_follow BEFORE INSERT ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_follows();

-- At commit every entry has lines that sum to zero in each currency, and its
-- receivable lines are its amount.
-- +goose StatementBegin
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry ledger_entries%ROWTYPE;
BEGIN
    SELECT * INTO entry FROM ledger_entries e WHERE e.customer_id = NEW.customer_id AND e.sequence = NEW.sequence;
    IF EXISTS (SELECT FROM ledger_lines l WHERE l.customer_id = NEW.customer_id AND l.sequence = NEW.sequence
               GROUP BY l.currency HAVING sum(l.amount) <> 0)
       OR NOT EXISTS (SELECT FROM ledger_lines l WHERE l.customer_id = NEW.customer_id AND l.sequence = NEW.sequence
               AND l.account = 'RECEIVABLE' AND l.currency = entry.currency HAVING sum(l.amount) = entry.amount)
    THEN
        RAISE EXCEPTION 'ledger of %: entry % does not balance', NEW.customer_id, NEW.sequence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER ledger_lines_balance AFTER INSERT ON ledger_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

CREATE TABLE invoices (
    invoice_id      text        PRIMARY KEY,
    customer_id     text        NOT NULL REFERENCES accounts,
    order_id        text        NOT NULL,
    invoice_date    date        NOT NULL,
    due_date        date        NOT NULL,
    currency        text        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount > 0),
    salesperson     text        NOT NULL,
    reference       text        NOT NULL,
    post_date       date        NOT NULL,
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);
CREATE INDEX invoices_newest_idx   ON invoices (created_at DESC, invoice_id DESC);
CREATE INDEX invoices_customer_idx ON invoices (customer_id, created_at DESC, invoice_id DESC);
CREATE INDEX invoices_order_idx    ON invoices (order_id) WHERE order_id <> '';

CREATE TABLE receipts (
    receipt_id      text        PRIMARY KEY,
    customer_id     text        NOT NULL REFERENCES accounts,
    receipt_date    date        NOT NULL,
    currency        text        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount > 0),
    instrument      text        NOT NULL CHECK (instrument IN ('CASH', 'CHEQUE', 'DRAFT', 'REMITTANCE')),
    reference       text        NOT NULL,
    post_date       date        NOT NULL,
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);
CREATE INDEX receipts_newest_idx   ON receipts (created_at DESC, receipt_id DESC);
CREATE INDEX receipts_customer_idx ON receipts (customer_id, created_at DESC, receipt_id DESC);

CREATE TABLE invoice_reversals (
    invoice_id      text        PRIMARY KEY REFERENCES invoices,
    customer_id     text        NOT NULL,
    reverse_date    date        NOT NULL,
    reason          text        NOT NULL CHECK (reason <> ''),
    reversed_by     text        NOT NULL CHECK (reversed_by <> ''),
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);

CREATE TABLE receipt_reversals (
    receipt_id      text        PRIMARY KEY REFERENCES receipts,
    customer_id     text        NOT NULL,
    reverse_date    date        NOT NULL,
    reason          text        NOT NULL CHECK (reason <> ''),
    reversed_by     text        NOT NULL CHECK (reversed_by <> ''),
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);

-- What money is applied to what; an undoing is a negative row. Chained per customer.
CREATE TABLE applications (
    customer_id      text        NOT NULL REFERENCES accounts,
    sequence         bigint      NOT NULL CHECK (sequence > 0),
    receipt_id       text        NOT NULL REFERENCES receipts,
    invoice_id       text        NOT NULL REFERENCES invoices,
    currency         text        NOT NULL,
    amount           bigint      NOT NULL CHECK (amount <> 0),
    application_date date        NOT NULL,
    post_date        date        NOT NULL,
    applied_by       text        NOT NULL CHECK (applied_by <> ''),
    created_at       timestamptz NOT NULL,
    prev             bytea       NOT NULL CHECK (length(prev) = 32),
    hash             bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (customer_id, sequence)
);
CREATE INDEX applications_invoice_idx ON applications (invoice_id, sequence);
CREATE INDEX applications_receipt_idx ON applications (receipt_id, sequence);

CREATE TABLE invoice_balances (
    invoice_id       text   PRIMARY KEY REFERENCES invoices,
    customer_id      text   NOT NULL,
    due_date         date   NOT NULL,
    open             bigint NOT NULL CHECK (open >= 0),
    last_application date, -- newest application, an undoing included
    last_undo        date  -- newest undoing
) WITH (fillfactor = 80);
CREATE INDEX invoice_balances_open_idx ON invoice_balances (customer_id, due_date) WHERE open > 0;

CREATE TABLE receipt_balances (
    receipt_id       text   PRIMARY KEY REFERENCES receipts,
    customer_id      text   NOT NULL,
    unapplied        bigint NOT NULL CHECK (unapplied >= 0),
    last_application date,
    last_undo        date
) WITH (fillfactor = 80);
CREATE INDEX receipt_balances_unapplied_idx ON receipt_balances (customer_id) WHERE unapplied > 0;

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ledger_entries', 'ledger_lines', 'invoices', 'receipts',
                                'invoice_reversals', 'receipt_reversals', 'applications'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['accounts', 'invoice_balances', 'receipt_balances'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_stay', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- Documents with where they stand now.
CREATE VIEW invoice_documents AS
SELECT i.invoice_id, i.customer_id, i.order_id, i.invoice_date, i.due_date, i.currency, i.amount, i.salesperson,
       i.reference, i.post_date, i.created_at, i.ledger_sequence, b.open, b.last_application, b.last_undo, r.reverse_date
FROM invoices i
JOIN invoice_balances b USING (invoice_id)
LEFT JOIN invoice_reversals r USING (invoice_id);

CREATE VIEW receipt_documents AS
SELECT p.receipt_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, p.reference,
       p.post_date, p.created_at, p.ledger_sequence, b.unapplied, b.last_application, b.last_undo, r.reverse_date
FROM receipts p
JOIN receipt_balances b USING (receipt_id)
LEFT JOIN receipt_reversals r USING (receipt_id);

-- +goose Down
DROP VIEW receipt_documents, invoice_documents;
DROP TABLE receipt_balances, invoice_balances, applications, receipt_reversals, invoice_reversals,
    receipts, invoices, ledger_lines, ledger_entries, accounts, customers;
DROP FUNCTION ledger_entry_balances(), ledger_entry_follows();
