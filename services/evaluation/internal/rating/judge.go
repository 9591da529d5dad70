package rating

import (
	"math/big"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Verdict is what a rating decides, without the words that explain it.
type Verdict struct {
	Grade grade.Grade
	// Deciding names the indicator, the scorecard or the cap that set the grade.
	Deciding  string
	Treatment grade.Treatment
	// TermDays and GraceDays are 0 where the grade gets no credit.
	TermDays, GraceDays int
	// Limit is the recommended one; nil where the grade gets none or none can be told.
	Limit *money.Money
}

// Assess decides as Rate does, by the same judgement, and leaves the explanation and the
// record out: for very many customers at once.
func Assess(in *Inputs, p *criteria.Policy) Verdict { return judge(in, p).Verdict }

// judgement is a verdict with all that was measured for it.
type judgement struct {
	Verdict
	dimensions []judgedDimension
	score      judgedScore
	caps       []CapResult
	// uncapped is the limit before the cap, unrounded the one before it was rounded to steps; nil where none can be told.
	uncapped, unrounded *money.Money
	// The formulas as they were worked out; nil where the policy has none.
	limitFormula, termFormula *formula.Worked
}

type judgedDimension struct {
	grade      grade.Grade
	indicators []judgedFigure
}

// judgedFigure is a figure with what it counts for; no grade where it does not count.
type judgedFigure struct {
	figure
	grade grade.Grade
}

// judgedScore is what a scorecard gave; its score is nil where no item counts.
type judgedScore struct {
	grade grade.Grade
	score *big.Rat
	items []judgedItem
}

// judgedItem is a figure with its points; nil where it does not count.
type judgedItem struct {
	figure
	points *big.Rat
}

func judge(in *Inputs, p *criteria.Policy) judgement {
	j := judgement{dimensions: make([]judgedDimension, len(p.Dimensions))}
	for i := range p.Dimensions {
		j.dimensions[i] = judgeDimension(in, &p.Dimensions[i])
	}
	j.Grade, j.Deciding = lowest(p.Dimensions, j.dimensions)
	if p.Scorecard != nil {
		j.score = judgeScorecard(in, p.Scorecard)
		if j.score.grade.Known() && (j.Grade == grade.None || j.score.grade.WorseThan(j.Grade)) {
			j.Grade, j.Deciding = j.score.grade, scorecard
		}
	}
	j.caps = caps(in, p.Caps)
	for _, c := range j.caps {
		// A cap also settles the grade of a customer of whom nothing else is known.
		if c.Holds && (j.Grade == grade.None || c.Grade.WorseThan(j.Grade)) {
			j.Grade, j.Deciding = c.Grade, "cap "+c.Name
		}
	}
	t := p.For(j.Grade)
	j.Treatment = t.Treatment
	if t.Treatment == grade.Credit {
		j.TermDays, j.GraceDays = t.MaxTermDays, t.GraceDays
		j.recommend(in, p)
	}
	return j
}

func judgeDimension(in *Inputs, d *criteria.Dimension) judgedDimension {
	j := judgedDimension{indicators: make([]judgedFigure, len(d.Rules))}
	for i := range d.Rules {
		rule := &d.Rules[i]
		f := measure(in, *rule)
		g := gradeFigure(rule, f)
		j.indicators[i] = judgedFigure{figure: f, grade: g}
		j.grade = grade.Worst(j.grade, g)
	}
	return j
}

// gradeFigure grades what was measured, or applies the rule for what is missing.
func gradeFigure(rule *criteria.Rule, f figure) grade.Grade {
	switch {
	case f.value != nil:
		return gradeOf(rule, f.value)
	case rule.Missing == criteria.Ignore:
		return grade.None
	case rule.Missing == criteria.Default:
		return gradeOf(rule, rule.MissingValue)
	default:
		return rule.MissingGrade
	}
}

// gradeOf takes the first threshold that covers the value. The check of a policy
// sees to it that the last one covers every value.
func gradeOf(rule *criteria.Rule, v *big.Rat) grade.Grade {
	for _, t := range rule.Thresholds {
		if t.Covers(v) {
			return t.Grade
		}
	}
	return grade.D
}

// lowest returns the grade of the lowest dimension and the first indicator that set it.
func lowest(dims []criteria.Dimension, judged []judgedDimension) (worst grade.Grade, deciding string) {
	var d, i int
	for k, j := range judged {
		if j.grade == grade.None || (worst != grade.None && !j.grade.WorseThan(worst)) {
			continue
		}
		worst, d = j.grade, k
		for i = range j.indicators {
			if j.indicators[i].grade == j.grade {
				break
			}
		}
	}
	if worst == grade.None {
		return worst, ""
	}
	return worst, dims[d].Name + "/" + string(dims[d].Rules[i].Indicator)
}

// recommend sets limit and term: one usual purchase x factor, or what the formula gives, at
// most the cap (S2.4, S2.13), rounded to steps where the policy has them; the treatment's longest term, or what the formula gives, at
// most that (S2.14). The limit is nil where it cannot be told.
func (j *judgement) recommend(in *Inputs, p *criteria.Policy) {
	switch usual := usualPurchase(in, p.Limit); {
	case p.Limit.Formula != nil:
		j.uncapped = j.formulaLimit(in, p)
	case usual != nil:
		limit := times(*usual, p.Limit.Factor)
		j.uncapped = &limit
	}
	if r := p.Limit.Rounding; r != nil && j.uncapped != nil {
		limit := r.Round(*j.uncapped)
		j.unrounded, j.uncapped = j.uncapped, &limit
	}
	j.Limit = j.uncapped
	if c := p.Limit.Cap; c != nil && j.Limit != nil && c.Currency == j.Limit.Currency && j.Limit.Cmp(*c) > 0 {
		j.Limit = c
	}
	if p.Term != nil {
		j.TermDays = j.formulaTerm(in, p)
	}
}
