// Package receivables is the phase after the sale: who owes what since when. It keeps
// the sales ledger, applies receipts to invoices, ages what is open at any date, and
// tells the gate and evaluation what changed.
package receivables

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/pkg/violation/refused"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/jobs"
	"github.com/avalcredit/aval/services/receivables/internal/peers"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/rpc"
)

// Schema is the PostgreSQL schema of this phase: what the pool's search_path must name.
const Schema = postgres.Schema

//go:embed policy/default.yaml
var defaultPolicy []byte

// Config of the phase; the zero value is good.
type Config struct {
	// SkipMigrations leaves the schema as it is, where a job of its own migrates it.
	SkipMigrations bool `koanf:"skip_migrations"`
	// Warnings has the phase give warnings by itself, every hour. It goes by the clock, so it stays off where callers set the
	// business date.
	Warnings bool `koanf:"warnings"`
	// RequestDays is how many days requests are remembered; 0: idem.KeepDays.
	RequestDays int `koanf:"request_days"`
}

// Deps is what the phase needs from the program around it.
type Deps struct {
	Config Config
	// Pool of connections whose search_path begins with Schema. The caller closes it.
	Pool  *pgxpool.Pool
	Clock calendar.Clock
	Log   *slog.Logger
	// PageKey signs page tokens; all replicas need the same.
	PageKey []byte
	// OrderGate takes positions (ordergate.v1.FeedService).
	OrderGate grpc.ClientConnInterface
	// Evaluation takes settlements and knows customers (evaluation.v1.FeedService).
	Evaluation grpc.ClientConnInterface
	// Mail is the server that letters to customers go out by; without a host they wait in their queue.
	Mail mail.Server
	// FontFile is the font of documents; empty: the usual places are looked through.
	FontFile string
	// Zone is where business dates change, and in which the hours of reports are counted; nil: UTC.
	Zone *time.Location
}

// Service is the phase, ready to be registered and run.
type Service struct {
	app         *app.Service
	book        *policy.Book
	pages       *page.Signer
	log         *slog.Logger
	clock       calendar.Clock
	positions   *delivery.Relay
	settlements *delivery.Relay
	violations  *delivery.Relay
	letters     *mail.Relay
	keeper      idem.Keeper
	warnings    *jobs.Warnings // nil: none
	months      *jobs.Months   // nil: none
	statements  *jobs.Statements
	reports     *rpc.Reports
	work        *operation.Worker
	collection  *jobs.Collection
	moves       *jobs.Moves
	fontFile    string
}

