package check_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

func TestTakesNotice(t *testing.T) {
	t.Parallel()
	past := account.Grant{Treatment: account.CashOnDelivery, ValidUntil: today().AddDays(-1)}
	for _, c := range []struct {
		grant account.Grant
		terms order.Terms
		want  bool
	}{
		{account.Grant{Treatment: account.CashOnDelivery}, order.CashOnDelivery, true},
		{account.Grant{Treatment: account.CashOnDelivery}, order.OpenAccount, true}, // sold as the customer is treated
		{account.Grant{Treatment: account.CashOnDelivery}, order.Prepayment, false},
		{account.Grant{Treatment: account.Credit}, order.CashOnDelivery, true},
		{account.Grant{Treatment: account.Credit}, order.OpenAccount, false},
		{account.NoGrant(), order.CashOnDelivery, true},
		{account.NoGrant(), order.OpenAccount, false},
		{past, order.OpenAccount, false},
		{account.Grant{Treatment: account.PaymentBeforeDelivery}, order.CashOnDelivery, false},
		{account.Grant{Treatment: account.PhasedOut}, order.CashOnDelivery, false},
	} {
		if got := check.TakesNotice(c.grant, c.terms, today()); got != c.want {
			t.Errorf("%s, %s: %t", c.grant.Treatment, c.terms, got)
		}
	}
}

func TestNoticeWorth(t *testing.T) {
	t.Parallel()
	n := account.Notice{Open: 60, Received: 40, LastDay: today()}
	for _, c := range []struct{ used, here, today, tomorrow int64 }{{0, 40, 100, 40}, {30, 10, 70, 10}, {70, 0, 30, 0}, {100, 0, 0, 0}, {120, 0, 0, 0}} {
		f := check.NoticeFacts{Notice: n, Used: c.used}
		if h, a, b := f.Here(), f.Worth(today()), f.Worth(today().AddDays(1)); h != c.here || a != c.today || b != c.tomorrow {
			t.Errorf("used %d: here %d, worth %d today and %d tomorrow, want %+v", c.used, h, a, b, c)
		}
	}
}

// A record of before payment notices decides to the bytes that it had; one of today names the notice.
func TestOlderEditionsNameNoNotice(t *testing.T) {
	t.Parallel()
	const old = `{"input":{"point":"SUBMIT","business_date":"2026-07-01","policy_version":1,"policy_hash":"h","account":{"customer_id":"C1","seq":2,` +
		`"currency":"CNY","grant":{"version":1,"treatment":"CASH_ON_DELIVERY","limit":{"kind":"UNDEFINED"},"term_days":0,"grace_days":0},` +
		`"buckets":{"order":0,"delivery":0,"receivable":0,"unapplied":3000,"prepaid":0,"billed":0},"position_seq":1},` +
		`"order":{"order_id":"O1","amount":10000,"open":10000,"reserved":0,"terms":"CASH_ON_DELIVERY"},"edition":2},` +
		`"result":{"verdict":"HOLD","results":[{"rule":"treatment","outcome":"HOLD","figures":[{"name":"treatment","value":"CASH_ON_DELIVERY"},` +
		`{"name":"payment_terms","value":"CASH_ON_DELIVERY"},{"name":"money_here","value":"30.00"}],"message":"the money for this order is not here yet",` +
		`"cures":[{"kind":"PAYMENT","minor":7000},{"kind":"APPROVAL"}]}],"exposure_before":-3000,"exposure_after":7000,"excess":7000,"days_overdue":0}}`
	p := check.Policy{Rules: []check.Rule{{Name: "treatment", Kind: check.KindTreatment, Enforcement: check.HoldOnBreak}}}
	again, err := check.Replay([]byte(old), p)
	if err != nil || string(again) != old {
		t.Errorf("replays to\n%s\nwant\n%s (%v)", again, old, err)
	}
	now, err := check.Replay([]byte(strings.Replace(old, `"edition":2`, `"edition":3`, 1)), p)
	if err != nil || !bytes.Contains(now, []byte(`{"kind":"PAYMENT_NOTICE","minor":10000}`)) {
		t.Errorf("today's way to decide names no notice: %s (%v)", now, err)
	}
}

// A program before securities held counted signed with the same policy, whose new words it did not read: its decisions decide the same again.
func TestOlderEditionsCountNoSecuritiesHeld(t *testing.T) {
	t.Parallel()
	p := check.Policy{Version: 1, Rules: []check.Rule{{Name: "limit", Kind: check.KindLimit, Enforcement: check.HoldOnBreak, Security: check.RaisesLimit, HeldSecurity: true}}}
	in := check.Input{Point: check.AtSubmit, BusinessDate: today(), Account: check.AccountFacts{
		CustomerID: "C", Currency: "CNY", Grant: account.Grant{Treatment: account.Credit, Limit: account.Limit{Kind: account.LimitAmount, Minor: 100}},
		Standing: account.Standing{Securities: []account.Security{{ID: "S", Kind: "PLEDGE", Currency: "CNY", Minor: 50, From: today()}}},
	}, Order: check.OrderFacts{OrderID: "O", Amount: 150, Open: 150, Terms: order.OpenAccount}}
	for edition, want := range map[int]check.Verdict{5: check.Hold, 6: check.Approve} {
		in.Edition = edition
		if got := check.Decide(in, p).Verdict; got != want {
			t.Errorf("edition %d: %s, want %s", edition, got, want)
		}
	}
}
