-- Documents beside invoices and receipts: debit notes, interest, fees, credit notes, write-offs,
-- deposits, what is done with bills ... One row a document, one entry a row. Receipts learn of
-- orders that they are an advance for, and of bills.

-- +goose Up

ALTER TABLE receipts ADD COLUMN order_id text NOT NULL DEFAULT '', -- advance for it; empty: none
    DROP CONSTRAINT receipts_instrument_check,
    ADD CONSTRAINT receipts_instrument_check CHECK (instrument IN
        ('CASH', 'CHEQUE', 'DRAFT', 'REMITTANCE', 'BANK_ACCEPTANCE', 'COMMERCIAL_ACCEPTANCE'));
ALTER TABLE payment_notices DROP CONSTRAINT payment_notices_instrument_check,
    ADD CONSTRAINT payment_notices_instrument_check CHECK (instrument IN
        ('CASH', 'CHEQUE', 'DRAFT', 'REMITTANCE', 'BANK_ACCEPTANCE', 'COMMERCIAL_ACCEPTANCE'));

-- The bill that a receipt by acceptance is.
CREATE TABLE bills (
    bill_id       text PRIMARY KEY REFERENCES receipts,
    customer_id   text NOT NULL,
    bill_number   text NOT NULL CHECK (bill_number <> ''),
    drawer        text NOT NULL,
    acceptor      text NOT NULL,
    issue_date    date, -- null: not said
    maturity_date date NOT NULL
);
CREATE INDEX bills_maturity_idx ON bills (maturity_date, bill_id);

