package rating

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
)

// world is a customer whose every figure can be set: ratios as reported, the payment
// record, and what courts and others say.
type world struct {
	ratios  map[criteria.Indicator]string
	payment payment.Record
	facts   []fact.Fact
	// later is the bad news itself, where what it is compared with had to be set up before.
	later func(w *world)
}

// reportable are the indicators that reported ratios tell as they are.
func reportable() []criteria.Indicator {
	return []criteria.Indicator{criteria.DebtToAssetRatio, criteria.CurrentRatio, criteria.CashFlowToDebt, criteria.InterestCover, criteria.ReturnOnAssets}
}

// lessIsBetter are the indicators of a bad thing.
func lessIsBetter(i criteria.Indicator) bool {
	switch i {
	case criteria.DebtToAssetRatio, criteria.DefaultsWithUs, criteria.LongestDaysLate, criteria.OldestOverdueDays, criteria.BrokenPromises,
		criteria.OpenSuits, criteria.OpenEnforcements, criteria.BanksOverdue, criteria.ReferenceDaysLate, criteria.AverageDaysLate,
		criteria.RiskyVentureShare, criteria.ConsecutiveLosses:
		return true
	default:
		return false
	}
}

func today() calendar.Date { return calendar.MustDate("2026-03-02") }

func (w world) inputs() Inputs {
	in := Inputs{CustomerID: "C", Sequence: 1, Date: today(), Currency: "CNY", Trigger: OnDemand, Payment: w.payment, Facts: slices.Clone(w.facts)}
	r := fact.Ratios{
		DebtToAssets: w.ratios[criteria.DebtToAssetRatio], CurrentRatio: w.ratios[criteria.CurrentRatio], CashFlowToDebt: w.ratios[criteria.CashFlowToDebt],
		InterestCover: w.ratios[criteria.InterestCover], NetProfitToAssets: w.ratios[criteria.ReturnOnAssets],
	}
	if r != (fact.Ratios{}) {
		in.Facts = append(in.Facts, fact.Fact{ID: "R", Sequence: 1000, AsOf: today(), Content: fact.Content{Ratios: &r}})
	}
	return in
}

// set makes an indicator have a value.
func (w *world) set(t *rapid.T, i criteria.Indicator, value string) {
	n := int64(0)
	if v, ok := new(big.Rat).SetString(value); ok && v.IsInt() {
		n = v.Num().Int64()
	}
	switch i {
	case criteria.DefaultsWithUs:
		w.payment.Defaults = n
	case criteria.LongestDaysLate:
		w.payment.LongestDaysLate = int(n)
	case criteria.OldestOverdueDays:
		w.payment.OldestOverdueDays = int(n)
	case criteria.BrokenPromises:
		w.payment.BrokenPromises = &n
	default:
		if !slices.Contains(reportable(), i) {
			t.Fatalf("%s cannot be set", i)
		}
		w.ratios[i] = value
	}
}

func settable() []criteria.Indicator {
	return append(reportable(), criteria.DefaultsWithUs, criteria.LongestDaysLate, criteria.OldestOverdueDays, criteria.BrokenPromises)
}

func hundredths(n int) string { return big.NewRat(int64(n), 100).FloatString(2) }

// drawValue is a whole number for counts and days, else hundredths.
func drawValue(t *rapid.T, i criteria.Indicator) string {
	n := rapid.IntRange(0, 12).Draw(t, string(i))
	if i.Unit() == "ratio" {
		return hundredths(n * 25)
	}
	return fmt.Sprint(n)
}

func drawWorld(t *rapid.T) world {
	w := world{ratios: map[criteria.Indicator]string{}, payment: payment.Record{FirstInvoice: today().AddMonths(-30, 0), SettledItems: 5, LateAmountDays: "0"}}
	for _, i := range settable() {
		if rapid.IntRange(0, 3).Draw(t, "known") > 0 {
			w.set(t, i, drawValue(t, i))
		}
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "facts") {
		w.facts = append(w.facts, drawFinding(t, n))
	}
	return w
}

