package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// sharedCase is what happens among customers that share a limit, and what must show after each step. Amounts are CNY.
type sharedCase struct {
	ID          string       `yaml:"id"`
	MembersDraw bool         `yaml:"members_draw"`
	Steps       []sharedStep `yaml:"steps"`
}

type sharedStep struct {
	Do       string // group_limit, customer, submit, check, cancel, approve, state
	Customer string
	Group    string
	Limit    string // amount or "undefined"
	Order    string
	Amount   string
	Want     string // state of the order, or the verdict of a check
	Reasons  []string
	Figures  map[string]string // of the rule group_pool
	Pool     map[string]string // group -> exposure
	Exposure map[string]string // customer -> exposure
}

func TestSharedCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/shared/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(strings.NewReader(string(text)))
		dec.KnownFields(true)
		var cases []sharedCase
		if err := dec.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				text := defaults.Default
				if c.MembersDraw {
					text = strings.Replace(text, "group_pool: {}", "group_pool: {members_draw_on_group: true}", 1)
				}
				w := sharedWorld{rig: newRigUnder(t, text), seqs: map[string]int64{}, groups: map[string]bool{}}
				w.gate = w.start()
				for i, s := range c.Steps {
					w.step = fmt.Sprintf("step %d (%s %s%s)", i+1, s.Do, s.Customer, s.Order)
					w.run(s)
				}
				for g := range w.groups {
					w.sums(w.gate, g)
				}
			})
		}
	}
}

type sharedWorld struct {
	*rig
	gate   replica
	step   string
	seqs   map[string]int64
	groups map[string]bool
	n      int
}

func (w *sharedWorld) minor(amount string) int64 {
	w.t.Helper()
	m, err := money.Parse("CNY", amount)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.Minor
}

func (w *sharedWorld) run(s sharedStep) {
	w.t.Helper()
	ctx := w.t.Context()
	w.n++
	req := request(fmt.Sprintf("r%d", w.n))
	var a app.Answer
	var err error
	switch s.Do {
	case "group_limit":
		w.limit(w.gate, req.ID, s.Group, w.minor(s.Limit))
	case "customer":
		w.seqs[s.Customer]++
		p := w.profile(s.Customer, s.Group, w.seqs[s.Customer], 0)
		if s.Limit == "undefined" {
			p.Grant = account.NoGrant()
		} else {
			p.Grant.Limit.Minor = w.minor(s.Limit)
		}
		_, err = w.gate.ReceiveProfile(ctx, s.Customer, p, false)
	case "submit":
		a, err = w.gate.Submit(ctx, person("sales"), req, newOrder(s.Order, s.Customer, w.minor(s.Amount)))
	case "check":
		a, err = w.gate.Check(ctx, person("sales"), newOrder(s.Order, s.Customer, w.minor(s.Amount)))
	case "cancel":
		_, err = w.gate.Cancel(ctx, person("sales"), req, s.Order, "")
	case "approve":
		_, err = w.gate.Act(ctx, person("chief", "CREDIT_MANAGER"), req, s.Order, app.Act{Decision: approval.Approve, Reason: "agreed"})
	case "state":
	default:
		w.t.Fatalf("%s: unknown", w.step)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", w.step, err)
	}
	if s.Group != "" {
		w.groups[s.Group] = true
	}
	w.expect(s, a)
}

func (w *sharedWorld) expect(s sharedStep, a app.Answer) {
	w.t.Helper()
	if s.Want != "" {
		var got string
		if s.Do == "check" {
			got = string(a.Record.Result.Verdict)
		} else {
			got = string(w.state(w.gate, s.Order))
		}
		if got != s.Want {
			w.t.Errorf("%s: %s, want %s", w.step, got, s.Want)
		}
	}
	if s.Reasons != nil && !slices.Equal(a.Record.Result.HoldReasons(), s.Reasons) {
		w.t.Errorf("%s: held by %v, want %v", w.step, a.Record.Result.HoldReasons(), s.Reasons)
	}
	for name, want := range s.Figures {
		got := ""
		for _, r := range a.Record.Result.Results {
			for _, f := range r.Figures {
				if r.Rule == "group_pool" && f.Name == name {
					got = f.Value
				}
			}
		}
		if got != want {
			w.t.Errorf("%s: %s is %q, want %s", w.step, name, got, want)
		}
	}
	for g, want := range s.Pool {
		sheet, err := w.gate.queries.Group(w.t.Context(), g)
		if err != nil || sheet.Pool.Buckets.Exposure() != w.minor(want) {
			w.t.Errorf("%s: group %s has %d (%v), want %s", w.step, g, sheet.Pool.Buckets.Exposure(), err, want)
		}
	}
	for c, want := range s.Exposure {
		sheet, err := w.gate.queries.Account(w.t.Context(), person("x"), c)
		if err != nil || sheet.Account.Buckets.Exposure() != w.minor(want) {
			w.t.Errorf("%s: %s has %d (%v), want %s", w.step, c, sheet.Account.Buckets.Exposure(), err, want)
		}
	}
}
