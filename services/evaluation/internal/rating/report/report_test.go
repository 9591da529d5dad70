package report_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/rating/report"
)

// Every reason for which a figure is missing has words in Chinese: those of the sources of the rating are looked through.
func TestEveryReasonHasChineseWords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			for _, text := range reasons(n) {
				found++
				if said := report.Phrase(text); !hanOnly(said) {
					t.Errorf("%s: %q is %q in Chinese", file, text, said)
				}
			}
			return true
		})
	}
	if found < 25 {
		t.Errorf("only %d reasons looked at", found)
	}
}

// reasons are the texts of missing("..."), of formula.Given{Missing: "..."}, and of what count and worst say of nothing.
func reasons(n ast.Node) []string {
	var all []string
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(s, " ") && !strings.Contains(s, "%") && !strings.HasSuffix(s, " ") {
				all = append(all, s)
			}
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "missing" || f.Name == "count" || f.Name == "worst") {
			for _, a := range n.Args {
				add(a)
			}
		}
	case *ast.KeyValueExpr:
		if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Missing" {
			add(n.Value)
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`[0-9.]+`)

func hanOnly(s string) bool {
	han := false
	for _, r := range placeholder.ReplaceAllString(s, "") {
		if unicode.Is(unicode.Han, r) {
			han = true
		} else if unicode.IsLetter(r) {
			return false
		}
	}
	return han
}

// Every indicator and every input of a formula has a Chinese name.
func TestNamesInChinese(t *testing.T) {
	t.Parallel()
	for _, i := range criteria.Indicators() {
		if n := report.ChineseName(string(i)); n == "" || n == string(i) {
			t.Errorf("%s has no Chinese name", i)
		}
	}
	for _, m := range formula.Inputs() {
		if report.ChineseName(m.Name) == "" {
			t.Errorf("%s has no Chinese name", m.Name)
		}
	}
}

func TestPhrasesWithNames(t *testing.T) {
	t.Parallel()
	for english, want := range map[string]string{
		"no invoice within 12 months":                                 "12 个月内没有发票",
		"the policy's scales do not know the rating of F-7":           "政策的评级对照表未列出 F-7 的评级",
		"credit application A-1 was submitted":                        "提交了授信申请 A-1",
		"the share of venture V-1 in the assets is not known":         "高风险项目 V-1 占资产的比例未知",
		"Agency X lowered its rating from AA to A-":                   "Agency X 将评级由 AA 下调为 A-",
		"a suit is open against the customer (fact F-2)":              "客户有未结诉讼（事实 F-2）",
		"2 invoices were settled, the last of them I-9 on 2026-03-02": "2 张发票结清，最后一张为 I-9，日期 2026-03-02",
		"something that nobody has translated":                        "something that nobody has translated",
	} {
		if got := report.Phrase(english); got != want {
			t.Errorf("%q: %q", english, got)
		}
	}
}

// Both languages have the same texts, with the same number of values in each.
func TestTextsOfBothLanguages(t *testing.T) {
	t.Parallel()
	en, zh := report.Texts()
	if len(en) != len(zh) {
		t.Errorf("%d texts in English, %d in Chinese", len(en), len(zh))
	}
	for key, text := range en {
		if a, b := strings.Count(text, "%"), strings.Count(zh[key], "%"); a != b {
			t.Errorf("%s: %q and %q", key, text, zh[key])
		}
	}
}
