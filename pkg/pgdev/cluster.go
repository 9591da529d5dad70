package pgdev

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// joinGrace bounds the wait for another process's server to come up or to end.
const joinGrace = time.Minute

// join takes the folder's lock, which an owner holds as long as its server runs;
// or, while another process owns the folder, connects to that server: its port
// stands in postmaster.pid, its password in ours. So of two that start at once
// one becomes the owner. A server that outlives its owner is joined, or waited
// for if it is about to end.
func (s *Server) join(ctx context.Context) (joined bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinGrace)
	defer cancel()
	for {
		if s.lock == nil {
			if s.lock, err = tryLock(s.dir); err != nil {
				return false, err
			}
		}
		pid, port, running := runningAt(s.dataDir())
		switch {
		case !running:
			if s.lock != nil {
				return false, nil
			}
		case s.lock != nil && !isPostgres(pid):
			// Left by a crash. PostgreSQL would take the process that has its
			// number now for a running server.
			return false, os.Remove(filepath.Join(s.dataDir(), "postmaster.pid"))
		default:
			if err = s.tryJoin(ctx, port); err == nil {
				return true, s.unlock()
			}
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("another process holds %s, and its PostgreSQL does not answer: %w", s.dir, errors.Join(ctx.Err(), err))
		case <-time.After(pollEvery):
		}
	}
}

func (s *Server) tryJoin(ctx context.Context, port int) error {
	password, err := os.ReadFile(filepath.Join(s.dir, "password"))
	if err != nil {
		return err
	}
	s.port, s.password = port, strings.TrimSpace(string(password))
	err = s.ping(ctx)
	s.joined = err == nil
	return err
}

// runningAt reads postmaster.pid: line 1 is the process, line 4 the port.
func runningAt(data string) (pid, port int, ok bool) {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, 0, false
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) < 4 {
		return 0, 0, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(lines[0]))
	port, err2 := strconv.Atoi(strings.TrimSpace(lines[3]))
	return pid, port, err1 == nil && err2 == nil && pid > 0
}

// ensurePassword reads the superuser's password or makes one.
func (s *Server) ensurePassword(acct *account) error {
	file := filepath.Join(s.dir, "password")
	b, err := os.ReadFile(file)
	if err == nil {
		s.password = strings.TrimSpace(string(b))
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var r [16]byte
	if _, err := rand.Read(r[:]); err != nil {
		return err
	}
	s.password = hex.EncodeToString(r[:])
	if err := os.WriteFile(file, []byte(s.password+"\n"), 0o600); err != nil {
		return err
	}
	return acct.own(file)
}

// ensureCluster runs initdb unless the folder holds a cluster. It works in a
// folder beside it and renames, so that a killed initdb leaves nothing half made.
func (s *Server) ensureCluster(ctx context.Context, bin string, ephemeral bool, acct *account) error {
	if _, err := os.Stat(filepath.Join(s.dataDir(), "PG_VERSION")); err == nil {
		return nil
	}
	fresh := s.dataDir() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	// The C locale exists everywhere; order of text is by code point.
	args := []string{
		"-D", fresh, "-U", superuser, "-A", "scram-sha-256",
		"--pwfile", filepath.Join(s.dir, "password"),
		"--encoding=UTF8", "--locale=C", "--data-checksums",
	}
	if ephemeral {
		args = append(args, "--no-sync")
	}
	c := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), args...) //nolint:gosec // the program is the operator's choice
	c.Dir, c.SysProcAttr = s.dir, acct.attr()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	// The parent-death signal is bound to the starting thread.
	runtime.LockOSThread()
	err := c.Run()
	runtime.UnlockOSThread()
	if err != nil {
		return fmt.Errorf("initdb (its account needs an entry in /etc/passwd): %w\n%s", err, out.Bytes())
	}
	return os.Rename(fresh, s.dataDir())
}

// launch starts the server as a child that dies with this process.
func (s *Server) launch(bin string, cfg Config, acct *account) error {
	var err error
	if s.port = cfg.Port; s.port == 0 {
		if s.port, err = freePort(); err != nil {
			return err
		}
	}
	logFile, err := os.OpenFile(filepath.Join(s.dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()                                                       // the child has its own descriptor
	cmd := exec.Command(filepath.Join(bin, "postgres"), serverArgs(s.dataDir(), s.port, cfg)...) //nolint:gosec,noctx // outlives the call; Stop ends it
	cmd.Dir, cmd.SysProcAttr = s.dir, acct.attr()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	started := make(chan error)
	go func() {
		// The parent-death signal fires when the starting *thread* ends: keep it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.waitErr = cmd.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.cmd = cmd
	return nil
}

// serverArgs: loopback TCP only, since the default socket folder is often closed to us.
func serverArgs(data string, port int, cfg Config) []string {
	set := []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300",
		"shared_buffers=128MB", "max_wal_size=1GB", "timezone=UTC", "log_timezone=UTC",
	}
	if cfg.Ephemeral {
		set = append(set, "fsync=off", "full_page_writes=off", "deadlock_timeout=100ms")
	}
	args := []string{"-D", data, "-p", strconv.Itoa(port)}
	for _, v := range append(set, cfg.Settings...) {
		args = append(args, "-c", v)
	}
	return args
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener's address
	return port, l.Close()
}
