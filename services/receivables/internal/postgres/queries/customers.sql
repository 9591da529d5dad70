-- name: CustomerByID :one
SELECT * FROM customers WHERE customer_id = $1;

-- Customers only go forward: an older profile changes nothing.
-- name: SaveCustomer :exec
INSERT INTO customers (customer_id, sequence, business_date, display_name, currency, salesperson, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (customer_id) DO UPDATE SET
    sequence = excluded.sequence, business_date = excluded.business_date, display_name = excluded.display_name,
    currency = excluded.currency, salesperson = excluded.salesperson, updated_at = excluded.updated_at
WHERE customers.sequence < excluded.sequence;

-- name: EnsureAccount :exec
INSERT INTO accounts (customer_id, currency, ledger_sequence, ledger_hash, balance, application_sequence, application_hash)
VALUES ($1, $2, 0, $3, 0, 0, $3)
ON CONFLICT (customer_id) DO NOTHING;

-- name: LockAccount :one
SELECT * FROM accounts WHERE customer_id = $1 FOR NO KEY UPDATE;

-- name: SaveAccount :exec
UPDATE accounts SET ledger_sequence = $2, ledger_hash = $3, balance = $4, application_sequence = $5, application_hash = $6
WHERE customer_id = $1;

-- The currency of a customer's account; no row before its first posting.
-- name: AccountCurrency :one
SELECT currency FROM accounts WHERE customer_id = $1;
