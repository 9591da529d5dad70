package pgdev

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// tempPrefix names temporary folders, so that those of killed processes can be found.
const tempPrefix = "aval-pg-"

// account is who the server runs as; nil means this process's own account.
type account struct{ uid, gid uint32 }

// serverAccount is an unprivileged account when this process is root, which
// PostgreSQL refuses to run as.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is "our own account"
	}
	for _, name := range []string{superuser, "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &account{uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("running as root, and neither the account postgres nor nobody exists for PostgreSQL to run as")
}

// own gives a path to the server's account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// attr is how the server's programs are started: as the account, out of reach
// of the terminal's Ctrl-C (we drain first), ended when this process ends.
func (a *account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	pdeathsig(attr)
	return attr
}

// prepareDir makes the server's folder and hands it to the account.
func (s *Server) prepareDir(cfg Config, acct *account) error {
	dir, err := filepath.Abs(cfg.Dir)
	if cfg.Dir == "" {
		s.temp = true
		sweep(tempBase())
		dir, err = os.MkdirTemp(tempBase(), tempPrefix)
	}
	if err != nil {
		return err
	}
	s.dir = dir
	if acct != nil && !reachable(filepath.Dir(dir)) {
		return fmt.Errorf("%s is closed to the account that PostgreSQL runs as; choose a folder under /var/lib or /var/tmp", dir)
	}
	if err := refuseForeign(dir, acct); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := acct.own(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a folder, which only its owner enters
}

// refuseForeign keeps us from taking over a folder that is not a server's, or
// whose cluster belongs to another account (made as root, say, now used by a person).
func refuseForeign(dir string, acct *account) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "password")); err != nil {
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			return fmt.Errorf("%s is not empty and holds no PostgreSQL of ours; choose an empty folder", dir)
		}
	}
	st, err := os.Stat(filepath.Join(dir, "data"))
	if err != nil {
		return nil //nolint:nilerr // no cluster yet
	}
	want := uint32(os.Geteuid()) //nolint:gosec // uids fit
	if acct != nil {
		want = acct.uid
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && sys.Uid != want {
		return fmt.Errorf("%s was made by another account (uid %d, ours would be %d); choose another folder", dir, sys.Uid, want)
	}
	return nil
}

// reachable says whether an account that owns nothing on the way can enter dir.
func reachable(dir string) bool {
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if st, err := os.Stat(d); err == nil && st.Mode()&0o001 == 0 {
			return false
		}
		if d == filepath.Dir(d) {
			return true
		}
	}
}

// tryLock takes the folder's lock; nil if another process has it.
func tryLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EINTR):
		return nil, f.Close()
	default:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
}

func (s *Server) unlock() error {
	if s.lock == nil {
		return nil
	}
	err := s.lock.Close() // closing releases the lock
	s.lock = nil
	return err
}

// tempBase is where temporary clusters live: TMPDIR if set, else memory.
func tempBase() string {
	if os.Getenv("TMPDIR") == "" {
		if dir := memoryDir(); dir != "" {
			return dir
		}
	}
	return os.TempDir()
}

// sweep removes temporary folders whose process was killed: their lock is free.
func sweep(base string) {
	dirs, err := filepath.Glob(filepath.Join(base, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "data", "PG_VERSION")); err != nil {
			continue // being made: its lock may not be held yet
		}
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue // not ours
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			pid, _, ok := runningAt(filepath.Join(dir, "data"))
			if !ok || !isPostgres(pid) {
				_ = os.RemoveAll(dir) // best effort: another process may sweep too
			}
		}
		_ = f.Close()
	}
}
