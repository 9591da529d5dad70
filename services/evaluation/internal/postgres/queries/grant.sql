-- name: InsertGrant :exec
INSERT INTO grants (customer_id, version, valid_from, record, prev, hash)
VALUES ($1, $2, sqlc.arg(valid_from)::date, $3, $4, $5);

-- name: CountGrant :exec
UPDATE customers SET grant_version = $2 WHERE customer_id = $1;

-- name: NewestGrant :one
SELECT record, hash FROM grants WHERE customer_id = $1 ORDER BY version DESC LIMIT 1;

-- name: GrantBegunBy :one
SELECT record, hash FROM grants WHERE customer_id = $1 AND valid_from <= sqlc.arg(day)::date
ORDER BY version DESC LIMIT 1;

-- name: ListGrants :many
SELECT record, hash FROM grants WHERE customer_id = $1 AND version < sqlc.arg(before_version)
ORDER BY version DESC LIMIT sqlc.arg(most);

-- name: WalkGrants :many
SELECT customer_id, version AS sequence, valid_from, record, prev, hash FROM grants
WHERE (customer_id, version) > (sqlc.arg(after_customer)::text, sqlc.arg(after_sequence)::bigint)
ORDER BY customer_id, version LIMIT sqlc.arg(most);

-- name: ChainLengths :many
SELECT customer_id, rating_sequence, grant_version FROM customers
WHERE customer_id > sqlc.arg(after_customer)::text ORDER BY customer_id LIMIT sqlc.arg(most);

-- name: ExpiringGrants :many
SELECT file, profile FROM customers
WHERE profile #>> '{grant,treatment}' = 'CREDIT' AND profile #>> '{grant,valid_until_date}' IS NOT NULL
  AND profile #>> '{grant,valid_until_date}' BETWEEN sqlc.arg(from_date)::text AND sqlc.arg(until_date)::text
  AND (profile #>> '{grant,valid_until_date}', customer_id) > (sqlc.arg(after_date)::text, sqlc.arg(after_customer)::text)
  AND (sqlc.arg(salesperson_id)::text = '' OR salesperson_id = sqlc.arg(salesperson_id)::text)
  AND life_cycle <> 'CLOSED'
ORDER BY profile #>> '{grant,valid_until_date}', customer_id LIMIT sqlc.arg(most);
