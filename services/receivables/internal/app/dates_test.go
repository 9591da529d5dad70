package app_test

import (
	"testing"

	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// TestSettlementIsNeverOfADayToCome: money dated ahead settles the invoice when it is posted; evaluation rates with the
// facts of that day, or a mistyped year would decide about the customer until then.
func TestSettlementIsNeverOfADayToCome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ receipt, want string }{
		"dated ahead": {"2024-09-01", "2024-03-01"},
		"today":       {"2024-03-01", "2024-03-01"},
		"before":      {"2024-02-20", "2024-02-20"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.customer(t, "C", "CNY")
			_, err := h.PostInvoice(on(t, "2024-02-01"), h.request(), invoice.Draft{ID: "I", CustomerID: "C", Amount: amount(t, "CNY", "100")})
			must(t, err)
			_, err = h.PostReceipt(on(t, "2024-03-01"), h.request(), receipt.Draft{
				ID: "R", CustomerID: "C", Date: dateOf(c.receipt), Amount: amount(t, "CNY", "100"),
			}, receipt.Order{})
			must(t, err)
			var got string
			must(t, h.pool.QueryRow(t.Context(),
				`SELECT convert_from(payload, 'UTF8')::json ->> 'date' FROM outbox WHERE stream = 'settlement'`).Scan(&got))
			if got != c.want {
				t.Errorf("settled on %s, want %s", got, c.want)
			}
			_, err = h.PostReceipt(on(t, "2024-03-01"), h.request(), receipt.Draft{
				ID: "R-2", CustomerID: "C", Date: dateOf("2062-03-01"), Amount: amount(t, "CNY", "1"),
			}, receipt.Order{})
			wantReason(t, err, "INVALID_FIELD")
		})
	}
}
