package rating

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Raise is what lifts the grade: when all of it has come true, and nothing else has
// changed, the grade is To or better.
type Raise struct {
	To    grade.Grade `json:"to"`
	Needs []Need      `json:"needs"`
}

// NeedKind says what a need is of.
type NeedKind string

// The kinds of needs.
const (
	// NeedValue: an indicator of a dimension reaches a threshold.
	NeedValue NeedKind = "VALUE"
	// NeedPoints: an item of the scorecard reaches a band.
	NeedPoints NeedKind = "POINTS"
	// NeedCapEnd: the condition of a cap ends.
	NeedCapEnd NeedKind = "CAP_END"
	// NeedPolicy: no value lifts it; the policy gives no better grade here.
	NeedPolicy NeedKind = "POLICY"
)

// Need is one thing that has to come true.
type Need struct {
	Kind NeedKind `json:"kind"`
	// Dimension that binds; empty for the scorecard and for caps.
	Dimension string `json:"dimension,omitempty"`
	// Name of the indicator or the cap.
	Name string `json:"name"`
	// Value that it has now; empty where it is missing, and Missing says why.
	Value   string `json:"value,omitempty"`
	Missing string `json:"missing,omitempty"`
	Unit    string `json:"unit,omitempty"`
	// Bound and Target say what it must reach: at least or at most the target, both
	// included; Otherwise: it must become known, and any value will do.
	Bound  criteria.Bound `json:"bound,omitempty"`
	Target string         `json:"target,omitempty"`
	// Grade that the target gives; empty for points and caps.
	Grade grade.Grade `json:"grade,omitempty"`
	// Points that the target gives, and those it has now; Weight is the item's.
	Points    string `json:"points,omitempty"`
	PointsNow string `json:"points_now,omitempty"`
	Weight    string `json:"weight,omitempty"`
	// Fact is the kind of fact that is missing; empty: none, or facts are not what it comes from.
	Fact fact.Kind `json:"fact_kind,omitempty"`
	// FactIDs are the facts that a cap rests on, or that the value comes from.
	FactIDs []string `json:"fact_ids,omitempty"`
}

// raise says what lifts the grade by at least one: for each dimension that binds which
// indicator must reach which threshold, for the scorecard which items must reach which
// band, for a cap that its condition ends. It is nil where nothing is better, or nothing
// is graded.
func raise(p *criteria.Policy, j *judgement) *Raise {
	to := better(j.Grade)
	if to == grade.None {
		return nil
	}
	r := &Raise{To: to}
	wanted := unknown(p, j, to)
	for i := range p.Dimensions {
		for k := range p.Dimensions[i].Rules {
			rule := &p.Dimensions[i].Rules[k]
			f := j.dimensions[i].indicators[k]
			if f.grade.WorseThan(to) || f.value == nil && slices.Contains(wanted, rule.Indicator) {
				r.Needs = append(r.Needs, needValue(p.Dimensions[i].Name, rule, f, to))
			}
		}
	}
	if p.Scorecard != nil {
		r.Needs = append(r.Needs, needPoints(p, &j.score, r.Needs, to)...)
	}
	for _, c := range j.caps {
		if c.Holds && c.Grade.WorseThan(to) {
			r.Needs = append(r.Needs, Need{Kind: NeedCapEnd, Name: c.Name, Grade: c.Grade, FactIDs: c.FactIDs})
		}
	}
	return r
}

// unknown are the indicators that must become known: wherever they count then, they must
// be good enough, also where nothing is made of it that they are missing now.
func unknown(p *criteria.Policy, j *judgement, to grade.Grade) []criteria.Indicator {
	var all []criteria.Indicator
	for i := range p.Dimensions {
		for k, f := range j.dimensions[i].indicators {
			if f.value == nil && f.grade.WorseThan(to) {
				all = append(all, p.Dimensions[i].Rules[k].Indicator)
			}
		}
	}
	return all
}

