// Package bench measures the suite against the usual way of doing the same work, on the same machine and the same PostgreSQL, in turn
// within one run. It prints ratios, since a rate alone says more about the machine than about the program.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pgdev"
)

// Config of a run.
type Config struct {
	Only      string        `help:"One group of figures, or one part of receivables; empty: all." enum:",gate,evaluation,receivables,posting,aging,dunning" default:""`
	Rounds    int           `help:"Rounds of each measurement; the median counts." default:"5"`
	Duration  time.Duration `help:"Length of one measurement." default:"3s"`
	Customers int           `help:"Customers in the database." default:"100000"`
	Large     int           `help:"Customers in the large database." default:"3000000"`
	Rated     int           `help:"Customers whose ratings are measured." default:"1000000"`
	Items     int           `help:"Open items where receivables are aged, ten a customer." default:"10000000"`
	Overdue   int           `help:"Overdue items where a dunning run is measured, ten a customer." default:"1000000"`
	Dir       string        `help:"Folder for the databases, on the disk to be measured; empty: a new one under the working folder, removed at the end."`
	Serve     string        `help:"Used by the program itself: serve the gate on this database." hidden:""`

	ServeEvaluation string `help:"Used by the program itself: serve evaluation on this database." hidden:""`
}

// Run measures and prints.
func Run(ctx context.Context, cfg Config, out io.Writer) error {
	if cfg.Serve != "" {
		return serve(ctx, cfg.Serve, out)
	}
	if cfg.ServeEvaluation != "" {
		return serveEvaluation(ctx, cfg.ServeEvaluation, out)
	}
	db, pgbench, closeDB, err := database(ctx, cfg.Dir)
	if err != nil {
		return err
	}
	defer closeDB()
	var version string
	if err := onDatabase(ctx, db, "postgres", func(c *pgx.Conn) error {
		return c.QueryRow(ctx, `SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
			|| ', synchronous_commit ' || current_setting('synchronous_commit')`).Scan(&version)
	}); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s/%s, %d processors, %s, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), version)
	fmt.Fprintf(out, "server settings: %s\n", strings.Join(settings(), ", "))
	wanted := func(group string) bool { return cfg.Only == "" || cfg.Only == group }
	if wanted("gate") {
		fmt.Fprintf(out, "%d rounds of %s each, in turn; medians; callers, gate and PostgreSQL share the machine\n", cfg.Rounds, cfg.Duration)
		if err := gateGroup(ctx, cfg, db, pgbench, out); err != nil {
			return err
		}
	}
	if wanted("evaluation") {
		if err := evaluationGroup(ctx, cfg, db, out); err != nil {
			return err
		}
	}
	if slices.ContainsFunc([]string{"receivables", "posting", "aging", "dunning"}, wanted) {
		return receivablesGroup(ctx, cfg, db, out)
	}
	return nil
}

// settings are those of a database server of some size: with the launcher's, for a laptop, evicting pages and checkpoints would be measured.
// Durability is untouched. All that is compared runs on this one server.
func settings() []string {
	return []string{"shared_buffers=2GB", "max_wal_size=16GB", "checkpoint_timeout=30min", "wal_buffers=64MB"}
}

// database starts a durable PostgreSQL of its own.
func database(ctx context.Context, dir string) (s *pgdev.Server, pgbench string, closer func(), err error) {
	bin, err := pgdev.Find()
	if err != nil {
		return nil, "", nil, fmt.Errorf("the measurements need PostgreSQL's programs with pgbench (apt-get install postgresql): %w", err)
	}
	pgbench = filepath.Join(bin, "pgbench")
	if _, err := os.Stat(pgbench); err != nil {
		return nil, "", nil, fmt.Errorf("the measurements compare with pgbench, which is not in %s (apt-get install postgresql)", bin)
	}
	remove := func() error { return nil }
	if dir == "" {
		if dir, err = os.MkdirTemp("/var/tmp", "aval-bench-"); err != nil {
			return nil, "", nil, err
		}
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL runs under another account and must enter it
			return nil, "", nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	if s, err = pgdev.Start(ctx, pgdev.Config{Dir: filepath.Join(dir, "postgres"), BinDir: bin, Settings: settings()}); err != nil {
		return nil, "", nil, errors.Join(err, remove())
	}
	return s, pgbench, func() {
		if err := errors.Join(s.Stop(), remove()); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}, nil
}

func onDatabase(ctx context.Context, db *pgdev.Server, name string, fn func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, db.DSN(name))
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close(ctx))
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// report prints one figure on a line that programs can read.
func report(out io.Writer, name string, value float64, digits int) {
	fmt.Fprintf(out, "bench %s %.*f\n", name, digits, value)
}
