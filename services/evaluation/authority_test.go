package evaluation_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/jobs"
)

// underPolicy has another authority table hold from today on.
func (s *suite) underPolicy(authority, more string) {
	s.Helper()
	text, err := os.ReadFile("policy/default.yaml")
	must(s, err)
	before, rest, ok := strings.Cut(string(text), "application_authority:")
	_, after, ok2 := strings.Cut(rest, "review_interval_days:")
	if !ok || !ok2 {
		s.Fatal("the built-in policy looks different")
	}
	v, err := s.draft(before + "application_authority:" + authority + more + "\nreview_interval_days:" + after)
	must(s, err)
	_, err = s.policies().SignEvaluationPolicy(as(boss), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: v.GetVersion()})
	must(s, err)
}

const lateTable = `
  - max_amount: "100000"
    steps:
      - { name: review, all_of: [ROLE_SALES_SUPERVISOR, ROLE_FINANCE_CLERK], due_days: 2, escalate_to: ROLE_SALES_DIRECTOR }
      - { name: approval, roles: [ROLE_SALES_MANAGER], due_days: 1, escalate_to: ROLE_GENERAL_MANAGER }
  - steps:
      - { name: approval, roles: [ROLE_CHAIRMAN] }
`

func (s *suite) approveOn(who, day, applicationID, behalf string) (*evaluationv1.CreditApplication, error) {
	res, err := s.applications().ApproveCreditApplication(as(who, day), &evaluationv1.ApproveCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: applicationID, Reason: "in order", OnBehalfOf: behalf,
	})
	return res.GetApplication(), err
}

func (s *suite) waiting(who, day string) int {
	s.Helper()
	res, err := s.applications().ListCreditApplications(as(who, day), &evaluationv1.ListCreditApplicationsRequest{WaitingForMe: true})
	must(s, err)
	return len(res.GetApplications())
}

type dutyOn struct {
	jobs.Duty
	day calendar.Date
}

func (d dutyOn) on(ctx context.Context) context.Context {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "evaluation", Roles: []string{authn.RoleService}})
	return calendar.WithBusinessDate(ctx, d.day)
}

func (d dutyOn) Due(ctx context.Context, batch int) ([]string, error) {
	return d.Duty.Due(d.on(ctx), batch)
}

func (d dutyOn) Do(ctx context.Context, id string) error { return d.Duty.Do(d.on(ctx), id) }

// round does one round of a job as of a day.
func round(t *testing.T, d jobs.Duty, day string) int {
	t.Helper()
	return jobs.NewDuties("test", dutyOn{Duty: d, day: calendar.MustDate(day)}, slog.New(slog.DiscardHandler)).Round(t.Context())
}

// All reviewers sign, in any order; a late step goes to one more role exactly once,
// however many jobs look at once, and the form and the registers show it.
func TestLateStepsGoOn(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.underPolicy(lateTable, "")
	s.customer("C-1")
	s.statement("C-1", "40")
	f := s.apply("C-1", "100000", 30)
	id := f.GetApplicationId()
	if f.GetDueDate() != "2026-03-04" || len(f.GetSteps()[0].GetAllOf()) != 2 {
		t.Fatalf("%v", f)
	}
	late := app.LateForms{App: s.service.App()}
	if n := round(t, late, "2026-03-04"); n != 0 {
		t.Fatalf("%d forms are late on the last day", n)
	}
	if s.waiting("yu:SALES_DIRECTOR", "2026-03-05") != 0 {
		t.Fatal("the form waits for somebody before it is late")
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { round(t, late, "2026-03-05") })
	}
	wg.Wait()
	seen, err := s.applications().GetCreditApplication(as(credit), &evaluationv1.GetCreditApplicationRequest{ApplicationId: id})
	must(t, err)
	e := seen.GetApplication().GetEscalations()
	if len(e) != 1 || e[0].GetRole() != optionsv1.Role_ROLE_SALES_DIRECTOR || e[0].GetDueDate() != "2026-03-04" || e[0].GetBusinessDate() != "2026-03-05" {
		t.Fatalf("%v", e)
	}
	if s.waiting("yu:SALES_DIRECTOR", "2026-03-05") != 1 || s.waiting(clerk, "2026-03-05") != 1 {
		t.Fatal("the late form waits for the wrong people")
	}
	_, err = s.approveOn("yu:SALES_DIRECTOR", "2026-03-06", id, "")
	must(t, err)
	_, err = s.approveOn(manager, "2026-03-06", id, "") // the second reviewer has not signed
	refused(t, err, errs.PermissionDenied, "NOT_YOUR_STEP")
	got, err := s.approveOn(clerk, "2026-03-06", id, "")
	must(t, err)
	if got.GetDueDate() != "2026-03-07" {
		t.Fatalf("the next step is due %s", got.GetDueDate())
	}
	round(t, late, "2026-03-09")
	round(t, late, "2026-03-10")
	got, err = s.approveOn(boss, "2026-03-10", id, "")
	must(t, err)
	if got.GetState() != evaluationv1.ApplicationState_APPLICATION_STATE_APPROVED || len(got.GetEscalations()) != 2 || got.GetDueDate() != "" {
		t.Fatalf("%v", got)
	}
	var events []string
	must(t, s.pool.QueryRow(t.Context(), "SELECT array_agg(event ORDER BY entry) FROM form_registers WHERE register = 'SETTLEMENT_DESK'").Scan(&events))
	if !slices.Equal(events, []string{"SUBMIT", "ESCALATE", "ESCALATE", "APPROVE"}) {
		t.Fatalf("register %v", events)
	}
}

