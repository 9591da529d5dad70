package evaluation_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

// A policy is tried without a trace; signed, it gives what the trial said, item by item, and the record replays.
func TestTryPolicy(t *testing.T) {
	t.Parallel()
	s := start(t)
	text, err := os.ReadFile("policy/invoices.yaml")
	must(t, err)
	s.customer("C-1")
	s.customer("C-2")
	_, err = s.record(as(analyst), "C-1", &evaluationv1.InvoiceBatch{AsOfDate: "2026-02-28", Invoices: []*evaluationv1.TaxInvoice{
		invoiceOf("2026-02-05", "B", "10.00"), invoiceOf("2026-02-20", "C", "30.00"),
	}})
	must(t, err)
	trials := evaluationv1.NewPolicyTrialServiceClient(s.conn)
	try := func(yaml string, ids ...string) (*evaluationv1.TryEvaluationPolicyResponse, error) {
		return trials.TryEvaluationPolicy(as(credit), &evaluationv1.TryEvaluationPolicyRequest{
			Source: &evaluationv1.TryEvaluationPolicyRequest_Yaml{Yaml: yaml}, CustomerIds: ids,
		})
	}
	tried, err := try(string(text), "C-1", "C-2")
	must(t, err)
	one, two := tried.GetRatings()[0], tried.GetRatings()[1]
	// Of a weight of 100: activity 20 x 100, void 15 x 100, returns 4 x 100, top buyer 3 x 40, growth, which is missing, 8 x 20.
	if one.GetScore() != "41.8" || one.GetGrade() != evaluationv1.Grade_GRADE_D ||
		!slices.Equal(one.GetMissing(), []string{"sales_growth", "sales_volatility", "yearly_sales"}) {
		t.Errorf("%v", one)
	}
	if two.GetGrade() != evaluationv1.Grade_GRADE_D || len(two.GetMissing()) != 9 {
		t.Errorf("nothing known: %v", two)
	}
	none, err := s.ratings().ListRatings(as(credit), &evaluationv1.ListRatingsRequest{CustomerId: "C-1"})
	must(t, err)
	if len(none.GetRatings()) != 0 {
		t.Errorf("the trial left %d ratings", len(none.GetRatings()))
	}
	_, err = try(string(text), "C-1", "C-3")
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
	_, err = try(strings.Replace(string(text), "weight: \"25\"", "weight: \"0\"", 1), "C-1")
	refused(t, err, errs.Invalid, "POLICY_INVALID")

	policies := evaluationv1.NewEvaluationPolicyServiceClient(s.conn)
	draft, err := policies.CreateEvaluationPolicy(as(credit), &evaluationv1.CreateEvaluationPolicyRequest{
		RequestId: s.rid(), Source: &evaluationv1.CreateEvaluationPolicyRequest_Yaml{Yaml: string(text)},
	})
	must(t, err)
	_, err = policies.SignEvaluationPolicy(as(boss), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: draft.GetVersion().GetVersion()})
	must(t, err)
	got := s.rate("C-1").GetRating()
	if got.GetScorecard().GetScore() != one.GetScore() || got.GetGrade() != one.GetGrade() || got.GetDeciding() != one.GetDeciding() {
		t.Errorf("tried %v, rated %v", one, got)
	}
	if item := got.GetScorecard().GetItems()[1]; item.GetIndicator().GetName() != "activity_gap" || item.GetIndicator().GetValue() != "8" ||
		item.GetPoints() != "100" || item.GetWeight() != "20" || !slices.Equal(item.GetIndicator().GetFactIds(), []string{"invoices.1"}) {
		t.Errorf("%v", item)
	}
	replay, err := s.ratings().ReplayRating(as(credit), &evaluationv1.ReplayRatingRequest{RatingId: got.GetRatingId()})
	must(t, err)
	if !replay.GetIdentical() {
		t.Errorf("%s\n%s", replay.GetRecorded(), replay.GetRecomputed())
	}
	if again := s.rate("C-1"); !again.GetUnchanged() {
		t.Error("the same invoices gave a new rating")
	}
}
