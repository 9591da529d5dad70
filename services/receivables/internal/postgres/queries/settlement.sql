-- name: AddInvoiceTerms :exec
INSERT INTO invoice_terms (invoice_id, terms, discount)
SELECT unnest(sqlc.arg(ids)::text[]), nullif(unnest(sqlc.arg(terms)::text[]), '')::jsonb, nullif(unnest(sqlc.arg(discounts)::text[]), '')::jsonb;

-- Discounts that stand and were taken with a receipt.
-- name: DiscountsWith :many
SELECT v.voucher_id FROM vouchers v
WHERE v.about = $1 AND v.kind = 'DISCOUNT' AND NOT EXISTS (SELECT FROM voucher_reversals r WHERE r.voucher_id = v.voucher_id)
ORDER BY v.voucher_id;

-- name: InvoiceTerms :many
SELECT * FROM invoice_terms WHERE invoice_id = ANY (sqlc.arg(ids)::text[]);
