-- name: AddInvoice :exec
INSERT INTO invoices (invoice_id, customer_id, order_id, invoice_date, due_date, currency, amount, salesperson,
    reference, post_date, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: AddInvoiceBalance :exec
INSERT INTO invoice_balances (invoice_id, customer_id, due_date, open) VALUES ($1, $2, $3, $4);

-- name: AddInvoiceReversal :exec
INSERT INTO invoice_reversals (invoice_id, customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: CloseInvoice :exec
UPDATE invoice_balances SET open = 0 WHERE invoice_id = $1;

-- name: InvoiceByID :one
SELECT * FROM invoice_documents WHERE invoice_id = $1;

-- name: OpenInvoices :many
SELECT d.* FROM invoice_balances b JOIN invoice_documents d USING (invoice_id)
WHERE b.customer_id = $1 AND b.open > 0;

-- name: InvoicesByID :many
SELECT * FROM invoice_documents WHERE customer_id = sqlc.arg(customer_id) AND invoice_id = ANY (sqlc.arg(ids)::text[]);

-- name: Ladder :many
SELECT due_date, sum(open)::bigint AS open FROM invoice_balances
WHERE customer_id = $1 AND open > 0 GROUP BY due_date ORDER BY due_date;
