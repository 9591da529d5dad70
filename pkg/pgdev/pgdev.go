// Package pgdev runs a private PostgreSQL server for development, a small
// firm's single machine and tests: it finds the server programs, initialises a
// cluster, starts it as a child process (dropping privileges when the parent is
// root) and stops it. A folder on which a server already runs is joined, not
// started twice.
package pgdev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "postgres"
	// stopGrace is how long a fast shutdown may take before the server is
	// told to leave at once (it then recovers from its log at the next start).
	stopGrace = 20 * time.Second
	pollEvery = 20 * time.Millisecond
)

// Config of a server.
type Config struct {
	// Dir is a folder of the server's own; it holds data/, password, lock and
	// postgres.log. Empty: a new temporary folder, removed by Stop.
	Dir string
	// BinDir holds initdb and postgres. Empty: the programs found on this
	// machine, else those that Fetch brings into CacheDir.
	BinDir string
	// CacheDir keeps fetched programs. Empty: a folder per account.
	CacheDir string
	// Ephemeral gives durability up for speed: tests only.
	Ephemeral bool
	// Settings of the server beyond the launcher's own, each "name=value".
	Settings []string
	// Port to listen on, for those who start a server again at the same address. 0: any free one.
	Port int
}

// Server is a running cluster.
type Server struct {
	dir      string
	port     int
	password string
	joined   bool // another process owns it
	temp     bool
	lock     *os.File // held while this process owns the server

	cmd     *exec.Cmd
	done    chan struct{} // closed when the child has ended
	waitErr error         // valid after done
}

// Start returns a server that answers queries: the one that runs on cfg.Dir
// already (it ends with the process that started it), or a new one. The error
// says what a person can do about it.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	s := &Server{done: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = s.Stop()
		}
	}()
	if err := s.prepareDir(cfg, acct); err != nil {
		return nil, err
	}
	joined, err := s.join(ctx)
	if err != nil {
		return nil, err
	}
	if joined {
		return s, nil
	}
	bin, err := programs(ctx, cfg, s.dataDir())
	if err != nil {
		return nil, err
	}
	if err := s.ensurePassword(acct); err != nil {
		return nil, err
	}
	if err := s.ensureCluster(ctx, bin, cfg.Ephemeral, acct); err != nil {
		return nil, err
	}
	if err := s.launch(bin, cfg, acct); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// DSN is the URL of a database of this server, with the superuser's password.
func (s *Server) DSN(database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: database,
		RawQuery: "sslmode=disable",
	}).String()
}

// Joined says that another process started the server and will stop it.
func (s *Server) Joined() bool { return s.joined }

// Dir is the server's folder.
func (s *Server) Dir() string { return s.dir }

// Run waits until ctx ends (nil) or the server ends by itself (an error that
// carries the end of its log). It does not stop the server.
func (s *Server) Run(ctx context.Context) error {
	if s.joined {
		<-ctx.Done()
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.done:
		return s.endedError()
	}
}

// Stop shuts down a server this process started, waits for it, and removes a
// temporary folder. A joined server is left running. Stop may be called twice.
func (s *Server) Stop() error {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown: open transactions are rolled back
		select {
		case <-s.done:
		case <-time.After(stopGrace):
			_ = s.cmd.Process.Signal(syscall.SIGQUIT)
			<-s.done
		}
	}
	err := s.unlock()
	if s.temp {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }

// awaitReady returns when the new server answers, ends, or ctx does.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return s.endedError()
		case <-ctx.Done():
			return fmt.Errorf("postgres not ready: %w (%w)", ctx.Err(), err)
		case <-time.After(pollEvery):
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// endedError needs done to be closed.
func (s *Server) endedError() error {
	const tail = 4 << 10
	log, err := os.ReadFile(filepath.Join(s.dir, "postgres.log"))
	if err != nil {
		log = []byte(err.Error())
	}
	cause := s.waitErr
	if cause == nil {
		cause = errors.New("exit status 0")
	}
	return fmt.Errorf("postgres ended: %w; the end of its log:\n%s", cause, log[max(0, len(log)-tail):])
}
