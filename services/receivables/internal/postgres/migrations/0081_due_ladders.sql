-- The due ladder of each customer: what is open by due date, kept with every change, so that nobody has to read ten
-- million items to age them. It is a projection; verification holds it to the balances.

-- +goose Up

-- What the ladders must be.
CREATE VIEW due_ladder_folds AS
SELECT a.customer_id, a.currency, coalesce(l.due_dates, '{}') AS due_dates, coalesce(l.opens, '{}') AS opens, coalesce(l.items, '{}') AS items,
       coalesce(u.unapplied, 0)::bigint AS unapplied
FROM accounts a
CROSS JOIN LATERAL (
    SELECT array_agg(due_date ORDER BY due_date) AS due_dates, array_agg(opens ORDER BY due_date) AS opens, array_agg(items ORDER BY due_date) AS items
    FROM (SELECT due_date, (sum(sum(open)) OVER due)::bigint AS opens, (sum(count(*)) OVER due)::int AS items
          FROM item_balances b WHERE b.customer_id = a.customer_id AND b.open > 0
          GROUP BY due_date WINDOW due AS (ORDER BY due_date)) steps) l
CROSS JOIN LATERAL (SELECT sum(unapplied) AS unapplied FROM credit_balances b WHERE b.customer_id = a.customer_id AND b.unapplied > 0) u;

CREATE TABLE due_ladders (
    customer_id text     PRIMARY KEY,
    currency    text     NOT NULL,
    newest      date     NOT NULL, -- newest date of anything posted or applied: from this day on the ladder is what is open
    due_dates   date[]   NOT NULL, -- rising
    opens       bigint[] NOT NULL, -- open amount up to each due date, that one included
    items       int[]    NOT NULL, -- open items up to each due date
    unapplied   bigint   NOT NULL,
    CHECK (cardinality(due_dates) = cardinality(opens) AND cardinality(due_dates) = cardinality(items))
) WITH (fillfactor = 80);
INSERT INTO due_ladders (customer_id, currency, newest, due_dates, opens, items, unapplied)
SELECT f.customer_id, f.currency, greatest(
           (SELECT max(entry_date) FROM ledger_entries e WHERE e.customer_id = f.customer_id),
           (SELECT max(application_date) FROM applications p WHERE p.customer_id = f.customer_id)),
       f.due_dates, f.opens, f.items, f.unapplied
FROM due_ladder_folds f
WHERE EXISTS (SELECT FROM ledger_entries e WHERE e.customer_id = f.customer_id);
CREATE INDEX due_ladders_page_idx ON due_ladders (customer_id COLLATE "C");
CREATE INDEX due_ladders_newest_idx ON due_ladders (newest);

-- +goose Down
DROP TABLE due_ladders;
DROP VIEW due_ladder_folds;
