// Package report tells a rating to people, in English and in Chinese: what was decided, by
// which figure, from which facts, what limit and term come of it, and what raises the grade.
// It is pure: the same record and policy give the same report.
package report

import (
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// Language of a report.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Column of a table. Weight is its share of the width; Right: its cells stand on the right.
type Column struct {
	Title  string
	Weight float64
	Right  bool
}

// Part of a report: lines, then a table where it has columns.
type Part struct {
	Heading string
	Lines   []string
	Columns []Column
	Rows    [][]string
	// Empty is said where the table has no rows.
	Empty string
}

// Report is a rating as people read it.
type Report struct {
	Language Language
	Title    string
	Parts    []Part
}

// Case is the rating that is told.
type Case struct {
	Record rating.Record
	// Policy that it was made under.
	Policy criteria.Policy
	// CustomerName of the file, as it is today.
	CustomerName string
	// Hash of the record in its chain, hexadecimal.
	Hash string
}

// Of tells a rating.
func Of(c Case, language Language) Report {
	w := writer{words: english(), c: c, in: c.Record.Inputs, res: c.Record.Result}
	if language == Chinese {
		w.words = chinese()
	}
	r := Report{Language: language, Title: w.fill("title", c.Record.RatingID)}
	r.Parts = append(r.Parts, w.summary(), w.raise(), w.dimensions())
	if w.res.Scorecard != nil {
		r.Parts = append(r.Parts, w.scorecard())
	}
	r.Parts = append(r.Parts, w.caps(), w.limit())
	for _, f := range []*formula.Worked{w.res.LimitFormula, w.res.TermFormula} {
		if f != nil {
			r.Parts = append(r.Parts, w.formula(*f, f == w.res.TermFormula))
		}
	}
	r.Parts = append(r.Parts, w.facts())
	return r
}

// writer writes one report.
type writer struct {
	words words
	c     Case
	in    rating.Inputs
	res   rating.Result
}

func (w writer) column(name string, weight float64, right bool) Column {
	return Column{Title: w.words.text[name], Weight: weight, Right: right}
}

func (w writer) grade(g grade.Grade) string {
	if g == grade.None {
		return w.words.text["ungraded"]
	}
	return string(g)
}

func (w writer) summary() Part {
	p := Part{Heading: w.words.text["summary"]}
	add := func(key string, args ...any) { p.Lines = append(p.Lines, w.fill(key, args...)) }
	add("customer", w.c.CustomerName, w.in.CustomerID)
	add("made", w.in.Date, w.c.Record.PolicyVersion, w.words.name(string(w.in.Trigger)))
	add("grade", w.grade(w.res.Grade), w.words.name(string(w.res.Treatment)))
	if w.res.Deciding != "" {
		add("deciding", w.deciding())
	}
	limit := w.words.text["none"]
	if w.res.Limit != nil {
		limit = w.res.Limit.String() + " " + w.res.Limit.Currency
	}
	if w.res.Treatment == grade.Credit {
		add("recommended", limit, w.res.TermDays)
	} else {
		add("no_recommendation")
	}
	p.Lines = append(p.Lines, w.moved()...)
	if w.in.Cause != "" {
		add("cause", w.words.phrase(w.in.Cause))
	}
	if w.c.Hash != "" {
		add("hash", w.c.Hash)
	}
	return p
}

// deciding names what set the grade, and its figure.
func (w writer) deciding() string {
	if name, ok := strings.CutPrefix(w.res.Deciding, "cap "); ok {
		return w.fill("by_cap", w.cap(name))
	}
	if card := w.res.Scorecard; card != nil && w.res.Deciding == "scorecard" {
		return w.fill("by_score", value(card.Score), w.words.bounds(card.Threshold))
	}
	for _, d := range w.res.Dimensions {
		for _, i := range d.Indicators {
			if d.Name+"/"+i.Name == w.res.Deciding {
				return w.fill("by_figure", w.dimension(d.Name), w.words.name(i.Name), w.figure(i), w.words.bounds(i.Threshold))
			}
		}
	}
	return w.res.Deciding
}

// figure is a value with its unit, or why there is none.
func (w writer) figure(i rating.IndicatorResult) string {
	if i.Missing {
		return w.words.text["missing"] + w.words.text["colon"] + w.words.phrase(i.MissingWhy)
	}
	return value(i.Value) + w.words.unit(i.Unit, w.in.Currency)
}

// value is an exact value; a fraction stands beside its decimal.
func value(exact string) string {
	if !strings.Contains(exact, "/") {
		return exact
	}
	v, ok := new(big.Rat).SetString(exact)
	if !ok {
		return exact
	}
	const places = 4
	return exact + " ≈ " + v.FloatString(places)
}

// moved says what differs from the rating before.
func (w writer) moved() []string {
	prev := w.in.Previous
	if prev == nil {
		return []string{w.words.text["first"]}
	}
	if prev.Grade == w.res.Grade {
		return []string{w.fill("unchanged", prev.RatingID, w.grade(prev.Grade))}
	}
	lines := []string{w.fill("moved", prev.RatingID, w.grade(prev.Grade), w.grade(w.res.Grade))}
	for _, c := range w.res.Caps {
		if had := slices.Contains(prev.Caps, c.Name); had != c.Holds {
			key := map[bool]string{true: "cap_now", false: "cap_no_more"}[c.Holds]
			lines = append(lines, w.fill(key, w.cap(c.Name)))
		}
	}
	for _, d := range w.res.Dimensions {
		for _, i := range d.Indicators {
			k := slices.IndexFunc(prev.Indicators, func(f rating.PreviousFigure) bool { return f.Dimension == d.Name && f.Name == i.Name })
			if k < 0 || prev.Indicators[k].Grade == i.Grade {
				continue
			}
			was := prev.Indicators[k]
			lines = append(lines, w.fill("figure_moved", w.words.name(i.Name), w.orUnknown(was.Value), w.grade(was.Grade), w.orUnknown(i.Value), w.grade(i.Grade)))
		}
	}
	if card := w.res.Scorecard; card != nil && prev.Score != card.Score {
		lines = append(lines, w.fill("score_moved", w.orUnknown(prev.Score), w.orUnknown(card.Score)))
	}
	if prev.PolicyVersion != w.c.Record.PolicyVersion {
		lines = append(lines, w.fill("policy_moved", prev.PolicyVersion, w.c.Record.PolicyVersion))
	}
	return lines
}

func (w writer) orUnknown(exact string) string {
	if exact == "" {
		return w.words.text["unknown"]
	}
	return value(exact)
}

// raise says what lifts the grade. A record of the first form does not hold it; it is found
// anew then.
func (w writer) raise() Part {
	p := Part{Heading: w.words.text["raise"]}
	raise := w.res.Raise
	if raise == nil && w.res.Grade.WorseThan(grade.A) {
		if again, err := rating.Rate(w.in, w.c.Policy); err == nil {
			raise = again.Result.Raise
		}
	}
	switch {
	case raise != nil:
		p.Lines = []string{w.fill("raise_to", raise.To)}
		for _, n := range raise.Needs {
			p.Lines = append(p.Lines, "· "+w.need(n))
		}
	case w.res.Grade == grade.A:
		p.Lines = []string{w.words.text["best"]}
	default:
		p.Lines = []string{w.words.text["raise_unknown"]}
		for _, d := range w.res.Dimensions {
			for _, i := range d.Indicators {
				p.Lines = append(p.Lines, "· "+w.words.name(i.Name)+w.words.text["colon"]+w.figure(i))
			}
		}
	}
	return p
}

func (w writer) need(n rating.Need) string {
	now := w.fill("now", value(n.Value)+w.words.unit(n.Unit, w.in.Currency))
	if n.Value == "" {
		now = w.words.text["missing"] + w.words.text["colon"] + w.words.phrase(n.Missing)
		if n.Fact != "" {
			now += w.fill("wanted", w.words.name(string(n.Fact)))
		}
	}
	target := w.words.text["any_value"]
	switch n.Bound {
	case criteria.AtLeast:
		target = w.fill("at_least", n.Target)
	case criteria.AtMost:
		target = w.fill("at_most", n.Target)
	case criteria.Otherwise:
	}
	switch n.Kind {
	case rating.NeedCapEnd:
		if len(n.FactIDs) == 0 {
			return w.fill("need_cap", w.cap(n.Name))
		}
		return w.fill("need_cap_facts", w.cap(n.Name), strings.Join(n.FactIDs, ", "))
	case rating.NeedPoints:
		if n.PointsNow == "" {
			n.PointsNow = "0"
		}
		return w.fill("need_points", w.words.name(n.Name), target, n.Points, n.PointsNow, n.Weight, now)
	case rating.NeedPolicy:
		return w.fill("need_policy", w.words.name(n.Name))
	default:
		return w.fill("need_value", w.dimension(n.Dimension), w.words.name(n.Name), target, n.Grade, now)
	}
}

func (w writer) dimensions() Part {
	p := Part{Heading: w.words.text["dimensions"], Empty: w.words.text["no_dimensions"], Columns: []Column{
		w.column("col_indicator", 5, false), w.column("col_value", 4, true), w.column("col_grade", 1.5, false), w.column("col_thresholds", 6, false),
		w.column("col_facts", 4, false), w.column("col_as_of", 2.4, false),
	}}
	for _, d := range w.res.Dimensions {
		p.Rows = append(p.Rows, []string{"【" + w.dimension(d.Name) + "】", "", w.grade(d.Grade), "", "", ""})
		for _, i := range d.Indicators {
			p.Rows = append(p.Rows, []string{
				w.words.name(i.Name), w.figure(i), w.counted(i), w.words.bounds(i.Threshold), strings.Join(i.FactIDs, ", "), i.AsOf.String(),
			})
		}
	}
	return p
}

// counted is the grade of a figure, or how its absence counts.
func (w writer) counted(i rating.IndicatorResult) string {
	if i.Missing {
		return w.words.missingRule(i.MissingRule)
	}
	return w.grade(i.Grade)
}

func (w writer) scorecard() Part {
	card := w.res.Scorecard
	p := Part{Heading: w.words.text["scorecard"], Columns: []Column{
		w.column("col_indicator", 5, false), w.column("col_value", 4, true), w.column("col_points", 1.8, true), w.column("col_weight", 1.6, true),
		w.column("col_bands", 7, false), w.column("col_facts", 3, false),
	}}
	p.Lines = []string{w.fill("score", w.orUnknown(card.Score), w.grade(card.Grade), w.words.bounds(card.Threshold))}
	for _, i := range card.Items {
		p.Rows = append(p.Rows, []string{
			w.words.name(i.Figure.Name), w.figure(i.Figure), value(i.Points), i.Weight, w.words.bounds(i.Figure.Threshold), strings.Join(i.Figure.FactIDs, ", "),
		})
	}
	return p
}

func (w writer) caps() Part {
	p := Part{Heading: w.words.text["caps"], Empty: w.words.text["no_caps"], Columns: []Column{
		w.column("col_cap", 5, false), w.column("col_best", 2, false), w.column("col_holds", 2, false), w.column("col_facts", 5, false),
	}}
	for _, c := range w.res.Caps {
		holds := w.words.text["no"]
		if c.Holds {
			holds = w.words.text["yes"]
		}
		p.Rows = append(p.Rows, []string{w.cap(c.Name), w.grade(c.Grade), holds, strings.Join(c.FactIDs, ", ")})
	}
	return p
}

// limit says how limit and term came about.
func (w writer) limit() Part {
	p := Part{Heading: w.words.text["limit"]}
	l := w.c.Policy.Limit
	switch {
	case w.res.Treatment != grade.Credit:
		p.Lines = append(p.Lines, w.fill("no_credit", w.words.name(string(w.res.Treatment))))
		return p
	case l.Formula != nil && w.res.LimitFormula != nil && w.res.LimitFormula.Error != "":
		p.Lines = append(p.Lines, w.fill("formula_failed", w.words.failure(w.res.LimitFormula.Error)))
	case l.Formula != nil:
		p.Lines = append(p.Lines, w.fill("by_formula", l.Formula.Text))
	default:
		p.Lines = append(p.Lines, w.usual(l))
	}
	if r := l.Rounding; r != nil {
		key := "limit_down"
		if r.HalfUp {
			key = "limit_half_up"
		}
		p.Lines = append(p.Lines, w.fill(key, r.Text, w.in.Currency))
	}
	if l.Cap != nil {
		p.Lines = append(p.Lines, w.fill("limit_cap", l.Cap, l.Cap.Currency))
	}
	if w.res.Limit != nil {
		p.Lines = append(p.Lines, w.fill("limit_is", w.res.Limit, w.res.Limit.Currency))
	}
	term := w.fill("term_is", w.res.TermDays, w.res.GraceDays)
	if f := w.res.TermFormula; f != nil && f.Error != "" {
		term += w.fill("formula_failed", w.words.failure(f.Error))
	}
	p.Lines = append(p.Lines, term)
	return p
}

func (w writer) usual(l criteria.Limit) string {
	usual := rating.Usual(&w.in, l)
	switch n := len(w.in.Payment.InvoiceMinor); {
	case usual == nil:
		return w.fill("usual_unknown", l.WindowMonths)
	case n == 0:
		return w.fill("usual_stated", usual, usual.Currency, l.Factor)
	default:
		measure := w.words.name(string(l.Usual))
		if l.Usual == criteria.Percentile {
			measure = w.fill("percentile", l.Percentile)
		}
		return w.fill("usual_measured", measure, n, l.WindowMonths, usual, usual.Currency, l.Factor)
	}
}

// formula shows what a formula looked at, then each part with its value.
func (w writer) formula(f formula.Worked, term bool) Part {
	key := "limit_formula"
	if term {
		key = "term_formula"
	}
	p := Part{Heading: w.words.text[key], Lines: []string{f.Formula}, Columns: []Column{
		w.column("col_part", 8, false), w.column("col_value", 5, true), w.column("col_facts", 4, false),
	}}
	for _, i := range f.Inputs {
		shown := w.words.text["missing"] + w.words.text["colon"] + w.words.phrase(i.Missing)
		if i.Missing == "" {
			shown = value(i.Value) + w.words.unit(i.Unit, w.in.Currency)
		}
		p.Rows = append(p.Rows, []string{w.words.input(i.Name), shown, strings.Join(i.FactIDs, ", ")})
	}
	for _, s := range f.Steps {
		p.Rows = append(p.Rows, []string{s.Part, value(w.words.flag(s.Value)), ""})
	}
	return p
}

// facts lists the facts that the rating rests on.
func (w writer) facts() Part {
	used := w.used()
	p := Part{Heading: w.words.text["facts"], Empty: w.words.text["no_facts"], Columns: []Column{
		w.column("col_fact", 3, false), w.column("col_kind", 3, false), w.column("col_source", 4, false), w.column("col_as_of", 2.4, false),
		w.column("col_recorded", 3, false), w.column("col_verified", 3, false),
	}}
	for _, f := range w.in.Facts {
		if slices.Contains(used, f.ID) {
			p.Rows = append(p.Rows, []string{f.ID, w.words.name(string(f.Content.Kind())), f.Source, f.AsOf.String(), f.RecordedBy, w.verified(f)})
		}
	}
	return p
}

func (w writer) verified(f fact.Fact) string {
	if !f.Verified() {
		return w.words.text["unverified"]
	}
	return f.VerifiedBy
}

func (w writer) used() []string {
	var ids []string
	for _, d := range w.res.Dimensions {
		for _, i := range d.Indicators {
			ids = append(ids, i.FactIDs...)
		}
	}
	if w.res.Scorecard != nil {
		for _, i := range w.res.Scorecard.Items {
			ids = append(ids, i.Figure.FactIDs...)
		}
	}
	for _, c := range w.res.Caps {
		ids = append(ids, c.FactIDs...)
	}
	for _, f := range []*formula.Worked{w.res.LimitFormula, w.res.TermFormula} {
		if f != nil {
			for _, i := range f.Inputs {
				ids = append(ids, i.FactIDs...)
			}
		}
	}
	return ids
}

// dimension and cap are named as the policy names them; in Chinese by its Chinese name.
func (w writer) dimension(name string) string {
	for _, d := range w.c.Policy.Dimensions {
		if d.Name == name {
			return w.words.either(d.Name, d.NameZH)
		}
	}
	return name
}

func (w writer) cap(name string) string {
	for _, c := range w.c.Policy.Caps {
		if c.Name == name {
			return w.words.either(c.Name, c.NameZH)
		}
	}
	return name
}
