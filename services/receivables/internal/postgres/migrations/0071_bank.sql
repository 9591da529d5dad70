-- The company's bank accounts, what their statements say, and who customers are known as.

-- +goose Up

CREATE TABLE bank_accounts (
    bank_account_id text        PRIMARY KEY CHECK (bank_account_id <> ''),
    display_name    text        NOT NULL,
    number          text        NOT NULL CONSTRAINT bank_accounts_number_key UNIQUE CHECK (number <> ''),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    mapping         jsonb,      -- null: its files are camt.053 only
    changed_by      text        NOT NULL CHECK (changed_by <> ''),
    changed_at      timestamptz NOT NULL
);

CREATE TABLE bank_statements (
    bank_statement_id text        PRIMARY KEY,
    bank_account_id   text        NOT NULL REFERENCES bank_accounts,
    format            text        NOT NULL CHECK (format IN ('camt.053', 'csv')),
    number            text        NOT NULL,
    file_name         text        NOT NULL,
    digest            bytea       NOT NULL CHECK (length(digest) = 32), -- of the file's content
    first_date        date,
    last_date         date,
    lines             int         NOT NULL CHECK (lines >= 0),
    new_lines         int         NOT NULL CHECK (new_lines BETWEEN 0 AND lines),
    skipped           int         NOT NULL CHECK (skipped >= 0),
    currency          text        NOT NULL,
    opening           bigint,
    closing           bigint,
    difference        bigint,
    imported_by       text        NOT NULL CHECK (imported_by <> ''),
    import_date       date        NOT NULL,
    created_at        timestamptz NOT NULL
);
CREATE INDEX bank_statements_newest_idx ON bank_statements (created_at DESC, bank_statement_id DESC);
CREATE INDEX bank_statements_digest_idx ON bank_statements (digest);

-- One row a movement, whatever files say it. Its identity follows from what it says.
CREATE TABLE bank_lines (
    bank_line_id      text     PRIMARY KEY,
    bank_account_id   text     NOT NULL REFERENCES bank_accounts,
    bank_statement_id text     NOT NULL REFERENCES bank_statements,
    booking_date      date     NOT NULL,
    value_date        date     NOT NULL,
    currency          text     NOT NULL,
    amount            bigint   NOT NULL CHECK (amount <> 0),
    bank_reference    text     NOT NULL,
    end_to_end        text     NOT NULL,
    party_name        text     NOT NULL,
    party_account     text     NOT NULL,
    party_bank        text     NOT NULL,
    text              text     NOT NULL,
    reversal          boolean  NOT NULL,
    batch             int      NOT NULL
);
CREATE INDEX bank_lines_date_idx      ON bank_lines (booking_date DESC, bank_line_id DESC);
CREATE INDEX bank_lines_statement_idx ON bank_lines (bank_statement_id);

-- Where a line stands. attempt counts its receipts: one that was reversed makes room for another.
CREATE TABLE bank_line_states (
    bank_line_id   text        PRIMARY KEY REFERENCES bank_lines,
    state          text        NOT NULL CHECK (state IN ('NEW', 'PROPOSED', 'APPLIED', 'IGNORED', 'OUTGOING')),
    proposals      jsonb       NOT NULL,
    customer_id    text        NOT NULL,
    receipt_id     text        NOT NULL,
    reason         text        NOT NULL,
    auto_confirmed boolean     NOT NULL,
    attempt        int         NOT NULL CHECK (attempt >= 0),
    changed_by     text        NOT NULL CHECK (changed_by <> ''),
    changed_at     timestamptz NOT NULL,
    CHECK ((state = 'APPLIED') = (receipt_id <> '')),
    CHECK (CASE state WHEN 'NEW' THEN proposals = '[]' WHEN 'PROPOSED' THEN proposals <> '[]' ELSE true END), -- those of a line that is applied stay
    CHECK (state <> 'IGNORED' OR reason <> '')
) WITH (fillfactor = 70);
CREATE INDEX bank_line_states_open_idx     ON bank_line_states (bank_line_id) WHERE state IN ('NEW', 'PROPOSED');
CREATE INDEX bank_line_states_customer_idx ON bank_line_states (customer_id) WHERE customer_id <> '';

-- Bank accounts that customers paid from, learned from lines that a person confirmed.
CREATE TABLE payer_accounts (
    account      text        NOT NULL CHECK (account <> ''),
    customer_id  text        NOT NULL REFERENCES customers,
    bank_line_id text        NOT NULL REFERENCES bank_lines,
    learned_by   text        NOT NULL CHECK (learned_by <> ''),
    learned_at   timestamptz NOT NULL,
    PRIMARY KEY (account, customer_id)
);
CREATE INDEX payer_accounts_customer_idx ON payer_accounts (customer_id);
CREATE INDEX payer_accounts_line_idx     ON payer_accounts (bank_line_id);

-- Names that customers are known by, as names are compared: their own, and those that they paid under.
CREATE TABLE payer_names (
    normal       text NOT NULL CHECK (normal <> ''),
    customer_id  text NOT NULL REFERENCES customers,
    name         text NOT NULL,
    bank_line_id text REFERENCES bank_lines, -- null: the customer's own name
    PRIMARY KEY (normal, customer_id)
);
CREATE INDEX payer_names_prefix_idx   ON payer_names (normal text_pattern_ops);
CREATE INDEX payer_names_customer_idx ON payer_names (customer_id);
CREATE INDEX payer_names_line_idx     ON payer_names (bank_line_id) WHERE bank_line_id IS NOT NULL;

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bank_statements', 'bank_lines'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    CREATE TRIGGER bank_line_states_stay BEFORE DELETE ON bank_line_states FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER bank_line_states_no_truncate BEFORE TRUNCATE ON bank_line_states FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
END;
$$;
-- +goose StatementEnd

CREATE VIEW bank_line_documents AS
SELECT l.bank_line_id, l.bank_account_id, l.bank_statement_id, l.booking_date, l.value_date, l.currency, l.amount, l.bank_reference,
       l.end_to_end, l.party_name, l.party_account, l.party_bank, l.text, l.reversal, l.batch,
       s.state, s.proposals, s.customer_id, s.receipt_id, s.reason, s.auto_confirmed, s.attempt, s.changed_by, s.changed_at
FROM bank_lines l JOIN bank_line_states s USING (bank_line_id);

-- +goose Down
DROP VIEW bank_line_documents;
DROP TABLE payer_names, payer_accounts, bank_line_states, bank_lines, bank_statements, bank_accounts;
