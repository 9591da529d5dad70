-- name: AddCreditMemo :exec
INSERT INTO credit_memos (memo_id, customer_id, kind, state, next_roles, proposed_by, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: SaveCreditMemo :exec
UPDATE credit_memos SET state = $2, next_roles = $3, body = $4 WHERE memo_id = $1;

-- name: CreditMemoByID :one
SELECT * FROM credit_memos WHERE memo_id = $1;
