-- The register of violations is a building block of all phases: what was recorded moves into it.

-- +goose Up

INSERT INTO violation_register (violation_id, phase, kind, subject, customer_id, object_id, reason_code, business_date, supervisor_roles, body)
SELECT violation_id, 'evaluation', 'REFUSED_ACT', subject, customer_id, object_id, reason_code, business_date, '{}', body
FROM violations ORDER BY number;
DROP TABLE violations;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    RAISE EXCEPTION 'the register of violations is not taken back: outcomes would be lost';
END;
$$;
-- +goose StatementEnd
