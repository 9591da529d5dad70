// Package app holds the use cases of receivables: load, decide by the domain, save,
// all in one transaction; then tell the other phases.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
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
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// The streams of this phase.
const (
	StreamPosition   = "position"   // to the gate: what a customer owes
	StreamSettlement = "settlement" // to evaluation: an invoice was settled
	StreamCustomer   = "customer"   // from evaluation: who a customer is
)

// Customer is what receivables knows of a customer.
type Customer = postgres.Customer

// Profiles finds a customer in evaluation. Errors: NotFound.
type Profiles interface {
	Profile(ctx context.Context, customerID string) (Customer, error)
}

// Outlet delivers a stream to its receiver.
type Outlet interface {
	Flush(ctx context.Context, customerID string)
	// Nudge has pending events delivered soon and waits for nothing.
	Nudge()
	Pending(ctx context.Context) (int64, error)
}

// Policies gives the receivables policy in force on a date.
type Policies interface {
	InForce(ctx context.Context, date calendar.Date) (terms.Policy, error)
	ByVersion(ctx context.Context, version int64) (terms.Policy, error)
}

// Chain verifies a chain that a building block keeps.
type Chain func(ctx context.Context) (streams, entries int64, broken []audit.Break, err error)

// Deps is what the use cases work with.
type Deps struct {
	Pool        *pgxpool.Pool
	Clock       calendar.Clock
	Log         *slog.Logger
	Profiles    Profiles // nil: customers come by delivery only
	Policies    Policies
	Gate        Gate // nil: what it alone knows is missing from reports
	Positions   Outlet
	Settlements Outlet
	Chains      []Chain
	// Register of violations, and how many of its entries wait to be told; nil: none is kept.
	Register   *violation.Register
	Violations Outlet
	// Letters sends letters by mail; nil: they wait in their queue.
	Letters Nudger
	// FontFile is the font of documents; empty: the usual places are looked through.
	FontFile string
	// Operations keeps long-running work; Wake has the worker look for it at once. Nil: there is none.
	Operations *operation.Store
	Wake       func()
}

// Nudger is told that there is work; it waits for nothing.
type Nudger interface{ Nudge() }

// Service carries out the use cases.
type Service struct {
	Deps
	store *postgres.Store
}

// New returns the use cases on a migrated pool.
func New(d Deps) *Service { return &Service{Deps: d, store: postgres.NewStore(d.Pool)} }

// change is a customer's account in the course of a change: locked, with what the
// change has to tell.
type change struct {
	*postgres.Account
	act       postgres.Act
	customer  Customer
	tx        pgx.Tx
	cause     string
	movements []position.Movement
	settled   []receipt.Item
	event     audit.Event
	// idle is set where nothing was changed after all, untold where the gate has nothing to learn of it.
	idle, untold bool
}

// write runs a change of one customer's account once per request: account, ledger,
// audit and the events to the other phases in one transaction. It delivers after the
// commit, positions first: the gate knows before a settlement makes anybody rate.
func write[T any](ctx context.Context, s *Service, req idem.Request, customer Customer, fn func(ctx context.Context, c *change) (T, error)) (T, error) {
	var out T
	told := customer.ID
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (T, error) {
			return changing(ctx, s, tx, customer, func(ctx context.Context, c *change) (T, error) {
				told = c.customer.ID
				return fn(ctx, c)
			})
		})
		if err == nil && onTrial(ctx) {
			return errTrial
		}
		return err
	})
	if errors.Is(err, errTrial) {
		return out, nil
	}
	if err != nil {
		var none T
		return none, err
	}
	s.Positions.Flush(ctx, told)
	s.Settlements.Flush(ctx, told)
	return out, nil
}

func changing[T any](ctx context.Context, s *Service, tx pgx.Tx, customer Customer, fn func(ctx context.Context, c *change) (T, error)) (T, error) {
	var none T
	act := s.act(ctx)
	account, err := postgres.LockAccount(ctx, tx, customer, act)
	if err != nil {
		return none, err
	}
	if id := account.CustomerID(); id != customer.ID { // it goes on in the account of the one that it was merged into
		if customer, err = postgres.CustomerIn(ctx, tx, id); err != nil {
			return none, err
		}
	}
	c := &change{Account: account, act: act, customer: customer, tx: tx}
	out, err := fn(ctx, c)
	if err != nil {
		return none, err
	}
	if c.idle {
		return out, nil
	}
	if err := c.finish(ctx); err != nil {
		return none, err
	}
	return out, nil
}

func (s *Service) act(ctx context.Context) postgres.Act {
	return postgres.Act{Actor: Actor(ctx), Today: s.Clock.Today(ctx), Now: s.Clock.Now().UTC().Truncate(time.Microsecond)}
}

