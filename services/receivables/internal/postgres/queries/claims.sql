-- name: AddClaimVersion :exec
INSERT INTO claim_versions (kind, record_id, version, body, changed_by, change_date, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: SaveClaimHead :exec
INSERT INTO claim_heads (kind, record_id, version, customer_id, state, people, item_ids, next_date, body)
VALUES ($1, $2, $3, $4, $5, sqlc.arg(people)::text[], sqlc.arg(item_ids)::text[], sqlc.narg(next_date)::date, $6)
ON CONFLICT (kind, record_id) DO UPDATE SET version = excluded.version, state = excluded.state, people = excluded.people,
    item_ids = excluded.item_ids, next_date = excluded.next_date, body = excluded.body;

-- name: LockClaimHead :one
SELECT version, body FROM claim_heads WHERE kind = $1 AND record_id = $2 FOR UPDATE;

-- name: ClaimHead :one
SELECT body FROM claim_heads WHERE kind = $1 AND record_id = $2;

-- name: ClaimHeads :many
SELECT number, body FROM claim_heads
WHERE kind = sqlc.arg(kind)::text AND number < sqlc.arg(before)::bigint
  AND (sqlc.arg(customer_id)::text = '' OR customer_id = ANY (accounts_under(sqlc.arg(customer_id)::text)))
  AND (sqlc.arg(state)::text = '' OR state = sqlc.arg(state)::text)
  AND (sqlc.arg(person)::text = '' OR people @> ARRAY[sqlc.arg(person)::text])
  AND (sqlc.arg(item_id)::text = '' OR item_ids @> ARRAY[sqlc.arg(item_id)::text])
  AND (sqlc.arg(salesperson)::text = '' OR EXISTS (SELECT FROM account_owners c
       WHERE c.customer_id = claim_heads.customer_id AND c.salesperson = sqlc.arg(salesperson)::text))
ORDER BY number DESC LIMIT sqlc.arg(size)::int;

-- name: ClaimHeadsDue :many
SELECT number, body FROM claim_heads
WHERE kind = sqlc.arg(kind)::text AND next_date <= sqlc.arg(until)::date AND number > sqlc.arg(after)::bigint
ORDER BY number LIMIT sqlc.arg(size)::int;

-- name: HandOverItem :exec
INSERT INTO item_responsibles (item_id, person, hand_over_id, since)
SELECT unnest(sqlc.arg(item_ids)::text[]), sqlc.arg(person)::text, sqlc.arg(hand_over_id)::text, sqlc.arg(since)::date
ON CONFLICT (item_id) DO UPDATE SET person = excluded.person, hand_over_id = excluded.hand_over_id, since = excluded.since;

-- name: CustomersOfSalesperson :many
SELECT customer_id FROM customers WHERE salesperson = $1 ORDER BY customer_id LIMIT $2;

-- name: OpenItem :one
SELECT i.currency, b.open FROM items i JOIN item_balances b USING (item_id) WHERE i.item_id = $1 AND b.customer_id = coalesce((SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = sqlc.arg(customer_id)::text AND m.moved), sqlc.arg(customer_id)::text);

-- name: OpenOfCustomer :one
SELECT coalesce(sum(open), 0)::bigint FROM item_balances WHERE customer_id = $1 AND open > 0;

-- name: ReceivedOn :one
SELECT coalesce(sum(a.amount), 0)::bigint FROM applications a JOIN credits c USING (credit_id)
WHERE a.item_id = ANY (sqlc.arg(item_ids)::text[]) AND c.kind IN ('RECEIPT', 'BILL', 'ADVANCE') AND c.credit_date >= sqlc.arg(from_date)::date;

-- name: EndProceedings :exec
INSERT INTO limitation_event_ends (limitation_event_id, end_date, ended_by, created_at)
SELECT e.limitation_event_id, sqlc.arg(end_date)::date, sqlc.arg(ended_by)::text, sqlc.arg(created_at)::timestamptz
FROM limitation_events e
WHERE e.limitation_event_id = ANY (sqlc.arg(ids)::text[]) AND e.source = 'LEGAL_CASE' AND e.kind = 'PROCEEDING'
ON CONFLICT (limitation_event_id) DO NOTHING;

-- name: PaidOn :many
SELECT c.credit_date, sum(a.amount)::bigint AS amount FROM applications a JOIN credits c USING (credit_id)
WHERE a.item_id = ANY (sqlc.arg(item_ids)::text[]) AND c.kind IN ('RECEIPT', 'BILL', 'ADVANCE')
GROUP BY c.credit_date ORDER BY c.credit_date;
