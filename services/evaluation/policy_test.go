package evaluation_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/jobs"
)

func (s *suite) policies() evaluationv1.EvaluationPolicyServiceClient {
	return evaluationv1.NewEvaluationPolicyServiceClient(s.conn)
}

func (s *suite) draft(text string) (*evaluationv1.EvaluationPolicyVersion, error) {
	res, err := s.policies().CreateEvaluationPolicy(as(credit), &evaluationv1.CreateEvaluationPolicyRequest{
		RequestId: s.rid(), Source: &evaluationv1.CreateEvaluationPolicyRequest_Yaml{Yaml: text}, Comment: "stricter",
	})
	return res.GetVersion(), err
}

func TestPolicyIsWrittenSignedAndInForce(t *testing.T) {
	t.Parallel()
	s := start(t)
	text, err := os.ReadFile("policy/default.yaml")
	must(t, err)
	strict := strings.Replace(string(text), `at_most: "0.60"`, `at_most: "0.30"`, 1)
	v, err := s.draft(strict)
	must(t, err)
	if v.GetVersion() != 2 || v.GetState() != typev1.PolicyState_POLICY_STATE_DRAFT {
		t.Fatalf("%v", v)
	}
	s.customer("C-1")
	s.statement("C-1", "40")
	if r := s.rate("C-1").GetRating(); r.GetGrade() != evaluationv1.Grade_GRADE_A || r.GetPolicyVersion() != 1 {
		t.Fatalf("a draft has effect: %v", r)
	}
	sign := func(who, from string) (*evaluationv1.EvaluationPolicyVersion, error) {
		res, err := s.policies().SignEvaluationPolicy(as(who), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: 2, EffectiveFromDate: from})
		return res.GetVersion(), err
	}
	_, err = sign("chen:GENERAL_MANAGER", "")
	refused(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = sign(boss, "2026-03-01")
	refused(t, err, errs.FailedPrecondition, "EFFECTIVE_DATE_PAST")
	_, err = sign(credit, "")
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = sign(boss, "2026-03-05")
	must(t, err)
	_, err = sign(boss, "2026-03-05")
	refused(t, err, errs.FailedPrecondition, "POLICY_ALREADY_SIGNED")
	if r := s.rate("C-1"); !r.GetUnchanged() {
		t.Fatalf("the policy holds before its day: %v", r)
	}
	later, err := s.ratings().RateCustomer(as(analyst, "2026-03-05"), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	must(t, err)
	if r := later.GetRating(); r.GetGrade() != evaluationv1.Grade_GRADE_B || r.GetPolicyVersion() != 2 || !strings.Contains(r.GetReason(), "policy version 2") {
		t.Fatalf("%v", r)
	}
	for _, id := range []string{"C-1.1", "C-1.2"} {
		res, err := s.ratings().ReplayRating(as(analyst), &evaluationv1.ReplayRatingRequest{RatingId: id})
		must(t, err)
		if !res.GetIdentical() {
			t.Errorf("%s does not replay", id)
		}
	}
	list, err := s.policies().ListEvaluationPolicies(as(seller), &evaluationv1.ListEvaluationPoliciesRequest{PageSize: 1})
	must(t, err)
	if len(list.GetVersions()) != 1 || list.GetVersions()[0].GetVersion() != 2 || list.GetNextPageToken() == "" {
		t.Fatalf("%v", list)
	}
}

func TestPolicyDefectsAreNamed(t *testing.T) {
	t.Parallel()
	s := start(t)
	text, err := os.ReadFile("policy/default.yaml")
	must(t, err)
	for what, change := range map[string][2]string{
		"unknown field":             {"grant_valid_days: 365", "grant_valid_dayz: 365"},
		"no number":                 {`at_most: "0.60"`, `at_most: "much"`},
		"grades in disorder":        {"{ grade: GRADE_A, at_least: \"0.95\" }", "{ grade: GRADE_D, at_least: \"0.95\" }"},
		"no end":                    {"{ grade: GRADE_D, otherwise: true }", "{ grade: GRADE_D, at_least: \"0\" }"},
		"B treated worse than C":    {"treatment: TREATMENT_CASH_ON_DELIVERY", "treatment: TREATMENT_PHASED_OUT"},
		"a row that nobody reaches": {"max_amount: \"1000000\"\n    max_days: 60", "max_amount: \"1000\"\n    max_days: 30"},
		"more digits than fen":      {`max_amount: "100000"`, `max_amount: "100000.001"`},
		"factor zero":               {`factor: "1"`, `factor: "0"`},
	} {
		bad := strings.Replace(string(text), change[0], change[1], 1)
		if bad == string(text) {
			t.Fatalf("%s changes nothing", what)
		}
		if _, err := s.draft(bad); errs.ReasonOf(err) != "POLICY_INVALID" || errs.KindOf(err) != errs.Invalid || field(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The review interval: rated again though nothing happened, and not twice for the same.
func TestReviews(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	_, err := s.ratings().RateCustomer(as(analyst, "2026-01-20"), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	if n := jobs.NewReviews(s.reviewer("2026-05-01"), log).Round(t.Context()); n != 0 {
		t.Fatalf("%d customers were due too early", n)
	}
	if n := jobs.NewReviews(s.reviewer("2027-12-01"), log).Round(t.Context()); n != 1 {
		t.Fatalf("%d customers were reviewed", n)
	}
	all := s.ratingsOf("C-1")
	if len(all) != 2 || all[0].GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_INTERVAL {
		t.Fatalf("%v", all[0])
	}
	if n := jobs.NewReviews(s.reviewer("2027-12-02"), log).Round(t.Context()); n != 0 {
		t.Fatalf("%d customers were due again on the next day", n)
	}
}
