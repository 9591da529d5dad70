// Package casefile reads the cases of dunning. The same files are held against the domain and through the API.
package casefile

import (
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Story is one case file: a policy, what was done, and what must show.
type Story struct {
	File           string            `yaml:"-"`
	Name           string            `yaml:"name"`
	CatchUp        string            `yaml:"catch_up"`
	Gap            int               `yaml:"gap"`
	Tolerance      string            `yaml:"tolerance"`
	Minimums       map[string]string `yaml:"minimums"`
	RemindBefore   []int             `yaml:"remind_before"`
	AnnualInterest string            `yaml:"annual_interest"`
	PromiseRemind  int               `yaml:"promise_remind"`
	Levels         []struct {
		PastDue  int    `yaml:"past_due"`
		Wait     int    `yaml:"wait"`
		Fee      string `yaml:"fee"`
		FeeShare string `yaml:"fee_share"`
		Interest bool   `yaml:"interest"`
	} `yaml:"levels"`
	Steps []Step `yaml:"steps"`
}

// Step is one act on a day, and what must show after it.
type Step struct {
	On      string `yaml:"on"`
	Invoice *struct {
		ID, Amount, Currency, Due string
		Instalments               []struct{ Amount, Due string }
	} `yaml:"invoice"`
	Pay        *Payment `yaml:"pay"`
	CreditNote *Payment `yaml:"credit_note"`
	Undo       string   `yaml:"undo"`
	Run        *struct {
		Lines                map[string]int
		Skipped              map[string]string
		Fees, Interest, Open map[string]string
	} `yaml:"run"`
	Send    bool                                   `yaml:"send"`
	Block   string                                 `yaml:"block"`
	Lift    string                                 `yaml:"lift"`
	Dispute *struct{ ID, Item string }             `yaml:"dispute"`
	Close   string                                 `yaml:"close"`
	Promise *struct{ ID, Item, Amount, By string } `yaml:"promise"`
	Extend  *struct{ Item, Due string }            `yaml:"extend"`
	Error   string                                 `yaml:"error"`

	Levels     map[string]int      `yaml:"levels"`
	Receivable string              `yaml:"receivable"`
	Resolved   []string            `yaml:"resolved"`
	Unresolved []string            `yaml:"unresolved"`
	Finished   *int                `yaml:"finished"`
	History    map[string][]string `yaml:"history"`
	Promises   map[string]string   `yaml:"promises"`
	Charges    map[string]string   `yaml:"charges"`
	Badge      map[string]string   `yaml:"badge"`
}

// Payment is money, or a credit note, for an item.
type Payment struct{ ID, Item, Amount string }

// TB is what *testing.T has that is needed here.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// least is how many cases there are at least: an empty folder is a mistake.
const least = 25

// Load reads the cases of a folder.
func Load(t TB, folder fs.FS) []Story {
	t.Helper()
	files, err := fs.Glob(folder, "*.yaml")
	if err != nil || len(files) < least {
		t.Fatalf("%d case files, %v", len(files), err)
	}
	out := make([]Story, len(files))
	for i, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(strings.NewReader(string(text)))
		dec.KnownFields(true)
		if err := dec.Decode(&out[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[i].File = strings.TrimSuffix(file, ".yaml")
	}
	return out
}
