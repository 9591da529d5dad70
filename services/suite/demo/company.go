package demo

import (
	"fmt"
	"math/rand/v2"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

const (
	currency = "CNY"
	termDays = 30
	idPrefix = "DEMO-"
	yuan     = 100 // minor units
)

// habit is how a firm behaves.
type habit uint8

const (
	// prompt pays before or on the due date, rarely a few days late.
	prompt habit = iota
	// slipping is prompt at first and later and later in the last months.
	slipping
	// late pays weeks late, and not at all of late.
	late
	// sued is prompt with us and sued by another creditor half-way.
	sued
	// cash has no approved form: it pays first, and now and then asks for credit in vain.
	cash
	// prospect has not bought yet.
	prospect
)

// habitOf spreads the habits over forty firms; more firms repeat them.
func habitOf(n int) habit {
	switch k := (n - 1) % 40; {
	case k < 24:
		return prompt
	case k < 31:
		return slipping
	case k < 35:
		return late
	case k < 36:
		return sued
	case k < 39:
		return cash
	default:
		return prospect
	}
}

// firm is one customer of the demo company. Everything about it is invented.
type firm struct {
	n      int
	id     string
	habit  habit
	seller string
	// usual is what one usual purchase comes to: its limit.
	usual money.Money
	opens calendar.Date
	// names is whether the firm's payments name their invoices. A firm does it always or never: a payment that names an
	// invoice which another one without a name has paid would lie on the account while its own stays open.
	names bool
	dice  *rand.Rand
}

// firmID is the number of a firm in the suite.
func firmID(n int) string { return fmt.Sprintf("%s%03d", idPrefix, n) }

// newFirm draws a firm; the same seed and number give the same firm.
func newFirm(seed uint64, n int, start calendar.Date) *firm {
	f := &firm{
		n: n, id: firmID(n), habit: habitOf(n), seller: fmt.Sprintf("demo-seller-%d", 1+n%5),
		opens: start.AddDays(n * 3 % 60),
		dice:  rand.New(rand.NewPCG(seed, uint64(n))), //nolint:gosec // the same company every time, no secrets
	}
	f.names = f.chance(85)
	f.usual = f.draw(60_000, 240_000)
	if n%8 == 0 {
		f.usual = f.draw(300_000, 900_000) // beyond the first row of the authority table
	}
	return f
}

// draw draws an amount of whole hundreds of yuan.
func (f *firm) draw(from, to int64) money.Money {
	return money.New((from+f.dice.Int64N(to-from+1))/100*100*yuan, currency)
}

// share is so many percent of the usual purchase, in whole hundreds of yuan.
func (f *firm) share(from, to int) money.Money {
	percent := int64(f.days(from, to))
	return money.New(f.usual.Minor/100*percent/(100*yuan)*(100*yuan), currency)
}

// days draws a number, both ends included.
func (f *firm) days(from, to int) int { return from + f.dice.IntN(to-from+1) }

// chance is true in so many of a hundred cases.
func (f *firm) chance(percent int) bool { return f.dice.IntN(100) < percent }

// delay is how many days after the due date an invoice of the day is paid; negative: before.
func (f *firm) delay(invoiced, today calendar.Date) int {
	age := today.DaysSince(invoiced)
	switch {
	case f.habit == slipping && age < 240:
		// From a few days to a month, the later the later.
		return f.days(4, 8) + (240-age)/8
	case f.habit == late:
		return f.days(12, 48)
	case f.chance(12):
		return f.days(1, 4)
	default:
		return f.days(-14, 0)
	}
}

// amount is money in the contract.
func amount(m money.Money) *typev1.Money {
	return &typev1.Money{CurrencyCode: m.Currency, Amount: m.String()}
}

// sum adds amounts of the contract.
type sum struct{ money.Money }

func newSum() *sum { return &sum{money.Zero(currency)} }

func (s *sum) add(m *typev1.Money) error {
	one, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
	if err == nil {
		s.Money = s.Add(one)
	}
	return err
}
