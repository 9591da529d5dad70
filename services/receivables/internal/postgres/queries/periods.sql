-- Those who post wait for whoever closes, and the other way round; among themselves they do not.
-- name: SharePeriods :exec
SELECT pg_advisory_xact_lock_shared(hashtext('aval.receivables.periods'));

-- name: TakePeriods :exec
SELECT pg_advisory_xact_lock(hashtext('aval.receivables.periods'));

-- name: LastPeriodAct :many
SELECT * FROM period_acts ORDER BY act_number DESC LIMIT 1;

-- name: PeriodActs :many
SELECT * FROM period_acts WHERE (sqlc.arg(before)::bigint = 0 OR act_number < sqlc.arg(before)::bigint) ORDER BY act_number DESC LIMIT sqlc.arg(size);

-- name: AddPeriodAct :exec
INSERT INTO period_acts (act_number, act, closed_until, reason, acted_by, business_date, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7);
