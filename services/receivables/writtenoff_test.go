package receivables_test

import (
	"fmt"
	"strings"
	"testing"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// What is written off is off the books and in sight: it is listed with what is not recovered, its limitation period goes on and
// is warned of, and a recovery starts it anew.
func TestWrittenOffIsStillClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	memos, documents := receivablesv1.NewCreditMemoServiceClient(w.conn), receivablesv1.NewDocumentServiceClient(w.conn)
	off := receivablesv1.NewWrittenOffServiceClient(w.conn)
	w.deliver(t, profile("C-1", "anna", 1))
	for _, id := range []string{"I-1", "I-2"} {
		w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C-1", Amount: cny("100"), DueDate: "2024-01-15"})
	}
	memo, err := memos.ProposeCreditMemo(w.by(t, "zhou", "CREDIT_MANAGER", "2024-09-01"), &receivablesv1.ProposeCreditMemoRequest{RequestId: "memo", CreditMemo: &receivablesv1.CreditMemo{
		CustomerId: "C-1", Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_WRITE_OFF, ReasonCode: "UNCOLLECTABLE", Text: "gone",
		Amount: cny("160"), Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I-1", Amount: cny("100")}, {InvoiceId: "I-2", Amount: cny("60")}}, DocumentId: "WO-1",
	}})
	must(t, err)
	_, err = memos.DecideCreditMemo(w.by(t, "fan", "FINANCE_MANAGER", "2024-09-02"), &receivablesv1.DecideCreditMemoRequest{
		RequestId: "approve", CreditMemoId: memo.GetCreditMemo().GetCreditMemoId(), Decision: "APPROVE",
	})
	must(t, err)
	list := func(date string, all bool) string {
		r, err := off.ListWrittenOffs(w.by(t, "anna", "SALESPERSON", date), &receivablesv1.ListWrittenOffsRequest{CustomerId: "C-1", All: all})
		must(t, err)
		var out []string
		for _, o := range r.GetWrittenOffs() {
			out = append(out, fmt.Sprintf("%s %s of %s %s", o.GetItemId(), o.GetAmount().GetAmount(), o.GetLeftAmount().GetAmount(), o.GetLastDate()))
		}
		return strings.Join(out, "; ")
	}
	equal(t, "in sight", list("2024-09-03", false), "I-1 100.00 of 160.00 2027-01-15; I-2 60.00 of 160.00 2027-01-15")
	equal(t, "the settled item still runs out", w.period(t, "I-1", "2024-09-03"), "RUNNING 2027-01-15")
	equal(t, "and is warned of", w.give(t, "2026-07-19"), "2 given, 0 late")
	recovers := func(id, amount string) {
		_, err := documents.PostDocument(w.by(t, "clerk", "FINANCE_CLERK", "2026-08-01"), &receivablesv1.PostDocumentRequest{RequestId: id, Document: &receivablesv1.Document{
			DocumentId: id, CustomerId: "C-1", Kind: receivablesv1.DocumentKind_DOCUMENT_KIND_RECOVERY, AboutDocumentId: "WO-1", Amount: cny(amount),
		}})
		must(t, err)
	}
	recovers("RC-1", "50")
	equal(t, "recovered in part", list("2026-08-02", false), "I-1 100.00 of 110.00 2029-08-01; I-2 60.00 of 110.00 2029-08-01")
	recovers("RC-2", "110")
	equal(t, "recovered", list("2026-08-02", false), "")
	equal(t, "with all", list("2026-08-02", true), "I-1 100.00 of 0.00 2029-08-01; I-2 60.00 of 0.00 2029-08-01")
	equal(t, "what is open of the other goes on", w.period(t, "I-2", "2026-08-02"), "RUNNING 2029-08-01")
	_, err = w.limits().GetLimitation(w.as(t, "COLLECTOR", "2026-08-02"), &receivablesv1.GetLimitationRequest{ItemId: "I-1"})
	if err == nil {
		t.Error("nothing is claimed of I-1 any more")
	}
}
