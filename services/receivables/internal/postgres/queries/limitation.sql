-- name: AddLimitationEvent :exec
INSERT INTO limitation_events (limitation_event_id, customer_id, item_id, kind, event_date, evidence, source, recorded_by, record_date, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: AddLimitationEventEnd :exec
INSERT INTO limitation_event_ends (limitation_event_id, end_date, ended_by, created_at) VALUES ($1, $2, $3, $4);

-- name: AddLimitationEventWithdrawal :exec
INSERT INTO limitation_event_withdrawals (limitation_event_id, withdrawn_by, reason, created_at) VALUES ($1, $2, $3, $4);

-- name: LimitationEventByID :one
SELECT * FROM limitation_event_facts WHERE limitation_event_id = $1;

-- name: LockLimitationEvent :one
SELECT limitation_event_id FROM limitation_events WHERE limitation_event_id = $1 FOR UPDATE;

-- name: LimitationEventsOfCustomers :many
SELECT * FROM limitation_event_facts WHERE customer_id = ANY (accounts_beside(sqlc.arg(customer_ids)::text[])) AND withdrawn_by = '';

-- Money that the customer paid for an item and that stands: bills and receipts, not what we did ourselves.
-- name: PartPayments :many
SELECT a.item_id, a.credit_id, c.kind, c.credit_date
FROM applications a JOIN credits c USING (credit_id)
WHERE a.item_id = ANY (sqlc.arg(item_ids)::text[]) AND c.kind IN ('RECEIPT', 'BILL', 'ADVANCE')
GROUP BY a.item_id, a.credit_id, c.kind, c.credit_date HAVING sum(a.amount) > 0
UNION ALL
-- What came in of what was written off.
SELECT a.item_id, v.voucher_id, v.kind, v.voucher_date
FROM vouchers v JOIN applications a ON a.credit_id = v.about
WHERE v.kind = 'RECOVERY' AND a.item_id = ANY (sqlc.arg(item_ids)::text[])
  AND NOT EXISTS (SELECT FROM voucher_reversals r WHERE r.voucher_id = v.voucher_id)
GROUP BY a.item_id, v.voucher_id, v.kind, v.voucher_date HAVING sum(a.amount) > 0;

-- name: AddWarning :execrows
INSERT INTO warnings (kind, object_id, last_date, days_ahead, customer_id, owner, currency, amount, text, warning_date, late_days, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (kind, object_id, last_date, days_ahead) DO NOTHING;

-- name: WarningsGiven :many
SELECT object_id, last_date, days_ahead FROM warnings WHERE kind = $1 AND object_id = ANY (sqlc.arg(object_ids)::text[]);

-- name: LockWarning :one
SELECT number FROM warnings WHERE number = $1 FOR UPDATE;

-- name: WarningByNumber :one
SELECT w.*, coalesce(a.acknowledged_by, '')::text AS acknowledged_by, a.acknowledge_date, coalesce(a.note, '')::text AS note
FROM warnings w LEFT JOIN warning_acknowledgements a USING (number) WHERE w.number = $1;

-- name: AcknowledgeWarning :exec
INSERT INTO warning_acknowledgements (number, acknowledged_by, acknowledge_date, note, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: CustomerOfItem :one
SELECT customer_id FROM items WHERE item_id = $1;
