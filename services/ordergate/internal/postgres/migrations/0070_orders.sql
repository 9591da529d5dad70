-- +goose Up
-- An order stands in the journal's entry that wrote it, which is hashed; the row here says which. Only an order of an account that moved
-- to another root, and that was not open then, has a copy.
ALTER TABLE orders ALTER COLUMN doc DROP NOT NULL;

-- +goose Down
UPDATE orders o SET doc = (
    SELECT x.value::text FROM journal j, json_array_elements(j.detail::json -> 'orders') x
    WHERE j.root_id = o.root_id AND j.account_id = o.account_id AND j.seq = o.updated_seq AND x.value ->> 'id' = o.order_id)
WHERE doc IS NULL;
ALTER TABLE orders ALTER COLUMN doc SET NOT NULL;
