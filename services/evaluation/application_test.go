package evaluation_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

// Invariant 8 over the wire: no skipped level, nobody twice, nobody outside the row.
func TestFormIsSignedByDifferentPeopleInOrder(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	f := s.apply("C-1", "100000", 30)
	id := f.GetApplicationId()
	if f.GetAuthorityRow() != 1 || f.GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_PENDING || len(f.GetOutsidePolicy()) != 0 || f.GetPaymentRecord() == "" {
		t.Fatalf("%v", f)
	}
	for _, skipper := range []string{manager, supervisor, boss, chairman} {
		_, err := s.approve(skipper, id)
		refused(t, err, errs.PermissionDenied, "NOT_YOUR_STEP")
	}
	_, err := s.approve("li:FINANCE_CLERK", id)
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = s.approve(clerk, id)
	must(t, err)
	_, err = s.approve("fang:SALES_SUPERVISOR", id)
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = s.approve(supervisor, id)
	must(t, err)
	if g := s.grant("C-1"); g.GetVersion() != 0 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || g.GetLimit() != nil {
		t.Fatalf("credit before the last step: %v", g)
	}
	done, err := s.approve(manager, id)
	must(t, err)
	if done.GetGrant().GetVersion() != 1 || done.GetApplication().GetGrantVersion() != 1 || len(done.GetApplication().GetActs()) != 3 {
		t.Fatalf("%v", done)
	}
	_, err = s.approve(chairman, id)
	refused(t, err, errs.FailedPrecondition, "FORM_CLOSED")
}

// Invariant 10: of many approvals of the last step at once, one grants.
func TestConcurrentApprovalsGiveOneGrant(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "100000", 30).GetApplicationId()
	for _, who := range []string{clerk, supervisor} {
		_, err := s.approve(who, id)
		must(t, err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for i := range 10 {
		wg.Go(func() {
			_, err := s.approve(fmt.Sprintf("m%d:SALES_MANAGER", i), id)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				granted++
			case errs.ReasonOf(err) != "FORM_CLOSED":
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := s.grants().ListGrants(as(credit), &evaluationv1.ListGrantsRequest{CustomerId: "C-1"})
	must(t, err)
	if granted != 1 || len(all.GetGrants()) != 1 {
		t.Fatalf("%d approvals, %d grants", granted, len(all.GetGrants()))
	}
}

// Invariant 9: serial numbers have no gaps, though submissions run at once and some
// fail, and each form stands in both registers.
func TestSerialNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	s := start(t)
	const forms = 12
	var wg sync.WaitGroup
	var mu sync.Mutex
	var serials []string
	for i := range forms {
		id := fmt.Sprintf("C-%d", i)
		s.customer(id)
		draft := func(days int32) string {
			res, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{
				RequestId: s.rid(), Application: &evaluationv1.CreditApplication{CustomerId: id, RequestedLimit: cny("1000"), RequestedTermDays: days},
			})
			must(t, err)
			return res.GetApplication().GetApplicationId()
		}
		good, incomplete := draft(30), draft(0)
		for _, app := range []string{good, incomplete} {
			wg.Go(func() {
				res, err := s.applications().SubmitCreditApplication(as(seller), &evaluationv1.SubmitCreditApplicationRequest{RequestId: s.rid(), ApplicationId: app})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case app == incomplete && errs.ReasonOf(err) != "APPLICATION_INCOMPLETE":
					t.Errorf("incomplete form: %v", err)
				case app == good && err != nil:
					t.Error(err)
				case app == good:
					serials = append(serials, res.GetApplication().GetSerialNumber())
				}
			})
		}
	}
	wg.Wait()
	slices.Sort(serials)
	for i, n := range serials {
		if want := fmt.Sprintf("CA-%06d", i+1); n != want {
			t.Fatalf("serials %v", serials)
		}
	}
	for _, register := range []string{"SETTLEMENT_DESK", "SALES_HEAD"} {
		var n, distinct int
		err := s.pool.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT serial_number) FROM form_registers WHERE register = $1", register).Scan(&n, &distinct)
		must(t, err)
		if n != forms || distinct != forms {
			t.Errorf("%s has %d entries of %d forms", register, n, distinct)
		}
	}
}

func TestReturnRejectAndWaitingList(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "1000", 10).GetApplicationId()
	waiting := func(who string) int {
		res, err := s.applications().ListCreditApplications(as(who), &evaluationv1.ListCreditApplicationsRequest{WaitingForMe: true})
		must(t, err)
		return len(res.GetApplications())
	}
	if waiting(clerk) != 1 || waiting(supervisor) != 0 || waiting("li:FINANCE_CLERK") != 0 {
		t.Fatal("the form waits for the wrong people")
	}
	back := func(who string, reason string) error {
		_, err := s.applications().ReturnCreditApplication(as(who), &evaluationv1.ReturnCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id, Reason: reason})
		return err
	}
	if err := back(clerk, ""); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("returned without a reason: %v", err)
	}
	must(t, back(clerk, "statement is not signed"))
	if waiting(clerk) != 0 {
		t.Fatal("a returned form waits")
	}
	again, err := s.applications().SubmitCreditApplication(as(seller), &evaluationv1.SubmitCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id})
	must(t, err)
	if again.GetApplication().GetSerialNumber() != "CA-000001" || len(again.GetApplication().GetActs()) != 1 {
		t.Fatalf("%v", again)
	}
	_, err = s.approve(clerk, id)
	must(t, err)
	if waiting(supervisor) != 1 || waiting(clerk) != 0 {
		t.Fatal("the form waits for the wrong people")
	}
	_, err = s.applications().RejectCreditApplication(as(supervisor), &evaluationv1.RejectCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id, Reason: "no"})
	must(t, err)
	_, err = s.applications().SubmitCreditApplication(as(seller), &evaluationv1.SubmitCreditApplicationRequest{RequestId: s.rid(), ApplicationId: id})
	refused(t, err, errs.FailedPrecondition, "APPLICATION_STATE")
	var events []string
	rows, err := s.pool.Query(t.Context(), "SELECT event FROM form_registers WHERE register = 'SALES_HEAD' ORDER BY entry")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var e string
		must(t, rows.Scan(&e))
		events = append(events, e)
	}
	if !slices.Equal(events, []string{"SUBMIT", "RETURN", "SUBMIT", "REJECT"}) {
		t.Fatalf("register %v", events)
	}
}

