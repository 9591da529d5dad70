-- The phase before the sale: customer files, credit facts, ratings, applications,
-- grants. What people decided is append-only; hash chains run per customer.
-- Ids are compared by bytes (COLLATE "C"), so that pages have one order everywhere.

-- +goose Up

-- The file as JSON, with the columns that lists, searches and locks need. The row is
-- locked by every write that concerns the customer, so its counters have no gaps.
CREATE TABLE customers (
    customer_id      text COLLATE "C" PRIMARY KEY,
    display_name     text COLLATE "C" NOT NULL,
    salesperson_id   text COLLATE "C" NOT NULL,
    group_id         text COLLATE "C" NOT NULL,
    region           text COLLATE "C" NOT NULL,
    industry         text COLLATE "C" NOT NULL,
    life_cycle       text COLLATE "C" NOT NULL,
    grade            text COLLATE "C" NOT NULL CHECK (grade IN ('', 'A', 'B', 'C', 'D')),
    uscc             text COLLATE "C" NOT NULL,
    number_key       text COLLATE "C" NOT NULL,
    name_key         text COLLATE "C" NOT NULL,
    create_time      timestamptz NOT NULL,
    file             jsonb       NOT NULL,
    -- What the other phases were told last.
    profile          jsonb       NOT NULL,
    -- Lengths of the customer's chains: a missing tail shows.
    rating_sequence  bigint      NOT NULL DEFAULT 0 CHECK (rating_sequence >= 0),
    grant_version    bigint      NOT NULL DEFAULT 0 CHECK (grant_version >= 0),
    -- Business date of the last look, also of one that found nothing new.
    reviewed_on      date
);
CREATE INDEX customers_name_idx        ON customers (display_name, customer_id);
CREATE INDEX customers_created_idx     ON customers (create_time, customer_id);
CREATE INDEX customers_salesperson_idx ON customers (salesperson_id, customer_id);
CREATE INDEX customers_uscc_idx        ON customers (uscc) WHERE uscc <> '';
CREATE INDEX customers_number_key_idx  ON customers (number_key);
CREATE INDEX customers_name_key_idx    ON customers (name_key) WHERE name_key <> '';
CREATE INDEX customers_reviewed_idx    ON customers (reviewed_on) WHERE reviewed_on IS NOT NULL;

CREATE TABLE facts (
    customer_id text COLLATE "C" NOT NULL REFERENCES customers,
    fact_id     text COLLATE "C" NOT NULL,
    sequence    bigint NOT NULL CHECK (sequence > 0),
    record_date date   NOT NULL,
    supersedes  text COLLATE "C",
    body        json   NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (customer_id, fact_id),
    UNIQUE (customer_id, sequence),
    -- A fact is corrected once; a further correction corrects the correction.
    CONSTRAINT facts_supersedes_once UNIQUE (customer_id, supersedes),
    FOREIGN KEY (customer_id, supersedes) REFERENCES facts (customer_id, fact_id)
);
CREATE TRIGGER facts_append_only BEFORE UPDATE OR DELETE ON facts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER facts_no_truncate BEFORE TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE fact_verifications (
    customer_id text COLLATE "C" NOT NULL,
    fact_id     text COLLATE "C" NOT NULL,
    verified_by text NOT NULL CHECK (verified_by <> ''),
    verify_date date NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (customer_id, fact_id),
    FOREIGN KEY (customer_id, fact_id) REFERENCES facts (customer_id, fact_id)
);
CREATE TRIGGER fact_verifications_append_only BEFORE UPDATE OR DELETE ON fact_verifications
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fact_verifications_no_truncate BEFORE TRUNCATE ON fact_verifications
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- record holds the canonical bytes; the hash covers them.
CREATE TABLE ratings (
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    rating_id      text COLLATE "C" NOT NULL UNIQUE,
    business_date  date   NOT NULL,
    policy_version bigint NOT NULL,
    grade          text   NOT NULL,
    record         bytea  NOT NULL,
    prev           bytea  NOT NULL CHECK (length(prev) = 32),
    hash           bytea  NOT NULL CHECK (length(hash) = 32),
    create_time    timestamptz NOT NULL,
    PRIMARY KEY (customer_id, sequence)
);
CREATE TRIGGER ratings_append_only BEFORE UPDATE OR DELETE ON ratings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ratings_no_truncate BEFORE TRUNCATE ON ratings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE grants (
    customer_id text COLLATE "C" NOT NULL REFERENCES customers,
    version     bigint NOT NULL CHECK (version > 0),
    valid_from  date   NOT NULL,
    record      bytea  NOT NULL,
    prev        bytea  NOT NULL CHECK (length(prev) = 32),
    hash        bytea  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (customer_id, version)
);
CREATE TRIGGER grants_append_only BEFORE UPDATE OR DELETE ON grants
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER grants_no_truncate BEFORE TRUNCATE ON grants
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The form as it stands. Who may take its next step and who had a part in it are
-- columns, so that a person's waiting list is one query.
CREATE TABLE applications (
    application_id text COLLATE "C" PRIMARY KEY,
    customer_id    text COLLATE "C" NOT NULL REFERENCES customers,
    number         bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    state          text   NOT NULL CHECK (state IN ('DRAFT', 'PENDING', 'RETURNED', 'APPROVED', 'REJECTED')),
    serial_number  text   UNIQUE,
    next_roles     text[] NOT NULL,
    involved       text[] NOT NULL,
    body           json   NOT NULL,
    CHECK (state = 'DRAFT' OR serial_number IS NOT NULL)
);
CREATE INDEX applications_customer_idx ON applications (customer_id, number);
CREATE INDEX applications_pending_idx  ON applications USING gin (next_roles) WHERE state = 'PENDING';
CREATE TRIGGER applications_stay BEFORE DELETE ON applications
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER applications_no_truncate BEFORE TRUNCATE ON applications
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Forms are filed twice (S2.16): the settlement desk and the sales head each keep a
-- register of their own. One entry for each time the form changed hands.
CREATE TABLE form_registers (
    register       text NOT NULL CHECK (register IN ('SETTLEMENT_DESK', 'SALES_HEAD')),
    serial_number  text NOT NULL,
    entry          int  NOT NULL CHECK (entry > 0),
    application_id text COLLATE "C" NOT NULL REFERENCES applications,
    customer_id    text COLLATE "C" NOT NULL,
    event          text NOT NULL CHECK (event IN ('SUBMIT', 'APPROVE', 'REJECT', 'RETURN')),
    actor          text NOT NULL,
    filed_on       date NOT NULL,
    form           json NOT NULL,
    PRIMARY KEY (register, serial_number, entry)
);
CREATE TRIGGER form_registers_append_only BEFORE UPDATE OR DELETE ON form_registers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER form_registers_no_truncate BEFORE TRUNCATE ON form_registers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE form_registers, applications, grants, ratings, fact_verifications, facts, customers;
