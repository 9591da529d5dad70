// Package formulas reads the formulas of an evaluation policy, written in the Common
// Expression Language, into the parts that the domain works out. Every number is an exact
// decimal; there are no loops, no floating point, and no function that looks outside.
package formulas

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
)

// maxArgs of min and max.
const maxArgs = 6

// Fault is one error in a formula, at a line and a column of its own text, both from 1.
type Fault struct {
	Line, Column int
	Message      string
}

// Compiler reads formulas over the same inputs.
type Compiler struct {
	env    *cel.Env
	inputs map[string]bool
}

// decimal is the type of every number.
func decimal() *cel.Type { return cel.OpaqueType("decimal") }

// NewCompiler returns a compiler of limits, or of terms, which may look at the limit too.
func NewCompiler(term bool) (*Compiler, error) {
	c := &Compiler{inputs: map[string]bool{}}
	opts := []cel.EnvOption{cel.ClearMacros(), cel.Variable(literal, decimal())}
	add := func(name string, t *cel.Type) {
		c.inputs[name] = true
		opts = append(opts, cel.Variable(name, t), cel.Variable(known+name, cel.BoolType))
	}
	for _, m := range formula.Inputs() {
		switch {
		case m.Term && !term:
		case m.Type == formula.Text:
			add(m.Name, cel.StringType)
		default:
			add(m.Name, decimal())
		}
	}
	for _, i := range criteria.Indicators() {
		add(string(i), decimal())
	}
	env, err := cel.NewCustomEnv(append(opts, functions()...)...)
	if err != nil {
		return nil, fmt.Errorf("environment of formulas: %w", err)
	}
	c.env = env
	return c, nil
}

// functions are all that a formula can do.
func functions() []cel.EnvOption {
	num, text, flag := decimal(), cel.StringType, cel.BoolType
	fn := func(name string, result *cel.Type, args ...[]*cel.Type) cel.EnvOption {
		var all []cel.FunctionOpt
		for i, a := range args {
			all = append(all, cel.Overload(fmt.Sprintf("%s_%d", name, i), a, result))
		}
		return cel.Function(name, all...)
	}
	two := []*cel.Type{num, num}
	opts := []cel.EnvOption{
		fn(operators.Negate, num, []*cel.Type{num}), fn(operators.LogicalNot, flag, []*cel.Type{flag}),
		fn(operators.LogicalAnd, flag, []*cel.Type{flag, flag}), fn(operators.LogicalOr, flag, []*cel.Type{flag, flag}),
		fn(string(formula.RoundDown), num, two), fn(string(formula.RoundHalfUp), num, two),
		cel.Function(operators.Conditional,
			cel.Overload("if_number", []*cel.Type{flag, num, num}, num), cel.Overload("if_text", []*cel.Type{flag, text, text}, text),
			cel.Overload("if_flag", []*cel.Type{flag, flag, flag}, flag)),
	}
	for _, name := range []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide} {
		opts = append(opts, fn(name, num, two))
	}
	for _, name := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		opts = append(opts, fn(name, flag, two))
	}
	for _, name := range []string{operators.Equals, operators.NotEquals} {
		opts = append(opts, fn(name, flag, two, []*cel.Type{text, text}, []*cel.Type{flag, flag}))
	}
	for _, name := range []formula.Op{formula.Min, formula.Max} {
		var counts [][]*cel.Type
		for n := 2; n <= maxArgs; n++ {
			counts = append(counts, slices.Repeat([]*cel.Type{num}, n))
		}
		opts = append(opts, fn(string(name), num, counts...))
	}
	return opts
}

// Compile reads a formula that gives a number. What is wrong with it comes as faults,
// which are all found at once.
func (c *Compiler) Compile(text string) (formula.Formula, []Fault) {
	parsed, issues := c.env.Parse(text)
	if faults := faultsOf(issues); len(faults) > 0 {
		return formula.Formula{}, faults
	}
	r := reading{compiler: c, source: []rune(text), info: parsed.NativeRep().SourceInfo(), literals: map[int64]string{}}
	r.rewrite(parsed.NativeRep().Expr())
	if len(r.faults) > 0 {
		return formula.Formula{}, r.faults
	}
	checked, issues := c.env.Check(parsed)
	if faults := faultsOf(issues); len(faults) > 0 {
		return formula.Formula{}, faults
	}
	if !checked.OutputType().IsExactType(decimal()) {
		return formula.Formula{}, []Fault{{Line: 1, Column: 1, Message: "the formula must give a number, it is " + checked.OutputType().String()}}
	}
	root := r.part(checked.NativeRep().Expr())
	if len(r.faults) > 0 {
		return formula.Formula{}, r.faults
	}
	return formula.New(text, root), nil
}

func faultsOf(issues *cel.Issues) []Fault {
	if issues == nil || issues.Err() == nil {
		return nil
	}
	var faults []Fault
	for _, e := range issues.Errors() {
		faults = append(faults, Fault{Line: max(1, e.Location.Line()), Column: e.Location.Column() + 1, Message: strings.TrimSuffix(e.Message, " (in container '')")})
	}
	return faults
}

