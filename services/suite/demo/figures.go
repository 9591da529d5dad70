package demo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/avalcredit/aval/pkg/calendar"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const pageSize = 1000

// Figures are what the suite says of the demo company.
type Figures struct {
	// Customers, and the last day of their history.
	Customers int
	Until     calendar.Date
	// Approved orders went through the gate by themselves; Released ones were held first and released by people;
	// Held ones wait for people; Rejected ones were refused by people.
	Approved, Released, Held, Rejected int
	// Open is what customers owe in all, Overdue what of it is past its due date today; decimal strings.
	Open, Overdue, Currency string
	// OverdueItems counts the invoices.
	OverdueItems int64
	// Moves counts how often a grade moved, by "A to B".
	Moves map[string]int
	// MovedCustomers counts those whose grade moved at least once.
	MovedCustomers int
}

func (b *books) figures(ctx context.Context, firms []*firm) (Figures, error) {
	f := Figures{Customers: len(firms), Until: b.anchor, Moves: map[string]int{}}
	for _, one := range firms {
		if err := b.countOrders(ctx, one, &f); err != nil {
			return f, err
		}
		if err := b.countMoves(ctx, one, &f); err != nil {
			return f, err
		}
	}
	return f, b.sumAging(ctx, &f)
}

func (b *books) countOrders(ctx context.Context, one *firm, f *Figures) error {
	for token := ""; ; {
		answer, err := ask[*ordergatev1.ListOrdersResponse](ctx, b, by("AUDITOR"), ordergatev1.OrderService_ListOrders_FullMethodName,
			&ordergatev1.ListOrdersRequest{CustomerId: one.id, PageSize: pageSize, PageToken: token})
		if err != nil {
			return err
		}
		for _, order := range answer.GetOrders() {
			switch {
			case order.GetState() == ordergatev1.OrderState_ORDER_STATE_HELD:
				f.Held++
			case order.GetState() == ordergatev1.OrderState_ORDER_STATE_REJECTED:
				f.Rejected++
			case order.GetApproval().GetState() == "APPROVED":
				f.Released++
			default:
				f.Approved++
			}
		}
		if token = answer.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

func (b *books) countMoves(ctx context.Context, one *firm, f *Figures) error {
	moved := false
	for token := ""; ; {
		answer, err := ask[*evaluationv1.ListRatingsResponse](ctx, b, by("AUDITOR"), evaluationv1.RatingService_ListRatings_FullMethodName,
			&evaluationv1.ListRatingsRequest{CustomerId: one.id, PageSize: pageSize, PageToken: token})
		if err != nil {
			return err
		}
		for _, r := range answer.GetRatings() {
			if r.GetPreviousGrade() != evaluationv1.Grade_GRADE_UNSPECIFIED && r.GetGrade() != r.GetPreviousGrade() {
				moved = true
				f.Moves[letter(r.GetPreviousGrade())+" to "+letter(r.GetGrade())]++
			}
		}
		if token = answer.GetNextPageToken(); token == "" {
			break
		}
	}
	if moved {
		f.MovedCustomers++
	}
	return nil
}

func letter(g evaluationv1.Grade) string { return strings.TrimPrefix(g.String(), "GRADE_") }

// sumAging adds up the aging of the demo company's customers today; others may be in the suite too.
func (b *books) sumAging(ctx context.Context, f *Figures) error {
	f.Currency = currency
	open, overdue := newSum(), newSum()
	for token := ""; ; {
		answer, err := ask[*receivablesv1.GetAgingResponse](ctx, b, by("AUDITOR"), receivablesv1.AgingService_GetAging_FullMethodName,
			&receivablesv1.GetAgingRequest{GroupBy: "customer", PageSize: pageSize, PageToken: token})
		if err != nil {
			return err
		}
		for _, row := range answer.GetRows() {
			if !strings.HasPrefix(row.GetKey(), idPrefix) || row.GetCurrencyCode() != currency {
				continue
			}
			if err := open.add(row.GetOpenAmount()); err != nil {
				return err
			}
			if err := overdue.add(row.GetOverdueAmount()); err != nil {
				return err
			}
			f.OverdueItems += row.GetOverdueItems()
		}
		if token = answer.GetNextPageToken(); token == "" {
			f.Open, f.Overdue = open.String(), overdue.String()
			return nil
		}
	}
}

// Print writes the figures as a short table.
func (f Figures) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }
	row("Demo company\t%d customers, history up to %s (all of it invented)", f.Customers, f.Until)
	row("  orders\t%d approved by the gate, %d held and released by people, %d held now, %d rejected", f.Approved, f.Released, f.Held, f.Rejected)
	row("  receivables\t%s %s open", f.Currency, f.Open)
	row("  overdue\t%s %s in %d invoices", f.Currency, f.Overdue, f.OverdueItems)
	var moves []string
	for _, move := range slices.Sorted(maps.Keys(f.Moves)) {
		moves = append(moves, fmt.Sprintf("%s %d", move, f.Moves[move]))
	}
	row("  grades moved\tof %d customers: %s", f.MovedCustomers, strings.Join(moves, ", "))
	return t.Flush()
}
