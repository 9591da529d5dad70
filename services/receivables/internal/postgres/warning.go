package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// Given are the warnings given of an object's day.
type Given struct {
	ObjectID string
	LastDay  calendar.Date
}

// WarningsGiven are the days ahead of the warnings given before, by object and day.
func (c *Claims) WarningsGiven(ctx context.Context, kind warning.Kind, objects []string) (map[Given][]int, error) {
	rows, err := c.q.WarningsGiven(ctx, db.WarningsGivenParams{Kind: string(kind), ObjectIds: objects})
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[Given][]int{}
	for _, r := range rows {
		k := Given{r.ObjectID, r.LastDate}
		out[k] = append(out[k], int(r.DaysAhead))
	}
	return out, nil
}

// AddWarning records a warning; false where it was given in the meantime.
func (c *Claims) AddWarning(ctx context.Context, w warning.Warning) (bool, error) {
	n, err := c.q.AddWarning(ctx, db.AddWarningParams{
		Kind: string(w.Kind), ObjectID: w.ObjectID, LastDate: w.LastDay, DaysAhead: int32(w.DaysAhead), //nolint:gosec // days
		CustomerID: w.CustomerID, Owner: w.Owner, Currency: w.Amount.Currency, Amount: w.Amount.Minor, Text: w.Text,
		WarningDate: w.GivenDate, LateDays: int32(w.LateDays), CreatedAt: c.act.Now, //nolint:gosec // days
	})
	return n > 0, pg.Err(err)
}

// Warning reads a warning and locks it. Errors: NotFound WARNING_UNKNOWN.
func (c *Claims) Warning(ctx context.Context, number int64) (warning.Warning, error) {
	if _, err := c.q.LockWarning(ctx, number); err != nil {
		return warning.Warning{}, warningUnknown(err, number)
	}
	return warningByNumber(ctx, c.q, number)
}

// AcknowledgeWarning records the answer to a warning.
func (c *Claims) AcknowledgeWarning(ctx context.Context, w warning.Warning) error {
	return pg.Err(c.q.AcknowledgeWarning(ctx, db.AcknowledgeWarningParams{
		Number: w.Number, AcknowledgedBy: w.AcknowledgedBy, AcknowledgeDate: w.AcknowledgedOn, Note: w.Note, CreatedAt: c.act.Now,
	}))
}

// Warning returns a warning. Errors: NotFound WARNING_UNKNOWN.
func (s *Store) Warning(ctx context.Context, number int64) (warning.Warning, error) {
	return warningByNumber(ctx, s.q, number)
}

func warningByNumber(ctx context.Context, q *db.Queries, number int64) (warning.Warning, error) {
	row, err := q.WarningByNumber(ctx, number)
	return warningOf(row), warningUnknown(err, number)
}

func warningUnknown(err error, number int64) error {
	if err = pg.Err(err); errs.KindOf(err) != errs.NotFound {
		return err
	}
	id := warning.Warning{Number: number}.ID()
	return errs.New(errs.NotFound, "WARNING_UNKNOWN", "there is no warning %s", id).With("warning_id", id)
}

func warningOf(r db.WarningByNumberRow) warning.Warning {
	w := warning.Warning{
		Number: r.Number, DaysAhead: int(r.DaysAhead), GivenDate: r.WarningDate, LateDays: int(r.LateDays), CreateTime: r.CreatedAt.UTC(),
		AcknowledgedBy: r.AcknowledgedBy, AcknowledgedOn: r.AcknowledgeDate, Note: r.Note,
		Deadline: warning.Deadline{
			Kind: warning.Kind(r.Kind), ObjectID: r.ObjectID, CustomerID: r.CustomerID, LastDay: r.LastDate, Owner: r.Owner, Text: r.Text,
		},
	}
	if r.Currency != "" {
		w.Amount = money.New(r.Amount, r.Currency)
	}
	return w
}

const warningsSQL = `
SELECT w.*, coalesce(a.acknowledged_by, ''), a.acknowledge_date, coalesce(a.note, '')
FROM warnings w LEFT JOIN warning_acknowledgements a USING (number)
WHERE ($1 = '' OR w.customer_id = $1)
  AND ($2 = '' OR w.object_id = $2)
  AND ($3 = '' OR w.kind = $3)
  AND ($4 = '' OR w.owner = $4)
  AND (NOT $5 OR a.number IS NULL)
  AND ($6 = '' OR w.owner = $6 OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = w.customer_id AND c.salesperson = $6))
  AND w.number < $7
ORDER BY w.number DESC
LIMIT $8`

// Warnings lists warnings, newest first.
func (s *Store) Warnings(ctx context.Context, q warning.Query) ([]warning.Warning, error) {
	rows, err := s.pool.Query(ctx, warningsSQL, q.CustomerID, q.ObjectID, string(q.Kind), q.Owner, q.OpenOnly, q.Salesperson, q.Before, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.WarningByNumberRow])
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]warning.Warning, len(found))
	for i, r := range found {
		out[i] = warningOf(r)
	}
	return out, nil
}
