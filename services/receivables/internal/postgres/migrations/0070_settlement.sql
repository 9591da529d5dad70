-- Settlement terms: what was agreed with customers, and what invoices were posted under.

-- +goose Up

ALTER TABLE customers ADD COLUMN settlement_terms jsonb; -- null: none were agreed

-- Of invoices whose due date came about by terms, or that give a discount for paying early.
CREATE TABLE invoice_terms (
    invoice_id text  PRIMARY KEY REFERENCES invoices,
    terms      jsonb, -- null: a due date or a term was named
    discount   jsonb, -- null: none
    CHECK (terms IS NOT NULL OR discount IS NOT NULL)
);
CREATE TRIGGER invoice_terms_append_only BEFORE UPDATE OR DELETE ON invoice_terms FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_terms_no_truncate BEFORE TRUNCATE ON invoice_terms FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE invoice_terms;
ALTER TABLE customers DROP COLUMN settlement_terms;
