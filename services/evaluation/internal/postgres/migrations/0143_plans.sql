-- What a grade obliges people to do: a contingency plan, candidates for replacement, a phase-out,
-- a recovery. Changes are in the audit trail of the customer.

-- +goose Up
CREATE TABLE treatment_plans (
    plan_id     text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers,
    kind        text NOT NULL CHECK (kind IN ('CONTINGENCY', 'REPLACEMENT', 'PHASE_OUT', 'RECOVERY')),
    state       text NOT NULL CHECK (state IN ('OPEN', 'DONE', 'OBSOLETE')),
    owner_id    text COLLATE "C" NOT NULL,
    due_date    date NOT NULL,
    number      bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    body        json NOT NULL
);
CREATE UNIQUE INDEX treatment_plans_one_open ON treatment_plans (customer_id, kind) WHERE state = 'OPEN';
CREATE INDEX treatment_plans_customer_idx ON treatment_plans (customer_id, number);
CREATE INDEX treatment_plans_due_idx      ON treatment_plans (due_date, plan_id);
CREATE TRIGGER treatment_plans_stay BEFORE DELETE ON treatment_plans
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER treatment_plans_no_truncate BEFORE TRUNCATE ON treatment_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE treatment_plans;
