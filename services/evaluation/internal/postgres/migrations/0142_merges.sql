-- Files that were merged into others: who did it, when, why. Both files and all facts stay.

-- +goose Up
CREATE TABLE customer_merges (
    merged_id     text COLLATE "C" PRIMARY KEY REFERENCES customers,
    survivor_id   text COLLATE "C" NOT NULL REFERENCES customers CHECK (survivor_id <> merged_id),
    merged_by     text NOT NULL CHECK (merged_by <> ''),
    business_date date NOT NULL,
    reason        text NOT NULL CHECK (reason <> ''),
    create_time   timestamptz NOT NULL
);
CREATE INDEX customer_merges_survivor_idx ON customer_merges (survivor_id);
CREATE TRIGGER customer_merges_append_only BEFORE UPDATE OR DELETE ON customer_merges
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER customer_merges_no_truncate BEFORE TRUNCATE ON customer_merges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE customer_merges;
