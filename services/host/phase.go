package host

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/pg"
)

// Conns are one phase's connections to the services of the suite, in its own name. Nothing is called on them before the
// phase runs.
type Conns struct {
	// Evaluation is the phase before the sale.
	Evaluation grpc.ClientConnInterface
	// OrderGate is the phase during the sale.
	OrderGate grpc.ClientConnInterface
	// Receivables is the phase after the sale.
	Receivables grpc.ClientConnInterface
}

// OneConn is for services that are all behind one address.
func OneConn(conn grpc.ClientConnInterface) Conns {
	return Conns{Evaluation: conn, OrderGate: conn, Receivables: conn}
}

// Parts are what a phase is built of.
type Parts struct {
	Conns
	// Pool sees the phase's own schema.
	Pool *pgxpool.Pool
	// Clock gives business dates.
	Clock calendar.Clock
	// Zone is where business dates change.
	Zone *time.Location
	// FontFile is the font of documents; empty: the usual places are looked through.
	FontFile string
	// Mail is where letters to customers go out.
	Mail mail.Server
	// Log is the phase's.
	Log *slog.Logger
	// PageKey signs page tokens.
	PageKey []byte
	// Migrate brings the schema to this build's tables first.
	Migrate bool
	// RequestDays is how many days requests are remembered; 0 leaves it to the phase.
	RequestDays int
	// DevClock says that callers set business dates, so that nothing may be done by the clock.
	DevClock bool
	// WebhookHosts are the names to which stops and releases may be posted.
	WebhookHosts []string
}

// Service is a phase that was built.
type Service interface {
	// Register adds the phase's services to a server.
	Register(registrar grpc.ServiceRegistrar)
	// Run does the phase's background work until ctx ends.
	Run(ctx context.Context) error
	// Close gives back what New took, after Run has returned.
	Close(ctx context.Context) error
}

// Phase is a phase that can be run: its packages describe themselves in services/host/*phase.
type Phase struct {
	// Name is the name of its database schema too.
	Name string
	// New builds it, after bringing the schema to this build's tables where parts say so.
	New func(ctx context.Context, parts Parts) (Service, error)
}

// open returns a pool on the phase's schema.
func (p Phase) open(ctx context.Context, db Database, base Base) (*pgxpool.Pool, error) {
	pool, err := pg.Open(ctx, pg.Config{
		URL: db.URL.Reveal(), Schema: p.Name, MaxConns: db.MaxConns, Tracer: base.Telemetry.Tracer,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: database: %w", p.Name, err)
	}
	return pool, nil
}

// build makes the phase on a pool. Without migrating it needs a schema that somebody has migrated.
func (p Phase) build(ctx context.Context, parts Parts) (Service, error) {
	if !parts.Migrate {
		var there bool
		const query = "SELECT to_regnamespace($1) IS NOT NULL"
		if err := parts.Pool.QueryRow(ctx, query, p.Name).Scan(&there); err != nil {
			return nil, fmt.Errorf("%s: database: %w", p.Name, pg.Err(err))
		}
		if !there {
			return nil, fmt.Errorf("the database has no schema %q yet: run this program with --migrate first", p.Name)
		}
	}
	service, err := p.New(ctx, parts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return service, nil
}

// MigrateOnly brings the phase's schema to this build's tables, installs its built-in policy, and does nothing else.
func (p Phase) MigrateOnly(ctx context.Context, db Database, base Base) error {
	pool, err := p.open(ctx, db, base)
	if err != nil {
		return err
	}
	defer pool.Close()
	nobody := NewLate() // nothing is called before a phase runs
	service, err := p.build(ctx, Parts{
		Conns: OneConn(nobody), Pool: pool, Clock: base.Clock, Zone: base.Zone, Log: base.Log(), PageKey: make([]byte, minPageKey), Migrate: true,
	})
	if err != nil {
		return err
	}
	return service.Close(ctx)
}
