// Package evaluation is the phase before the sale: who may buy on credit, how much
// and for how long. It serves the contracts of aval.evaluation.v1.
package evaluation

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/pkg/violation/refused"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/jobs"
	"github.com/avalcredit/aval/services/evaluation/internal/peers"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc"
)

// Schema is the name of the phase's schema in its database.
const Schema = "evaluation"

//go:embed policy/default.yaml
var defaultPolicy string

// Config of the phase; the zero value is good.
type Config struct {
	// SkipMigrations leaves the schema as it is, where a job of its own migrates it.
	SkipMigrations bool `koanf:"skip_migrations"`
	// Reviews has the phase do what a date makes due: rate customers again whose review
	// interval ran out, and all of them when another version of the policy comes into
	// force; give late steps of forms to whom they go. It goes by the clock, so it stays
	// off where callers set the business date.
	Reviews bool `koanf:"reviews"`
	// RequestDays is how many days requests are remembered; 0: idem.KeepDays.
	RequestDays int `koanf:"request_days"`
}

// Deps is what the phase is given. Nothing in it is closed by the phase.
type Deps struct {
	Config Config
	// Pool has the phase's schema first in its search path.
	Pool  *pgxpool.Pool
	Clock calendar.Clock
	Log   *slog.Logger
	// PageKey signs page tokens; the same in all replicas.
	PageKey []byte
	// FontFile is the font of documents; empty: the usual places are looked through.
	FontFile string
	// OrderGate and Receivables are connections with a token of role SERVICE.
	OrderGate, Receivables grpc.ClientConnInterface
}

// Service is the phase, ready to be registered and run.
type Service struct {
	app    *app.App
	relays map[string]*delivery.Relay
	keeper idem.Keeper
	runs   *app.Portfolio
	work   *operation.Worker
	cfg    Config
	log    *slog.Logger
	font   string
}

// Migrate brings the phase's schema to this build's tables.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := postgres.Migrations()
	if err != nil {
		return err
	}
	return pg.Migrate(ctx, pool, Schema, files)
}

