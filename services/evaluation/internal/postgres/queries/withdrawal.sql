-- name: InsertWithdrawalRequest :exec
INSERT INTO withdrawal_requests (withdrawal_request_id, customer_id, state, due_date, body)
VALUES ($1, $2, $3, sqlc.arg(due_date)::date, $4);

-- name: UpdateWithdrawalRequest :exec
UPDATE withdrawal_requests SET state = $2, body = $3 WHERE withdrawal_request_id = $1;

-- name: OpenWithdrawalRequest :one
SELECT body FROM withdrawal_requests WHERE customer_id = $1 AND state = 'OPEN' FOR UPDATE;

-- name: GetWithdrawalRequest :one
SELECT w.body, c.salesperson_id FROM withdrawal_requests w JOIN customers c ON c.customer_id = w.customer_id
WHERE w.withdrawal_request_id = $1;

-- name: LockWithdrawalRequest :one
SELECT body FROM withdrawal_requests WHERE withdrawal_request_id = $1 FOR UPDATE;

-- name: ListWithdrawalRequests :many
SELECT w.body, w.number FROM withdrawal_requests w JOIN customers c ON c.customer_id = w.customer_id
WHERE w.number < sqlc.arg(before_number)
  AND (sqlc.arg(customer_id)::text = '' OR w.customer_id = sqlc.arg(customer_id)::text)
  AND (sqlc.arg(state)::text = '' OR w.state = sqlc.arg(state)::text)
  AND (sqlc.arg(salesperson_id)::text = '' OR c.salesperson_id = sqlc.arg(salesperson_id)::text)
  AND (NOT sqlc.arg(escalated)::bool OR (w.state = 'OPEN' AND w.due_date < sqlc.arg(today)::date))
  AND (NOT sqlc.arg(open_only)::bool OR w.state = 'OPEN')
ORDER BY w.number DESC LIMIT sqlc.arg(most);
