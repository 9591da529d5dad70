package receivables_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// Invariants 7 and 9: the gate knows before the caller has its answer, a settlement
// comes after the position, and a repeated request has no second effect.
func TestFromInvoiceToSettlement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func() { w.profiles["C-1"] = profile("C-1", "S-1", 3) })
	inv := w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", OrderId: "O-1", Amount: cny("100.00"), TermDays: proto.Int32(10)})
	equal(t, "due", inv.GetDueDate(), "2024-01-11")
	equal(t, "salesperson", inv.GetSalespersonId(), "S-1")
	w.set(func() {
		p := w.positions["C-1"][0]
		equal(t, "receivable", p.GetReceivable().GetAmount(), "100.00")
		equal(t, "ladder", p.GetLadder()[0].GetDueDate(), "2024-01-11")
		equal(t, "movement", p.GetMovements()[0].GetOrderId()+" "+p.GetMovements()[0].GetAmount().GetAmount(), "O-1 100.00")
		equal(t, "date", p.GetBusinessDate(), "2024-01-01")
		equal(t, "evaluation asked", w.asked, 1)
	})
	first := w.pay(t, "2024-01-15", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("130")})
	again := w.pay(t, "2024-01-16", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("130")})
	if !proto.Equal(first, again) {
		t.Errorf("repeated request: %v, first %v", again, first)
	}
	equal(t, "unapplied", first.GetUnappliedAmount().GetAmount(), "30.00")
	w.set(func() {
		equal(t, "positions", len(w.positions["C-1"]), 2)
		if !slices.Equal(w.order, []string{"position", "position", "settlement"}) {
			t.Errorf("came in the order %v", w.order)
		}
		s := w.settlements["C-1"][0]
		equal(t, "settlement", s.GetInvoiceId()+" "+s.GetBusinessDate()+" "+s.GetDueDate(), "I-1 2024-01-15 2024-01-11")
	})
	_, err := w.receipts.PostReceipt(w.as(t, "ERP", "2024-01-16"), &receivablesv1.PostReceiptRequest{
		RequestId: "pay R-1", Receipt: &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("131")},
	})
	want(t, err, errs.AlreadyExists, "REQUEST_ID_REUSED")
	w.reversed(t)
}

