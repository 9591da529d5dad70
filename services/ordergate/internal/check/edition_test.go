package check_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// A failure that is only listed says that it is one, with figures that people can read; older records decide as they did.
func TestAFailureThatIsOnlyListed(t *testing.T) {
	t.Parallel()
	p := check.Policy{Rules: []check.Rule{
		{Name: "limit", Kind: check.KindLimit, Enforcement: check.HoldOnBreak, Threshold: money.Ratio{Num: 1, Den: 1}},
		{Name: "usage", Kind: check.KindUtilization, Enforcement: check.Inform, MaxRatio: money.Ratio{Num: 7, Den: 10}},
	}}
	amount := func(minor int64) account.Limit { return account.Limit{Kind: account.LimitAmount, Minor: minor} }
	for name, c := range map[string]struct {
		edition       int
		limit         account.Limit
		used          int64
		outcome       check.Outcome
		shown, figure string
	}{
		"within, to the last":    {5, amount(1000), 600, check.Pass, "10.00", "0.7"},
		"beyond":                 {5, amount(1651), 1910, check.Informed, "16.51", "1.217444"},
		"barely beyond":          {5, amount(3_000_000_000), 2_100_000_000 - 99, check.Informed, "30000000.00", "0.700001"},
		"less than nothing used": {5, amount(300), -200, check.Pass, "3.00", "-0.333333"},
		"no limit at all":        {5, account.Limit{Kind: account.LimitUndefined}, 0, check.Informed, "undefined", ""},
		"before, beyond":         {4, amount(1651), 1910, check.Pass, "16.51", "2010/1651"},
		"before, no limit":       {4, account.Limit{Kind: account.LimitUndefined}, 0, check.Pass, "0.00", ""},
	} {
		in := check.Input{Point: check.AtSubmit, Edition: c.edition, BusinessDate: today()}
		in.Account.Currency, in.Account.Grant.Treatment, in.Account.Grant.Limit = "CNY", account.Credit, c.limit
		in.Account.Buckets.Receivable = max(0, c.used)
		in.Account.Buckets.Unapplied = max(0, -c.used)
		in.Order = check.OrderFacts{Amount: 100, Open: 100, Terms: order.OpenAccount}
		got := check.Decide(in, p).Results[1]
		figures := map[string]string{}
		for _, f := range got.Figures {
			figures[f.Name] = f.Value
		}
		if got.Outcome != c.outcome || figures["limit"] != c.shown || figures["utilization"] != c.figure {
			t.Errorf("%s: %s %v, want %s, limit %s, utilization %q", name, got.Outcome, figures, c.outcome, c.shown, c.figure)
		}
		if failed := got.Outcome == check.Informed; c.edition >= 5 && failed != (len(got.Cures) > 0) {
			t.Errorf("%s: cures %v", name, got.Cures)
		}
	}
}
