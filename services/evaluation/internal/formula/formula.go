// Package formula works out the formulas of an evaluation policy: limits and terms over
// named inputs. Numbers are exact fractions, a formula has no loops, and each part that
// was worked out is shown with its value (S2.13, S2.14). It is pure; how formulas are
// written and read is for the layer around it.
package formula

import (
	"fmt"
	"math/big"
	"slices"
)

// Type is the type of a value.
type Type string

// The types.
const (
	// Number is an exact decimal or fraction.
	Number Type = "number"
	// Text is a word, for example a grade.
	Text Type = "text"
	// Flag is true or false.
	Flag Type = "flag"
)

// Value is a number, a text or a flag: Number is nil for the others.
type Value struct {
	Type   Type
	Number *big.Rat
	Text   string
	Flag   bool
}

// NumberOf returns a number.
func NumberOf(v *big.Rat) Value { return Value{Type: Number, Number: v} }

// TextOf returns a text.
func TextOf(s string) Value { return Value{Type: Text, Text: s} }

func flagOf(b bool) Value { return Value{Type: Flag, Flag: b} }

// String is the exact decimal where there is one, else the fraction in lowest terms.
func (v Value) String() string {
	switch v.Type {
	case Number:
		if n, exact := v.Number.FloatPrec(); exact {
			return v.Number.FloatString(n)
		}
		return v.Number.RatString()
	case Flag:
		return fmt.Sprint(v.Flag)
	default:
		return v.Text
	}
}

func (v Value) equal(w Value) bool {
	if v.Type == Number {
		return v.Number.Cmp(w.Number) == 0
	}
	return v.Text == w.Text && v.Flag == w.Flag
}

// Op is what a part of a formula does. Kinds of arguments fit: whoever reads a formula
// sees to it.
type Op string

// The operations.
const (
	// Input looks at the input that the part names.
	Input Op = "input"
	// Known asks whether the input that the part names is known.
	Known Op = "known"
	// Literal is a value that is written out.
	Literal Op = "literal"
	// If takes the second part where the first holds, else the third; the other is not looked at.
	If  Op = "?:"
	And Op = "&&"
	Or  Op = "||"
	Not Op = "!"

	Add      Op = "+"
	Subtract Op = "-"
	Multiply Op = "*"
	Divide   Op = "/"
	Negate   Op = "negate"

	Equal        Op = "=="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="

	// Min and Max take two numbers or more.
	Min Op = "min"
	Max Op = "max"
	// RoundDown cuts the first number to a multiple of the second, RoundHalfUp takes the
	// nearest one.
	RoundDown   Op = "round_down"
	RoundHalfUp Op = "round_half_up"
)

// Part is a formula or a part of one.
type Part struct {
	Op   Op
	Args []*Part
	// Name of an input; Literal of a value.
	Name    string
	Literal Value
	// Text as it is written, and its place in the formula, from 1.
	Text         string
	Line, Column int
}

// Formula is a formula as the policy has it.
type Formula struct {
	Text string
	Root *Part
}

// Needs returns the inputs that the formula cannot do without, sorted: those that it
// looks at and does not ask for with known.
func (f Formula) Needs() []string {
	var needs, asked []string
	f.Root.walk(func(p *Part) {
		switch p.Op {
		case Input:
			needs = append(needs, p.Name)
		case Known:
			asked = append(asked, p.Name)
		default:
		}
	})
	slices.Sort(needs)
	return slices.DeleteFunc(slices.Compact(needs), func(n string) bool { return slices.Contains(asked, n) })
}

// Uses returns all inputs that the formula looks at, sorted.
func (f Formula) Uses() []string {
	var names []string
	f.Root.walk(func(p *Part) {
		if p.Op == Input || p.Op == Known {
			names = append(names, p.Name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *Part) walk(visit func(*Part)) {
	visit(p)
	for _, a := range p.Args {
		a.walk(visit)
	}
}