// New migrates the schema, installs the built-in policy at first start, and builds the
// phase. Nothing runs before Run.
func New(ctx context.Context, d Deps) (*Service, error) {
	if d.Pool == nil || d.Clock == nil || d.Log == nil || d.OrderGate == nil || d.Evaluation == nil || len(d.PageKey) == 0 {
		return nil, errors.New("receivables: pool, clock, log, page key and both connections are needed")
	}
	if !d.Config.SkipMigrations {
		if err := pg.Migrate(ctx, d.Pool, Schema, postgres.Migrations()); err != nil {
			return nil, fmt.Errorf("receivables: %w", err)
		}
	}
	store := policy.NewStore(d.Pool)
	builtIn, err := rpc.ParsePolicy("policy/default.yaml", defaultPolicy)
	if err != nil {
		return nil, fmt.Errorf("receivables: %w", err)
	}
	if err := store.EnsureBuiltIn(ctx, builtIn, string(defaultPolicy)); err != nil {
		return nil, fmt.Errorf("receivables: %w", err)
	}
	log := d.Log.With("phase", "receivables")
	s := &Service{
		pages: page.NewSigner(d.PageKey), log: log, clock: d.Clock,
		keeper:      idem.Keeper{DB: d.Pool, Log: log, Days: d.Config.RequestDays},
		positions:   delivery.NewRelay(d.Pool, app.StreamPosition, peers.SendPositions(d.OrderGate), log, d.Clock),
		settlements: delivery.NewRelay(d.Pool, app.StreamSettlement, peers.SendSettlements(d.Evaluation), log, d.Clock),
		violations:  delivery.NewRelay(d.Pool, violation.Stream, peers.SendViolations(d.Evaluation), log, d.Clock),
	}
	s.letters = mail.NewRelay(mail.Config{Pool: d.Pool, Clock: d.Clock, Log: log, Server: d.Mail})
	policies := policy.NewCache(store, rpc.DecodePolicy)
	operations := operation.NewStore(d.Pool)
	s.fontFile = d.FontFile
	s.app = app.New(app.Deps{
		Pool: d.Pool, Clock: d.Clock, Log: log, Profiles: peers.NewEvaluation(d.Evaluation), Policies: policies,
		Gate:    peers.NewGate(d.OrderGate),
		Letters: s.letters, FontFile: d.FontFile, Positions: s.positions, Settlements: s.settlements, Chains: chains(d.Pool, store),
		Register: &violation.Register{Pool: d.Pool, Clock: d.Clock, Log: log, Phase: Schema, Told: true}, Violations: s.violations,
		Operations: operations, Wake: func() { s.work.Wake() },
	})
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	s.reports = &rpc.Reports{App: s.app, Zone: zone, FontFile: d.FontFile}
	s.work = operation.NewWorker(operation.Worker{
		Store: operations, Log: log, Name: "receivables-" + rand.Text(),
		Kinds: map[string]operation.Work{app.KindDunningPropose: s.app.ProposeWork, app.KindDunningSend: s.app.SendWork},
	})
	s.collection = jobs.NewCollection(s.app, log)
	s.moves = jobs.NewMoves(s.app, log)
	if d.Config.Warnings {
		s.warnings = jobs.NewWarnings(s.app, log)
		s.months = jobs.NewMonths(s.app, d.Clock, zone, log)
		s.statements = jobs.NewStatements(s.app, d.Clock, zone, log)
	}
	s.book = &policy.Book{Store: store, Clock: d.Clock, Signed: policies.Invalidate}
	return s, nil
}

// chains are those that the building blocks keep: who did what, and the policy.
func chains(pool *pgxpool.Pool, store *policy.Store) []app.Chain {
	return []app.Chain{
		func(ctx context.Context) (int64, int64, []audit.Break, error) {
			r, err := audit.Verify(ctx, pool)
			return r.Streams, r.Entries, r.Broken, err
		},
		func(ctx context.Context) (int64, int64, []audit.Break, error) {
			broken, err := store.Verify(ctx)
			return 1, 0, broken, err
		},
	}
}

