-- name: AddVoucher :exec
INSERT INTO vouchers (voucher_id, customer_id, kind, voucher_date, due_date, currency, amount, cost, recourse, order_id, about,
    instrument, counterparty, reference, reason, memo_id, salesperson, unit_id, post_date, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21);

-- name: AddVoucherReversal :exec
INSERT INTO voucher_reversals (voucher_id, customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: VoucherByID :one
SELECT * FROM voucher_documents WHERE voucher_id = $1;

-- name: AddVoucherBalance :exec
INSERT INTO voucher_balances (document_id, customer_id, kind, amount_left) VALUES ($1, $2, $3, $4);

-- name: MoveVoucherBalance :execrows
UPDATE voucher_balances SET amount_left = amount_left + sqlc.arg(change)::bigint WHERE document_id = sqlc.arg(document_id)::text;

-- name: LeftOf :many
SELECT customer_id, kind, sum(amount_left)::bigint AS amount_left FROM voucher_balances
WHERE customer_id = ANY (sqlc.arg(customer_ids)::text[]) AND amount_left > 0 GROUP BY customer_id, kind;

-- name: AddBill :exec
INSERT INTO bills (bill_id, customer_id, bill_number, drawer, acceptor, issue_date, maturity_date) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: BillByID :one
SELECT * FROM bill_documents WHERE bill_id = $1;

-- name: CreditByID :one
SELECT c.credit_id, c.customer_id, c.kind, c.order_id, c.credit_date, c.currency, c.amount, c.post_date, c.ledger_sequence,
       b.unapplied, b.last_application, b.last_undo, r.reverse_date
FROM credits c JOIN credit_balances b USING (credit_id) LEFT JOIN credit_reversals r USING (credit_id)
WHERE c.credit_id = $1;

-- Sum of the vouchers of a kind that are about a document and stand.
-- name: SumAbout :one
SELECT coalesce(sum(v.amount), 0)::bigint AS amount FROM vouchers v LEFT JOIN voucher_reversals r USING (voucher_id)
WHERE v.about = $1 AND v.kind = $2 AND r.voucher_id IS NULL;

-- The newest date of the vouchers of a kind that are about a document and stand.
-- name: LastAbout :one
SELECT max(v.voucher_date)::date AS last FROM vouchers v LEFT JOIN voucher_reversals r USING (voucher_id)
WHERE v.about = ANY (@about::text[]) AND v.kind = @kind AND r.voucher_id IS NULL;
