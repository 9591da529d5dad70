-- name: CustomerByID :one
SELECT * FROM customers WHERE customer_id = $1;

-- Customers only go forward: an older profile changes nothing.
-- name: SaveCustomer :exec
INSERT INTO customers (customer_id, sequence, business_date, display_name, currency, salesperson, updated_at, unit_id, settlement_terms,
    group_id, grade)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (customer_id) DO UPDATE SET
    sequence = excluded.sequence, business_date = excluded.business_date, display_name = excluded.display_name,
    currency = excluded.currency, salesperson = excluded.salesperson, unit_id = excluded.unit_id,
    settlement_terms = excluded.settlement_terms, group_id = excluded.group_id, grade = excluded.grade, updated_at = excluded.updated_at
WHERE customers.sequence < excluded.sequence;

-- name: EnsureAccount :exec
INSERT INTO accounts (customer_id, currency, ledger_sequence, ledger_hash, balance, application_sequence, application_hash)
VALUES ($1, $2, 0, $3, 0, 0, $3)
ON CONFLICT (customer_id) DO NOTHING;

-- name: LockAccount :one
SELECT * FROM accounts WHERE customer_id = $1 AND merged_into IS NULL FOR NO KEY UPDATE;

-- An account that may go on in another one: only under the lock of that.
-- name: LockEndedAccount :one
SELECT * FROM accounts WHERE customer_id = $1 FOR NO KEY UPDATE;

-- name: SaveAccount :exec
UPDATE accounts SET ledger_sequence = $2, ledger_hash = $3, balance = $4, application_sequence = $5, application_hash = $6
WHERE customer_id = $1;

-- The currency of a customer's account; no row before its first posting.
-- name: AccountCurrency :one
SELECT a.currency FROM accounts a WHERE a.customer_id = coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = $1 AND m.moved), $1);

-- name: CustomersByID :many
SELECT * FROM customers WHERE customer_id = ANY (sqlc.arg(ids)::text[]);

-- Accounts of many customers, opened where they are not, in one order, so that two writers do not wait for each other.
-- name: EnsureAccounts :exec
INSERT INTO accounts (customer_id, currency, ledger_sequence, ledger_hash, balance, application_sequence, application_hash)
SELECT c.customer_id, c.currency, 0, sqlc.arg(genesis)::bytea, 0, 0, sqlc.arg(genesis)::bytea
FROM customers c WHERE c.customer_id = ANY (sqlc.arg(ids)::text[]) ORDER BY c.customer_id COLLATE "C"
ON CONFLICT (customer_id) DO NOTHING;

-- name: LockAccounts :many
SELECT * FROM accounts WHERE customer_id = ANY (sqlc.arg(ids)::text[]) AND merged_into IS NULL ORDER BY customer_id COLLATE "C" FOR NO KEY UPDATE;

-- name: SaveLedgerHeads :exec
UPDATE accounts a SET ledger_sequence = u.sequence, ledger_hash = u.hash, balance = u.balance
FROM (SELECT unnest(sqlc.arg(ids)::text[]) AS id, unnest(sqlc.arg(sequences)::bigint[]) AS sequence,
             unnest(sqlc.arg(hashes)::bytea[]) AS hash, unnest(sqlc.arg(balances)::bigint[]) AS balance) u
WHERE a.customer_id = u.id;
