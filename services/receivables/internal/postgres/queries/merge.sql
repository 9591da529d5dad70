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

-- name: SurvivorOf :one
SELECT survivor_id, moved FROM merged_accounts WHERE customer_id = $1;

-- Accounts that go on in another one.
-- name: MovedAccounts :many
SELECT customer_id, survivor_id FROM merged_accounts WHERE customer_id = ANY (sqlc.arg(ids)::text[]) AND moved;

-- Where an account goes on; no row: it is none that was merged.
-- name: GoesOnIn :one
SELECT merged_into::text FROM accounts WHERE customer_id = $1 AND merged_into IS NOT NULL;

-- name: EndAccount :exec
UPDATE accounts SET merged_into = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MarkMoved :exec
UPDATE merged_accounts SET moved = true, position_sequence = sqlc.arg(position_sequence) WHERE customer_id = sqlc.arg(customer_id);

-- What the gate is told of accounts that went along, up to the last position under their own numbers.
-- name: MovedInto :many
SELECT survivor_id, customer_id, position_sequence FROM merged_accounts
WHERE survivor_id COLLATE "C" = ANY (sqlc.arg(survivor_ids)::text[]) AND moved ORDER BY customer_id COLLATE "C";

-- name: MoveItems :exec
UPDATE item_balances SET customer_id = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MoveCredits :exec
UPDATE credit_balances SET customer_id = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MoveVouchers :exec
UPDATE voucher_balances SET customer_id = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MoveNotices :exec
UPDATE payment_notice_balances SET customer_id = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MoveCollectionRecords :exec
UPDATE collection_records SET customer_id = sqlc.arg(survivor_id)::text,
    after_account = CASE WHEN kind = 'PROMISE' AND after_account = '' THEN customer_id ELSE after_account END
WHERE customer_id = sqlc.arg(customer_id)::text;

-- name: MoveDunningStates :exec
UPDATE dunning_states SET customer_id = sqlc.arg(survivor_id)::text WHERE customer_id = sqlc.arg(customer_id)::text;

-- The newer letter counts; what was dunned of either is not resolved while it is not of both.
-- name: MoveDunningCustomer :exec
WITH gone AS (DELETE FROM dunning_customers d WHERE d.customer_id = sqlc.arg(customer_id)::text RETURNING d.letter_date, d.active)
INSERT INTO dunning_customers (customer_id, letter_date, active) SELECT sqlc.arg(survivor_id)::text, letter_date, active FROM gone
ON CONFLICT (customer_id) DO UPDATE SET letter_date = greatest(dunning_customers.letter_date, excluded.letter_date), active = dunning_customers.active OR excluded.active;

-- The ladder of an account that went along; its newest date is the survivor's too.
-- name: EndLadder :one
DELETE FROM due_ladders WHERE customer_id = $1 RETURNING newest, oldest;

-- name: OwnerOf :one
SELECT salesperson::text FROM account_owners WHERE customer_id = $1;
