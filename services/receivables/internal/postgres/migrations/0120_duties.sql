-- Separation of duties: money goes back to a customer, and a debit document is taken back, by an approved credit memo
-- only, whatever program writes. What was posted before stays as it is.

-- +goose Up

ALTER TABLE credit_memos DROP CONSTRAINT credit_memos_kind_check,
    ADD CONSTRAINT credit_memos_kind_check CHECK (kind IN
        ('CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'CHARGE_WAIVER', 'REVERSAL', 'REFUND', 'DEPOSIT_RETURN'));

ALTER TABLE vouchers ADD CONSTRAINT vouchers_paid_back_by_memo
    CHECK (memo_id <> '' OR kind NOT IN ('REFUND', 'DEPOSIT_RETURN')) NOT VALID; -- holds from now on

-- The memo that took a debit document back; empty: the ERP cancelled its invoice, or it was before.
ALTER TABLE item_reversals ADD COLUMN memo_id text NOT NULL DEFAULT '';

-- Without a memo only an invoice is taken back that nothing was ever applied to: its ERP cancelled it.
-- +goose StatementBegin
CREATE FUNCTION reversed_by_memo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.memo_id = '' AND EXISTS (
        SELECT FROM items i JOIN item_balances b USING (item_id)
        WHERE i.item_id = NEW.item_id AND (i.document_kind <> 'INVOICE' OR b.last_application IS NOT NULL))
    THEN
        RAISE EXCEPTION '% is taken back by an approved credit memo only', NEW.item_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER item_reversals_by_memo BEFORE INSERT ON item_reversals FOR EACH ROW EXECUTE FUNCTION reversed_by_memo();

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    RAISE EXCEPTION 'what was posted by memos cannot be told from what was not before them';
END;
$$;
-- +goose StatementEnd
