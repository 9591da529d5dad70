-- name: InsertCustomer :exec
INSERT INTO customers (customer_id, display_name, salesperson_id, group_id, region, industry, life_cycle, grade,
    uscc, number_key, create_time, file, profile, root_group_id, merged_into_id, registration_key, name_keys, name_head, name_tail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);

-- name: UpdateCustomer :exec
UPDATE customers SET display_name = $2, salesperson_id = $3, group_id = $4, region = $5, industry = $6,
    life_cycle = $7, grade = $8, uscc = $9, number_key = $10, file = $11, profile = $12, root_group_id = $13,
    merged_into_id = $14, registration_key = $15, name_keys = $16, name_head = $17, name_tail = $18
WHERE customer_id = $1;

-- name: GetCustomer :one
SELECT file, profile, rating_sequence, grant_version FROM customers WHERE customer_id = $1;

-- name: LockCustomer :one
SELECT file, profile, rating_sequence, grant_version FROM customers WHERE customer_id = $1 FOR NO KEY UPDATE;

-- name: Duplicates :many
-- Files that have something in common with one; the domain says whether it is enough.
SELECT file FROM customers
WHERE customer_id <> sqlc.arg(customer_id)
  AND ((uscc <> '' AND uscc = sqlc.arg(uscc)) OR number_key = sqlc.arg(number_key)
    OR (registration_key <> '' AND registration_key = sqlc.arg(registration_key))
    OR name_keys && sqlc.arg(name_keys)::text[]
    OR (name_head <> '' AND name_head = ANY(sqlc.arg(name_heads)::text[]))
    OR (name_tail <> '' AND name_tail = ANY(sqlc.arg(name_tails)::text[])))
  AND (sqlc.arg(everybodys)::boolean OR salesperson_id = sqlc.arg(salesperson_id))
ORDER BY (uscc <> '' AND uscc = sqlc.arg(uscc)) DESC, number_key = sqlc.arg(number_key) DESC,
    name_keys && sqlc.arg(name_keys)::text[] DESC, customer_id
LIMIT sqlc.arg(most);

-- name: SetReviewed :exec
UPDATE customers SET reviewed_on = sqlc.arg(reviewed_on)::date WHERE customer_id = $1;
