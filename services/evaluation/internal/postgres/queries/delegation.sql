-- name: InsertDelegation :exec
INSERT INTO delegations (delegation_id, principal, deputy, roles, from_date, last_date, body)
VALUES ($1, $2, $3, $4, sqlc.arg(from_date)::date, sqlc.arg(last_date)::date, $5);

-- name: LockDelegation :one
SELECT body FROM delegations WHERE delegation_id = $1 FOR UPDATE;

-- name: EndDelegation :exec
UPDATE delegations SET last_date = sqlc.arg(last_date)::date, body = $2 WHERE delegation_id = $1;

-- name: DelegationsOn :many
SELECT body FROM delegations
WHERE deputy = $1 AND principal = $2 AND sqlc.arg(today)::date BETWEEN from_date AND last_date ORDER BY number;

-- name: ListDelegations :many
SELECT body, number FROM delegations
WHERE number < sqlc.arg(before_number)
  AND (sqlc.arg(person)::text = '' OR sqlc.arg(person)::text IN (principal, deputy))
  AND (sqlc.narg(on_date)::date IS NULL OR sqlc.narg(on_date)::date BETWEEN from_date AND last_date)
ORDER BY number DESC LIMIT sqlc.arg(most);
