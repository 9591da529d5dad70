-- name: AddInvoice :exec
INSERT INTO invoices (invoice_id, customer_id, order_id, invoice_date, due_date, currency, amount, salesperson,
    reference, post_date, created_at, ledger_sequence, unit_id, instalments)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: InvoiceByID :one
SELECT * FROM invoice_documents WHERE invoice_id = $1;