// What is outside the policy goes to the highest row, and is listed.
func TestOutsideThePolicy(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "70")
	f := s.apply("C-1", "1000", 45)
	if f.GetAuthorityRow() != 3 || len(f.GetSteps()) != 3 || len(f.GetSteps()[1].GetAllOf()) != 2 || len(f.GetOutsidePolicy()) == 0 {
		t.Fatalf("%v", f)
	}
	// Both review, in any order; the chairman does not sign before both have.
	for i, who := range []string{clerk, boss, manager, chairman} {
		if i < 3 {
			_, err := s.approve(chairman, f.GetApplicationId())
			refused(t, err, errs.PermissionDenied, "NOT_YOUR_STEP")
		}
		_, err := s.approve(who, f.GetApplicationId())
		must(t, err)
	}
	if g := s.grant("C-1"); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || g.GetGrade() != evaluationv1.Grade_GRADE_B {
		t.Fatalf("%v", g)
	}
	// A rating at the grade that the chairman knew leaves it; a worse one does not.
	s.receivables.set("C-1", payments(3, "0"))
	s.rate("C-1")
	if g := s.grant("C-1"); g.GetVersion() != 1 {
		t.Fatalf("%v", g)
	}
	s.receivables.set("C-1", payments(4, "5000000"))
	s.rate("C-1")
	if g := s.grant("C-1"); g.GetVersion() != 2 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY {
		t.Fatalf("%v", g)
	}
}

// People who signed did not know of the fall: the form is routed anew.
func TestFormDoesNotSurviveAFall(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "1000", 10).GetApplicationId()
	for _, who := range []string{clerk, supervisor} {
		_, err := s.approve(who, id)
		must(t, err)
	}
	s.receivables.set("C-1", payments(3, "5000000"))
	s.rate("C-1")
	_, err := s.approve(manager, id)
	refused(t, err, errs.FailedPrecondition, "RATING_WORSENED")
	if g := s.grant("C-1"); g.GetVersion() != 0 {
		t.Fatalf("%v", g)
	}
}

// Invariant 6 over the wire: a better grade gives nothing back without a form.
func TestRecoveryNeedsAForm(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.receivables.set("C-1", payments(3, "5000000"))
	s.rate("C-1")
	s.receivables.set("C-1", payments(9, "0"))
	if r := s.rate("C-1"); r.GetRating().GetGrade() != evaluationv1.Grade_GRADE_A {
		t.Fatalf("%v", r)
	}
	if g := s.grant("C-1"); g.GetVersion() != 2 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY {
		t.Fatalf("%v", g)
	}
	id := s.apply("C-1", "100000", 30).GetApplicationId()
	for _, who := range []string{clerk, supervisor, manager} {
		_, err := s.approve(who, id)
		must(t, err)
	}
	if g := s.grant("C-1"); g.GetVersion() != 3 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT {
		t.Fatalf("%v", g)
	}
	s.chainsHold()
}

// Invariant 15 on a form: each act sent again is the same act.
func TestActsSentAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	create := &evaluationv1.CreateCreditApplicationRequest{
		RequestId: "create", Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedTermDays: 10},
	}
	var id string
	for range 2 {
		res, err := s.applications().CreateCreditApplication(as(seller), create)
		must(t, err)
		id = res.GetApplication().GetApplicationId()
	}
	for range 2 {
		_, err := s.applications().SubmitCreditApplication(as(seller), &evaluationv1.SubmitCreditApplicationRequest{RequestId: "submit", ApplicationId: id})
		must(t, err)
	}
	for _, who := range []string{clerk, supervisor, manager} {
		req := &evaluationv1.ApproveCreditApplicationRequest{RequestId: "approve " + who, ApplicationId: id}
		first, err := s.applications().ApproveCreditApplication(as(who), req)
		must(t, err)
		again, err := s.applications().ApproveCreditApplication(as(who), req)
		must(t, err)
		if first.String() != again.String() {
			t.Fatalf("%v\n%v", first, again)
		}
		// Nobody else is told that its signature is there, nor shown the answer.
		for _, another := range []string{clerk, supervisor, manager} {
			if another != who {
				_, err = s.applications().ApproveCreditApplication(as(another), req)
				refused(t, err, errs.AlreadyExists, "REQUEST_ID_REUSED")
			}
		}
	}
	all, err := s.applications().ListCreditApplications(as(credit), &evaluationv1.ListCreditApplicationsRequest{})
	must(t, err)
	if g := s.grant("C-1"); g.GetVersion() != 1 || len(all.GetApplications()) != 1 || len(all.GetApplications()[0].GetActs()) != 3 {
		t.Fatalf("%v %v", g, all)
	}
	var actions []string
	rows, err := s.pool.Query(t.Context(), "SELECT action FROM audit_events WHERE stream = 'customer/C-1' AND action LIKE 'application.%' ORDER BY seq")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var action string
		must(t, rows.Scan(&action))
		actions = append(actions, action)
	}
	if !slices.Equal(actions, []string{"application.create", "application.submit", "application.approve", "application.approve", "application.approve"}) {
		t.Fatalf("audit trail %v", actions)
	}
}
