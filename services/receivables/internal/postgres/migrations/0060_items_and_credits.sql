-- Items and credits: every debit document makes items, one an instalment, and every
-- credit document is a source of money; applications join a credit and an item. The
-- lines of an entry move into it, so that one row is one balanced entry and a posting
-- of thousands of documents is a few sets.

-- +goose Up

ALTER TABLE customers ADD COLUMN unit_id text NOT NULL DEFAULT ''; -- sales unit

-- Entries with their lines: accounts and amounts side by side, the receivable account first
-- where the entry moves it.
ALTER TABLE ledger_entries ADD COLUMN accounts text[], ADD COLUMN amounts bigint[];
ALTER TABLE ledger_entries DISABLE TRIGGER USER;
UPDATE ledger_entries e SET accounts = l.accounts, amounts = l.amounts
FROM (SELECT customer_id, sequence, array_agg(account ORDER BY line) AS accounts, array_agg(amount ORDER BY line) AS amounts
      FROM ledger_lines GROUP BY customer_id, sequence) l
WHERE e.customer_id = l.customer_id AND e.sequence = l.sequence;
ALTER TABLE ledger_entries ENABLE TRIGGER USER;
DROP TRIGGER ledger_entries_balance ON ledger_entries;
DROP TRIGGER ledger_entries_follow ON ledger_entries;
DROP TABLE ledger_lines;
DROP FUNCTION ledger_entry_balances(), ledger_entry_follows();

-- +goose StatementBegin
CREATE FUNCTION ledger_sum(amounts bigint[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT coalesce(sum(a), 0) FROM unnest(amounts) a
$$;
-- +goose StatementEnd
ALTER TABLE ledger_entries
    ALTER COLUMN accounts SET NOT NULL,
    ALTER COLUMN amounts SET NOT NULL,
    DROP CONSTRAINT ledger_entries_kind_check,
    DROP CONSTRAINT ledger_entries_amount_check,
    DROP CONSTRAINT ledger_entries_customer_id_fkey,
    ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
        'INVOICE', 'DEBIT_NOTE', 'LATE_INTEREST', 'FEE', 'REFUND', 'CHARGEBACK', 'DISHONOURED_BILL',
        'RECEIPT', 'ADVANCE', 'CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'DISCOUNT', 'CHARGE_WAIVER',
        'BILL', 'BILL_ENDORSED', 'BILL_DISCOUNTED', 'BILL_HONOURED', 'BILL_RECOURSE',
        'DEPOSIT', 'DEPOSIT_USE', 'DEPOSIT_RETURN', 'RECOVERY', 'REVERSAL')),
    ADD CONSTRAINT ledger_entries_lines_check CHECK (
        cardinality(accounts) >= 2 AND cardinality(accounts) = cardinality(amounts)
        AND accounts <@ ARRAY['RECEIVABLE', 'SALES', 'CASH', 'NOTES_RECEIVABLE', 'BILL_OBLIGATION', 'PAYABLE', 'DEPOSITS',
                              'ALLOWANCE', 'SALES_DISCOUNT', 'FINANCE_INCOME', 'FINANCE_COST', 'FEE_INCOME']
        AND NOT 0 = ANY (amounts)),
    -- The entry balances, and what it moves on the receivable account is its amount.
    ADD CONSTRAINT ledger_entries_balance_check CHECK (
        CASE cardinality(amounts) WHEN 2 THEN amounts[1] + amounts[2] = 0 ELSE ledger_sum(amounts) = 0 END
        AND CASE WHEN amount = 0 THEN NOT 'RECEIVABLE' = ANY (accounts)
                 ELSE accounts[1] = 'RECEIVABLE' AND amounts[1] = amount AND NOT 'RECEIVABLE' = ANY (accounts[2:]) END);

-- Each entry follows the one before it, of an account that there is. Checked for all
-- rows of a statement at once; always by the key, whatever the planner thinks of it.
-- +goose StatementBegin
CREATE FUNCTION ledger_entries_follow() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT n.customer_id, n.sequence INTO broken
    FROM added n
    LEFT JOIN accounts a ON a.customer_id = n.customer_id
    LEFT JOIN ledger_entries e ON e.customer_id = n.customer_id AND e.sequence = n.sequence - 1
    WHERE a.customer_id IS NULL
       OR n.sequence > 1 AND (e.hash IS DISTINCT FROM n.prev OR e.balance + n.amount IS DISTINCT FROM n.balance
                              OR e.currency IS DISTINCT FROM n.currency)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger of %: entry % does not follow the one before', broken.customer_id, broken.sequence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER ledger_entries_follow AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_follow();

