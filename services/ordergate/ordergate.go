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
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/pkg/violation/refused"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
	"github.com/avalcredit/aval/services/ordergate/internal/peers"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// Schema is the gate's schema in the database.
const Schema = "ordergate"

// Config of the service; the zero value migrates.
type Config struct {
	// SkipMigrations leaves the schema as it is, where a job of its own migrates it.
	SkipMigrations bool
	// Historic says that callers may set the business date (development mode), see app.Deps.
	Historic bool
}

// Deps of the service. Pool is on Schema. Evaluation answers who a customer is where the gate has not heard of it; it may be down.
type Deps struct {
	Config     Config
	Pool       *pgxpool.Pool
	Clock      calendar.Clock
	Log        *slog.Logger
	PageKey    []byte // signs page tokens; the same on all replicas
	Evaluation grpc.ClientConnInterface
	Webhooks   Webhooks
	Reporting  Reporting
}

// Webhooks says where stops and releases may be posted to.
type Webhooks struct {
	Hosts       []string // allowed names, ".example.com" for all names below one; empty: none but in development
	Development bool     // allows plain HTTP, private addresses and every host
}

// Service is the order gate.
type Service struct {
	gate     *app.Gate
	queries  *app.Queries
	verifier *app.Verifier
	book     *policy.Book
	pages    *page.Signer
	log      *slog.Logger
	events   *app.Events
	webhooks *app.Webhooks

	shipments, withdrawals *delivery.Relay
	reporting              reporting
	violations             *app.Violations
	register               *violation.Register
	told                   *delivery.Relay // violations, to evaluation
}

// Migrations are the goose files of the service's schema.
func Migrations() fs.FS { return postgres.Migrations() }

// Migrate brings the schema of the pool to this build's version.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.Migrate(ctx, pool, Schema, postgres.Migrations())
}

// New migrates the schema unless that is somebody else's work, installs the shipped policy where there is none, and returns the service.
func New(ctx context.Context, d Deps) (*Service, error) {
	if !d.Config.SkipMigrations {
		if err := Migrate(ctx, d.Pool); err != nil {
			return nil, err
		}
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
	events := &app.Events{Store: store}
	targets := event.Targets{Hosts: d.Webhooks.Hosts, Development: d.Webhooks.Development}
	shipments := delivery.NewRelay(d.Pool, postgres.StreamShipment, events.Log, d.Log, d.Clock)
	withdrawals := delivery.NewRelay(d.Pool, postgres.StreamWithdrawal, peers.SendWithdrawals(d.Evaluation), d.Log, d.Clock)
	violations := &app.Violations{Store: store, Clock: d.Clock, Log: d.Log}
	gate := app.New(app.Deps{
		Store: store, Policies: cache, Clock: d.Clock, Log: d.Log, Profiles: rpc.NewProfiles(d.Evaluation), Violations: violations,
		Historic: d.Config.Historic, Tell: teller(shipments, withdrawals),
	})
	register := &violation.Register{Pool: d.Pool, Clock: d.Clock, Log: d.Log, Phase: Schema, Told: true}
	verifier := &app.Verifier{Pool: d.Pool, Store: store, Policies: cache, Book: versions, Log: d.Log, Register: register}
	return &Service{
		gate: gate, reporting: newReporting(d, gate, verifier, versions, pages), violations: violations, register: register,
		told: delivery.NewRelay(d.Pool, violation.Stream, peers.SendViolations(d.Evaluation), d.Log, d.Clock),
		log:  d.Log, events: events, shipments: shipments, withdrawals: withdrawals,
		webhooks: &app.Webhooks{
			Pool: d.Pool, Store: store, Clock: d.Clock, Log: d.Log, Targets: targets, Post: peers.Webhook(targets, d.Clock), Key: d.PageKey,
		},
		queries:  &app.Queries{Store: store, Policies: cache, Clock: d.Clock, Pages: pages},
		verifier: verifier,
		book:     &policy.Book{Store: versions, Clock: d.Clock, Signed: cache.Invalidate},
		pages:    pages,
	}, nil
}

// teller has what others are told of a customer delivered, and waits for it a while where it is asked to.
func teller(relays ...*delivery.Relay) func(ctx context.Context, customerID string, wait bool) {
	return func(ctx context.Context, customerID string, wait bool) {
		for _, r := range relays {
			if wait {
				r.Flush(ctx, customerID)
			} else {
				r.Nudge()
			}
		}
	}
}

// Register adds the service's contracts to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	refused.Watch(r, s.register, "aval.ordergate.v1", "order_id", "group_id", "budget_id", "ceiling_id", "webhook_id")
	pb.RegisterOrderServiceServer(r, &rpc.Orders{Gate: s.gate, Queries: s.queries})
	pb.RegisterDecisionServiceServer(r, &rpc.Decisions{Queries: s.queries})
	pb.RegisterCreditAccountServiceServer(r, &rpc.Accounts{Queries: s.queries})
	pb.RegisterGroupServiceServer(r, &rpc.Groups{Gate: s.gate, Queries: s.queries})
	pb.RegisterBudgetServiceServer(r, &rpc.Budgets{Gate: s.gate, Queries: s.queries})
	pb.RegisterCeilingServiceServer(r, &rpc.Ceilings{Gate: s.gate, Queries: s.queries})
	pb.RegisterOrderPolicyServiceServer(r, &rpc.Policies{Book: s.book, Pages: s.pages, Violations: s.violations})
	pb.RegisterFeedServiceServer(r, &rpc.Feed{Gate: s.gate})
	s.reporting.register(r)
	pb.RegisterCustomerControlServiceServer(r, &rpc.CustomerControls{Gate: s.gate, Queries: s.queries})
	pb.RegisterWarehouseServiceServer(r, &rpc.Warehouse{Gate: s.gate, Events: s.events, Pages: s.pages})
	pb.RegisterWebhookServiceServer(r, &rpc.Webhooks{Webhooks: s.webhooks})
	pb.RegisterOperationsServiceServer(r, &rpc.Operations{Verifier: s.verifier, Pages: s.pages, Streams: []rpc.Stream{
		{Name: postgres.StreamWithdrawal, Pending: s.withdrawals.Pending}, {Name: postgres.StreamShipment, Pending: s.shipments.Pending},
		{Name: violation.Stream, Pending: s.told.Pending},
	}})
}

// Run decides, and tells others, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tasks := []lifecycle.Task{
		{Name: "ordergate decisions", Run: s.gate.Run},
		{Name: "ordergate withdrawals", Run: s.withdrawals.Run},
		{Name: "ordergate violations", Run: s.told.Run},
		{Name: "ordergate shipment events", Run: s.shipments.Run},
		{Name: "ordergate webhooks", Run: s.webhooks.Run},
	}
	return lifecycle.Run(ctx, s.log, append(tasks, s.reporting.tasks()...)...)
}

// Close ends the service; the pool belongs to its owner.
func (s *Service) Close(context.Context) error { return nil }
