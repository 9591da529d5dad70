package expression_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc/expression"
)

func compiler(t testing.TB) *expression.Compiler {
	t.Helper()
	c, err := expression.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFaultsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]expression.Fault{
		"order_amount < 5 &&\n  wether == 1":  {Line: 2, Column: 3},
		"grade == 1":                          {Line: 1, Column: 7},
		"order_amount":                        {Line: 1, Column: 1},
		"order_amount < 5 && (":               {Line: 1, Column: 22},
		"double(order_amount) < 1.5":          {Line: 1, Column: 7},
		"timestamp(business_date) == grade":   {Line: 1, Column: 26},
		"[1, 2].all(x, x < order_amount) + 1": {Line: 1, Column: 33},
	} {
		_, faults := compiler(t).Compile(text)
		if len(faults) == 0 || faults[0].Line != want.Line || faults[0].Column != want.Column {
			t.Errorf("%q: faults %+v, want one at %d:%d", text, faults, want.Line, want.Column)
		}
	}
}

func TestExpressionsAreStoppedAndSayWhatTheyUse(t *testing.T) {
	t.Parallel()
	values := map[string]any{"order_amount": int64(10), "grade": "A", "dunning_level": int64(0)}
	for text, want := range map[string]struct {
		holds, fails bool
		facts        []string
	}{
		"order_amount <= 10 || grade == 'A'":     {true, false, []string{"grade", "order_amount"}},
		"order_amount < 10":                      {false, false, []string{"order_amount"}},
		"order_amount / dunning_level == 1":      {false, true, []string{"dunning_level", "order_amount"}},
		"order_amount + 9223372036854775807 > 0": {false, true, []string{"order_amount"}},
		runaway():                                {false, true, []string{"order_amount"}},
	} {
		p, faults := compiler(t).Compile(text)
		if len(faults) > 0 {
			t.Fatalf("%q: %v", text, faults)
		}
		holds, err := p.Holds(func(name string) any { return values[name] })
		if holds != want.holds || (err != nil) != want.fails || !slices.Equal(p.Facts(), want.facts) {
			t.Errorf("%.60q: %v %v, facts %v; want %+v", text, holds, err, p.Facts(), want)
		}
	}
}

// runaway is an expression that would take a hundred thousand steps.
func runaway() string {
	list := "[" + strings.Repeat("1,", 17) + "order_amount]"
	text := "true"
	for _, v := range []string{"a", "b", "c", "d"} {
		text = list + ".all(" + v + ", " + text + ")"
	}
	return text
}

// The README documents every fact, and no fact that is none.
func TestFactsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## Facts of expressions")
	if !ok {
		t.Fatal("the README has no section of facts")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var documented, known []string
	for line := range strings.Lines(section) {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` |"); ok && rest != "" && strings.HasPrefix(line, "| `") {
			documented = append(documented, name)
		}
	}
	for _, f := range check.Facts() {
		known = append(known, f.Name)
	}
	slices.Sort(documented)
	slices.Sort(known)
	if !slices.Equal(documented, known) {
		t.Errorf("documented %v\nknown %v", documented, known)
	}
}

func BenchmarkExpression(b *testing.B) {
	p, faults := compiler(b).Compile("order_amount <= 10000 || grade in ['A', 'B'] && dunning_level == 0")
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	values := map[string]any{"order_amount": int64(10_001), "grade": "B", "dunning_level": int64(0)}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Holds(func(name string) any { return values[name] }); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
