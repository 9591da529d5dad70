package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// KindGrowth reviews the growth of customers with credit.
const KindGrowth = "REVIEW_GROWTH"

// growthSet is how many customers are asked for at a time, as many as receivables answer at once.
const growthSet = 1000

// mostInFile bounds the customers of a spreadsheet.
const mostInFile = 100_000

// Volumes tells what customers bought.
type Volumes interface {
	// Volumes returns what customers bought in each period, in minor units of their accounts, as known on a day. Customers that are not
	// known are not in it. Unavailable where receivables cannot be reached.
	Volumes(ctx context.Context, ids []string, periods []growth.Period, asOf calendar.Date) (map[string][]int64, error)
}

// GrowthReview is a review as it stands; its result is nil until it has succeeded.
type GrowthReview struct {
	operation.Operation
	Spec   growth.Spec
	Result *growth.Result
}

// ReviewGrowth queues a review of all customers that have credit today, by the policy in force. Errors: ResourceExhausted TOO_MANY_OPERATIONS.
func (p *Portfolio) ReviewGrowth(ctx context.Context, r idem.Request) (GrowthReview, error) {
	day := p.Clock.Today(ctx)
	in, err := p.Policies.InForce(ctx, day)
	if err != nil {
		return GrowthReview{}, err
	}
	id, err := p.queue(ctx, r, KindGrowth, "growth-", growth.Spec{Version: in.Version, Date: day, Growth: in.Growth})
	if err != nil {
		return GrowthReview{}, err
	}
	return p.GrowthReview(ctx, id)
}

// GrowthReview returns a review. Errors: NotFound OPERATION_UNKNOWN.
func (p *Portfolio) GrowthReview(ctx context.Context, id string) (GrowthReview, error) {
	o, err := p.get(ctx, id, KindGrowth)
	if err != nil {
		return GrowthReview{}, err
	}
	return growthReview(o)
}

// CancelGrowth asks for the end of a review and returns it. Errors: NotFound OPERATION_UNKNOWN.
func (p *Portfolio) CancelGrowth(ctx context.Context, id string) (GrowthReview, error) {
	if _, err := p.get(ctx, id, KindGrowth); err != nil {
		return GrowthReview{}, err
	}
	if err := p.Store.Cancel(ctx, id); err != nil {
		return GrowthReview{}, err
	}
	return p.GrowthReview(ctx, id)
}

func growthReview(o operation.Operation) (GrowthReview, error) {
	r := GrowthReview{Operation: o}
	if err := json.Unmarshal(o.Spec, &r.Spec); err != nil {
		return r, fmt.Errorf("growth review %s: %w", o.ID, err)
	}
	if o.State == operation.Succeeded && len(o.Outcome) > 0 {
		r.Result = &growth.Result{}
		if err := json.Unmarshal(o.Outcome, r.Result); err != nil {
			return r, fmt.Errorf("growth review %s: %w", o.ID, err)
		}
	}
	return r, nil
}

// GrowthReviews lists reviews without their results, newest first.
func (p *Portfolio) GrowthReviews(ctx context.Context, size int32, token string) ([]GrowthReview, string, error) {
	return listed(ctx, p, operation.ListQuery{Kinds: []string{KindGrowth}}, page32{size, token}, growthReview)
}

// GrowthList asks for a page of what a review says of customers.
type GrowthList struct {
	ReviewID, Salesperson string
	Verdict               growth.Verdict
	Size                  int32
	Token                 string
}

