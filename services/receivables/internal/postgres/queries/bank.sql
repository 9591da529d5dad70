-- name: BankAccount :one
SELECT * FROM bank_accounts WHERE bank_account_id = $1;

-- name: LockBankAccount :one
SELECT * FROM bank_accounts WHERE bank_account_id = $1 FOR NO KEY UPDATE;

-- name: BankAccounts :many
SELECT * FROM bank_accounts ORDER BY bank_account_id;

-- name: BankAccountByNumber :one
SELECT * FROM bank_accounts WHERE number = $1;

-- name: SaveBankAccount :exec
INSERT INTO bank_accounts (bank_account_id, display_name, number, currency, mapping, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (bank_account_id) DO UPDATE SET display_name = excluded.display_name, number = excluded.number, currency = excluded.currency,
    mapping = excluded.mapping, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: BankAccountUsed :one
SELECT EXISTS (SELECT FROM bank_statements WHERE bank_account_id = $1);

-- name: BankStatementsOfFile :many
SELECT * FROM bank_statements WHERE digest = $1 ORDER BY created_at, bank_statement_id;

-- name: AddBankStatement :exec
INSERT INTO bank_statements (bank_statement_id, bank_account_id, format, number, file_name, digest, first_date, last_date, lines, new_lines,
    skipped, currency, opening, closing, difference, imported_by, import_date, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: KnownBankLines :many
SELECT bank_line_id FROM bank_lines WHERE bank_line_id = ANY (sqlc.arg(ids)::text[]);

-- name: AddBankLines :exec
INSERT INTO bank_lines (bank_line_id, bank_account_id, bank_statement_id, booking_date, value_date, currency, amount, bank_reference,
    end_to_end, party_name, party_account, party_bank, text, reversal, batch)
SELECT unnest(sqlc.arg(ids)::text[]), sqlc.arg(bank_account_id)::text, sqlc.arg(bank_statement_id)::text, unnest(sqlc.arg(booking_dates)::date[]),
    unnest(sqlc.arg(value_dates)::date[]), sqlc.arg(currency)::text, unnest(sqlc.arg(amounts)::bigint[]), unnest(sqlc.arg(bank_references)::text[]),
    unnest(sqlc.arg(end_to_ends)::text[]), unnest(sqlc.arg(party_names)::text[]), unnest(sqlc.arg(party_accounts)::text[]),
    unnest(sqlc.arg(party_banks)::text[]), unnest(sqlc.arg(texts)::text[]), unnest(sqlc.arg(reversals)::boolean[]), unnest(sqlc.arg(batches)::int[]);

-- name: AddBankLineStates :exec
INSERT INTO bank_line_states (bank_line_id, state, proposals, customer_id, receipt_id, reason, auto_confirmed, attempt, changed_by, changed_at)
SELECT l.bank_line_id, CASE WHEN l.amount > 0 THEN 'NEW' ELSE 'OUTGOING' END, '[]', '', '', '', false, 0, sqlc.arg(changed_by)::text,
    sqlc.arg(changed_at)::timestamptz
FROM bank_lines l WHERE l.bank_line_id = ANY (sqlc.arg(ids)::text[]);

-- name: BankLine :one
SELECT * FROM bank_line_documents WHERE bank_line_id = $1;

-- name: LockBankLine :one
SELECT state FROM bank_line_states WHERE bank_line_id = $1 FOR NO KEY UPDATE;

-- name: SaveBankLineState :exec
UPDATE bank_line_states SET state = $2, proposals = $3, customer_id = $4, receipt_id = $5, reason = $6, auto_confirmed = $7, attempt = $8,
    changed_by = $9, changed_at = $10
WHERE bank_line_id = $1;

-- Proposals of lines that nobody has dealt with meanwhile.
-- name: ProposeBankLine :execrows
UPDATE bank_line_states SET state = $2, proposals = $3, changed_by = $4, changed_at = $5
WHERE bank_line_id = $1 AND state IN ('NEW', 'PROPOSED') AND (state, proposals) <> ($2, $3::jsonb);

-- Oldest first.
-- name: OpenBankLines :many
SELECT d.* FROM bank_line_documents d
WHERE d.state IN ('NEW', 'PROPOSED') AND (sqlc.arg(bank_account_id)::text = '' OR d.bank_account_id = sqlc.arg(bank_account_id)::text)
  AND (sqlc.arg(bank_statement_id)::text = '' OR d.bank_statement_id = sqlc.arg(bank_statement_id)::text)
ORDER BY d.booking_date, d.bank_line_id LIMIT sqlc.arg(page_size);

-- name: LearnPayerAccount :exec
INSERT INTO payer_accounts (account, customer_id, bank_line_id, learned_by, learned_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING;

-- name: LearnPayerName :exec
INSERT INTO payer_names (normal, customer_id, name, bank_line_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: ForgetPayerAccounts :exec
DELETE FROM payer_accounts WHERE bank_line_id = $1;

-- name: ForgetPayerNames :exec
DELETE FROM payer_names WHERE bank_line_id = $1;

-- Customers whose own name is not among the names that they are known by.
-- name: CustomersNotNamed :many
SELECT c.customer_id, c.display_name FROM customers c
WHERE c.display_name <> '' AND c.customer_id > sqlc.arg(after)::text
  AND NOT EXISTS (SELECT FROM payer_names p WHERE p.customer_id = c.customer_id AND p.bank_line_id IS NULL AND p.name = c.display_name)
ORDER BY c.customer_id LIMIT sqlc.arg(page_size);

-- name: ForgetOwnNames :exec
DELETE FROM payer_names WHERE customer_id = ANY (sqlc.arg(ids)::text[]) AND bank_line_id IS NULL;

-- name: AddOwnNames :exec
INSERT INTO payer_names (normal, customer_id, name)
SELECT unnest(sqlc.arg(normals)::text[]), unnest(sqlc.arg(ids)::text[]), unnest(sqlc.arg(names)::text[])
ON CONFLICT (normal, customer_id) DO UPDATE SET name = excluded.name, bank_line_id = NULL;

-- Who may have paid: by account, by name, by the beginning of a name, by customers', documents' and orders' numbers in the text, by an amount.
-- name: PayersByAccount :many
SELECT account, customer_id FROM payer_accounts WHERE account = ANY (sqlc.arg(accounts)::text[]);

-- name: PayersByName :many
SELECT normal, customer_id FROM payer_names WHERE normal = ANY (sqlc.arg(names)::text[]);

-- name: PayersByPrefix :many
SELECT p.prefix::text AS prefix, n.customer_id
FROM unnest(sqlc.arg(prefixes)::text[]) p (prefix)
CROSS JOIN LATERAL (SELECT customer_id FROM payer_names WHERE normal ~>=~ p.prefix AND normal ~<~ (p.prefix || chr(1114111)) ORDER BY normal USING ~<~ LIMIT 20) n;

-- name: PayersByNumber :many
SELECT customer_id FROM customers WHERE customer_id = ANY (sqlc.arg(words)::text[]);

-- name: PayersByDocument :many
SELECT DISTINCT i.item_id, i.document_id, i.customer_id FROM items i JOIN item_balances b USING (item_id)
WHERE b.open > 0 AND (i.item_id = ANY (sqlc.arg(words)::text[]) OR i.item_id <> i.document_id AND i.document_id = ANY (sqlc.arg(words)::text[]));

-- name: PayersByOrder :many
SELECT DISTINCT v.order_id, v.customer_id FROM invoices v WHERE v.order_id = ANY (sqlc.arg(words)::text[]) AND v.order_id <> '';

-- name: PayersByAmount :many
SELECT b.open, b.customer_id, count(*) AS items FROM item_balances b
WHERE b.open > 0 AND b.open = ANY (sqlc.arg(amounts)::bigint[]) GROUP BY b.open, b.customer_id;

-- What customers owe in a currency, oldest due first, at most so many of each.
-- name: OpenItemsOfPayers :many
SELECT o.* FROM unnest(sqlc.arg(ids)::text[]) c (customer_id)
CROSS JOIN LATERAL (
    SELECT i.item_id, i.customer_id, i.document_id, i.order_id, coalesce(v.reference, '')::text AS reference, i.document_date, i.due_date, b.open
    FROM item_balances b JOIN items i USING (item_id) LEFT JOIN invoices v ON v.invoice_id = i.document_id
    WHERE b.customer_id = c.customer_id AND b.open > 0 AND i.currency = sqlc.arg(currency)::text
    ORDER BY b.due_date, i.document_date, i.item_id LIMIT sqlc.arg(most)) o;

-- name: NamesOfPayers :many
SELECT customer_id, name FROM payer_names WHERE customer_id = ANY (sqlc.arg(ids)::text[]) AND bank_line_id IS NOT NULL;

-- name: AccountsOfPayers :many
SELECT customer_id, account FROM payer_accounts WHERE customer_id = ANY (sqlc.arg(ids)::text[]);
