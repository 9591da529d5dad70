package reportfile

import (
	"regexp"
	"testing"

	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// Every rule of the shipped policy has a Chinese name; a rule of the company's own goes by the name that it gave it.
func TestShippedRulesHaveChineseNames(t *testing.T) {
	t.Parallel()
	w := wordsOf(Chinese)
	rules := regexp.MustCompile(`(?m)^  - name: ([a-z_]+)$`).FindAllStringSubmatch(defaults.Default, -1)
	if len(rules) < 9 {
		t.Fatalf("only %d rules found", len(rules))
	}
	for _, r := range rules {
		if w.rules[r[1]] == "" {
			t.Errorf("rule %s has no Chinese name", r[1])
		}
	}
	if got := w.ruleNames([]string{"limit", "our_own"}); got != "信用额度、our_own" {
		t.Errorf("%s", got)
	}
	if got := wordsOf(English).ruleNames([]string{"limit", "our_own"}); got != "limit, our_own" {
		t.Errorf("%s", got)
	}
}
