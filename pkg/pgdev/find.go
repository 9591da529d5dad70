package pgdev

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minMajor is the oldest PostgreSQL the product's SQL is written for.
const minMajor = 15

// Find returns the folder of the newest PostgreSQL server programs (initdb and
// postgres, version 15 or later) on this machine; PG_BIN_DIR goes first.
func Find() (string, error) { return find(0) }

// find looks for one major version, or the newest where major is 0.
func find(major int) (string, error) {
	best, bestMajor := "", 0
	for _, dir := range candidates() {
		got, ok := majorOf(dir)
		switch {
		case !ok, got < minMajor, major != 0 && got != major:
		case got > bestMajor:
			best, bestMajor = dir, got
			if dir == os.Getenv("PG_BIN_DIR") {
				return dir, nil
			}
		}
	}
	if best == "" {
		want := strconv.Itoa(minMajor) + " or later"
		if major != 0 {
			want = strconv.Itoa(major)
		}
		return "", fmt.Errorf("no PostgreSQL server programs of version %s found (apt-get install postgresql, brew install postgresql, or set PG_BIN_DIR; or name a database by AVAL_DATABASE_URL)", want)
	}
	return best, nil
}

func candidates() []string {
	var dirs []string
	if d := os.Getenv("PG_BIN_DIR"); d != "" {
		dirs = append(dirs, d)
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // PGDG on RHEL, Rocky
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew, arm64
		"/usr/local/opt/postgresql*/bin",    // Homebrew, x86
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin",
		"/usr/libexec/postgresql*", // Alpine
	} {
		m, err := filepath.Glob(pattern)
		if err == nil {
			dirs = append(dirs, m...)
		}
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	return slices.DeleteFunc(dirs, func(d string) bool {
		return !isExec(filepath.Join(d, "initdb")) || !isExec(filepath.Join(d, "postgres"))
	})
}

func isExec(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir() && st.Mode()&0o111 != 0
}

// majorOf asks the program; folder names lie.
func majorOf(bin string) (int, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // the program is the operator's choice
	if err != nil {
		return 0, false
	}
	m := regexp.MustCompile(`(\d+)(\.\d+|beta|rc|devel)`).FindSubmatch(out)
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(string(m[1]))
	return major, err == nil
}

// programs chooses the server programs: those asked for, else those on this
// machine that fit the cluster's version, else fetched ones.
func programs(ctx context.Context, cfg Config, data string) (string, error) {
	if cfg.BinDir != "" {
		return cfg.BinDir, nil
	}
	major := 0
	if b, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		if major, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
			return "", fmt.Errorf("%s: PG_VERSION: %w", data, err)
		}
	}
	bin, err := find(major)
	if err == nil {
		return bin, nil
	}
	if major != 0 && major != fetchMajor {
		return "", fmt.Errorf("%s holds a cluster of PostgreSQL %d: %w", data, major, err)
	}
	cache := cfg.CacheDir
	if cache == "" {
		cache = DefaultCacheDir()
	}
	fetched, ferr := Fetch(ctx, cache)
	if ferr != nil {
		return "", fmt.Errorf("%w; fetching them failed too: %w", err, ferr)
	}
	return fetched, nil
}