CREATE TABLE vouchers (
    voucher_id      text        PRIMARY KEY,
    customer_id     text        NOT NULL REFERENCES accounts,
    kind            text        NOT NULL CHECK (kind IN (
                                    'DEBIT_NOTE', 'LATE_INTEREST', 'FEE', 'REFUND', 'CHARGEBACK', 'DISHONOURED_BILL',
                                    'CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'DISCOUNT', 'CHARGE_WAIVER',
                                    'BILL_ENDORSED', 'BILL_DISCOUNTED', 'BILL_HONOURED',
                                    'DEPOSIT', 'DEPOSIT_USE', 'DEPOSIT_RETURN', 'RECOVERY')),
    voucher_date    date        NOT NULL,
    due_date        date,       -- of a debit document
    currency        text        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount > 0),
    cost            bigint      NOT NULL CHECK (cost >= 0 AND cost < amount), -- of discounting a bill
    recourse        boolean     NOT NULL, -- a bill passed on may come back
    order_id        text        NOT NULL,
    about           text        NOT NULL, -- document that it is about: invoice, receipt, deposit, write-off, bill
    instrument      text        NOT NULL,
    counterparty    text        NOT NULL, -- bank, endorsee, document of payables
    reference       text        NOT NULL,
    reason          text        NOT NULL,
    memo_id         text        NOT NULL, -- credit memo that it was posted by; empty: none
    salesperson     text        NOT NULL,
    unit_id         text        NOT NULL,
    post_date       date        NOT NULL,
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence),
    -- Adjustments come about by a credit memo, whatever program writes.
    CHECK (memo_id <> '' OR kind NOT IN ('CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'CHARGE_WAIVER'))
);
CREATE INDEX vouchers_newest_idx   ON vouchers (created_at DESC, voucher_id DESC);
CREATE INDEX vouchers_customer_idx ON vouchers (customer_id, created_at DESC, voucher_id DESC);
CREATE INDEX vouchers_about_idx    ON vouchers (about) WHERE about <> '';

CREATE TABLE voucher_reversals (
    voucher_id      text        PRIMARY KEY REFERENCES vouchers,
    customer_id     text        NOT NULL,
    reverse_date    date        NOT NULL,
    reason          text        NOT NULL CHECK (reason <> ''),
    reversed_by     text        NOT NULL CHECK (reversed_by <> ''),
    created_at      timestamptz NOT NULL,
    ledger_sequence bigint      NOT NULL,
    FOREIGN KEY (customer_id, ledger_sequence) REFERENCES ledger_entries (customer_id, sequence)
);

-- What is left of documents that others draw on: held of a deposit, not recovered of a write-off,
-- at risk of a bill (its whole amount, until it is honoured, comes back or is gone for good).
CREATE TABLE voucher_balances (
    document_id text   PRIMARY KEY,
    customer_id text   NOT NULL,
    kind        text   NOT NULL CHECK (kind IN ('DEPOSIT', 'WRITE_OFF', 'BANK_ACCEPTANCE', 'COMMERCIAL_ACCEPTANCE')),
    amount_left bigint NOT NULL CHECK (amount_left >= 0)
) WITH (fillfactor = 80);
CREATE INDEX voucher_balances_left_idx ON voucher_balances (customer_id, kind) WHERE amount_left > 0;

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bills', 'vouchers', 'voucher_reversals'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    CREATE TRIGGER voucher_balances_stay BEFORE DELETE ON voucher_balances FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER voucher_balances_no_truncate BEFORE TRUNCATE ON voucher_balances FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
END;
$$;
-- +goose StatementEnd

DROP VIEW receipt_documents;
CREATE VIEW receipt_documents AS
SELECT p.receipt_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, p.reference,
       p.post_date, p.created_at, p.ledger_sequence, b.unapplied, b.last_application, b.last_undo, r.reverse_date,
       coalesce(p.payment_notice_id, '')::text AS payment_notice_id, p.order_id,
       coalesce(l.bill_number, '')::text AS bill_number, coalesce(l.drawer, '')::text AS drawer,
       coalesce(l.acceptor, '')::text AS acceptor, l.issue_date, l.maturity_date
FROM receipts p
JOIN credit_balances b ON b.credit_id = p.receipt_id
LEFT JOIN credit_reversals r ON r.credit_id = p.receipt_id
LEFT JOIN bills l ON l.bill_id = p.receipt_id;

-- Vouchers with where they stand now: what is owed of a debit, unapplied of a credit, left of others.
CREATE VIEW voucher_documents AS
SELECT v.voucher_id, v.customer_id, v.kind, v.voucher_date, v.due_date, v.currency, v.amount, v.cost, v.recourse, v.order_id,
       v.about, v.instrument, v.counterparty, v.reference, v.reason, v.memo_id, v.salesperson, v.unit_id, v.post_date,
       v.created_at, v.ledger_sequence,
       coalesce(i.open, 0)::bigint AS open, coalesce(c.unapplied, 0)::bigint AS unapplied, coalesce(b.amount_left, 0)::bigint AS amount_left,
       greatest(i.last_application, c.last_application)::date AS last_application, r.reverse_date
FROM vouchers v
LEFT JOIN item_balances i ON i.item_id = v.voucher_id
LEFT JOIN credit_balances c ON c.credit_id = v.voucher_id
LEFT JOIN voucher_balances b ON b.document_id = v.voucher_id
LEFT JOIN voucher_reversals r USING (voucher_id);

-- Bills with where they are: the last act that stands decides.
CREATE VIEW bill_documents AS
SELECT p.receipt_id AS bill_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, l.bill_number, l.drawer, l.acceptor,
       l.issue_date, l.maturity_date, p.created_at,
       coalesce(a.kind, '')::text AS last_act, coalesce(a.voucher_id, '')::text AS last_act_id, a.voucher_date AS last_act_date,
       coalesce(t.kind, '')::text AS passed_by, coalesce(t.recourse, false) AS recourse, coalesce(t.counterparty, '')::text AS passed_to,
       r.reverse_date
FROM bills l
JOIN receipts p ON p.receipt_id = l.bill_id
LEFT JOIN credit_reversals r ON r.credit_id = l.bill_id
LEFT JOIN LATERAL (SELECT v.kind, v.voucher_id, v.voucher_date FROM vouchers v LEFT JOIN voucher_reversals x USING (voucher_id)
                   WHERE v.about = l.bill_id AND v.kind IN ('BILL_ENDORSED', 'BILL_DISCOUNTED', 'BILL_HONOURED', 'DISHONOURED_BILL')
                     AND x.voucher_id IS NULL ORDER BY v.ledger_sequence DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT v.kind, v.recourse, v.counterparty FROM vouchers v LEFT JOIN voucher_reversals x USING (voucher_id)
                   WHERE v.about = l.bill_id AND v.kind IN ('BILL_ENDORSED', 'BILL_DISCOUNTED')
                     AND x.voucher_id IS NULL ORDER BY v.ledger_sequence DESC LIMIT 1) t ON true;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    RAISE EXCEPTION 'vouchers are not taken back: the tables before them cannot hold what was posted since';
END;
$$;
-- +goose StatementEnd
