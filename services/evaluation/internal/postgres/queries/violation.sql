-- name: CustomerOfApplication :one
SELECT customer_id FROM applications WHERE application_id = $1;

-- name: CustomerOfWithdrawal :one
SELECT customer_id FROM withdrawal_requests WHERE withdrawal_request_id = $1;
