package receivables_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (w *world) duties() receivablesv1.ResponsibilityServiceClient {
	return receivablesv1.NewResponsibilityServiceClient(w.conn)
}

func (w *world) confirmHandOver(t *testing.T, subject, role, id, behalf string) error {
	t.Helper()
	_, err := w.duties().ConfirmHandOver(w.by(t, subject, role, "2024-03-02"), &receivablesv1.ConfirmHandOverRequest{
		RequestId: "confirm " + id + " " + subject, HandOverId: id, OnBehalfReason: behalf,
	})
	return err
}

func (w *world) clear(t *testing.T, person, request string) (*receivablesv1.Clearance, error) {
	t.Helper()
	r, err := w.duties().ClearPerson(w.as(t, "FINANCE_MANAGER", "2024-03-03"), &receivablesv1.ClearPersonRequest{RequestId: request, Person: person})
	return r.GetClearance(), err
}

// Invariant: a person responsible for open receivables is cleared only after both sides have confirmed that they are handed
// over, and takes nothing over afterwards (S2.7, S2.8).
func TestClearanceWaitsForTheHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1), profile("C-2", "ben", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100")})
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("50")})
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-3", CustomerId: "C-2", Amount: cny("7")})
	// Nobody of that name ever had a customer, an item or a hand-over, or did anything: it is mistyped.
	_, err := w.clear(t, "hannah", "typing")
	if e := refusal(t, err, errs.NotFound, "PERSON_UNKNOWN"); !names(e, "person") {
		t.Error(e)
	}
	_, err = w.duties().CheckClearance(w.as(t, "AUDITOR", "2024-03-01"), &receivablesv1.CheckClearanceRequest{Person: "hannah"})
	want(t, err, errs.NotFound, "PERSON_UNKNOWN")
	_, err = w.clear(t, "anna", "early")
	e := refusal(t, err, errs.FailedPrecondition, "NOT_CLEARED")
	equal(t, "open items", e.Meta["open_items"], "2")
	check, err := w.duties().CheckClearance(w.by(t, "anna", "SALESPERSON", "2024-03-01"), &receivablesv1.CheckClearanceRequest{Person: "anna"})
	must(t, err)
	c := check.GetClearance()
	if c.GetClear() || c.GetOpenItems() != 2 || c.GetOpenAmounts()[0].GetAmount() != "150.00" || len(c.GetItems()) != 2 || c.GetCustomerIds()[0] != "C-1" {
		t.Errorf("left to anna: %v", c)
	}
	_, err = w.duties().CheckClearance(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.CheckClearanceRequest{Person: "anna"})
	want(t, err, errs.PermissionDenied, "NOT_A_SIDE")
	propose := func(subject, role, id string, h *receivablesv1.HandOver) error {
		h.HandOverId, h.Reason = id, "leaves"
		_, err := w.duties().ProposeHandOver(w.by(t, subject, role, "2024-03-01"), &receivablesv1.ProposeHandOverRequest{RequestId: "propose " + id + subject + role, HandOver: h})
		return err
	}
	want(t, propose("carl", "SALESPERSON", "H-0", &receivablesv1.HandOver{FromPerson: "anna", ToPerson: "ben", Everything: true}), errs.PermissionDenied, "NOT_A_SIDE")
	must(t, propose("anna", "SALESPERSON", "H-1", &receivablesv1.HandOver{FromPerson: "anna", ToPerson: "ben", CustomerIds: []string{"C-1", "C-2"}}))
	want(t, propose("anna", "SALES_MANAGER", "H-1", &receivablesv1.HandOver{FromPerson: "anna", ToPerson: "ben", Everything: true}), errs.AlreadyExists, "HAND_OVER_EXISTS")
	must(t, w.confirmHandOver(t, "anna", "SALESPERSON", "H-1", ""))
	want(t, w.confirmHandOver(t, "carl", "SALESPERSON", "H-1", ""), errs.PermissionDenied, "NOT_A_SIDE")
	// The customer is given to another salesperson in its file; the items stay anna's until the taker confirms.
	w.deliver(t, profile("C-1", "ben", 2))
	_, err = w.clear(t, "anna", "waiting")
	e = refusal(t, err, errs.FailedPrecondition, "NOT_CLEARED")
	equal(t, "left", e.Meta["open_items"]+e.Meta["customers"]+e.Meta["hand_overs"], "201")
	w.pay(t, "2024-03-02", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("100")})
	must(t, w.confirmHandOver(t, "ben", "SALESPERSON", "H-1", ""))
	h, err := w.duties().GetHandOver(w.as(t, "AUDITOR", ""), &receivablesv1.GetHandOverRequest{HandOverId: "H-1"})
	must(t, err)
	if got := h.GetHandOver(); got.GetItemCount() != 1 || got.GetItems()[0].GetItemId() != "I-2" || got.GetItems()[0].GetResponsible() != "anna" || got.GetItems()[0].GetOpenAmount().GetAmount() != "50.00" {
		t.Errorf("handed over: %v", got)
	}
	list, err := w.duties().ListResponsibilities(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.ListResponsibilitiesRequest{})
	must(t, err)
	if items := list.GetItems(); len(items) != 2 || items[0].GetHandOverId() != "H-1" || items[1].GetItemId() != "I-3" {
		t.Errorf("ben's: %v", items)
	}
	cleared, err := w.clear(t, "anna", "now")
	must(t, err)
	if cleared.GetClearanceId() != "CL-000001" || cleared.GetClearedBy() != "FINANCE_MANAGER" || !cleared.GetClear() {
		t.Errorf("cleared: %v", cleared)
	}
	again, err := w.clear(t, "anna", "now")
	must(t, err)
	equal(t, "the same request", again.GetClearanceId(), "CL-000001")
	_, err = w.clear(t, "anna", "again")
	want(t, err, errs.FailedPrecondition, "PERSON_CLEARED")
	want(t, propose("ben", "SALESPERSON", "H-2", &receivablesv1.HandOver{FromPerson: "ben", ToPerson: "anna", Everything: true}), errs.FailedPrecondition, "PERSON_CLEARED")
	v, err := w.ops.VerifyChains(w.as(t, "OPERATOR", ""), &receivablesv1.VerifyChainsRequest{})
	must(t, err)
	if len(v.GetBreaks()) > 0 {
		t.Errorf("verification %v", v.GetBreaks())
	}
}

