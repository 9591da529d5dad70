package evaluation_test

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) violationsOf(l *evaluationv1.ListViolationsRequest) []*evaluationv1.Violation {
	s.Helper()
	res, err := s.violations().ListViolations(as(auditor), l)
	must(s, err)
	return res.GetViolations()
}

// Invariant 24: who acts without authority is refused, and in the register with what they tried.
func TestRefusedActsAreViolations(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-2")
	s.ask("C-2", 1)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "1000", 10).GetApplicationId()
	tries := []struct {
		subject, act, kind, object, customer, reason string
		try                                          func() error
	}{
		{"ma", "CreditApplicationService.ApproveCreditApplication", "application", id, "C-1", "NOT_YOUR_STEP", func() error {
			_, err := s.approve(manager, id)
			return err
		}},
		{"li", "CreditApplicationService.ApproveCreditApplication", "application", id, "C-1", "SAME_PERSON", func() error {
			_, err := s.approve("li:FINANCE_CLERK", id)
			return err
		}},
		{"bai", "CreditApplicationService.RejectCreditApplication", "application", id, "C-1", "ROLE_REQUIRED", func() error {
			_, err := s.applications().RejectCreditApplication(as(auditor), &evaluationv1.RejectCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id, Reason: "no"})
			return err
		}},
		{"li", "CreditGrantService.TakeOverGrant", "customer", "C-1", "C-1", "ROLE_REQUIRED", func() error {
			_, err := s.grants().TakeOverGrant(as(seller), &evaluationv1.TakeOverGrantRequest{
				RequestId: s.rid(), CustomerId: "C-1", Limit: amount("5000000"), PaperFormReference: "binder 1",
			})
			return err
		}},
		{"gao", "WithdrawalService.DecideWithdrawalRequest", "withdrawal_request", "WR-000001", "C-2", "NOT_YOUR_STEP", func() error {
			_, err := s.decideAs(as(boss), "WR-000001", keepIt)
			return err
		}},
		{"chen", "EvaluationPolicyService.SignEvaluationPolicy", "policy", "1", "", "ROLE_REQUIRED", func() error {
			_, err := s.policies().SignEvaluationPolicy(as(credit), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: 1})
			return err
		}},
		{"erp", "CreditApplicationService.CreateCreditApplication", "application", "A-9", "C-1", "ROLE_REQUIRED", func() error {
			_, err := s.applications().CreateCreditApplication(as(erp), &evaluationv1.CreateCreditApplicationRequest{
				RequestId: s.rid(), Application: &evaluationv1.CreditApplication{ApplicationId: "A-9", CustomerId: "C-1", RequestedLimit: cny("1")},
			})
			return err
		}},
		{"li", "FeedService.ApplyWithdrawals", "", "", "", "ROLE_REQUIRED", func() error {
			_, err := s.feed().ApplyWithdrawals(as(seller), &evaluationv1.ApplyWithdrawalsRequest{})
			return err
		}},
	}
	for i, c := range tries {
		refused(t, c.try(), errs.PermissionDenied, c.reason)
		all := s.violationsOf(&evaluationv1.ListViolationsRequest{})
		if len(all) != i+1 {
			t.Fatalf("after %d refusals: %v", i+1, all)
		}
		v := all[0]
		if v.GetSubject() != c.subject || v.GetAct() != c.act || v.GetObjectKind() != c.kind || v.GetObjectId() != c.object ||
			v.GetCustomerId() != c.customer || v.GetReasonCode() != c.reason || v.GetBusinessDate() != startDay ||
			!strings.Contains(v.GetEvidence(), c.object) || v.GetMessage() == "" || len(v.GetRoles()) != 1 {
			t.Errorf("%v, want %+v", v, c)
		}
	}
	for _, c := range []struct {
		list *evaluationv1.ListViolationsRequest
		want int
	}{
		{&evaluationv1.ListViolationsRequest{Subject: "li"}, 3},
		{&evaluationv1.ListViolationsRequest{CustomerId: "C-1"}, 5},
		{&evaluationv1.ListViolationsRequest{ObjectId: id, ReasonCode: "SAME_PERSON"}, 1},
		{&evaluationv1.ListViolationsRequest{UntilDate: "2026-03-01"}, 0},
	} {
		if got := s.violationsOf(c.list); len(got) != c.want {
			t.Errorf("%v: %v", c.list, got)
		}
	}
	if got := s.violationsOf(&evaluationv1.ListViolationsRequest{FromDate: "2026-03-03"}); len(got) != 0 {
		t.Errorf("from tomorrow: %v", got)
	}
	got, err := s.violations().GetViolation(as(credit), &evaluationv1.GetViolationRequest{ViolationId: s.violationsOf(&evaluationv1.ListViolationsRequest{})[0].GetViolationId()})
	must(t, err)
	if got.GetViolation().GetAct() != "FeedService.ApplyWithdrawals" {
		t.Errorf("%v", got)
	}
	s.chainsHold()
}

// What was allowed, what was wrong in itself, what is only read, and a retry are no violations.
func TestWhatIsNoViolation(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	_, err := s.ratings().ListRatings(as("w:WAREHOUSE"), &evaluationv1.ListRatingsRequest{CustomerId: "C-1"})
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = s.violations().ListViolations(as(seller), &evaluationv1.ListViolationsRequest{})
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = s.takeOver("C-1", amount("5000"))
	refused(t, err, errs.FailedPrecondition, "GRANT_EXISTS")
	_, err = s.approve(clerk, "A-NONE")
	refused(t, err, errs.NotFound, "APPLICATION_NOT_FOUND")
	if all := s.violationsOf(&evaluationv1.ListViolationsRequest{}); len(all) != 0 {
		t.Fatalf("%v", all)
	}
	again := &evaluationv1.SignEvaluationPolicyRequest{RequestId: "sign", Version: 1}
	for range 3 {
		_, err = s.policies().SignEvaluationPolicy(as(manager), again)
		refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	}
	if all := s.violationsOf(&evaluationv1.ListViolationsRequest{}); len(all) != 1 {
		t.Fatalf("%v", all)
	}
	for _, sql := range []string{"UPDATE violation_register SET subject = 'x'", "DELETE FROM violation_register", "TRUNCATE violation_register CASCADE"} {
		if _, err := s.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s went through", sql)
		}
	}
}

