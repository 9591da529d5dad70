-- name: AddReceipt :exec
INSERT INTO receipts (receipt_id, customer_id, receipt_date, currency, amount, instrument, reference, post_date,
    created_at, ledger_sequence, payment_notice_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: AddReceiptBalance :exec
INSERT INTO receipt_balances (receipt_id, customer_id, unapplied) VALUES ($1, $2, $3);

-- name: AddReceiptReversal :exec
INSERT INTO receipt_reversals (receipt_id, customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: CloseReceipt :exec
UPDATE receipt_balances SET unapplied = 0 WHERE receipt_id = $1;

-- name: ReceiptByID :one
SELECT * FROM receipt_documents WHERE receipt_id = $1;

-- name: UnappliedOf :one
SELECT coalesce(sum(unapplied), 0)::bigint AS unapplied FROM receipt_balances WHERE customer_id = $1 AND unapplied > 0;

-- name: AddApplications :exec
INSERT INTO applications (customer_id, sequence, receipt_id, invoice_id, currency, amount, application_date, post_date,
    applied_by, created_at, prev, hash)
SELECT sqlc.arg(customer_id)::text, unnest(sqlc.arg(sequences)::bigint[]), unnest(sqlc.arg(receipt_ids)::text[]),
    unnest(sqlc.arg(invoice_ids)::text[]), sqlc.arg(currency)::text, unnest(sqlc.arg(amounts)::bigint[]),
    unnest(sqlc.arg(dates)::date[]), sqlc.arg(post_date)::date, sqlc.arg(applied_by)::text,
    sqlc.arg(created_at)::timestamptz, unnest(sqlc.arg(prevs)::bytea[]), unnest(sqlc.arg(hashes)::bytea[]);

-- name: ApplyToInvoices :exec
UPDATE invoice_balances b
SET open = b.open - t.amount, last_application = greatest(b.last_application, t.newest), last_undo = greatest(b.last_undo, t.undo)
FROM (SELECT u.id, sum(u.amount)::bigint AS amount, max(u.date) AS newest, max(u.date) FILTER (WHERE u.amount < 0) AS undo
      FROM (SELECT unnest(sqlc.arg(invoice_ids)::text[]) AS id, unnest(sqlc.arg(amounts)::bigint[]) AS amount,
                   unnest(sqlc.arg(dates)::date[]) AS date) u
      GROUP BY u.id) t
WHERE b.invoice_id = t.id;

-- name: ApplyToReceipts :exec
UPDATE receipt_balances b
SET unapplied = b.unapplied - t.amount, last_application = greatest(b.last_application, t.newest), last_undo = greatest(b.last_undo, t.undo)
FROM (SELECT u.id, sum(u.amount)::bigint AS amount, max(u.date) AS newest, max(u.date) FILTER (WHERE u.amount < 0) AS undo
      FROM (SELECT unnest(sqlc.arg(receipt_ids)::text[]) AS id, unnest(sqlc.arg(amounts)::bigint[]) AS amount,
                   unnest(sqlc.arg(dates)::date[]) AS date) u
      GROUP BY u.id) t
WHERE b.receipt_id = t.id;

-- name: ApplicationsOfInvoice :many
SELECT receipt_id, invoice_id, currency, amount, application_date FROM applications WHERE invoice_id = $1 ORDER BY application_date, sequence;

-- name: ApplicationsOfReceipt :many
SELECT receipt_id, invoice_id, currency, amount, application_date FROM applications WHERE receipt_id = $1 ORDER BY application_date, sequence;

-- name: ApplicationsOfReceipts :many
SELECT receipt_id, invoice_id, currency, amount, application_date FROM applications
WHERE receipt_id = ANY (sqlc.arg(ids)::text[]) ORDER BY receipt_id, application_date, sequence;
