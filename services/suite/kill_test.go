package suite_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/suite/latepayments"
)

// A part of the data is enough to be killed in: these customers' first months.
var killedPart = latepayments.Options{Customers: 8, Until: calendar.MustDate("2012-09-30")}

// TestKilledReplay kills the program in the middle of a replay and runs the same file again: in the end everything is
// as if it had never been killed. Only the order in which the gate heard of a payment and of the rating that followed it
// may differ in its journal: two services tell it.
func TestKilledReplay(t *testing.T) {
	t.Parallel()
	invoices, _ := latePayments(t)
	k := &killing{dir: openDir(t)}
	k.build(t)
	k.write(t, invoices)

	k.replay(t, "undisturbed", k.history)
	want := k.state(t, "undisturbed")
	if len(want) < 100 {
		t.Fatalf("the undisturbed run left only %d lines of state", len(want))
	}
	// A killed program leaves its PostgreSQL a moment to end; a lost machine leaves nothing.
	k.kill(t, "killed", 25, false)
	k.kill(t, "killed", 60, true)
	k.replay(t, "killed", k.history)
	got := k.state(t, "killed")
	if len(got) != len(want) {
		t.Fatalf("%d lines of state, the undisturbed run left %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("state differs:\n%s\nundisturbed:\n%s", got[i], want[i])
		}
	}
}

// openDir is a folder that the account PostgreSQL runs as can enter, which tests' own folders are not for root.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "aval-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	return dir
}

type killing struct {
	dir, program, history string
	reads                 string
	lines                 int
}

func (k *killing) build(t *testing.T) {
	t.Helper()
	k.program = filepath.Join(k.dir, "aval")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", k.program, "github.com/avalcredit/aval/services/cmd/aval") //nolint:gosec // our own program
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// write writes the history, and reads of everything that it leads to.
func (k *killing) write(t *testing.T, invoices []latepayments.Invoice) {
	t.Helper()
	var history bytes.Buffer
	if err := latepayments.Write(&history, invoices, killedPart); err != nil {
		t.Fatal(err)
	}
	k.lines = bytes.Count(history.Bytes(), []byte("\n"))
	k.history = k.file(t, "history.ndjson", history.Bytes())

	var reads bytes.Buffer
	out := json.NewEncoder(&reads)
	read := func(call string, request map[string]any) {
		request["page_size"] = 1000
		line := map[string]any{"business_date": "2012-12-31", "call": call, "request": request, "as": map[string]string{"role": "AUDITOR"}}
		if err := out.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	read("aval.ordergate.v1.CreditAccountService/ListCreditAccounts", map[string]any{})
	for _, as := range []string{"2012-06-30", "2012-12-31"} {
		read("aval.receivables.v1.AgingService/GetAging", map[string]any{"as_of": as, "group_by": "customer"})
	}
	last := ""
	for _, i := range latepayments.Select(invoices, killedPart) {
		if i.CustomerID == last {
			continue
		}
		last = i.CustomerID
		read("aval.ordergate.v1.OrderService/ListOrders", map[string]any{"customer_id": last})
		read("aval.ordergate.v1.DecisionService/ListDecisions", map[string]any{"customer_id": last})
		read("aval.evaluation.v1.RatingService/ListRatings", map[string]any{"customer_id": last})
		read("aval.evaluation.v1.CreditGrantService/ListGrants", map[string]any{"customer_id": last})
		read("aval.evaluation.v1.CreditApplicationService/ListCreditApplications", map[string]any{"customer_id": last})
		read("aval.receivables.v1.LedgerService/GetLedger", map[string]any{"customer_id": last})
		read("aval.receivables.v1.InvoiceService/ListInvoices", map[string]any{"customer_id": last})
		read("aval.receivables.v1.ReceiptService/ListReceipts", map[string]any{"customer_id": last})
	}
	k.reads = k.file(t, "reads.ndjson", reads.Bytes())
}

func (k *killing) file(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(k.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *killing) command(data, file string) *exec.Cmd {
	cmd := exec.Command(k.program, "replay", file, "--embedded", //nolint:gosec,noctx // our own program, ended by the test
		"--data-dir", filepath.Join(k.dir, data), "--out", filepath.Join(k.dir, data+".out"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (k *killing) replay(t *testing.T, data, file string) {
	t.Helper()
	out, err := k.command(data, file).CombinedOutput()
	if err != nil {
		t.Fatalf("replay on %s: %v\n%s", data, err, out)
	}
	t.Logf("%s: %s", data, bytes.TrimSpace(out))
}

// kill runs the history until so many percent of its lines are answered, then kills the program without warning, and
// with it its PostgreSQL where all is to be lost at once.
func (k *killing) kill(t *testing.T, data string, percent int, all bool) {
	t.Helper()
	answers := filepath.Join(k.dir, data+".out")
	_ = os.Remove(answers)
	cmd := k.command(data, k.history)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(answers)
		if bytes.Count(text, []byte("\n")) >= k.lines*percent/100 {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the replay ended before it was killed: %v\n%s", err, said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %d%% of the lines within two minutes\n%s", percent, said.String())
		}
	}
	if all {
		killServer(t, filepath.Join(k.dir, data, "postgres"))
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.ExitCode() >= 0 {
		t.Fatalf("the program was not killed: %v", err)
	}
}

// killServer kills the PostgreSQL of a folder, whose first line of postmaster.pid is its process.
func killServer(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the server of %s: %v, %v", dir, found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// state is what the reads show, one thing a line, without what differs from run to run: when it was recorded, and what
// is computed from that.
func (k *killing) state(t *testing.T, data string) []string {
	t.Helper()
	k.replay(t, data, k.reads)
	text, err := os.ReadFile(filepath.Join(k.dir, data+".out"))
	if err != nil {
		t.Fatal(err)
	}
	var state []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var answer struct{ Response map[string]any }
		if err := json.Unmarshal([]byte(line), &answer); err != nil || answer.Response == nil {
			t.Fatalf("%v in %s", err, line)
		}
		for _, name := range slices.Sorted(maps.Keys(answer.Response)) {
			things, _ := answer.Response[name].([]any)
			for _, thing := range things {
				plain, err := json.Marshal(timeless(thing))
				if err != nil {
					t.Fatal(err)
				}
				state = append(state, string(plain))
			}
		}
	}
	return state
}

func timeless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			switch key {
			case "create_time", "update_time", "hash", "detail":
				delete(v, key)
			default:
				v[key] = timeless(v[key])
			}
		}
	case []any:
		for i := range v {
			v[i] = timeless(v[i])
		}
	case string:
		var kept map[string]any // what a form keeps of a file, as text
		if json.Unmarshal([]byte(v), &kept) == nil {
			return timeless(kept)
		}
	}
	return v
}
