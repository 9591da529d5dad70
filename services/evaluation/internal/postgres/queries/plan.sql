-- name: InsertPlan :exec
INSERT INTO treatment_plans (plan_id, customer_id, kind, state, owner_id, due_date, body)
VALUES ($1, $2, $3, $4, $5, sqlc.arg(due_date)::date, $6);

-- name: UpdatePlan :exec
UPDATE treatment_plans SET state = $2, owner_id = $3, due_date = sqlc.arg(due_date)::date, body = $4 WHERE plan_id = $1;

-- name: GetPlan :one
SELECT p.body, c.salesperson_id FROM treatment_plans p JOIN customers c ON c.customer_id = p.customer_id WHERE p.plan_id = $1;

-- name: NewestPlans :many
-- The newest plan of each kind.
SELECT DISTINCT ON (kind) body FROM treatment_plans WHERE customer_id = $1 ORDER BY kind, number DESC;

-- name: ListPlans :many
SELECT p.body FROM treatment_plans p JOIN customers c ON c.customer_id = p.customer_id
WHERE (sqlc.narg(after_due)::date IS NULL OR (p.due_date, p.plan_id) > (sqlc.narg(after_due)::date, sqlc.arg(after_id)::text))
  AND (sqlc.arg(customer_id)::text = '' OR p.customer_id = sqlc.arg(customer_id)::text)
  AND (sqlc.arg(owner_id)::text = '' OR p.owner_id = sqlc.arg(owner_id)::text)
  AND (sqlc.arg(state)::text = '' OR p.state = sqlc.arg(state)::text)
  AND (sqlc.arg(salesperson_id)::text = '' OR c.salesperson_id = sqlc.arg(salesperson_id)::text)
  AND (sqlc.narg(due_before)::date IS NULL OR (p.state = 'OPEN' AND p.due_date < sqlc.narg(due_before)::date))
ORDER BY p.due_date, p.plan_id LIMIT sqlc.arg(most);
