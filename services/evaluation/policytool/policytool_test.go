package policytool

import (
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
)

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../policy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShippedPoliciesHaveNoDefect(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"default.yaml", "invoices.yaml", "ratios.yaml"} {
		if _, err := Check(name, []byte(readText(t, name))); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// Each defect is named with its line, its column and the reason.
func TestDefectsHaveAPlace(t *testing.T) {
	t.Parallel()
	text := readText(t, "invoices.yaml")
	for _, c := range []struct{ name, from, to, says string }{
		{"syntax", "name: Firms", "name: [Firms", ""},
		{"unknown field", "      weight: \"25\"", "      wieght: \"25\"", "wieght"},
		{"weight of nothing", "weight: \"25\"", "weight: \"0\"", "scorecard.indicators[0].weight: must be above zero"},
		{"band out of reach", "at_least: \"10000000\"", "at_least: \"30000000\"", "scorecard.indicators[0].bands[1].at_least: no value gets here"},
		{"no end", "        - { points: \"10\", otherwise: true }", "        - { points: \"10\", at_most: \"1\" }", "scorecard.indicators[8].bands[3]: the last one"},
		{"grades by at_most", "{ grade: GRADE_B, at_least: \"62\" }", "{ grade: GRADE_B, at_most: \"62\" }", "scorecard.grades[1].at_most: more points are better"},
		{"twice", "INDICATOR_TOP_BUYER_SHARE", "INDICATOR_RETURNS_SHARE", "scorecard.indicators[8].indicator: stands in the scorecard twice"},
		{"invoices that somebody verified", "      missing_points: \"20\"", "      verified_only: true", "scorecard.indicators[5].verified_only: invoices are not verified"},
		{"nothing to grade by", text[strings.Index(text, "dimensions:"):strings.Index(text, "caps:")], "", "at least one dimension or a scorecard"},
		{"limit of nothing", "factor: \"1\"", "factor: \"0\"", "limit.factor: must be above zero"},
		{"scale twice", "review_interval_days: 180", "review_interval_days: 180\nrating_scales:\n  - { agency: X, ratings: [{ rating: A, points: \"1\" }, { rating: A, points: \"2\" }] }", ""},
		{"unknown input", "  factor: \"1\"", "  formula: usual_purchase * 2 + sales", "limit.formula: line 1, column 22 of the formula: undeclared reference to 'sales'"},
		{"floating point", "  factor: \"1\"", "  formula: usual_purchase * 1e2", "limit.formula: line 1, column 18 of the formula: 1e2: write a number in decimals"},
		{"factor and formula", "  factor: \"1\"", "  factor: \"1\"\n  formula: usual_purchase", "limit.factor: the formula gives the limit"},
		{"term of a text", "review_interval_days", "term: { formula: currency }\nreview_interval_days", "term.formula: line 1, column 1 of the formula: the formula must give a number"},
	} {
		broken := strings.Replace(text, c.from, c.to, 1)
		if broken == text {
			t.Fatalf("%s: nothing to break", c.name)
		}
		_, err := Check("p.yaml", []byte(broken))
		e, ok := errs.As(err)
		if !ok || err == nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		v := e.Violations[0]
		place := strings.Split(v.Field, ":")
		if len(place) != 3 || place[0] != "p.yaml" || place[1] == "0" || !strings.Contains(v.Message, c.says) {
			t.Errorf("%s: %s: %s", c.name, v.Field, v.Message)
		}
		// What was written wrong stands in the line that is named.
		if line := strings.Count(text[:strings.Index(text, c.from)], "\n") + 1; c.says != "" && c.to != "" && place[1] != big.NewInt(int64(line)).String() {
			t.Errorf("%s: line %s, not %d", c.name, place[1], line)
		}
	}
}

// What is not written at all has the place where it would belong.
func TestRatingsByOthersNeedAScale(t *testing.T) {
	t.Parallel()
	text := strings.Replace(readText(t, "invoices.yaml"), "INDICATOR_TOP_BUYER_SHARE", "INDICATOR_EXTERNAL_RATING", 1)
	_, err := Check("p.yaml", []byte(text))
	if e, ok := errs.As(err); !ok || len(e.Violations) != 1 || !strings.Contains(e.Violations[0].Message, "rating_scales: external_rating needs") {
		t.Errorf("%v", err)
	}
	scale := "\nrating_scales:\n  - { ratings: [{ rating: AA, points: \"90\" }] }\n"
	if _, err := Check("p.yaml", []byte(text+scale)); err != nil {
		t.Errorf("%v", err)
	}
	_, err = Check("p.yaml", []byte(text+scale+"  - { ratings: [{ rating: B, points: \"90\" }] }\n"))
	if e, ok := errs.As(err); !ok || !strings.Contains(e.Violations[0].Message, "has two scales") {
		t.Errorf("%v", err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	text := readText(t, "invoices.yaml")
	before, err := Check("a", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if same := Diff(before, before); len(same) != 0 {
		t.Errorf("%q", same)
	}
	changed := strings.NewReplacer(`weight: "25"`, `weight: "30"`, `{ grade: GRADE_A, at_least: "80" }`, `{ grade: GRADE_A, at_least: "85" }`,
		"      missing_points: \"20\"\n", "", "unlimited_allowed: false", "unlimited_allowed: true",
		"  factor: \"1\"", "  formula: min(usual_purchase, 500000)").Replace(text)
	after, err := Check("b", []byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"scorecard.indicators[YEARLY_SALES].weight: 25 -> 30", "scorecard.indicators[SALES_GROWTH].missing_points: removed 20",
		"scorecard.grades[A].at_least: 80 -> 85", "unlimited_allowed: added true",
		"limit.factor: removed 1", "limit.formula: added min(usual_purchase, 500000)",
	}
	got := Diff(before, after)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func rated(grade string, score int64, bad bool) Rated {
	return Rated{Grade: grade, Score: big.NewRat(score, 1), Bad: bad}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	v := Validate([]Rated{
		rated("A", 90, false), rated("A", 80, true), rated("B", 70, false), rated("B", 60, false), rated("D", 10, true), {Grade: "", Bad: true},
	})
	// By score, of 2 x 3 pairs the bad one ranks worse in 3 (10) + 1 (80 below 90).
	if v.ByScore.AUC.RatString() != "2/3" || v.ByScore.KS.RatString() != "1/2" {
		t.Errorf("by score %v %v", v.ByScore.AUC, v.ByScore.KS)
	}
	// By grade: D below all three, A ties with one A: 3 + 1/2 of 6.
	if v.ByGrade.AUC.RatString() != "7/12" || v.Ungraded != 1 || v.Customers != 6 || v.Bad != 3 {
		t.Errorf("by grade %v of %+v", v.ByGrade.AUC, v)
	}
	if len(v.Warnings) != 1 || v.Warnings[0] != "grade A defaults more (50.0 %) than grade B (0.0 %)" {
		t.Errorf("%q", v.Warnings)
	}
	var b strings.Builder
	if err := v.Print(&b); err != nil || !strings.Contains(b.String(), "by score: AUC 0.6667, Kolmogorov-Smirnov 0.5000") ||
		!strings.Contains(b.String(), "1 not graded") || !strings.Contains(b.String(), "warning: grade A defaults more") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if only := Validate([]Rated{rated("A", 1, true)}); only.ByGrade != nil || only.ByScore != nil {
		t.Errorf("%+v", only)
	}
}

// The area is what counting all pairs gives, lies between 0 and 1, and turns round with the order.
func TestPowerCountsPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all, turned []ranked
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			value, bad := rapid.Int64Range(0, 5).Draw(t, "value"), rapid.Bool().Draw(t, "bad")
			all = append(all, ranked{big.NewRat(value, 1), bad})
			turned = append(turned, ranked{big.NewRat(-value, 1), bad})
		}
		pairs, half := int64(0), int64(0)
		for _, b := range all {
			for _, g := range all {
				if !b.bad || g.bad {
					continue
				}
				pairs++
				half += int64(1 - b.value.Cmp(g.value))
			}
		}
		p, q := power(all), power(turned)
		if pairs == 0 {
			if p != nil {
				t.Fatal("power of nothing")
			}
			return
		}
		if p.AUC.Cmp(big.NewRat(half, 2*pairs)) != 0 || new(big.Rat).Add(p.AUC, q.AUC).Cmp(big.NewRat(1, 1)) != 0 || p.KS.Cmp(q.KS) != 0 {
			t.Fatalf("%v %v", p, q)
		}
	})
}