func drawFinding(t *rapid.T, n int) fact.Fact {
	bad := rapid.Bool().Draw(t, "bad")
	c := rapid.SampledFrom([]fact.Content{
		{Litigation: &fact.Litigation{Open: bad}}, {Enforcement: &fact.Enforcement{Open: bad}}, {Enforcement: &fact.Enforcement{Dishonest: bad}},
		{Bank: &fact.Bank{Bank: fmt.Sprint("bank ", n), Overdue: bad}}, {Visit: &fact.Visit{Operating: !bad}},
		{Reference: &fact.Reference{Referee: fmt.Sprint("supplier ", n), PaysAsAgreed: !bad, AverageDaysLate: 10 * n}},
		{Venture: &fact.Venture{ShareOfAssets: hundredths(5 * n)}}, ratedAs("X", 12-4*n), ratedAs("Y", 3*n),
	}).Draw(t, "finding")
	return fact.Fact{ID: fmt.Sprint("F-", n), Sequence: int64(n + 1), AsOf: today().AddDays(-n), Content: c}
}

// bounds are falling or rising in the indicator's direction.
func drawBounds(t *rapid.T, i criteria.Indicator, n int) []criteria.Threshold {
	values := rapid.SliceOfNDistinct(rapid.IntRange(0, 12), n, n, rapid.ID[int]).Draw(t, "bounds")
	slices.Sort(values)
	bound := criteria.AtMost
	if !lessIsBetter(i) {
		slices.Reverse(values)
		bound = criteria.AtLeast
	}
	out := make([]criteria.Threshold, n)
	for k, v := range values {
		text := fmt.Sprint(v)
		if i.Unit() == "ratio" {
			text = hundredths(v * 25)
		}
		out[k] = criteria.Threshold{Bound: bound, Value: decimal(text), Text: text}
	}
	return out
}

func drawMissing(t *rapid.T) criteria.Missing {
	return rapid.SampledFrom([]criteria.Missing{criteria.Fail, criteria.Ignore}).Draw(t, "missing")
}

// scale says that R0 is worth nothing and R12 is worth 12 points, whoever rates.
func scale() []criteria.Scale {
	points := map[string]*big.Rat{}
	for n := range int64(13) {
		points[fmt.Sprint("R", n)] = whole(n)
	}
	return []criteria.Scale{{Points: points}}
}

func ratedAs(agency string, n int) fact.Content {
	return fact.Content{ExternalRating: &fact.ExternalRating{Agency: agency, Rating: fmt.Sprint("R", n)}}
}

// year is a statement of a year that tells the profit and nothing else.
func year(n int, profit int64) fact.Fact {
	end, p := calendar.MustDate("2025-12-31").AddMonths(-12*n, 0), money.New(profit, "CNY")
	return fact.Fact{ID: fmt.Sprint("S-", n), Sequence: int64(100 - n), AsOf: end, Content: fact.Content{Statement: &fact.Statement{PeriodEnd: end, NetProfit: &p}}}
}

func drawRule(t *rapid.T, i criteria.Indicator) criteria.Rule {
	grades := rapid.SampledFrom([][]grade.Grade{
		{grade.A, grade.B, grade.C, grade.D}, {grade.A, grade.C}, {grade.B, grade.D}, {grade.A, grade.D},
	}).Draw(t, "grades")
	r := criteria.Rule{Indicator: i, Missing: drawMissing(t), MissingGrade: grade.D, Scales: scale()}
	for k, b := range append(drawBounds(t, i, len(grades)-1), criteria.Threshold{Bound: criteria.Otherwise}) {
		b.Grade = grades[k]
		r.Thresholds = append(r.Thresholds, b)
	}
	return r
}

func drawScoreRule(t *rapid.T, i criteria.Indicator) criteria.ScoreRule {
	n := rapid.IntRange(1, 3).Draw(t, "bands")
	weight := int64(rapid.IntRange(1, 5).Draw(t, "weight"))
	r := criteria.ScoreRule{Indicator: i, Weight: big.NewRat(weight, 1), WeightText: fmt.Sprint(weight), Missing: drawMissing(t), Scales: scale()}
	for k, b := range append(drawBounds(t, i, n), criteria.Threshold{Bound: criteria.Otherwise}) {
		points := fmt.Sprint(100 * (n - k) / n)
		r.Bands = append(r.Bands, criteria.Band{Bound: b, Points: decimal(points), Text: points})
	}
	return r
}

