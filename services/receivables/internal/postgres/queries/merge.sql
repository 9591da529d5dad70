-- One merge at a time: two of the same row of merges that do not see each other would leave it in pieces.
-- name: LockMergedAccounts :exec
LOCK TABLE merged_accounts IN SHARE ROW EXCLUSIVE MODE;

-- The account is aged under the last of a row of merges.
-- name: MergeAccount :exec
INSERT INTO merged_accounts (customer_id, survivor_id)
VALUES (sqlc.arg(customer_id), coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = sqlc.arg(survivor_id)), sqlc.arg(survivor_id)::text))
ON CONFLICT (customer_id) DO NOTHING;

-- Those aged under an account that is merged itself now follow it.
-- name: FollowMerge :exec
UPDATE merged_accounts f SET survivor_id = m.survivor_id
FROM merged_accounts m WHERE m.customer_id = sqlc.arg(customer_id) AND f.survivor_id = m.customer_id;

-- name: AccountsUnder :many
SELECT customer_id FROM merged_accounts WHERE survivor_id COLLATE "C" = ANY (sqlc.arg(survivor_ids)::text[]) ORDER BY customer_id COLLATE "C";
