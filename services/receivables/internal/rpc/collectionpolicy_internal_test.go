package rpc

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/policy"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
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
		{"interest of both", late + "collection:\n  strategies:\n    - name: s\n      interest_by_ledger: true\n      annual_interest: 5%\n      levels:\n" + strings.Replace(level, "%s", "", 1), "alone"},
		{"interest of none", "collection:\n  strategies:\n    - name: s\n      interest_by_ledger: true\n      levels:\n" + strings.Replace(level, "%s", "", 1), "required"},
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

// Late interest is defined once, for the ledger, and letters refer to it; policies that say it twice mean what they meant: a letter's own
// interest leaves the day of payment out, the ledger's counts it.
func TestLateInterestIsDefinedOnce(t *testing.T) {
	t.Parallel()
	const level = "\n      levels:\n      - {name: l, days_past_due: 1, letter: {title_zh: a, body_zh: b, title_en: c, body_en: d}}\n"
	year := money.Ratio{Num: 36, Den: 100}
	for _, c := range []struct {
		name, late, own string
		want            dunning.Interest
	}{
		{"own, as before", "", "annual_interest: 36%", dunning.Interest{Rate: year}},
		{"by the ledger", late, "interest_by_ledger: true", dunning.Interest{Rate: year, YearDays: 360, Daily: true, PaymentDayCounts: true}},
		{"by the ledger, payment day free", late + "    payment_day: PAYMENT_DAY_FREE\n", "interest_by_ledger: true", dunning.Interest{Rate: year, YearDays: 360, Daily: true}},
	} {
		spec, err := ParsePolicy("p.yaml", []byte(policyHead+c.late+"collection:\n  strategies:\n    - name: s\n      "+c.own+level))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		p, err := termsOf(spec)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := p.Collection.Dunning.Strategies[0].Interest; got.Rate.Cmp(c.want.Rate) != 0 || got.YearDays != c.want.YearDays || got.Daily != c.want.Daily || got.PaymentDayCounts != c.want.PaymentDayCounts {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

const late = "ledger:\n  late_payment:\n    annual_rate: 36%\n    days_in_year: 360\n    round_daily: true\n"

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
