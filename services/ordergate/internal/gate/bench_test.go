package gate_test

import (
	"testing"
	"time"

	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// BenchmarkSubmit is the work in memory of one decision: rules, record, order, hash.
func BenchmarkSubmit(b *testing.B) {
	w := newWorld(b, policyCase{})
	w.run(0, step{Do: "grant", Limit: "9000000000.00", Term: 30})
	env, a := w.env("SALESPERSON"), w.account
	o := order.Order{ID: "O1", CustomerID: "C1", Currency: "CNY", Amount: 100, Terms: order.OpenAccount}
	b.ReportAllocs()
	for b.Loop() {
		c, err := gate.Submit(env, a, o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Seal(gate.Stamp{RequestID: "r", RecordedAt: time.Unix(0, 0), Today: w.today, Actor: "x"}); err != nil {
			b.Fatal(err)
		}
	}
}
