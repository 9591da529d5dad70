-- Payment notices: what customers say of money that is ready for an order (S2.4).
-- A notice and what was done with it are only added; the balances are projections.

-- +goose Up

CREATE TABLE payment_notices (
    payment_notice_id text        PRIMARY KEY,
    customer_id       text        NOT NULL REFERENCES accounts,
    order_id          text        NOT NULL CHECK (order_id <> ''),
    invoice_id        text        NOT NULL, -- empty: those of the order
    currency          text        NOT NULL,
    amount            bigint      NOT NULL CHECK (amount > 0),
    instrument        text        NOT NULL CHECK (instrument IN ('CASH', 'CHEQUE', 'DRAFT', 'REMITTANCE')),
    expected_date     date        NOT NULL,
    last_date         date        NOT NULL CHECK (last_date >= expected_date),
    reference         text        NOT NULL,
    recorded_by       text        NOT NULL CHECK (recorded_by <> ''),
    record_date       date        NOT NULL,
    created_at        timestamptz NOT NULL
);
CREATE INDEX payment_notices_newest_idx   ON payment_notices (created_at DESC, payment_notice_id DESC);
CREATE INDEX payment_notices_customer_idx ON payment_notices (customer_id, created_at DESC, payment_notice_id DESC);
CREATE INDEX payment_notices_order_idx    ON payment_notices (order_id);

CREATE TABLE payment_notice_confirmations (
    payment_notice_id text        PRIMARY KEY REFERENCES payment_notices,
    confirmed_by      text        NOT NULL CHECK (confirmed_by <> ''),
    confirm_date      date        NOT NULL,
    created_at        timestamptz NOT NULL
);

-- Another person confirms than the one who recorded it, whatever program writes.
-- +goose StatementBegin
CREATE FUNCTION payment_notice_two_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payment_notices n
               WHERE n.payment_notice_id = NEW.payment_notice_id AND n.recorded_by = NEW.confirmed_by)
    THEN
        RAISE EXCEPTION 'payment notice %: who recorded it does not confirm it', NEW.payment_notice_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER payment_notice_confirmations_two_people BEFORE INSERT ON payment_notice_confirmations
    FOR EACH ROW EXECUTE FUNCTION payment_notice_two_people();

CREATE TABLE payment_notice_withdrawals (
    payment_notice_id text        PRIMARY KEY REFERENCES payment_notices,
    withdrawn_by      text        NOT NULL CHECK (withdrawn_by <> ''),
    withdraw_date     date        NOT NULL,
    reason            text        NOT NULL CHECK (reason <> ''),
    created_at        timestamptz NOT NULL
);

-- open is what lets goods go: 0 where it is not confirmed, withdrawn, or all received.
CREATE TABLE payment_notice_balances (
    payment_notice_id text   PRIMARY KEY REFERENCES payment_notices,
    customer_id       text   NOT NULL,
    last_date         date   NOT NULL,
    received          bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    open              bigint NOT NULL DEFAULT 0 CHECK (open >= 0)
) WITH (fillfactor = 80);
CREATE INDEX payment_notice_balances_open_idx ON payment_notice_balances (customer_id, last_date) WHERE open > 0;

ALTER TABLE receipts ADD COLUMN payment_notice_id text REFERENCES payment_notices; -- null: for none
CREATE INDEX receipts_notice_idx ON receipts (payment_notice_id) WHERE payment_notice_id IS NOT NULL;

DROP VIEW receipt_documents;
CREATE VIEW receipt_documents AS
SELECT p.receipt_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, p.reference,
       p.post_date, p.created_at, p.ledger_sequence, b.unapplied, b.last_application, b.last_undo, r.reverse_date,
       coalesce(p.payment_notice_id, '')::text AS payment_notice_id
FROM receipts p
JOIN receipt_balances b USING (receipt_id)
LEFT JOIN receipt_reversals r USING (receipt_id);

CREATE VIEW payment_notice_documents AS
SELECT n.payment_notice_id, n.customer_id, n.order_id, n.invoice_id, n.currency, n.amount, n.instrument, n.expected_date,
       n.last_date, n.reference, n.recorded_by, n.record_date, n.created_at, b.received, b.open,
       coalesce(c.confirmed_by, '')::text AS confirmed_by, c.confirm_date,
       coalesce(w.withdrawn_by, '')::text AS withdrawn_by, w.withdraw_date, coalesce(w.reason, '')::text AS withdraw_reason
FROM payment_notices n
JOIN payment_notice_balances b USING (payment_notice_id)
LEFT JOIN payment_notice_confirmations c USING (payment_notice_id)
LEFT JOIN payment_notice_withdrawals w USING (payment_notice_id);

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['payment_notices', 'payment_notice_confirmations', 'payment_notice_withdrawals'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    CREATE TRIGGER payment_notice_balances_stay BEFORE DELETE ON payment_notice_balances FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER payment_notice_balances_no_truncate BEFORE TRUNCATE ON payment_notice_balances FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW payment_notice_documents, receipt_documents;
ALTER TABLE receipts DROP COLUMN payment_notice_id;
CREATE VIEW receipt_documents AS
SELECT p.receipt_id, p.customer_id, p.receipt_date, p.currency, p.amount, p.instrument, p.reference,
       p.post_date, p.created_at, p.ledger_sequence, b.unapplied, b.last_application, b.last_undo, r.reverse_date
FROM receipts p
JOIN receipt_balances b USING (receipt_id)
LEFT JOIN receipt_reversals r USING (receipt_id);
DROP TABLE payment_notice_balances, payment_notice_withdrawals, payment_notice_confirmations, payment_notices;
DROP FUNCTION payment_notice_two_people();
