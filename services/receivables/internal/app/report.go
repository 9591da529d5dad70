package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
)

// Aging answers with the buckets of the policy in force on the day asked for; the
// query's buckets and scope are set here, its date where it has none.
func (s *Service) Aging(ctx context.Context, q aging.Query) (aging.Page, aging.Query, error) {
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	policy, err := s.Policies.InForce(ctx, q.AsOf)
	if err != nil {
		return aging.Page{}, q, err
	}
	q.Buckets = aging.NewBuckets(policy.AgingBounds, q.By)
	q.Owner = scoped(ctx)
	p, err := s.store.Aging(ctx, q)
	return p, q, err
}

// AgingItems answers with one page of the items that an aging sums, and with the query as
// it was asked, buckets included.
func (s *Service) AgingItems(ctx context.Context, q aging.Query, bucket string, p aging.ItemsPage) ([]aging.Item, aging.Query, error) {
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	policy, err := s.Policies.InForce(ctx, q.AsOf)
	if err != nil {
		return nil, q, err
	}
	q.Buckets = aging.NewBuckets(policy.AgingBounds, q.By)
	q.Owner = scoped(ctx)
	if p.Bucket = -1; bucket != "" {
		if p.Bucket = slices.Index(q.Buckets.Names, bucket); p.Bucket < 0 {
			return nil, q, errs.New(errs.Invalid, "BUCKET_UNKNOWN", "there is no bucket %q; there are %s", bucket, strings.Join(q.Buckets.Names, ", ")).
				WithViolations(errs.Violation{Field: "bucket", Rule: "of_the_policy", Message: "the bucket is not one of the policy's"})
		}
	}
	if p.AfterDue.IsZero() {
		p.AfterDue = calendar.MustDate("0001-01-01")
	}
	items, err := s.store.AgingItems(ctx, q, p)
	return items, q, err
}

// FoldMoves keeps what moved of all that is open short; no figure changes.
func (s *Service) FoldMoves(ctx context.Context) error {
	_, err := s.store.FoldMoves(ctx)
	return err
}

// maxFileRows bounds what a spreadsheet holds.
const maxFileRows = 100_000

// AgingFile answers with all that a file of an aging is made of. Errors: ResourceExhausted
// TOO_MANY_ROWS.
func (s *Service) AgingFile(ctx context.Context, q aging.Query) (reportfile.Aging, error) {
	q.Limit = maxFileRows
	p, q, err := s.Aging(ctx, q)
	if err != nil {
		return reportfile.Aging{}, err
	}
	items, q, err := s.AgingItems(ctx, q, "", aging.ItemsPage{Limit: maxFileRows + 1})
	if err != nil {
		return reportfile.Aging{}, err
	}
	if p.More || len(items) > maxFileRows {
		return reportfile.Aging{}, errs.New(errs.ResourceExhausted, "TOO_MANY_ROWS", "a file holds at most %d rows and as many items; ask for a part of the aging", maxFileRows)
	}
	return reportfile.Aging{Query: q, Rows: p.Rows, Totals: p.Totals, Items: items}, nil
}

// Ledger returns a part of a customer's ledger and the balances at its last date.
// Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Service) Ledger(ctx context.Context, q ledger.Query) ([]ledger.Entry, []money.Money, error) {
	if err := s.visible(ctx, q.CustomerID); err != nil {
		return nil, nil, err
	}
	entries, err := s.store.Ledger(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	balances, err := s.store.Balances(ctx, q.CustomerID, q.To, q.KnownOn)
	return entries, balances, err
}

// Statement tells how a customer's account stood on a day (none: today), as it was known on another (none: now).
// Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Service) Statement(ctx context.Context, q ledger.Statement) (ledger.Statement, error) {
	if err := s.visible(ctx, q.CustomerID); err != nil {
		return q, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	customer, err := s.store.Customer(ctx, q.CustomerID)
	if err != nil {
		return q, err
	}
	if q.Currency, err = s.store.AccountCurrency(ctx, customer); err != nil {
		return q, err
	}
	return s.store.Statement(ctx, q)
}

