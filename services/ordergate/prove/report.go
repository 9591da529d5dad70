package prove

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Report is what a run showed.
type Report struct {
	Config     Config
	Operations int
	Decisions  int // answers that carry a decision
	Refused    int
	Retried    int // needed more than one sending
	Unknown    int // never answered; the journal says what they did
	Elapsed    time.Duration
	Median     time.Duration // of an answer
	P99        time.Duration
	Silence    time.Duration // longest time without any answer
	Faults     []FaultKind
	Entries    int64         // of the journals, verified with every decision made again
	Windows    int           // of porcupine
	Stops      int           // customers stopped by S2.18, each to be told to evaluation once, in order
	Told       int           // stops and releases told to warehouses
	CaughtUp   time.Duration // after the load, until everything was delivered
	Strangers  int           // questions about customers that only evaluation may know
	Undecided  int           // windows whose search took too long
	Findings   []Finding
	Totals     map[string]int // findings by check
}

// FaultKind sums up the faults of one kind.
type FaultKind struct {
	Kind          string
	N, Failed     int
	Median, Worst time.Duration // until the first answer to a call begun after the fault, see firstAfter
	Failure       string        // of one that could not be made
}

// Holds says that nothing was found, and nothing was left undecided.
func (r Report) Holds() bool { return len(r.Totals) == 0 && r.Undecided == 0 }

// Found says whether the check found something.
func (r Report) Found(check string) bool { return r.Totals[check] > 0 }

// judge makes all checks.
func (r *rig) judge(ctx context.Context, l *load, faults []Fault) (Report, error) {
	ops := l.history.Operations()
	rep := Report{Config: r.cfg, Operations: len(ops)}
	rep.measure(l, ops, faults)
	var journal map[string][]entry
	if err := answering(ctx, func(ctx context.Context) (err error) {
		journal, err = journals(ctx, r.db.dsn(databaseName), r.cfg.Gate == "")
		return err
	}); err != nil {
		return rep, fmt.Errorf("reading the journals: %w", err)
	}
	b := newBooks(ops, journal)
	members := map[string][]string{}
	for _, a := range l.accounts {
		b.settle(a.name)
		b.chain(a.name)
		members[a.root] = append(members[a.root], a.name)
	}
	for _, name := range l.roots() {
		if members[name][0] != name {
			b.settle(name + groupSuffix)
			b.chain(name + groupSuffix)
		}
		if err := r.history(ctx, name, members[name], b, &rep); err != nil {
			return rep, err
		}
	}
	if err := r.delivered(ctx, l, b, &rep); err != nil {
		return rep, err
	}
	err := answering(ctx, func(ctx context.Context) (err error) {
		rep.Entries, err = r.verify(ctx, &b.findings)
		return err
	})
	rep.Unknown, rep.Findings, rep.Totals = b.unknown, b.list, b.total
	return rep, err
}

// history makes the checks of one root's history.
func (r *rig) history(ctx context.Context, name string, members []string, b *books, rep *Report) error {
	start, ops := b.start(name, members, r.cfg.Passive)
	b.reads(ops)
	w, f := witness(name, start, ops)
	b.take(f)
	if f.total["witness"] == 0 {
		b.take(w.refusals(name, ops))
		end := w.states[len(w.states)-1]
		for _, a := range end.members {
			if err := answering(ctx, func(ctx context.Context) error { return r.final(ctx, a, &b.findings) }); err != nil {
				return err
			}
		}
		if err := answering(ctx, func(ctx context.Context) error { return r.finalGroup(ctx, end, &b.findings) }); err != nil {
			return err
		}
	}
	windows, undecided, f := w.linearizable(name, r.cfg.Window)
	b.take(f)
	rep.Windows += windows
	rep.Undecided += undecided
	return nil
}