func (s *suite) delegate(who, deputy, from, until string, roles ...optionsv1.Role) (*evaluationv1.Delegation, error) {
	res, err := s.delegations().CreateDelegation(as(who), &evaluationv1.CreateDelegationRequest{RequestId: s.rid(), Delegation: &evaluationv1.Delegation{
		Deputy: deputy, FromDate: from, UntilDate: until, Reason: "on leave", Roles: roles,
	}})
	return res.GetDelegation(), err
}

// A deputy acts in a seat on its days and no other, takes one part in a form, and never
// one in a form that the deputy or the one whose seat it is applied for.
func TestDelegation(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	id := s.apply("C-1", "100000", 30).GetApplicationId()
	d, err := s.delegate(supervisor, "ma", "2026-03-03", "2026-03-10")
	must(t, err)
	if d.GetDelegationId() != "DG-000001" || d.GetPrincipal() != "sun" || !slices.Equal(d.GetRoles(), []optionsv1.Role{optionsv1.Role_ROLE_SALES_SUPERVISOR}) {
		t.Fatalf("%v", d)
	}
	for name, try := range map[string]func() error{
		"a role not held": func() error {
			_, err := s.delegate(clerk, "x", "", "2026-03-10", optionsv1.Role_ROLE_CHAIRMAN)
			return err
		},
		"to oneself":  func() error { _, err := s.delegate(clerk, "fang", "", "2026-03-10"); return err },
		"in the past": func() error { _, err := s.delegate(clerk, "x", "2026-03-01", "2026-03-10"); return err },
	} {
		if err := try(); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = s.delegate(seller, "x", "", "2026-03-10")
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = s.approveOn(clerk, "2026-03-03", id, "")
	must(t, err)
	if s.waiting(manager, "2026-03-02") != 0 || s.waiting(manager, "2026-03-03") != 1 || s.waiting("x:SALES_MANAGER", "2026-03-03") != 0 {
		t.Fatal("the form waits for the wrong people")
	}
	for _, c := range []struct{ who, day, behalf, reason string }{
		{manager, "2026-03-02", "sun", "NO_DELEGATION"}, {manager, "2026-03-11", "sun", "NO_DELEGATION"},
		{"x:SALES_MANAGER", "2026-03-03", "sun", "NO_DELEGATION"}, {manager, "2026-03-03", "gao", "NO_DELEGATION"},
		{manager, "2026-03-03", "", "NOT_YOUR_STEP"},
	} {
		_, err = s.approveOn(c.who, c.day, id, c.behalf)
		refused(t, err, errs.PermissionDenied, c.reason)
	}
	got, err := s.approveOn(manager, "2026-03-03", id, "sun")
	must(t, err)
	if last := got.GetActs()[1]; last.GetSubject() != "ma" || last.GetOnBehalfOf() != "sun" {
		t.Fatalf("%v", got.GetActs())
	}
	// The approval is the sales manager's: this one has had a part, and so has the supervisor.
	_, err = s.approveOn(manager, "2026-03-03", id, "")
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = s.approveOn("sun:SALES_MANAGER", "2026-03-03", id, "")
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	if s.waiting(manager, "2026-03-03") != 0 || s.waiting("sun:SALES_MANAGER", "2026-03-03") != 0 {
		t.Fatal("the form waits for who had a part")
	}
	found, err := s.violations().ListViolations(as(auditor), &evaluationv1.ListViolationsRequest{PageSize: 100})
	must(t, err)
	var reasons []string
	for _, v := range found.GetViolations() {
		reasons = append(reasons, v.GetReasonCode())
	}
	for _, want := range []string{"NO_DELEGATION", "NOT_YOUR_STEP", "SAME_PERSON", "ROLE_REQUIRED"} {
		if !slices.Contains(reasons, want) {
			t.Errorf("%s is in no violation: %v", want, reasons)
		}
	}
	_, err = s.approveOn("hu:SALES_MANAGER", "2026-03-03", id, "")
	must(t, err)
	s.endDelegation(d.GetDelegationId())
	s.chainsHold()
}

func (s *suite) endDelegation(id string) {
	s.Helper()
	end := func(who, day string) (*evaluationv1.Delegation, error) {
		res, err := s.delegations().EndDelegation(as(who, day), &evaluationv1.EndDelegationRequest{RequestId: s.rid(), DelegationId: id})
		return res.GetDelegation(), err
	}
	_, err := end(manager, "2026-03-05")
	refused(s, err, errs.PermissionDenied, "NOT_YOUR_DELEGATION")
	d, err := end(boss, "2026-03-05")
	must(s, err)
	if d.GetEndedDate() != "2026-03-05" || d.GetEndedBy() != "gao" {
		s.Fatalf("%v", d)
	}
	_, err = end(supervisor, "2026-03-05")
	refused(s, err, errs.FailedPrecondition, "DELEGATION_OVER")
	for day, n := range map[string]int{"2026-03-02": 0, "2026-03-04": 1, "2026-03-05": 0, "": 1} {
		res, err := s.delegations().ListDelegations(as(auditor), &evaluationv1.ListDelegationsRequest{OnDate: day, Person: "ma"})
		must(s, err)
		if len(res.GetDelegations()) != n {
			s.Errorf("%d delegations on %q", len(res.GetDelegations()), day)
		}
	}
	for _, q := range []string{"DELETE FROM delegations", "UPDATE delegations SET last_date = '2026-12-31'", "UPDATE delegations SET deputy = 'x'"} {
		if _, err := s.pool.Exec(s.Context(), q); err == nil {
			s.Errorf("%s went through", q)
		}
	}
}

// Nobody decides about their own application in the seat of another, nor has it decided
// in their own.
func TestNoSeatForOwnApplication(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	lead := "sun:SALES_SUPERVISOR"
	draft, err := s.applications().CreateCreditApplication(as(lead), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedTermDays: 10},
	})
	must(t, err)
	id := draft.GetApplication().GetApplicationId()
	_, err = s.submitAs(lead, id)
	must(t, err)
	for _, c := range [][2]string{{clerk, "sun"}, {lead, "fang"}} {
		_, err = s.delegate(c[0], c[1], "", "2026-03-10")
		must(t, err)
		_, err = s.delegate("sun:SALES_SUPERVISOR", "hu", "", "2026-03-10")
		must(t, err)
		_, err = s.approveOn(lead, startDay, id, "fang") // the applicant in the clerk's seat
		refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	}
	_, err = s.approveOn(clerk, startDay, id, "")
	must(t, err)
	_, err = s.approveOn("hu:SALES_MANAGER", startDay, id, "sun") // the seat of the applicant
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
}