// better is the next better grade; None for the best and where there is none.
func better(g grade.Grade) grade.Grade {
	found := grade.None
	for _, x := range grade.All() {
		if g.WorseThan(x) {
			found = x
		}
	}
	return found
}

func needValue(dimension string, rule *criteria.Rule, f judgedFigure, to grade.Grade) Need {
	n := Need{
		Kind: NeedValue, Dimension: dimension, Name: string(rule.Indicator), Unit: rule.Indicator.Unit(), FactIDs: f.facts, Missing: f.why,
	}
	if f.value != nil {
		n.Value = text(f.value)
	} else {
		n.Fact = rule.Indicator.Needs()
	}
	// The last threshold that is good enough asks for the least.
	for i := len(rule.Thresholds) - 1; i >= 0; i-- {
		t := rule.Thresholds[i]
		if t.Grade.WorseThan(to) {
			continue
		}
		n.Bound, n.Target, n.Grade = t.Bound, t.Text, t.Grade
		return n
	}
	n.Kind = NeedPolicy
	return n
}

// needPoints are the items that lift the score to the grade: the fewest, those that gain
// most first, each by the band that is just enough. What the dimensions need is taken to
// have come true before.
func needPoints(p *criteria.Policy, j *judgedScore, dimensions []Need, to grade.Grade) []Need {
	target := bottom(p.Scorecard.Grades, to)
	state := newTally(p, j, to)
	for _, n := range dimensions {
		state.reached(n)
	}
	var needs []Need
	for {
		score := state.score()
		if score == nil || !p.Scorecard.GradeOf(score).WorseThan(to) {
			return needs
		}
		i, band := -1, 0
		if target != nil {
			i, band = state.next(target)
		}
		if i < 0 {
			return append(needs, Need{Kind: NeedPolicy, Name: scorecard, Value: text(score)})
		}
		needs = append(needs, state.need(i, band))
		state.take(i, p.Scorecard.Rules[i].Bands[band].Points)
	}
}

// bottom is the least score of a grade or a better one; nil where the policy has none.
func bottom(grades []criteria.Threshold, to grade.Grade) *big.Rat {
	for i := len(grades) - 1; i >= 0; i-- {
		if !grades[i].Grade.WorseThan(to) {
			if grades[i].Value == nil {
				return nil
			}
			return grades[i].Value
		}
	}
	return nil
}

// tally is a scorecard with points that may still change.
type tally struct {
	policy *criteria.Policy
	card   *criteria.Scorecard
	to     grade.Grade
	judged *judgedScore
	points []*big.Rat
	used   []bool
}

func newTally(p *criteria.Policy, j *judgedScore, to grade.Grade) *tally {
	t := &tally{policy: p, card: p.Scorecard, to: to, judged: j, points: make([]*big.Rat, len(j.items)), used: make([]bool, len(j.items))}
	for i, item := range j.items {
		t.points[i] = item.points
	}
	return t
}

func (t *tally) take(i int, points *big.Rat) { t.points[i], t.used[i] = points, true }

// reached takes a need of a dimension for met: the item has the points of its target, and
// where any value will do, the fewest.
func (t *tally) reached(n Need) {
	for i, rule := range t.card.Rules {
		switch {
		case string(rule.Indicator) != n.Name:
		case n.Target != "":
			t.points[i] = rule.PointsOf(decimal(n.Target))
		default:
			t.points[i] = rule.Fewest()
		}
	}
}

// score is the weighted mean of the items that count; nil where none does.
func (t *tally) score() *big.Rat {
	points, weights := new(big.Rat), new(big.Rat)
	for i, p := range t.points {
		if p != nil {
			w := t.card.Rules[i].Weight
			points.Add(points, new(big.Rat).Mul(w, p))
			weights.Add(weights, w)
		}
	}
	if weights.Sign() == 0 {
		return nil
	}
	return points.Quo(points, weights)
}

