package prove

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// process is one gate process, started again whenever it ends, as a supervisor would.
type process struct {
	addr string
	log  io.Writer
	env  string

	mu  sync.Mutex
	cmd *exec.Cmd
}

func newProcess(o serveOrder, log io.Writer) (*process, error) {
	env, err := json.Marshal(o)
	return &process{addr: o.Addr, log: log, env: serveEnv + "=" + string(env)}, err
}

// restartAfter is the pause before an ended gate is started again.
const restartAfter = 100 * time.Millisecond

// keep runs the process until ctx ends.
func (p *process) keep(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the parent-death signal is bound to the starting thread
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, self) //nolint:gosec // this program itself
		cmd.Env = append(os.Environ(), p.env)
		cmd.Stdout, cmd.Stderr = p.log, p.log
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		p.set(cmd)
		_ = cmd.Wait() // however it ended, it is started again
		p.set(nil)
		_ = stdin.Close()
		pause(ctx, restartAfter)
	}
	return nil
}

func (p *process) set(cmd *exec.Cmd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = cmd
}

// signal reaches the process if it runs now.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // it may have ended this moment
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// freeAddr is an address nobody listens on now.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// database is a durable PostgreSQL on the disk that can be killed and started again on the same data and port.
type database struct {
	cfg pgdev.Config

	mu     sync.Mutex
	server *pgdev.Server
}

func startDatabase(ctx context.Context, dir string) (*database, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := &database{cfg: pgdev.Config{Dir: dir}}
	if d.cfg.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	d.server, err = pgdev.Start(ctx, d.cfg)
	return d, err
}

func (d *database) dsn(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server.DSN(name)
}

func (d *database) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.cfg.Port)) }

// dsnAt is dsn by another address, that of a line to it.
func (d *database) dsnAt(name, addr string) (string, error) {
	u, err := url.Parse(d.dsn(name))
	if err != nil {
		return "", err
	}
	u.Host = addr
	return u.String(), nil
}

// kill ends the server and all its processes at once, without warning, and starts it again on what is on the disk. It calls dead
// in between.
func (d *database) kill(ctx context.Context, dead func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pid, err := d.postmaster()
	if err != nil {
		return err
	}
	// The first process goes first, so that it starts no others.
	family := append([]int{pid}, children(pid)...)
	for _, p := range family {
		_ = syscall.Kill(p, syscall.SIGKILL) // it may have ended this moment
	}
	dead()
	if err := d.server.Stop(); err != nil {
		return err
	}
	for {
		s, err := pgdev.Start(ctx, d.cfg)
		if err == nil {
			d.server = s
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		pause(ctx, restartAfter)
	}
}

// postmaster is the server's first process, by the first line of postmaster.pid.
func (d *database) postmaster() (int, error) {
	text, err := os.ReadFile(d.cfg.Dir + "/data/postmaster.pid")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

func (d *database) stop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return nil
	}
	return d.server.Stop()
}

// children are the processes that a process started and that still run.
func children(parent int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// "pid (name) state parent ...": the name may hold anything, so what counts begins behind its last bracket.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			found = append(found, pid)
		}
	}
	return found
}

// listening waits until somebody listens at the address.
func listening(ctx context.Context, addr string) error {
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}
