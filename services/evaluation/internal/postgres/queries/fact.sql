-- name: NextFactSequence :one
SELECT (coalesce(max(sequence), 0) + 1)::bigint AS next FROM facts WHERE customer_id = $1;

-- name: InsertFact :exec
INSERT INTO facts (customer_id, fact_id, sequence, record_date, supersedes, body, create_time)
VALUES ($1, $2, $3, sqlc.arg(record_date)::date, sqlc.narg(supersedes), $4, $5);

-- name: InsertVerification :exec
INSERT INTO fact_verifications (customer_id, fact_id, verified_by, verify_date, create_time)
VALUES ($1, $2, $3, sqlc.arg(verify_date)::date, $4);

-- name: ListFacts :many
-- What was known by the end of a day (NULL: now), newest first.
SELECT f.body, f.sequence, coalesce(v.verified_by, '')::text AS verified_by, v.verify_date, coalesce(s.fact_id, '')::text AS superseded_by
FROM facts f
LEFT JOIN fact_verifications v ON v.customer_id = f.customer_id AND v.fact_id = f.fact_id
    AND (sqlc.narg(known_on)::date IS NULL OR v.verify_date <= sqlc.narg(known_on)::date)
LEFT JOIN facts s ON s.customer_id = f.customer_id AND s.supersedes = f.fact_id
    AND (sqlc.narg(known_on)::date IS NULL OR s.record_date <= sqlc.narg(known_on)::date)
WHERE f.customer_id = sqlc.arg(customer_id) AND f.sequence < sqlc.arg(before_sequence)
  AND (sqlc.narg(known_on)::date IS NULL OR f.record_date <= sqlc.narg(known_on)::date)
  AND (sqlc.narg(valid_on)::date IS NULL OR (s.fact_id IS NULL AND (f.body->>'as_of_date')::date <= sqlc.narg(valid_on)::date
    AND coalesce((f.body->>'valid_until_date')::date >= sqlc.narg(valid_on)::date, true)))
  AND (sqlc.arg(kind)::text = '' OR f.body->'content'->sqlc.arg(kind)::text IS NOT NULL)
ORDER BY f.sequence DESC LIMIT sqlc.arg(most);

-- name: GetFact :one
SELECT f.body, f.sequence, coalesce(v.verified_by, '')::text AS verified_by, v.verify_date, coalesce(s.fact_id, '')::text AS superseded_by
FROM facts f
LEFT JOIN fact_verifications v ON v.customer_id = f.customer_id AND v.fact_id = f.fact_id
LEFT JOIN facts s ON s.customer_id = f.customer_id AND s.supersedes = f.fact_id
WHERE f.customer_id = $1 AND f.fact_id = $2;
