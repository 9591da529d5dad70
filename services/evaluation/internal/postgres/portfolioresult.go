package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// PortfolioResults reads what runs made of customers.
type PortfolioResults struct{ pool *pgxpool.Pool }

// NewPortfolioResults returns a reader on a pool.
func NewPortfolioResults(pool *pgxpool.Pool) PortfolioResults { return PortfolioResults{pool: pool} }

// A grade of none is neither better nor worse than another one.
const (
	movedDown = `(grade_before <> '' AND grade_after > grade_before)`
	movedUp   = `(grade_after <> '' AND grade_after < grade_before)`
	tightened = `(treatment_after <> treatment_before OR term_after < term_before OR coalesce(limit_after, 0) < coalesce(limit_before, 0))`
	lost      = `(treatment_before = 'CREDIT' AND treatment_after <> 'CREDIT')`
)

const (
	runNumberSQL  = `SELECT number FROM operations WHERE operation_id = $1`
	countRowsSQL  = `SELECT count(*) FROM portfolio_rows WHERE run = $1`
	resultHeadSQL = `SELECT count(*), count(*) FILTER (WHERE problem <> ''), count(*) FILTER (WHERE ` + movedDown + `), count(*) FILTER (WHERE ` + movedUp + `),
		count(*) FILTER (WHERE ` + tightened + `), count(*) FILTER (WHERE ` + lost + `), count(*) FILTER (WHERE unchanged) FROM portfolio_rows WHERE run = $1`
	resultMoneySQL = `SELECT currency_code, least(coalesce(sum(limit_before), 0), 9223372036854775807)::bigint, least(coalesce(sum(limit_after), 0), 9223372036854775807)::bigint, least(coalesce(sum(recommended), 0), 9223372036854775807)::bigint
		FROM portfolio_rows WHERE run = $1 GROUP BY currency_code`
	// Best first, none last; a row for each currency of the pair.
	migrationSQL = `SELECT grade_before, grade_after, currency_code, count(*), least(coalesce(sum(limit_before), 0), 9223372036854775807)::bigint, least(coalesce(sum(limit_after), 0), 9223372036854775807)::bigint
		FROM portfolio_rows WHERE run = $1 GROUP BY 1, 2, 3 ORDER BY grade_before = '', grade_before, grade_after = '', grade_after, currency_code`
	// %[1]s is the column. The most affected first: who loses most of the limits, then most of the grades.
	tallySQL = `SELECT id, currency_code, customers, down, up, lost, before, after FROM (
			SELECT %[1]s AS id, currency_code, count(*) AS customers, count(*) FILTER (WHERE ` + movedDown + `) AS down, count(*) FILTER (WHERE ` + movedUp + `) AS up,
				count(*) FILTER (WHERE ` + lost + `) AS lost, least(coalesce(sum(limit_before), 0), 9223372036854775807)::bigint AS before, least(coalesce(sum(limit_after), 0), 9223372036854775807)::bigint AS after
			FROM portfolio_rows WHERE run = $1 AND (%[2]t OR %[1]s <> '') GROUP BY 1, 2) t
		JOIN (SELECT %[1]s AS id, sum(coalesce(limit_before, 0) - coalesce(limit_after, 0)) AS cut, count(*) FILTER (WHERE ` + movedDown + `) AS fallen
			FROM portfolio_rows WHERE run = $1 AND (%[2]t OR %[1]s <> '') GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT $2) most USING (id)
		ORDER BY cut DESC, fallen DESC, id, currency_code`
	affectedSQL = `SELECT ` + portfolioColumns + ` FROM portfolio_rows WHERE run = $1 AND (` + movedDown + ` OR ` + tightened + `)
		ORDER BY coalesce(limit_before, 0) - coalesce(limit_after, 0) DESC, ascii(grade_after) - ascii(grade_before || ' ') DESC, customer_id LIMIT $2`
	listRowsSQL = `SELECT ` + portfolioColumns + ` FROM portfolio_rows WHERE run = $1 AND customer_id > $2
		AND ($3 = '' OR salesperson_id = $3) AND ($4 = '' OR $4 = 'DOWN' AND ` + movedDown + ` OR $4 = 'UP' AND ` + movedUp + `
			OR $4 = 'TIGHTENED' AND ` + tightened + ` OR $4 = 'FAILED' AND problem <> '')
		ORDER BY customer_id LIMIT $5`
	pruneRowsSQL = `DELETE FROM portfolio_rows WHERE (run, customer_id) IN (
		SELECT run, customer_id FROM portfolio_rows WHERE run < (SELECT min(number) FROM (SELECT number FROM operations ORDER BY number DESC LIMIT $1) newest)
		ORDER BY run, customer_id LIMIT $2)`
)

// mostListed bounds each list of a result.
const mostListed = 1000

// RunNumber is the number by which the rows of a run are kept.
func (p PortfolioResults) RunNumber(ctx context.Context, id string) (n int64, err error) {
	err = p.pool.QueryRow(ctx, runNumberSQL, id).Scan(&n)
	return n, pg.Err(err)
}

// Count is how many customers have a row of a run.
func (p PortfolioResults) Count(ctx context.Context, run int64) (n int64, err error) {
	err = p.pool.QueryRow(ctx, countRowsSQL, run).Scan(&n)
	return n, pg.Err(err)
}

