package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
)

// Growth reads customers with credit, and what reviews say of them.
type Growth struct{ pool *pgxpool.Pool }

// NewGrowth returns a reader on a pool.
func NewGrowth(pool *pgxpool.Pool) Growth { return Growth{pool: pool} }

// Customers with credit of more than nothing that is not over on the day $1.
const buysOnTerms = `life_cycle <> 'CLOSED' AND merged_into_id = '' AND granted_treatment = 'CREDIT'
	AND (granted_until IS NULL OR granted_until >= to_char($1::date, 'YYYY-MM-DD')) AND (granted_unlimited OR granted_amount::numeric > 0)`

const (
	countCreditSQL = `SELECT count(*) FROM customers WHERE ` + buysOnTerms
	creditSQL      = `SELECT c.customer_id, c.display_name, c.salesperson_id, coalesce(c.unit_id, ''), c.currency_code, c.grade, coalesce(c.granted_amount, ''),
		(SELECT min(g.valid_from) FROM grants g WHERE g.customer_id = c.customer_id)
		FROM customers c WHERE customer_id > $2 AND ` + buysOnTerms + ` ORDER BY customer_id LIMIT $3`
	growthColumns = `customer_id, display_name, salesperson_id, unit_id, currency_code, grade, granted, credit_since, volume, compared, verdict`
	judged        = `verdict IN ('GREW', 'NOT_GROWN')`
	growthHeadSQL = `SELECT count(*), count(*) FILTER (WHERE verdict = 'GREW'), count(*) FILTER (WHERE verdict = 'NOT_GROWN'),
		count(*) FILTER (WHERE verdict = 'TOO_EARLY'), count(*) FILTER (WHERE verdict = 'UNKNOWN') FROM growth_rows WHERE run = $1`
	// Sums stop at the largest number there is.
	growthSumsSQL  = `SELECT currency_code, ` + growthSums + ` FROM growth_rows WHERE run = $1 AND ` + judged + ` GROUP BY 1`
	growthSums     = `least(coalesce(sum(volume), 0), 9223372036854775807)::bigint, least(coalesce(sum(compared), 0), 9223372036854775807)::bigint`
	growthTallySQL = `SELECT t.salesperson_id, t.grew, t.not_grown, s.currency_code, s.volume, s.compared FROM (
			SELECT salesperson_id, count(*) FILTER (WHERE verdict = 'GREW') AS grew, count(*) FILTER (WHERE verdict = 'NOT_GROWN') AS not_grown
			FROM growth_rows WHERE run = $1 AND ` + judged + ` GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT $2) t
		JOIN (SELECT salesperson_id, currency_code, least(sum(volume), 9223372036854775807)::bigint AS volume, least(sum(compared), 9223372036854775807)::bigint AS compared
			FROM growth_rows WHERE run = $1 AND ` + judged + ` GROUP BY 1, 2) s USING (salesperson_id)
		ORDER BY t.not_grown DESC, t.salesperson_id, s.currency_code`
	notGrownSQL   = `SELECT ` + growthColumns + ` FROM growth_rows WHERE run = $1 AND verdict = 'NOT_GROWN' ORDER BY compared - volume DESC, customer_id LIMIT $2`
	listGrowthSQL = `SELECT ` + growthColumns + ` FROM growth_rows WHERE run = $1 AND customer_id > $2 AND ($3 = '' OR verdict = $3)
		AND ($4 = '' OR salesperson_id = $4) ORDER BY customer_id LIMIT $5`
	pruneGrowthSQL = `DELETE FROM growth_rows WHERE (run, customer_id) IN (
		SELECT run, customer_id FROM growth_rows WHERE run < (SELECT min(number) FROM (SELECT number FROM operations ORDER BY number DESC LIMIT $1) newest)
		ORDER BY run, customer_id LIMIT $2)`
)

// CountCredit counts customers with credit on a day.
func (g Growth) CountCredit(ctx context.Context, day calendar.Date) (n int64, err error) {
	err = g.pool.QueryRow(ctx, countCreditSQL, day).Scan(&n)
	return n, pg.Err(err)
}

