package rpc_test

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

const around = `name: Case
base_currency: CNY
release_memory: {tolerance_percent: "0", days: 0}
release_authority:
  - steps: [{name: approval, roles: [ROLE_CREDIT_MANAGER]}]
`

// A fault in a policy's text names its line and column, and says what is wrong.
func TestFaultsInPoliciesAreNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, field, message string }{
		"name used twice": {
			"rules:\n  - {name: a, term: {}}\n  - {name: a, term: {}}\n", "yaml:8:12", "another rule has this name",
		},
		"expression that does not compile": {
			"rules:\n  - name: a\n    expression:\n      expression: order_amount <\n      message: m\n", "yaml:9:19", "line 1, column 15",
		},
		"expression over something that is no fact": {
			"rules:\n  - name: a\n    expression:\n      expression: weather == 'fine'\n      message: m\n", "yaml:9:19", "undeclared reference to 'weather'",
		},
		"expression that is no condition": {
			"rules:\n  - name: a\n    expression: {expression: order_amount + 1, message: m}\n", "yaml:8:30", "must be true or false",
		},
		"floating point": {
			"rules:\n  - name: a\n    expression: {expression: double(order_amount) * 0.9 < 5.0, message: m}\n", "yaml:8:30", "floating point",
		},
		"override of another check": {
			"rules:\n  - name: a\n    term: {}\n    overrides:\n      - {customer_id: C1, order_size: {max_amount: '5'}}\n", "yaml:10:9", "same check",
		},
		"two overrides for one customer": {
			"rules:\n  - name: a\n    term: {}\n    overrides:\n      - {customer_id: C1, enforcement: RULE_ENFORCEMENT_WARN}\n      - {customer_id: C1, enforcement: RULE_ENFORCEMENT_HOLD}\n",
			"yaml:11:9", "same customer",
		},
		"exemption with parameters": {
			"rules:\n  - name: a\n    order_size: {max_amount: '1'}\n    overrides:\n      - {grade: GRADE_A, exemption: {reason: r}, order_size: {max_amount: '5'}}\n",
			"yaml:10:37", "stands alone",
		},
		"combination of a rule that is not there": {
			"rules:\n  - {name: a, term: {}}\ncombinations:\n  - {name: c, rules: [a, b]}\n", "yaml:9:26", "no rule b",
		},
		"rule in two combinations": {
			"rules:\n  - {name: a, term: {}}\n  - {name: b, treatment: {}}\ncombinations:\n  - {name: c, rules: [a, b]}\n  - {name: d, rules: [b, a]}\n",
			"yaml:11:23", "in combination c already",
		},
		"rate twice on a day": {
			"rules:\n  - {name: a, term: {}}\nconversion:\n  rates:\n    - {from_currency: PLN, to_currency: EUR, rate: '0.9', from_date: '2026-01-01'}\n" +
				"    - {from_currency: PLN, to_currency: EUR, rate: '0.8', from_date: '2026-01-01'}\n",
			"yaml:11:70", "another rate",
		},
		"no such currency": {
			"rules:\n  - {name: a, term: {}}\nconversion:\n  rates:\n    - {from_currency: QQQ, to_currency: EUR, rate: '0.9', from_date: '2026-01-01'}\n",
			"yaml:10:7", "ISO 4217",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rpc.ParsePolicy("yaml", around+tt.text)
			e, ok := errs.As(err)
			if !ok || e.Reason != "POLICY_INVALID" || len(e.Violations) == 0 {
				t.Fatalf("error %v, want POLICY_INVALID", err)
			}
			v := e.Violations[0]
			if v.Field != tt.field || !strings.Contains(v.Message, tt.message) {
				t.Errorf("%s: %s; want %s: %s", v.Field, v.Message, tt.field, tt.message)
			}
		})
	}
}
