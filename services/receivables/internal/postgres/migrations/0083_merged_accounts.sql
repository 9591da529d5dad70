-- Accounts of files that were merged into others: each stays as posted, and is aged under the one that stands for it.

-- +goose Up
CREATE TABLE merged_accounts (
    customer_id text PRIMARY KEY REFERENCES customers,
    survivor_id text NOT NULL, -- the last of a row of merges: stands for itself
    CHECK (customer_id <> survivor_id)
);
CREATE INDEX merged_accounts_survivor_idx ON merged_accounts (survivor_id COLLATE "C");

-- +goose Down
DROP TABLE merged_accounts;
