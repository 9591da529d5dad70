package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

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
	runNumberSQL = `SELECT number FROM operations WHERE operation_id = $1`
	countRowsSQL = `SELECT count(*) FROM portfolio_rows WHERE run = $1`
	// All sums in one pass over the rows: by pair of grades (7), by salesperson (11), unit (13) and group (14), each by currency. Of the last three
	// the most affected only: who loses most of the limits, then most of the grades. There is no join, as no statistics tell the planner of a
	// new run.
	resultSumsSQL = `WITH sums AS (
			SELECT grouping(grade_before, salesperson_id, unit_id, group_id) AS kind, coalesce(grade_before, '') AS grade_before, coalesce(grade_after, '') AS grade_after,
				coalesce(salesperson_id, unit_id, group_id, '') AS id, currency_code, count(*) AS customers, count(*) FILTER (WHERE problem <> '') AS failed,
				count(*) FILTER (WHERE ` + movedDown + `) AS down, count(*) FILTER (WHERE ` + movedUp + `) AS up, count(*) FILTER (WHERE ` + tightened + `) AS tightened,
				count(*) FILTER (WHERE ` + lost + `) AS lost, count(*) FILTER (WHERE unchanged) AS unchanged,
				coalesce(sum(limit_before), 0) AS before, coalesce(sum(limit_after), 0) AS after, coalesce(sum(recommended), 0) AS recommended
			FROM portfolio_rows WHERE run = $1
			GROUP BY GROUPING SETS ((grade_before, grade_after, currency_code), (salesperson_id, currency_code), (unit_id, currency_code), (group_id, currency_code))),
		whole AS (SELECT sums.*, sum(before - after) OVER w AS cut, sum(down) OVER w AS fallen FROM sums WHERE kind <> 14 OR id <> '' WINDOW w AS (PARTITION BY kind, id)),
		ranked AS (SELECT whole.*, dense_rank() OVER (PARTITION BY kind ORDER BY cut DESC, fallen DESC, id) AS place FROM whole)
		SELECT kind, grade_before, grade_after, id, currency_code, customers, failed, down, up, tightened, lost, unchanged,
			least(before, 9223372036854775807)::bigint, least(after, 9223372036854775807)::bigint, least(recommended, 9223372036854775807)::bigint
		FROM ranked WHERE kind = 7 OR place <= $2
		ORDER BY kind, place, grade_before = '', grade_before, grade_after = '', grade_after, currency_code`
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

// Result adds up the rows of a run that has made them all.
func (p PortfolioResults) Result(ctx context.Context, run int64) (res portfolio.Result, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.sums(ctx, run, &res) })
	var affected []portfolio.Row
	group.Go(func() error {
		rows, err := p.pool.Query(ctx, affectedSQL, run, mostListed)
		if err != nil {
			return err
		}
		affected, err = pgx.CollectRows(rows, rowOf)
		return err
	})
	err = group.Wait()
	res.MostAffected = affected
	return res, pg.Err(err)
}

func (p PortfolioResults) sums(ctx context.Context, run int64, res *portfolio.Result) error {
	rows, err := p.pool.Query(ctx, resultSumsSQL, run, mostListed)
	if err != nil {
		return err
	}
	res.Recommended, res.Migration = map[string]int64{}, []portfolio.Cell{}
	res.Salespeople, res.Units, res.Groups = []portfolio.Tally{}, []portfolio.Tally{}, []portfolio.Tally{}
	tallies := map[int]*[]portfolio.Tally{11: &res.Salespeople, 13: &res.Units, 14: &res.Groups}
	var kind int
	var c portfolio.Cell
	var t portfolio.Tally
	var currency string
	var failed, tight, unchanged, before, after, recommended int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &c.From, &c.To, &t.ID, &currency, &t.Customers, &failed, &t.MovedDown, &t.MovedUp, &tight, &t.CreditLost, &unchanged,
		&before, &after, &recommended}, func() error {
		if all, ok := tallies[kind]; ok {
			addTally(all, t, currency, before, after)
			return nil
		}
		res.Customers, res.Failed, res.Unchanged = res.Customers+t.Customers, res.Failed+failed, res.Unchanged+unchanged
		res.MovedDown, res.MovedUp, res.Tightened, res.CreditLost = res.MovedDown+t.MovedDown, res.MovedUp+t.MovedUp, res.Tightened+tight, res.CreditLost+t.CreditLost
		res.Limits.Add(currency, before, after)
		if recommended != 0 {
			res.Recommended[currency] = min(res.Recommended[currency], math.MaxInt64-recommended) + recommended
		}
		if n := len(res.Migration); n == 0 || res.Migration[n-1].From != c.From || res.Migration[n-1].To != c.To {
			res.Migration = append(res.Migration, portfolio.Cell{From: c.From, To: c.To})
		}
		last := &res.Migration[len(res.Migration)-1]
		last.Customers += t.Customers
		last.Limits.Add(currency, before, after)
		return nil
	})
	return err
}

// addTally adds a row of one currency to the last tally where it is of the same one.
func addTally(all *[]portfolio.Tally, t portfolio.Tally, currency string, before, after int64) {
	if n := len(*all); n == 0 || (*all)[n-1].ID != t.ID {
		*all = append(*all, portfolio.Tally{ID: t.ID})
	}
	last := &(*all)[len(*all)-1]
	last.Customers, last.MovedDown, last.MovedUp, last.CreditLost = last.Customers+t.Customers, last.MovedDown+t.MovedDown, last.MovedUp+t.MovedUp, last.CreditLost+t.CreditLost
	last.Limits.Add(currency, before, after)
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
