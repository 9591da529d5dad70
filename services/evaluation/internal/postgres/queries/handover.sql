-- name: InsertHandOver :exec
INSERT INTO customer_hand_overs (hand_over_id, customer_id, from_id, to_id, state, body) VALUES ($1, $2, $3, $4, $5, $6);

-- name: UpdateHandOver :exec
UPDATE customer_hand_overs SET state = $2, body = $3 WHERE hand_over_id = $1;

-- name: GetHandOver :one
SELECT body FROM customer_hand_overs WHERE hand_over_id = $1;

-- name: LockHandOver :one
SELECT body FROM customer_hand_overs WHERE hand_over_id = $1 FOR UPDATE;

-- name: ListHandOvers :many
SELECT body, number FROM customer_hand_overs
WHERE number < sqlc.arg(before_number)
  AND (sqlc.arg(customer_id)::text = '' OR customer_id = sqlc.arg(customer_id)::text)
  AND (sqlc.arg(state)::text = '' OR state = sqlc.arg(state)::text)
  AND (sqlc.arg(person)::text = '' OR sqlc.arg(person)::text IN (from_id, to_id))
ORDER BY number DESC LIMIT sqlc.arg(most);