func (r *Report) measure(l *load, ops []*Operation, faults []Fault) {
	var ends, took []int64
	var known []*Operation
	for _, op := range ops {
		if op.Tries > 1 {
			r.Retried++
		}
		if !op.Known {
			continue
		}
		if op.Answer.Refused != "" {
			r.Refused++
		}
		if op.Answer.Decided {
			r.Decisions++
		}
		ends, took = append(ends, op.Ended), append(took, op.Ended-op.Began)
		known = append(known, op)
	}
	slices.Sort(ends)
	slices.Sort(took)
	if len(ends) == 0 {
		return
	}
	r.Elapsed = time.Duration(ends[len(ends)-1])
	r.Median, r.P99 = time.Duration(took[len(took)/2]), time.Duration(took[len(took)*99/100])
	for i := 1; i < len(ends); i++ {
		r.Silence = max(r.Silence, time.Duration(ends[i]-ends[i-1]))
	}
	waits := map[string][]time.Duration{}
	kinds := map[string]*FaultKind{}
	for _, f := range faults {
		k := kinds[f.Kind]
		if k == nil {
			k = &FaultKind{Kind: f.Kind}
			kinds[f.Kind] = k
		}
		k.N++
		if f.Failure != "" {
			k.Failed++
			k.Failure = f.Failure
			continue
		}
		if first := firstAfter(known, f, l.accounts[0].name); first < never {
			waits[f.Kind] = append(waits[f.Kind], time.Duration(first-f.At))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[kind]
		if w := waits[kind]; len(w) > 0 {
			slices.Sort(w)
			k.Median, k.Worst = w[len(w)/2], w[len(w)-1]
		}
		r.Faults = append(r.Faults, *k)
	}
}

// firstAfter is when the first call was answered that had begun after the fault: answers to earlier calls may have been on their way
// already. Of rows held, only writes to the account whose rows they are count, for reads wait for nobody.
func firstAfter(known []*Operation, f Fault, account string) int64 {
	first := int64(never)
	for _, op := range known {
		if op.Began < f.At || f.Kind == FaultLock && (op.Kind == Read || op.Account != account) {
			continue
		}
		first = min(first, op.Ended)
	}
	return first
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	c := r.Config
	fmt.Fprintf(out, "%d callers, %d replicas, %d accounts, %d groups, %s\n", c.Callers, c.Replicas, c.Accounts, c.Groups, r.Elapsed.Round(time.Millisecond))
	fmt.Fprintf(out, "  operations %d (%.0f/s), decisions %d, refused %d, sent again %d, never answered %d\n",
		r.Operations, float64(r.Operations)/max(r.Elapsed.Seconds(), 1e-9), r.Decisions, r.Refused, r.Retried, r.Unknown)
	fmt.Fprintf(out, "  answers: median %s, p99 %s, longest silence %s\n", r.Median.Round(100*time.Microsecond), r.P99.Round(time.Millisecond), r.Silence.Round(time.Millisecond))
	for _, f := range r.Faults {
		fmt.Fprintf(out, "  %-32s %3d times, first answer after it: median %s, worst %s", f.Kind, f.N-f.Failed, f.Median.Round(time.Millisecond), f.Worst.Round(time.Millisecond))
		if f.Failed > 0 {
			fmt.Fprintf(out, " (%d could not be made: %s)", f.Failed, f.Failure)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "  entries verified, every decision made again: %d\n", r.Entries)
	if r.Stops > 0 {
		fmt.Fprintf(out, "  stops told to evaluation: %d, events told to warehouses: %d, all delivered %s after the load; questions about strangers: %d\n",
			r.Stops, r.Told, r.CaughtUp.Round(time.Millisecond), r.Strangers)
	}
	fmt.Fprintf(out, "  windows searched by porcupine: %d, undecided %d\n", r.Windows, r.Undecided)
	for _, check := range slices.Sorted(maps.Keys(r.Totals)) {
		fmt.Fprintf(out, "  FOUND by %q: %d\n", check, r.Totals[check])
	}
	for i, f := range r.Findings {
		if i == findingsKept {
			break
		}
		fmt.Fprintf(out, "    %s: %s: %s\n", f.Check, f.Account, f.Problem)
	}
	if r.Holds() {
		fmt.Fprintln(out, "HOLDS: nothing lost, nothing doubled, nothing over the limit")
	} else {
		fmt.Fprintln(out, "BROKEN")
	}
}
