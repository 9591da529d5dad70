package app_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
)

// A list is judged as if its orders were submitted one after the other, nothing is kept, and the submissions then say the same.
func TestCheckListSaysWhatSubmissionsWouldGet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.customer("C1", 10_000)
	r.customer("C2", 10_000)
	ctx := t.Context()
	if _, err := g.Submit(ctx, person("sales"), request("r0"), newOrder("O0", "C1", 1_000)); err != nil {
		t.Fatal(err)
	}
	usd := newOrder("O7", "C1", 1)
	usd.Currency = "USD"
	list := []app.Checked{
		{Order: newOrder("O1", "C1", 6_000)}, {Order: newOrder("O2", "C2", 9_000)}, {Order: newOrder("O3", "C1", 4_000)}, // 11,000 > 10,000
		{Order: newOrder("O4", "C1", 3_000)}, // fits: the held one uses nothing
		{Order: newOrder("O1", "C2", 1)}, {Order: newOrder("O0", "C2", 1)}, {Order: newOrder("O5", "nobody", 1)},
		{Err: errs.New(errs.Invalid, "MONEY_INVALID", "bad")}, {Order: usd}, {Order: newOrder("O8", "C1", 1)},
	}
	if err := g.CheckList(ctx, person("sales"), list); err != nil {
		t.Fatal(err)
	}
	want := []string{"APPROVE", "APPROVE", "HOLD", "APPROVE", "ORDER_EXISTS", "ORDER_EXISTS", "CUSTOMER_UNKNOWN", "MONEY_INVALID", "CURRENCY_MISMATCH", "HOLD"}
	for i, x := range list {
		got := errs.ReasonOf(x.Err)
		if x.Record != nil {
			got = string(x.Record.Result.Verdict)
		}
		if got != want[i] {
			t.Errorf("%d %s: %s, want %s", i, x.Order.ID, got, want[i])
		}
	}
	sheet, err := g.queries.Account(ctx, person("x"), "C1")
	if err != nil || sheet.Account.Buckets.Order != 1_000 || sheet.Account.Seq != 2 || sheet.Account.Held != 0 {
		t.Errorf("the list left something behind: %+v %v", sheet.Account, err)
	}
	for i, x := range list {
		if x.Record == nil {
			continue
		}
		a, err := g.Submit(ctx, person("sales"), request(x.Order.ID), x.Order)
		if err != nil || a.Record.Result.Verdict != check.Verdict(want[i]) || a.Record.Result.ExposureAfter != x.Record.Result.ExposureAfter {
			t.Errorf("submission of %s: %+v %v, list said %+v", x.Order.ID, a.Record, err, x.Record.Result)
		}
	}
	stranger := app.Caller{Subject: "other", Sees: func(s string) bool { return s == "other" }}
	hidden := []app.Checked{{Order: newOrder("O9", "C1", 1)}, {Order: newOrder("O0", "C1", 1)}}
	if err := g.CheckList(ctx, stranger, hidden); err != nil || errs.ReasonOf(hidden[0].Err) != "CUSTOMER_UNKNOWN" || errs.ReasonOf(hidden[1].Err) != "CUSTOMER_UNKNOWN" {
		t.Errorf("another salesperson's customer: %v %v, its order: %v", err, hidden[0].Err, hidden[1].Err)
	}
}
