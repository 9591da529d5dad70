package rpc

import (
	"fmt"
	"sync"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc/formulas"
)

// limits and terms are made for the first formula and then kept.
var (
	limits = sync.OnceValues(func() (*formulas.Compiler, error) { return formulas.NewCompiler(false) })
	terms  = sync.OnceValues(func() (*formulas.Compiler, error) { return formulas.NewCompiler(true) })
)

// formulaIn reads a formula of a policy; nil where there is none, or a defect.
func formulaIn(r *reader, field, text string, facts *evaluationv1.FormulaFacts) *criteria.Formula {
	if text == "" {
		return nil
	}
	compiler, err := limits()
	if field == "term.formula" {
		compiler, err = terms()
	}
	if err != nil {
		r.bad(field, err)
		return nil
	}
	f, faults := compiler.Compile(text)
	for _, x := range faults {
		r.found = append(r.found, errs.Violation{
			Field: field, Rule: "formula", Message: fmt.Sprintf("line %d, column %d of the formula: %s", x.Line, x.Column, x.Message),
		})
	}
	if len(faults) > 0 {
		return nil
	}
	return &criteria.Formula{Formula: f, Facts: criteria.Rule{
		MaxAgeDays: int(facts.GetMaxAgeDays()), VerifiedOnly: facts.GetVerifiedOnly(), MinItems: int64(facts.GetMinItems()),
	}}
}

func workedOut(w *formula.Worked) *evaluationv1.FormulaResult {
	if w == nil {
		return nil
	}
	m := &evaluationv1.FormulaResult{Formula: w.Formula, Value: w.Value, Error: w.Error}
	for _, i := range w.Inputs {
		m.Inputs = append(m.Inputs, &evaluationv1.FormulaInput{Name: i.Name, Value: i.Value, Unit: i.Unit, Missing: i.Missing, FactIds: i.FactIDs})
	}
	for _, s := range w.Steps {
		m.Steps = append(m.Steps, &evaluationv1.FormulaStep{Part: s.Part, Value: s.Value})
	}
	return m
}