// Credit returns the next customers with credit on a day, without their volumes.
func (g Growth) Credit(ctx context.Context, day calendar.Date, after string, size int) ([]growth.Row, error) {
	rows, err := g.pool.Query(ctx, creditSQL, day, after, size)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r growth.Row, err error) {
		var amount string
		if err := row.Scan(&r.CustomerID, &r.DisplayName, &r.Salesperson, &r.Unit, &r.Currency, &r.Grade, &amount, &r.CreditSince); err != nil {
			return r, err
		}
		if amount != "" {
			m, err := money.Parse(r.Currency, amount)
			if err != nil {
				return r, err
			}
			r.Limit = &m.Minor
		}
		return r, nil
	})
	return found, pg.Err(err)
}

// WriteGrowth adds rows of a review in a transaction.
func WriteGrowth(ctx context.Context, tx pgx.Tx, run int64, rows []growth.Row) error {
	columns := []string{
		"run", "customer_id", "display_name", "salesperson_id", "unit_id", "currency_code", "grade", "granted", "credit_since", "volume", "compared", "verdict",
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"growth_rows"}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := rows[i]
		return []any{run, r.CustomerID, r.DisplayName, r.Salesperson, r.Unit, r.Currency, string(r.Grade), r.Limit, r.CreditSince, r.Volume, r.Compared, string(r.Verdict)}, nil
	}))
	return pg.Err(err)
}

func growthOf(row pgx.CollectableRow) (r growth.Row, err error) {
	err = row.Scan(&r.CustomerID, &r.DisplayName, &r.Salesperson, &r.Unit, &r.Currency, &r.Grade, &r.Limit, &r.CreditSince, &r.Volume, &r.Compared, &r.Verdict)
	return r, err
}

// Result adds up the rows of a review, all as of one moment.
func (g Growth) Result(ctx context.Context, run int64) (res growth.Result, err error) {
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, g.pool, opts, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, growthHeadSQL, run).Scan(&res.Customers, &res.Grew, &res.NotGrown, &res.TooEarly, &res.Unknown); err != nil {
			return err
		}
		var currency string
		var volume, compared int64
		rows, err := tx.Query(ctx, growthSumsSQL, run)
		if err != nil {
			return err
		}
		if _, err := pgx.ForEachRow(rows, []any{&currency, &volume, &compared}, func() error {
			res.Sums.Add(currency, volume, compared)
			return nil
		}); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, growthTallySQL, run, mostListed); err != nil {
			return err
		}
		res.Salespeople = []growth.Tally{}
		var t growth.Tally
		if _, err := pgx.ForEachRow(rows, []any{&t.Salesperson, &t.Grew, &t.NotGrown, &currency, &volume, &compared}, func() error {
			if n := len(res.Salespeople); n == 0 || res.Salespeople[n-1].Salesperson != t.Salesperson {
				res.Salespeople = append(res.Salespeople, growth.Tally{Salesperson: t.Salesperson, Grew: t.Grew, NotGrown: t.NotGrown})
			}
			res.Salespeople[len(res.Salespeople)-1].Sums.Add(currency, volume, compared)
			return nil
		}); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, notGrownSQL, run, mostListed); err != nil {
			return err
		}
		res.NotGrownCustomers, err = pgx.CollectRows(rows, growthOf)
		return err
	})
	return res, pg.Err(err)
}

// GrowthQuery asks for a page of what a review says of customers.
type GrowthQuery struct {
	Run   int64
	After string
	// Verdict and Salesperson bound the list; empty: all.
	Verdict     growth.Verdict
	Salesperson string
	Size        int
}

// Rows returns a page, by customer number.
func (g Growth) Rows(ctx context.Context, q GrowthQuery) ([]growth.Row, error) {
	rows, err := g.pool.Query(ctx, listGrowthSQL, q.Run, q.After, string(q.Verdict), q.Salesperson, q.Size)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, growthOf)
	return found, pg.Err(err)
}

// NotGrown returns customers that did not grow, the largest loss of volume first.
func (g Growth) NotGrown(ctx context.Context, run int64, most int) ([]growth.Row, error) {
	rows, err := g.pool.Query(ctx, notGrownSQL, run, most)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, growthOf)
	return found, pg.Err(err)
}

// Prune removes the rows of all but the newest operations, a bounded number at a time; it reports whether some are left.
func (g Growth) Prune(ctx context.Context, keep int) (more bool, err error) {
	const batch = 20_000
	tag, err := g.pool.Exec(ctx, pruneGrowthSQL, keep, batch)
	return tag.RowsAffected() == batch, pg.Err(err)
}
