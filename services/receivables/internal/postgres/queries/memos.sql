-- name: AddCreditMemo :exec
INSERT INTO credit_memos (memo_id, customer_id, kind, state, next_roles, proposed_by, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: SaveCreditMemo :exec
UPDATE credit_memos SET state = $2, next_roles = $3, body = $4 WHERE memo_id = $1;

-- name: CreditMemoByID :one
SELECT * FROM credit_memos WHERE memo_id = $1;

-- Credit notes that name one of these, an invoice or its instalment, and stand or wait.
-- name: CreditNotesNaming :many
SELECT m.body FROM credit_memos m
LEFT JOIN vouchers v ON v.customer_id = m.customer_id AND v.memo_id = m.memo_id
LEFT JOIN voucher_reversals r ON r.voucher_id = v.voucher_id
WHERE m.customer_id = @customer_id AND m.kind = 'CREDIT_NOTE' AND m.state IN ('PROPOSED', 'POSTED') AND r.voucher_id IS NULL
  AND EXISTS (SELECT FROM json_array_elements(m.body -> 'named') n WHERE n ->> 'InvoiceID' = ANY (@names::text[]))
ORDER BY m.created_at, m.memo_id;

-- What was written off, waived or let go for paying early of items and stands, by their documents.
-- name: GivenUp :many
SELECT i.document_id, sum(a.amount)::bigint AS amount FROM items i
JOIN applications a USING (item_id)
JOIN credits c ON c.credit_id = a.credit_id
WHERE i.item_id = ANY (@item_ids::text[]) AND c.kind IN ('WRITE_OFF', 'CHARGE_WAIVER', 'DISCOUNT')
GROUP BY i.document_id;
