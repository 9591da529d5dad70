package app_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// lastTold is the newest position of a customer, and its number.
func (h *house) lastTold(t *testing.T, id string) position.Position {
	t.Helper()
	var body []byte
	must(t, h.pool.QueryRow(t.Context(), `SELECT payload FROM outbox WHERE stream = 'position' AND customer_id = $1 ORDER BY seq DESC LIMIT 1`, id).Scan(&body))
	var p position.Position
	must(t, json.Unmarshal(body, &p))
	return p
}

func (h *house) bill(t *testing.T, id, customer, minor, order string) invoice.Invoice {
	t.Helper()
	inv, err := h.PostInvoice(on(t, "2023-11-01"), h.request(), invoice.Draft{
		ID: id, CustomerID: customer, OrderID: order, DueDate: calendar.MustDate("2023-12-01"), Amount: amount(t, "USD", minor),
	})
	must(t, err)
	return inv
}

// Invariant 28: the account of a merged file goes on in the survivor's. Money of either pays what either owes, documents stay under the
// number that they were posted under and are taken back there, later ones are the survivor's, and the gate is told under one number.
func TestMergedAccountGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, id := range []string{"A", "B", "Z"} {
		h.customer(t, id, "USD")
	}
	h.bill(t, "I-A", "A", "100.00", "O-A")
	h.bill(t, "I-B", "B", "50.00", "O-B")
	_, err := h.PostInvoice(on(t, "2023-11-01"), h.request(), invoice.Draft{ID: "I-X", CustomerID: "B", DueDate: calendar.MustDate("2024-06-01"), Amount: amount(t, "USD", "40.00")})
	must(t, err)
	_, err = h.PostReceipt(on(t, "2023-12-20"), h.request(), receipt.Draft{ID: "R-B", CustomerID: "B", Amount: amount(t, "USD", "5.00")}, receipt.Order{Mode: receipt.ModeNone})
	must(t, err)
	_, err = h.PostVoucher(on(t, "2023-12-21"), h.request(), voucher.Draft{ID: "D-B", CustomerID: "B", Kind: ledger.KindDeposit, Amount: amount(t, "USD", "7.00")}, receipt.Order{})
	must(t, err)
	_, err = h.RecordPromise(on(t, "2023-12-22"), h.request(), promise.Draft{
		ID: "P-B", CustomerID: "B", ItemIDs: []string{"I-B"}, Parts: []promise.Part{{Date: calendar.MustDate("2024-01-10"), Amount: amount(t, "USD", "50.00")}},
	})
	must(t, err)
	last := h.lastTold(t, "B").Sequence
	h.mergeInto(t, "B", "A")

	p := h.lastTold(t, "A")
	if p.Receivable.String() != "190.00" || p.Unapplied.String() != "5.00" || p.Deposit == nil || p.Deposit.String() != "7.00" || len(p.Movements) != 0 ||
		len(p.Merged) != 1 || p.Merged[0] != (position.Merged{CustomerID: "B", LastSequence: last}) {
		t.Errorf("the gate is told %+v", p)
	}
	// Money that names the old number, or the new one, pays what is due first of both.
	r, err := h.PostReceipt(on(t, "2024-01-02"), h.request(), receipt.Draft{ID: "R-A", CustomerID: "B", Amount: amount(t, "USD", "120.00")}, receipt.Order{Mode: receipt.ModeOldestDueFirst})
	must(t, err)
	if r.CustomerID != "A" || len(r.Applications) != 2 || r.Applications[1].ItemID != "I-B" || r.Applications[1].Amount.String() != "20.00" {
		t.Errorf("%+v", r)
	}
	inv, err := h.Invoice(clerk(t), "I-B")
	must(t, err)
	if inv.CustomerID != "B" || inv.Open.String() != "30.00" {
		t.Errorf("the invoice stands under the number that it was posted under: %+v", inv)
	}
	if p := h.lastTold(t, "A"); p.Receivable.String() != "70.00" || h.lastTold(t, "B").Sequence != last {
		t.Errorf("after the payment: %+v", p)
	}
	if got, err := h.Promise(on(t, "2024-01-05"), "P-B"); err != nil || got.Received.String() != "20.00" {
		t.Errorf("what came for the promise: %+v %v", got, err)
	}
	list, _, err := h.Promises(clerk(t), app.CollectionQuery{CustomerID: "A", Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("promises of the survivor: %+v %v", list, err)
	}
	st, err := h.Statement(clerk(t), ledger.Statement{CustomerID: "A", AsOf: calendar.MustDate("2024-01-02")})
	if err != nil || st.Balance().String() != "65.00" || st.Open.String() != "70.00" {
		t.Errorf("the account of both: %+v %v", st, err)
	}

	// Taken back: the receipt, and then the invoice, each where it was posted.
	_, err = h.ReverseReceipt(on(t, "2024-01-03"), h.request(), "R-A", "bounced")
	must(t, err)
	_, err = h.ReverseInvoice(on(t, "2024-01-04"), h.request(), "I-X", "wrong price")
	must(t, err)
	_, err = h.ReverseReceipt(on(t, "2024-01-04"), h.request(), "R-B", "not ours")
	must(t, err)
	_, err = h.PostVoucher(on(t, "2024-01-04"), h.request(), voucher.Draft{ID: "D-B/1", CustomerID: "A", Kind: ledger.KindDepositUse, About: "D-B", Amount: amount(t, "USD", "3.00")}, receipt.Order{Mode: receipt.ModeOldestDueFirst})
	must(t, err)
	if p := h.lastTold(t, "A"); p.Receivable.String() != "147.00" || p.Unapplied.String() != "0.00" || p.Deposit.String() != "4.00" {
		t.Errorf("after all was taken back: %+v", p)
	}
	// What names the old number later is the survivor's, also among many.
	if inv := h.bill(t, "I-C", "B", "1.00", ""); inv.CustomerID != "A" {
		t.Errorf("an invoice that names the old number is %s's", inv.CustomerID)
	}
	_, err = h.PostInvoices(on(t, "2023-11-01"), h.request(), []invoice.Draft{
		{ID: "I-D", CustomerID: "B", Amount: amount(t, "USD", "2.00")}, {ID: "I-E", CustomerID: "A", Amount: amount(t, "USD", "3.00")}, {ID: "I-Z", CustomerID: "Z", Amount: amount(t, "USD", "4.00")},
	})
	must(t, err)
	if p := h.lastTold(t, "A"); p.Receivable.String() != "153.00" || h.lastTold(t, "B").Sequence != last {
		t.Errorf("after more invoices: %+v", p)
	}
	// On through another merge.
	h.mergeInto(t, "A", "Z")
	if p := h.lastTold(t, "Z"); p.Receivable.String() != "157.00" || len(p.Merged) != 2 {
		t.Errorf("the gate is told %+v", p)
	}
	if inv := h.bill(t, "I-F", "B", "1.00", ""); inv.CustomerID != "Z" {
		t.Errorf("an invoice that names the first number is %s's", inv.CustomerID)
	}
	_, err = h.PostReceipt(on(t, "2024-01-05"), h.request(), receipt.Draft{ID: "R-Z", CustomerID: "Z", Amount: amount(t, "USD", "158.00")}, receipt.Order{Mode: receipt.ModeOldestDueFirst})
	must(t, err)
	if p := h.lastTold(t, "Z"); !p.Receivable.IsZero() || !p.Unapplied.IsZero() {
		t.Errorf("after all was paid: %+v", p)
	}
	sound(t, h)
}

