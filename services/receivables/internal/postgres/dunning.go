package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
)

// Run is a dunning run as it stands.
type Run struct {
	ID                                               string
	RunDate                                          calendar.Date
	State                                            dunning.RunState
	PolicyVersion                                    int64
	Cursor                                           string
	Done, Total, Lines, Customers, Letters, Finished int64
	ProposedBy                                       string
	CreateTime                                       time.Time
	DecidedBy                                        string
	DecideDate                                       calendar.Date
	Comment, ErrorReason, OperationID                string
}

const runFields = `dunning_run_id, run_date, state, policy_version, cursor, done, total, lines, customers, letters, finished,
    proposed_by, created_at, decided_by, decide_date, comment, error_reason, operation_id`

func scanRun(row pgx.CollectableRow) (Run, error) {
	var r Run
	err := row.Scan(&r.ID, &r.RunDate, &r.State, &r.PolicyVersion, &r.Cursor, &r.Done, &r.Total, &r.Lines, &r.Customers, &r.Letters, &r.Finished,
		&r.ProposedBy, &r.CreateTime, &r.DecidedBy, &r.DecideDate, &r.Comment, &r.ErrorReason, &r.OperationID)
	r.CreateTime = r.CreateTime.UTC()
	return r, err
}

const (
	lastRunSQL      = `SELECT run_date FROM dunning_runs WHERE state NOT IN ('FAILED') ORDER BY run_date DESC LIMIT 1`
	supersedeRunSQL = `UPDATE dunning_runs SET state = 'SUPERSEDED' WHERE state = 'PROPOSED'`
	addRunSQL       = `INSERT INTO dunning_runs (dunning_run_id, run_date, state, policy_version, proposed_by, created_at, operation_id)
VALUES ($1, $2, 'PROPOSING', $3, $4, $5, $6)`
)

// AddRun begins a run and supersedes those that wait for approval. Errors: FailedPrecondition RUN_DATE_BEFORE_LAST and
// RUN_UNDER_WAY.
func AddRun(ctx context.Context, tx pgx.Tx, r Run) error {
	var last calendar.Date
	err := tx.QueryRow(ctx, lastRunSQL).Scan(&last)
	if err != nil && errs.KindOf(pg.Err(err)) != errs.NotFound {
		return pg.Err(err)
	}
	if r.RunDate.Before(last) {
		return errs.New(errs.FailedPrecondition, "RUN_DATE_BEFORE_LAST", "the last run was dated %s", last).With("last_run_date", last.String())
	}
	if _, err := tx.Exec(ctx, supersedeRunSQL); err != nil {
		return pg.Err(err)
	}
	_, err = tx.Exec(ctx, addRunSQL, r.ID, r.RunDate, r.PolicyVersion, r.ProposedBy, r.CreateTime, r.OperationID)
	return underWay(err)
}

func underWay(err error) error {
	if pg.IsUnique(err, "dunning_runs_one_idx") {
		return errs.New(errs.FailedPrecondition, "RUN_UNDER_WAY", "another dunning run is being proposed or sent")
	}
	return pg.Err(err)
}

const (
	runSQL     = `SELECT ` + runFields + ` FROM dunning_runs WHERE dunning_run_id = $1`
	lockRunSQL = runSQL + ` FOR UPDATE`
	runsSQL    = `SELECT ` + runFields + ` FROM dunning_runs
WHERE ($1::timestamptz IS NULL OR (created_at, dunning_run_id) < ($1, $2)) ORDER BY created_at DESC, dunning_run_id DESC LIMIT $3`
)

// ReadRun reads a run. Errors: NotFound DUNNING_RUN_UNKNOWN.
func ReadRun(ctx context.Context, q pg.Querier, id string) (Run, error) {
	return oneRun(ctx, q, runSQL, id)
}

// LockRun reads a run and keeps others from changing it until the transaction ends.
func LockRun(ctx context.Context, tx pgx.Tx, id string) (Run, error) {
	return oneRun(ctx, tx, lockRunSQL, id)
}

