-- Records of the claims side: hand-overs, clearances, securities, legal cases, plans, write-offs, charges. Every version
-- of a record stays; the head is its newest, with what it is found by.

-- +goose Up

CREATE TABLE claim_versions (
    kind        text        NOT NULL,
    record_id   text        NOT NULL,
    version     int         NOT NULL CHECK (version > 0),
    body        json        NOT NULL,
    changed_by  text        NOT NULL CHECK (changed_by <> ''),
    change_date date        NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, record_id, version)
);

CREATE TABLE claim_heads (
    kind        text   NOT NULL,
    record_id   text   NOT NULL,
    number      bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    version     int    NOT NULL,
    customer_id text   NOT NULL, -- empty: of no customer
    state       text   NOT NULL,
    people      text[] NOT NULL,
    item_ids    text[] NOT NULL,
    next_date   date,            -- the day that must not pass unnoticed; null: none
    body        json   NOT NULL,
    PRIMARY KEY (kind, record_id),
    FOREIGN KEY (kind, record_id, version) REFERENCES claim_versions
);
CREATE INDEX claim_heads_newest_idx   ON claim_heads (kind, number);
CREATE INDEX claim_heads_customer_idx ON claim_heads (customer_id, kind, number) WHERE customer_id <> '';
CREATE INDEX claim_heads_people_idx   ON claim_heads USING gin (people);
CREATE INDEX claim_heads_items_idx    ON claim_heads USING gin (item_ids);
CREATE INDEX claim_heads_next_idx     ON claim_heads (kind, next_date) WHERE next_date IS NOT NULL;

-- Items that were handed over; all others belong to the person responsible at posting.
CREATE TABLE item_responsibles (
    item_id      text PRIMARY KEY,
    person       text NOT NULL CHECK (person <> ''),
    hand_over_id text NOT NULL,
    since        date NOT NULL
);
CREATE INDEX item_responsibles_person_idx ON item_responsibles (person);

CREATE TRIGGER claim_versions_append_only BEFORE UPDATE OR DELETE ON claim_versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_versions_no_truncate BEFORE TRUNCATE ON claim_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_heads_stay BEFORE DELETE ON claim_heads FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_heads_no_truncate BEFORE TRUNCATE ON claim_heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_responsibles_stay BEFORE DELETE ON item_responsibles FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_responsibles_no_truncate BEFORE TRUNCATE ON item_responsibles FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE item_responsibles, claim_heads, claim_versions;
