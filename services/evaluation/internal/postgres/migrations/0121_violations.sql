-- Attempts to act without authority (S2.9). Each is refused, and stays here.

-- +goose Up

CREATE TABLE violations (
    violation_id  text COLLATE "C" PRIMARY KEY,
    number        bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    subject       text COLLATE "C" NOT NULL CHECK (subject <> ''),
    customer_id   text COLLATE "C" NOT NULL,
    object_id     text COLLATE "C" NOT NULL,
    reason_code   text NOT NULL,
    business_date date NOT NULL,
    body          json NOT NULL
);
CREATE INDEX violations_subject_idx  ON violations (subject, number);
CREATE INDEX violations_customer_idx ON violations (customer_id, number) WHERE customer_id <> '';
CREATE TRIGGER violations_append_only BEFORE UPDATE OR DELETE ON violations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER violations_no_truncate BEFORE TRUNCATE ON violations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE violations;