// GrowthRows lists what a review says of customers by customer number, and the token of the next page.
func (p *Portfolio) GrowthRows(ctx context.Context, l GrowthList) ([]growth.Row, string, error) {
	number, err := p.growthNumber(ctx, l.ReviewID)
	if err != nil {
		return nil, "", err
	}
	sum := page.Checksum("growthRows", l.ReviewID, l.Salesperson, string(l.Verdict))
	after, err := p.pages.Decode(l.Token, sum, 1)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.GrowthQuery{Run: number, Verdict: l.Verdict, Salesperson: l.Salesperson, Size: n + 1}
	if after != nil {
		q.After = after[0]
	}
	rows, err := postgres.NewGrowth(p.Pool).Rows(ctx, q)
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

func (p *Portfolio) growthNumber(ctx context.Context, id string) (int64, error) {
	if _, err := p.get(ctx, id, KindGrowth); err != nil {
		return 0, err
	}
	return postgres.NewPortfolioResults(p.Pool).RunNumber(ctx, id)
}

// NotGrown returns the customers of a review that did not grow, the largest loss of volume first, as many as a spreadsheet takes.
func (p *Portfolio) NotGrown(ctx context.Context, id string) ([]growth.Row, error) {
	number, err := p.growthNumber(ctx, id)
	if err != nil {
		return nil, err
	}
	return postgres.NewGrowth(p.Pool).NotGrown(ctx, number, mostInFile)
}

// growthState is a review under way.
type growthState struct {
	*Portfolio
	held
	spec   growth.Spec
	number int64
	store  postgres.Growth
}

// RunGrowth works on a review: receivables are asked for a set of customers at a time, whose rows are written with how far the review is.
func (p *Portfolio) RunGrowth(ctx context.Context, op operation.Operation, progress operation.Progress) (operation.Operation, error) {
	r := &growthState{Portfolio: p, held: held{clock: p.Clock, progress: progress, op: op, beaten: p.Clock.Now()}, store: postgres.NewGrowth(p.Pool)}
	var m mark
	if err := json.Unmarshal(op.Spec, &r.spec); err != nil {
		return op, fmt.Errorf("growth review %s: %w", op.ID, err)
	}
	if len(op.Cursor) > 0 {
		if err := json.Unmarshal(op.Cursor, &m); err != nil {
			return op, fmt.Errorf("growth review %s: %w", op.ID, err)
		}
	}
	var err error
	if r.number, err = postgres.NewPortfolioResults(p.Pool).RunNumber(ctx, op.ID); err != nil {
		return op, err
	}
	if op.Total == 0 {
		if r.op.Total, err = r.store.CountCredit(ctx, r.spec.Date); err != nil {
			return op, err
		}
	}
	for {
		rows, err := r.store.Credit(ctx, r.spec.Date, m.After, cmp.Or(p.SetSize, growthSet))
		if err != nil {
			return r.op, err
		}
		if len(rows) == 0 {
			return r.finish(ctx)
		}
		if err := r.set(ctx, rows); err != nil {
			return r.op, err
		}
		m.After = rows[len(rows)-1].CustomerID
	}
}

// set judges some customers and writes their rows.
func (r *growthState) set(ctx context.Context, rows []growth.Row) error {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.CustomerID
	}
	var volumes map[string][]int64
	if err := r.patiently(ctx, func() (err error) {
		volumes, err = r.Volumes.Volumes(ctx, ids, []growth.Period{r.spec.Period(), r.spec.Compared()}, r.spec.Date)
		return err
	}); err != nil {
		return err
	}
	for i := range rows {
		if v := volumes[rows[i].CustomerID]; len(v) == 2 {
			rows[i].Volume, rows[i].Compared = &v[0], &v[1]
		}
		r.spec.Judge(&rows[i])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.step(len(rows), ids[len(ids)-1])
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, r.Pool, func(ctx context.Context, tx pgx.Tx) error {
		if err := postgres.WriteGrowth(ctx, tx, r.number, rows); err != nil {
			return err
		}
		return r.save(ctx, tx, next)
	})
	if err == nil {
		r.op = next
	}
	return err
}

func (r *growthState) finish(ctx context.Context) (operation.Operation, error) {
	res, err := r.store.Result(ctx, r.number)
	if err != nil {
		return r.op, err
	}
	r.op.Total = res.Customers
	if r.op.Outcome, err = json.Marshal(res); err != nil {
		return r.op, err
	}
	for more := true; more; {
		if more, err = r.store.Prune(ctx, keptRuns); err != nil {
			return r.op, err
		}
	}
	return r.op, nil
}

// GrowthNotDone is the error of a file of a review without a result.
func GrowthNotDone(r GrowthReview) error {
	return errs.New(errs.FailedPrecondition, "GROWTH_REVIEW_NOT_DONE", "growth review %s has no result: it is %s", r.ID, r.State).With("state", r.State)
}
