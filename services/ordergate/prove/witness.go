package prove

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Finding is one thing that must not be.
type Finding struct {
	Check   string // what found it
	Account string
	Problem string
}

// findings collects what one check finds; a broken gate gives thousands, of which the first say enough.
type findings struct {
	list  []Finding
	total map[string]int
}

const findingsKept = 20

func (f *findings) add(check, account, format string, args ...any) {
	if f.total == nil {
		f.total = map[string]int{}
	}
	f.total[check]++
	if f.total[check] <= findingsKept {
		f.list = append(f.list, Finding{Check: check, Account: account, Problem: fmt.Sprintf(format, args...)})
	}
}

func (f *findings) take(other findings) {
	for _, x := range other.list {
		f.add(x.Check, x.Account, "%s", x.Problem)
	}
	for check, n := range other.total {
		if n > findingsKept {
			f.total[check] += n - findingsKept
		}
	}
}

// byPlace sorts operations that took effect by the entry of the root that they took effect at; a read stands behind the entry it saw.
func byPlace(ops []*Operation) []*Operation {
	var placed []*Operation
	for _, op := range ops {
		if op.Place > 0 {
			placed = append(placed, op)
		}
	}
	slices.SortStableFunc(placed, func(x, y *Operation) int {
		return cmp.Or(cmp.Compare(x.Place, y.Place), cmp.Compare(readLast(x), readLast(y)))
	})
	return placed
}

func readLast(op *Operation) int {
	if op.Kind == Read {
		return 1
	}
	return 0
}

// witnessed is the history of a root in the order of its journal, with the states between.
type witnessed struct {
	ops    []*Operation
	states []root // states[i] is before ops[i]; one more at the end
	broken int    // first operation that the model refuses, len(ops) where none
}

// witness replays the history of an account, or of all members of a group, by the places that the answers carry: each must be valid where
// it stands, every entry of the journal accounted for, and nobody may have got an answer before something ordered earlier was asked for.
func witness(name string, start root, ops []*Operation) (witnessed, findings) {
	var f findings
	w := witnessed{ops: byPlace(ops)}
	w.broken = len(w.ops)
	state := start
	for i, op := range w.ops {
		w.states = append(w.states, state)
		ok, next := state.legal(op)
		if !ok {
			_, want := state.apply(op.Call, op.Answer)
			f.add("witness", name, "entry %d: %s; the model at entry %d (exposure %d) expects %+v", op.Place, op, state.seq, state.exposure(), want)
			if w.broken == len(w.ops) {
				w.broken = i
			}
			if f.total["witness"] > findingsKept {
				break // all that follows stands on sand
			}
			next.seq = max(next.seq, op.Place)
		}
		state = next
	}
	if f.total["witness"] <= findingsKept {
		w.states = append(w.states, state)
	}
	realTime(name, w.ops, &f)
	return w, f
}

// String tells the operation on one line.
func (op *Operation) String() string {
	return fmt.Sprintf("%s %s amount %d by caller %d (%s..%s, %d sendings): known %t, %+v", op.Kind, op.Order, op.Amount, op.Client,
		time.Duration(op.Began), time.Duration(op.Ended), op.Tries, op.Known, op.Answer)
}

// realTime: nobody ends before something ordered earlier has begun.
func realTime(name string, ops []*Operation, f *findings) {
	var begun, group int64 // latest beginning among strictly earlier places, and among this place
	for i, op := range ops {
		if i > 0 && (op.Place != ops[i-1].Place || op.Kind != Read || ops[i-1].Kind != Read) {
			begun = max(begun, group)
		}
		if op.Ended < begun {
			f.add("real time", name, "%s ended before something at an earlier place had begun", op)
		}
		group = max(group, op.Began)
	}
}

// refusals finds a place for every refusal: a state, between what had ended before it was asked and what began after it was answered,
// in which the model refuses it for the same reason.
func (w witnessed) refusals(name string, ops []*Operation) findings {
	var f findings
	ended := slices.Clone(w.ops) // by end, with the furthest place so far
	slices.SortFunc(ended, func(x, y *Operation) int { return cmp.Compare(x.Ended, y.Ended) })
	furthest := make([]int64, len(ended))
	for i, op := range ended {
		furthest[i] = op.Place
		if i > 0 {
			furthest[i] = max(furthest[i], furthest[i-1])
		}
	}
	for _, op := range ops {
		if op.Answer.Refused == "" || op.Place > 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(ended, op.Began, func(x *Operation, t int64) int { return cmp.Compare(x.Ended, t) })
		from := int64(0)
		if i > 0 {
			from = furthest[i-1]
		}
		if !w.refusable(op, from) {
			f.add("refusals", name, "%s: no state in its time refuses it", op)
		}
	}
	return f
}

func (w witnessed) refusable(op *Operation, from int64) bool {
	i, _ := slices.BinarySearchFunc(w.states, from, func(r root, seq int64) int { return cmp.Compare(r.seq, seq) })
	for ; i < len(w.states); i++ {
		if ok, _ := w.states[i].legal(op); ok {
			return true
		}
		if i < len(w.ops) && w.ops[i].Began > op.Ended {
			return false
		}
	}
	return false
}

// windowTime bounds the search of one window.
const windowTime = 30 * time.Second

// linearizable searches an order of its own for each window of the root's history, with porcupine. The first window begins with the root
// as it was opened, later ones with the state the witness gives.
func (w witnessed) linearizable(name string, size int) (windows, unknown int, f findings) {
	model := porcupine.Model{
		Step: func(state, input, _ any) (bool, any) {
			r, op := state.(root), input.(*Operation) //nolint:forcetypeassert // what this function gives to porcupine
			ok, next := r.legal(op)
			return ok, next
		},
		Equal: func(x, y any) bool { return x.(root).equal(y.(root)) }, //nolint:forcetypeassert // as above
	}
	for begin := 0; begin < len(w.ops) && begin < len(w.states) && begin <= w.broken; begin += size {
		end := min(begin+size, len(w.ops))
		model.Init = func() any { return w.states[begin] }
		windows++
		switch porcupine.CheckOperationsTimeout(model, toPorcupine(w.ops[begin:end]), windowTime) {
		case porcupine.Illegal:
			f.add("linearizability", name, "no order explains operations %d to %d", begin, end)
		case porcupine.Unknown:
			unknown++
		case porcupine.Ok:
		}
	}
	return windows, unknown, f
}

func toPorcupine(ops []*Operation) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, op := range ops {
		out[i] = porcupine.Operation{ClientId: op.Client, Input: op, Output: op.Answer, Call: op.Began, Return: op.Ended}
	}
	return out
}
