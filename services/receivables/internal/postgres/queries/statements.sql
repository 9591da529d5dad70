-- name: SaveCorrespondence :exec
INSERT INTO correspondence (customer_id, emails, language, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (customer_id) DO UPDATE SET emails = excluded.emails, language = excluded.language, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: Correspondences :many
SELECT * FROM correspondence WHERE customer_id = ANY (sqlc.arg(ids)::text[]);

-- name: AddAccountStatement :exec
INSERT INTO account_statements (statement_id, customer_id, kind, language, as_of_date, content, drafted_by, draft_date, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: AddAccountStatementState :exec
INSERT INTO account_statement_states (statement_id, customer_id, kind, as_of_date, stage, detail, letter_key, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: SaveAccountStatementState :exec
UPDATE account_statement_states SET stage = $2, detail = $3, letter_key = $4, changed_at = $5 WHERE statement_id = $1;

-- name: LockAccountStatement :one
SELECT statement_id FROM account_statement_states WHERE statement_id = $1 FOR NO KEY UPDATE;

-- name: AddBalanceConfirmation :exec
INSERT INTO balance_confirmations (statement_id, customer_id, as_of_date, agreed_date, currency, agreed_balance, answered_by, recorded_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- Customers who owe something or have money here, and have no statement of a kind and day.
-- name: CustomersWithoutStatement :many
SELECT a.customer_id FROM accounts a
WHERE (EXISTS (SELECT FROM item_balances b WHERE b.customer_id = a.customer_id AND b.open > 0)
       OR EXISTS (SELECT FROM credit_balances b WHERE b.customer_id = a.customer_id AND b.unapplied > 0))
  AND NOT EXISTS (SELECT FROM account_statement_states s WHERE s.customer_id = a.customer_id AND s.kind = sqlc.arg(kind)::text
                  AND s.as_of_date = sqlc.arg(as_of)::date AND s.stage <> 'CANCELLED')
ORDER BY a.customer_id LIMIT sqlc.arg(most);

-- name: StatementOpening :one
SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)) AND entry_date < sqlc.arg(day)::date;

-- name: StatementEntries :many
SELECT entry_date, kind, document_id, amount FROM ledger_entries
WHERE customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)) AND entry_date >= sqlc.arg(from_day)::date AND entry_date <= sqlc.arg(to_day)::date AND amount <> 0
ORDER BY entry_date, customer_id <> sqlc.arg(customer_id)::text, customer_id, sequence LIMIT sqlc.arg(most);

-- What was open on a day, oldest due first.
-- name: StatementItems :many
SELECT i.item_id, i.document_date, i.due_date, i.amount, (i.amount - coalesce(a.amount, 0))::bigint AS open
FROM items i
LEFT JOIN item_reversals r ON r.item_id = i.item_id AND r.reverse_date <= sqlc.arg(day)::date
LEFT JOIN LATERAL (SELECT sum(p.amount) AS amount FROM applications p WHERE p.item_id = i.item_id AND p.application_date <= sqlc.arg(day)::date) a ON true
WHERE i.customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)) AND i.document_date <= sqlc.arg(day)::date AND r.item_id IS NULL AND i.amount > coalesce(a.amount, 0)
ORDER BY i.due_date, i.document_date, i.item_id LIMIT sqlc.arg(most);

-- Money that was not applied on a day.
-- name: StatementUnapplied :one
SELECT coalesce(sum(c.amount - coalesce(a.amount, 0)), 0)::bigint
FROM credits c
LEFT JOIN credit_reversals r ON r.credit_id = c.credit_id AND r.reverse_date <= sqlc.arg(day)::date
LEFT JOIN LATERAL (SELECT sum(p.amount) AS amount FROM applications p WHERE p.credit_id = c.credit_id AND p.application_date <= sqlc.arg(day)::date) a ON true
WHERE c.customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)) AND c.credit_date <= sqlc.arg(day)::date AND r.credit_id IS NULL;