// reading is one formula on its way to the domain.
type reading struct {
	compiler *Compiler
	source   []rune
	info     *ast.SourceInfo
	// literals are the numbers as they are written, by their place in the tree.
	literals map[int64]string
	faults   []Fault
}

const (
	literal = "@number" // is the variable in the place of a number
	known   = "@known " // begins the variable that says whether an input is known
)

func (r *reading) fault(id int64, format string, args ...any) {
	at := r.info.GetStartLocation(id)
	r.faults = append(r.faults, Fault{Line: max(1, at.Line()), Column: at.Column() + 1, Message: fmt.Sprintf(format, args...)})
}

// rewrite puts variables in the place of numbers, which keeps the digits that were
// written, and of known(input), which asks for an input without needing it.
func (r *reading) rewrite(e ast.Expr) {
	switch e.Kind() {
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Int, types.Uint, types.Double:
			r.literals[e.ID()] = r.number(e)
			e.SetKindCase(ast.NewExprFactory().NewIdent(e.ID(), literal))
		case types.String, types.Bool:
		default:
			r.fault(e.ID(), "only numbers, texts, true and false can be written out")
		}
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			r.fault(e.ID(), "there is no function %s of a value", call.FunctionName())
			return
		}
		if call.FunctionName() == string(formula.Known) {
			r.known(e, call.Args())
			return
		}
		for _, a := range call.Args() {
			r.rewrite(a)
		}
	case ast.IdentKind:
	default:
		r.fault(e.ID(), "a formula has no lists, maps, fields or loops")
	}
}

func (r *reading) known(e ast.Expr, args []ast.Expr) {
	if len(args) != 1 || args[0].Kind() != ast.IdentKind || !r.compiler.inputs[args[0].AsIdent()] {
		r.fault(e.ID(), "known asks for one input by its name")
		return
	}
	e.SetKindCase(ast.NewExprFactory().NewIdent(e.ID(), known+args[0].AsIdent()))
}

// plain is how a number is written: no exponent, no other base, no suffix.
var plain = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,12})?$`)

// number reads a number from the text, so that no digit is lost.
func (r *reading) number(e ast.Expr) string {
	text := r.token(e.ID())
	if !plain.MatchString(text) {
		r.fault(e.ID(), "%s: write a number in decimals, at most 18 digits before the point and 12 after it", text)
	}
	return text
}

func (r *reading) token(id int64) string {
	at, ok := r.info.GetOffsetRange(id)
	if !ok {
		return ""
	}
	end := int(at.Start)
	for end < len(r.source) && (strings.ContainsRune("-.", r.source[end]) && end == int(at.Start) || isNumber(r.source[end])) {
		end++
	}
	return string(r.source[at.Start:end])
}

func isNumber(c rune) bool {
	return c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// part turns a checked expression into a part of a formula.
func (r *reading) part(e ast.Expr) *formula.Part {
	at := r.info.GetStartLocation(e.ID())
	p := &formula.Part{Line: max(1, at.Line()), Column: at.Column() + 1}
	switch e.Kind() {
	case ast.LiteralKind:
		p.Op = formula.Literal
		if s, ok := e.AsLiteral().(types.String); ok {
			p.Literal = formula.TextOf(string(s))
		} else {
			p.Literal = formula.Value{Type: formula.Flag, Flag: e.AsLiteral() == types.True}
		}
	case ast.IdentKind:
		r.name(p, e)
	case ast.CallKind:
		call := e.AsCall()
		op, ok := operations()[call.FunctionName()]
		if !ok {
			r.fault(e.ID(), "there is no function %s", call.FunctionName())
			return p
		}
		p.Op = op
		for _, a := range call.Args() {
			p.Args = append(p.Args, r.part(a))
		}
	default:
		r.fault(e.ID(), "a formula has no lists, maps, fields or loops")
	}
	return p
}

func (r *reading) name(p *formula.Part, e ast.Expr) {
	name := e.AsIdent()
	if text, ok := r.literals[e.ID()]; ok {
		v, _ := new(big.Rat).SetString(text) // the pattern admits decimals only
		p.Op, p.Text, p.Literal = formula.Literal, text, formula.NumberOf(v)
	} else if input, asked := strings.CutPrefix(name, known); asked {
		p.Op, p.Name = formula.Known, input
	} else {
		p.Op, p.Name = formula.Input, name
	}
}

// operations by the names that CEL gives them.
func operations() map[string]formula.Op {
	return map[string]formula.Op{
		operators.Add: formula.Add, operators.Subtract: formula.Subtract, operators.Multiply: formula.Multiply, operators.Divide: formula.Divide,
		operators.Negate: formula.Negate, operators.LogicalAnd: formula.And, operators.LogicalOr: formula.Or, operators.LogicalNot: formula.Not,
		operators.Equals: formula.Equal, operators.NotEquals: formula.NotEqual, operators.Less: formula.Less, operators.LessEquals: formula.LessEqual,
		operators.Greater: formula.Greater, operators.GreaterEquals: formula.GreaterEqual, operators.Conditional: formula.If,
		string(formula.Min): formula.Min, string(formula.Max): formula.Max,
		string(formula.RoundDown): formula.RoundDown, string(formula.RoundHalfUp): formula.RoundHalfUp,
	}
}