// A row for a grade, a group and what is a little beyond the recommended; what is outside
// the policy is allowed in writing.
func TestAuthorityByConditions(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.underPolicy(`
  - max_amount: "150000"
    when: { grades: [A], max_limit_over: "0.1", max_days_over: 5 }
    steps:
      - { name: confirmation, roles: [ROLE_FINANCE_CLERK] }
      - { name: approval, roles: [ROLE_SALES_MANAGER] }
  - steps:
      - { name: approval, roles: [ROLE_CHAIRMAN] }
`, "\ndue_days: { withdrawal: 4, contingency: 7 }")
	s.customer("C-1")
	s.statement("C-1", "40") // recommended: 100,000 for 30 days
	for _, c := range []struct {
		limit string
		days  int32
		row   int32
		steps []string
	}{
		{"100000", 30, 1, []string{"confirmation", "approval"}},
		{"110000", 35, 1, []string{"confirmation", "approval"}},
		{"110000.01", 30, 2, []string{"exception", "approval"}},
		{"100000", 36, 2, []string{"exception", "approval"}},
	} {
		f := s.apply("C-1", c.limit, c.days)
		var names []string
		for _, step := range f.GetSteps() {
			names = append(names, step.GetName())
		}
		if f.GetAuthorityRow() != c.row || !slices.Equal(names, c.steps) {
			t.Errorf("%s for %d days: row %d, %v", c.limit, c.days, f.GetAuthorityRow(), names)
		}
	}
	f := s.apply("C-1", "200000", 30)
	silent := &evaluationv1.ApproveCreditApplicationRequest{RequestId: s.rid(), ApplicationId: f.GetApplicationId()}
	_, err := s.applications().ApproveCreditApplication(as("hu:FINANCE_MANAGER"), silent)
	refused(t, err, errs.Invalid, "REASON_REQUIRED")
	for _, who := range []string{"hu:FINANCE_MANAGER", chairman} {
		_, err = s.approve(who, f.GetApplicationId())
		must(t, err)
	}
	// Due days are the policy's.
	s.ask("C-1", 1)
	if w := s.withdrawalsFor(as(director), &evaluationv1.ListWithdrawalRequestsRequest{WaitingForMe: true}); len(w) != 1 || w[0].GetDueDate() != "2026-03-06" {
		t.Fatalf("%v", w)
	}
	for i, bad := range []string{
		"\n  - { when: { grades: [A] }, steps: [{ name: x, roles: [ROLE_CHAIRMAN] }] }",
		"\n  - { steps: [{ name: x, roles: [ROLE_CHAIRMAN], all_of: [ROLE_CHAIRMAN] }] }",
		"\n  - { steps: [{ name: x, roles: [ROLE_CHAIRMAN], due_days: 3 }] }",
	} {
		text, err := os.ReadFile("policy/default.yaml")
		must(t, err)
		before, _, _ := strings.Cut(string(text), "application_authority:")
		if _, err := s.draft(before + "application_authority:" + bad + "\n"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%d: %v", i, err)
		}
	}
}
