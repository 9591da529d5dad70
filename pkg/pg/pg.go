// Package pg opens PostgreSQL pools with the settings that correctness rests
// on, runs transactions with bounded retries, turns driver errors into the
// product's errors, and brings a schema to this build's tables.
package pg

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/avalcredit/aval/pkg/errs"
)

// Config of a pool.
type Config struct {
	// URL of the database; several hosts mean "whichever accepts writes".
	// Behind a pooler in transaction mode the session settings below must be
	// given there, and migrations need a direct connection.
	URL string
	// Schema is the first entry of search_path; every phase has its own.
	Schema string
	// MaxConns bounds the pool; 0 leaves it to the URL's pool_max_conns or the driver.
	MaxConns int32
	// Tracer records a span per statement; nil uses the process's provider.
	Tracer trace.TracerProvider
}

// settings are sent with every connection. An abandoned transaction must not
// hold a customer's row for long; a commit must be on disk before an answer is given.
func settings(schema string) map[string]string {
	return map[string]string{
		"search_path":                         searchPath(schema),
		"lock_timeout":                        "3s",
		"statement_timeout":                   "30s",
		"idle_in_transaction_session_timeout": "3s",
		"synchronous_commit":                  "on",
		"timezone":                            "UTC",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
	}
}

// Open returns a pool whose connections see the schema, after one of them answered.
func Open(ctx context.Context, cfg Config) (*pgxpool.Pool, error) {
	if err := checkSchema(cfg.Schema); err != nil {
		return nil, err
	}
	c, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errs.New(errs.Invalid, "DATABASE_URL_INVALID", "the database URL cannot be read").WithCause(err)
	}
	if cfg.MaxConns > 0 {
		c.MaxConns = cfg.MaxConns
	}
	conn := c.ConnConfig
	for k, v := range settings(cfg.Schema) {
		conn.RuntimeParams[k] = v
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "aval/" + cfg.Schema
	}
	// The driver's default of two minutes would outlive any caller's patience.
	if conn.ConnectTimeout == 0 || conn.ConnectTimeout > 5*time.Second {
		conn.ConnectTimeout = 5 * time.Second
	}
	if conn.ValidateConnect == nil && severalHosts(conn.Config) {
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.HealthCheckPeriod = 5 * time.Second
	var opts []otelpgx.Option
	if cfg.Tracer != nil {
		opts = append(opts, otelpgx.WithTracerProvider(cfg.Tracer))
	}
	conn.Tracer = otelpgx.NewTracer(opts...)
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, Err(err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, Err(err)
	}
	return pool, nil
}

func severalHosts(c pgconn.Config) bool {
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port {
			return true
		}
	}
	return false
}

// searchPath keeps public last: extensions live there, shared by the schemas.
func searchPath(schema string) string { return `"` + schema + `", public` }

// checkSchema admits names that need no quoting, since they become part of statements.
func checkSchema(schema string) error {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`).MatchString(schema) {
		return fmt.Errorf("schema name %q: want lower-case letters, digits and _, at most 63", schema)
	}
	return nil
}
