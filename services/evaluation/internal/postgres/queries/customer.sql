-- name: InsertCustomer :exec
INSERT INTO customers (customer_id, display_name, salesperson_id, group_id, region, industry, life_cycle, grade,
    uscc, number_key, name_key, create_time, file, profile)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: UpdateCustomer :exec
UPDATE customers SET display_name = $2, salesperson_id = $3, group_id = $4, region = $5, industry = $6,
    life_cycle = $7, grade = $8, uscc = $9, number_key = $10, name_key = $11, file = $12, profile = $13
WHERE customer_id = $1;

-- name: GetCustomer :one
SELECT file, profile, rating_sequence, grant_version FROM customers WHERE customer_id = $1;

-- name: LockCustomer :one
SELECT file, profile, rating_sequence, grant_version FROM customers WHERE customer_id = $1 FOR NO KEY UPDATE;

-- name: Duplicates :many
SELECT customer_id FROM customers
WHERE customer_id <> sqlc.arg(customer_id)
  AND ((uscc <> '' AND uscc = sqlc.arg(uscc)) OR number_key = sqlc.arg(number_key)
    OR (name_key <> '' AND name_key = sqlc.arg(name_key)))
  AND (sqlc.arg(everybodys)::boolean OR salesperson_id = sqlc.arg(salesperson_id))
ORDER BY customer_id LIMIT 20;

-- name: SetReviewed :exec
UPDATE customers SET reviewed_on = sqlc.arg(reviewed_on)::date WHERE customer_id = $1;

-- name: DueForReview :many
SELECT customer_id FROM customers
WHERE reviewed_on <= sqlc.arg(reviewed_by)::date AND life_cycle <> 'CLOSED'
ORDER BY reviewed_on, customer_id LIMIT $1;
