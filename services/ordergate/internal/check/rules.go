package check

import (
	"strconv"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// overdueDays: days overdue of the oldest open item, less the grace days, are at most MaxDays.
func (d *decider) overdueDays(r *Rule) finding {
	grace := d.in.Account.Grant.GraceDays
	counted := max(0, d.daysOverdue-grace)
	f := finding{outcome: Pass, figures: []Figure{
		{"days_overdue", strconv.Itoa(d.daysOverdue)},
		{"grace_days", strconv.Itoa(grace)},
		{"max_days", strconv.Itoa(r.MaxDays)},
	}}
	if counted > r.MaxDays {
		late := d.in.Account.Overdue.OverdueBeyond(d.in.BusinessDate, r.MaxDays+grace).Amount()
		f.outcome, f.message = Held, "the oldest open item is "+strconv.Itoa(counted)+" days overdue after grace"
		f.cures = []Cure{{Kind: CurePayment, Minor: late}}
	}
	return f
}

// overdueAmount: the open amount overdue by more than MinDays after grace is at most MaxAmount; the ratio is never rounded.
func (d *decider) overdueAmount(r *Rule) finding {
	most, err := money.Parse(d.in.Account.Currency, r.MaxAmount)
	if err != nil {
		return finding{outcome: Held, message: "the policy's amount does not fit the account's currency: " + r.MaxAmount}
	}
	late := d.in.Account.Overdue.OverdueBeyond(d.in.BusinessDate, r.MinDays+d.in.Account.Grant.GraceDays).Amount()
	f := finding{outcome: Pass, figures: []Figure{
		{"overdue_amount", d.money(late)},
		{"min_days", strconv.Itoa(r.MinDays)},
		{"max_amount", most.String()},
	}}
	if late > most.Minor {
		f.outcome, f.message = Held, "overdue by more than "+strconv.Itoa(r.MinDays)+" days: "+d.money(late)
		f.cures = []Cure{{Kind: CurePayment, Minor: late - most.Minor}}
	}
	return f
}

// term: the term asked for is at most the term granted.
func (d *decider) term() finding {
	o, g := d.in.Order, d.in.Account.Grant
	if o.Terms != order.OpenAccount || o.TermDays == nil || g.Treatment != account.Credit {
		return finding{outcome: NotApplicable, message: "no credit term is asked for"}
	}
	f := finding{outcome: Pass, figures: []Figure{{"term_asked", strconv.Itoa(*o.TermDays)}, {"term_granted", strconv.Itoa(g.TermDays)}}}
	if *o.TermDays > g.TermDays {
		f.outcome, f.message = Held, "the term asked for is longer than the term granted"
		f.cures = []Cure{{Kind: CureShorterTerm, Days: g.TermDays}, {Kind: CureApplication}}
	}
	return f
}

// treatment: open account only for customers on credit; everybody else pays first, or gives a payment notice that is confirmed where
// it buys cash on delivery (S2.4, S2.17).
func (d *decider) treatment() finding {
	g := d.in.Account.Grant
	f := finding{outcome: Pass, figures: []Figure{{"treatment", string(g.Treatment)}, {"payment_terms", string(d.in.Order.Terms)}}}
	if (g.Treatment == account.Credit || d.drawsOnGroup()) && d.in.Order.Terms == order.OpenAccount {
		return f
	}
	free := max(0, d.in.Account.Buckets.FreeMoney()-d.in.Account.Kept) + d.received()
	f.figures = append(f.figures, Figure{"money_here", d.money(free)})
	f.figures = append(f.figures, d.noticeFigures()...)
	switch {
	case d.paid():
		f.message = "the money for this order is here"
		return f
	case d.onNotice():
		f.message = "the payment notice for this order is confirmed"
		return f
	}
	f.outcome, f.message = Held, "the money for this order is not here yet"
	if missing := d.in.Order.Open - free; missing > 0 {
		f.cures = []Cure{{Kind: CurePayment, Minor: missing}}
	}
	if missing := d.in.Order.Open - d.noticed(); d.in.Edition >= 3 && missing > 0 && d.takesNotice() {
		f.cures = append(f.cures, Cure{Kind: CureNotice, Minor: missing})
	}
	return f
}

// grantValidity: the grant is in force on the business date.
func (d *decider) grantValidity() finding {
	g := d.in.Account.Grant
	if g.Treatment != account.Credit || d.paid() {
		return finding{outcome: NotApplicable, message: "no credit is drawn on"}
	}
	f := finding{outcome: Pass, figures: []Figure{{"valid_from", g.ValidFrom.String()}, {"valid_until", g.ValidUntil.String()}, {"business_date", d.in.BusinessDate.String()}}}
	if g.InForce(d.in.BusinessDate) {
		return f
	}
	f.outcome, f.message = Held, "the grant is not in force on the business date"
	if !g.ValidFrom.IsZero() && d.in.BusinessDate.Before(g.ValidFrom) {
		f.cures = []Cure{{Kind: CureDate, Date: g.ValidFrom}}
	}
	f.cures = append(f.cures, Cure{Kind: CureApplication})
	return f
}

// orderSize: the amount of one order is at most MaxAmount.
func (d *decider) orderSize(r *Rule) finding {
	most, err := money.Parse(d.in.Account.Currency, r.MaxAmount)
	if err != nil {
		return finding{outcome: Held, message: "the policy's amount does not fit the account's currency: " + r.MaxAmount}
	}
	f := finding{outcome: Pass, figures: []Figure{{"amount", d.money(d.in.Order.Amount)}, {"max_amount", most.String()}}}
	if d.in.Order.Amount > most.Minor {
		f.outcome, f.message = Held, "the order is larger than one order may be"
		f.cures = []Cure{{Kind: CureSmallerOrder, Minor: most.Minor}}
	}
	return f
}
