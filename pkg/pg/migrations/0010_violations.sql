-- The register of violations (pkg/violation): who tried what they had no authority for, and what was found altered.
-- It is only added to; what became of an entry is a row of its own.

-- +goose Up

CREATE TABLE violation_register (
    violation_id    text COLLATE "C" PRIMARY KEY,
    number          bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    phase           text   NOT NULL,
    kind            text   NOT NULL,
    subject         text COLLATE "C" NOT NULL CHECK (subject <> ''),
    customer_id     text COLLATE "C" NOT NULL,
    object_id       text COLLATE "C" NOT NULL,
    reason_code     text   NOT NULL,
    business_date   date   NOT NULL,
    supervisor_roles text[] NOT NULL,
    body            json   NOT NULL
);
CREATE INDEX violation_register_subject_idx  ON violation_register (subject, number);
CREATE INDEX violation_register_customer_idx ON violation_register (customer_id, number) WHERE customer_id <> '';

CREATE TABLE violation_outcomes (
    violation_id text COLLATE "C" PRIMARY KEY REFERENCES violation_register,
    outcome      text NOT NULL CHECK (outcome <> ''),
    note         text NOT NULL CHECK (note <> ''),
    decided_by   text NOT NULL CHECK (decided_by <> ''),
    decide_date  date NOT NULL,
    created_at   timestamptz NOT NULL
);

CREATE TRIGGER violation_register_append_only BEFORE UPDATE OR DELETE ON violation_register FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER violation_register_no_truncate BEFORE TRUNCATE ON violation_register FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER violation_outcomes_append_only BEFORE UPDATE OR DELETE ON violation_outcomes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER violation_outcomes_no_truncate BEFORE TRUNCATE ON violation_outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE violation_outcomes, violation_register;
