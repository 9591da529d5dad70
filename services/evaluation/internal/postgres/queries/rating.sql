-- name: InsertRating :exec
INSERT INTO ratings (customer_id, sequence, rating_id, business_date, policy_version, grade, record, prev, hash, create_time)
VALUES ($1, $2, $3, sqlc.arg(business_date)::date, $4, $5, $6, $7, $8, $9);

-- name: CountRating :exec
UPDATE customers SET rating_sequence = $2 WHERE customer_id = $1;

-- name: NewestRating :one
SELECT record, hash FROM ratings WHERE customer_id = $1 ORDER BY sequence DESC LIMIT 1;

-- name: GetRating :one
SELECT r.record, r.hash, r.prev, c.salesperson_id
FROM ratings r JOIN customers c ON c.customer_id = r.customer_id WHERE r.rating_id = $1;

-- name: ListRatings :many
SELECT record, hash FROM ratings WHERE customer_id = $1 AND sequence < sqlc.arg(before_sequence)
ORDER BY sequence DESC LIMIT sqlc.arg(most);

-- name: WalkRatings :many
SELECT customer_id, sequence, rating_id, business_date, policy_version, grade, record, prev, hash FROM ratings
WHERE (customer_id, sequence) > (sqlc.arg(after_customer)::text, sqlc.arg(after_sequence)::bigint)
ORDER BY customer_id, sequence LIMIT sqlc.arg(most);