// with is the score if an item had the points of a band.
func (t *tally) with(i, band int) *big.Rat {
	was := t.points[i]
	t.points[i] = t.card.Rules[i].Bands[band].Points
	s := t.score()
	t.points[i] = was
	return s
}

// next picks the item to lift, and the band: the least band that is enough by itself where
// there is one, else the best band of the item that gains most. It is -1 where none gains.
func (t *tally) next(target *big.Rat) (item, band int) {
	item, best := -1, t.score()
	enough := false
	for i := range t.card.Rules {
		if t.used[i] {
			continue
		}
		for b := range t.card.Rules[i].Bands {
			if !t.fits(i, b) {
				continue
			}
			s := t.with(i, b)
			does := s.Cmp(target) >= 0
			if does && (!enough || s.Cmp(best) < 0) || !enough && s.Cmp(best) > 0 {
				item, band, best, enough = i, b, s, does
			}
		}
	}
	return item, band
}

// fits reports whether a band can be reached by its bound, and does no harm to the grade
// of a dimension that has the same indicator.
func (t *tally) fits(i, b int) bool {
	rule := &t.card.Rules[i]
	if !reachable(rule.Bands, b) {
		return false
	}
	for _, d := range t.policy.Dimensions {
		for k := range d.Rules {
			if d.Rules[k].Indicator == rule.Indicator && gradeOf(&d.Rules[k], rule.Bands[b].Bound.Value).WorseThan(t.to) {
				return false
			}
		}
	}
	return true
}

// reachable reports whether the bound of a band itself gets the band's points; any value
// that is not named gets the last.
func reachable(bands []criteria.Band, b int) bool {
	if bands[b].Bound.Bound == criteria.Otherwise {
		return false
	}
	for _, before := range bands[:b] {
		if before.Bound.Covers(bands[b].Bound.Value) {
			return false
		}
	}
	return true
}

func (t *tally) need(i, band int) Need {
	rule, item := t.card.Rules[i], t.judged.items[i]
	b := rule.Bands[band]
	n := Need{
		Kind: NeedPoints, Name: string(rule.Indicator), Unit: rule.Indicator.Unit(), Missing: item.why, FactIDs: item.facts,
		Bound: b.Bound.Bound, Target: b.Bound.Text, Points: text(b.Points), Weight: rule.WeightText,
	}
	if item.value != nil {
		n.Value = text(item.value)
	} else {
		n.Fact = rule.Indicator.Needs()
	}
	if item.points != nil {
		n.PointsNow = text(item.points)
	}
	return n
}

// words say what raises the grade; none where nothing does.
func (r *Raise) words() []string {
	if r == nil {
		return nil
	}
	out := []string{"to grade " + string(r.To) + " all of this is needed"}
	for _, n := range r.Needs {
		out = append(out, n.words())
	}
	return out
}

func (n Need) words() string {
	place := n.Name
	if n.Dimension != "" {
		place = n.Dimension + "/" + n.Name
	}
	now := "it is " + n.Value
	if n.Value == "" {
		now = "missing: " + n.Missing
		if n.Fact != "" {
			now += "; wanted: " + string(n.Fact)
		}
	}
	target := boundText(criteria.Threshold{Bound: n.Bound, Text: n.Target})
	if n.Bound == criteria.Otherwise {
		target = "any known value"
	}
	switch n.Kind {
	case NeedCapEnd:
		return capImprovement(CapResult{Name: n.Name, FactIDs: n.FactIDs})
	case NeedPoints:
		if n.PointsNow == "" {
			n.PointsNow = "none"
		}
		return fmt.Sprintf("scorecard/%s: %s gives %s points instead of %s, weight %s (%s)", n.Name, target, n.Points, n.PointsNow, n.Weight, now)
	case NeedPolicy:
		return place + ": the policy gives no better grade (" + now + ")"
	default:
		return fmt.Sprintf("%s: %s gives %s (%s)", place, target, n.Grade, now)
	}
}
