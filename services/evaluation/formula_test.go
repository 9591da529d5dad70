package evaluation_test

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc"
)

// builtInWith is the built-in policy with parts of its text replaced.
func builtInWith(t testing.TB, replace ...string) criteria.Policy {
	t.Helper()
	text, err := os.ReadFile("policy/default.yaml")
	must(t, err)
	spec := &evaluationv1.EvaluationPolicy{}
	changed := strings.NewReplacer(replace...).Replace(string(text))
	must(t, policy.ParseYAML("changed.yaml", []byte(changed), spec))
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(spec)
	must(t, err)
	p, err := rpc.DecodePolicy(policy.Version{Version: 1, Spec: data})
	must(t, err)
	if found := p.Check(); len(found) > 0 {
		t.Fatalf("%v", found)
	}
	return p
}

// withFormulas is the built-in policy with a formula for the limit and, where it is given, one for the term.
func withFormulas(t testing.TB, limit, term string, more ...string) criteria.Policy {
	t.Helper()
	text := "  formula: " + `"` + limit + `"` + "\n"
	for _, line := range more {
		text += "  " + line + "\n"
	}
	if term != "" {
		text += "term:\n  formula: " + `"` + term + `"` + "\n"
	}
	return builtInWith(t, "  factor: \"1\"\n", text)
}

// Invariant 35.
func TestLimitAndTermByFormula(t *testing.T) {
	t.Parallel()
	in := readCase(t, "testdata/cases/good_customer.yaml").Inputs // invoices 100.00 and 200.00; assets 100.00, liabilities 40.00
	guaranteed := in
	line := money.New(12_345, "CNY")
	guaranteed.Facts = append(guaranteed.Facts[:len(in.Facts):len(in.Facts)], fact.Fact{
		ID: "G-1", Sequence: 2, AsOf: in.Date, Content: fact.Content{Guarantee: &fact.Guarantee{Guarantor: "Bank", Amount: &line}},
	})
	for _, c := range []struct {
		name        string
		in          rating.Inputs
		policy      criteria.Policy
		limit, term string
		says        string
	}{
		{"a tenth of the equity", in, withFormulas(t, "min(usual_purchase * 2, equity * 0.10)", ""), "6.00", "30", "formula min(usual_purchase * 2, equity * 0.10) = 6.00 CNY"},
		{"half a unit is rounded up", in, withFormulas(t, "equity / 32", ""), "1.88", "30", "= 1.88 CNY"},
		{"below zero is zero", in, withFormulas(t, "equity - purchases", ""), "0.00", "30", "= 0.00 CNY"},
		{"at most the cap", in, withFormulas(t, "purchases", "", `cap: "250"`), "250.00", "30", "= 300.00 CNY; at most the cap of 250.00 CNY"},
		{"an unknown input", in, withFormulas(t, "usual_purchase + guarantees", ""), "", "30", "limit.formula: line 1, column 18: guarantees is missing: nothing usable is recorded of it in CNY: no limit can be recommended"},
		{"an input that may be unknown", in, withFormulas(t, "usual_purchase + (known(guarantees) ? guarantees : 0)", ""), "150.00", "30", "= 150.00 CNY"},
		{"with a guarantee", guaranteed, withFormulas(t, "usual_purchase + (known(guarantees) ? guarantees : 0)", ""), "273.45", "30", "= 273.45 CNY"},
		{"only what was verified", guaranteed, withFormulas(t, "usual_purchase + (known(guarantees) ? guarantees : 0)", "", "facts: { verified_only: true }"), "150.00", "30", "= 150.00 CNY"},
		{"statement too old", in, withFormulas(t, "equity", "", "facts: { max_age_days: 30 }"), "", "30", "older than the policy allows"},
		{"by zero", in, withFormulas(t, "equity / open_amount", ""), "", "30", "divides by zero"},
		{"beyond the greatest amount", in, withFormulas(t, "equity * 999999999999999999", ""), "", "30", "limit.formula: the result is above the greatest amount there is: no limit can be recommended"},
		{"an indicator", in, withFormulas(t, "debt_to_asset_ratio * 1000", ""), "400.00", "30", "= 400.00 CNY"},
		{"few days for a small limit", in, withFormulas(t, "purchases", "limit < 500 ? 14.9 : 60"), "300.00", "14", "= 300.00 CNY"},
		{"no more than the grade's days", in, withFormulas(t, "purchases", "limit < 100 ? 14 : 60"), "300.00", "30", "= 300.00 CNY"},
		{"no days below zero", in, withFormulas(t, "purchases", "-5"), "300.00", "0", "= 300.00 CNY"},
		{"a term without a limit", in, withFormulas(t, "guarantees", "limit / 10"), "", "0", "no limit can be recommended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rec, err := rating.Rate(c.in, c.policy)
			must(t, err)
			limit := ""
			if rec.Result.Limit != nil {
				limit = rec.Result.Limit.String()
			}
			if term := rec.Result.TermDays; limit != c.limit || c.term != strconv.Itoa(term) || !strings.Contains(rec.Result.LimitExplanation, c.says) {
				t.Errorf("%s, %d days: %s", limit, term, rec.Result.LimitExplanation)
			}
			if rec.Result.LimitFormula == nil || (limit == "") != (rec.Result.LimitFormula.Error != "") {
				t.Errorf("%+v", rec.Result.LimitFormula)
			}
			replays(t, rec, c.policy)
		})
	}
}

// replays fails where a record, read from its bytes and rated again, is not the same to the byte.
func replays(t *testing.T, rec rating.Record, p criteria.Policy) {
	t.Helper()
	stored, err := rec.Bytes()
	must(t, err)
	old, err := rating.Parse(stored)
	must(t, err)
	again, err := rating.Rate(old.Inputs, p)
	must(t, err)
	data, err := again.Bytes()
	must(t, err)
	if !bytes.Equal(data, stored) {
		t.Errorf("%s\nreplays to\n%s", stored, data)
	}
}

// Where the grade gets no credit no formula is worked out.
func TestNoCreditNoFormula(t *testing.T) {
	t.Parallel()
	in := readCase(t, "testdata/cases/sued_by_others.yaml").Inputs
	rec, err := rating.Rate(in, withFormulas(t, "usual_purchase", "30"))
	must(t, err)
	if r := rec.Result; r.Limit != nil || r.LimitFormula != nil || r.TermFormula != nil || r.TermDays != 0 {
		t.Errorf("%+v", r)
	}
}

// What a formula needs is on the checklist, as strict as the formula is.
func TestFormulaNeedsFacts(t *testing.T) {
	t.Parallel()
	p := withFormulas(t, "debt_to_asset_ratio * 10 + (known(interest_cover) ? 1 : 0)", "", "facts: { max_age_days: 90, verified_only: true }")
	p.Dimensions, p.Checklist = nil, nil
	wants := p.Wants()
	if len(wants) != 1 || wants[0].Kind != fact.KindStatement || wants[0].MaxAgeDays != 90 || !wants[0].VerifiedOnly || len(wants[0].Indicators) != 1 {
		t.Errorf("%+v", wants)
	}
	if p.UsesInvoices() || !withFormulas(t, "known(yearly_sales) ? yearly_sales : 0", "").UsesInvoices() {
		t.Error("invoices are read where a formula looks at them, and else not")
	}
}
