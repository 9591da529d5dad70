package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// The kinds of long-running work.
const (
	// KindSimulation tries a policy version on all customers.
	KindSimulation = "SIMULATE_EVALUATION_POLICY"
	// KindRerating rates all customers again.
	KindRerating = "RERATE_CUSTOMERS"
)

const (
	// maxOpenRuns is how many runs may wait or be under way.
	maxOpenRuns = 20
	// keptRuns is of how many runs the customers are kept.
	keptRuns = 20
	// itself is who starts what starts by itself.
	itself = "evaluation"
)

// Portfolio rates all customers under a policy version, as a dry run or for real.
type Portfolio struct {
	*App
	Store *operation.Store
	// Wake is called when a run was queued, so that this process looks at once; nil: none.
	Wake func()
	// SetSize is how many customers are read and written at a time; 0: 2,000 in a dry run, 200 for real.
	SetSize int
}

// PortfolioRun is a run as it stands; its result is nil until it has succeeded.
type PortfolioRun struct {
	operation.Operation
	Spec   portfolio.Spec
	Result *portfolio.Result
}

// Simulate queues a dry run of a policy version from what is known today. Errors: NotFound POLICY_NOT_FOUND; ResourceExhausted TOO_MANY_OPERATIONS.
func (p *Portfolio) Simulate(ctx context.Context, r idem.Request, version int64, askAnew bool) (PortfolioRun, error) {
	if _, err := p.Policies.ByVersion(ctx, version); err != nil {
		return PortfolioRun{}, err
	}
	return p.start(ctx, r, KindSimulation, portfolio.Spec{Version: version, DryRun: true, Date: p.Clock.Today(ctx), AskAnew: askAnew})
}

// Rerate queues the rating of all customers under the policy in force today. Errors: ResourceExhausted TOO_MANY_OPERATIONS.
func (p *Portfolio) Rerate(ctx context.Context, r idem.Request) (PortfolioRun, error) {
	day := p.Clock.Today(ctx)
	in, err := p.Policies.InForce(ctx, day)
	if err != nil {
		return PortfolioRun{}, err
	}
	return p.start(ctx, r, KindRerating, portfolio.Spec{Version: in.Version, Date: day})
}

func (p *Portfolio) start(ctx context.Context, r idem.Request, kind string, spec portfolio.Spec) (PortfolioRun, error) {
	id, err := p.queue(ctx, r, kind, "run-", spec)
	if err != nil {
		return PortfolioRun{}, err
	}
	return p.Run(ctx, id)
}