func drawPolicy(t *rapid.T, indicators []criteria.Indicator) criteria.Policy {
	pick := func() []criteria.Indicator {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(indicators), 1, 4, rapid.ID[criteria.Indicator]).Draw(t, "indicators")
	}
	p := criteria.Policy{Caps: []criteria.Cap{
		{Name: "sued", Condition: criteria.SuedByOthers, Best: grade.C}, {Name: "enforced", Condition: criteria.Enforced, Best: grade.C},
		{Name: "dishonest", Condition: criteria.DishonestDebtor, Best: grade.D}, {Name: "bank", Condition: criteria.OverdueWithBank, Best: grade.B},
		{Name: "deserted", Condition: criteria.NotOperating, Best: grade.B}, {Name: "closed", Condition: criteria.Closed, Best: grade.D},
	}}
	for n := range rapid.IntRange(0, 3).Draw(t, "dimensions") {
		d := criteria.Dimension{Name: fmt.Sprint("d", n)}
		for _, i := range pick() {
			d.Rules = append(d.Rules, drawRule(t, i))
		}
		p.Dimensions = append(p.Dimensions, d)
	}
	if len(p.Dimensions) == 0 || rapid.Bool().Draw(t, "scorecard") {
		p.Scorecard = &criteria.Scorecard{Grades: []criteria.Threshold{atLeast(grade.A, "80"), atLeast(grade.B, "55"), atLeast(grade.C, "30"), otherwise(grade.D)}}
		for _, i := range pick() {
			p.Scorecard.Rules = append(p.Scorecard.Rules, drawScoreRule(t, i))
		}
	}
	return p
}

// Invariant 36: what is said to lift the grade does lift it, whatever the policy and the customer are.
func TestWhatIsSaidToRaiseDoes(t *testing.T) {
	t.Parallel()
	raised := 0
	rapid.Check(t, func(t *rapid.T) {
		p, w := drawPolicy(t, settable()), drawWorld(t)
		in := w.inputs()
		in.Closed = rapid.IntRange(0, 9).Draw(t, "closed") == 0
		before := rated(t, in, p)
		if before.Raise == nil {
			if before.Grade.WorseThan(grade.A) {
				t.Fatalf("%s, and nothing raises it", before.Grade)
			}
			return
		}
		if len(before.Raise.Needs) == 0 || !before.Grade.WorseThan(before.Raise.To) {
			t.Fatalf("%s: %+v", before.Grade, before.Raise)
		}
		if slices.ContainsFunc(before.Raise.Needs, func(n Need) bool { return n.Kind == NeedPolicy }) {
			return // no value lifts it
		}
		closed := in.Closed
		for _, n := range before.Raise.Needs {
			if closed = closed && n.Name != "closed"; n.Kind == NeedCapEnd {
				w.end(n)
			}
		}
		for i, value := range targets(before.Raise.Needs) {
			w.set(t, i, value)
		}
		in = w.inputs()
		in.Closed = closed
		if after := rated(t, in, p); after.Grade.WorseThan(before.Raise.To) {
			t.Fatalf("%s was to become %s by %+v, and is %s: %s", before.Grade, before.Raise.To, before.Raise.Needs, after.Grade, after.Reason)
		}
		raised++
	})
	if raised == 0 {
		t.Error("nothing was raised")
	}
}

// targets are the values that the needs ask for, the strictest of each indicator; what need
// only be known becomes something.
func targets(needs []Need) map[criteria.Indicator]string {
	out := map[criteria.Indicator]string{}
	slices.SortStableFunc(needs, func(a, b Need) int { return strings.Compare(string(a.Bound), string(b.Bound)) }) // otherwise comes last
	for _, n := range needs {
		i := criteria.Indicator(n.Name)
		had, ok := out[i]
		switch {
		case n.Bound == criteria.Otherwise && !ok:
			out[i] = "5"
		case n.Target == "":
		case !ok || n.Bound == criteria.AtMost && decimal(n.Target).Cmp(decimal(had)) < 0 || n.Bound == criteria.AtLeast && decimal(n.Target).Cmp(decimal(had)) > 0:
			out[i] = n.Target
		}
	}
	return out
}

// end makes the facts of a cap good news.
func (w *world) end(n Need) {
	for i, f := range w.facts {
		if !slices.Contains(n.FactIDs, f.ID) {
			continue
		}
		c := f.Content
		switch {
		case c.Litigation != nil:
			c.Litigation = &fact.Litigation{}
		case c.Enforcement != nil:
			c.Enforcement = &fact.Enforcement{}
		case c.Bank != nil:
			c.Bank = &fact.Bank{Bank: c.Bank.Bank}
		case c.Visit != nil:
			c.Visit = &fact.Visit{Operating: true}
		}
		w.facts[i].Content = c
	}
}

