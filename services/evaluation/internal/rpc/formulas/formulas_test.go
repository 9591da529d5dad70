package formulas_test

import (
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc/formulas"
)

func compiler(t testing.TB, term bool) *formulas.Compiler {
	t.Helper()
	c, err := formulas.NewCompiler(term)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each defect has its line, its column and a reason.
func TestFaultsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]formulas.Fault{
		"usual_purchase +\n  equiti":        {2, 3, "undeclared reference to 'equiti'"},
		"usual_purchase + grade":            {1, 16, "found no matching overload for '_+_' applied to '(decimal, string)'"},
		"usual_purchase > 1":                {1, 1, "it is bool"},
		"min(usual_purchase)":               {1, 4, "found no matching overload for 'min'"},
		"min(usual_purchase, (":             {1, 22, "Syntax error"},
		"usual_purchase * 1e3":              {1, 18, "write a number in decimals"},
		"usual_purchase * 0x10":             {1, 18, "write a number in decimals"},
		"usual_purchase * 1.0000000000001":  {1, 18, "write a number in decimals"},
		"[1, 2][0]":                         {1, 1, "lists"},
		"{'a': 1}.a":                        {1, 9, "lists"},
		"[1].map(x, x)":                     {1, 8, "no function map"},
		"known(usual_purchase + 1) ? 1 : 2": {1, 6, "known asks for one input"},
		"known(limit) ? 1 : 2":              {1, 6, "known asks for one input"},
		"limit":                             {1, 1, "undeclared reference"},
		"double(usual_purchase)":            {1, 7, "undeclared reference to 'double'"},
		"\"A\"":                             {1, 1, "must give a number"},
		"b'1'":                              {1, 1, "can be written out"},
		"grade.size()":                      {1, 11, "no function size"},
	} {
		_, faults := compiler(t, false).Compile(text)
		if len(faults) == 0 || faults[0].Line != want.Line || faults[0].Column != want.Column || !strings.Contains(faults[0].Message, want.Message) {
			t.Errorf("%q: faults %+v, want %+v", text, faults, want)
		}
	}
	if _, faults := compiler(t, true).Compile("limit > 100000 ? 30 : 15"); len(faults) > 0 {
		t.Errorf("a term may look at the limit: %v", faults)
	}
}

func values(given map[string]string) func(string) formula.Given {
	return func(name string) formula.Given {
		text, ok := given[name]
		if !ok {
			return formula.Given{Missing: "nobody knows"}
		}
		if v, isNumber := new(big.Rat).SetString(text); isNumber {
			return formula.Given{Value: formula.NumberOf(v), Unit: "ratio"}
		}
		return formula.Given{Value: formula.TextOf(text), Unit: "text"}
	}
}

// Numbers are exact, both as they are written and as they are worked out.
func TestWorksOut(t *testing.T) {
	t.Parallel()
	given := values(map[string]string{"usual_purchase": "100000.10", "equity": "-3", "grade": "A", "invoices": "3", "open_amount": "0"})
	for text, want := range map[string]string{
		"usual_purchase * 1.10":                   "110000.11",
		"0.1 + 0.2":                               "0.3",
		"1 / 3 * 3 == 1 ? 7 : 8":                  "7",
		"1 / invoices":                            "1/3",
		"-equity * 2 - -1":                        "7",
		"10 - 4 - 3":                              "3",
		"10 - (4 - 3)":                            "9",
		"12 / 2 / 3 * 2":                          "4",
		"2 + 3 * 4":                               "14",
		"(2 + 3) * 4":                             "20",
		"min(3, 2, usual_purchase, 2.5)":          "2",
		"max(equity, -4)":                         "-3",
		"round_down(usual_purchase, 10000)":       "100000",
		"round_down(equity, 2)":                   "-4",
		"round_half_up(2.5, 1)":                   "3",
		"round_half_up(-2.5, 1)":                  "-2",
		"grade == 'A' ? 1 : grade == 'B' ? 2 : 3": "1",
		"grade != 'A' || invoices >= 3 && !(equity > 0) ? 1 : 0":  "1",
		"known(revenue) ? revenue : 5":                            "5",
		"known(usual_purchase) ? 1 : 0":                           "1",
		"grade == 'A' || revenue > 5 ? 1 : 0":                     "1",
		"revenue > 5 || grade == 'A' ? 1 : 0":                     "1",
		"revenue > 5 && grade == 'B' ? 1 : 0":                     "0",
		"999999999999999999 * 999999999999999999 * 1000000000000": "999999999999999998000000000000000001000000000000",
		"true ? 1 : revenue":                                      "1",
	} {
		f, faults := compiler(t, false).Compile(text)
		if len(faults) > 0 {
			t.Errorf("%q: %v", text, faults)
			continue
		}
		v, worked := f.Work(given)
		if v == nil || worked.Value != want {
			t.Errorf("%q: %+v, want %s", text, worked, want)
		}
	}
}

