package violation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// Stream carries violations to the phase that shows them all, in one order: Key stands where customers' ids do.
	Stream = "violation"
	// Key of the one order.
	Key = "register"

	// auditStream is the audit trail's chain of the register.
	auditStream = "violations"
	// mostFound bounds how many findings of one verification are recorded.
	mostFound = 100
)

// Register is the register of one phase, in its schema.
type Register struct {
	Pool  *pgxpool.Pool
	Clock calendar.Clock
	Log   *slog.Logger
	// Phase is its name.
	Phase string
	// Told is set where entries are delivered to the phase that shows all.
	Told bool
	// CustomerOf finds whom an object is about, where the request did not say; nil: nobody does. Empty: not known.
	CustomerOf func(ctx context.Context, tx pgx.Tx, kind, id string) (string, error)
}

// Record enters an attempt into the register, in a transaction of its own: that of the act was rolled back.
func (r *Register) Record(ctx context.Context, at Attempt) error {
	at.Date = r.Clock.Today(ctx)
	return pg.InTx(ctx, r.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v := Of(r.Phase, at)
		if v.CustomerID == "" && r.CustomerOf != nil {
			if v.CustomerID, err = r.CustomerOf(ctx, tx, v.ObjectKind, v.ObjectID); err != nil {
				return err
			}
		}
		v.CreateTime = r.Clock.Now().UTC().Truncate(time.Microsecond)
		fresh, err := r.Enter(ctx, tx, v)
		if err != nil || !fresh || !r.Told {
			return err
		}
		_, err = delivery.Append(ctx, tx, Stream, Key, func(int64) ([]byte, error) { return json.Marshal(v) })
		return err
	})
}

// Found enters what a verification found altered. It is logged where it cannot be entered: the finding is reported all the same.
func (r *Register) Found(ctx context.Context, chain string, sequence int64, problem string) {
	err := r.Record(ctx, Attempt{
		Kind: Alteration, Subject: Nobody, Act: "verification", ObjectKind: "chain", ObjectID: fmt.Sprintf("%s#%d", chain, sequence),
		ReasonCode: "CHAIN_BROKEN", Message: problem, Sent: fmt.Appendf(nil, "%s %s %d %s", r.Phase, chain, sequence, problem),
		Readable: fmt.Sprintf("%s, entry %d: %s", chain, sequence, problem),
	})
	if err != nil {
		r.Log.ErrorContext(ctx, "what was found altered could not be recorded", "chain", chain, "entry", sequence, "problem", problem, "error", err)
	}
}

// Most is how many findings of one verification are worth an entry each.
func Most[T any](found []T) []T { return found[:min(len(found), mostFound)] }

// Enter adds an entry, of this phase or another; false where it is in the register already.
func (r *Register) Enter(ctx context.Context, tx pgx.Tx, v Violation) (bool, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO violation_register (violation_id, phase, kind, subject, customer_id, object_id, reason_code, business_date, supervisor_roles, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (violation_id) DO NOTHING`,
		v.ID, v.Phase, string(v.Kind), v.Subject, v.CustomerID, v.ObjectID, v.ReasonCode, v.Date, v.SupervisorRoles, body)
	if err != nil || tag.RowsAffected() == 0 {
		return false, pg.Err(err)
	}
	return true, audit.Append(ctx, tx, audit.Event{
		Stream: auditStream, Actor: v.Subject, Action: "violation.record", Subject: v.ID, BusinessDate: v.Date, Detail: body,
	})
}

const entrySQL = `
SELECT v.number, v.body, coalesce(o.outcome, ''), coalesce(o.note, ''), coalesce(o.decided_by, ''), o.decide_date
FROM violation_register v LEFT JOIN violation_outcomes o USING (violation_id) `

// Get returns an entry. Errors: NotFound VIOLATION_NOT_FOUND.
func Get(ctx context.Context, q pg.Querier, id string) (Violation, error) {
	v, err := scan(q.QueryRow(ctx, entrySQL+`WHERE v.violation_id = $1`, id))
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "VIOLATION_NOT_FOUND", "there is no violation %s", id).With("violation_id", id)
	}
	return v, err
}

func scan(row pgx.Row) (Violation, error) {
	var v Violation
	var number int64
	var body []byte
	var o Outcome
	if err := row.Scan(&number, &body, &o.Verdict, &o.Note, &o.DecidedBy, &o.DecideDate); err != nil {
		return v, err
	}
	err := json.Unmarshal(body, &v)
	v.Number, v.Outcome = number, o
	if v.Kind == "" { // from before kinds, all in evaluation
		v.Kind, v.Phase, v.SupervisorRoles = RefusedAct, "evaluation", Supervisors(v.Roles)
	}
	return v, err
}

// Query asks for a page, newest first; empty fields do not restrict.
type Query struct {
	// Before is the number of the entry before the page.
	Before                                                 int64
	Subject, CustomerID, ObjectID, ReasonCode, Phase, Kind string
	// From and Until are business dates, both included; zero: no bound.
	From, Until calendar.Date
	OpenOnly    bool
	// SupervisedBy restricts it to what one of these roles looks into; none: all.
	SupervisedBy []string
	Size         int
}

const listSQL = entrySQL + `
WHERE v.number < $1
  AND ($2 = '' OR v.subject = $2) AND ($3 = '' OR v.customer_id = $3) AND ($4 = '' OR v.object_id = $4)
  AND ($5 = '' OR v.reason_code = $5) AND ($6 = '' OR v.phase = $6) AND ($7 = '' OR v.kind = $7)
  AND ($8::date IS NULL OR v.business_date >= $8) AND ($9::date IS NULL OR v.business_date <= $9)
  AND (NOT $10 OR o.violation_id IS NULL) AND (cardinality($11::text[]) = 0 OR v.supervisor_roles && $11)
ORDER BY v.number DESC LIMIT $12`

// List returns a page.
func List(ctx context.Context, q pg.Querier, l Query) ([]Violation, error) {
	by := l.SupervisedBy
	if by == nil {
		by = []string{}
	}
	rows, err := q.Query(ctx, listSQL, l.Before, l.Subject, l.CustomerID, l.ObjectID, l.ReasonCode, l.Phase, l.Kind, l.From, l.Until, l.OpenOnly, by, l.Size)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Violation, error) { return scan(row) })
	return out, pg.Err(err)
}

// Conclude records what became of an entry. Errors: those of Get and Decide.
func Conclude(ctx context.Context, tx pgx.Tx, id string, decide func(v Violation) (Violation, error), now time.Time) (Violation, error) {
	// Two that decide at once take turns; the entry itself is never changed.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('violation ' || $1, 0))`, id); err != nil {
		return Violation{}, pg.Err(err)
	}
	v, err := Get(ctx, tx, id)
	if err != nil {
		return v, err
	}
	if v, err = decide(v); err != nil {
		return v, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO violation_outcomes (violation_id, outcome, note, decided_by, decide_date, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		v.ID, v.Outcome.Verdict, v.Outcome.Note, v.Outcome.DecidedBy, v.Outcome.DecideDate, now)
	if err != nil {
		return v, pg.Err(err)
	}
	detail, err := json.Marshal(v.Outcome)
	if err != nil {
		return v, err
	}
	return v, audit.Append(ctx, tx, audit.Event{
		Stream: auditStream, Actor: v.Outcome.DecidedBy, Action: "violation.decide", Subject: v.ID, BusinessDate: v.Outcome.DecideDate, Detail: detail,
	})
}
