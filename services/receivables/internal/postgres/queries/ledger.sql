-- name: AddLedgerEntry :exec
INSERT INTO ledger_entries (customer_id, sequence, kind, entry_date, post_date, document_id, currency, amount, balance,
    reverses_sequence, text, posted_by, created_at, document_digest, prev, hash, accounts, amounts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: LedgerEntry :one
SELECT * FROM ledger_entries WHERE customer_id = $1 AND sequence = $2;

-- name: LedgerPage :many
SELECT * FROM ledger_entries
WHERE customer_id = $1 AND sequence > sqlc.arg(after)
  AND (sqlc.narg(from_date)::date IS NULL OR entry_date >= sqlc.narg(from_date))
  AND (sqlc.narg(to_date)::date IS NULL OR entry_date <= sqlc.narg(to_date))
  AND (sqlc.narg(known_on)::date IS NULL OR post_date <= sqlc.narg(known_on))
ORDER BY sequence LIMIT sqlc.arg(size);

-- name: BalanceAt :many
SELECT currency, sum(amount)::bigint AS balance FROM ledger_entries
WHERE customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)) AND (sqlc.narg(to_date)::date IS NULL OR entry_date <= sqlc.narg(to_date))
  AND (sqlc.narg(known_on)::date IS NULL OR post_date <= sqlc.narg(known_on))
GROUP BY currency ORDER BY currency;
