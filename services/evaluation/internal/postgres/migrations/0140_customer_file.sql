-- The customer file in full: groups as a tree, other names, merged files.

-- +goose Up

-- Corporate groups. One without a row is a root with nothing above it, so that a file may name
-- a group that nobody has described yet.
CREATE TABLE customer_groups (
    group_id     text COLLATE "C" PRIMARY KEY,
    parent_id    text COLLATE "C" REFERENCES customer_groups CHECK (parent_id <> group_id),
    display_name text NOT NULL,
    revision     bigint NOT NULL CHECK (revision > 0)
);
CREATE INDEX customer_groups_parent_idx ON customer_groups (parent_id) WHERE parent_id IS NOT NULL;

-- name_keys holds the keys of all names of a firm, name_head and name_tail the halves of the main
-- one: of two names one character apart, one half is the same.
ALTER TABLE customers
    ADD COLUMN root_group_id    text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN merged_into_id   text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN registration_key text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN name_keys        text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN name_head        text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN name_tail        text COLLATE "C" NOT NULL DEFAULT '';
UPDATE customers SET root_group_id = group_id,
    name_keys = CASE WHEN name_key = '' THEN '{}'::text[] ELSE ARRAY[name_key] END,
    name_head = CASE WHEN char_length(name_key) < 6 THEN '' ELSE left(name_key, char_length(name_key) / 2) END,
    name_tail = CASE WHEN char_length(name_key) < 6 THEN '' ELSE substr(name_key, char_length(name_key) / 2 + 1) END,
    registration_key = CASE WHEN coalesce(file->>'registration_number', '') = '' THEN ''
        ELSE coalesce(file->>'country_code', '') || ':' || upper(regexp_replace(file->>'registration_number', '[^[:alnum:]]', '', 'g')) END;
DROP INDEX customers_name_key_idx;
ALTER TABLE customers DROP COLUMN name_key;
CREATE INDEX customers_name_keys_idx    ON customers USING gin (name_keys);
CREATE INDEX customers_name_head_idx    ON customers (name_head) WHERE name_head <> '';
CREATE INDEX customers_name_tail_idx    ON customers (name_tail) WHERE name_tail <> '';
CREATE INDEX customers_registration_idx ON customers (registration_key) WHERE registration_key <> '';
CREATE INDEX customers_group_idx        ON customers (group_id, customer_id) WHERE group_id <> '';

-- +goose Down
ALTER TABLE customers ADD COLUMN name_key text COLLATE "C" NOT NULL DEFAULT '';
UPDATE customers SET name_key = coalesce(name_keys[1], '');
CREATE INDEX customers_name_key_idx ON customers (name_key) WHERE name_key <> '';
ALTER TABLE customers DROP COLUMN root_group_id, DROP COLUMN merged_into_id, DROP COLUMN registration_key,
    DROP COLUMN name_keys, DROP COLUMN name_head, DROP COLUMN name_tail;
DROP TABLE customer_groups;
