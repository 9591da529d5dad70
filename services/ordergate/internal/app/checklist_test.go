package app_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
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

// A question about an order that is there says what a change of it would get: it never competes with itself, and nothing is kept.
func TestAQuestionAboutAnOrderIsAboutAChangeOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.start()
	r.customer("C1", 10_000)
	r.customer("C2", 10_000)
	ctx, sales := t.Context(), person("sales")
	for _, o := range []order.Order{newOrder("O1", "C1", 6_000), newOrder("GONE", "C1", 1_000)} {
		if _, err := g.Submit(ctx, sales, request(o.ID), o); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Cancel(ctx, sales, request("cancel"), "GONE", ""); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		order         order.Order
		want          string
		before, after int64
	}{
		"as it is":              {newOrder("O1", "C1", 6_000), "APPROVE", 6_000, 6_000},
		"up to the limit":       {newOrder("O1", "C1", 10_000), "APPROVE", 6_000, 10_000},
		"beyond it":             {newOrder("O1", "C1", 10_001), "HOLD", 6_000, 10_001},
		"another beside it":     {newOrder("O2", "C1", 6_000), "HOLD", 6_000, 12_000},
		"one that has ended":    {newOrder("GONE", "C1", 1), "ORDER_CLOSED", 0, 0},
		"another one's number":  {newOrder("O1", "C2", 1), "ORDER_EXISTS", 0, 0},
		"for nobody who exists": {newOrder("O1", "nobody", 1), "CUSTOMER_UNKNOWN", 0, 0},
	} {
		a, err := g.Check(ctx, sales, c.order)
		got := errs.ReasonOf(err)
		if err == nil {
			got = string(a.Record.Result.Verdict)
			if res := a.Record.Result; res.ExposureBefore != c.before || res.ExposureAfter != c.after {
				t.Errorf("%s: exposure %d, then %d", name, res.ExposureBefore, res.ExposureAfter)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, c.want)
		}
	}
	if a, err := g.Check(ctx, sales, newOrder("O1", "C1", 10_001)); err != nil || a.Record.Input.Point != check.AtAmend {
		t.Errorf("checked at %v (%v)", a.Record, err)
	}
	stranger := app.Caller{Subject: "other", Sees: func(s string) bool { return s == "other" }}
	if _, err := g.Check(ctx, stranger, newOrder("O1", "C1", 1)); errs.ReasonOf(err) != "CUSTOMER_UNKNOWN" {
		t.Errorf("another salesperson's order: %v", err)
	}
	sheet, err := g.queries.Account(ctx, person("x"), "C1")
	if err != nil || sheet.Account.Buckets.Order != 6_000 || sheet.Account.Seq != 4 {
		t.Errorf("the questions left something behind: %+v %v", sheet.Account, err)
	}
}
