// Package casefile is the format of the acceptance cases in testdata. Two runners drive them: one through the pure gate, one through the
// API on a real database.
package casefile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Case is one acceptance case: a policy and what happens, with what must show after each step. Amounts are CNY.
type Case struct {
	ID     string `yaml:"id"`
	About  string `yaml:"about"`
	Policy Policy `yaml:"policy"`
	Steps  []Step `yaml:"steps"`
}

// Policy is the order policy of a case; what it leaves out is not checked.
type Policy struct {
	Threshold, Watch string
	MaxOverdueDays   *int   `yaml:"max_overdue_days"`
	MaxOverdue       string `yaml:"max_overdue"`
	OverdueBeyond    int    `yaml:"overdue_beyond"`
	Authority        string // up to this excess the credit manager releases, beyond it the general manager
	Tolerance        string
	MemoryDays       int    `yaml:"memory_days"`
	OverShipment     string `yaml:"over_shipment"`
	HeldReserve      bool   `yaml:"held_reserve"`
}

// Step is one thing that happens, and what must show after it.
type Step struct {
	Do    string // grant, position, submit, check, amend, ship, return, cancel, approve, reject, recheck, day
	Order string
	Date  string
	// grant
	Limit      string // amount, "undefined" or "unlimited"
	Treatment  string
	Term       int
	Grace      int
	ValidUntil string `yaml:"valid_until"`
	// position
	Receivable, Unapplied string
	Due                   map[string]string
	Bills                 map[string]string // order -> amount billed (negative: the reversal of that invoice)
	Invoice               string            // distinguishes a further invoice of the same order
	Notices               []Notice
	// orders
	Amount   string
	TermDays *int `yaml:"term_days"`
	Terms    string
	Final    bool
	Replace  bool   // of a return
	By       string // role of the actor
	// what must show
	Want     string   // state of the order, or the verdict of a check
	Reasons  []string // rules that hold, all of them
	Outcomes map[string]string
	Error    string
	Buckets  map[string]string
	Status   string
	Cures    map[string]string // kind -> amount or days, of the first failed rule that has it
	Row      int               // of the authority table
}

// Notice is a payment notice as a position tells of it.
type Notice struct {
	ID, Order                 string
	Open, Received, Unapplied string
	Last                      string // last day on which the open part is worth something
}

// Read reads the cases of a folder, file by file.
func Read(folder fs.FS) ([]Case, error) { return read[Case](folder) }

// ReadRules reads cases with policies as people write them.
func ReadRules(folder fs.FS) ([]RuleCase, error) { return read[RuleCase](folder) }

// ReadControls reads cases of approvals, blocks, stops and the ends of orders.
func ReadControls(folder fs.FS) ([]ControlCase, error) { return read[ControlCase](folder) }

// ReadShared reads cases of customers that share limits.
func ReadShared(folder fs.FS) ([]SharedCase, error) { return read[SharedCase](folder) }

// read reads all cases of a folder. A field that the format does not know is an error, and so is a folder without cases.
func read[T any](folder fs.FS) ([]T, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var cases []T
	for _, name := range names {
		f, err := folder.Open(name)
		if err != nil {
			return nil, err
		}
		dec := yaml.NewDecoder(f)
		dec.KnownFields(true)
		var some []T
		err = dec.Decode(&some)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cases = append(cases, some...)
	}
	if len(cases) == 0 {
		return nil, errors.New("no cases")
	}
	return cases, nil
}
