-- The ladders of customers as they are now; dates are the newest of the change.
-- name: SaveLadders :exec
INSERT INTO due_ladders (customer_id, currency, newest, due_dates, opens, items, unapplied)
SELECT f.customer_id, f.currency, n.newest, f.due_dates, f.opens, f.items, f.unapplied
FROM (SELECT unnest(sqlc.arg(customer_ids)::text[]) AS customer_id, unnest(sqlc.arg(dates)::date[]) AS newest) n
JOIN due_ladder_folds f ON f.customer_id = n.customer_id
ON CONFLICT (customer_id) DO UPDATE SET
    newest = greatest(due_ladders.newest, excluded.newest), due_dates = excluded.due_dates, opens = excluded.opens,
    items = excluded.items, unapplied = excluded.unapplied;
