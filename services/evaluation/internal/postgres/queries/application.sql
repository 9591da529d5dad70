-- name: InsertApplication :exec
INSERT INTO applications (application_id, customer_id, state, next_roles, involved, body)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: UpdateApplication :exec
UPDATE applications SET state = $2, serial_number = $3, next_roles = $4, involved = $5, body = $6, late_after = sqlc.narg(late_after)::date
WHERE application_id = $1;

-- name: GetApplication :one
SELECT a.body, c.salesperson_id FROM applications a JOIN customers c ON c.customer_id = a.customer_id
WHERE a.application_id = $1;

-- name: LockApplication :one
SELECT body FROM applications WHERE application_id = $1 FOR UPDATE;

-- name: ListApplications :many
SELECT a.body, a.number FROM applications a JOIN customers c ON c.customer_id = a.customer_id
WHERE a.number < sqlc.arg(before_number)
  AND (sqlc.arg(customer_id)::text = '' OR a.customer_id = sqlc.arg(customer_id)::text)
  AND (sqlc.arg(state)::text = '' OR a.state = sqlc.arg(state)::text)
  AND (sqlc.arg(salesperson_id)::text = '' OR c.salesperson_id = sqlc.arg(salesperson_id)::text)
  AND (NOT sqlc.arg(waiting)::bool OR (a.state IN ('PENDING', 'CONDITIONAL') AND NOT (sqlc.arg(subject)::text = ANY (a.involved))
       AND (a.next_roles && sqlc.arg(roles)::text[]
            OR a.state = 'PENDING' AND EXISTS (
                SELECT FROM delegations d WHERE d.deputy = sqlc.arg(subject)::text AND d.roles && a.next_roles
                  AND sqlc.arg(today)::date BETWEEN d.from_date AND d.last_date AND NOT (d.principal = ANY (a.involved))))))
ORDER BY a.number DESC LIMIT sqlc.arg(most);

-- name: LateApplications :many
SELECT application_id FROM applications WHERE state = 'PENDING' AND late_after < sqlc.arg(today)::date
ORDER BY late_after, application_id LIMIT sqlc.arg(most);

-- name: FileForm :exec
INSERT INTO form_registers (register, serial_number, entry, application_id, customer_id, event, actor, filed_on, form)
SELECT r.register, sqlc.arg(serial_number)::text,
    1 + (SELECT count(*) FROM form_registers f WHERE f.register = r.register AND f.serial_number = sqlc.arg(serial_number)::text)::int,
    sqlc.arg(application_id)::text, sqlc.arg(customer_id)::text, sqlc.arg(event)::text, sqlc.arg(actor)::text,
    sqlc.arg(filed_on)::date, sqlc.arg(form)::json
FROM (VALUES ('SETTLEMENT_DESK'), ('SALES_HEAD')) AS r (register);
