// Package demo loads an invented company into a suite by way of its public API: customers and what is known of them,
// ratings, credit applications with their approvals, orders that the gate approves or holds, shipments, invoices and
// payments, over the months up to today. The same seed gives the same company.
package demo

import (
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
	"github.com/avalcredit/aval/services/suite/progress"
)

const (
	defaultFirms       = 40
	defaultMonths      = 18
	defaultConcurrency = 16
	deliveryWait       = time.Minute

	// complete is what the first customer's address says when everything was loaded.
	complete = "No such street 1 (demo complete)"
)

// Options of Load. The zero value of all but Suite is good.
type Options struct {
	// Suite in development mode: people of many roles act, on days gone by.
	Suite *access.Suite
	// Seed draws the company.
	Seed uint64
	// Firms is the number of customers; 0 is 40.
	Firms int
	// Months of history up to today; 0 is 18.
	Months int
	// Concurrency is how many customers are worked on at once; 0 is 16.
	Concurrency int
	// Screen draws the progress; nil draws none.
	Screen io.Writer
	// Clock measures the progress; nil is the host's.
	Clock calendar.Clock
}

// Load loads the company unless it is there, and returns its figures as the suite has them. A load that was interrupted
// is finished; one that is complete changes nothing. Errors: Invalid where the suite is not in development mode.
func Load(ctx context.Context, o Options) (Figures, error) {
	if !o.Suite.ActsAsAnyone() {
		return Figures{}, errs.New(errs.Invalid, access.ReasonOneCaller, "the demo company needs a suite in development mode")
	}
	o.complete()
	b := newBooks(o.Suite, calendar.Date{})
	done, err := b.find(ctx)
	if err != nil {
		return Figures{}, err
	}
	firms, p := newPlan(o.Seed, o.Firms, o.Months, b.anchor)
	if !done {
		if err := run(ctx, b, p, o); err != nil {
			return Figures{}, err
		}
		if err := b.finish(ctx, firms[0]); err != nil {
			return Figures{}, err
		}
	}
	return b.figures(ctx, firms)
}

func (o *Options) complete() {
	if o.Firms <= 0 {
		o.Firms = defaultFirms
	}
	if o.Months <= 0 {
		o.Months = defaultMonths
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Clock == nil {
		o.Clock = calendar.SystemClock(time.UTC)
	}
}

// find looks for the company, and sets the last day of its history: the day kept with its first customer, or today
// where there is none yet.
func (b *books) find(ctx context.Context) (done bool, err error) {
	first := firmID(1)
	found, err := ask[*evaluationv1.GetCustomerResponse](ctx, b, by("OPERATOR"),
		evaluationv1.CustomerService_GetCustomer_FullMethodName, &evaluationv1.GetCustomerRequest{CustomerId: first})
	switch {
	case err == nil:
		if b.anchor, err = calendar.ParseDate(found.GetCustomer().GetRegistrationNumber()); err != nil {
			return false, errs.New(errs.FailedPrecondition, "DEMO_ID_TAKEN", "customer %s is in the suite and is not of the demo company", first)
		}
		return found.GetCustomer().GetAddress() == complete, nil
	case errs.KindOf(err) != errs.NotFound:
		return false, err
	}
	// The suite knows in which time zone its business date is.
	today, err := ask[*receivablesv1.GetAgingResponse](ctx, b, by("OPERATOR"),
		receivablesv1.AgingService_GetAging_FullMethodName, &receivablesv1.GetAgingRequest{PageSize: 1})
	if err != nil {
		return false, err
	}
	b.anchor, err = calendar.ParseDate(today.GetAsOf())
	return false, err
}

// run lets the history happen: day by day, customers beside each other, each customer's events in their order.
func run(ctx context.Context, b *books, p *plan, o Options) error {
	bar := progress.New(o.Screen, o.Clock, "demo company", int64(len(p.events)))
	defer bar.Close()
	for rest := p.events; len(rest) > 0; {
		n := 0
		var keys []string
		for n < len(rest) && rest[n].date == rest[0].date {
			keys = append(keys, rest[n].firm.id)
			n++
		}
		today := rest[:n]
		bar.Note(today[0].date.String())
		err := lanes.Run(access.On(ctx, today[0].date), o.Concurrency, keys, func(ctx context.Context, i int) error {
			defer bar.Add(1)
			return today[i].do(ctx, b)
		})
		if err != nil {
			return err
		}
		// What one day brings about holds on the next.
		if err := access.Delivered(ctx, b.suite, deliveryWait); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// finish notes with the first customer that all is loaded.
func (b *books) finish(ctx context.Context, first *firm) error {
	return b.tell(access.On(ctx, b.anchor), by("OPERATOR"), evaluationv1.CustomerService_UpdateCustomer_FullMethodName,
		&evaluationv1.UpdateCustomerRequest{
			RequestId: prefix + "complete", Customer: &evaluationv1.Customer{CustomerId: first.id, Address: complete},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"address"}},
		})
}
