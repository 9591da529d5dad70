-- The ladders of customers as they are now; dates are the newest and the oldest of the change.
-- name: SaveLadders :exec
INSERT INTO due_ladders (customer_id, currency, newest, oldest, due_dates, opens, items, unapplied)
SELECT f.customer_id, f.currency, n.newest, n.oldest, f.due_dates, f.opens, f.items, f.unapplied
FROM (SELECT unnest(sqlc.arg(customer_ids)::text[]) AS customer_id, unnest(sqlc.arg(dates)::date[]) AS newest, unnest(sqlc.arg(oldest_dates)::date[]) AS oldest) n
JOIN due_ladder_folds f ON f.customer_id = n.customer_id
ON CONFLICT (customer_id) DO UPDATE SET
    newest = greatest(due_ladders.newest, excluded.newest), oldest = least(due_ladders.oldest, excluded.oldest),
    due_dates = excluded.due_dates, opens = excluded.opens, items = excluded.items, unapplied = excluded.unapplied;

-- What a change moved: how some documents of a customer stand on each day now, less how they stood by the entry and the
-- application before it, of its account and of those that go on in it.
-- name: AddOpenMoves :exec
INSERT INTO open_moves (currency, on_date, due_date, amount, items, unapplied)
SELECT currency, on_date, due_date, sum(CASE WHEN money THEN 0 ELSE sign * (open - was) END),
       sum(CASE WHEN money THEN 0 ELSE sign * ((open > 0)::int - (was > 0)::int) END), sum(CASE WHEN money THEN sign * (open - was) ELSE 0 END)
FROM (SELECT *, coalesce(lag(open) OVER (PARTITION BY sign, money, document ORDER BY on_date), 0) AS was
      FROM (SELECT sign, currency, document, money, due_date, on_date,
                   CASE WHEN bool_or(bool_or(what = 'REVERSED')) OVER days OR NOT bool_or(bool_or(what = 'POSTED')) OVER days THEN 0
                        ELSE sum(sum(amount)) OVER days END AS open
            FROM open_events e
            JOIN (SELECT 1 AS sign UNION ALL SELECT -1) versions ON sign = 1
              OR NOT EXISTS (SELECT FROM (SELECT unnest(sqlc.arg(accounts)::text[]) AS account, unnest(sqlc.arg(entries)::bigint[]) AS entry,
                                                 unnest(sqlc.arg(applications)::bigint[]) AS application) b
                             WHERE b.account = e.chain_id AND (e.ledger_sequence > b.entry OR e.application_sequence > b.application))
            WHERE e.document = ANY (sqlc.arg(documents)::text[])
            GROUP BY sign, currency, document, money, due_date, on_date
            WINDOW days AS (PARTITION BY sign, money, document ORDER BY on_date)) opens) steps
GROUP BY currency, on_date, due_date
HAVING sum(sign * (open - was)) <> 0 OR sum(sign * ((open > 0)::int - (was > 0)::int)) <> 0;

-- name: AddOpenItems :exec
INSERT INTO open_moves (currency, on_date, due_date, amount, items, unapplied)
SELECT unnest(sqlc.arg(currencies)::text[]), unnest(sqlc.arg(on_dates)::date[]), unnest(sqlc.arg(due_dates)::date[]),
       unnest(sqlc.arg(amounts)::bigint[]), unnest(sqlc.arg(items)::bigint[]), 0;

-- Rows of one key become one; whoever adds or reads meanwhile sees the same sums.
-- name: FoldOpenMoves :execrows
WITH many AS (
    SELECT currency, on_date, due_date FROM open_moves GROUP BY currency, on_date, due_date HAVING count(*) > 1
), gone AS (
    DELETE FROM open_moves m USING many k WHERE m.currency = k.currency AND m.on_date = k.on_date AND m.due_date = k.due_date
    RETURNING m.currency, m.on_date, m.due_date, m.amount, m.items, m.unapplied
)
INSERT INTO open_moves (currency, on_date, due_date, amount, items, unapplied)
SELECT currency, on_date, due_date, sum(amount), sum(items), sum(unapplied) FROM gone GROUP BY currency, on_date, due_date
HAVING sum(amount) <> 0 OR sum(items) <> 0 OR sum(unapplied) <> 0;

-- name: LaddersOf :many
SELECT * FROM due_ladders WHERE customer_id = ANY (sqlc.arg(customer_ids)::text[]);

-- Whole ladders; of each customer the arrays in PostgreSQL's own writing.
-- name: WriteLadders :exec
INSERT INTO due_ladders (customer_id, currency, newest, oldest, due_dates, opens, items, unapplied)
SELECT unnest(sqlc.arg(customer_ids)::text[]), unnest(sqlc.arg(currencies)::text[]), unnest(sqlc.arg(newest)::date[]), unnest(sqlc.arg(oldest)::date[]),
    unnest(sqlc.arg(due_dates)::text[])::date[], unnest(sqlc.arg(opens)::text[])::bigint[], unnest(sqlc.arg(items)::text[])::int[],
    unnest(sqlc.arg(unapplied)::bigint[])
ON CONFLICT (customer_id) DO UPDATE SET
    newest = excluded.newest, oldest = excluded.oldest, due_dates = excluded.due_dates, opens = excluded.opens, items = excluded.items, unapplied = excluded.unapplied;
