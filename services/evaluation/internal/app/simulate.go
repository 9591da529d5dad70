package app

import (
	"cmp"
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// Bounds of a dry run: what is in memory at a time does not depend on how many customers there are.
const (
	// setSize is how many customers are read and written at a time.
	setSize = 2000
	// setsAhead is how many sets may be under way or judged before the oldest of them is written.
	setsAhead = 4
	// askers is how many payment records of a set are asked for at a time.
	askers = 8
	// judges is how many sets are read and judged at a time.
	judges = 4
)

// set is some customers on their way through a dry run.
type set struct {
	after, upto string
	rows        *postgres.PortfolioRows
	judged      chan struct{}
}

// RunSimulation works on a dry run: one cuts the customers into sets, some read and judge them, one writes what came out in the order of the
// customers, each set together with how far the run is. So a run goes on exactly where it was, however its process ends.
func (p *Portfolio) RunSimulation(ctx context.Context, op operation.Operation, progress operation.Progress) (operation.Operation, error) {
	r, from, err := p.resume(ctx, op, progress)
	if err != nil {
		return op, err
	}
	q := postgres.PortfolioQuery{Size: cmp.Or(r.SetSize, setSize), Day: r.spec.Date, WindowStart: windowStart(r.policy, r.spec.Date), Invoices: r.policy.UsesInvoices(), MostFacts: maxFacts}
	if r.spec.AskAnew {
		q.AskedSince = op.CreatedAt
	}
	work, order := make(chan *set), make(chan *set, setsAhead)
	group, ctx := crew(ctx)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return r.cut(ctx, from.After, q.Size, work, order)
	})
	for range judges {
		reader := postgres.NewPortfolio(p.Pool)
		group.Go(func() error {
			for s := range work {
				if err := r.judge(ctx, reader, s, q); err != nil {
					return err
				}
				close(s.judged)
			}
			return nil
		})
	}
	group.Go(func() error { return r.count(ctx) })
	group.Go(func() error { return r.write(ctx, order) })
	if err := group.Wait(); err != nil {
		return r.op, err
	}
	return r.finish(context.WithoutCancel(ctx))
}

// cut gives out set after set.
func (r *runState) cut(ctx context.Context, after string, size int, work, order chan<- *set) error {
	for {
		upto, err := r.reader.SetEnd(ctx, after, size)
		if err != nil || upto == "" {
			return err
		}
		s := &set{after: after, upto: upto, judged: make(chan struct{})}
		for _, to := range []chan<- *set{order, work} {
			select {
			case to <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		after = upto
	}
}

// judge reads the customers of a set and makes their rows.
func (r *runState) judge(ctx context.Context, reader *postgres.Portfolio, s *set, q postgres.PortfolioQuery) error {
	q.After, q.Upto = s.after, s.upto
	subjects, err := reader.Subjects(ctx, q)
	if err != nil {
		return err
	}
	problems, err := r.ask(ctx, subjects, q)
	if err != nil {
		return err
	}
	s.rows = postgres.NewPortfolioRows(r.number)
	for i := range subjects {
		subject := &subjects[i]
		if subject.Payment == nil {
			row := subject.Row(r.spec.Date)
			row.Problem = problems[subject.ID]
			s.rows.Add(&row)
			continue
		}
		row := portfolio.Judge(subject, &r.policy, r.spec.Date)
		s.rows.Add(&row)
	}
	return nil
}

// ask asks receivables for the payment records that are not at hand, and keeps them; problems by customer: why there is none.
func (r *runState) ask(ctx context.Context, found []portfolio.Subject, q postgres.PortfolioQuery) (problems map[string]string, err error) {
	var mu sync.Mutex
	var records []payment.Record
	group, asking := crew(ctx)
	group.SetLimit(askers)
	for i := range found {
		s := &found[i]
		if s.Payment != nil {
			continue
		}
		group.Go(func() error {
			var rec payment.Record
			err := r.patiently(asking, func() (err error) {
				rec, err = r.paid(asking, s.ID, q.Day, q.WindowStart)
				return err
			})
			if err := r.beat(asking, false); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if text, one := problemOf(asking, err); one {
				if problems == nil {
					problems = map[string]string{}
				}
				problems[s.ID] = text
				return nil
			}
			if err == nil {
				s.Payment = &rec
				records = append(records, rec)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil || len(records) == 0 {
		return problems, err
	}
	return problems, r.reader.PutPaymentRecords(ctx, records, q.WindowStart, r.now())
}

// write writes set after set.
func (r *runState) write(ctx context.Context, order <-chan *set) error {
	for s := range order {
		select {
		case <-s.judged:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.writeSet(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *runState) writeSet(ctx context.Context, s *set) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.step(s.rows.Len(), s.upto)
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, r.Pool, func(ctx context.Context, tx pgx.Tx) error {
		if err := postgres.WritePortfolioRows(ctx, tx, s.rows); err != nil {
			return err
		}
		return r.save(ctx, tx, next)
	})
	if err == nil {
		r.op = next
	}
	return err
}