// Accounts in two currencies stay apart: each is told of, posted to and paid under its own number.
func TestMergedAccountsInTwoCurrenciesStayApart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "A", "USD")
	h.customer(t, "E", "EUR")
	h.bill(t, "I-A", "A", "100.00", "")
	_, err := h.PostInvoice(on(t, "2023-11-01"), h.request(), invoice.Draft{ID: "I-E", CustomerID: "E", Amount: amount(t, "EUR", "8.00")})
	must(t, err)
	h.mergeInto(t, "E", "A")
	if p := h.lastTold(t, "A"); p.Receivable.String() != "100.00" || len(p.Merged) != 0 {
		t.Errorf("the gate is told %+v", p)
	}
	_, err = h.PostReceipt(on(t, "2024-01-02"), h.request(), receipt.Draft{ID: "R-E", CustomerID: "E", Amount: amount(t, "EUR", "8.00")}, receipt.Order{Mode: receipt.ModeOldestDueFirst})
	must(t, err)
	if p := h.lastTold(t, "E"); !p.Receivable.IsZero() {
		t.Errorf("the other account: %+v", p)
	}
	sound(t, h)
}

// Both accounts are written to while they are merged: nothing is lost or doubled, and after it nothing is told under the old number.
func TestMergeWhileBothAreWrittenTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, id := range []string{"A", "B"} {
		h.customer(t, id, "USD")
		h.bill(t, "I-"+id, id, "10.00", "")
	}
	var wg sync.WaitGroup
	wg.Go(func() { h.mergeInto(t, "B", "A") })
	all(func(i int) {
		id := []string{"A", "B"}[i%2]
		_, err := h.PostInvoice(on(t, "2023-11-01"), h.request(), invoice.Draft{ID: fmt.Sprintf("J-%d", i), CustomerID: id, Amount: money.New(100, "USD")})
		if err != nil {
			t.Errorf("invoice: %v", err)
		}
		_, err = h.PostReceipt(on(t, "2023-11-01"), h.request(), receipt.Draft{ID: fmt.Sprintf("K-%d", i), CustomerID: id, Amount: money.New(50, "USD")}, receipt.Order{Mode: receipt.ModeOldestDueFirst})
		if err != nil {
			t.Errorf("receipt: %v", err)
		}
	})
	wg.Wait()
	if p := h.lastTold(t, "A"); p.Receivable.Minor-p.Unapplied.Minor != 2000+racers*50 || len(p.Merged) != 1 || p.Merged[0].LastSequence != h.lastTold(t, "B").Sequence {
		t.Errorf("the gate is told %+v", p)
	}
	sound(t, h)
}
