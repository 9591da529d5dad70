// Package app holds the use cases of the phase before the sale: load, decide in the
// pure domain, save, in one transaction; then tell the other phases.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
)

// The streams between the phases.
const (
	// StreamCreditProfile tells the order gate who a customer is and what it may have.
	StreamCreditProfile = "credit_profile"
	// StreamCustomer tells receivables the same.
	StreamCustomer = "customer"
	// StreamSettlement is what receivables reports: an invoice was settled in full.
	StreamSettlement = "settlement"
	// StreamWithdrawal is what the order gate asks for: that credit be withdrawn.
	StreamWithdrawal = "withdrawal"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// Payments tells how a customer paid us.
type Payments interface {
	// PaymentRecord returns the record as of a day, with the amounts of invoices from
	// windowStart on. Unavailable where receivables cannot be reached.
	PaymentRecord(ctx context.Context, customerID string, asOf, windowStart calendar.Date) (payment.Record, error)
}

// Policies finds the policy.
type Policies interface {
	// InForce returns the one that holds on a day.
	InForce(ctx context.Context, date calendar.Date) (criteria.Policy, error)
	// ByVersion returns one by its number.
	ByVersion(ctx context.Context, version int64) (criteria.Policy, error)
}

// Relay delivers a stream.
type Relay interface {
	// Flush delivers what a customer has pending, within a bounded time.
	Flush(ctx context.Context, customerID string)
	// Pending counts events that the receiver has not acknowledged.
	Pending(ctx context.Context) (int64, error)
}

// Deps is what the use cases need.
type Deps struct {
	Pool     *pgxpool.Pool
	Clock    calendar.Clock
	Log      *slog.Logger
	PageKey  []byte
	Payments Payments
	Policies Policies
	Volumes  Volumes
	// Book keeps the versions of the policy.
	Book *policy.Book
	// Register of violations: of this phase, and of the others that tell it theirs.
	Register *violation.Register
	// Relays by stream: StreamCreditProfile and StreamCustomer.
	Relays map[string]Relay
}

// App is the phase's use cases.
type App struct {
	Deps
	pages *page.Signer
}

// New returns the use cases.
func New(d Deps) *App { return &App{Deps: d, pages: page.NewSigner(d.PageKey)} }

// now is the instant for records, as PostgreSQL keeps it.
func (a *App) now() time.Time { return a.Clock.Now().UTC().Truncate(time.Microsecond) }

func (a *App) store() postgres.Store { return postgres.New(a.Pool) }

func caller(ctx context.Context) (authn.Principal, error) {
	p, ok := authn.FromContext(ctx)
	if !ok || p.Subject == "" {
		return authn.Principal{}, errs.New(errs.Unauthenticated, "TOKEN_MISSING", "an access token is needed")
	}
	return p, nil
}

// write runs a use case once per request id in one transaction.
func write[T any](ctx context.Context, a *App, r idem.Request, fn func(ctx context.Context, tx pgx.Tx) (T, error)) (T, error) {
	var result T
	err := pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		result, _, err = idem.Do(ctx, tx, r, func() (T, error) { return fn(ctx, tx) })
		if err == nil && onTrial(ctx) {
			return errTrial
		}
		return err
	})
	if errors.Is(err, errTrial) {
		return result, nil
	}
	return result, err
}

// visible returns a customer that the caller reaches; others are not found.
func visible(ctx context.Context, get func(context.Context, string) (postgres.State, error), id string) (postgres.State, error) {
	st, err := get(ctx, id)
	if err != nil {
		return st, err
	}
	if !authz.ScopeOf(ctx).Allows(st.File.SalespersonID) {
		return postgres.State{}, postgres.CustomerNotFound(id)
	}
	return st, nil
}

// announce numbers the profile and writes it to both streams where it tells something new.
func announce(ctx context.Context, tx pgx.Tx, last, next profile.Profile, day calendar.Date) (profile.Profile, error) {
	if last.Sequence > 0 && next.SameAs(last) {
		return last, nil
	}
	next.BusinessDate = day
	for _, stream := range []string{StreamCreditProfile, StreamCustomer} {
		seq, err := delivery.Append(ctx, tx, stream, next.CustomerID, func(seq int64) ([]byte, error) {
			p := next
			p.Sequence = seq
			return json.Marshal(p)
		})
		if err != nil {
			return next, err
		}
		next.Sequence = seq
	}
	return next, nil
}

// flush delivers a customer's pending events to both phases at once; a call that only tries has none.
func (a *App) flush(ctx context.Context, customerID string) {
	if onTrial(ctx) {
		return
	}
	var wg sync.WaitGroup
	for _, r := range a.Relays {
		wg.Go(func() { r.Flush(ctx, customerID) })
	}
	wg.Wait()
}

// noted is something that the caller did to a customer.
type noted struct {
	customer, action, subject string
	day                       calendar.Date
	// detail becomes JSON.
	detail any
}

// note appends to the audit trail of a customer.
func note(ctx context.Context, tx pgx.Tx, n noted) error {
	return noteIn(ctx, tx, audit.Event{Stream: "customer/" + n.customer, Action: n.action, Subject: n.subject, BusinessDate: n.day}, n.detail)
}

// noteGroup appends to the audit trail of a group.
func noteGroup(ctx context.Context, tx pgx.Tx, g customer.Group, day calendar.Date) error {
	return noteIn(ctx, tx, audit.Event{Stream: "group/" + g.ID, Action: "group.set", Subject: g.ID, BusinessDate: day}, g)
}

// noteIn appends what the caller did to an audit trail; detail becomes JSON.
func noteIn(ctx context.Context, tx pgx.Tx, e audit.Event, detail any) (err error) {
	p, err := caller(ctx)
	if err != nil {
		return err
	}
	if e.Detail, err = json.Marshal(detail); err != nil {
		return err
	}
	e.Actor = p.Subject
	return audit.Append(ctx, tx, e)
}