// Result adds up the rows of a run, all as of one moment.
func (p PortfolioResults) Result(ctx context.Context, run int64) (res portfolio.Result, err error) {
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, p.pool, opts, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, resultHeadSQL, run).Scan(&res.Customers, &res.Failed, &res.MovedDown, &res.MovedUp, &res.Tightened, &res.CreditLost, &res.Unchanged)
		if err != nil {
			return err
		}
		if err := sums(ctx, tx, run, &res); err != nil {
			return err
		}
		if res.Migration, err = migration(ctx, tx, run); err != nil {
			return err
		}
		for _, t := range []struct {
			column string
			empty  bool
			to     *[]portfolio.Tally
		}{{"salesperson_id", true, &res.Salespeople}, {"unit_id", true, &res.Units}, {"group_id", false, &res.Groups}} {
			if *t.to, err = tallies(ctx, tx, run, fmt.Sprintf(tallySQL, t.column, t.empty)); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, affectedSQL, run, mostListed)
		if err != nil {
			return err
		}
		res.MostAffected, err = pgx.CollectRows(rows, rowOf)
		return err
	})
	return res, pg.Err(err)
}

func sums(ctx context.Context, tx pgx.Tx, run int64, res *portfolio.Result) error {
	rows, err := tx.Query(ctx, resultMoneySQL, run)
	if err != nil {
		return err
	}
	res.Recommended = map[string]int64{}
	var currency string
	var before, after, recommended int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &before, &after, &recommended}, func() error {
		res.Limits.Add(currency, before, after)
		if recommended != 0 {
			res.Recommended[currency] = recommended
		}
		return nil
	})
	return err
}

func migration(ctx context.Context, tx pgx.Tx, run int64) (cells []portfolio.Cell, err error) {
	rows, err := tx.Query(ctx, migrationSQL, run)
	if err != nil {
		return nil, err
	}
	cells = []portfolio.Cell{}
	var c portfolio.Cell
	var currency string
	var before, after int64
	_, err = pgx.ForEachRow(rows, []any{&c.From, &c.To, &currency, &c.Customers, &before, &after}, func() error {
		if n := len(cells); n == 0 || cells[n-1].From != c.From || cells[n-1].To != c.To {
			cells = append(cells, portfolio.Cell{From: c.From, To: c.To})
		}
		last := &cells[len(cells)-1]
		last.Customers += c.Customers
		last.Limits.Add(currency, before, after)
		return nil
	})
	return cells, err
}

func tallies(ctx context.Context, tx pgx.Tx, run int64, sql string) (all []portfolio.Tally, err error) {
	rows, err := tx.Query(ctx, sql, run, mostListed)
	if err != nil {
		return nil, err
	}
	all = []portfolio.Tally{}
	var t portfolio.Tally
	var currency string
	var before, after int64
	_, err = pgx.ForEachRow(rows, []any{&t.ID, &currency, &t.Customers, &t.MovedDown, &t.MovedUp, &t.CreditLost, &before, &after}, func() error {
		if n := len(all); n == 0 || all[n-1].ID != t.ID {
			all = append(all, portfolio.Tally{ID: t.ID})
		}
		last := &all[len(all)-1]
		last.Customers, last.MovedDown, last.MovedUp, last.CreditLost = last.Customers+t.Customers, last.MovedDown+t.MovedDown, last.MovedUp+t.MovedUp, last.CreditLost+t.CreditLost
		last.Limits.Add(currency, before, after)
		return nil
	})
	return all, err
}

func rowOf(row pgx.CollectableRow) (r portfolio.Row, err error) {
	var run int64
	err = row.Scan(&run, &r.CustomerID, &r.Salesperson, &r.Unit, &r.Group, &r.Currency, &r.GradeBefore, &r.GradeAfter, &r.TreatmentBefore, &r.TreatmentAfter,
		&r.LimitBefore, &r.LimitAfter, &r.UnlimitedBefore, &r.UnlimitedAfter, &r.Recommended, &r.TermBefore, &r.TermAfter, &r.Deciding, &r.RatingID,
		&r.Unchanged, &r.Problem)
	return r, err
}

// PortfolioRowQuery asks for a page of what a run made of customers.
type PortfolioRowQuery struct {
	Run   int64
	After string
	// Salesperson and Move bound the list; empty: all.
	Salesperson string
	Move        portfolio.Move
	Size        int
}

// Rows returns a page, by customer number.
func (p PortfolioResults) Rows(ctx context.Context, q PortfolioRowQuery) ([]portfolio.Row, error) {
	rows, err := p.pool.Query(ctx, listRowsSQL, q.Run, q.After, q.Salesperson, string(q.Move), q.Size)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, rowOf)
	return found, pg.Err(err)
}

// Prune removes the rows of all but the newest runs, a bounded number at a time; it reports whether some are left.
func (p PortfolioResults) Prune(ctx context.Context, keep int) (more bool, err error) {
	const batch = 20_000
	tag, err := p.pool.Exec(ctx, pruneRowsSQL, keep, batch)
	return tag.RowsAffected() == batch, pg.Err(err)
}
