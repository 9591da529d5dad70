-- name: InsertMerge :exec
INSERT INTO customer_merges (merged_id, survivor_id, merged_by, business_date, reason, create_time)
VALUES ($1, $2, $3, sqlc.arg(business_date)::date, $4, $5);

-- name: OpenForms :many
-- Forms on their way: somebody has yet to act.
SELECT serial_number FROM applications
WHERE customer_id = $1 AND serial_number IS NOT NULL AND state IN ('PENDING', 'RETURNED') ORDER BY number LIMIT 20;

-- name: MergedInto :many
-- Files that were merged into one by the end of a day, and into those before.
WITH RECURSIVE gone AS (
    SELECT m.merged_id FROM customer_merges m WHERE m.survivor_id = sqlc.arg(survivor_id)::text AND m.business_date <= sqlc.arg(day)::date
    UNION
    SELECT m.merged_id FROM customer_merges m JOIN gone g ON m.survivor_id = g.merged_id WHERE m.business_date <= sqlc.arg(day)::date
)
SELECT merged_id FROM gone ORDER BY merged_id;
