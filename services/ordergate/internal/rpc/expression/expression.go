// Package expression compiles the expressions of the order policy (Common Expression Language) over the gate's documented facts.
package expression

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/interpreter"

	"github.com/avalcredit/aval/services/ordergate/internal/check"
)

// costLimit stops an expression that does too much; an ordinary rule costs some tens.
const costLimit = 10_000

// Fault is one error in an expression, at a line and a column of its own text, both from 1.
type Fault struct {
	Line, Column int
	Message      string
}

// Program is a compiled expression.
type Program struct {
	program cel.Program
	facts   []string
}

var _ check.Predicate = (*Program)(nil)

// Compiler compiles expressions over the same facts.
type Compiler struct{ env *cel.Env }

// NewCompiler returns a compiler over the gate's facts.
func NewCompiler() (*Compiler, error) {
	var opts []cel.EnvOption
	for _, f := range check.Facts() {
		opts = append(opts, cel.Variable(f.Name, typeOf(f.Type)))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("environment of expressions: %w", err)
	}
	return &Compiler{env: env}, nil
}

func typeOf(t check.FactType) *cel.Type {
	switch t {
	case check.FactMinor, check.FactCount:
		return cel.IntType
	case check.FactFlag:
		return cel.BoolType
	case check.FactText:
	}
	return cel.StringType
}

// Compile reads an expression of type bool. What is wrong with it comes as faults, which are all found at once.
// Floating point is refused: amounts are exact.
func (c *Compiler) Compile(text string) (*Program, []Fault) {
	tree, issues := c.env.Compile(text)
	if issues != nil && issues.Err() != nil {
		var faults []Fault
		for _, e := range issues.Errors() {
			faults = append(faults, Fault{Line: max(1, e.Location.Line()), Column: e.Location.Column() + 1, Message: e.Message})
		}
		return nil, faults
	}
	if tree.OutputType() != cel.BoolType {
		return nil, []Fault{{Line: 1, Column: 1, Message: "the expression must be true or false, it is " + tree.OutputType().String()}}
	}
	if faults := floats(tree.NativeRep()); len(faults) > 0 {
		return nil, faults
	}
	p, err := c.env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, []Fault{{Line: 1, Column: 1, Message: err.Error()}}
	}
	return &Program{program: p, facts: used(tree.NativeRep())}, nil
}

// floats finds parts of an expression that are floating point.
func floats(tree *ast.AST) []Fault {
	var faults []Fault
	for id, t := range tree.TypeMap() {
		if t == cel.DoubleType {
			at := tree.SourceInfo().GetStartLocation(id)
			faults = append(faults, Fault{Line: max(1, at.Line()), Column: at.Column() + 1, Message: "floating point is not exact: use whole numbers, amounts are in minor units"})
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return (a.Line-b.Line)*10_000 + a.Column - b.Column })
	return faults
}

// used are the facts that an expression looks at, sorted.
func used(tree *ast.AST) []string {
	known := map[string]bool{}
	for _, f := range check.Facts() {
		known[f.Name] = true
	}
	var names []string
	for _, ref := range tree.ReferenceMap() {
		if known[ref.Name] {
			names = append(names, ref.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Facts implements check.Predicate.
func (p *Program) Facts() []string { return p.facts }

// errNotWorkedOut hides the library's own text, which may change with its version: decisions replay byte for byte.
var errNotWorkedOut = errors.New("the expression could not be worked out")

// Holds implements check.Predicate.
func (p *Program) Holds(value func(name string) any) (bool, error) {
	out, _, err := p.program.Eval(facts(value))
	if err != nil {
		return false, errNotWorkedOut
	}
	ok, isBool := out.Value().(bool)
	if !isBool {
		return false, errNotWorkedOut
	}
	return ok, nil
}

// facts gives the program the facts that it asks for, when it asks.
type facts func(name string) any

var _ interpreter.Activation = facts(nil)

// ResolveName implements interpreter.Activation.
func (f facts) ResolveName(name string) (any, bool) {
	v := f(name)
	return v, v != nil
}

// Parent implements interpreter.Activation.
func (f facts) Parent() interpreter.Activation { return nil }
