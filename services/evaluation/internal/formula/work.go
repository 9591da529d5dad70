package formula

import (
	"fmt"
	"math/big"
	"slices"
)

// Seen is an input that a formula looked at.
type Seen struct {
	Name string `json:"name"`
	// Value is exact; empty where missing.
	Value string `json:"value,omitempty"`
	Unit  string `json:"unit"`
	// Missing says why there is no value.
	Missing string   `json:"missing,omitempty"`
	FactIDs []string `json:"fact_ids,omitempty"`
}

// Step is a part of a formula with its value.
type Step struct {
	Part  string `json:"part"`
	Value string `json:"value"`
}

// Worked is a formula, worked out.
type Worked struct {
	Formula string `json:"formula"`
	Inputs  []Seen `json:"inputs,omitempty"`
	// Steps are the parts that were worked out, the innermost first.
	Steps []Step `json:"steps,omitempty"`
	// Value is what it gave; empty where it could not be worked out, and Error says why.
	Value string `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
	// Missing is the input without which it could not be worked out.
	Missing string `json:"missing_input,omitempty"`
}

// Given is an input as a formula gets it: a value, or why there is none.
type Given struct {
	Value   Value
	Unit    string
	Missing string
	FactIDs []string
}

// Work works the formula out over the inputs that given tells. The result is nil where it
// cannot be worked out; Worked then says why. Nothing that is missing is taken for zero.
func (f Formula) Work(given func(name string) Given) (*big.Rat, Worked) {
	w := worker{given: given, known: map[string]Given{}, done: Worked{Formula: f.Text}}
	v, err := w.part(f.Root)
	if err == nil && v.Type != Number {
		err = f.Root.fail("is not a number")
	}
	if err != nil {
		w.done.Error, w.done.Missing = err.text, err.missing
		return nil, w.done
	}
	w.done.Value = v.String()
	return v.Number, w.done
}

// failure is why a part could not be worked out.
type failure struct{ text, missing string }

func (p *Part) fail(format string, args ...any) *failure {
	return &failure{text: fmt.Sprintf("line %d, column %d: %s %s", p.Line, p.Column, p.Text, fmt.Sprintf(format, args...))}
}

type worker struct {
	given func(string) Given
	known map[string]Given
	done  Worked
}

// input is looked at once; the order of looking is the order in the result.
func (w *worker) input(name string) Given {
	g, ok := w.known[name]
	if ok {
		return g
	}
	g = w.given(name)
	w.known[name] = g
	s := Seen{Name: name, Unit: g.Unit, Missing: g.Missing, FactIDs: g.FactIDs}
	if g.Missing == "" {
		s.Value = g.Value.String()
	}
	w.done.Inputs = append(w.done.Inputs, s)
	return g
}

func (w *worker) part(p *Part) (Value, *failure) {
	switch p.Op {
	case Literal:
		return p.Literal, nil
	case Input:
		g := w.input(p.Name)
		if g.Missing != "" {
			err := p.fail("is missing: %s", g.Missing)
			err.missing = p.Name
			return Value{}, err
		}
		return g.Value, nil
	default:
	}
	v, err := w.compound(p)
	if err == nil {
		w.step(p, v)
	}
	return v, err
}

// step records what a part gave. The same part with the same value is recorded once.
func (w *worker) step(p *Part, v Value) {
	s := Step{Part: p.Text, Value: v.String()}
	if !slices.Contains(w.done.Steps, s) {
		w.done.Steps = append(w.done.Steps, s)
	}
}

func (w *worker) compound(p *Part) (Value, *failure) {
	switch p.Op {
	case Known:
		return flagOf(w.input(p.Name).Missing == ""), nil
	case If:
		cond, err := w.part(p.Args[0])
		if err != nil {
			return Value{}, err
		}
		if cond.Flag {
			return w.part(p.Args[1])
		}
		return w.part(p.Args[2])
	case And, Or:
		return w.logic(p)
	default:
	}
	args := make([]Value, len(p.Args))
	for i, a := range p.Args {
		v, err := w.part(a)
		if err != nil {
			return Value{}, err
		}
		args[i] = v
	}
	return p.apply(args)
}

// logic is decided by either side: what cannot be worked out does not matter where the
// other side settles it.
func (w *worker) logic(p *Part) (Value, *failure) {
	settles := p.Op == Or
	left, lerr := w.part(p.Args[0])
	if lerr == nil && left.Flag == settles {
		return left, nil
	}
	right, rerr := w.part(p.Args[1])
	switch {
	case rerr == nil && right.Flag == settles:
		return right, nil
	case lerr != nil:
		return Value{}, lerr
	default:
		return right, rerr
	}
}

func (p *Part) apply(a []Value) (Value, *failure) {
	switch p.Op {
	case Not:
		return flagOf(!a[0].Flag), nil
	case Equal:
		return flagOf(a[0].equal(a[1])), nil
	case NotEqual:
		return flagOf(!a[0].equal(a[1])), nil
	case Less, LessEqual, Greater, GreaterEqual:
		return flagOf(compare(p.Op, a[0].Number.Cmp(a[1].Number))), nil
	case Min, Max:
		return extreme(p.Op, a), nil
	default:
	}
	x, res := a[0].Number, new(big.Rat)
	switch p.Op {
	case Negate:
		return NumberOf(res.Neg(x)), nil
	case Add:
		return NumberOf(res.Add(x, a[1].Number)), nil
	case Subtract:
		return NumberOf(res.Sub(x, a[1].Number)), nil
	case Multiply:
		return NumberOf(res.Mul(x, a[1].Number)), nil
	default:
	}
	y := a[1].Number
	if p.Op == Divide {
		if y.Sign() == 0 {
			return Value{}, p.fail("divides by zero")
		}
		return NumberOf(res.Quo(x, y)), nil
	}
	if y.Sign() <= 0 {
		return Value{}, p.fail("rounds to multiples of %s, which is not above zero", a[1])
	}
	return NumberOf(round(p.Op, x, y)), nil
}

func compare(op Op, sign int) bool {
	switch op {
	case Less:
		return sign < 0
	case LessEqual:
		return sign <= 0
	case Greater:
		return sign > 0
	default:
		return sign >= 0
	}
}

func extreme(op Op, all []Value) Value {
	best := all[0]
	for _, v := range all[1:] {
		if c := v.Number.Cmp(best.Number); op == Min && c < 0 || op == Max && c > 0 {
			best = v
		}
	}
	return best
}

// round takes the multiple of the step at or below the number, or the nearest one.
func round(op Op, x, step *big.Rat) *big.Rat {
	times := new(big.Rat).Quo(x, step)
	if op == RoundHalfUp {
		times.Add(times, big.NewRat(1, 2))
	}
	return new(big.Rat).Mul(new(big.Rat).SetInt(Floor(times)), step)
}

// Floor is the greatest whole number that is not above v.
// Its denominator is above zero, so that Euclid's division is the one down.
func Floor(v *big.Rat) *big.Int { return new(big.Int).Div(v.Num(), v.Denom()) }
