-- name: AddReceiptPlan :exec
INSERT INTO receipt_plans (plan_id, customer_id, currency, amount, body, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: ReceiptPlanByID :one
SELECT * FROM receipt_plan_documents WHERE plan_id = $1;

-- name: AddReceiptRegistration :exec
INSERT INTO receipt_registrations (registration_id, plan_id, receipt_id, amount, state, body) VALUES ($1, $2, $3, $4, $5, $6);

-- name: SaveReceiptRegistration :exec
UPDATE receipt_registrations SET state = $2, body = $3 WHERE registration_id = $1;

-- name: ReceiptRegistrationByID :one
SELECT body FROM receipt_registrations WHERE registration_id = $1;

-- name: ReceiptRegistrationsOf :many
SELECT body FROM receipt_registrations WHERE plan_id = $1 ORDER BY registration_id;