func oneRun(ctx context.Context, q pg.Querier, sql, id string) (Run, error) {
	rows, err := q.Query(ctx, sql, id)
	if err != nil {
		return Run{}, pg.Err(err)
	}
	list, err := pgx.CollectRows(rows, scanRun)
	if err == nil && len(list) == 0 {
		return Run{}, errs.New(errs.NotFound, "DUNNING_RUN_UNKNOWN", "there is no dunning run %s", id).With("dunning_run_id", id)
	}
	if err != nil {
		return Run{}, pg.Err(err)
	}
	return list[0], nil
}

// Runs lists runs, newest first.
func (s *Store) Runs(ctx context.Context, after *invoice.Place, limit int) ([]Run, error) {
	at, id := bounds(after)
	rows, err := s.pool.Query(ctx, runsSQL, at, id, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanRun)
	return out, pg.Err(err)
}

const saveRunSQL = `UPDATE dunning_runs SET state = $2, cursor = $3, done = $4, total = $5, lines = $6, customers = $7, letters = $8, finished = $9,
    decided_by = $10, decide_date = $11, comment = $12, error_reason = $13, operation_id = $14 WHERE dunning_run_id = $1`

// SaveRun keeps a run. Errors: FailedPrecondition RUN_UNDER_WAY.
func SaveRun(ctx context.Context, tx pgx.Tx, r Run) error {
	_, err := tx.Exec(ctx, saveRunSQL, r.ID, r.State, r.Cursor, r.Done, r.Total, r.Lines, r.Customers, r.Letters, r.Finished,
		r.DecidedBy, orNoDate(r.DecideDate), r.Comment, r.ErrorReason, r.OperationID)
	return underWay(err)
}

// Sums of a run's lines that stand, by currency.
type Sums struct{ Open, Fees, Interest []money.Money }

const runSumsSQL = `SELECT currency, sum(open)::bigint, sum(fee)::bigint, sum(interest)::bigint FROM dunning_lines
WHERE dunning_run_id = $1 AND state IN ('PROPOSED', 'SENT') GROUP BY currency ORDER BY currency`

// RunSums adds up what a run asks for.
func (s *Store) RunSums(ctx context.Context, id string) (Sums, error) {
	rows, err := s.pool.Query(ctx, runSumsSQL, id)
	if err != nil {
		return Sums{}, pg.Err(err)
	}
	var out Sums
	var currency string
	var open, fee, interest int64
	_, err = pgx.ForEachRow(rows, []any{&currency, &open, &fee, &interest}, func() error {
		out.Open = append(out.Open, cash(open, currency))
		out.Fees, out.Interest = append(out.Fees, cash(fee, currency)), append(out.Interest, cash(interest, currency))
		return nil
	})
	return out, pg.Err(err)
}

const countDebtorsSQL = `SELECT count(DISTINCT customer_id) FROM item_balances WHERE open > 0 AND due_date < $1`

// CountDebtors counts the customers with something due before a day.
func CountDebtors(ctx context.Context, q pg.Querier, before calendar.Date) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, countDebtorsSQL, before).Scan(&n)
	return n, pg.Err(err)
}

// Debtor is a customer with its items as a run judges them.
type Debtor struct {
	dunning.Customer
	DisplayName string
	Currency    string
}

