-- name: AddReceipt :exec
INSERT INTO receipts (receipt_id, customer_id, receipt_date, currency, amount, instrument, reference, post_date,
    created_at, ledger_sequence, payment_notice_id, order_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: AddCredit :exec
INSERT INTO credits (credit_id, customer_id, kind, order_id, credit_date, currency, amount, post_date, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: AddCreditBalance :exec
INSERT INTO credit_balances (credit_id, customer_id, unapplied) VALUES ($1, $2, $3);

-- name: AddCreditReversal :exec
INSERT INTO credit_reversals (credit_id, customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: CloseCredit :exec
UPDATE credit_balances SET unapplied = 0 WHERE credit_id = $1;

-- name: ReceiptByID :one
SELECT * FROM receipt_documents WHERE receipt_id = $1;

-- name: UnappliedOf :many
SELECT customer_id, sum(unapplied)::bigint AS unapplied FROM credit_balances
WHERE customer_id = ANY (sqlc.arg(customer_ids)::text[]) AND unapplied > 0 GROUP BY customer_id;

-- name: AddApplications :exec
INSERT INTO applications (customer_id, sequence, credit_id, item_id, currency, amount, application_date, post_date,
    applied_by, created_at, prev, hash)
SELECT sqlc.arg(customer_id)::text, unnest(sqlc.arg(sequences)::bigint[]), unnest(sqlc.arg(credit_ids)::text[]),
    unnest(sqlc.arg(item_ids)::text[]), sqlc.arg(currency)::text, unnest(sqlc.arg(amounts)::bigint[]),
    unnest(sqlc.arg(dates)::date[]), sqlc.arg(post_date)::date, sqlc.arg(applied_by)::text,
    sqlc.arg(created_at)::timestamptz, unnest(sqlc.arg(prevs)::bytea[]), unnest(sqlc.arg(hashes)::bytea[]);

-- name: ApplyToItems :exec
UPDATE item_balances b
SET open = b.open - t.amount, last_application = greatest(b.last_application, t.newest), last_undo = greatest(b.last_undo, t.undo)
FROM (SELECT u.id, sum(u.amount)::bigint AS amount, max(u.date) AS newest, max(u.date) FILTER (WHERE u.amount < 0) AS undo
      FROM (SELECT unnest(sqlc.arg(item_ids)::text[]) AS id, unnest(sqlc.arg(amounts)::bigint[]) AS amount,
                   unnest(sqlc.arg(dates)::date[]) AS date) u
      GROUP BY u.id) t
WHERE b.item_id = t.id;

-- name: ApplyToCredits :exec
UPDATE credit_balances b
SET unapplied = b.unapplied - t.amount, last_application = greatest(b.last_application, t.newest), last_undo = greatest(b.last_undo, t.undo)
FROM (SELECT u.id, sum(u.amount)::bigint AS amount, max(u.date) AS newest, max(u.date) FILTER (WHERE u.amount < 0) AS undo
      FROM (SELECT unnest(sqlc.arg(credit_ids)::text[]) AS id, unnest(sqlc.arg(amounts)::bigint[]) AS amount,
                   unnest(sqlc.arg(dates)::date[]) AS date) u
      GROUP BY u.id) t
WHERE b.credit_id = t.id;

-- name: ApplicationsOfItems :many
SELECT credit_id, item_id, currency, amount, application_date FROM applications
WHERE item_id = ANY (sqlc.arg(ids)::text[]) ORDER BY application_date, sequence;

-- name: ApplicationsOfCredits :many
SELECT credit_id, item_id, currency, amount, application_date FROM applications
WHERE credit_id = ANY (sqlc.arg(ids)::text[]) ORDER BY credit_id, application_date, sequence;
