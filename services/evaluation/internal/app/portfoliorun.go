package app

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

const (
	// beatEvery is how often a run says that it is being worked on.
	beatEvery = 5 * time.Second
	// awayPause is how long a run waits while receivables are away.
	awayPause = 3 * time.Second
)

// held is long-running work under way. Its progress may be told by several goroutines.
type held struct {
	clock    calendar.Clock
	progress operation.Progress

	mu     sync.Mutex
	op     operation.Operation
	beaten time.Time
}

// runState is a run under way.
type runState struct {
	*Portfolio
	held
	spec    portfolio.Spec
	number  int64
	policy  criteria.Policy
	results postgres.PortfolioResults
	reader  *postgres.Portfolio
}

// mark is where a run goes on.
type mark struct {
	// After is the last customer that is done.
	After string `json:"after"`
}

// resume puts a run together as it was left.
func (p *Portfolio) resume(ctx context.Context, op operation.Operation, progress operation.Progress) (r *runState, m mark, err error) {
	r = &runState{
		Portfolio: p, held: held{clock: p.Clock, progress: progress, op: op, beaten: p.Clock.Now()},
		results: postgres.NewPortfolioResults(p.Pool), reader: postgres.NewPortfolio(p.Pool),
	}
	if err := json.Unmarshal(op.Spec, &r.spec); err != nil {
		return nil, m, fmt.Errorf("run %s: %w", op.ID, err)
	}
	if len(op.Cursor) > 0 {
		if err := json.Unmarshal(op.Cursor, &m); err != nil {
			return nil, m, fmt.Errorf("run %s: %w", op.ID, err)
		}
	}
	if r.policy, err = p.Policies.ByVersion(ctx, r.spec.Version); err != nil {
		return nil, m, err
	}
	if r.number, err = r.results.RunNumber(ctx, op.ID); err != nil {
		return nil, m, err
	}
	return r, m, r.beat(ctx, true)
}

// count says how many customers there are to do, as far as that is not known.
func (r *runState) count(ctx context.Context) error {
	r.mu.Lock()
	known := r.op.Total > 0
	r.mu.Unlock()
	if known {
		return nil
	}
	total, err := r.reader.CountSubjects(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.op.Total = max(total, r.op.Done)
	return nil
}

// beat says that the run is being worked on, now and then only unless always. Errors: operation.ErrCancelled, operation.ErrLost.
func (h *held) beat(ctx context.Context, always bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !always && h.clock.Now().Sub(h.beaten) < beatEvery {
		return nil
	}
	return h.save(ctx, nil, h.op)
}

// save keeps how far the run is; h.mu is held.
func (h *held) save(ctx context.Context, q pg.Querier, op operation.Operation) error {
	h.beaten = h.clock.Now()
	cancel, err := h.progress(ctx, q, op)
	if err == nil && cancel {
		err = operation.ErrCancelled
	}
	return err
}

// step is the operation with further customers done, up to one.
func (h *held) step(customers int, upto string) (operation.Operation, error) {
	next := h.op
	next.Done += int64(customers)
	next.Total = max(next.Total, next.Done)
	var err error
	next.Cursor, err = json.Marshal(mark{After: upto})
	return next, err
}

// finish adds the result up and forgets the customers of old runs.
func (r *runState) finish(ctx context.Context) (operation.Operation, error) {
	res, err := r.results.Result(ctx, r.number)
	if err != nil {
		return r.op, err
	}
	r.op.Total = res.Customers
	if r.op.Outcome, err = json.Marshal(res); err != nil {
		return r.op, err
	}
	for more := true; more; {
		if more, err = r.results.Prune(ctx, keptRuns); err != nil {
			return r.op, err
		}
		if err := r.beat(ctx, false); err != nil {
			return r.op, err
		}
	}
	return r.op, nil
}

// patiently does something that needs receivables: while they are away it waits and tries again. What they answer about a customer is not
// that they are away.
func (h *held) patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !away(err) {
			return err
		}
		if err := h.beat(ctx, false); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(awayPause):
		}
	}
}

// away reports whether receivables could not be reached, or not now.
func away(err error) bool {
	e, ok := errs.As(err)
	return ok && e.Kind == errs.Unavailable && e.Meta[PeerAnswered] == ""
}

// PeerAnswered is the metadata of an error that a peer gave as its answer, with its reason: asking again gives the same.
const PeerAnswered = "answered"

// problemOf is an error of one customer in words, for its row; ok is false for what ends this attempt at the run, as a fault of the database
// does: the customer is not to blame, and the run is taken up again.
func problemOf(ctx context.Context, err error) (text string, ok bool) {
	e, known := errs.As(err)
	if !known || ctx.Err() != nil || e.Kind == errs.Internal {
		return "", false
	}
	passing := e.Kind == errs.Unavailable || e.Kind == errs.DeadlineExceeded || e.Kind == errs.Aborted || e.Kind == errs.Canceled
	if passing && e.Meta[PeerAnswered] == "" {
		return "", false
	}
	text = e.Reason + ": " + e.Message
	if reason := e.Meta[PeerAnswered]; reason != "" {
		text += " (" + reason + ")"
	}
	return text, true
}

// safely turns a panic into an error, so that one customer does not end the process.
func safely(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a portfolio run: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// windowStart is the first day of the invoices that a rating looks at.
func windowStart(p criteria.Policy, day calendar.Date) calendar.Date {
	return day.AddMonths(-p.Limit.WindowMonths, 0).AddDays(1)
}

// team runs goroutines until the first error, or the first panic, which is one.
type team struct{ *errgroup.Group }

func crew(ctx context.Context) (team, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return team{group}, ctx
}

// Go runs fn in a goroutine, while there is room for one.
func (t team) Go(fn func() error) { t.Group.Go(func() error { return safely(fn) }) }
