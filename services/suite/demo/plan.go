package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// event is something that happens to one firm on one day.
type event struct {
	date calendar.Date
	firm *firm
	do   func(ctx context.Context, b *books) error
}

// plan is the history of the company, drawn before any of it happens: what it does depends on the suite's answers only
// where people would look at them too.
type plan struct {
	today  calendar.Date
	events []event
}

// newPlan draws the history of so many firms over so many months up to today.
func newPlan(seed uint64, firms, months int, today calendar.Date) ([]*firm, *plan) {
	p := &plan{today: today}
	start := today.AddMonths(-months, today.Day())
	var all []*firm
	for n := 1; n <= firms; n++ {
		f := newFirm(seed, n, start)
		all = append(all, f)
		p.opens(f)
		switch f.habit {
		case prospect:
		case cash:
			p.buysForCash(f)
		default:
			p.applies(f)
			p.buysOnCredit(f)
		}
		if f.habit == sued {
			p.isSued(f)
		}
	}
	slices.SortStableFunc(p.events, func(a, b event) int {
		return cmp.Or(a.date.Compare(b.date), cmp.Compare(a.firm.n, b.firm.n))
	})
	return all, p
}

// on plans something; what lies in the future has not happened.
func (p *plan) on(f *firm, date calendar.Date, do func(ctx context.Context, b *books) error) {
	if date.After(p.today) {
		return
	}
	p.events = append(p.events, event{date: date, firm: f, do: do})
}

// opens plans the customer file, and a verified statement every year.
func (p *plan) opens(f *firm) {
	p.on(f, f.opens, func(ctx context.Context, b *books) error { return b.open(ctx, f) })
	if f.habit == prospect {
		return
	}
	debt := f.days(34, 58)
	for year, date := f.opens.Year()-1, f.opens; !date.After(p.today); year++ {
		p.on(f, date, func(ctx context.Context, b *books) error { return b.statement(ctx, f, year, debt) })
		date = calendar.New(year+2, 4, 10)
		if !date.After(f.opens) {
			date = f.opens.AddDays(1)
		}
	}
}

func (p *plan) applies(f *firm) {
	p.on(f, f.opens.AddDays(2), func(ctx context.Context, b *books) error { return b.apply(ctx, f) })
}

func (p *plan) isSued(f *firm) {
	date := f.opens.AddDays(p.today.DaysSince(f.opens) / 2)
	p.on(f, date, func(ctx context.Context, b *books) error { return b.litigation(ctx, f, date) })
}

// sale is an order and what becomes of it.
type sale struct {
	firm   *firm
	number string
	amount money.Money
	date   calendar.Date
	// verdict is what people do where the gate holds it.
	verdict verdict
	// parts are the amounts shipped.
	parts []money.Money
}

type verdict uint8

const (
	release verdict = iota
	reject
	// wait leaves it held: nobody has looked at it yet.
	wait
)

func (s *sale) order() string           { return "DSO-" + s.number }
func (s *sale) invoice(i int) string    { return fmt.Sprintf("DIN-%s-%d", s.number, i+1) }
func (s *sale) receipt(i int) string    { return fmt.Sprintf("DRC-%s-%d", s.number, i+1) }
func (s *sale) shipment(i int) string   { return fmt.Sprintf("DDN-%s-%d", s.number, i+1) }
func (f *firm) saleNumber(n int) string { return fmt.Sprintf("%03d-%03d", f.n, n) }

// buysOnCredit plans orders until today, each with its shipments, invoices and payments.
func (p *plan) buysOnCredit(f *firm) {
	date := f.opens.AddDays(f.days(4, 12))
	for n := 1; !date.After(p.today); n++ {
		s := &sale{firm: f, number: f.saleNumber(n), amount: f.share(22, 52), date: date}
		if f.chance(8) {
			s.amount = f.share(105, 150) // a big one, beyond the limit alone
		}
		switch {
		case p.today.DaysSince(date) < 4:
			s.verdict = wait
		case f.chance(8):
			s.verdict = reject
		}
		s.parts = []money.Money{s.amount}
		if f.chance(15) {
			first := money.New(s.amount.Minor/(200*yuan)*(100*yuan), currency)
			s.parts = []money.Money{first, s.amount.Sub(first)}
		}
		p.on(f, date, func(ctx context.Context, b *books) error { return b.submit(ctx, s, onCredit) })
		p.fulfils(s)
		date = date.AddDays(f.days(11, 27))
	}
}

// fulfils plans shipments with their invoices, and their payments.
func (p *plan) fulfils(s *sale) {
	f, shipped := s.firm, s.date
	for i := range s.parts {
		shipped = shipped.AddDays(f.days(1, 4))
		date, final := shipped, i == len(s.parts)-1
		p.on(f, date, func(ctx context.Context, b *books) error { return b.ship(ctx, s, i, final) })
		delay := f.delay(date, p.today)
		forgotten := f.habit == late && p.today.DaysSince(date) < 130 && f.chance(22)
		if forgotten {
			continue
		}
		paid := date.AddDays(termDays + delay)
		p.on(f, paid, func(ctx context.Context, b *books) error { return b.pay(ctx, s, i) })
	}
}

// buysForCash plans orders that are paid first, and some that ask for credit in vain.
func (p *plan) buysForCash(f *firm) {
	date := f.opens.AddDays(f.days(4, 12))
	for n := 1; !date.After(p.today); n++ {
		s := &sale{firm: f, number: f.saleNumber(n), amount: f.share(20, 45), date: date, verdict: reject}
		s.parts = []money.Money{s.amount}
		if f.chance(20) {
			p.on(f, date, func(ctx context.Context, b *books) error { return b.submit(ctx, s, onCredit) })
		} else {
			p.on(f, date, func(ctx context.Context, b *books) error { return b.prepay(ctx, s) })
			p.on(f, date.AddDays(2), func(ctx context.Context, b *books) error { return b.shipPrepaid(ctx, s) })
		}
		date = date.AddDays(f.days(20, 40))
	}
}
