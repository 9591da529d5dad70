package check_test

import (
	"testing"

	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// A release covers the term that people signed; a record of before that rule decides as it did.
func TestAReleaseCoversNoLongerTerm(t *testing.T) {
	t.Parallel()
	days := func(n int) *int { return &n }
	p := check.Policy{
		Rules:  []check.Rule{{Name: "term", Kind: check.KindTerm, Enforcement: check.HoldOnBreak}},
		Memory: check.Memory{Days: 5},
	}
	for name, c := range map[string]struct {
		edition       int
		point         check.Point
		signed, prior *int
		asked         int
		want          check.Verdict
	}{
		"as long as signed":                         {4, check.AtAmend, days(60), days(60), 60, check.Approve},
		"longer than signed":                        {4, check.AtAmend, days(60), days(60), 61, check.Hold},
		"longer than signed, checked again":         {4, check.AtRecheck, days(60), nil, 61, check.Hold},
		"longer than signed, shorter than it stood": {4, check.AtAmend, days(60), days(90), 75, check.Hold},
		"a release of which no term is kept":        {4, check.AtRecheck, nil, nil, 60, check.Approve},
		"the same, asked for longer":                {4, check.AtAmend, nil, days(60), 61, check.Hold},
		"decided before":                            {3, check.AtAmend, days(60), days(60), 61, check.Approve},
	} {
		in := check.Input{Point: c.point, Edition: c.edition, BusinessDate: today()}
		in.Account.Currency, in.Account.Grant.Treatment, in.Account.Grant.TermDays = "CNY", "CREDIT", 30
		in.Order = check.OrderFacts{Amount: 1000, Open: 1000, TermDays: days(c.asked), Terms: order.OpenAccount}
		in.Order.Release = &order.Release{Minor: 1000, Date: today(), TermDays: c.signed}
		if c.point == check.AtAmend {
			in.Order.Prior = &check.PriorFacts{TermDays: c.prior, Terms: order.OpenAccount}
		}
		if got := check.Decide(in, p).Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