// reversed takes back the receipt, then the invoice, of the story above.
func (w *world) reversed(t *testing.T) {
	t.Helper()
	ctx := w.as(t, "FINANCE_MANAGER", "2024-01-20")
	r, err := w.receipts.ReverseReceipt(ctx, &receivablesv1.ReverseReceiptRequest{RequestId: "back R-1", ReceiptId: "R-1", Reason: "returned"})
	must(t, err)
	equal(t, "reversed", r.GetReceipt().GetReversed(), true)
	cancel := &receivablesv1.ReverseInvoiceRequest{RequestId: "back I-1", InvoiceId: "I-1", Reason: "wrong"}
	_, err = w.invoices.ReverseInvoice(ctx, cancel)
	want(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = w.invoices.ReverseInvoice(w.as(t, "ERP", "2024-01-20"), cancel) // money had been applied to it
	want(t, err, errs.FailedPrecondition, "CREDIT_MEMO_REQUIRED")
	w.takeBack(t, "C-1", "I-1", "2024-01-20")
	i, err := w.invoices.GetInvoice(ctx, &receivablesv1.GetInvoiceRequest{InvoiceId: "I-1"})
	must(t, err)
	equal(t, "state", i.GetInvoice().GetState(), receivablesv1.InvoiceState_INVOICE_STATE_REVERSED)
	w.set(func() {
		p := w.positions["C-1"]
		equal(t, "receivable after the return", p[2].GetReceivable().GetAmount(), "100.00")
		equal(t, "unapplied after the return", p[2].GetUnapplied().GetAmount(), "0.00")
		equal(t, "movement back", p[3].GetMovements()[0].GetAmount().GetAmount(), "-100.00")
		equal(t, "cause", p[3].GetCause(), "credit memo CM-000001")
	})
	l, err := w.ledger.GetLedger(w.as(t, "AUDITOR", ""), &receivablesv1.GetLedgerRequest{CustomerId: "C-1"})
	must(t, err)
	var got []string
	for _, e := range l.GetEntries() {
		got = append(got, e.GetEntryDate()+" "+e.GetAmount().GetAmount()+" "+e.GetBalance().GetAmount())
	}
	if !slices.Equal(got, []string{
		"2024-01-01 100.00 100.00", "2024-01-15 -130.00 -30.00", "2024-01-20 130.00 100.00", "2024-01-20 -100.00 0.00",
	}) {
		t.Errorf("ledger %q", got)
	}
	equal(t, "reverses", l.GetEntries()[2].GetReversesSequence(), 2)
	l, err = w.ledger.GetLedger(w.as(t, "AUDITOR", ""), &receivablesv1.GetLedgerRequest{CustomerId: "C-1", ToDate: "2024-01-15"})
	must(t, err)
	equal(t, "entries to a day", len(l.GetEntries()), 2)
	equal(t, "balance on a day", l.GetBalances()[0].GetAmount(), "-30.00")
	v, err := w.ops.VerifyChains(w.as(t, "OPERATOR", ""), &receivablesv1.VerifyChainsRequest{})
	must(t, err)
	if len(v.GetBreaks()) > 0 || v.GetChains() < 4 || v.GetEntries() < 10 {
		t.Errorf("verification %v", v)
	}
}

// takeBack has a document taken back by a credit memo of two people.
func (w *world) takeBack(t *testing.T, customer, id, date string) {
	t.Helper()
	memos := receivablesv1.NewCreditMemoServiceClient(w.conn)
	m, err := memos.ProposeCreditMemo(w.as(t, "FINANCE_CLERK", date), &receivablesv1.ProposeCreditMemoRequest{RequestId: "take back " + id, CreditMemo: &receivablesv1.CreditMemo{
		CustomerId: customer, Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_REVERSAL, ReasonCode: "CANCELLED", Text: "wrong", ReversedDocumentId: id,
	}})
	must(t, err)
	_, err = memos.DecideCreditMemo(w.as(t, "FINANCE_MANAGER", date), &receivablesv1.DecideCreditMemoRequest{
		RequestId: "so be it " + id, CreditMemoId: m.GetCreditMemo().GetCreditMemoId(), Decision: "APPROVE",
	})
	must(t, err)
}

// Invariant 7: while the gate is down calls succeed, and it gets everything in order later.
func TestGateDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "", 1))
	w.set(func() { w.down = true })
	for _, id := range []string{"I-1", "I-2", "I-3"} {
		w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C-1", Amount: cny("1")})
	}
	d, err := w.ops.GetDelivery(w.as(t, "OPERATOR", ""), &receivablesv1.GetDeliveryRequest{})
	must(t, err)
	equal(t, "waiting", d.GetStreams()[0].GetStream()+" 3", "position 3")
	equal(t, "pending", d.GetStreams()[0].GetPending(), 3)
	w.set(func() { w.down = false })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.service.Run(ctx) }()
	deadline := time.Now().Add(20 * time.Second)
	for arrived := 0; arrived < 3 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		w.set(func() { arrived = len(w.positions["C-1"]) })
	}
	stop()
	must(t, <-done)
	w.set(func() {
		equal(t, "positions", len(w.positions["C-1"]), 3)
		equal(t, "newest", w.positions["C-1"][2].GetReceivable().GetAmount(), "3.00")
	})
}

// Invariant 10: customers go forward only, one step at a time.
func TestCustomersComeInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(t, authn.RoleService, "")
	_, err := w.feed.ApplyCustomers(ctx, &receivablesv1.ApplyCustomersRequest{Profiles: []*evaluationv1.CreditProfile{profile("C-1", "S-1", 2)}})
	e := refusal(t, err, errs.FailedPrecondition, "SEQUENCE_GAP")
	equal(t, "expected", e.Meta["expected"], "1")
	resp, err := w.feed.ApplyCustomers(ctx, &receivablesv1.ApplyCustomersRequest{
		Profiles: []*evaluationv1.CreditProfile{profile("C-1", "S-1", 1), profile("C-1", "S-2", 2)},
	})
	must(t, err)
	equal(t, "last", resp.GetLastSequence(), 2)
	w.deliver(t, profile("C-1", "S-9", 1))
	inv := w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("1")})
	equal(t, "salesperson", inv.GetSalespersonId(), "S-2")
	_, err = w.feed.ApplyCustomers(ctx, &receivablesv1.ApplyCustomersRequest{
		Profiles: []*evaluationv1.CreditProfile{profile("C-1", "S-1", 3), profile("C-2", "S-2", 1)},
	})
	want(t, err, errs.Invalid, "INVALID_FIELD")
}

func TestPaymentRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "", 1))
	for id, amount := range map[string]string{"I-1": "100", "I-2": "50", "I-3": "25"} {
		w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C-1", Amount: cny(amount), TermDays: proto.Int32(10)})
	}
	for id, date := range map[string]string{"I-1": "2024-01-11", "I-2": "2024-01-15"} {
		_, err := w.receipts.PostReceipt(w.as(t, "ERP", date), &receivablesv1.PostReceiptRequest{
			RequestId: "pay " + id, Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: id}},
			Receipt: &receivablesv1.Receipt{ReceiptId: "R" + id, CustomerId: "C-1", Amount: cny("100")},
		})
		must(t, err)
	}
	ctx := w.as(t, authn.RoleService, "")
	resp, err := w.feed.GetPaymentRecord(ctx, &receivablesv1.GetPaymentRecordRequest{CustomerId: "C-1", AsOfDate: "2024-01-20", WindowStartDate: "2024-01-01"})
	must(t, err)
	r := resp.GetRecord()
	equal(t, "fallen due", r.GetFallenDue().GetAmount(), "175.00")
	equal(t, "collected", r.GetCollected().GetAmount(), "150.00")
	equal(t, "on time", r.GetCollectedOnTime().GetAmount(), "100.00")
	equal(t, "settled", r.GetSettledItems(), 2)
	equal(t, "late", r.GetLateItems(), 1)
	equal(t, "late amount x days", r.GetLateAmountDays(), "20000")
	equal(t, "longest", r.GetLongestDaysLate(), 9)
	equal(t, "oldest overdue", r.GetOldestOverdueDays(), 9)
	equal(t, "open", r.GetOpenAmount().GetAmount(), "25.00")
	equal(t, "first", r.GetFirstInvoiceDate(), "2024-01-01")
	equal(t, "amounts", len(r.GetInvoiceAmounts()), 3)
	equal(t, "smallest", r.GetInvoiceAmounts()[0].GetAmount(), "25.00")
	resp, err = w.feed.GetPaymentRecord(ctx, &receivablesv1.GetPaymentRecordRequest{CustomerId: "C-1", AsOfDate: "2024-04-11"})
	must(t, err)
	equal(t, "defaults after 91 days", resp.GetRecord().GetDefaults(), 1)
	_, err = w.feed.GetPaymentRecord(ctx, &receivablesv1.GetPaymentRecordRequest{CustomerId: "C-9"})
	want(t, err, errs.NotFound, "CUSTOMER_UNKNOWN")
}

// Invariant 12: an account keeps the currency of its first posting, whatever the file says later.
func TestAccountKeepsItsCurrency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "", 1))
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("1")})
	moved := profile("C-1", "", 2)
	moved.CurrencyCode = "USD"
	w.deliver(t, moved)
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("1")})
	_, err := w.invoices.PostInvoice(w.as(t, "ERP", ""), &receivablesv1.PostInvoiceRequest{
		RequestId: "x", Invoice: &receivablesv1.Invoice{InvoiceId: "I-3", CustomerId: "C-1", Amount: &typev1.Money{CurrencyCode: "USD", Amount: "1"}},
	})
	want(t, err, errs.Invalid, "CURRENCY_MISMATCH")
	resp, err := w.feed.GetPaymentRecord(w.as(t, authn.RoleService, ""), &receivablesv1.GetPaymentRecordRequest{CustomerId: "C-1"})
	must(t, err)
	equal(t, "currency of the record", resp.GetRecord().GetCurrencyCode(), "CNY")
}