// queue queues work of the caller and returns its id.
func (p *Portfolio) queue(ctx context.Context, r idem.Request, kind, prefix string, spec any) (string, error) {
	who, err := caller(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	id, err := p.Store.Create(ctx, r, operation.Operation{ID: prefix + rand.Text(), Kind: kind, Spec: text, CreatedBy: who.Subject}, maxOpenRuns)
	if err == nil {
		p.wake()
	}
	return id, err
}

func (p *Portfolio) wake() {
	if p.Wake != nil {
		p.Wake()
	}
}

// Follow queues the rating of all customers under the policy in force today, once for each signed version, whoever asks how often. The policy
// that the program brings along was in force from the first day, so that nothing is rated again because of it.
func (p *Portfolio) Follow(ctx context.Context) error {
	day := p.Clock.Today(ctx)
	in, err := p.Policies.InForce(ctx, day)
	if err != nil {
		return err
	}
	v, err := p.Book.Get(ctx, in.Version)
	if err != nil || v.State != policy.Signed {
		return err
	}
	text, err := json.Marshal(portfolio.Spec{Version: in.Version, Date: day})
	if err != nil {
		return err
	}
	fresh, err := p.Store.Enqueue(ctx, operation.Operation{
		ID: "policy-" + strconv.FormatInt(in.Version, 10), Kind: KindRerating, Spec: text, CreatedBy: itself,
	})
	if fresh {
		p.wake()
	}
	return err
}

// Run returns a run. Errors: NotFound OPERATION_UNKNOWN.
func (p *Portfolio) Run(ctx context.Context, id string) (PortfolioRun, error) {
	o, err := p.get(ctx, id, KindSimulation, KindRerating)
	if err != nil {
		return PortfolioRun{}, err
	}
	return portfolioRun(o)
}

// get returns an operation of one of the kinds; another one is not there.
func (p *Portfolio) get(ctx context.Context, id string, kinds ...string) (operation.Operation, error) {
	o, err := p.Store.Get(ctx, id)
	if err == nil && !slices.Contains(kinds, o.Kind) {
		return o, errs.New(errs.NotFound, operation.ReasonUnknown, "operation %s is not known", id).With("operation_id", id)
	}
	return o, err
}

func portfolioRun(o operation.Operation) (PortfolioRun, error) {
	r := PortfolioRun{Operation: o}
	if err := json.Unmarshal(o.Spec, &r.Spec); err != nil {
		return r, fmt.Errorf("run %s: %w", o.ID, err)
	}
	if o.State == operation.Succeeded && len(o.Outcome) > 0 {
		r.Result = &portfolio.Result{}
		if err := json.Unmarshal(o.Outcome, r.Result); err != nil {
			return r, fmt.Errorf("run %s: %w", o.ID, err)
		}
	}
	return r, nil
}

// Cancel asks for the end of a run and returns it. Errors: NotFound OPERATION_UNKNOWN.
func (p *Portfolio) Cancel(ctx context.Context, id string) (PortfolioRun, error) {
	if _, err := p.Run(ctx, id); err != nil {
		return PortfolioRun{}, err
	}
	if err := p.Store.Cancel(ctx, id); err != nil {
		return PortfolioRun{}, err
	}
	return p.Run(ctx, id)
}

// Runs lists runs without their results, newest first; state "" is any.
func (p *Portfolio) Runs(ctx context.Context, state string, size int32, token string) ([]PortfolioRun, string, error) {
	return listed(ctx, p, operation.ListQuery{Kinds: []string{KindSimulation, KindRerating}, State: state}, page32{size, token}, portfolioRun)
}

// page32 is the page that a caller asks for.
type page32 struct {
	size  int32
	token string
}

// listed lists operations, each as of makes it, and the token of the next page.
func listed[T any](ctx context.Context, p *Portfolio, q operation.ListQuery, asked page32, of func(operation.Operation) (T, error)) ([]T, string, error) {
	sum := page.Checksum("operations", strings.Join(q.Kinds, " "), q.State)
	after, err := p.pages.Decode(asked.token, sum, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		micros, err := strconv.ParseInt(after[0], 10, 64)
		if err != nil {
			return nil, "", errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
		}
		at := time.UnixMicro(micros).UTC()
		q.Before, q.ID = &at, after[1]
	}
	n := page.Size(asked.size, defaultPage, maxPage)
	q.Limit = n + 1
	found, err := p.Store.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > n {
		found = found[:n]
		next = p.pages.Encode(sum, strconv.FormatInt(found[n-1].CreatedAt.UnixMicro(), 10), found[n-1].ID)
	}
	all := make([]T, len(found))
	for i, o := range found {
		if all[i], err = of(o); err != nil {
			return nil, "", err
		}
	}
	return all, next, nil
}

// PortfolioRowList asks for a page of what a run made of customers.
type PortfolioRowList struct {
	RunID, Salesperson string
	Move               portfolio.Move
	Size               int32
	Token              string
}

// Rows lists what a run made of customers by customer number, and the token of the next page.
func (p *Portfolio) Rows(ctx context.Context, l PortfolioRowList) ([]portfolio.Row, string, error) {
	if _, err := p.get(ctx, l.RunID, KindSimulation, KindRerating); err != nil {
		return nil, "", err
	}
	results := postgres.NewPortfolioResults(p.Pool)
	number, err := results.RunNumber(ctx, l.RunID)
	if err != nil {
		return nil, "", err
	}
	sum := page.Checksum("portfolioRows", l.RunID, l.Salesperson, string(l.Move))
	after, err := p.pages.Decode(l.Token, sum, 1)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.PortfolioRowQuery{Run: number, Salesperson: l.Salesperson, Move: l.Move, Size: n + 1}
	if after != nil {
		q.After = after[0]
	}
	rows, err := results.Rows(ctx, q)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > n {
		rows = rows[:n]
		next = p.pages.Encode(sum, rows[n-1].CustomerID)
	}
	return rows, next, nil
}
