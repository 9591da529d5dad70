package receivables_test

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// A plan is approved by others, signed by the customer, which restarts the limitation period, and judged by the money.
func TestRestructuringFromProposalToBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plans := receivablesv1.NewRestructuringServiceClient(w.conn)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("300"), DueDate: "2024-02-01"})
	propose := func(id string) error {
		_, err := plans.ProposeRestructuring(w.by(t, "col", "COLLECTOR", "2024-06-01"), &receivablesv1.ProposeRestructuringRequest{
			RequestId: id, Restructuring: &receivablesv1.Restructuring{
				RestructuringId: id, CustomerId: "C-1", ItemIds: []string{"I-1"}, Reason: "cannot pay at once",
				Instalments: []*receivablesv1.RestructuringInstalment{{DueDate: "2024-07-01", Amount: cny("100")}, {DueDate: "2024-08-01", Amount: cny("150")}},
			},
		})
		return err
	}
	must(t, propose("P-1"))
	want(t, propose("P-2"), errs.FailedPrecondition, "ITEM_IN_PLAN")
	decide := func(subject, role string) error {
		_, err := plans.DecideRestructuring(w.by(t, subject, role, "2024-06-02"), &receivablesv1.DecideRestructuringRequest{RequestId: "d" + subject + role, RestructuringId: "P-1", Decision: "APPROVE"})
		return err
	}
	sign := func(request string) error {
		_, err := plans.SignRestructuring(w.by(t, "col", "COLLECTOR", "2024-06-05"), &receivablesv1.SignRestructuringRequest{RequestId: request, RestructuringId: "P-1", SignDate: "2024-06-04", Evidence: "contract 7"})
		return err
	}
	want(t, sign("early"), errs.FailedPrecondition, "RESTRUCTURING_NOT_APPROVED")
	want(t, decide("col", "FINANCE_MANAGER"), errs.PermissionDenied, "SAME_PERSON")
	want(t, decide("wu", "CREDIT_MANAGER"), errs.PermissionDenied, "NOT_YOUR_STEP")
	must(t, decide("wu", "FINANCE_MANAGER"))
	must(t, sign("now"))
	equal(t, "acknowledged", w.period(t, "I-1", "2024-06-05"), "RUNNING 2027-06-04")
	stands := func(date string) string {
		r, err := plans.GetRestructuring(w.as(t, "AUDITOR", date), &receivablesv1.GetRestructuringRequest{RestructuringId: "P-1"})
		must(t, err)
		p := r.GetRestructuring()
		out := []string{strings.TrimPrefix(p.GetState().String(), "RESTRUCTURING_STATE_"), p.GetWaivedAmount().GetAmount(), p.GetReceivedAmount().GetAmount()}
		for _, i := range p.GetInstalments() {
			out = append(out, strings.TrimPrefix(i.GetState().String(), "RESTRUCTURING_INSTALMENT_STATE_"))
		}
		return strings.Join(out, " ")
	}
	equal(t, "signed", stands("2024-06-05"), "SIGNED 50.00 0.00 OPEN OPEN")
	equal(t, "a week ahead", w.give(t, "2024-06-24"), "1 given, 0 late")
	w.pay(t, "2024-06-30", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("100")})
	equal(t, "kept so far", stands("2024-07-02"), "SIGNED 50.00 100.00 KEPT OPEN")
	equal(t, "nothing more of the first", w.give(t, "2024-07-02"), "0 given, 0 late")
	equal(t, "missed", stands("2024-08-02"), "BROKEN 50.00 100.00 KEPT BROKEN")
	equal(t, "and told", w.give(t, "2024-08-02"), "1 given, 1 late")
	_, err := plans.EndRestructuring(w.as(t, "FINANCE_MANAGER", "2024-08-03"), &receivablesv1.EndRestructuringRequest{RequestId: "end", RestructuringId: "P-1", Reason: "broken"})
	must(t, err)
	want(t, propose("P-3"), errs.Invalid, errs.ReasonInvalidField) // free for another plan, but less is open by now
	list, err := plans.ListRestructurings(w.by(t, "anna", "SALESPERSON", "2024-08-03"), &receivablesv1.ListRestructuringsRequest{CustomerId: "C-1"})
	must(t, err)
	if l := list.GetRestructurings(); len(l) != 1 || l[0].GetState() != receivablesv1.RestructuringState_RESTRUCTURING_STATE_ENDED {
		t.Errorf("%v", l)
	}
}
