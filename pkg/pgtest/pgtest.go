// Package pgtest gives each test a PostgreSQL database of its own, cloned from a
// template that holds the migrated schema. A template is built once per set of
// migrations (named by their hash), by whichever test process comes first. The
// server is the one TEST_DATABASE_URL names (cmd/withpg starts one for a whole
// run), else one that this test process starts.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgdev"
)

// setupTimeout covers a first initdb and a template on a busy machine.
const setupTimeout = 2 * time.Minute

// servers is this test process's one server: tests of a package share it.
var servers struct {
	sync.Mutex
	own *pgdev.Server
	url string
}

// Main runs the tests of a package and stops the server it started, if any:
// func TestMain(m *testing.M) { pgtest.Main(m) }. Without it the server ends
// with the process, and the next run clears its folder away.
func Main(m *testing.M) {
	code := m.Run()
	servers.Lock()
	if servers.own != nil {
		if err := servers.own.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// New returns a pool on a fresh database in which the schema is migrated with
// the phase's files (nil for the building blocks alone). The database is
// dropped when the test ends, and kept if it failed.
func New(t testing.TB, schema string, phase fs.FS) *pgxpool.Pool {
	t.Helper()
	return Open(t, URL(t, schema, phase), schema)
}

// Open returns a further pool on a database of this package, closed when the test ends.
func Open(t testing.TB, dsn, schema string) *pgxpool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	pool, err := pg.Open(ctx, pg.Config{URL: dsn, Schema: schema, MaxConns: 24})
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL names a fresh database in which the schema is migrated, for tests that
// open it themselves (several processes, say).
func URL(t testing.TB, schema string, phase fs.FS) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	admin := adminURL(ctx, t)
	template, err := ensureTemplate(ctx, admin, schema, phase)
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	return create(ctx, t, admin, " TEMPLATE "+template)
}

// Database names a fresh, empty database, for tests of a whole program that
// migrates its own schemas.
func Database(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	return create(ctx, t, adminURL(ctx, t), "")
}

func adminURL(ctx context.Context, t testing.TB) string {
	t.Helper()
	servers.Lock()
	defer servers.Unlock()
	if servers.url != "" {
		return servers.url
	}
	if servers.url = os.Getenv("TEST_DATABASE_URL"); servers.url != "" {
		return servers.url
	}
	s, err := pgdev.Start(ctx, pgdev.Config{Ephemeral: true})
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	servers.own, servers.url = s, s.DSN("postgres")
	return servers.url
}

func create(ctx context.Context, t testing.TB, admin, from string) string {
	t.Helper()
	var r [8]byte
	if _, err := rand.Read(r[:]); err != nil {
		t.Fatalf("test database: %v", err)
	}
	name := "test_" + hex.EncodeToString(r[:])
	if err := run(ctx, admin, "CREATE DATABASE "+name+from); err != nil {
		t.Fatalf("test database: %v", err)
	}
	dsn, err := withDatabase(admin, name)
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kept database %s", name)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if err := run(ctx, admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return dsn
}

// ensureTemplate builds the template database of a set of migrations once.
func ensureTemplate(ctx context.Context, admin, schema string, phase fs.FS) (name string, err error) {
	hash, err := pg.MigrationsHash(schema, phase)
	if err != nil {
		return "", err
	}
	name = "tmpl_" + hash[:24]
	c, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	// Test binaries of many packages run at once: one of them builds, the others wait.
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", name); err != nil {
		return "", err
	}
	var ready bool
	err = c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&ready)
	if err != nil || ready {
		return name, err
	}
	// A template half built by a killed run is not marked yet: begin again.
	for _, q := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := c.Exec(ctx, q); err != nil {
			return "", err
		}
	}
	if err := migrate(ctx, admin, name, schema, phase); err != nil {
		return "", err
	}
	_, err = c.Exec(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true ALLOW_CONNECTIONS false")
	return name, err
}

func migrate(ctx context.Context, admin, name, schema string, phase fs.FS) error {
	dsn, err := withDatabase(admin, name)
	if err != nil {
		return err
	}
	pool, err := pg.Open(ctx, pg.Config{URL: dsn, Schema: schema, MaxConns: 2})
	if err != nil {
		return err
	}
	defer pool.Close()
	return pg.Migrate(ctx, pool, schema, phase)
}

func run(ctx context.Context, admin, query string) error {
	c, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	_, err = c.Exec(ctx, query)
	return err
}

func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
