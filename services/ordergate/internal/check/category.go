package check

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Category is a part of the exposure that may have a cap of its own. One piece of business is in exactly one of them at a time.
type Category string

// The categories.
const (
	CategoryOrder    Category = "ORDER"    // approved, not shipped
	CategoryDelivery Category = "DELIVERY" // shipped, not invoiced
	CategoryOpen     Category = "OPEN"     // invoiced, not overdue by more than the margin
	CategoryUnpaid   Category = "UNPAID"   // overdue by more than the margin
)

// in is what the category holds on a day. Minor units.
func (c Category) in(a *AccountFacts, day calendar.Date, margin int) int64 {
	switch c {
	case CategoryOrder:
		return a.Buckets.Order
	case CategoryDelivery:
		return a.Buckets.Delivery
	case CategoryOpen:
		return a.Buckets.Receivable - a.Overdue.OverdueBeyond(day, margin).Amount()
	case CategoryUnpaid:
		return a.Overdue.OverdueBeyond(day, margin).Amount()
	}
	return 0
}

// categoryCap: what one category holds, after the order, is at most MaxAmount; equality passes. A new order comes to category ORDER.
func (d *decider) categoryCap(r *Rule) finding {
	most, err := money.Parse(d.in.Account.Currency, r.MaxAmount)
	if err != nil {
		return finding{outcome: Held, message: "the policy's amount does not fit the account's currency: " + r.MaxAmount}
	}
	before := r.Category.in(&d.in.Account, d.in.BusinessDate, r.MinDays)
	after := before
	if r.Category == CategoryOrder {
		after += d.in.Delta()
	}
	f := finding{outcome: Pass, figures: []Figure{
		{"category", string(r.Category)}, {"category_before", d.money(before)}, {"category_after", d.money(after)}, {"max_amount", most.String()},
	}}
	if r.Category == CategoryOpen || r.Category == CategoryUnpaid {
		f.figures = append(f.figures, Figure{"margin_days", strconv.Itoa(r.MinDays)})
	}
	if after <= most.Minor {
		return f
	}
	f.outcome, f.message = Held, "category "+string(r.Category)+" is over its cap by "+d.money(after-most.Minor)
	switch r.Category {
	case CategoryOpen, CategoryUnpaid:
		f.cures = []Cure{{Kind: CurePayment, Minor: after - most.Minor}}
	case CategoryOrder:
		if fits := max(0, d.in.Order.Open) - (after - most.Minor); fits > 0 {
			f.cures = []Cure{{Kind: CureSmallerOrder, Minor: fits}}
		}
	case CategoryDelivery: // only invoicing what was shipped changes it
	}
	return f
}

// CapsExceeded are the names of the category caps that an account is over as it stands on a day.
func (p *Policy) CapsExceeded(a *AccountFacts, day calendar.Date) []string {
	var over []string
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Kind != KindCategoryCap {
			continue
		}
		if o := r.Overrides.Find(a, day); o != nil {
			if o.Exempt {
				continue
			}
			r = &o.Rule
		}
		most, err := money.Parse(a.Currency, r.MaxAmount)
		if err != nil || r.Category.in(a, day, r.MinDays) > most.Minor {
			over = append(over, r.Name)
		}
	}
	return over
}
