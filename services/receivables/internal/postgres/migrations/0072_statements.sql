-- Statements of account and balance confirmations: what was drawn up never changes; the states say how far each is.

-- +goose Up

CREATE TABLE correspondence (
    customer_id text        PRIMARY KEY REFERENCES customers,
    emails      text[]      NOT NULL CHECK (cardinality(emails) > 0),
    language    text        NOT NULL CHECK (language IN ('zh', 'en')),
    changed_by  text        NOT NULL CHECK (changed_by <> ''),
    changed_at  timestamptz NOT NULL
);

CREATE TABLE account_statements (
    statement_id text        PRIMARY KEY,
    customer_id  text        NOT NULL REFERENCES accounts,
    kind         text        NOT NULL CHECK (kind IN ('ACCOUNT', 'CONFIRMATION')),
    language     text        NOT NULL CHECK (language IN ('zh', 'en')),
    as_of_date   date        NOT NULL,
    content      jsonb       NOT NULL,
    drafted_by   text        NOT NULL CHECK (drafted_by <> ''),
    draft_date   date        NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX account_statements_newest_idx   ON account_statements (created_at DESC, statement_id DESC);
CREATE INDEX account_statements_customer_idx ON account_statements (customer_id, created_at DESC, statement_id DESC);

CREATE TABLE account_statement_states (
    statement_id text        PRIMARY KEY REFERENCES account_statements,
    customer_id  text        NOT NULL,
    kind         text        NOT NULL,
    as_of_date   date        NOT NULL,
    stage        text        NOT NULL CHECK (stage IN ('DRAFTED', 'SENT', 'CONFIRMED', 'DIFFERS', 'CANCELLED')),
    detail       jsonb       NOT NULL,
    letter_key   text        NOT NULL, -- in mail_queue; empty: no letter by mail
    changed_at   timestamptz NOT NULL
) WITH (fillfactor = 70);
-- One of a kind and day for a customer.
CREATE UNIQUE INDEX account_statement_states_once_idx ON account_statement_states (customer_id, kind, as_of_date) WHERE stage <> 'CANCELLED';

-- Balances that customers agreed to: an acknowledgement, from which limitation periods begin anew.
CREATE TABLE balance_confirmations (
    statement_id   text        PRIMARY KEY REFERENCES account_statements,
    customer_id    text        NOT NULL,
    as_of_date     date        NOT NULL,
    agreed_date    date        NOT NULL CHECK (agreed_date >= as_of_date),
    currency       text        NOT NULL,
    agreed_balance bigint      NOT NULL,
    answered_by    text        NOT NULL CHECK (answered_by <> ''),
    recorded_by    text        NOT NULL CHECK (recorded_by <> ''),
    created_at     timestamptz NOT NULL
);
CREATE INDEX balance_confirmations_customer_idx ON balance_confirmations (customer_id, agreed_date);

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['account_statements', 'balance_confirmations'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    CREATE TRIGGER account_statement_states_stay BEFORE DELETE ON account_statement_states FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER account_statement_states_no_truncate BEFORE TRUNCATE ON account_statement_states FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE balance_confirmations, account_statement_states, account_statements, correspondence;
