// Package portfolio judges very many customers under one policy, and says what becomes of their grades and limits.
package portfolio

import (
	"math"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// Spec is what a run is asked for.
type Spec struct {
	Version int64 `json:"version"`
	// DryRun has no effect on any customer.
	DryRun bool `json:"dry_run"`
	// Date is the business date of the ratings.
	Date calendar.Date `json:"business_date"`
	// AskAnew takes no payment record that was asked for before the run.
	AskAnew bool `json:"ask_anew,omitempty"`
}

// Subject is a customer with everything that its rating rests on beside the policy and the day.
type Subject struct {
	ID, Salesperson, Unit, Group, Currency string
	// Grade that stands.
	Grade         grade.Grade
	UsualPurchase *money.Money
	// Grant is the newest version; its version is 0 where nothing was ever granted.
	Grant grant.Grant
	// Facts known on the day, in the order of recording.
	Facts []fact.Fact
	// Payment is nil where no record is at hand.
	Payment  *payment.Record
	Invoices *invoices.Summary
}

// Row is what a run made of a customer.
type Row struct {
	CustomerID      string          `json:"customer_id"`
	Salesperson     string          `json:"salesperson_id,omitempty"`
	Unit            string          `json:"unit_id,omitempty"`
	Group           string          `json:"group_id,omitempty"`
	Currency        string          `json:"currency_code"`
	GradeBefore     grade.Grade     `json:"grade_before,omitempty"`
	GradeAfter      grade.Grade     `json:"grade_after,omitempty"`
	TreatmentBefore grade.Treatment `json:"treatment_before"`
	TreatmentAfter  grade.Treatment `json:"treatment_after"`
	// LimitBefore and LimitAfter are the granted ones in minor units; nil: no credit, or unlimited.
	LimitBefore     *int64 `json:"limit_before,omitempty"`
	LimitAfter      *int64 `json:"limit_after,omitempty"`
	UnlimitedBefore bool   `json:"unlimited_before,omitempty"`
	UnlimitedAfter  bool   `json:"unlimited_after,omitempty"`
	// Recommended by the policy in minor units; nil: none.
	Recommended *int64 `json:"recommended,omitempty"`
	TermBefore  int    `json:"term_before"`
	TermAfter   int    `json:"term_after"`
	Deciding    string `json:"deciding,omitempty"`
	// RatingID of the rating made, of a run for real.
	RatingID  string `json:"rating_id,omitempty"`
	Unchanged bool   `json:"unchanged,omitempty"`
	// Problem is why the customer could not be rated; empty: it was.
	Problem string `json:"problem,omitempty"`
}

// Judge says what a policy would make of a customer on a day: its verdict, and what the verdict tightens of the grant.
func Judge(s *Subject, p *criteria.Policy, day calendar.Date) Row {
	in := rating.Inputs{
		CustomerID: s.ID, Date: day, Trigger: rating.NewPolicy, Currency: s.Currency, UsualPurchase: s.UsualPurchase,
		Facts: s.Facts, Payment: *s.Payment, Invoices: s.Invoices,
	}
	v := rating.Assess(&in, p)
	after := s.Grant
	if tighter, tightened := grant.Tighten(s.Grant, grant.Assessment{Grade: v.Grade, Treatment: p.For(v.Grade), Date: day}); tightened {
		after = tighter
	}
	row := s.Row(day)
	row.GradeAfter, row.Deciding = v.Grade, v.Deciding
	if v.Limit != nil {
		row.Recommended = &v.Limit.Minor
	}
	row.After(after, day)
	return row
}

// Row begins the row of a customer: who it is and what it has. What it has afterwards is the same until After says otherwise.
func (s *Subject) Row(day calendar.Date) Row {
	row := Row{
		CustomerID: s.ID, Salesperson: s.Salesperson, Unit: s.Unit, Group: s.Group, Currency: s.Currency,
		GradeBefore: s.Grade, GradeAfter: s.Grade,
	}
	row.After(s.Grant, day)
	row.TreatmentBefore, row.LimitBefore, row.UnlimitedBefore, row.TermBefore = row.TreatmentAfter, row.LimitAfter, row.UnlimitedAfter, row.TermAfter
	return row
}

// After notes the grant that holds after the run. One that is over on the day is no credit (S2.17).
func (r *Row) After(g grant.Grant, day calendar.Date) {
	r.TreatmentAfter, r.LimitAfter, r.UnlimitedAfter, r.TermAfter = grade.CashCustomer, nil, false, 0
	if g.Version == 0 || (!g.ValidUntil.IsZero() && g.ValidUntil.Before(day)) {
		return
	}
	r.TreatmentAfter, r.TermAfter = g.Treatment, g.TermDays
	if l := g.Limit; l != nil {
		r.UnlimitedAfter = l.Unlimited
		if l.Amount != nil {
			r.LimitAfter = &l.Amount.Minor
		}
	}
}

// Cell is one pair of the migration matrix.
type Cell struct {
	From      grade.Grade `json:"from"`
	To        grade.Grade `json:"to"`
	Customers int64       `json:"customers"`
	Limits
}

// Limits are granted limits before and after, in minor units by currency.
type Limits struct {
	Before map[string]int64 `json:"before,omitempty"`
	After  map[string]int64 `json:"after,omitempty"`
}

// Add adds what granted limits are in a currency; sums stop at the largest number there is.
func (l *Limits) Add(currency string, before, after int64) {
	add := func(to *map[string]int64, minor int64) {
		if minor == 0 {
			return
		}
		if *to == nil {
			*to = map[string]int64{}
		}
		(*to)[currency] = min((*to)[currency], math.MaxInt64-minor) + minor
	}
	add(&l.Before, before)
	add(&l.After, after)
}

// Move is what a run made of a customer.
type Move string

// The moves.
const (
	// Down: a worse grade than before.
	Down Move = "DOWN"
	// Up: a better grade than before.
	Up Move = "UP"
	// Tightened: the grant tightens.
	Tightened Move = "TIGHTENED"
	// Failed: the customer could not be rated.
	Failed Move = "FAILED"
)

// Tally adds up customers that have something in common.
type Tally struct {
	ID         string `json:"id"`
	Customers  int64  `json:"customers"`
	MovedDown  int64  `json:"moved_down"`
	MovedUp    int64  `json:"moved_up"`
	CreditLost int64  `json:"credit_lost"`
	Limits
}

// Result is what a run made of all customers.
type Result struct {
	Customers  int64 `json:"customers"`
	Failed     int64 `json:"failed"`
	MovedDown  int64 `json:"moved_down"`
	MovedUp    int64 `json:"moved_up"`
	Tightened  int64 `json:"tightened"`
	CreditLost int64 `json:"credit_lost"`
	Unchanged  int64 `json:"unchanged"`
	Limits
	Recommended  map[string]int64 `json:"recommended,omitempty"`
	Migration    []Cell           `json:"migration"`
	Salespeople  []Tally          `json:"salespeople"`
	Units        []Tally          `json:"units"`
	Groups       []Tally          `json:"groups"`
	MostAffected []Row            `json:"most_affected"`
}
