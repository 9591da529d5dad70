package prove

import (
	"strings"
	"testing"
)

// Two members of a group with a limit of 100 each and 100 together: what the group's journal may hold, and what the witness and
// porcupine must not let pass.
func TestHistoriesOfAGroup(t *testing.T) {
	t.Parallel()
	start := root{group: "G", seq: 3, limit: 100, members: []account{{name: "A", seq: 2, limit: 100}, {name: "B", seq: 2, limit: 100}}}
	submit := func(account, order string, amount, at, place, shared int64, began, ended int64, state string, before int64) *Operation {
		a := Answer{Seq: at, State: state, Decided: true, Before: before, After: before + amount, Shared: shared}
		if state == approved {
			a.Reserved = amount
		}
		return &Operation{
			Call: Call{Kind: Submit, Root: "G", Account: account, Order: order, Amount: amount}, Began: began, Ended: ended, Known: true, Answer: a, At: at, Place: place,
		}
	}
	read := func(account string, at, place, exposure, began, ended int64) *Operation {
		return &Operation{
			Call: Call{Kind: Read, Root: "G", Account: account}, Began: began, Ended: ended, Known: true, At: at, Place: place,
			Answer: Answer{Seq: at, Exposure: exposure, Limit: 100},
		}
	}
	a := submit("A", "O1", 60, 3, 4, 3, 1, 10, approved, 0)
	for _, c := range []struct {
		name  string
		ops   []*Operation
		finds string
	}{
		{"the second of 60 is held", []*Operation{a, submit("B", "O2", 60, 3, 5, 4, 2, 9, held, 0)}, ""},
		{"40 beside 60 fit", []*Operation{a, submit("B", "O2", 40, 3, 5, 4, 2, 9, approved, 0)}, ""},
		{"both of 60 approved", []*Operation{a, submit("B", "O2", 60, 3, 5, 4, 2, 9, approved, 0)}, "witness"},
		{"held though it fits", []*Operation{a, submit("B", "O2", 40, 3, 5, 4, 2, 9, held, 0)}, "witness"},
		{"an answer that stands on another state of the group", []*Operation{a, submit("B", "O2", 40, 3, 5, 3, 2, 9, approved, 0)}, "witness"},
		{"an entry that nobody asked for", []*Operation{a, submit("B", "O2", 40, 3, 6, 5, 2, 9, approved, 0)}, "witness"},
		{"answered before what is ordered earlier was asked for", []*Operation{submit("A", "O1", 60, 3, 4, 3, 20, 30, approved, 0), submit("B", "O2", 40, 3, 5, 4, 2, 9, approved, 0)}, "real time"},
		{"a read of one member while the other goes on", []*Operation{a, submit("B", "O2", 40, 3, 5, 4, 11, 12, approved, 0), read("A", 3, 4, 60, 13, 14), read("B", 2, 3, 0, 1, 11)}, ""},
		{"a read of what was before an answer", []*Operation{a, submit("B", "O2", 40, 3, 5, 4, 11, 12, approved, 0), read("B", 2, 3, 0, 13, 14)}, "real time"},
		{"a read of what never was", []*Operation{a, read("A", 3, 4, 50, 13, 14)}, "witness"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &books{places: map[string]map[int64]int64{"A": {2: 1, 3: 4}, "B": {2: 2, 3: 5}}}
			ops := make([]*Operation, len(c.ops)) // reads are moved
			for i, op := range c.ops {
				clone := *op
				ops[i] = &clone
			}
			b.reads(ops)
			w, f := witness("G", start, ops)
			for check := range f.total {
				if check != c.finds {
					t.Errorf("found by %q: %v", check, f.list)
				}
			}
			if c.finds != "" && f.total[c.finds] == 0 {
				t.Errorf("%q found nothing", c.finds)
			}
			if c.finds == "real time" || c.finds == "" {
				if _, unknown, lin := w.linearizable("G", 100); unknown > 0 || (len(lin.list) > 0) != (c.finds != "") {
					t.Errorf("porcupine: %d undecided, %v", unknown, lin.list)
				}
			}
		})
	}
}

// What a kill cuts off in the midst of a line was not taken.
func TestWithdrawalsAreReadUpToTheCut(t *testing.T) {
	t.Parallel()
	got := map[string][]int64{}
	if err := withdrawnFrom(strings.NewReader("S0 1.\nS1 1.\nS0 2.\nS0 3"), got); err != nil || len(got["S0"]) != 2 || len(got["S1"]) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
