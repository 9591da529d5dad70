-- name: AddCustomerLimit :exec
INSERT INTO customer_limits (customer_id, sequence, from_date, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (customer_id, sequence) DO NOTHING;

-- name: LimitsOfCustomers :many
SELECT customer_id, body FROM customer_limits WHERE customer_id = ANY (sqlc.arg(customer_ids)::text[]) ORDER BY customer_id, from_date, sequence;

-- Replicas that charge at once take turns.
-- name: NewestChargeMonth :one
SELECT coalesce(max(month), 'epoch')::date FROM (SELECT pg_advisory_xact_lock(hashtextextended('receivables charges', 0))) l
LEFT JOIN charge_runs ON true;

-- name: AddChargeRun :exec
INSERT INTO charge_runs (month, policy_version, lines, run_by, run_date, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: ChargeRunByMonth :one
SELECT * FROM charge_runs WHERE month = $1;

-- name: ChargeSums :many
SELECT charged_to, (CASE charged_to WHEN 'UNIT' THEN unit_id ELSE person END)::text AS bearer, currency,
    coalesce(sum(amount) FILTER (WHERE kind = 'OVER_TERM'), 0)::bigint AS over_term,
    coalesce(sum(amount) FILTER (WHERE kind = 'OVER_LIMIT'), 0)::bigint AS over_limit,
    coalesce(sum(amount) FILTER (WHERE kind = 'CORRECTION'), 0)::bigint AS corrections,
    sum(amount)::bigint AS total, count(*) AS lines
FROM charge_lines WHERE month = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: ChargeLines :many
SELECT * FROM charge_lines
WHERE (sqlc.narg(month)::date IS NULL OR month = sqlc.narg(month))
  AND (sqlc.arg(unit_id)::text = '' OR unit_id = sqlc.arg(unit_id)::text)
  AND (sqlc.arg(person)::text = '' OR person = sqlc.arg(person)::text)
  AND (sqlc.arg(item_id)::text = '' OR item_id = sqlc.arg(item_id)::text)
  AND (sqlc.narg(after_month)::date IS NULL OR month < sqlc.narg(after_month)
       OR month = sqlc.narg(after_month) AND (item_id, kind) > (sqlc.arg(after_item)::text, sqlc.arg(after_kind)::text))
ORDER BY month DESC, item_id, kind LIMIT sqlc.arg(size)::int;