// New migrates the schema unless told otherwise, installs the built-in policy where there is none, and
// returns the service. It calls no other phase before Run or the first request.
func New(ctx context.Context, d Deps) (*Service, error) {
	if d.Pool == nil || d.Clock == nil || d.OrderGate == nil || d.Receivables == nil || len(d.PageKey) == 0 {
		return nil, errors.New("evaluation: Pool, Clock, PageKey, OrderGate and Receivables are required")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if !d.Config.SkipMigrations {
		if err := Migrate(ctx, d.Pool); err != nil {
			return nil, fmt.Errorf("evaluation: %w", err)
		}
	}
	versions := policy.NewStore(d.Pool)
	spec := &evaluationv1.EvaluationPolicy{}
	if err := policy.ParseYAML("default.yaml", []byte(defaultPolicy), spec); err != nil {
		return nil, fmt.Errorf("evaluation: built-in policy: %w", err)
	}
	if err := versions.EnsureBuiltIn(ctx, spec, defaultPolicy); err != nil {
		return nil, fmt.Errorf("evaluation: built-in policy: %w", err)
	}
	policies := policy.NewCache(versions, rpc.DecodePolicy)
	relays := map[string]*delivery.Relay{
		app.StreamCreditProfile: delivery.NewRelay(d.Pool, app.StreamCreditProfile, peers.ToOrderGate(d.OrderGate), d.Log, d.Clock),
		app.StreamCustomer:      delivery.NewRelay(d.Pool, app.StreamCustomer, peers.ToReceivables(d.Receivables), d.Log, d.Clock),
	}
	a := app.New(app.Deps{
		Pool: d.Pool, Clock: d.Clock, Log: d.Log, PageKey: d.PageKey,
		Register: &violation.Register{Pool: d.Pool, Clock: d.Clock, Log: d.Log, Phase: Schema, CustomerOf: postgres.CustomerOf},
		Payments: peers.NewPayments(d.Receivables), Volumes: peers.NewPayments(d.Receivables), Policies: policies,
		Book: &policy.Book{Store: versions, Clock: d.Clock, Signed: policies.Invalidate},
		Relays: map[string]app.Relay{
			app.StreamCreditProfile: relays[app.StreamCreditProfile], app.StreamCustomer: relays[app.StreamCustomer],
		},
	})
	keeper := idem.Keeper{DB: d.Pool, Log: d.Log, Days: d.Config.RequestDays}
	runs := &app.Portfolio{App: a, Store: operation.NewStore(d.Pool)}
	work := operation.NewWorker(operation.Worker{
		Store: runs.Store, Log: d.Log, Name: rand.Text(),
		Kinds: map[string]operation.Work{app.KindSimulation: runs.RunSimulation, app.KindRerating: runs.RunRerating, app.KindGrowth: runs.RunGrowth},
	})
	runs.Wake = work.Wake
	return &Service{app: a, relays: relays, keeper: keeper, runs: runs, work: work, cfg: d.Config, log: d.Log, font: d.FontFile}, nil
}

// Register adds the phase's services to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	evaluationv1.RegisterCustomerServiceServer(r, rpc.Customers{App: s.app})
	evaluationv1.RegisterCustomerGroupServiceServer(r, rpc.Groups{App: s.app})
	evaluationv1.RegisterCreditFactServiceServer(r, rpc.Facts{App: s.app})
	evaluationv1.RegisterInvoiceFactServiceServer(r, rpc.Invoices{App: s.app})
	evaluationv1.RegisterRatingServiceServer(r, rpc.Ratings{App: s.app, FontFile: s.font})
	evaluationv1.RegisterTreatmentPlanServiceServer(r, rpc.Plans{App: s.app})
	evaluationv1.RegisterCreditApplicationServiceServer(r, rpc.Applications{App: s.app})
	evaluationv1.RegisterCreditGrantServiceServer(r, rpc.Grants{App: s.app})
	evaluationv1.RegisterCustomerHandOverServiceServer(r, rpc.HandOvers{App: s.app})
	evaluationv1.RegisterDelegationServiceServer(r, rpc.Delegations{App: s.app})
	evaluationv1.RegisterWithdrawalServiceServer(r, rpc.Withdrawals{App: s.app})
	evaluationv1.RegisterFormRegisterServiceServer(r, rpc.Registers{App: s.app})
	evaluationv1.RegisterViolationServiceServer(r, rpc.Violations{App: s.app})
	refused.Watch(r, s.app.Register, "aval.evaluation.v1", "application_id", "withdrawal_request_id", "fact_id")
	evaluationv1.RegisterEvaluationPolicyServiceServer(r, rpc.Policies{App: s.app})
	evaluationv1.RegisterPolicyTrialServiceServer(r, rpc.PolicyTrials{App: s.app})
	evaluationv1.RegisterGrowthReviewServiceServer(r, rpc.GrowthReviews{Portfolio: s.runs})
	evaluationv1.RegisterPortfolioRunServiceServer(r, rpc.PortfolioRuns{Portfolio: s.runs})
	evaluationv1.RegisterFeedServiceServer(r, rpc.Feed{App: s.app})
	evaluationv1.RegisterOperationsServiceServer(r, rpc.Operations{App: s.app})
}

// Run delivers what the other phases have not got yet, forgets old requests, and reviews customers where
// that is configured, until ctx ends. It then returns nil.
func (s *Service) Run(ctx context.Context) error {
	tasks := make([]lifecycle.Task, 0, len(s.relays)+5)
	tasks = append(tasks, lifecycle.Task{Name: "evaluation requests", Run: s.keeper.Run},
		// These go by the business date of the fact, so they run wherever the phase does.
		lifecycle.Task{Name: "evaluation operations", Run: s.work.Run},
		lifecycle.Task{Name: "evaluation ratings after facts", Run: jobs.NewReviews(app.Reratings{App: s.app}, s.log).Run})
	for stream, relay := range s.relays {
		tasks = append(tasks, lifecycle.Task{Name: "evaluation delivery of " + stream, Run: relay.Run})
	}
	if s.cfg.Reviews {
		tasks = append(tasks, lifecycle.Task{Name: "evaluation reviews", Run: jobs.NewReviews(s.app, s.log).Run},
			lifecycle.Task{Name: "evaluation late forms", Run: jobs.NewDuties("late forms", app.LateForms{App: s.app}, s.log).Run},
			lifecycle.Task{Name: "evaluation policies", Run: jobs.NewPolicies(s.runs, s.log).Run})
	}
	return lifecycle.Run(ctx, s.log, tasks...)
}

// Close releases what the service holds beside Deps: nothing outlives Run.
func (*Service) Close(context.Context) error { return nil }
