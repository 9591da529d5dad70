-- name: AddInvoiceTerms :exec
INSERT INTO invoice_terms (invoice_id, terms, discount)
SELECT unnest(sqlc.arg(ids)::text[]), nullif(unnest(sqlc.arg(terms)::text[]), '')::jsonb, nullif(unnest(sqlc.arg(discounts)::text[]), '')::jsonb;

-- name: InvoiceTerms :many
SELECT * FROM invoice_terms WHERE invoice_id = ANY (sqlc.arg(ids)::text[]);
