package evaluation_test

import (
	"os"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

const onceMedian = "  usual_purchase: USUAL_PURCHASE_MEDIAN\n"

// Invariant 52. What a policy's conventions say holds where a rule says nothing, and nowhere else.
func TestConventions(t *testing.T) {
	t.Parallel()
	c := readCase(t, "testdata/cases/good_customer.yaml")
	const debtRule = "        missing: MISSING_RULE_IGNORE\n        max_age_days: 550\n        verified_only: true\n"
	unsaid := "        verified_only: true\n"
	for about, x := range map[string]struct {
		conventions string
		debt        string
		want        string
		days        int
		items       int64
	}{
		"nothing said fails":            {"", unsaid, "fail", 0, 0},
		"ignored by convention":         {"conventions: { missing: CONVENTION_MISSING_IGNORE }\n", unsaid, "ignore", 0, 0},
		"too old by convention":         {"conventions: { max_age_days: 400, min_items: 5 }\n", unsaid, "fail", 400, 5},
		"the rule's own goes first":     {"conventions: { missing: CONVENTION_MISSING_FAIL, max_age_days: 400 }\n", debtRule, "ignore", 550, 0},
		"an indicator of no payments":   {"conventions: { min_items: 5 }\n", debtRule, "ignore", 550, 5},
		"and of payments keeps its own": {"conventions: { min_items: 1 }\n", debtRule, "ignore", 550, 1},
	} {
		p := builtInWith(t, debtRule, x.debt, "unlimited_allowed:", x.conventions+"unlimited_allowed:")
		debt, rate, promises := p.Dimensions[1].Rules[0], p.Dimensions[0].Rules[0], p.Dimensions[0].Rules[3]
		if string(debt.Missing) != x.want || debt.MaxAgeDays != x.days || debt.MinItems != 0 || rate.MinItems != 3 || promises.MinItems != x.items {
			t.Errorf("%s: %+v", about, debt)
		}
	}
	// It is what ratings go by: nothing is known of the ability to pay.
	in := c.Inputs
	in.Facts = nil
	for conventions, want := range map[string]string{"": "D", "conventions: { missing: CONVENTION_MISSING_IGNORE }\n": "A"} {
		rec, err := rating.Rate(in, builtInWith(t, debtRule, unsaid, "unlimited_allowed:", conventions+"unlimited_allowed:"))
		must(t, err)
		if string(rec.Result.Grade) != want {
			t.Errorf("%q: %s", conventions, rec.Result.Reason)
		}
	}
}

// Limits are whole steps where the conventions say so, before the cap; the rating says how it came to it.
func TestLimitsInSteps(t *testing.T) {
	t.Parallel()
	c := readCase(t, "testdata/cases/good_customer.yaml")
	c.Inputs.Payment.InvoiceMinor = []int64{1_000_00, 2_000_00, 7_499_99, 7_500_00, 9_000_00}
	for about, x := range map[string]struct {
		usual, conventions, limit, says string
	}{
		"median":                 {onceMedian, "", "7499.99", "median of 5"},
		"percentile 80":          {"  usual_purchase: USUAL_PURCHASE_PERCENTILE\n  percentile: 80\n", "", "7500.00", "percentile 80 of 5"},
		"percentile 81":          {"  usual_purchase: USUAL_PURCHASE_PERCENTILE\n  percentile: 81\n", "", "9000.00", "percentile 81 of 5"},
		"percentile 1":           {"  usual_purchase: USUAL_PURCHASE_PERCENTILE\n  percentile: 1\n", "", "1000.00", "percentile 1 of 5"},
		"down":                   {onceMedian, `conventions: { limit_step: "1000" }`, "7000.00", "= 7499.99 CNY; rounded down to steps of 1000: 7000.00 CNY"},
		"half up":                {onceMedian, `conventions: { limit_step: "1000", limit_rounding: LIMIT_ROUNDING_HALF_UP }`, "7000.00", "rounded half up to steps of 1000"},
		"half up from the half":  {"  usual_purchase: USUAL_PURCHASE_PERCENTILE\n  percentile: 80\n", `conventions: { limit_step: "1000", limit_rounding: LIMIT_ROUNDING_HALF_UP }`, "8000.00", ""},
		"below one step is none": {onceMedian, `conventions: { limit_step: "10000" }`, "0.00", ""},
		"the cap holds":          {"  cap: \"6500\"\n" + onceMedian, `conventions: { limit_step: "1000" }`, "6500.00", "at most the cap"},
	} {
		rec, err := rating.Rate(c.Inputs, builtInWith(t, onceMedian, x.usual, "unlimited_allowed:", x.conventions+"\nunlimited_allowed:"))
		must(t, err)
		if r := rec.Result; r.Limit == nil || r.Limit.String() != x.limit || !strings.Contains(r.LimitExplanation, x.says) {
			t.Errorf("%s: %v, %s", about, r.Limit, r.LimitExplanation)
		}
		if v := rating.Assess(&c.Inputs, ptrTo(builtInWith(t, onceMedian, x.usual, "unlimited_allowed:", x.conventions+"\nunlimited_allowed:"))); v.Limit.String() != x.limit {
			t.Errorf("%s in a portfolio run: %v", about, v.Limit)
		}
	}
}

func ptrTo(p criteria.Policy) *criteria.Policy { return &p }

// What cannot be meant is refused with its field.
func TestConventionsAreChecked(t *testing.T) {
	t.Parallel()
	s := start(t)
	text, err := os.ReadFile("policy/default.yaml")
	must(t, err)
	for field, change := range map[string][2]string{
		"conventions.limit_step":  {"unlimited_allowed:", "conventions: { limit_rounding: LIMIT_ROUNDING_DOWN }\nunlimited_allowed:"},
		"limit.percentile":        {onceMedian, "  usual_purchase: USUAL_PURCHASE_PERCENTILE\n"},
		"conventions.limit_step ": {"unlimited_allowed:", "conventions: { limit_step: \"0\" }\nunlimited_allowed:"},
		"conventions.missing":     {"unlimited_allowed:", "conventions: { missing: 7 }\nunlimited_allowed:"},
	} {
		yaml := strings.Replace(string(text), change[0], change[1], 1)
		_, err := s.policies().CreateEvaluationPolicy(as(credit), &evaluationv1.CreateEvaluationPolicyRequest{
			RequestId: s.rid(), Source: &evaluationv1.CreateEvaluationPolicyRequest_Yaml{Yaml: yaml},
		})
		refused(t, err, errs.Invalid, policy.ReasonInvalid)
		if !strings.Contains(err.Error(), strings.TrimSpace(field)) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
