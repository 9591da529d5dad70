package pgdev_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// folder is one that the server's account can reach: t.TempDir is closed to
// others, which matters where the tests run as root.
func folder(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "pgdev-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(base, 0o755); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	return filepath.Join(base, "pg")
}

func start(t *testing.T, cfg pgdev.Config) *pgdev.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := pgdev.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func query(t *testing.T, s *pgdev.Server, sql string) (text string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close(ctx) }()
	if !strings.HasPrefix(sql, "S") {
		_, err = c.Exec(ctx, sql)
		return "", err
	}
	err = c.QueryRow(ctx, sql).Scan(&text)
	return text, err
}

func TestDurableServerIsJoinedAndRestarted(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	// Two at once on an empty folder: one starts the server, the other joins it.
	servers := make([]*pgdev.Server, 2)
	var wg sync.WaitGroup
	for i := range servers {
		wg.Go(func() { servers[i] = start(t, pgdev.Config{Dir: dir}) })
	}
	wg.Wait()
	owner, joined := servers[0], servers[1]
	if owner.Joined() {
		owner, joined = joined, owner
	}
	if owner.Joined() || !joined.Joined() || owner.DSN("x") != joined.DSN("x") {
		t.Fatalf("owner %v, joined %v", owner.Joined(), joined.Joined())
	}
	if _, err := query(t, owner, "CREATE TABLE kept AS SELECT 'x'::text AS v"); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "data_checksums": "on", "server_encoding": "UTF8", "listen_addresses": "127.0.0.1"} {
		if got, err := query(t, joined, "SHOW "+setting); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", setting, got, err, want)
		}
	}
	if err := joined.Stop(); err != nil {
		t.Error(err)
	}
	if got, err := query(t, owner, "SELECT v FROM kept"); err != nil || got != "x" {
		t.Errorf("after the joined one stopped: %q, %v", got, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- owner.Run(context.Background()) }()
	if err := owner.Stop(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "shut down") {
		t.Errorf("Run said %v, want the end of the log", err)
	}
	// A file left by a crash, whose process number is another program's now.
	stale := fmt.Sprintf("%d\n%s\n0\n1\n\n127.0.0.1\n", os.Getpid(), filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, pgdev.Config{Dir: dir})
	if got, err := query(t, again, "SELECT v FROM kept"); err != nil || got != "x" || again.Joined() {
		t.Errorf("after a restart: %q, %v, joined %v", got, err, again.Joined())
	}
	if st, err := os.Stat(filepath.Join(dir, "password")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v, %v", st, err)
	}
}

func TestEphemeralServerLeavesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, pgdev.Config{Ephemeral: true})
	if got, err := query(t, s, "SHOW fsync"); err != nil || got != "off" {
		t.Errorf("fsync %q, %v", got, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", s.Dir(), err)
	}
}

func TestStartRefusesFolders(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a stranger's folder
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pgdev.Start(t.Context(), pgdev.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a stranger's folder: %v", err)
	}
	if os.Geteuid() == 0 {
		if _, err := pgdev.Start(t.Context(), pgdev.Config{Dir: filepath.Join(t.TempDir(), "pg")}); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("an unreachable folder: %v", err)
		}
	}
	if _, err := pgdev.Start(t.Context(), pgdev.Config{Dir: folder(t), BinDir: "/nonexistent"}); err == nil || !strings.Contains(err.Error(), "initdb") {
		t.Errorf("no programs: %v", err)
	}
}

const parentVar = "AVAL_TEST_PGDEV_DIR"

// TestServerEndsWithItsKilledParent holds where the kernel tells children (Linux).
// Elsewhere the next start joins the server that was left.
func TestServerEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	//nolint:gosec // this very test program
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestParentProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), parentVar+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(filepath.Dir(dir), "ready")
	for range 6000 {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s := start(t, pgdev.Config{Dir: dir})
	for range 500 { // it may have joined a server that is about to end
		if !s.Joined() {
			break
		}
		time.Sleep(10 * time.Millisecond)
		s = start(t, pgdev.Config{Dir: dir})
	}
	if got, err := query(t, s, "SELECT v FROM kept"); err != nil || got != "y" {
		t.Errorf("after the kill: %q, %v", got, err)
	}
}

// TestParentProcess is the process that is killed; by itself it has nothing to do.
func TestParentProcess(t *testing.T) {
	dir := os.Getenv(parentVar)
	if dir == "" {
		return
	}
	s, err := pgdev.Start(context.Background(), pgdev.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := query(t, s, "CREATE TABLE kept AS SELECT 'y'::text AS v"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "ready"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

func TestFindHonoursItsFolder(t *testing.T) {
	dir, err := pgdev.Find()
	if err != nil {
		t.Skipf("no PostgreSQL on this machine, the other tests fetch it: %v", err)
	}
	t.Setenv("PG_BIN_DIR", dir)
	if got, err := pgdev.Find(); err != nil || got != dir {
		t.Errorf("found %s, %v; want %s", got, err, dir)
	}
}
