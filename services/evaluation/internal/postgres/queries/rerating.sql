-- name: PutRerating :exec
INSERT INTO reratings (customer_id, business_date, cause) VALUES ($1, sqlc.arg(business_date)::date, $2)
ON CONFLICT (customer_id) DO UPDATE SET business_date = greatest(reratings.business_date, excluded.business_date), cause = excluded.cause;

-- name: GetRerating :one
SELECT business_date, cause FROM reratings WHERE customer_id = $1;

-- name: DeleteRerating :exec
DELETE FROM reratings WHERE customer_id = $1;

-- name: ListReratings :many
SELECT customer_id FROM reratings ORDER BY business_date, customer_id LIMIT $1;
