package receivables_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// told waits for so many violations at evaluation, and returns them.
func (w *world) told(t *testing.T, n int) []*evaluationv1.Violation {
	t.Helper()
	var got []*evaluationv1.Violation
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		w.set(func() { got = w.violations })
		if len(got) >= n {
			break
		}
	}
	if len(got) != n {
		t.Fatalf("%d violations at evaluation, want %d: %v", len(got), n, got)
	}
	return got
}

// aroundProcedure: who may do a thing, but not alone, is in the list when they try; what is only wrong is not.
func (w *world) aroundProcedure(t *testing.T) {
	t.Helper()
	documents := receivablesv1.NewDocumentServiceClient(w.conn)
	w.pay(t, "2024-01-03", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("130")})
	refund := &receivablesv1.PostDocumentRequest{RequestId: "to my brother", Document: &receivablesv1.Document{
		DocumentId: "RF-1", CustomerId: "C-1", Kind: receivablesv1.DocumentKind_DOCUMENT_KIND_REFUND, Amount: cny("30"), AboutDocumentId: "R-1",
	}}
	clerk := w.by(t, "carl", "FINANCE_CLERK", "2024-01-03")
	for range 2 {
		_, err := documents.PostDocument(clerk, refund)
		want(t, err, errs.FailedPrecondition, "CREDIT_MEMO_REQUIRED")
	}
	_, err := w.receipts.ApplyReceipt(clerk, &receivablesv1.ApplyReceiptRequest{RequestId: "typing", ReceiptId: "R-1", Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I-9"}}})
	want(t, err, errs.NotFound, "INVOICE_UNKNOWN")
	v := w.told(t, 2)[1]
	if v.GetSubject() != "carl" || v.GetAct() != "DocumentService.PostDocument" || v.GetReasonCode() != "CREDIT_MEMO_REQUIRED" || v.GetCustomerId() != "C-1" ||
		v.GetObjectId() != "RF-1" || v.GetSupervisorRoles()[0] != "FINANCE_MANAGER" {
		t.Errorf("%v", v)
	}
}

// Invariant: who goes around procedure is refused, and that is in the list of all phases, with the evidence and who looks into
// it; what was altered is too, once it is found (S2.9).
func TestViolationsReachTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100")})
	reverse := func() error {
		_, err := w.invoices.ReverseInvoice(w.by(t, "anna", "SALESPERSON", "2024-01-03"), &receivablesv1.ReverseInvoiceRequest{RequestId: "away with it", InvoiceId: "I-1", Reason: "hide it"})
		return err
	}
	want(t, reverse(), errs.PermissionDenied, "ROLE_REQUIRED")
	want(t, reverse(), errs.PermissionDenied, "ROLE_REQUIRED") // the same attempt
	_, err := w.duties().CheckClearance(w.by(t, "ben", "SALESPERSON", "2024-01-03"), &receivablesv1.CheckClearanceRequest{Person: "anna"})
	want(t, err, errs.PermissionDenied, "NOT_A_SIDE") // only read
	v := w.told(t, 1)[0]
	w.aroundProcedure(t)
	if v.GetSubject() != "anna" || v.GetAct() != "InvoiceService.ReverseInvoice" || v.GetObjectKind() != "invoice" || v.GetObjectId() != "I-1" ||
		!strings.Contains(v.GetEvidence(), "hide it") || v.GetSupervisorRoles()[0] != "SALES_SUPERVISOR" || v.GetBusinessDate() != "2024-01-03" {
		t.Errorf("%v", v)
	}
	_, err = w.pool.Exec(t.Context(), `ALTER TABLE ledger_entries DISABLE TRIGGER USER; UPDATE ledger_entries SET text = 'other' WHERE sequence = 1`)
	must(t, err)
	for range 2 {
		r, err := w.ops.VerifyChains(w.as(t, "OPERATOR", "2024-01-04"), &receivablesv1.VerifyChainsRequest{})
		must(t, err)
		if len(r.GetBreaks()) == 0 {
			t.Fatal("the alteration was not found")
		}
	}
	v = w.told(t, 3)[2]
	if v.GetKind() != evaluationv1.ViolationKind_VIOLATION_KIND_ALTERATION || !strings.HasPrefix(v.GetObjectId(), "ledger/C-1#") || v.GetSubject() != "unknown" {
		t.Errorf("%v", v)
	}
}