-- Invoices: in instalments, of a sales unit.
DROP VIEW payment_notice_documents, receipt_documents, invoice_documents;
ALTER TABLE invoices
    ADD COLUMN unit_id text NOT NULL DEFAULT '',
    ADD COLUMN instalments smallint NOT NULL DEFAULT 1 CHECK (instalments > 0),
    DROP CONSTRAINT invoices_customer_id_fkey,
    DROP CONSTRAINT invoices_customer_id_ledger_sequence_fkey; -- items hold it

-- What customers owe: one row an instalment of a debit document.
CREATE TABLE items (
    item_id         text     PRIMARY KEY,
    customer_id     text     NOT NULL,
    document_kind   text     NOT NULL CHECK (document_kind IN (
                                 'INVOICE', 'DEBIT_NOTE', 'LATE_INTEREST', 'FEE', 'REFUND', 'CHARGEBACK', 'DISHONOURED_BILL')),
    document_id     text     NOT NULL,
    instalment      smallint NOT NULL CHECK (instalment > 0),
    order_id        text     NOT NULL,
    document_date   date     NOT NULL,
    due_date        date     NOT NULL,
    currency        text     NOT NULL,
    amount          bigint   NOT NULL CHECK (amount > 0),
    salesperson     text     NOT NULL, -- responsible at posting
    unit_id         text     NOT NULL, -- sales unit; empty: none
    post_date       date     NOT NULL,
    ledger_sequence bigint   NOT NULL
);
INSERT INTO items (item_id, customer_id, document_kind, document_id, instalment, order_id, document_date, due_date, currency,
    amount, salesperson, unit_id, post_date, ledger_sequence)
SELECT invoice_id, customer_id, 'INVOICE', invoice_id, 1, order_id, invoice_date, due_date, currency,
    amount, salesperson, '', post_date, ledger_sequence FROM invoices;
CREATE INDEX items_document_idx ON items (document_id) WHERE item_id <> document_id; -- others have the document's number
CREATE INDEX items_customer_idx ON items (customer_id, due_date);

-- +goose StatementBegin
CREATE FUNCTION items_have_entries() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
    broken text;
BEGIN
    SELECT n.item_id INTO broken
    FROM added n
    LEFT JOIN ledger_entries e ON e.customer_id = n.customer_id AND e.sequence = n.ledger_sequence AND e.document_id = n.document_id
    WHERE e.customer_id IS NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item %: has no entry', broken USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER items_have_entries AFTER INSERT ON items REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION items_have_entries();

