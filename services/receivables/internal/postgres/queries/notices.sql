-- name: AddPaymentNotice :exec
INSERT INTO payment_notices (payment_notice_id, customer_id, order_id, invoice_id, currency, amount, instrument, expected_date,
    last_date, reference, recorded_by, record_date, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: AddPaymentNoticeBalance :exec
INSERT INTO payment_notice_balances (payment_notice_id, customer_id, last_date) VALUES ($1, $2, $3);

-- name: AddPaymentNoticeConfirmation :exec
INSERT INTO payment_notice_confirmations (payment_notice_id, confirmed_by, confirm_date, created_at) VALUES ($1, $2, $3, $4);

-- name: AddPaymentNoticeWithdrawal :exec
INSERT INTO payment_notice_withdrawals (payment_notice_id, withdrawn_by, withdraw_date, reason, created_at)
VALUES ($1, $2, $3, $4, $5);

-- name: PaymentNoticeByID :one
SELECT * FROM payment_notice_documents WHERE payment_notice_id = $1;

-- name: FoldPaymentNotice :exec
UPDATE payment_notice_balances b
SET received = t.received,
    open = CASE WHEN t.stands THEN greatest(0, t.amount - t.received) ELSE 0 END
FROM (SELECT n.amount,
             EXISTS (SELECT FROM payment_notice_confirmations c WHERE c.payment_notice_id = n.payment_notice_id)
             AND NOT EXISTS (SELECT FROM payment_notice_withdrawals w WHERE w.payment_notice_id = n.payment_notice_id) AS stands,
             (SELECT coalesce(sum(d.amount), 0)::bigint FROM receipt_documents d
              WHERE d.payment_notice_id = sqlc.arg(payment_notice_id)::text AND d.reverse_date IS NULL) AS received
      FROM payment_notices n WHERE n.payment_notice_id = sqlc.arg(payment_notice_id)::text) t
WHERE b.payment_notice_id = sqlc.arg(payment_notice_id)::text;

-- name: OpenItemsOfOrder :many
SELECT i.item_id, i.document_id FROM item_balances b JOIN items i USING (item_id)
WHERE b.customer_id = $1 AND b.open > 0 AND i.order_id = $2 ORDER BY b.due_date, i.document_date, i.item_id;

-- name: NoticedPayments :many
WITH live AS (
    SELECT b.payment_notice_id FROM payment_notice_balances b
    WHERE b.customer_id = ANY (sqlc.arg(customer_ids)::text[]) AND b.open > 0 AND b.last_date >= sqlc.arg(today)::date
    UNION
    SELECT p.payment_notice_id FROM credit_balances u JOIN receipts p ON p.receipt_id = u.credit_id
    WHERE u.customer_id = ANY (sqlc.arg(customer_ids)::text[]) AND u.unapplied > 0 AND p.payment_notice_id IS NOT NULL
)
SELECT b.customer_id, n.payment_notice_id, n.order_id, n.expected_date, n.last_date, b.open,
    (SELECT coalesce(sum(u.unapplied), 0)::bigint FROM receipts p JOIN credit_balances u ON u.credit_id = p.receipt_id
     WHERE p.payment_notice_id = n.payment_notice_id) AS unapplied,
    (SELECT coalesce(sum(a.amount), 0)::bigint FROM receipts p JOIN applications a ON a.credit_id = p.receipt_id JOIN items i USING (item_id)
     WHERE p.payment_notice_id = n.payment_notice_id AND i.order_id = n.order_id) AS applied
FROM live JOIN payment_notices n USING (payment_notice_id) JOIN payment_notice_balances b USING (payment_notice_id)
WHERE NOT EXISTS (SELECT FROM payment_notice_withdrawals w WHERE w.payment_notice_id = n.payment_notice_id)
ORDER BY b.customer_id, n.payment_notice_id COLLATE "C";
