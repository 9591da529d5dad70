package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// build makes the program once for a test.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "aval")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil { //nolint:gosec // our own
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// dataDir is a folder that the account PostgreSQL runs as can enter, which a test's own folder is not.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aval-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

type aval struct {
	program string
	env     []string
}

// run runs a command to its end.
func (a aval) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.program, args...) //nolint:gosec // built above
	var out, problems bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = a.env, &out, &problems
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), problems.String()
}

// serving is a program that serves.
type serving struct {
	cmd  *exec.Cmd
	rest string
	log  *bytes.Buffer
	end  func(t *testing.T)
}

func (a aval) serve(t *testing.T) *serving {
	t.Helper()
	s := &serving{cmd: exec.Command(a.program, "serve"), log: &bytes.Buffer{}} //nolint:gosec,noctx // ended below
	s.cmd.Env, s.cmd.Stderr = a.env, s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	s.end = func(t *testing.T) {
		t.Helper()
		once.Do(func() { s.interrupt(t) })
	}
	t.Cleanup(func() { s.end(t) })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := regexp.MustCompile(`REST +(http://\S+)`).FindStringSubmatch(lines.Text()); found != nil {
			s.rest = found[1]
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return s
		}
	}
	t.Fatalf("the program ended before it was up:\n%s", s.log)
	return nil
}

// interrupt is Ctrl-C: everything ends in order within ten seconds.
func (s *serving) interrupt(t *testing.T) {
	t.Helper()
	begin := time.Now()
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		if took := time.Since(begin); err != nil || took > 10*time.Second {
			t.Errorf("ended with %v after %s\n%s", err, took, s.log)
		}
	case <-time.After(15 * time.Second):
		_ = s.cmd.Process.Kill()
		t.Errorf("did not end by itself (%v)\n%s", <-ended, s.log)
	}
}

func (s *serving) request(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.rest+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestProgram(t *testing.T) {
	t.Parallel()
	program := build(t)
	t.Run("serve, keep, verify", func(t *testing.T) {
		t.Parallel()
		serveKeepVerify(t, program)
	})
	t.Run("policies", func(t *testing.T) {
		t.Parallel()
		policies(t, program)
	})
	t.Run("tokens that are not made", func(t *testing.T) {
		t.Parallel()
		tokensNotMade(t, program)
	})
}

// serveKeepVerify uses the program as a person does: serve, a token, a call, Ctrl-C, serve again with the data kept, verify.
func serveKeepVerify(t *testing.T, program string) {
	t.Helper()
	dir := dataDir(t)
	a := aval{program, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AVAL_DATA_DIR=" + dir,
		"AVAL_HTTP_ADDR=127.0.0.1:0", "AVAL_GRPC_ADDR=127.0.0.1:0",
	}}
	first := a.serve(t)
	_, token, _ := a.run(t, "token", "--role", "OPERATOR")
	token = strings.TrimSpace(token)
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/docs", "/metrics"} {
		if status, _ := first.request(t, http.MethodGet, path, "", ""); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	body := `{"request_id":"1","customer":{"customer_id":"C-1","display_name":"Example"}}`
	if status, text := first.request(t, http.MethodPost, "/v1/customers", token, body); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if code, _, problems := a.run(t, "serve"); code == 0 || !strings.Contains(problems, first.rest) {
		t.Errorf("a second program on the same folder: %d %s", code, problems)
	}
	if code, out, problems := a.run(t, "verify"); code != 0 || !strings.Contains(out, "receivables") {
		t.Errorf("verify while serving: %d %s %s", code, out, problems)
	}
	first.end(t)
	second := a.serve(t)
	if status, text := second.request(t, http.MethodGet, "/v1/customers/C-1", token, ""); status != http.StatusOK || !strings.Contains(text, "Example") {
		t.Errorf("after a second start: %d %s", status, text)
	}
	tamper(t, dir)
	if code, _, problems := a.run(t, "verify"); code != 1 || !strings.Contains(problems, "evaluation") {
		t.Errorf("verify after tampering: %d %s", code, problems)
	}
	second.end(t)
	if code, out, problems := a.run(t, "verify"); code != 1 || !strings.Contains(out, "evaluation") {
		t.Errorf("verify without a server after tampering: %d %s %s", code, out, problems)
	}
}

