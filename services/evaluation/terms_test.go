package evaluation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) submitAs(who, id string) (*evaluationv1.CreditApplication, error) {
	res, err := s.applications().SubmitCreditApplication(as(who), &evaluationv1.SubmitCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id})
	return res.GetApplication(), err
}

func (s *suite) events(register, id string) []string {
	s.Helper()
	var all []string
	err := s.pool.QueryRow(s.Context(), "SELECT array_agg(event ORDER BY entry) FROM form_registers WHERE register = $1 AND application_id = $2", register, id).Scan(&all)
	must(s, err)
	return all
}

// An incomplete form is refused with what is missing and who gets it; the applicant
// completes it, and nobody else does.
func TestIncompleteFormIsCompleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	draft, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{
			CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedValidUntilDate: "2026-03-01",
		},
	})
	must(t, err)
	id := draft.GetApplication().GetApplicationId()
	_, err = s.submitAs(seller, id)
	refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	e, _ := errs.As(err)
	if e.Meta["missing"] != "requested_term_days,requested_valid_until_date" || e.Meta["responsible"] != "SALESPERSON,SALESPERSON" {
		t.Fatalf("%v", e.Meta)
	}
	days, until := int32(20), ""
	edit := &evaluationv1.UpdateCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: id, RequestedLimit: cny("2000"), RequestedTermDays: &days, RequestedValidUntilDate: &until,
	}
	_, err = s.applications().UpdateCreditApplication(as("zhao:SALES_MANAGER"), edit)
	refused(t, err, errs.PermissionDenied, "NOT_THE_APPLICANT")
	edit.RequestId, edit.RequestedLimit.CurrencyCode = s.rid(), "USD"
	_, err = s.applications().UpdateCreditApplication(as(seller), edit)
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	edit.RequestId, edit.RequestedLimit.CurrencyCode = s.rid(), "CNY"
	_, err = s.applications().UpdateCreditApplication(as(seller), edit)
	must(t, err)
	f, err := s.submitAs(seller, id)
	must(t, err)
	if f.GetRequestedLimit().GetAmount() != "2000.00" || f.GetRequestedTermDays() != 20 || f.GetRequestedValidUntilDate() != "" ||
		!strings.Contains(f.GetCustomerSnapshot(), `"Firm C-1"`) {
		t.Fatalf("%v", f)
	}
	edit.RequestId = s.rid()
	_, err = s.applications().UpdateCreditApplication(as(seller), edit)
	refused(t, err, errs.FailedPrecondition, "APPLICATION_STATE")
}

// Offer, acceptance, conditions: what is granted is what was offered, once the
// conditions are met and not before; the registers have every turn of the form.
func TestOfferAndConditions(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "90000", 30).GetApplicationId()
	offer := func(who, limit string) (*evaluationv1.CreditApplication, error) {
		res, err := s.applications().CounterOfferCreditApplication(as(who), &evaluationv1.CounterOfferCreditApplicationRequest{
			RequestId: s.rid(), ApplicationId: id, Reason: "a new customer", Offer: &evaluationv1.CounterOffer{Limit: cny(limit), TermDays: 15},
		})
		return res.GetApplication(), err
	}
	_, err := s.approve(clerk, id)
	must(t, err)
	_, err = offer(manager, "50000")
	refused(t, err, errs.PermissionDenied, "NOT_YOUR_STEP")
	_, err = offer(supervisor, "90000.01")
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	f, err := offer(supervisor, "50000")
	must(t, err)
	if f.GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_RETURNED || f.GetCounterOffer().GetLimit().GetAmount() != "50000.00" || f.GetCounterOffer().GetTermDays() != 15 {
		t.Fatalf("%v", f)
	}
	accepted, err := s.applications().AcceptCounterOffer(as(seller), &evaluationv1.AcceptCounterOfferRequest{RequestId: s.rid(), ApplicationId: id})
	must(t, err)
	if f := accepted.GetApplication(); f.GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_PENDING || f.GetRequestedLimit().GetAmount() != "50000.00" ||
		f.GetSerialNumber() != "CA-000001" || f.GetCounterOffer() != nil {
		t.Fatalf("%v", f)
	}
	_, err = s.applications().ApproveCreditApplication(as(clerk), &evaluationv1.ApproveCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: id, Conditions: []*evaluationv1.Condition{
			{Kind: evaluationv1.ConditionKind_CONDITION_KIND_DEPOSIT, Text: "before the first order", Amount: cny("10000")},
		},
	})
	must(t, err)
	_, err = s.approve(supervisor, id)
	must(t, err)
	last, err := s.approve(manager, id)
	must(t, err)
	if last.GetGrant() != nil || last.GetApplication().GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_CONDITIONAL || s.grant("C-1").GetVersion() != 0 {
		t.Fatalf("a grant before the condition is met: %v", last)
	}
	confirm := func(who string) (*evaluationv1.ConfirmConditionResponse, error) {
		return s.applications().ConfirmCondition(as(who), &evaluationv1.ConfirmConditionRequest{
			RequestId: s.rid(), ApplicationId: id, ConditionNumber: 1, Evidence: "receipt 17",
		})
	}
	waiting := func(who string) int {
		res, err := s.applications().ListCreditApplications(as(who), &evaluationv1.ListCreditApplicationsRequest{WaitingForMe: true})
		must(t, err)
		return len(res.GetApplications())
	}
	if waiting(clerk) != 0 || waiting(credit) != 1 || waiting(manager) != 0 {
		t.Fatal("the condition waits for the wrong people")
	}
	_, err = confirm(clerk)
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	done, err := confirm(credit)
	must(t, err)
	g := s.grant("C-1")
	if done.GetGrant().GetVersion() != 1 || g.GetLimit().GetAmount().GetAmount() != "50000.00" || g.GetTermDays() != 15 || g.GetApprovedBy() != "ma" {
		t.Fatalf("%v", g)
	}
	if p := s.gate.newest("C-1"); p.GetGrant().GetVersion() != 1 {
		t.Fatalf("the gate was not told: %v", p)
	}
	for _, register := range []string{"SETTLEMENT_DESK", "SALES_HEAD"} {
		if got := s.events(register, id); !slices.Equal(got, []string{"SUBMIT", "OFFER", "SUBMIT", "APPROVE", "GRANT"}) {
			t.Errorf("%s: %v", register, got)
		}
	}
	s.chainsHold()
}

