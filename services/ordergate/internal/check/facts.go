package check

import (
	"fmt"
)

// FactType is the type of a fact in expressions.
type FactType uint8

// The types of facts.
const (
	FactText  FactType = iota // string; dates are YYYY-MM-DD, which compare as text, or empty
	FactMinor                 // int: an amount in minor units of the account's currency
	FactCount                 // int: days, a number
	FactFlag                  // bool
)

// Fact is something that an expression may look at.
type Fact struct {
	Name string
	Type FactType
}

// Facts are what expressions may look at; the gate's README says what each means.
func Facts() []Fact {
	return []Fact{
		{"check_point", FactText},
		{"business_date", FactText},
		{"customer", FactText},
		{"group", FactText},
		{"grade", FactText},
		{"currency", FactText},
		{"treatment", FactText},
		{"limit_kind", FactText},
		{"limit", FactMinor},
		{"security", FactMinor},
		{"term_granted", FactCount},
		{"grace_days", FactCount},
		{"exposure_before", FactMinor},
		{"exposure_after", FactMinor},
		{"orders", FactMinor},
		{"deliveries", FactMinor},
		{"receivable", FactMinor},
		{"unapplied", FactMinor},
		{"bank_bill", FactMinor},
		{"commercial_bill", FactMinor},
		{"base_stock", FactMinor},
		{"consignment", FactMinor},
		{"deposit", FactMinor},
		{"overdue_amount", FactMinor},
		{"days_overdue", FactCount},
		{"disputed_amount", FactMinor},
		{"broken_promises", FactCount},
		{"dunning_level", FactCount},
		{"supply_stopped", FactFlag},
		{"order_amount", FactMinor},
		{"order_open", FactMinor},
		{"order_delta", FactMinor},
		{"order_currency", FactText},
		{"payment_terms", FactText},
		{"term_asked", FactCount},
		{"requested_delivery", FactText},
		{"money_is_here", FactFlag},
		{"noticed", FactMinor},
	}
}

// fact is the value of a fact: string, int64 or bool; nil for a name that is none.
func (d *decider) fact(name string) any {
	a, o := &d.in.Account, &d.in.Order
	switch name {
	case "check_point":
		return string(d.in.Point)
	case "business_date":
		return d.in.BusinessDate.String()
	case "order_amount":
		return o.Amount
	case "order_open":
		return o.Open
	case "order_delta":
		return d.in.Delta()
	case "order_currency":
		if o.Conversion != nil {
			return o.Conversion.Currency
		}
		return a.Currency
	case "payment_terms":
		return string(o.Terms)
	case "term_asked":
		if o.TermDays == nil {
			return int64(a.Grant.TermDays)
		}
		return int64(*o.TermDays)
	case "requested_delivery":
		return o.Delivery.String()
	case "money_is_here":
		return d.paid()
	case "noticed":
		return d.noticed()
	}
	if v := d.creditFact(name); v != nil {
		return v
	}
	return d.owedFact(name)
}

// creditFact are the facts of what is granted.
func (d *decider) creditFact(name string) any {
	a := &d.in.Account
	switch name {
	case "customer":
		return a.CustomerID
	case "group":
		return a.GroupID
	case "grade":
		return a.Grade
	case "currency":
		return a.Currency
	case "treatment":
		return string(a.Grant.Treatment)
	case "limit_kind":
		return string(d.first.limit.Kind)
	case "limit":
		return d.first.limit.Minor
	case "security":
		return d.first.security
	case "term_granted":
		return int64(a.Grant.TermDays)
	case "grace_days":
		return int64(a.Grant.GraceDays)
	case "exposure_before":
		return d.first.before
	case "exposure_after":
		return d.first.after
	}
	return nil
}

// owedFact are the facts of what is used and owed.
func (d *decider) owedFact(name string) any {
	a := &d.in.Account
	b, s := &a.Buckets, &a.Standing
	switch name {
	case "orders":
		return b.Order
	case "deliveries":
		return b.Delivery
	case "receivable":
		return b.Receivable
	case "unapplied":
		return b.Unapplied
	case "bank_bill":
		return s.BankBill
	case "commercial_bill":
		return s.CommercialBill
	case "base_stock":
		return s.BaseStock
	case "consignment":
		return s.Consignment
	case "deposit":
		return s.Deposit
	case "overdue_amount":
		return a.Overdue.Amount()
	case "days_overdue":
		return int64(d.daysOverdue)
	case "disputed_amount":
		return s.Disputed.Amount()
	case "broken_promises":
		return int64(s.BrokenPromises)
	case "dunning_level":
		return int64(s.DunningLevel)
	case "supply_stopped":
		return s.SupplyStopped
	}
	return nil
}

// expression: the policy's expression over facts is true. One that cannot be worked out fails: nothing passes by an error.
func (d *decider) expression(r *Rule) finding {
	own := new(decider) // what is handed out goes to the heap
	*own = *d
	ok, err := r.Expression.Holds(own.fact)
	f := finding{outcome: Pass}
	for _, name := range r.Expression.Facts() {
		f.figures = append(f.figures, Figure{name, d.factText(name)})
	}
	switch {
	case err != nil:
		f.outcome, f.message = Held, r.Message+" (the expression could not be worked out)"
	case !ok:
		f.outcome, f.message = Held, r.Message
	}
	return f
}

// factText is a fact as a figure: amounts as decimals.
func (d *decider) factText(name string) string {
	v := d.fact(name)
	if n, ok := v.(int64); ok && isAmount(name) {
		return d.money(n)
	}
	return fmt.Sprint(v)
}

func isAmount(name string) bool {
	for _, f := range Facts() {
		if f.Name == name {
			return f.Type == FactMinor
		}
	}
	return false
}
