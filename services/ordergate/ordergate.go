// Package ordergate is the phase during the sale: it lets each order go or holds it for approval, and keeps what is used of every
// customer's credit in one journal per account. README.md tells it in the words of the business.
package ordergate

import (
	"context"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// Schema is the gate's schema in the database.
const Schema = "ordergate"

// Deps of the service. Pool is on Schema. Evaluation answers who a customer is where the gate has not heard of it; it may be down.
type Deps struct {
	Pool       *pgxpool.Pool
	Clock      calendar.Clock
	Log        *slog.Logger
	PageKey    []byte // signs page tokens; the same on all replicas
	Evaluation grpc.ClientConnInterface
	Reporting  Reporting
}

// Service is the order gate.
type Service struct {
	gate     *app.Gate
	queries  *app.Queries
	verifier *app.Verifier
	book     *policy.Book
	pages    *page.Signer
	log      *slog.Logger

	reporting  reporting
	violations *app.Violations
}

// Migrations are the goose files of the service's schema.
func Migrations() fs.FS { return postgres.Migrations() }

// Migrate brings the schema of the pool to this build's version.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.Migrate(ctx, pool, Schema, postgres.Migrations())
}

// New migrates the schema, installs the shipped policy where there is none, and returns the service.
func New(ctx context.Context, d Deps) (*Service, error) {
	if err := Migrate(ctx, d.Pool); err != nil {
		return nil, err
	}
	versions := policy.NewStore(d.Pool)
	spec, err := rpc.ParsePolicy("default.yaml", defaults.Default)
	if err != nil {
		return nil, err
	}
	if err := versions.EnsureBuiltIn(ctx, spec, defaults.Default); err != nil {
		return nil, err
	}
	store := postgres.NewStore(d.Pool)
	cache := policy.NewCache(versions, rpc.DecodePolicy)
	pages := page.NewSigner(d.PageKey)
	violations := &app.Violations{Store: store, Clock: d.Clock, Log: d.Log}
	return &Service{
		reporting: newReporting(d, store, cache, versions, pages), violations: violations, log: d.Log,
		gate:     app.New(app.Deps{Store: store, Policies: cache, Clock: d.Clock, Log: d.Log, Profiles: rpc.NewProfiles(d.Evaluation), Violations: violations}),
		queries:  &app.Queries{Store: store, Policies: cache, Clock: d.Clock, Pages: pages},
		verifier: &app.Verifier{Pool: d.Pool, Store: store, Policies: cache, Book: versions},
		book:     &policy.Book{Store: versions, Clock: d.Clock, Signed: cache.Invalidate},
		pages:    pages,
	}, nil
}

// Register adds the service's contracts to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	pb.RegisterOrderServiceServer(r, &rpc.Orders{Gate: s.gate, Queries: s.queries})
	pb.RegisterDecisionServiceServer(r, &rpc.Decisions{Queries: s.queries})
	pb.RegisterCreditAccountServiceServer(r, &rpc.Accounts{Queries: s.queries})
	pb.RegisterOrderPolicyServiceServer(r, &rpc.Policies{Book: s.book, Pages: s.pages, Violations: s.violations})
	pb.RegisterFeedServiceServer(r, &rpc.Feed{Gate: s.gate})
	s.reporting.register(r)
	pb.RegisterOperationsServiceServer(r, &rpc.Operations{Verifier: s.verifier})
}

// Run decides, and does the long-running work, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tasks := []lifecycle.Task{{Name: "ordergate decisions", Run: s.gate.Run}}
	return lifecycle.Run(ctx, s.log, append(tasks, s.reporting.tasks()...)...)
}

// Close ends the service; the pool belongs to its owner.
func (s *Service) Close(context.Context) error { return nil }