// What another phase recorded is in the same list, once; whoever supervises the person says what became of it, and sees no more.
func TestViolationsOfAllPhasesAreDecided(t *testing.T) {
	t.Parallel()
	s := start(t)
	tell := func(sequence int64, id, role string) error {
		_, err := s.feed().ApplyViolations(as("receivables:SERVICE"), &evaluationv1.ApplyViolationsRequest{
			Phase: "receivables", Violations: []*evaluationv1.ToldViolation{{Sequence: sequence, Violation: &evaluationv1.Violation{
				ViolationId: id, Kind: evaluationv1.ViolationKind_VIOLATION_KIND_REFUSED_ACT, Subject: "anna", Roles: []string{"SALESPERSON"},
				Act: "InvoiceService.ReverseInvoice", ObjectKind: "invoice", ObjectId: "I-1", ReasonCode: "ROLE_REQUIRED", Message: "no", BusinessDate: startDay,
				SupervisorRoles: []string{role},
			}}},
		})
		return err
	}
	must(s, tell(1, "V-1", "SALES_MANAGER"))
	must(s, tell(1, "V-1", "SALES_MANAGER")) // sent again
	refused(t, tell(3, "V-3", "SALES_MANAGER"), errs.FailedPrecondition, "SEQUENCE_GAP")
	must(s, tell(2, "V-2", "FINANCE_MANAGER"))
	list := func(who string, q *evaluationv1.ListViolationsRequest) int {
		res, err := s.violations().ListViolations(as(who), q)
		must(s, err)
		return len(res.GetViolations())
	}
	for _, c := range []struct {
		who  string
		q    *evaluationv1.ListViolationsRequest
		want int
	}{
		{auditor, &evaluationv1.ListViolationsRequest{Phase: "receivables"}, 2}, {auditor, &evaluationv1.ListViolationsRequest{Phase: "ordergate"}, 0},
		{auditor, &evaluationv1.ListViolationsRequest{Kind: evaluationv1.ViolationKind_VIOLATION_KIND_ALTERATION}, 0},
		{"sun:SALES_MANAGER", &evaluationv1.ListViolationsRequest{}, 1}, {"fan:FINANCE_MANAGER", &evaluationv1.ListViolationsRequest{}, 1},
	} {
		if got := list(c.who, c.q); got != c.want {
			t.Errorf("%s, %v: %d, want %d", c.who, c.q, got, c.want)
		}
	}
	decide := func(who, id string) (*evaluationv1.Violation, error) {
		res, err := s.violations().DecideViolation(as(who), &evaluationv1.DecideViolationRequest{
			RequestId: s.rid(), ViolationId: id, Verdict: evaluationv1.ViolationVerdict_VIOLATION_VERDICT_CONFIRMED, Note: "warned in writing",
		})
		return res.GetViolation(), err
	}
	_, err := decide("fan:FINANCE_MANAGER", "V-1")
	refused(t, err, errs.PermissionDenied, "NOT_THE_SUPERVISOR")
	_, err = decide("anna:SALES_MANAGER", "V-1")
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	v, err := decide("sun:SALES_MANAGER", "V-1")
	must(s, err)
	if v.GetPhase() != "receivables" || v.GetDecidedBy() != "sun" || v.GetVerdictNote() != "warned in writing" || v.GetDecideDate() != startDay {
		t.Errorf("decided: %v", v)
	}
	_, err = decide(boss, "V-1")
	refused(t, err, errs.FailedPrecondition, "VIOLATION_DECIDED")
	// The two refused decisions are violations themselves.
	if got := list(auditor, &evaluationv1.ListViolationsRequest{OpenOnly: true}); got != 3 {
		t.Errorf("%d are open, want 3", got)
	}
	_, err = s.violations().GetViolation(as("fan:FINANCE_MANAGER"), &evaluationv1.GetViolationRequest{ViolationId: "V-1"})
	refused(t, err, errs.NotFound, "VIOLATION_NOT_FOUND")
	s.chainsHold()
}

// What a verification finds altered is in the register, once for all verifications that find it.
func TestAlterationsAreViolations(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	_, err := s.pool.Exec(t.Context(), `ALTER TABLE audit_events DISABLE TRIGGER USER; UPDATE audit_events SET actor = 'somebody' WHERE stream = 'customer/C-1' AND seq = 1`)
	must(s, err)
	for range 2 {
		res, err := s.operations().VerifyChains(as(auditor), &evaluationv1.VerifyChainsRequest{})
		must(s, err)
		if len(res.GetBreaks()) == 0 {
			t.Fatal("the alteration was not found")
		}
	}
	found := s.violationsOf(&evaluationv1.ListViolationsRequest{Kind: evaluationv1.ViolationKind_VIOLATION_KIND_ALTERATION})
	if len(found) != 1 || found[0].GetObjectId() != "audit/customer/C-1#1" || found[0].GetSubject() != "unknown" || found[0].GetSupervisorRoles()[0] != "FINANCE_DIRECTOR" {
		t.Errorf("%v", found)
	}
}
