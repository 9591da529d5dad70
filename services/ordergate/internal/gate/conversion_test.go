package gate_test

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// Parts shipped and taken back in the order's own currency, whatever the rate and the currency's digits, add up to the whole: nothing is
// left reserved, and what is delivered is the converted amount.
func TestConvertedPartsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		own := rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(t, "currency")
		w := newWorld(t, policyCase{})
		w.policy.Conversion = check.Conversion{Kind: check.RateFrozen, Rates: map[check.Pair][]check.Rate{
			{From: own, To: "CNY"}: {{From: calendar.MustDate("2026-01-01"), Ratio: money.Ratio{Num: rapid.Int64Range(1, 30_000).Draw(t, "rate"), Den: 10_000}}},
		}}
		w.run(0, step{Do: "grant", Limit: "900000000", Term: 30})
		left := rapid.Int64Range(1, 100_000).Draw(t, "amount")
		total := left
		_, err := w.take(gate.Submit(w.env("SALESPERSON"), w.account, order.Order{ID: "O1", CustomerID: "C1", Currency: own, Amount: left, Terms: order.OpenAccount}))
		if err != nil {
			t.Fatal(err)
		}
		whole := w.orders["O1"].Amount
		for n := 0; left > 0; n++ {
			part := rapid.Int64Range(max(1, left/3), left).Draw(t, "part")
			m := money.New(part, own)
			c, err := gate.Ship(w.env("WAREHOUSE"), w.account, w.orders["O1"], "S"+strconv.Itoa(n), &m, false)
			if err == nil {
				_, err = w.take(c, nil)
			}
			if err != nil {
				if errs.ReasonOf(err) != "NOTHING_TO_SHIP" {
					t.Fatal(err)
				}
				return // the part is worth nothing in the account's currency
			}
			w.invariants(n)
			left = total - w.orders["O1"].Conversion.Shipped
		}
		if o := w.orders["O1"]; o.Reserved != 0 || o.Delivered != whole {
			t.Errorf("reserved %d, delivered %d; want 0, %d", o.Reserved, o.Delivered, whole)
		}
	})
}
