package check

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// noticeCovers is what the rules about the limit say of an order that goes on a payment notice.
const noticeCovers = "no credit is drawn on: the payment notice for this order is confirmed"

// measure is exposure before and after the order, and the limit, as a limit rule counts them on a day. Minor units.
type measure struct {
	before, after int64
	limit         account.Limit // with the temporary limit of the day, and with security where that raises it
	security      int64         // what counts of the security in force
	held          int64         // of it, securities that receivables holds
	stock         int64         // owed as base stock, within what was granted as such
	own           int64         // credit of the order's own
	later         int64         // reserved for deliveries beyond the horizon
}

// measureFirst counts as the first limit rule does, which measures the excess too; without one, everything counts.
func (d *decider) measureFirst() {
	var all Rule
	r := d.p.firstLimit(&d.in.Account, d.in.BusinessDate)
	if r == nil {
		r = &all
	}
	d.first = d.measure(r, d.in.BusinessDate)
}

func (d *decider) measure(r *Rule, day calendar.Date) measure {
	a, o := &d.in.Account, &d.in.Order
	m := measure{limit: a.Grant.LimitOn(day)}
	m.before = d.p.Exposure(a.Buckets, &a.Standing)
	if r.Floor != "" {
		m.before += max(0, d.floor(r)-(a.Buckets.Receivable-a.Buckets.Unapplied))
	}
	m.after = m.before + d.in.Delta()
	if r.Horizon != nil {
		m.without(a.Scheduled, o, day.AddDays(*r.Horizon))
	}
	d.added(&m, day)
	if r.Security == "" || len(a.Grant.Covers)+len(a.Standing.Securities) == 0 {
		return m
	}
	m.security, m.held = d.p.secured(r, a, day, d.in.Edition)
	switch {
	case r.Security == DeductedFromExposure:
		m.before -= min(m.security, max(0, m.before))
		m.after -= min(m.security, max(0, m.after))
	case m.limit.Kind == account.LimitAmount:
		m.limit.Minor += m.security
	}
	return m
}

// added raises a limit by what is owed as base stock, as far as that was granted, and by the order's own credit. An account without credit
// has none of either.
func (d *decider) added(m *measure, day calendar.Date) {
	g := &d.in.Account.Grant
	if m.limit.Kind != account.LimitAmount {
		return
	}
	m.stock = d.p.StockWithin(g, &d.in.Account.Standing, day)
	if d.in.Order.OrderID != "" {
		m.own = g.ForOrder(d.in.Order.OrderID, day)
	}
	m.limit.Minor += m.stock + m.own
}

// floor is the least that open invoices less the money that is here count as. A floor that does not fit the account's currency is zero:
// money then opens no credit, which is the safe side.
func (d *decider) floor(r *Rule) int64 {
	m, err := money.Parse(d.in.Account.Currency, r.Floor)
	if err != nil {
		return 0
	}
	return m.Minor
}

// without takes out what is reserved, or asked for, to be delivered after the last day that counts.
func (m *measure) without(scheduled account.Ladder, o *OrderFacts, last calendar.Date) {
	for _, s := range scheduled {
		if s.Date.After(last) {
			m.later += s.Minor
		}
	}
	if o.ReservedFor.After(last) {
		m.later += o.Reserved
	}
	m.before -= m.later
	m.after -= m.later
	if o.ReservedFor.After(last) {
		m.after += o.Reserved
	}
	if o.Delivery.After(last) {
		m.after -= max(0, o.Open)
	}
}

// limit: exposure after the order is at most the limit x threshold; equality passes (semantics 1, 2).
func (d *decider) limit(r *Rule) finding {
	m := d.measure(r, d.in.BusinessDate)
	lim := m.limit
	f := finding{outcome: Pass, figures: make([]Figure, 0, 9)}
	f.figures = append(f.figures,
		Figure{"exposure_before", d.money(m.before)}, Figure{"delta", d.money(d.in.Delta())}, Figure{"exposure_after", d.money(m.after)})
	f.figures = append(f.figures, d.reasons(r, m)...)
	switch {
	case d.paid():
		f.outcome, f.message = NotApplicable, "the money for this order is here"
		return f
	case d.drawsNothing():
		f.outcome, f.message = NotApplicable, noticeCovers
		return f
	case lim.Kind == account.LimitUnlimited:
		f.message = "no limit applied: the grant is unlimited"
		return f
	case lim.Kind == account.LimitUndefined:
		f.figures = append(f.figures, Figure{"limit", "undefined"})
		if d.drawsOnGroup() {
			f.message = "draws on the group's limit"
			return f
		}
		if m.after > 0 {
			f.outcome, f.message = Held, "no credit is granted: cash customer"
			f.cures = []Cure{{Kind: CurePayment, Minor: m.after}, {Kind: CureApplication}}
		}
		return f
	}
	usable := share(lim.Minor, r.Threshold)
	f.figures = append(f.figures, Figure{"limit", d.money(lim.Minor)}, Figure{"usable_limit", d.money(usable)}, Figure{"available", d.money(usable - m.before)})
	if m.after > usable {
		f.outcome, f.message = Held, "exposure after the order is over the limit by "+d.money(m.after-usable)
		f.cures = d.lessExposure(m, usable)
		if day := d.fits(r); !day.IsZero() {
			f.cures = append(f.cures, Cure{Kind: CureDate, Date: day})
		}
		return f
	}
	if lim.StatusAt(m.after, r.Watch) == account.StatusWatch {
		f.outcome, f.message = Warned, "exposure after the order is above the watch ratio of the limit"
	}
	return f
}

