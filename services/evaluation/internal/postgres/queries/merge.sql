-- name: InsertMerge :exec
INSERT INTO customer_merges (merged_id, survivor_id, merged_by, business_date, reason, create_time)
VALUES ($1, $2, $3, sqlc.arg(business_date)::date, $4, $5);

-- name: OpenForms :many
-- Forms on their way: somebody has yet to act.
SELECT serial_number FROM applications
WHERE customer_id = $1 AND serial_number IS NOT NULL AND state IN ('PENDING', 'RETURNED') ORDER BY number LIMIT 20;