// A condition that is met after the customer fell gives no credit; the applicant takes
// the form back, and its number stays used.
func TestConditionalFormAndAFall(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "1000", 10).GetApplicationId()
	_, err := s.applications().ApproveCreditApplication(as(clerk), &evaluationv1.ApproveCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: id,
		Conditions: []*evaluationv1.Condition{{Kind: evaluationv1.ConditionKind_CONDITION_KIND_OTHER, Text: "a site visit"}},
	})
	must(t, err)
	for _, who := range []string{supervisor, manager} {
		_, err = s.approve(who, id)
		must(t, err)
	}
	s.receivables.set("C-1", payments(3, "5000000"))
	s.rate("C-1")
	_, err = s.applications().ConfirmCondition(as(credit), &evaluationv1.ConfirmConditionRequest{
		RequestId: s.rid(), ApplicationId: id, ConditionNumber: 1, Evidence: "report",
	})
	refused(t, err, errs.FailedPrecondition, "RATING_WORSENED")
	back := func(who string) error {
		_, err := s.applications().WithdrawCreditApplication(as(who), &evaluationv1.WithdrawCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id, Reason: "no"})
		return err
	}
	refused(t, back("zhao:SALES_MANAGER"), errs.PermissionDenied, "NOT_THE_APPLICANT")
	must(t, back(seller))
	refused(t, back(seller), errs.FailedPrecondition, "APPLICATION_STATE")
	if got := s.events("SALES_HEAD", id); !slices.Equal(got, []string{"SUBMIT", "APPROVE", "WITHDRAW"}) {
		t.Errorf("%v", got)
	}
	if next := s.apply("C-1", "1000", 10); next.GetSerialNumber() != "CA-000002" {
		t.Errorf("%v", next.GetSerialNumber())
	}
	if g := s.grant("C-1"); g.GetVersion() != 0 {
		t.Errorf("%v", g)
	}
}

func TestCommentsAndAttachments(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "1000", 10).GetApplicationId()
	say := func(who, text string) error {
		_, err := s.applications().CommentCreditApplication(as(who), &evaluationv1.CommentCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id, Text: text})
		return err
	}
	must(t, say(analyst, "the statement is two months old"))
	must(t, say(seller, "the new one is attached"))
	refused(t, say(other, "let me see"), errs.NotFound, "APPLICATION_NOT_FOUND")
	attach := func(hash string) (*evaluationv1.CreditApplication, error) {
		res, err := s.applications().AttachToCreditApplication(as(seller), &evaluationv1.AttachToCreditApplicationRequest{
			RequestId: s.rid(), ApplicationId: id, Attachment: &evaluationv1.ApplicationAttachment{Title: "statement", Sha256: hash},
		})
		return res.GetApplication(), err
	}
	_, err := attach("ABC")
	if errs.KindOf(err) != errs.Invalid {
		t.Fatalf("%v", err)
	}
	hash := strings.Repeat("0f", 32)
	for range 2 { // the same document once
		f, err := attach(hash)
		must(t, err)
		if len(f.GetAttachments()) != 1 || f.GetAttachments()[0].GetAttachedBy() != "li" || len(f.GetComments()) != 2 || f.GetComments()[0].GetSubject() != "an" {
			t.Fatalf("%v", f)
		}
	}
}
