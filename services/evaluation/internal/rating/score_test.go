package rating

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

func atLeast(g grade.Grade, v string) criteria.Threshold {
	return criteria.Threshold{Grade: g, Bound: criteria.AtLeast, Value: decimal(v), Text: v}
}

func otherwise(g grade.Grade) criteria.Threshold {
	return criteria.Threshold{Grade: g, Bound: criteria.Otherwise}
}

func band(points string, bound criteria.Threshold) criteria.Band {
	return criteria.Band{Points: decimal(points), Text: points, Bound: bound}
}

// card weighs the current ratio 3 and the return on assets 1.
func card(missing criteria.Missing) *criteria.Scorecard {
	return &criteria.Scorecard{
		Rules: []criteria.ScoreRule{
			{
				Indicator: criteria.CurrentRatio, Weight: big.NewRat(3, 1), WeightText: "3", Missing: missing, MissingValue: decimal("1"), MissingText: "1",
				Bands: []criteria.Band{band("100", atLeast("", "2")), band("50", atLeast("", "1")), band("0", otherwise(""))},
			},
			{
				Indicator: criteria.ReturnOnAssets, Weight: big.NewRat(1, 1), WeightText: "1", Missing: missing, MissingValue: decimal("0.1"), MissingText: "0.1",
				Bands: []criteria.Band{band("80", atLeast("", "0.1")), band("10", otherwise(""))},
			},
		},
		Grades: []criteria.Threshold{atLeast(grade.A, "75"), atLeast(grade.B, "40"), atLeast(grade.C, "20"), otherwise(grade.D)},
	}
}

func known(current, returns, debt string) Inputs {
	day := calendar.MustDate("2026-03-02")
	in := Inputs{CustomerID: "C", Sequence: 1, Date: day, Currency: "CNY", Trigger: OnDemand}
	if r := (fact.Ratios{CurrentRatio: current, NetProfitToAssets: returns, DebtToAssets: debt}); r != (fact.Ratios{}) {
		in.Facts = []fact.Fact{{ID: "F-1", AsOf: day, Content: fact.Content{Ratios: &r}}}
	}
	return in
}

// debtDimension grades A up to a debt ratio of 0.5, else C; unknown it does not count.
func debtDimension() []criteria.Dimension {
	return []criteria.Dimension{{Name: "debt", Rules: []criteria.Rule{{
		Indicator: criteria.DebtToAssetRatio, Missing: criteria.Ignore, Thresholds: []criteria.Threshold{
			{Grade: grade.A, Bound: criteria.AtMost, Value: decimal("0.5"), Text: "0.5"}, otherwise(grade.C),
		},
	}}}}
}

// Invariant 21.
func TestScorecard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		in                     Inputs
		missing                criteria.Missing
		dims                   []criteria.Dimension
		score, grade, deciding string
	}{
		{"weighted mean", known("2", "0.1", ""), criteria.Fail, nil, "95", "A", "scorecard"},
		{"a bound belongs to the better band", known("1", "0.1", ""), criteria.Fail, nil, "57.5", "B", "scorecard"},
		{"missing gets the fewest points", known("", "0.1", ""), criteria.Fail, nil, "20", "C", "scorecard"},
		{"missing is left out with its weight", known("", "0.1", ""), criteria.Ignore, nil, "80", "A", "scorecard"},
		{"a value stands in", known("", "", "0.1"), criteria.Default, nil, "57.5", "B", "scorecard"},
		{"nothing known, nothing graded", known("", "", ""), criteria.Ignore, nil, "", "", ""},
		{"the dimension is lower", known("2", "0.1", "0.6"), criteria.Fail, debtDimension(), "95", "C", "debt/debt_to_asset_ratio"},
		{"the scorecard is lower", known("1", "0.1", "0.4"), criteria.Fail, debtDimension(), "57.5", "B", "scorecard"},
		{"only the dimension grades", known("", "", "0.4"), criteria.Ignore, debtDimension(), "", "A", "debt/debt_to_asset_ratio"},
	} {
		rec, err := Rate(c.in, criteria.Policy{Dimensions: c.dims, Scorecard: card(c.missing)})
		if err != nil {
			t.Fatal(err)
		}
		r := rec.Result
		if r.Scorecard.Score != c.score || string(r.Grade) != c.grade || r.Deciding != c.deciding {
			t.Errorf("%s: %q %q %q", c.name, r.Scorecard.Score, r.Grade, r.Deciding)
		}
		if c.deciding == "scorecard" && !strings.Contains(r.Reason, "scorecard = "+c.score+" points") {
			t.Errorf("%s: %s", c.name, r.Reason)
		}
		if (r.Grade != grade.A) != (len(r.Improvements) > 0) {
			t.Errorf("%s: improvements %q", c.name, r.Improvements)
		}
	}
}

// Invariants 5, 21 and 22: the lower of both forms; a better value never lowers the score; the same bytes again.
func TestScorecardIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) int { return rapid.IntRange(-50, 300).Draw(t, name) }
		hundredth := func(n int) string { return big.NewRat(int64(n), 100).FloatString(2) }
		current, more := draw("current"), rapid.IntRange(0, 200).Draw(t, "more")
		returns, debt := hundredth(draw("returns")), hundredth(draw("debt"))
		p := criteria.Policy{Dimensions: debtDimension(), Scorecard: card(criteria.Fail)}
		low := rated(t, known(hundredth(current), returns, debt), p)
		high := rated(t, known(hundredth(current+more), returns, debt), p)
		if decimal(high.Scorecard.Score).Cmp(decimal(low.Scorecard.Score)) < 0 || high.Grade.WorseThan(low.Grade) {
			t.Fatalf("a better ratio: from %s %s to %s %s", low.Scorecard.Score, low.Grade, high.Scorecard.Score, high.Grade)
		}
		for _, r := range []Result{low, high} {
			if r.Scorecard.Grade.WorseThan(r.Grade) || r.Dimensions[0].Grade.WorseThan(r.Grade) {
				t.Fatalf("%s is above %s or %s", r.Grade, r.Scorecard.Grade, r.Dimensions[0].Grade)
			}
		}
	})
}

func rated(t *rapid.T, in Inputs, p criteria.Policy) Result {
	rec, err := Rate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	first, err := rec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Rate(parsed.Inputs, p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Bytes()
	if err != nil || !bytes.Equal(first, second) {
		t.Fatal(fmt.Errorf("%w: replay gave other bytes", err))
	}
	return rec.Result
}
