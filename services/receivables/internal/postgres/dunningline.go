package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
)

var lineColumns = []string{ // in the order of the rows below; constant
	"dunning_run_id", "customer_id", "item_id", "strategy", "level", "last_level", "due_date", "days", "currency", "open", "fee", "interest",
	"interest_until", "state",
}

// PlannedLine is a line of one customer's plan.
type PlannedLine struct {
	CustomerID, Strategy string
	dunning.Line
}

// AddLines copies proposed lines to a run.
func AddLines(ctx context.Context, tx pgx.Tx, runID string, lines []PlannedLine) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"dunning_lines"}, lineColumns, pgx.CopyFromSlice(len(lines), func(n int) ([]any, error) {
		l := lines[n]
		return []any{
			runID, l.CustomerID, l.ItemID, l.Strategy, l.Level, l.LastOf, l.DueDate, l.Days, l.Open.Currency, l.Open.Minor, l.Fee.Minor,
			l.Interest.Minor, orNoDate(l.InterestUntil), "PROPOSED",
		}, nil
	}))
	return pg.Err(err)
}

// Line is a line of a run as it stands.
type Line struct {
	RunID, CustomerID, Strategy string
	RunDate                     calendar.Date
	dunning.Line
	State             dunning.LineState
	Reason, ChangedBy string
}

const lineFields = `l.dunning_run_id, r.run_date, l.customer_id, l.item_id, l.strategy, l.level, l.last_level, l.due_date, l.days, l.currency, l.open, l.fee, l.interest,
    l.interest_until, CASE WHEN l.state = 'PROPOSED' AND r.state IN ('SUPERSEDED', 'DISCARDED', 'FAILED') THEN 'IGNORED' ELSE l.state END, l.reason, l.changed_by`

func scanLine(row pgx.CollectableRow) (Line, error) {
	var l Line
	var currency string
	var open, fee, interest int64
	err := row.Scan(&l.RunID, &l.RunDate, &l.CustomerID, &l.ItemID, &l.Strategy, &l.Level, &l.LastOf, &l.DueDate, &l.Days, &currency, &open, &fee, &interest,
		&l.InterestUntil, &l.State, &l.Reason, &l.ChangedBy)
	l.Open, l.Fee, l.Interest = cash(open, currency), cash(fee, currency), cash(interest, currency)
	return l, err
}

func lines(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Line, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanLine)
	return out, pg.Err(err)
}

const (
	linesOfRunSQL = `SELECT ` + lineFields + ` FROM dunning_lines l JOIN dunning_runs r USING (dunning_run_id)
WHERE l.dunning_run_id = $1 AND ($2 = '' OR l.customer_id = $2) AND (l.customer_id, l.item_id) > ($3, $4)
ORDER BY l.customer_id, l.item_id LIMIT $5`
	linesOfItemSQL = `SELECT ` + lineFields + ` FROM dunning_lines l JOIN dunning_runs r USING (dunning_run_id)
WHERE l.item_id = $1 AND r.number > $2 ORDER BY r.number LIMIT $3`
	openLinesSQL = `SELECT ` + lineFields + ` FROM dunning_lines l JOIN dunning_runs r USING (dunning_run_id)
WHERE l.dunning_run_id = $1 AND l.customer_id = $2 AND l.state = 'PROPOSED' ORDER BY l.due_date, l.item_id`
	runNumberSQL = `SELECT number FROM dunning_runs WHERE dunning_run_id = $1`
)

// LinesOfRun lists lines of a run behind a customer and item.
func (s *Store) LinesOfRun(ctx context.Context, runID, customerID string, after [2]string, limit int) ([]Line, error) {
	return lines(ctx, s.pool, linesOfRunSQL, runID, customerID, after[0], after[1], limit)
}

// LinesOfItem lists the history of an item, oldest run first, behind a run.
func (s *Store) LinesOfItem(ctx context.Context, itemID, afterRun string, limit int) ([]Line, error) {
	var number int64
	if afterRun != "" {
		if err := s.pool.QueryRow(ctx, runNumberSQL, afterRun).Scan(&number); err != nil {
			return nil, pg.Err(err)
		}
	}
	return lines(ctx, s.pool, linesOfItemSQL, itemID, number, limit)
}

// OpenLines are the lines of a customer in a run that are still to be sent.
func OpenLines(ctx context.Context, tx pgx.Tx, runID, customerID string) ([]Line, error) {
	return lines(ctx, tx, openLinesSQL, runID, customerID)
}

const editLineSQL = `UPDATE dunning_lines SET state = $3, fee = $4, interest = $5, open = $6, reason = $7, changed_by = $8
WHERE dunning_run_id = $1 AND item_id = $2 RETURNING customer_id`

const lineSQL = `SELECT ` + lineFields + ` FROM dunning_lines l JOIN dunning_runs r USING (dunning_run_id)
WHERE l.dunning_run_id = $1 AND l.item_id = $2 FOR UPDATE OF l`

// LockLine reads a line of a run to change it. Errors: NotFound DUNNING_LINE_UNKNOWN.
func LockLine(ctx context.Context, tx pgx.Tx, runID, itemID string) (Line, error) {
	found, err := lines(ctx, tx, lineSQL, runID, itemID)
	if err == nil && len(found) == 0 {
		return Line{}, errs.New(errs.NotFound, "DUNNING_LINE_UNKNOWN", "the run has no line for item %s", itemID).With("item_id", itemID)
	}
	if err != nil {
		return Line{}, err
	}
	return found[0], nil
}

// SaveLine keeps a changed line.
func SaveLine(ctx context.Context, tx pgx.Tx, l Line) error {
	var customer string
	err := tx.QueryRow(ctx, editLineSQL, l.RunID, l.ItemID, l.State, l.Fee.Minor, l.Interest.Minor, l.Open.Minor, l.Reason, l.ChangedBy).Scan(&customer)
	return pg.Err(err)
}

// A line knows who changed it last, the audit trail who ever did.
const editorsSQL = `SELECT EXISTS (SELECT FROM audit_events
WHERE subject = 'dunning run ' || $1 AND stream = 'dunning' AND action = 'dunning.edit' AND actor = $2)`

// Edited tells whether somebody ever changed lines of a run.
func Edited(ctx context.Context, tx pgx.Tx, runID, person string) (bool, error) {
	var yes bool
	err := tx.QueryRow(ctx, editorsSQL, runID, person).Scan(&yes)
	return yes, pg.Err(err)
}

const toSendSQL = `SELECT DISTINCT customer_id FROM dunning_lines WHERE dunning_run_id = $1 AND customer_id > $2 AND state IN ('PROPOSED', 'SENT')
ORDER BY customer_id LIMIT $3`

// ToSend are the next customers of a run behind one that letters are to go out to; among them those whose letters are out, but of whose batch
// the place was not kept.
func ToSend(ctx context.Context, q pg.Querier, runID, after string, limit int) ([]string, error) {
	rows, err := q.Query(ctx, toSendSQL, runID, after, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return out, pg.Err(err)
}

const countToSendSQL = `SELECT count(DISTINCT customer_id) FROM dunning_lines WHERE dunning_run_id = $1 AND state = 'PROPOSED'`

// CountToSend counts them.
func CountToSend(ctx context.Context, q pg.Querier, runID string) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, countToSendSQL, runID).Scan(&n)
	return n, pg.Err(err)
}