// PaymentRecord tells how a customer paid us as of a day (none: today). Errors:
// NotFound CUSTOMER_UNKNOWN.
func (s *Service) PaymentRecord(ctx context.Context, q paymentrecord.Query) (paymentrecord.Record, error) {
	customer, err := s.customerFor(ctx, q.CustomerID, "customer_id")
	if err != nil {
		return paymentrecord.Record{}, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	policy, err := s.Policies.InForce(ctx, q.AsOf)
	if err != nil {
		return paymentrecord.Record{}, err
	}
	q.DefaultAfterDays = policy.DefaultAfterDays
	currency, err := s.store.AccountCurrency(ctx, customer)
	if err != nil {
		return paymentrecord.Record{}, err
	}
	return s.store.PaymentRecord(ctx, q, currency)
}

// Volumes tells what customers bought in periods, as known on a day (none: today); unknown customers are left out.
func (s *Service) Volumes(ctx context.Context, ids []string, periods []paymentrecord.Period, asOf calendar.Date) ([]paymentrecord.Volumes, error) {
	for i, p := range periods {
		if p.To.Before(p.From) {
			return nil, errs.Field(fmt.Sprintf("periods[%d].to_date", i), "order", "is before from_date")
		}
	}
	if asOf.IsZero() {
		asOf = s.Clock.Today(ctx)
	}
	return s.store.Volumes(ctx, ids, periods, asOf)
}

// ApplyCustomers takes profiles of one customer, in order, and returns the last
// sequence it has. Errors: FailedPrecondition SEQUENCE_GAP.
func (s *Service) ApplyCustomers(ctx context.Context, profiles []Customer) (int64, error) {
	var last int64
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		for _, p := range profiles {
			apply, have, err := delivery.Accept(ctx, tx, StreamCustomer, p.ID, p.Sequence)
			if err != nil {
				return err
			}
			last = have
			if !apply {
				continue
			}
			if err := s.saveCustomer(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && slices.ContainsFunc(profiles, func(p Customer) bool { return p.MergedIntoID != "" }) {
		s.Positions.Nudge()
	}
	return last, err
}

// Verify recomputes every hash chain of the phase. What it finds is in the register of violations too.
func (s *Service) Verify(ctx context.Context) (ledger.Report, error) {
	report, err := s.store.Verify(ctx)
	if err != nil {
		return report, err
	}
	for _, chain := range s.Chains {
		streams, entries, broken, err := chain(ctx)
		if err != nil {
			return report, err
		}
		report.Chains, report.Entries = report.Chains+streams, report.Entries+entries
		for _, b := range broken {
			report.Add("audit/"+b.Stream, b.Seq, b.Why)
		}
	}
	if s.Register != nil {
		for _, b := range violation.Most(report.Breaks) {
			s.Register.Found(ctx, b.Chain, b.Sequence, b.Problem)
		}
	}
	return report, nil
}

// Backlog is how many events of a stream wait.
type Backlog struct {
	Stream  string
	Pending int64
}

// Backlogs tells what waits for delivery, stream by stream.
func (s *Service) Backlogs(ctx context.Context) ([]Backlog, error) {
	positions, err := s.Positions.Pending(ctx)
	if err != nil {
		return nil, err
	}
	settlements, err := s.Settlements.Pending(ctx)
	out := []Backlog{{StreamPosition, positions}, {StreamSettlement, settlements}}
	if err != nil || s.Violations == nil {
		return out, err
	}
	violations, err := s.Violations.Pending(ctx)
	return append(out, Backlog{violation.Stream, violations}), err
}

// Today is the business date of the call.
func (s *Service) Today(ctx context.Context) calendar.Date { return s.Clock.Today(ctx) }
