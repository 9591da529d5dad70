package evaluation_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) handOvers() evaluationv1.CustomerHandOverServiceClient {
	return evaluationv1.NewCustomerHandOverServiceClient(s.conn)
}

// A customer that somebody has changes hands by a record that both sides confirm, and in
// no other way; then the other phases are told.
func TestHandOver(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	_, err := s.customers().UpdateCustomer(as(credit), &evaluationv1.UpdateCustomerRequest{
		RequestId: s.rid(), Customer: &evaluationv1.Customer{CustomerId: "C-1", SalespersonId: "wu"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"salesperson_id"}},
	})
	refused(t, err, errs.FailedPrecondition, "HAND_OVER_NEEDED")
	propose := func(who, to string) (*evaluationv1.CustomerHandOver, error) {
		res, err := s.handOvers().ProposeCustomerHandOver(as(who), &evaluationv1.ProposeCustomerHandOverRequest{
			RequestId: s.rid(), HandOver: &evaluationv1.CustomerHandOver{CustomerId: "C-1", ToId: to, Reason: "another region", Notes: "one promise is open"},
		})
		return res.GetHandOver(), err
	}
	confirm := func(who, id string) (*evaluationv1.CustomerHandOver, error) {
		res, err := s.handOvers().ConfirmCustomerHandOver(as(who), &evaluationv1.ConfirmCustomerHandOverRequest{RequestId: s.rid(), HandOverId: id})
		return res.GetHandOver(), err
	}
	_, err = propose(other, "wu")
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
	_, err = propose(seller, "li")
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	h, err := propose(seller, "wu")
	must(t, err)
	_, err = propose(manager, "hu")
	refused(t, err, errs.FailedPrecondition, "HAND_OVER_OPEN")
	if h.GetHandOverId() != "CH-000001" || h.GetFromId() != "li" {
		t.Fatalf("%v", h)
	}
	_, err = confirm("hu:SALESPERSON", h.GetHandOverId())
	refused(t, err, errs.PermissionDenied, "NOT_YOUR_HAND_OVER")
	_, err = confirm(other, h.GetHandOverId())
	must(t, err)
	if p := s.gate.newest("C-1"); p.GetSalespersonId() != "li" {
		t.Fatal("one side is enough")
	}
	h, err = confirm(seller, h.GetHandOverId())
	must(t, err)
	if h.GetState() != evaluationv1.CustomerHandOverState_CUSTOMER_HAND_OVER_STATE_CONFIRMED || h.GetTakenBy() != "wu" || h.GetGivenBy() != "li" {
		t.Fatalf("%v", h)
	}
	if p := s.gate.newest("C-1"); p.GetSalespersonId() != "wu" {
		t.Fatalf("the gate was told of %s", p.GetSalespersonId())
	}
	_, err = s.customers().GetCustomer(as(seller), &evaluationv1.GetCustomerRequest{CustomerId: "C-1"})
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
	// In the stead of a giver who has left; declined it stays.
	h, err = propose(manager, "hu")
	must(t, err)
	res, err := s.handOvers().DeclineCustomerHandOver(as("hu:SALESPERSON"), &evaluationv1.DeclineCustomerHandOverRequest{RequestId: s.rid(), HandOverId: h.GetHandOverId(), Reason: "too far"})
	must(t, err)
	if res.GetHandOver().GetDeclinedBy() != "hu" || s.gate.newest("C-1").GetSalespersonId() != "wu" {
		t.Fatalf("%v", res)
	}
	for who, n := range map[string]int{seller: 1, other: 2, "hu:SALESPERSON": 1, "x:SALESPERSON": 0, auditor: 2} {
		list, err := s.handOvers().ListCustomerHandOvers(as(who), &evaluationv1.ListCustomerHandOversRequest{})
		must(t, err)
		if len(list.GetHandOvers()) != n {
			t.Errorf("%s sees %d", who, len(list.GetHandOvers()))
		}
	}
	if _, err := s.pool.Exec(t.Context(), "UPDATE customer_hand_overs SET to_id = 'x'"); err == nil {
		t.Error("a hand-over that is over was changed")
	}
	s.chainsHold()
}

// Credit is for customers that somebody is responsible for.
func TestCreditNeedsAResponsiblePerson(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.customers().CreateCustomer(as(credit), &evaluationv1.CreateCustomerRequest{
		RequestId: s.rid(), Customer: &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Firm C-1", UsualPurchase: cny("100000")},
	})
	must(t, err)
	s.statement("C-1", "40")
	draft, err := s.applications().CreateCreditApplication(as(manager), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedTermDays: 10},
	})
	must(t, err)
	id := draft.GetApplication().GetApplicationId()
	_, err = s.submitAs(manager, id)
	refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	if field(err) != "customer.salesperson_id" {
		t.Fatalf("%v", err)
	}
	_, err = s.customers().UpdateCustomer(as(credit), &evaluationv1.UpdateCustomerRequest{
		RequestId: s.rid(), Customer: &evaluationv1.Customer{CustomerId: "C-1", SalespersonId: "li"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"salesperson_id"}},
	})
	must(t, err)
	_, err = s.submitAs(manager, id)
	must(t, err)
}