// reasons are the figures that explain a measure which is not just buckets against the standing limit.
func (d *decider) reasons(r *Rule, m measure) []Figure {
	var figs []Figure
	g := &d.in.Account.Grant
	if standing := g.Limit; len(g.Temporary)+len(g.Seasonal) > 0 && standing.Kind == account.LimitAmount {
		figs = append(figs, Figure{"standing_limit", d.money(standing.Minor)})
	}
	if m.stock > 0 {
		figs = append(figs, Figure{"base_stock_granted", d.money(m.stock)})
	}
	if m.own > 0 {
		figs = append(figs, Figure{"for_this_order", d.money(m.own)})
	}
	if m.security > 0 {
		figs = append(figs, Figure{"security", d.money(m.security)})
	}
	if m.held > 0 {
		figs = append(figs, Figure{"held_security", d.money(m.held)})
	}
	if r.Floor != "" {
		figs = append(figs, Figure{"receivable_floor", d.money(d.floor(r))})
	}
	if r.Horizon != nil {
		figs = append(figs, Figure{"horizon_days", strconv.Itoa(*r.Horizon)}, Figure{"later_orders", d.money(m.later)})
	}
	return figs
}

// lessExposure are the cures of exposure above what is usable: pay the difference, or order less.
func (d *decider) lessExposure(m measure, usable int64) []Cure {
	cures := []Cure{{Kind: CurePayment, Minor: m.after - usable}}
	o := &d.in.Order
	if fits := max(0, o.Open) - (m.after - usable); fits > 0 && m.after-m.before == d.in.Delta() {
		cures = append(cures, Cure{Kind: CureSmallerOrder, Minor: fits})
	}
	return cures
}

// fits is the first day on which the same order passes the limit if nothing else changes: a temporary limit or a security begins or
// ends. Days on which the grant is not in force are none. Zero: there is no such day.
func (d *decider) fits(r *Rule) calendar.Date {
	g, s := &d.in.Account.Grant, &d.in.Account.Standing
	if len(g.Temporary)+len(g.Covers)+len(g.Seasonal)+len(g.BaseStocks)+len(s.Securities) == 0 {
		return calendar.Date{}
	}
	days := append(g.Turns(d.in.BusinessDate), s.SecurityTurns(d.in.BusinessDate)...)
	slices.SortFunc(days, calendar.Date.Compare)
	for _, day := range days {
		m := d.measure(r, day)
		if g.InForce(day) && (m.limit.Kind == account.LimitUnlimited || m.after <= share(m.limit.Minor, r.Threshold)) {
			return day
		}
	}
	return calendar.Date{}
}

// overLimit is the excess that authority is measured on: exposure after less the limit, never below zero (semantics 5).
func (d *decider) overLimit() int64 {
	inForce := d.in.Account.Grant.InForce(d.in.BusinessDate)
	if d.paid() || d.drawsOnGroup() || d.first.limit.Kind == account.LimitUnlimited && inForce {
		return 0
	}
	if !inForce {
		return max(0, d.first.after) // a limit that has run out covers nothing
	}
	return max(0, d.first.after-d.first.limit.Minor)
}

// utilization: exposure after the order is at most MaxRatio of the limit, exactly.
func (d *decider) utilization(r *Rule) finding {
	m := d.first
	f := finding{outcome: Pass, figures: []Figure{{"exposure_after", d.money(m.after)}}}
	switch {
	case d.paid():
		f.outcome, f.message = NotApplicable, "the money for this order is here"
		return f
	case d.drawsNothing():
		f.outcome, f.message = NotApplicable, noticeCovers
		return f
	case m.limit.Kind == account.LimitUnlimited:
		f.outcome, f.message = NotApplicable, "no limit applies: the grant is unlimited"
		return f
	case d.drawsOnGroup():
		f.outcome, f.message = NotApplicable, "draws on the group's limit"
		return f
	}
	limit := d.money(m.limit.Minor)
	if d.in.Edition >= 5 && m.limit.Kind == account.LimitUndefined {
		limit = "undefined"
	}
	f.figures = append(f.figures, Figure{"limit", limit})
	if m.limit.Minor > 0 {
		f.figures = append(f.figures, Figure{"utilization", d.ratioText(m.after, m.limit.Minor)})
	}
	f.figures = append(f.figures, Figure{"max_ratio", r.MaxRatio.String()})
	if m.after <= 0 || m.limit.Minor > 0 && (money.Ratio{Num: m.after, Den: m.limit.Minor}).Cmp(r.MaxRatio) <= 0 {
		return f
	}
	f.outcome, f.message = Held, "more of the limit is used than the policy allows"
	f.cures = d.lessExposure(m, share(m.limit.Minor, r.MaxRatio))
	return f
}

// ratioText is a ratio as people read it: exactly where it has an end as a decimal, else to six digits, rounded up, so that one above a
// policy's bound, which has no more digits, is never shown as the bound. It is not what is compared.
func (d *decider) ratioText(num, den int64) string {
	text := money.Ratio{Num: num, Den: den}.String()
	if d.in.Edition < 5 || !strings.Contains(text, "/") {
		return text
	}
	const digits = 1_000_000
	scaled := new(big.Int).Mul(big.NewInt(num), big.NewInt(digits))
	q, rest := new(big.Int).QuoRem(scaled, big.NewInt(den), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	sign := ""
	if q.Sign() < 0 {
		sign = "-"
		q.Abs(q)
	}
	whole, part := new(big.Int).QuoRem(q, big.NewInt(digits), new(big.Int))
	return fmt.Sprintf("%s%s.%06d", sign, whole, part.Int64())
}
