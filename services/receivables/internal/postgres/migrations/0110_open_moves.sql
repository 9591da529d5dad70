-- What is open of everybody, as movements: by how much it changed on which day, by due date. Totals of any day, past or
-- ahead, are their sum up to that day, so that nobody reads ten million items for them. A projection: each change adds what
-- it changed, verification holds the sums to the documents.

-- +goose Up

-- All that makes something open or closes it, with its place in the customer's ledger or in the customer's applications.
CREATE VIEW open_events AS
SELECT customer_id, currency, item_id AS document, false AS money, due_date, document_date AS on_date, amount, 'POSTED' AS what,
       ledger_sequence, 0::bigint AS application_sequence
FROM items
UNION ALL
SELECT i.customer_id, i.currency, p.item_id, false, i.due_date, p.application_date, -p.amount, 'APPLIED', 0, p.sequence
FROM applications p JOIN items i USING (item_id)
UNION ALL
SELECT i.customer_id, i.currency, r.item_id, false, i.due_date, r.reverse_date, 0, 'REVERSED', r.ledger_sequence, 0
FROM item_reversals r JOIN items i USING (item_id)
UNION ALL
SELECT customer_id, currency, credit_id, true, 'infinity', credit_date, amount, 'POSTED', ledger_sequence, 0
FROM credits
UNION ALL
SELECT c.customer_id, c.currency, p.credit_id, true, 'infinity', p.application_date, -p.amount, 'APPLIED', 0, p.sequence
FROM applications p JOIN credits c USING (credit_id)
UNION ALL
SELECT c.customer_id, c.currency, r.credit_id, true, 'infinity', r.reverse_date, 0, 'REVERSED', r.ledger_sequence, 0
FROM credit_reversals r JOIN credits c USING (credit_id);

-- What the movements must be, by customer.
CREATE VIEW open_move_folds AS
SELECT customer_id, currency, on_date, due_date,
       (sum(CASE WHEN money THEN 0 ELSE open - was END))::bigint AS amount,
       (sum(CASE WHEN money THEN 0 ELSE (open > 0)::int - (was > 0)::int END))::bigint AS items,
       (sum(CASE WHEN money THEN open - was ELSE 0 END))::bigint AS unapplied
FROM (SELECT *, coalesce(lag(open) OVER (PARTITION BY customer_id, money, document ORDER BY on_date), 0) AS was
      FROM (SELECT customer_id, currency, document, money, due_date, on_date,
                   CASE WHEN bool_or(bool_or(what = 'REVERSED')) OVER days OR NOT bool_or(bool_or(what = 'POSTED')) OVER days THEN 0
                        ELSE sum(sum(amount)) OVER days END AS open
            FROM open_events
            GROUP BY customer_id, currency, document, money, due_date, on_date
            WINDOW days AS (PARTITION BY customer_id, money, document ORDER BY on_date)) opens) steps
WHERE open <> was
GROUP BY customer_id, currency, on_date, due_date;

-- Nobody waits for anybody here: each change adds rows, and rows of one key are put together now and then.
CREATE TABLE open_moves (
    currency  text   NOT NULL,
    on_date   date   NOT NULL, -- from this day on
    due_date  date   NOT NULL, -- of the items; infinity: money that is not applied
    amount    bigint NOT NULL, -- by how much more is open
    items     bigint NOT NULL, -- how many items more are
    unapplied bigint NOT NULL  -- how much more money is not applied
);
INSERT INTO open_moves (currency, on_date, due_date, amount, items, unapplied)
SELECT currency, on_date, due_date, sum(amount), sum(items), sum(unapplied) FROM open_move_folds GROUP BY currency, on_date, due_date;

-- A customer whose oldest posting is younger had nothing open.
ALTER TABLE due_ladders ADD COLUMN oldest date;
UPDATE due_ladders l SET oldest = (SELECT min(entry_date) FROM ledger_entries e WHERE e.customer_id = l.customer_id);
ALTER TABLE due_ladders ALTER COLUMN oldest SET NOT NULL;

-- +goose Down
ALTER TABLE due_ladders DROP COLUMN oldest;
DROP TABLE open_moves;
DROP VIEW open_move_folds, open_events;
