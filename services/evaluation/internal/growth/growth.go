// Package growth tells which customers with credit bought more for it (S2.13).
package growth

import (
	"math"
	"math/big"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Verdict is what a review says of a customer.
type Verdict string

// The verdicts.
const (
	// Grew by more than the least growth.
	Grew Verdict = "GREW"
	// NotGrown: it did not.
	NotGrown Verdict = "NOT_GROWN"
	// TooEarly: it has had credit for too short to be judged.
	TooEarly Verdict = "TOO_EARLY"
	// Unknown: receivables do not know it.
	Unknown Verdict = "UNKNOWN"
)

// Spec is what a review is asked for, as the policy in force had it.
type Spec struct {
	Version int64         `json:"version"`
	Date    calendar.Date `json:"business_date"`
	criteria.Growth
}

// Period is days from one to another, both included.
type Period struct{ From, To calendar.Date }

// Period is the one that is judged: it ends on the day of the review.
func (s Spec) Period() Period { return s.ago(0) }

// Compared is the period that it is compared with.
func (s Spec) Compared() Period {
	if s.YearBefore {
		return s.ago(monthsOfYear)
	}
	return s.ago(s.Months)
}

const monthsOfYear = 12

func (s Spec) ago(months int) Period {
	return Period{From: s.Date.AddMonths(-months-s.Months, 0).AddDays(1), To: s.Date.AddMonths(-months, 0)}
}

// Row is what a review says of a customer, amounts in minor units.
type Row struct {
	CustomerID  string      `json:"customer_id"`
	DisplayName string      `json:"display_name"`
	Salesperson string      `json:"salesperson_id,omitempty"`
	Unit        string      `json:"unit_id,omitempty"`
	Currency    string      `json:"currency_code"`
	Grade       grade.Grade `json:"grade,omitempty"`
	// Limit granted; nil: unlimited.
	Limit       *int64        `json:"limit,omitempty"`
	CreditSince calendar.Date `json:"credit_since_date,omitzero"`
	// Volume of the period and Compared of the other one; nil: unknown.
	Volume   *int64  `json:"volume,omitempty"`
	Compared *int64  `json:"compared,omitempty"`
	Verdict  Verdict `json:"verdict"`
}

// Judge gives a row its verdict. From no volume to some is growth; none in either period is not.
func (s Spec) Judge(r *Row) {
	switch {
	case r.Volume == nil || r.Compared == nil:
		r.Verdict = Unknown
	case r.CreditSince.After(s.Date.AddMonths(-s.CreditMonths, 0)):
		r.Verdict = TooEarly
	case *r.Compared <= 0 && *r.Volume > max(*r.Compared, 0), *r.Compared > 0 && s.above(*r.Volume, *r.Compared):
		r.Verdict = Grew
	default:
		r.Verdict = NotGrown
	}
}

// above reports whether volume / compared - 1 is above the least growth, exactly.
func (s Spec) above(volume, compared int64) bool {
	growth := new(big.Rat).SetFrac64(volume, compared)
	return growth.Sub(growth, big.NewRat(1, 1)).Cmp(s.least()) > 0
}

func (s Spec) least() *big.Rat {
	v, ok := new(big.Rat).SetString(s.Least)
	if !ok {
		return new(big.Rat)
	}
	return v
}

const shownDigits = 4

// Growth is volume / compared - 1 rounded half up, for showing; empty where there is nothing to divide by.
func (r Row) Growth() string {
	if r.Volume == nil || r.Compared == nil || *r.Compared <= 0 {
		return ""
	}
	growth := new(big.Rat).SetFrac64(*r.Volume, *r.Compared)
	return growth.Sub(growth, big.NewRat(1, 1)).FloatString(shownDigits)
}

// Sums are volumes of the period and of the one compared with, in minor units by currency.
type Sums struct {
	Volume   map[string]int64 `json:"volume,omitempty"`
	Compared map[string]int64 `json:"compared,omitempty"`
}

// Add adds volumes of a currency; sums stop at the largest number there is.
func (s *Sums) Add(currency string, volume, compared int64) {
	add := func(to *map[string]int64, minor int64) {
		if *to == nil {
			*to = map[string]int64{}
		}
		sum := (*to)[currency]
		if minor > 0 {
			sum = min(sum, math.MaxInt64-minor)
		}
		(*to)[currency] = sum + minor
	}
	add(&s.Volume, volume)
	add(&s.Compared, compared)
}

// Tally adds up the customers of a salesperson.
type Tally struct {
	Salesperson string `json:"salesperson_id"`
	Grew        int64  `json:"grew"`
	NotGrown    int64  `json:"not_grown"`
	Sums
}

// Result adds up a review.
type Result struct {
	Customers int64 `json:"customers"`
	Grew      int64 `json:"grew"`
	NotGrown  int64 `json:"not_grown"`
	TooEarly  int64 `json:"too_early"`
	Unknown   int64 `json:"unknown"`
	Sums
	Salespeople       []Tally `json:"salespeople"`
	NotGrownCustomers []Row   `json:"not_grown_customers"`
}