-- What pays: one row a credit document.
CREATE TABLE credits (
    credit_id       text   PRIMARY KEY,
    customer_id     text   NOT NULL REFERENCES accounts,
    kind            text   NOT NULL CHECK (kind IN (
                               'RECEIPT', 'ADVANCE', 'BILL', 'CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'DISCOUNT', 'CHARGE_WAIVER', 'DEPOSIT_USE')),
    order_id        text   NOT NULL, -- order that it is kept for; empty: none
    credit_date     date   NOT NULL,
    currency        text   NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    post_date       date   NOT NULL,
    ledger_sequence bigint NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);
INSERT INTO credits (credit_id, customer_id, kind, order_id, credit_date, currency, amount, post_date, ledger_sequence)
SELECT receipt_id, customer_id, 'RECEIPT', '', receipt_date, currency, amount, post_date, ledger_sequence FROM receipts;
CREATE INDEX credits_customer_idx ON credits (customer_id, credit_date);

-- Reversals of any document: of each of its items, or of its credit.
ALTER TABLE invoice_reversals RENAME TO item_reversals;
ALTER TABLE item_reversals RENAME COLUMN invoice_id TO item_id;
ALTER TABLE item_reversals DROP CONSTRAINT invoice_reversals_invoice_id_fkey,
    ADD CONSTRAINT item_reversals_item_id_fkey FOREIGN KEY (item_id) REFERENCES items;
ALTER TABLE receipt_reversals RENAME TO credit_reversals;
ALTER TABLE credit_reversals RENAME COLUMN receipt_id TO credit_id;
ALTER TABLE credit_reversals DROP CONSTRAINT receipt_reversals_receipt_id_fkey,
    ADD CONSTRAINT credit_reversals_credit_id_fkey FOREIGN KEY (credit_id) REFERENCES credits;

ALTER TABLE applications RENAME COLUMN receipt_id TO credit_id;
ALTER TABLE applications RENAME COLUMN invoice_id TO item_id;
ALTER TABLE applications DROP CONSTRAINT applications_receipt_id_fkey, DROP CONSTRAINT applications_invoice_id_fkey,
    ADD CONSTRAINT applications_credit_id_fkey FOREIGN KEY (credit_id) REFERENCES credits,
    ADD CONSTRAINT applications_item_id_fkey FOREIGN KEY (item_id) REFERENCES items;
ALTER INDEX applications_invoice_idx RENAME TO applications_item_idx;
ALTER INDEX applications_receipt_idx RENAME TO applications_credit_idx;

ALTER TABLE invoice_balances RENAME TO item_balances;
ALTER TABLE item_balances RENAME COLUMN invoice_id TO item_id;
ALTER TABLE item_balances DROP CONSTRAINT invoice_balances_invoice_id_fkey; -- written with its item, verified against it
ALTER INDEX invoice_balances_open_idx RENAME TO item_balances_open_idx;
ALTER TABLE receipt_balances RENAME TO credit_balances;
ALTER TABLE credit_balances RENAME COLUMN receipt_id TO credit_id;
ALTER TABLE credit_balances DROP CONSTRAINT receipt_balances_receipt_id_fkey,
    ADD CONSTRAINT credit_balances_credit_id_fkey FOREIGN KEY (credit_id) REFERENCES credits;
ALTER INDEX receipt_balances_unapplied_idx RENAME TO credit_balances_unapplied_idx;

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['items', 'credits'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- The items of a document: its own number where it has one, else number/1, number/2 ...
-- +goose StatementBegin
CREATE FUNCTION item_ids(document_id text, instalments smallint) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN instalments = 1 THEN ARRAY[document_id]
                ELSE ARRAY(SELECT document_id || '/' || n FROM generate_series(1, instalments) n) END
$$;
-- +goose StatementEnd

-- Items and documents with where they stand now.
CREATE VIEW item_documents AS
SELECT i.item_id, i.customer_id, i.document_kind, i.document_id, i.instalment, i.order_id, i.document_date, i.due_date,
       i.currency, i.amount, i.salesperson, i.unit_id, i.post_date, i.ledger_sequence,
       b.open, b.last_application, b.last_undo, r.reverse_date
FROM items i
JOIN item_balances b USING (item_id)
LEFT JOIN item_reversals r USING (item_id);

CREATE VIEW invoice_documents AS
SELECT i.invoice_id, i.customer_id, i.order_id, i.invoice_date, i.due_date, i.currency, i.amount, i.salesperson,
       i.reference, i.post_date, i.created_at, i.ledger_sequence, i.unit_id, i.instalments,
       b.open, b.last_application, b.last_undo, b.reverse_date
FROM invoices i
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.open), 0)::bigint AS open, max(k.last_application)::date AS last_application, max(k.last_undo)::date AS last_undo,
           max(r.reverse_date)::date AS reverse_date
    FROM item_balances k LEFT JOIN item_reversals r USING (item_id)
    WHERE k.item_id = ANY (item_ids(i.invoice_id, i.instalments))) b;

CREATE VIEW receipt_documents AS
SELECT p.receipt_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, p.reference,
       p.post_date, p.created_at, p.ledger_sequence, b.unapplied, b.last_application, b.last_undo, r.reverse_date,
       coalesce(p.payment_notice_id, '')::text AS payment_notice_id
FROM receipts p
JOIN credit_balances b ON b.credit_id = p.receipt_id
LEFT JOIN credit_reversals r ON r.credit_id = p.receipt_id;

CREATE VIEW payment_notice_documents AS
SELECT n.payment_notice_id, n.customer_id, n.order_id, n.invoice_id, n.currency, n.amount, n.instrument, n.expected_date,
       n.last_date, n.reference, n.recorded_by, n.record_date, n.created_at, b.received, b.open,
       coalesce(c.confirmed_by, '')::text AS confirmed_by, c.confirm_date,
       coalesce(w.withdrawn_by, '')::text AS withdrawn_by, w.withdraw_date, coalesce(w.reason, '')::text AS withdraw_reason
FROM payment_notices n
JOIN payment_notice_balances b USING (payment_notice_id)
LEFT JOIN payment_notice_confirmations c USING (payment_notice_id)
LEFT JOIN payment_notice_withdrawals w USING (payment_notice_id);

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    RAISE EXCEPTION 'items and credits are not taken back: the tables before them cannot hold what was posted since';
END;
$$;
-- +goose StatementEnd
