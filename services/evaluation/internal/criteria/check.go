package criteria

import (
	"fmt"
	"reflect"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Check returns what makes the policy unusable, beyond the shape of its fields.
func (p Policy) Check() []errs.Violation {
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: field, Rule: rule, Message: message})
	}
	if _, ok := money.Digits(p.BaseCurrency); !ok {
		bad("base_currency", "currency", "is not an active ISO 4217 code")
	}
	names := map[string]bool{}
	for i, d := range p.Dimensions {
		at := fmt.Sprintf("dimensions[%d]", i)
		if names[d.Name] {
			bad(at+".name", "unique", "is used twice")
		}
		names[d.Name] = true
		for j, r := range d.Rules {
			r.check(fmt.Sprintf("%s.indicators[%d]", at, j), bad)
		}
	}
	if p.Scorecard != nil {
		p.Scorecard.check(bad)
	} else if len(p.Dimensions) == 0 {
		bad("dimensions", "required", "a policy has at least one dimension or a scorecard")
	}
	p.checkTreatments(bad)
	p.checkChecklist(bad)
	p.Limit.check(bad)
	p.checkScales(bad)
	p.checkReviews(bad)
	if last := len(p.Authority) - 1; last >= 0 && !reflect.ValueOf(p.Authority[last].When).IsZero() {
		bad(fmt.Sprintf("application_authority[%d].when", last), "covers_all", "the last row takes what no other does, so it asks for nothing")
	}
	return append(found, p.Authority.Check("application_authority")...)
}

func (r Rule) check(at string, bad func(field, rule, message string)) {
	r.checkGrades(at+".thresholds", bad)
	if r.Missing == Default && r.MissingValue == nil {
		bad(at+".missing_value", "required", "MISSING_RULE_DEFAULT needs the value that stands in")
	}
	if r.Indicator.FromInvoices() {
		checkFacts(at, r, bad)
	}
}

func (r Rule) checkGrades(at string, bad func(field, rule, message string)) {
	last := grade.None
	for i, t := range r.Thresholds {
		field := fmt.Sprintf("%s[%d]", at, i)
		if last.WorseThan(t.Grade) {
			bad(field+".grade", "order", "thresholds go from the best grade to the worst")
		}
		last = t.Grade
		if end := i == len(r.Thresholds)-1; end != (t.Bound == Otherwise) {
			bad(field, "otherwise", "the last threshold, and only that one, has otherwise")
		}
	}
}

func (p Policy) checkTreatments(bad func(field, rule, message string)) {
	var last grade.Treatment
	for _, g := range grade.All() {
		t, ok := p.Treatments[g]
		if !ok {
			bad("treatments", "complete", "grade "+string(g)+" has no treatment")
			continue
		}
		if last.TighterThan(t.Treatment) {
			bad("treatments", "order", "grade "+string(g)+" is treated better than the grade above it")
		}
		last = t.Treatment
		if t.Treatment != grade.Credit && (t.MaxTermDays != 0 || t.GraceDays != 0) {
			bad("treatments", "no_credit", "grade "+string(g)+" gets no credit, so it has no term and no grace days")
		}
	}
}