// The sales director confirms for a giver who cannot, with the reason; a side may decline, and then it is over.
func TestHandOverWithoutTheGiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100")})
	for _, id := range []string{"H-1", "H-2"} {
		_, err := w.duties().ProposeHandOver(w.as(t, "SALES_MANAGER", "2024-03-01"), &receivablesv1.ProposeHandOverRequest{
			RequestId: id, HandOver: &receivablesv1.HandOver{HandOverId: id, FromPerson: "anna", ToPerson: "ben", ItemIds: []string{"I-1"}, Reason: "ill"},
		})
		must(t, err)
	}
	want(t, w.confirmHandOver(t, "director", "SALES_DIRECTOR", "H-1", ""), errs.Invalid, errs.ReasonInvalidField)
	_, err := w.duties().ConfirmHandOver(w.by(t, "director", "SALES_DIRECTOR", "2024-03-02"), &receivablesv1.ConfirmHandOverRequest{RequestId: "d", HandOverId: "H-1", OnBehalfReason: "in hospital"})
	must(t, err)
	must(t, w.confirmHandOver(t, "ben", "SALESPERSON", "H-1", ""))
	_, err = w.duties().DeclineHandOver(w.by(t, "ben", "SALESPERSON", "2024-03-02"), &receivablesv1.DeclineHandOverRequest{RequestId: "no", HandOverId: "H-2", Reason: "have it"})
	must(t, err)
	want(t, w.confirmHandOver(t, "ben", "SALESPERSON", "H-2", ""), errs.FailedPrecondition, "HAND_OVER_CLOSED")
	list, err := w.duties().ListHandOvers(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.ListHandOversRequest{PageSize: 1})
	must(t, err)
	if l := list.GetHandOvers(); len(l) != 1 || l[0].GetHandOverId() != "H-2" || list.GetNextPageToken() == "" {
		t.Errorf("ben's hand-overs: %v", list)
	}
	list, err = w.duties().ListHandOvers(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.ListHandOversRequest{PageSize: 1, PageToken: list.GetNextPageToken()})
	must(t, err)
	if l := list.GetHandOvers(); len(l) != 1 || l[0].GetGivenReason() != "in hospital" || l[0].GetState() != receivablesv1.HandOverState_HAND_OVER_STATE_DONE {
		t.Errorf("the next page: %v", list)
	}
	other, err := w.duties().ListHandOvers(w.by(t, "carl", "SALESPERSON", ""), &receivablesv1.ListHandOversRequest{})
	must(t, err)
	equal(t, "another's", len(other.GetHandOvers()), 0)
	_, err = w.duties().GetHandOver(w.by(t, "carl", "SALESPERSON", ""), &receivablesv1.GetHandOverRequest{HandOverId: "H-1"})
	want(t, err, errs.NotFound, "HAND_OVER_UNKNOWN")
}

// Who once had a customer and nothing else, who was named for an item, and who only ever did something are known, and cleared.
func TestWhoIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.deliver(t, profile("C-1", "ben", 2)) // anna's is gone without a trace of her but this
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100"), SalespersonId: "carl"})
	w.pay(t, "2024-01-03", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("100")})
	for _, person := range []string{"anna", "carl", "ERP"} {
		_, err := w.clear(t, person, "clear "+person)
		must(t, err)
	}
	_, err := w.clear(t, "dora", "clear dora")
	want(t, err, errs.NotFound, "PERSON_UNKNOWN")
}
