-- Customers of whose securities the gate was told: of those that were recorded before it was told of any, a job tells.

-- +goose Up
CREATE TABLE told_securities (
    customer_id text PRIMARY KEY
);

-- +goose Down
DROP TABLE told_securities;