// Actor is the subject of the caller; behind the server there always is one.
func Actor(ctx context.Context) string {
	if p, ok := authn.FromContext(ctx); ok && p.Subject != "" {
		return p.Subject
	}
	return "unknown"
}

// finish saves the account and writes what the change has to tell.
func (c *change) finish(ctx context.Context) error {
	if err := c.Save(ctx); err != nil {
		return err
	}
	c.event.Stream, c.event.Actor, c.event.BusinessDate = "customer/"+c.customer.ID, c.act.Actor, c.act.Today
	if err := audit.Append(ctx, c.tx, c.event); err != nil {
		return err
	}
	if c.untold {
		return nil
	}
	standing, err := c.Standing(ctx)
	if err != nil {
		return err
	}
	_, err = delivery.Append(ctx, c.tx, StreamPosition, c.customer.ID, func(seq int64) ([]byte, error) {
		return positionOf(position.Change{
			CustomerID: c.customer.ID, Sequence: seq, BusinessDate: c.act.Today, Movements: c.movements, Cause: c.cause,
		}, standing)
	})
	if err != nil {
		return err
	}
	for _, item := range c.settled {
		if item.DocumentKind != ledger.KindInvoice {
			continue // a rating learns from what was sold
		}
		// Money dated ahead settles an invoice today; nobody is rated with the facts of a day to come.
		date := invoice.Earliest(item.LastApplication, c.act.Today)
		_, err := delivery.Append(ctx, c.tx, StreamSettlement, c.customer.ID, func(seq int64) ([]byte, error) {
			return json.Marshal(position.Settlement{
				CustomerID: c.customer.ID, Sequence: seq, Date: date,
				InvoiceID: item.ID, Amount: item.Amount, DueDate: item.DueDate,
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// positionOf is what the gate is told of a change.
func positionOf(c position.Change, s postgres.Standing) ([]byte, error) {
	c.Notices, c.Held, c.Collected, c.Securities, c.Merged = s.Notices, s.Held, s.Collected, s.Securities, s.Merged
	return json.Marshal(position.New(c, s.Unapplied, s.Ladder))
}

// apply records what the domain allocated, and which items it settled.
func (c *change) apply(ctx context.Context, items []receipt.Item, applications []invoice.Application) error {
	c.settled = append(c.settled, receipt.Settled(items, applications)...)
	return c.Apply(ctx, applications)
}

// tell says who did what, for the audit trail and as the cause of the position.
func (c *change) tell(action, subject string, detail any) error {
	body, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	c.event.Action, c.event.Subject, c.event.Detail = action, subject, body
	c.cause = subject
	return nil
}

// customerFor finds a customer for posting: what was delivered, else what evaluation
// says. field is the path of the customer's id in the request.
func (s *Service) customerFor(ctx context.Context, id, field string) (Customer, error) {
	c, err := s.store.Customer(ctx, id)
	if errs.KindOf(err) != errs.NotFound || s.Profiles == nil {
		return c, inField(err, field)
	}
	c, err = s.Profiles.Profile(ctx, id)
	if errs.KindOf(err) == errs.NotFound {
		return Customer{}, inField(postgres.Unknown("CUSTOMER_UNKNOWN", "customer", id), field)
	}
	if err != nil {
		return Customer{}, err
	}
	err = pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		apply, _, err := delivery.Adopt(ctx, tx, StreamCustomer, id, c.Sequence)
		if err != nil || !apply {
			return err
		}
		return s.saveCustomer(ctx, tx, c)
	})
	if err != nil {
		return Customer{}, err
	}
	return s.store.Customer(ctx, id)
}

// inField says which field named what was not found.
func inField(err error, field string) error {
	if e, ok := errs.As(err); ok && e.Kind == errs.NotFound {
		return e.With("field", field)
	}
	return err
}

// visible refuses a customer that does not exist or that the caller's scope does not reach.
func (s *Service) visible(ctx context.Context, id string) error {
	salesperson, err := s.store.Owner(ctx, id)
	if err == nil && !authz.ScopeOf(ctx).Allows(salesperson) {
		return postgres.Unknown("CUSTOMER_UNKNOWN", "customer", id)
	}
	return err
}

// nobody is a salesperson whom no customer is assigned to: a scope that reaches nothing.
const nobody = "\x01"

// scoped is the salesperson to whose customers the caller is restricted; empty: none.
func scoped(ctx context.Context) string {
	switch scope := authz.ScopeOf(ctx); {
	case scope.All:
		return ""
	case scope.Salesperson == "":
		return nobody
	default:
		return scope.Salesperson
	}
}