const (
	debtorFields = `b.customer_id, c.display_name, c.salesperson, c.unit_id, c.grade, d.letter_date,
    b.item_id, i.document_kind, b.due_date, i.currency, i.amount, b.open, coalesce(s.level, 0), s.letter_date, s.reminded_for,
    coalesce(s.reminded_days, 0), s.interest_until, coalesce(b.last_application > b.due_date, false),
    coalesce(s.stops_supply, false)`
	debtorJoins = `
JOIN items i USING (item_id)
JOIN customers c ON c.customer_id = b.customer_id
LEFT JOIN dunning_customers d ON d.customer_id = b.customer_id
LEFT JOIN dunning_states s ON s.item_id = b.item_id`
	debtorsSQL = `SELECT ` + debtorFields + ` FROM (
    SELECT * FROM item_balances WHERE open > 0 AND due_date < $2 AND customer_id > $1 ORDER BY customer_id LIMIT $3) b` + debtorJoins + `
ORDER BY b.customer_id, b.due_date, b.item_id`
	debtorSQL = `SELECT ` + debtorFields + ` FROM (
    SELECT * FROM item_balances WHERE open > 0 AND due_date < $2 AND customer_id = ANY ($1)) b` + debtorJoins + `
ORDER BY b.customer_id, b.due_date, b.item_id`
)

// Debtors reads the next customers behind one with what they owe that is due before a day, whole customers of together
// about limit items, by number; none at the end. Only their items are held in memory.
func Debtors(ctx context.Context, q pg.Querier, after string, w Window, limit int) ([]Debtor, error) {
	found, items, err := debtors(ctx, q, debtorsSQL, after, w.Before, limit)
	switch {
	case err != nil:
		return nil, err
	case items < limit:
	case len(found) > 1: // the last one may be cut off: it comes first in the next batch
		found = found[:len(found)-1]
	default:
		return DebtorsByID(ctx, q, []string{found[0].ID}, w)
	}
	return found, w.complete(ctx, q, found)
}

// Window is what of the items a run looks at.
type Window struct {
	Day    calendar.Date // on which it judges
	Before calendar.Date // items due before it
	// Interest has what was open each day read, where it is reckoned.
	Interest bool
}

// DebtorsByID reads some customers with what they owe that is due before a day; those that owe nothing are left out.
func DebtorsByID(ctx context.Context, q pg.Querier, ids []string, w Window) ([]Debtor, error) {
	found, _, err := debtors(ctx, q, debtorSQL, ids, w.Before)
	if err != nil {
		return nil, err
	}
	return found, w.complete(ctx, q, found)
}

func debtors(ctx context.Context, q pg.Querier, sql string, args ...any) (out []Debtor, items int, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, 0, pg.Err(err)
	}
	var d Debtor
	var i dunning.Item
	var kind, currency string
	var amount, open int64
	var paidLate bool
	_, err = pgx.ForEachRow(rows, []any{
		&d.ID, &d.DisplayName, &d.Salesperson, &d.UnitID, &d.Grade, &d.LetterDate, &i.ID, &kind, &i.DueDate, &currency, &amount, &open,
		&i.Level, &i.LetterDate, &i.RemindedFor, &i.RemindedDays, &i.InterestUntil, &paidLate, &i.SupplyStopped,
	}, func() error {
		items++
		i.Kind, i.Amount, i.Open = dunning.KindPrincipal, cash(amount, currency), cash(open, currency)
		if kind == "FEE" || kind == "LATE_INTEREST" {
			i.Kind = dunning.KindCharge
		}
		i.Balances = nil
		if paidLate {
			i.Balances = []dunning.Balance{{}} // filled in where interest is reckoned
		}
		if n := len(out); n == 0 || out[n-1].ID != d.ID {
			next := Debtor{DisplayName: d.DisplayName, Currency: currency}
			next.ID, next.Salesperson, next.LetterDate = d.ID, d.Salesperson, d.LetterDate
			next.UnitID, next.Grade = d.UnitID, d.Grade
			out = append(out, next)
		}
		last := &out[len(out)-1]
		last.Items = append(last.Items, i)
		return nil
	})
	return out, items, pg.Err(err)
}

