package rpc

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/policy"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const policyHead = "name: n\nbase_currency: CNY\naging_bounds: [30]\ndefault_term_days: 30\ndefault_after_days: 91\n"

func TestCollectionPolicyIsHeldToItsRules(t *testing.T) {
	t.Parallel()
	level := "      - {name: l, days_past_due: 1, letter: {title_zh: a, body_zh: b, title_en: c, body_en: d}%s}\n"
	for _, c := range []struct{ name, text, rule string }{
		{"good", "collection:\n  strategies:\n    - name: s\n      levels:\n" + strings.Replace(level, "%s", "", 1), ""},
		{"no level", "collection: {strategies: [{name: s}]}", "min_items"},
		{"no letter", "collection: {strategies: [{name: s, levels: [{name: l}]}]}", "required"},
		{"share", "collection:\n  strategies:\n    - name: s\n      levels:\n" + strings.Replace(level, "%s", ", fee_share: much", 1), "ratio"},
		{"a fee twice", "collection:\n  strategies:\n    - name: s\n      levels:\n" + strings.Replace(level, "%s", ", fees: [{currency_code: CNY, amount: \"1\"}, {currency_code: CNY, amount: \"2\"}]", 1), "unique"},
		{"a negative minimum", "collection:\n  strategies:\n    - name: s\n      minimums: [{currency_code: CNY, amount: \"-1\"}]\n      levels:\n" + strings.Replace(level, "%s", "", 1), "range"},
		{"promises that fail", "collection: {failed_promises: 2}", ""},
		{"promises that fail without end", "collection: {failed_promises: 101}", "lte"},
		{"a year of 364 days", "collection:\n  strategies:\n    - name: s\n      interest_year_days: 364\n      levels:\n" + strings.Replace(level, "%s", "", 1), "in"},
	} {
		_, err := ParsePolicy("p.yaml", []byte(policyHead+c.text))
		if c.rule == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		e, ok := errs.As(err)
		if !ok || !slices.ContainsFunc(e.Violations, func(v errs.Violation) bool { return strings.HasSuffix(v.Rule, c.rule) }) {
			t.Errorf("%s: %v %+v", c.name, err, e)
		}
	}
}

// A policy signed before collection was there reads as before: nobody is dunned, and promises are not bounded.
func TestOlderPolicyDunsNobody(t *testing.T) {
	t.Parallel()
	old, err := proto.Marshal(&receivablesv1.ReceivablesPolicy{Name: "old", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultAfterDays: 91})
	if err != nil {
		t.Fatal(err)
	}
	p, err := DecodePolicy(policy.Version{Version: 3, Spec: old})
	if err != nil || len(p.Collection.Dunning.Strategies) != 0 || p.Collection.PromiseGraceDays != 0 || p.Collection.FailedPromises != 0 || p.Version != 3 {
		t.Errorf("%+v %v", p, err)
	}
}
