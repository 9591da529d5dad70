package reportfile

import (
	"regexp"
	"testing"

	"github.com/avalcredit/aval/services/ordergate/internal/check"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// Every rule of the shipped policy, and what holds orders beside it, has a Chinese name; a rule of the company's own goes by the name that it gave it.
func TestShippedRulesHaveChineseNames(t *testing.T) {
	t.Parallel()
	w := wordsOf(Chinese)
	rules := regexp.MustCompile(`(?m)^  - name: ([a-z_]+)$`).FindAllStringSubmatch(defaults.Default, -1)
	if len(rules) < 11 {
		t.Fatalf("only %d rules found", len(rules))
	}
	names := []string{check.RuleBlock, check.RuleCreditStop} // they hold orders too, beside the rules of any policy
	for _, r := range rules {
		names = append(names, r[1])
	}
	for _, name := range names {
		if w.rules[name] == "" {
			t.Errorf("rule %s has no Chinese name", name)
		}
	}
	for _, c := range []struct {
		l    Language
		own  map[string]string
		want string
	}{
		{Chinese, nil, "信用额度、our_own"},
		{Chinese, map[string]string{"our_own": "我方规则", "limit": "授信额度"}, "授信额度、我方规则"},
		{English, map[string]string{"our_own": "我方规则"}, "limit, our_own"},
	} {
		if got := wordsOf(c.l).ruleNames([]string{"limit", "our_own"}, c.own); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
