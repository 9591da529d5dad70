-- Receipt plans: what contracts bring in, and the receipts registered under them. A plan stays as it
-- was made; a registration moves on until it is posted, rejected or cancelled.

-- +goose Up

CREATE TABLE receipt_plans (
    plan_id     text        PRIMARY KEY,
    customer_id text        NOT NULL REFERENCES accounts,
    currency    text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    body        json        NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX receipt_plans_customer_idx ON receipt_plans (customer_id, created_at DESC, plan_id DESC);
CREATE TRIGGER receipt_plans_append_only BEFORE UPDATE OR DELETE ON receipt_plans FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER receipt_plans_no_truncate BEFORE TRUNCATE ON receipt_plans FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE receipt_registrations (
    registration_id text   PRIMARY KEY,
    plan_id         text   NOT NULL REFERENCES receipt_plans,
    receipt_id      text   NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    state           text   NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED', 'POSTED', 'REJECTED', 'CANCELLED')),
    body            json   NOT NULL
);
CREATE INDEX receipt_registrations_plan_idx ON receipt_registrations (plan_id, registration_id);
CREATE TRIGGER receipt_registrations_stay BEFORE DELETE ON receipt_registrations FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Plans with what was received by receipts that stand, and what is in approval.
CREATE VIEW receipt_plan_documents AS
SELECT p.plan_id, p.customer_id, p.currency, p.body, p.created_at,
       coalesce(sum(r.amount) FILTER (WHERE r.state = 'POSTED' AND x.credit_id IS NULL), 0)::bigint AS received,
       coalesce(sum(r.amount) FILTER (WHERE r.state = 'SUBMITTED'), 0)::bigint AS in_approval
FROM receipt_plans p
LEFT JOIN receipt_registrations r USING (plan_id)
LEFT JOIN credit_reversals x ON x.credit_id = r.receipt_id
GROUP BY p.plan_id;

-- +goose Down
DROP VIEW receipt_plan_documents;
DROP TABLE receipt_registrations, receipt_plans;