// What cannot be worked out says which part and why; nothing missing becomes zero.
func TestCannotBeWorkedOut(t *testing.T) {
	t.Parallel()
	given := values(map[string]string{"open_amount": "0", "usual_purchase": "5"})
	for text, want := range map[string]string{
		"usual_purchase / open_amount":               "line 1, column 16: usual_purchase / open_amount divides by zero",
		"1 +\n revenue":                              "line 2, column 2: revenue is missing: nobody knows",
		"revenue > 5 && usual_purchase == 5 ? 1 : 2": "line 1, column 1: revenue is missing: nobody knows",
		"round_down(usual_purchase, open_amount)":    "line 1, column 11: round_down(usual_purchase, open_amount) rounds to multiples of 0, which is not above zero",
	} {
		f, faults := compiler(t, false).Compile(text)
		if len(faults) > 0 {
			t.Fatalf("%q: %v", text, faults)
		}
		if v, worked := f.Work(given); v != nil || worked.Error != want || worked.Value != "" {
			t.Errorf("%q: %+v", text, worked)
		}
	}
}

func TestStepsAndInputsAreShown(t *testing.T) {
	t.Parallel()
	f, faults := compiler(t, false).Compile("min(usual_purchase * 2,\n known(equity) ? equity * 0.10 : 0)")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	_, worked := f.Work(values(map[string]string{"usual_purchase": "30", "equity": "500"}))
	steps := fmt.Sprint(worked.Steps)
	want := "[{usual_purchase * 2 60} {known(equity) true} {equity * 0.10 50} {known(equity) ? equity * 0.10 : 0 50} " +
		"{min(usual_purchase * 2, known(equity) ? equity * 0.10 : 0) 50}]"
	if steps != want {
		t.Errorf("%s", steps)
	}
	if len(worked.Inputs) != 2 || worked.Inputs[0].Name != "usual_purchase" || worked.Inputs[1].Value != "500" {
		t.Errorf("%+v", worked.Inputs)
	}
	if needs := f.Needs(); !slices.Equal(needs, []string{"usual_purchase"}) {
		t.Errorf("needs %v", needs)
	}
}

// The text of a whole formula, read again, gives the same value: brackets are where they must be.
func TestTextsReadBack(t *testing.T) {
	t.Parallel()
	c := compiler(t, false)
	given := values(map[string]string{"usual_purchase": "7.25", "equity": "-3", "invoices": "4"})
	rapid.Check(t, func(t *rapid.T) {
		text := number(t, 4)
		f, faults := c.Compile(text)
		if len(faults) > 0 {
			t.Fatalf("%q: %v", text, faults)
		}
		again, faults := c.Compile(f.Root.Text)
		if len(faults) > 0 {
			t.Fatalf("%q became %q: %v", text, f.Root.Text, faults)
		}
		_, a := f.Work(given)
		_, b := again.Work(given)
		if a.Value != b.Value || (a.Error == "") != (b.Error == "") || again.Root.Text != f.Root.Text {
			t.Fatalf("%q gives %+v, %q gives %+v", text, a, f.Root.Text, b)
		}
	})
}

func number(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom([]string{"usual_purchase", "equity", "invoices", "revenue", "0", "1.50", "-2", "100"}).Draw(t, "value")
	}
	part := func() string { return "(" + number(t, depth-1) + ")" }
	switch op := rapid.SampledFrom([]string{" + ", " - ", " * ", " / ", "-", "min", "round_down", "?"}).Draw(t, "op"); op {
	case "-":
		return "-" + part()
	case "min", "round_down":
		return op + "(" + part() + ", " + part() + ")"
	case "?":
		return truth(t, depth-1) + " ? " + part() + " : " + part()
	default:
		return part() + op + part()
	}
}

func truth(t *rapid.T, depth int) string {
	a, b := number(t, depth), number(t, 0)
	test := "(" + a + ") " + rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "compare") + " (" + b + ")"
	switch rapid.IntRange(0, 3).Draw(t, "truth") {
	case 0:
		return "!(" + test + ")"
	case 1:
		return "(" + test + " || known(revenue))"
	case 2:
		return "((" + test + ") && (" + b + " > 1 || known(equity)))"
	default:
		return "(" + test + ")"
	}
}

// Every input has a line in the README of the service, and so has every indicator.
func TestInputsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range formula.Inputs() {
		if line := fmt.Sprintf("| %s | %s | %s |", m.Name, m.Formula, m.Unit); !strings.Contains(string(text), line) {
			t.Errorf("the README has no line %s", line)
		}
	}
	for _, i := range criteria.Indicators() {
		if !strings.Contains(string(text), "\n| "+string(i)+" | "+i.Unit()+" | ") {
			t.Errorf("the README has no line | %s | %s |", i, i.Unit())
		}
	}
}
