-- name: InsertViolation :execrows
INSERT INTO violations (violation_id, subject, customer_id, object_id, reason_code, business_date, body)
VALUES ($1, $2, $3, $4, $5, sqlc.arg(business_date)::date, $6)
ON CONFLICT (violation_id) DO NOTHING;

-- name: GetViolation :one
SELECT body FROM violations WHERE violation_id = $1;

-- name: ListViolations :many
SELECT body, number FROM violations
WHERE number < sqlc.arg(before_number)
  AND (sqlc.arg(subject)::text = '' OR subject = sqlc.arg(subject)::text)
  AND (sqlc.arg(customer_id)::text = '' OR customer_id = sqlc.arg(customer_id)::text)
  AND (sqlc.arg(object_id)::text = '' OR object_id = sqlc.arg(object_id)::text)
  AND (sqlc.arg(reason_code)::text = '' OR reason_code = sqlc.arg(reason_code)::text)
  AND (sqlc.narg(from_date)::date IS NULL OR business_date >= sqlc.narg(from_date)::date)
  AND (sqlc.narg(until_date)::date IS NULL OR business_date <= sqlc.narg(until_date)::date)
ORDER BY number DESC LIMIT sqlc.arg(most);

-- name: CustomerOfApplication :one
SELECT customer_id FROM applications WHERE application_id = $1;

-- name: CustomerOfWithdrawal :one
SELECT customer_id FROM withdrawal_requests WHERE withdrawal_request_id = $1;
