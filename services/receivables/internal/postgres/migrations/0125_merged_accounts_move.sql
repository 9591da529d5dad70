-- The account of a merged file goes on in the account of the one that stands for it: what is open, money, promises, disputes and
-- dunning are the survivor's from the merge on. Documents, entries and applications stay under the number under which they were posted.

-- +goose Up
ALTER TABLE accounts ADD COLUMN merged_into text; -- the account that goes on with this one's; null: it goes on itself
ALTER TABLE merged_accounts
    ADD COLUMN moved             boolean NOT NULL DEFAULT false, -- what was open went along; false: nothing was, or the accounts are in two currencies
    ADD COLUMN position_sequence bigint  NOT NULL DEFAULT 0;     -- last position that the gate was told under its own number
ALTER TABLE collection_records ADD COLUMN after_account text NOT NULL DEFAULT ''; -- account that after_sequence counts in, where it is not the customer's

-- A customer's account with those that go on in it.
-- +goose StatementBegin
CREATE FUNCTION accounts_under(id text) RETURNS text[] LANGUAGE sql STABLE STRICT AS $$
    SELECT id || ARRAY(SELECT m.customer_id FROM merged_accounts m WHERE m.survivor_id COLLATE "C" = id AND m.moved ORDER BY m.customer_id)
$$;
-- Accounts with those that they go on in, and all that go on in the same.
CREATE FUNCTION accounts_beside(ids text[]) RETURNS text[] LANGUAGE sql STABLE STRICT AS $$
    SELECT ids || ARRAY(
        WITH s AS (SELECT m.survivor_id FROM merged_accounts m WHERE m.customer_id = ANY (ids) AND m.moved
                   UNION SELECT m.survivor_id FROM merged_accounts m WHERE m.survivor_id COLLATE "C" = ANY (ids) AND m.moved)
        SELECT s.survivor_id FROM s UNION SELECT m.customer_id FROM merged_accounts m JOIN s ON m.survivor_id COLLATE "C" = s.survivor_id WHERE m.moved)
$$;
-- +goose StatementEnd

-- What opens and closes documents, with the account in whose ledger, or among whose applications, it stands: the places count there.
CREATE OR REPLACE VIEW open_events AS
SELECT customer_id, currency, item_id AS document, false AS money, due_date, document_date AS on_date, amount, 'POSTED' AS what,
       ledger_sequence, 0::bigint AS application_sequence, customer_id AS chain_id
FROM items
UNION ALL
SELECT i.customer_id, i.currency, p.item_id, false, i.due_date, p.application_date, -p.amount, 'APPLIED', 0, p.sequence, p.customer_id
FROM applications p JOIN items i USING (item_id)
UNION ALL
SELECT i.customer_id, i.currency, r.item_id, false, i.due_date, r.reverse_date, 0, 'REVERSED', r.ledger_sequence, 0, r.customer_id
FROM item_reversals r JOIN items i USING (item_id)
UNION ALL
SELECT customer_id, currency, credit_id, true, 'infinity', credit_date, amount, 'POSTED', ledger_sequence, 0, customer_id
FROM credits
UNION ALL
SELECT c.customer_id, c.currency, p.credit_id, true, 'infinity', p.application_date, -p.amount, 'APPLIED', 0, p.sequence, p.customer_id
FROM applications p JOIN credits c USING (credit_id)
UNION ALL
SELECT c.customer_id, c.currency, r.credit_id, true, 'infinity', r.reverse_date, 0, 'REVERSED', r.ledger_sequence, 0, r.customer_id
FROM credit_reversals r JOIN credits c USING (credit_id);

-- Customers as those who stand for them are looked after: a merged one by who has the survivor's file.
CREATE VIEW account_owners AS
SELECT c.customer_id, coalesce(o.customer_id, c.customer_id) AS owner_id, coalesce(o.salesperson, c.salesperson) AS salesperson,
       coalesce(o.group_id, c.group_id) AS group_id, coalesce(o.grade, c.grade) AS grade, coalesce(o.unit_id, c.unit_id) AS unit_id
FROM customers c LEFT JOIN (merged_accounts m JOIN customers o ON o.customer_id = m.survivor_id) ON m.customer_id = c.customer_id;

-- +goose Down
-- The view of the open events keeps its last column: other views stand on it.
DROP VIEW account_owners;
DROP FUNCTION accounts_beside(text[]);
DROP FUNCTION accounts_under(text);
ALTER TABLE collection_records DROP COLUMN after_account;
ALTER TABLE merged_accounts DROP COLUMN moved, DROP COLUMN position_sequence;
ALTER TABLE accounts DROP COLUMN merged_into;