// Invariant 1 and 2: the grade is above no dimension, no scorecard and no cap that holds.
func TestGradeIsAboveNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, w := drawPolicy(t, append(settable(), criteria.OpenSuits, criteria.OpenEnforcements, criteria.BanksOverdue)), drawWorld(t)
		r := rated(t, w.inputs(), p)
		for _, d := range r.Dimensions {
			if d.Grade.WorseThan(r.Grade) {
				t.Fatalf("%s is above dimension %s, %s", r.Grade, d.Name, d.Grade)
			}
			for _, i := range d.Indicators {
				if i.Grade.WorseThan(d.Grade) {
					t.Fatalf("dimension %s, %s, is above %s, %s", d.Name, d.Grade, i.Name, i.Grade)
				}
			}
		}
		if r.Scorecard != nil && r.Scorecard.Grade.WorseThan(r.Grade) {
			t.Fatalf("%s is above the scorecard, %s", r.Grade, r.Scorecard.Grade)
		}
		for _, c := range r.Caps {
			if c.Holds && (c.Grade.WorseThan(r.Grade) || r.Grade == grade.None) {
				t.Fatalf("%s is above cap %s, %s", r.Grade, c.Name, c.Grade)
			}
		}
		if r.Grade != grade.None && r.Deciding == "" {
			t.Fatalf("%s, and nothing decided", r.Grade)
		}
	})
}

// badNews are the ways in which a customer gets worse, and nothing else changes.
func badNews() map[string]func(t *rapid.T, w *world) {
	add := func(c func(t *rapid.T) fact.Content) func(*rapid.T, *world) {
		return func(t *rapid.T, w *world) {
			n := len(w.facts)
			w.facts = append(w.facts, fact.Fact{ID: fmt.Sprint("F-", n), Sequence: int64(n + 1), AsOf: today(), Content: c(t)})
		}
	}
	more := func(n int, t *rapid.T) int { return n + rapid.IntRange(1, 20).Draw(t, "more") }
	worse := func(i criteria.Indicator, sign int) func(*rapid.T, *world) {
		return func(t *rapid.T, w *world) {
			if w.ratios[i] == "" {
				return // becoming known is no bad news by itself
			}
			v := decimal(w.ratios[i])
			w.ratios[i] = v.Add(v, big.NewRat(int64(sign*more(0, t)), 10)).FloatString(2)
		}
	}
	return map[string]func(*rapid.T, *world){
		"another open suit":   add(func(*rapid.T) fact.Content { return fact.Content{Litigation: &fact.Litigation{Open: true}} }),
		"an open judgement":   add(func(*rapid.T) fact.Content { return fact.Content{Enforcement: &fact.Enforcement{Open: true}} }),
		"a dishonest debtor":  add(func(*rapid.T) fact.Content { return fact.Content{Enforcement: &fact.Enforcement{Dishonest: true}} }),
		"overdue with a bank": add(func(*rapid.T) fact.Content { return fact.Content{Bank: &fact.Bank{Bank: "another", Overdue: true}} }),
		"a deserted place":    add(func(*rapid.T) fact.Content { return fact.Content{Visit: &fact.Visit{}} }),
		"a bad reference": add(func(t *rapid.T) fact.Content {
			return fact.Content{Reference: &fact.Reference{Referee: "another", AverageDaysLate: more(0, t)}}
		}),
		"another venture": add(func(t *rapid.T) fact.Content {
			return fact.Content{Venture: &fact.Venture{ShareOfAssets: hundredths(more(0, t))}}
		}),
		"an agency lowers its rating": func(t *rapid.T, w *world) {
			lowest := 12
			for _, f := range w.facts {
				if r := f.Content.ExternalRating; r != nil && r.Agency == "X" {
					lowest = int(criteria.PointsOf(scale(), "X", r.Rating).Num().Int64())
					break // the newest comes first
				}
			}
			add(func(t *rapid.T) fact.Content { return ratedAs("X", max(0, lowest-more(0, t))) })(t, w)
		},
		"another agency rates it": add(func(t *rapid.T) fact.Content { return ratedAs("Z", rapid.IntRange(0, 12).Draw(t, "points")) }),
		"a year of loss": func(t *rapid.T, w *world) {
			profits := rapid.SliceOfN(rapid.SampledFrom([]int64{-5, 0, 5}), 1, 3).Draw(t, "profits")
			w.later = func(w *world) { w.facts = append(w.facts, year(0, -1)) }
			for n, p := range profits {
				w.facts = append(w.facts, year(n+1, p))
			}
		},
		"more defaults":        func(t *rapid.T, w *world) { w.payment.Defaults = int64(more(int(w.payment.Defaults), t)) },
		"an invoice paid late": func(t *rapid.T, w *world) { w.payment.LongestDaysLate = more(w.payment.LongestDaysLate, t) },
		"older overdue":        func(t *rapid.T, w *world) { w.payment.OldestOverdueDays = more(w.payment.OldestOverdueDays, t) },
		"a broken promise": func(t *rapid.T, w *world) {
			if w.payment.BrokenPromises != nil {
				n := int64(more(int(*w.payment.BrokenPromises), t))
				w.payment.BrokenPromises = &n
			}
		},
		"less was collected": func(t *rapid.T, w *world) {
			w.payment.Collected.Minor = max(0, w.payment.Collected.Minor-int64(more(0, t)))
		},
		"later on average": func(t *rapid.T, w *world) {
			w.payment.LateAmountDays = fmt.Sprint(decimal(w.payment.LateAmountDays).Num().Int64() + int64(more(0, t)))
		},
		"more debts":       worse(criteria.DebtToAssetRatio, 1),
		"less liquid":      worse(criteria.CurrentRatio, -1),
		"less cash flow":   worse(criteria.CashFlowToDebt, -1),
		"interest presses": worse(criteria.InterestCover, -1),
		"less profit":      worse(criteria.ReturnOnAssets, -1),
	}
}