// complete adds to debtors what pauses their items, and what was open each day where interest is reckoned.
func (w Window) complete(ctx context.Context, q pg.Querier, list []Debtor) error {
	ids, index := make([]string, len(list)), make(map[string]*dunning.Item, len(list))
	byID := make(map[string]*Debtor, len(list))
	for n := range list {
		ids[n], byID[list[n].ID] = list[n].ID, &list[n]
	}
	records, err := LiveRecords(ctx, q, ids, RecordPromise, RecordDispute, RecordHold)
	if err != nil {
		return err
	}
	if len(records) > 0 || w.Interest {
		for n := range list {
			for k := range list[n].Items {
				index[list[n].Items[k].ID] = &list[n].Items[k]
			}
		}
	}
	if err := w.pause(ctx, q, records, byID, index); err != nil {
		return err
	}
	if !w.Interest {
		return nil
	}
	if err := interestAsked(ctx, q, index); err != nil {
		return err
	}
	return balances(ctx, q, index)
}

const askedSQL = `SELECT i.item_id, max(v.voucher_date) FROM items i JOIN vouchers v ON v.about IN (i.item_id, i.document_id) AND v.kind = 'LATE_INTEREST'
WHERE i.item_id = ANY ($1) AND NOT EXISTS (SELECT FROM voucher_reversals r WHERE r.voucher_id = v.voucher_id) GROUP BY i.item_id`

// interestAsked: what was asked for beside the letters is not asked for again.
func interestAsked(ctx context.Context, q pg.Querier, items map[string]*dunning.Item) error {
	ids := make([]string, 0, len(items))
	for id := range items {
		ids = append(ids, id)
	}
	rows, err := q.Query(ctx, askedSQL, ids)
	if err != nil {
		return pg.Err(err)
	}
	var id string
	var until calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &until}, func() error {
		if i := items[id]; until.After(i.InterestUntil) {
			i.InterestUntil = until
		}
		return nil
	})
	return pg.Err(err)
}

func (w Window) pause(ctx context.Context, q pg.Querier, records []CollectionRecord, debtors map[string]*Debtor, items map[string]*dunning.Item) error {
	var promises []CollectionRecord
	for _, r := range records {
		switch r.Kind {
		case RecordPromise:
			promises = append(promises, r)
		case RecordDispute:
			if i := items[r.ItemIDs[0]]; i != nil {
				i.Disputed = true
			}
		case RecordHold:
			var h dunning.Hold
			if err := json.Unmarshal(r.Body, &h); err != nil {
				return err
			}
			if h.ItemID == "" {
				d := debtors[r.CustomerID]
				d.Blocked = d.Blocked || h.Blocks(w.Day)
			} else if i := items[h.ItemID]; i != nil {
				h.Apply(i, w.Day)
			}
		case RecordContact, RecordMinutes, RecordAction:
		}
	}
	judged, err := Judge(ctx, q, promises, w.Day)
	if err != nil {
		return err
	}
	for _, j := range judged {
		for _, id := range j.Record.ItemIDs {
			if i := items[id]; i != nil && j.State == promise.StateOpen {
				i.Promised = true
			}
		}
	}
	return nil
}

const movedSQL = `SELECT item_id, application_date, sum(amount)::bigint FROM applications WHERE item_id = ANY ($1)
GROUP BY item_id, application_date ORDER BY item_id, application_date`

// balances fills in what was open of items of which something was paid after their due date.
func balances(ctx context.Context, q pg.Querier, items map[string]*dunning.Item) error {
	var ids []string
	for id, i := range items {
		if len(i.Balances) > 0 {
			ids = append(ids, id)
			i.Balances = []dunning.Balance{{From: i.DueDate, Open: i.Amount}}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := q.Query(ctx, movedSQL, ids)
	if err != nil {
		return pg.Err(err)
	}
	var id string
	var day calendar.Date
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&id, &day, &amount}, func() error {
		i := items[id]
		last := &i.Balances[len(i.Balances)-1]
		open := last.Open.Sub(cash(amount, last.Open.Currency))
		if day.After(last.From) {
			i.Balances = append(i.Balances, dunning.Balance{From: day, Open: open})
		} else {
			last.Open = open
		}
		return nil
	})
	return pg.Err(err)
}
