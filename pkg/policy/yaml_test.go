package policy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/policy"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

type yamlCase struct {
	Name   string   `yaml:"name"`
	Text   string   `yaml:"text"`
	Faults []string `yaml:"faults"`
}

func yamlCases(t testing.TB) []yamlCase {
	t.Helper()
	b, err := os.ReadFile("testdata/yaml.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []yamlCase
	if err := yaml.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestParseYAML(t *testing.T) {
	t.Parallel()
	for _, c := range yamlCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var row typev1.AuthorityRow
			err := policy.ParseYAML("policy.yaml", []byte(c.Text), &row)
			if len(c.Faults) == 0 {
				if err != nil || len(row.GetSteps()) == 0 {
					t.Fatalf("%v, %v", &row, err)
				}
				return
			}
			e, ok := errs.As(err)
			if !ok || e.Kind != errs.Invalid || e.Reason != policy.ReasonInvalid {
				t.Fatalf("err = %v", err)
			}
			var got []string
			for _, v := range e.Violations {
				place, found := strings.CutPrefix(v.Field, "policy.yaml:")
				if !found || v.Message == "" || strings.Contains(v.Message, "\n") {
					t.Errorf("violation %+v", v)
				}
				got = append(got, fmt.Sprintf("%s %s", place, v.Rule))
			}
			if !slices.Equal(got, c.Faults) {
				t.Errorf("faults %q, want %q\n%v", got, c.Faults, err)
			}
		})
	}
}

func TestParseYAMLBoundsItsInput(t *testing.T) {
	t.Parallel()
	big := "max_amount: " + strings.Repeat("9", 2<<20)
	if err := policy.ParseYAML("p", []byte(big), &typev1.AuthorityRow{}); errs.ReasonOf(err) != policy.ReasonInvalid {
		t.Errorf("err = %v", err)
	}
	many := "steps:\n" + strings.Repeat("  - {nome: x}\n", 5000)
	e, ok := errs.As(policy.ParseYAML("p", []byte(many), &typev1.AuthorityRow{}))
	if !ok || len(e.Violations) != 100 {
		t.Errorf("%d violations, want 100", len(e.Violations))
	}
}

func FuzzParseYAML(f *testing.F) {
	for _, c := range yamlCases(f) {
		f.Add(c.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := policy.ParseYAML("p", []byte(text), &typev1.AuthorityRow{})
		if e, ok := errs.As(err); err != nil && (!ok || len(e.Violations) == 0 || e.Violations[0].Field == "") {
			t.Errorf("error without a place: %v", err)
		}
	})
}