// Register adds the phase's services to a gRPC server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	refused.Watch(r, s.app.Register, "aval.receivables.v1", "invoice_id", "receipt_id", "payment_notice_id", "credit_memo_id", "document_id",
		"promise_id", "dispute_id", "statement_id", "dunning_run_id", "restructuring_id", "hand_over_id", "security_id", "legal_case_id", "limitation_event_id", "warning_id", "item_id", "person")
	receivablesv1.RegisterInvoiceServiceServer(r, &rpc.Invoices{App: s.app, Pages: s.pages})
	receivablesv1.RegisterReceiptServiceServer(r, &rpc.Receipts{App: s.app, Pages: s.pages})
	receivablesv1.RegisterBankServiceServer(r, &rpc.Bank{App: s.app, Pages: s.pages, Clock: s.clock})
	receivablesv1.RegisterStatementServiceServer(r, &rpc.Statements{App: s.app, Pages: s.pages, Clock: s.clock})
	receivablesv1.RegisterLetterServiceServer(r, &rpc.Letters{App: s.app, Pages: s.pages})
	receivablesv1.RegisterPaymentNoticeServiceServer(r, &rpc.Notices{App: s.app, Pages: s.pages})
	receivablesv1.RegisterDocumentServiceServer(r, &rpc.Documents{App: s.app, Pages: s.pages})
	receivablesv1.RegisterBillServiceServer(r, &rpc.Bills{App: s.app, Pages: s.pages})
	receivablesv1.RegisterCreditMemoServiceServer(r, &rpc.CreditMemos{App: s.app, Pages: s.pages})
	receivablesv1.RegisterReceiptPlanServiceServer(r, &rpc.ReceiptPlans{App: s.app, Pages: s.pages})
	receivablesv1.RegisterPeriodServiceServer(r, &rpc.Periods{App: s.app, Pages: s.pages})
	receivablesv1.RegisterAgingServiceServer(r, &rpc.Aging{App: s.app, Pages: s.pages})
	receivablesv1.RegisterFiguresServiceServer(r, &rpc.Figures{App: s.app, Pages: s.pages})
	receivablesv1.RegisterReceivablesReportServiceServer(r, s.reports)
	receivablesv1.RegisterLedgerServiceServer(r, &rpc.Ledger{App: s.app, Pages: s.pages})
	receivablesv1.RegisterReceivablesPolicyServiceServer(r, &rpc.Policies{Book: s.book, Pages: s.pages})
	receivablesv1.RegisterLimitationServiceServer(r, &rpc.Limitations{App: s.app, Pages: s.pages})
	receivablesv1.RegisterWarningServiceServer(r, &rpc.Warnings{App: s.app, Pages: s.pages})
	receivablesv1.RegisterResponsibilityServiceServer(r, &rpc.Responsibilities{App: s.app, Pages: s.pages})
	receivablesv1.RegisterSecurityServiceServer(r, &rpc.Securities{App: s.app, Pages: s.pages})
	receivablesv1.RegisterLegalCaseServiceServer(r, &rpc.LegalCases{App: s.app, Pages: s.pages})
	receivablesv1.RegisterChargeServiceServer(r, &rpc.Charges{App: s.app, Pages: s.pages})
	receivablesv1.RegisterRestructuringServiceServer(r, &rpc.Restructurings{App: s.app, Pages: s.pages})
	receivablesv1.RegisterWrittenOffServiceServer(r, &rpc.WrittenOffs{App: s.app, Pages: s.pages})
	receivablesv1.RegisterDunningServiceServer(r, &rpc.Dunning{App: s.app, Pages: s.pages})
	receivablesv1.RegisterCollectionServiceServer(r, &rpc.Collection{App: s.app, Pages: s.pages})
	receivablesv1.RegisterOverdueMeetingServiceServer(r, &rpc.Meetings{App: s.app, FontFile: s.fontFile})
	receivablesv1.RegisterFeedServiceServer(r, &rpc.Feed{App: s.app})
	receivablesv1.RegisterOperationsServiceServer(r, &rpc.Operations{App: s.app})
}

// Run delivers to the other phases in the background, and forgets old requests, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tasks := []lifecycle.Task{
		{Name: "receivables positions", Run: s.positions.Run},
		{Name: "receivables settlements", Run: s.settlements.Run},
		{Name: "receivables violations", Run: s.violations.Run},
		{Name: "receivables letters", Run: s.letters.Run},
		{Name: "receivables requests", Run: s.keeper.Run},
		{Name: "receivables operations", Run: s.work.Run},
		{Name: "receivables collection", Run: s.collection.Run},
		{Name: "receivables moves", Run: s.moves.Run},
	}
	if s.warnings != nil {
		tasks = append(tasks, lifecycle.Task{Name: "receivables warnings", Run: s.warnings.Run})
	}
	if s.months != nil {
		tasks = append(tasks, lifecycle.Task{Name: "receivables monthly reports", Run: s.months.Run}, lifecycle.Task{Name: "receivables statements", Run: s.statements.Run})
	}
	return lifecycle.Run(ctx, s.log, tasks...)
}

// Close ends the phase after Run; the pool and the connections belong to their owner.
func (s *Service) Close() {}