// Invariant 37: more bad news never raises a grade, whatever kind it is of and whatever is known.
func TestBadNewsNeverRaises(t *testing.T) {
	t.Parallel()
	for name, happen := range badNews() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				indicators := append(settable(), criteria.OpenSuits, criteria.OpenEnforcements, criteria.BanksOverdue, criteria.ReferencesAsAgreed,
					criteria.ReferenceDaysLate, criteria.OperatingAtVisit, criteria.RiskyVentureShare, criteria.CollectionRate, criteria.AverageDaysLate,
					criteria.ConsecutiveLosses, criteria.ExternalRating)
				p, w := drawPolicy(t, indicators), drawWorld(t)
				// What is bad in itself gets the worst where it is missing, or is left out: that it becomes known never helps.
				w.payment.FallenDue, w.payment.Collected = money.New(100, "CNY"), money.New(int64(rapid.IntRange(0, 100).Draw(t, "collected")), "CNY")
				w.payment.SettledAmount = money.New(10, "CNY")
				forgive(&p)
				before := rated(t, w.inputs(), p)
				if happen(t, &w); w.later != nil {
					before = rated(t, w.inputs(), p)
					w.later(&w)
				}
				if after := rated(t, w.inputs(), p); before.Grade.WorseThan(after.Grade) {
					t.Fatalf("from %s to %s: %s\nbefore: %s", before.Grade, after.Grade, after.Reason, before.Reason)
				}
			})
		})
	}
}

// forgive leaves out what is missing in dimensions and gives it the most points in the
// scorecard: otherwise news, even bad, would be better than none by the policy's own word.
func forgive(p *criteria.Policy) {
	for i := range p.Dimensions {
		for k := range p.Dimensions[i].Rules {
			p.Dimensions[i].Rules[k].Missing = criteria.Ignore
		}
	}
	if p.Scorecard != nil {
		for i := range p.Scorecard.Rules {
			p.Scorecard.Rules[i].Missing, p.Scorecard.Rules[i].MissingPoints = criteria.Fail, decimal("100")
		}
	}
}

// What raises the grade is said exactly: which dimension, which indicator, which bound, what it is now, which fact is missing.
func TestWhatRaises(t *testing.T) {
	t.Parallel()
	p := criteria.Policy{Dimensions: debtDimension(), Scorecard: card(criteria.Fail), Caps: []criteria.Cap{{Name: "sued", Condition: criteria.SuedByOthers, Best: grade.C}}}
	in := known("1", "", "0.6")
	in.Facts = append(in.Facts, suitFact("S-1", "2026-02-01", true))
	rec, err := Rate(in, p)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(rec.Result.Improvements, "\n")
	want := "to grade B all of this is needed\n" +
		"debt/debt_to_asset_ratio: at most 0.5 gives A (it is 0.6)\n" +
		"cap sued: facts S-1 no longer hold"
	if got != want || rec.Result.Raise.To != grade.B {
		t.Errorf("%s\n%+v", got, rec.Result.Raise)
	}
	// The score of 40 is B already; to A it needs 75.
	in.Facts, p.Dimensions = in.Facts[:1], nil
	if rec, err = Rate(in, p); err != nil {
		t.Fatal(err)
	}
	got = strings.Join(rec.Result.Improvements, "\n")
	want = "to grade A all of this is needed\n" +
		"scorecard/current_ratio: at least 2 gives 100 points instead of 50, weight 3 (it is 1)"
	if got != want {
		t.Errorf("%s\n%+v", got, rec.Result)
	}
}
