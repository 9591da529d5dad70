-- name: AddItems :exec
INSERT INTO items (item_id, customer_id, document_kind, document_id, instalment, order_id, document_date, due_date, currency,
    amount, salesperson, unit_id, post_date, ledger_sequence)
SELECT unnest(sqlc.arg(item_ids)::text[]), sqlc.arg(customer_id)::text, sqlc.arg(document_kind)::text, sqlc.arg(document_id)::text,
    unnest(sqlc.arg(instalments)::smallint[]), sqlc.arg(order_id)::text, sqlc.arg(document_date)::date, unnest(sqlc.arg(due_dates)::date[]),
    sqlc.arg(currency)::text, unnest(sqlc.arg(amounts)::bigint[]), sqlc.arg(salesperson)::text, sqlc.arg(unit_id)::text,
    sqlc.arg(post_date)::date, sqlc.arg(ledger_sequence)::bigint;

-- name: AddItemBalances :exec
INSERT INTO item_balances (item_id, customer_id, due_date, open)
SELECT unnest(sqlc.arg(item_ids)::text[]), sqlc.arg(customer_id)::text, unnest(sqlc.arg(due_dates)::date[]), unnest(sqlc.arg(amounts)::bigint[]);

-- name: AddItemReversals :exec
INSERT INTO item_reversals (item_id, customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence, memo_id)
SELECT unnest(sqlc.arg(item_ids)::text[]), sqlc.arg(customer_id)::text, sqlc.arg(reverse_date)::date, sqlc.arg(reason)::text,
    sqlc.arg(reversed_by)::text, sqlc.arg(created_at)::timestamptz, sqlc.arg(ledger_sequence)::bigint, sqlc.arg(memo_id)::text;

-- name: CloseItems :exec
UPDATE item_balances SET open = 0 WHERE item_id = ANY (sqlc.arg(item_ids)::text[]);

-- name: OpenItems :many
SELECT d.* FROM item_balances b JOIN item_documents d USING (item_id)
WHERE b.customer_id = $1 AND b.open > 0;

-- Items by their number or by that of their document.
-- name: ItemsNamed :many
SELECT d.* FROM item_documents d
WHERE EXISTS (SELECT FROM item_balances b WHERE b.item_id = d.item_id AND b.customer_id = sqlc.arg(customer_id)::text)
  AND (d.item_id = ANY (sqlc.arg(ids)::text[]) OR (d.item_id <> d.document_id AND d.document_id = ANY (sqlc.arg(ids)::text[])));

-- name: ItemsOfDocuments :many
SELECT * FROM item_documents
WHERE (item_id = ANY (sqlc.arg(ids)::text[]) AND item_id = document_id) OR (item_id <> document_id AND document_id = ANY (sqlc.arg(ids)::text[]))
ORDER BY document_id, instalment;

-- name: Ladders :many
SELECT customer_id, due_date, sum(open)::bigint AS open FROM item_balances
WHERE customer_id = ANY (sqlc.arg(customer_ids)::text[]) AND open > 0 GROUP BY customer_id, due_date ORDER BY customer_id, due_date;