// policies checks, compares and validates policies: the first two without a suite, the third with one in its process.
func policies(t *testing.T, program string) {
	t.Helper()
	a := aval{program, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AVAL_DATA_DIR=" + dataDir(t)}}
	const shipped = "../../evaluation/policy/invoices.yaml"
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	other := write("other.yaml", strings.Replace(string(text), `weight: "25"`, `weight: "30"`, 1))
	broken := write("broken.yaml", strings.Replace(string(text), `weight: "25"`, `weight: "0"`, 1))
	outcomes := write("outcomes.csv", "customer_id,defaulted\nC-1,1\n")
	for _, c := range []struct {
		args      []string
		code      int
		out, said string
	}{
		{[]string{"policy", "check", shipped}, 0, "can be used", ""},
		{[]string{"policy", "check", broken}, 1, "", broken + ":24:15: scorecard.indicators[0].weight: must be above zero"},
		{[]string{"policy", "diff", shipped, shipped}, 0, "", ""},
		{[]string{"policy", "diff", shipped, other}, 0, "scorecard.indicators[YEARLY_SALES].weight: 25 -> 30\n", ""},
		{[]string{"policy", "diff", shipped, broken}, 1, "", "must be above zero"},
		{[]string{"policy", "validate", shipped, "--outcomes", outcomes}, 1, "", "there is no customer C-1"},
		{[]string{"policy", "validate", shipped, "--outcomes", outcomes, "--bad", "yes", "--good", "no"}, 1, "", `line 2: defaulted "1" is neither "yes" nor "no"`},
		{[]string{"import", "customers", write("c.csv", "id\nC-1\n"), "--mapping", write("m.yaml", "fields: {customer_id: id, display_name: id}\n")}, 0, "1 imported", ""},
		{[]string{"policy", "validate", shipped, "--outcomes", outcomes}, 0, "1 customers, 1 defaulted", ""},
		{[]string{"policy", "try", "1", "--file", write("try.xlsx", "")}, 0, ": 0 customers, 0 not rated", ""},
		{[]string{"policy", "try", "9"}, 1, "", "POLICY_NOT_FOUND"},
		{[]string{"import", "customers", write("c.csv", "id\nC-1\n")}, 1, "", "--mapping"},
		{[]string{"import", "bank-statement", write("b.csv", "date,amount\n"), "--account", "none"}, 1, "", "there is no bank account none"},
		{[]string{"import", "bank-statement", write("b.csv", "date,amount\n"), "--mapping", "m.yaml"}, 1, "", "--mapping"},
	} {
		code, out, said := a.run(t, c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(said, c.said) || (c.out == "" && out != "") {
			t.Errorf("%v: %d\n%s\n%s", c.args, code, out, said)
		}
	}
}

// tamper changes one stored record past the guards, as somebody with the database's own password could.
func tamper(t *testing.T, dir string) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(dir, "postgres", "password")) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid")) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	port := strings.Split(string(lines), "\n")[3]
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%s/postgres", strings.TrimSpace(string(password)), port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	tag, err := conn.Exec(t.Context(), `SET session_replication_role = replica;
		UPDATE evaluation.audit_events SET actor = actor || 'x' WHERE seq = 1`)
	if err != nil || tag.RowsAffected() == 0 {
		t.Fatalf("tampering: %v, %d rows", err, tag.RowsAffected())
	}
}

func tokensNotMade(t *testing.T, program string) {
	t.Helper()
	a := aval{program, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AVAL_DATA_DIR=" + t.TempDir()}}
	for name, c := range map[string]struct {
		args []string
		env  []string
		says string
	}{
		"no role":        {args: []string{"token"}, says: "--role"},
		"unknown role":   {args: []string{"token", "--role", "KING"}, says: "SALES_MANAGER"},
		"a service":      {args: []string{"token", "--role", "SERVICE"}, says: "SERVICE"},
		"expired":        {args: []string{"token", "--role", "ERP", "--ttl=-1h"}, says: "above zero"},
		"other provider": {args: []string{"token", "--role", "ERP"}, env: []string{"AVAL_OIDC_ISSUER=https://id.example"}, says: "OIDC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := aval{a.program, append(c.env, a.env...)}
			if code, out, problems := b.run(t, c.args...); code == 0 || !strings.Contains(problems, c.says) {
				t.Errorf("%d %s %s", code, out, problems)
			}
		})
	}
}
