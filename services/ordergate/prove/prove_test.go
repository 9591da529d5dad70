package prove_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/services/ordergate/prove"
)

func TestMain(m *testing.M) {
	prove.ServeIfAsked(naiveGates())
	os.Exit(m.Run())
}

var duration = flag.Duration("duration", 20*time.Second, "length of the load on the gate")

func run(t *testing.T, cfg prove.Config) prove.Report {
	t.Helper()
	rep, err := prove.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() && !testing.Verbose() {
			return
		}
		if !t.Failed() {
			rep.Findings = nil // as many as they should be
		}
		var text strings.Builder
		rep.Print(&text)
		t.Log(text.String())
	})
	return rep
}

// The gate under 64 callers, every fault, and all calls: nothing lost, nothing doubled, nothing over the limit. cmd/prove does it for longer.
func TestGateUnderFaults(t *testing.T) {
	length := *duration
	if testing.Short() {
		length = min(length, 8*time.Second)
	}
	rep := run(t, prove.Config{Duration: length})
	if !rep.Holds() {
		t.Error("the gate did not keep its promise")
	}
	if rep.Decisions < 100 || rep.Unknown > rep.Operations/100 {
		t.Errorf("%d decisions, %d of %d operations never answered: this run proves little", rep.Decisions, rep.Unknown, rep.Operations)
	}
	for _, f := range rep.Faults {
		// That it comes back at all; how fast depends on the machine and what else runs on it, and is for cmd/prove on a quiet one.
		if f.Worst > 30*time.Second {
			t.Errorf("after %s the first answer came after %s", f.Kind, f.Worst)
		}
	}
}

// A rig that finds nothing proves nothing, unless it finds what is wrong.
func TestMistakesAreFound(t *testing.T) {
	simple := prove.Mix{Submit: 50, Cancel: 30, Read: 5}
	for _, c := range []struct {
		gate     string
		callers  int
		faults   []string
		settings []string
		finds    []string // all of these checks
	}{
		{"careful", 16, []string{prove.FaultSession, prove.FaultGate, prove.FaultDatabase}, nil, nil},
		{"racy", 16, nil, nil, []string{"witness", "linearizability", "no gap"}},
		{"no-ids", 16, []string{prove.FaultSession}, nil, []string{"nothing doubled", "one answer"}},
		{"async", 16, []string{prove.FaultDatabase}, []string{"wal_writer_delay = '10s'"}, []string{"nothing lost"}},
	} {
		t.Run(c.gate, func(t *testing.T) {
			every := 1500 * time.Millisecond
			if c.faults == nil {
				every = -1
			}
			rep := run(t, prove.Config{
				Duration: 4 * time.Second, Callers: c.callers, Accounts: 2, Gate: c.gate, Passive: true, Mix: simple,
				FaultEvery: every, Faults: c.faults, Settings: c.settings,
			})
			if rep.Holds() != (c.finds == nil) {
				t.Errorf("holds: %t", rep.Holds())
			}
			for _, check := range c.finds {
				if !rep.Found(check) {
					t.Errorf("%q found nothing", check)
				}
			}
		})
	}
}
