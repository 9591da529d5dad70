package receivables_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// neighbours are the gate and evaluation as far as receivables sees them: they keep
// what they are told, in the order in which it came.
type neighbours struct {
	ordergatev1.UnimplementedFeedServiceServer
	mu          sync.Mutex
	down        bool
	positions   map[string][]*receivablesv1.Position
	settlements map[string][]*evaluationv1.Settlement
	profiles    map[string]*evaluationv1.CreditProfile
	violations  []*evaluationv1.Violation
	asked       int
	order       []string // "position" or "settlement", as they came
}

func (n *neighbours) set(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fn()
}

func (n *neighbours) ApplyPositions(_ context.Context, req *ordergatev1.ApplyPositionsRequest) (*ordergatev1.ApplyPositionsResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil, errs.New(errs.Unavailable, "DOWN", "the gate is down")
	}
	id := req.GetPositions()[0].GetCustomerId()
	for _, p := range req.GetPositions() {
		if p.GetSequence() == int64(len(n.positions[id]))+1 {
			n.positions[id] = append(n.positions[id], p)
			n.order = append(n.order, "position")
		}
	}
	return &ordergatev1.ApplyPositionsResponse{LastSequence: int64(len(n.positions[id]))}, nil
}

// credit is evaluation's side: both contracts have a service named FeedService.
type credit struct {
	evaluationv1.UnimplementedFeedServiceServer
	*neighbours
}

func (c credit) GetCreditProfile(_ context.Context, req *evaluationv1.GetCreditProfileRequest) (*evaluationv1.GetCreditProfileResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	p, ok := c.profiles[req.GetCustomerId()]
	if !ok {
		return nil, errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "there is no such customer")
	}
	return &evaluationv1.GetCreditProfileResponse{Profile: p}, nil
}

func (c credit) ApplySettlements(_ context.Context, req *evaluationv1.ApplySettlementsRequest) (*evaluationv1.ApplySettlementsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := req.GetSettlements()[0].GetCustomerId()
	for _, s := range req.GetSettlements() {
		if s.GetSequence() == int64(len(c.settlements[id]))+1 {
			c.settlements[id] = append(c.settlements[id], s)
			c.order = append(c.order, "settlement")
		}
	}
	return &evaluationv1.ApplySettlementsResponse{LastSequence: int64(len(c.settlements[id]))}, nil
}

func (c credit) ApplyViolations(_ context.Context, req *evaluationv1.ApplyViolationsRequest) (*evaluationv1.ApplyViolationsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range req.GetViolations() {
		if v.GetSequence() == int64(len(c.violations))+1 {
			c.violations = append(c.violations, v.GetViolation())
		}
	}
	return &evaluationv1.ApplyViolationsResponse{LastSequence: int64(len(c.violations))}, nil
}

// world is the phase behind a real server, between its neighbours.
type world struct {
	*neighbours
	issuer   *authn.Issuer
	pool     *pgxpool.Pool
	service  *receivables.Service
	invoices receivablesv1.InvoiceServiceClient
	receipts receivablesv1.ReceiptServiceClient
	notices  receivablesv1.PaymentNoticeServiceClient
	bank     receivablesv1.BankServiceClient
	aging    receivablesv1.AgingServiceClient
	figures  receivablesv1.FiguresServiceClient
	reports  receivablesv1.ReceivablesReportServiceClient
	ledger   receivablesv1.LedgerServiceClient
	policies receivablesv1.ReceivablesPolicyServiceClient
	feed     receivablesv1.FeedServiceClient
	ops      receivablesv1.OperationsServiceClient
	conn     grpc.ClientConnInterface // for the other clients

	dunning    receivablesv1.DunningServiceClient
	collection receivablesv1.CollectionServiceClient
	memos      receivablesv1.CreditMemoServiceClient
	meetings   receivablesv1.OverdueMeetingServiceClient
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, func(*receivables.Deps) {})
}

// newWorldWith is a world of which something is different.
func newWorldWith(t *testing.T, change func(*receivables.Deps)) *world {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	n := &neighbours{
		positions: map[string][]*receivablesv1.Position{}, settlements: map[string][]*evaluationv1.Settlement{},
		profiles: map[string]*evaluationv1.CreditProfile{},
	}
	beside := serve(t, issuer, func(r grpc.ServiceRegistrar) {
		ordergatev1.RegisterFeedServiceServer(r, n)
		books{neighbours: n}.register(r)
		evaluationv1.RegisterFeedServiceServer(r, credit{neighbours: n})
	})
	pool, err := pg.Open(t.Context(), pg.Config{URL: pgtest.Database(t), Schema: receivables.Schema})
	must(t, err)
	t.Cleanup(pool.Close)
	deps := receivables.Deps{
		Pool: pool, Clock: calendar.SystemClock(time.UTC), Log: slog.New(slog.DiscardHandler), PageKey: []byte("k"),
		OrderGate: dial(t, beside, issuer.Source("receivables", authn.RoleService)), Evaluation: dial(t, beside, issuer.Source("receivables", authn.RoleService)),
	}
	change(&deps)
	service, err := receivables.New(t.Context(), deps)
	must(t, err)
	t.Cleanup(service.Close)
	conn := dial(t, serve(t, issuer, service.Register), nil)
	return &world{
		neighbours: n, issuer: issuer, pool: pool, service: service,
		invoices: receivablesv1.NewInvoiceServiceClient(conn), receipts: receivablesv1.NewReceiptServiceClient(conn),
		notices: receivablesv1.NewPaymentNoticeServiceClient(conn), bank: receivablesv1.NewBankServiceClient(conn),
		figures: receivablesv1.NewFiguresServiceClient(conn), reports: receivablesv1.NewReceivablesReportServiceClient(conn),
		aging: receivablesv1.NewAgingServiceClient(conn), ledger: receivablesv1.NewLedgerServiceClient(conn),
		policies: receivablesv1.NewReceivablesPolicyServiceClient(conn), feed: receivablesv1.NewFeedServiceClient(conn),
		ops: receivablesv1.NewOperationsServiceClient(conn), dunning: receivablesv1.NewDunningServiceClient(conn),
		collection: receivablesv1.NewCollectionServiceClient(conn), memos: receivablesv1.NewCreditMemoServiceClient(conn), meetings: receivablesv1.NewOverdueMeetingServiceClient(conn), conn: conn,
	}
}

// serve runs a server until the test ends and returns its address.
func serve(t *testing.T, issuer *authn.Issuer, register func(grpc.ServiceRegistrar)) string {
	t.Helper()
	s, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true, DrainDelay: -1}, grpcserver.Deps{Verifier: issuer})
	must(t, err)
	register(s.Registrar())
	addr, err := s.Listen()
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return addr.String()
}

func dial(t *testing.T, addr string, token authn.TokenSource) *grpc.ClientConn {
	t.Helper()
	conn, err := grpcclient.Dial(t.Context(), addr, grpcclient.Options{Token: token, ForwardBusinessDate: true})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as is a call on a business date by somebody with a role; the subject is the role's name.
func (w *world) as(t *testing.T, role, date string) context.Context {
	t.Helper()
	return w.by(t, role, role, date)
}

func (w *world) by(t *testing.T, subject, role, date string) context.Context {
	t.Helper()
	token, err := w.issuer.Token([]string{role}, subject, time.Hour)
	must(t, err)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	if date != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, grpcserver.BusinessDateHeader, date)
	}
	return ctx
}

func profile(id, salesperson string, sequence int64) *evaluationv1.CreditProfile {
	return &evaluationv1.CreditProfile{
		CustomerId: id, Sequence: sequence, BusinessDate: "2024-01-01", DisplayName: "Name of " + id, CurrencyCode: "CNY", SalespersonId: salesperson,
	}
}

func (w *world) deliver(t *testing.T, profiles ...*evaluationv1.CreditProfile) {
	t.Helper()
	for _, p := range profiles {
		_, err := w.feed.ApplyCustomers(w.as(t, authn.RoleService, ""), &receivablesv1.ApplyCustomersRequest{Profiles: []*evaluationv1.CreditProfile{p}})
		must(t, err)
	}
}

func cny(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }

func (w *world) post(t *testing.T, date string, i *receivablesv1.Invoice) *receivablesv1.Invoice {
	t.Helper()
	resp, err := w.invoices.PostInvoice(w.as(t, "ERP", date), &receivablesv1.PostInvoiceRequest{RequestId: "post " + i.GetInvoiceId(), Invoice: i})
	must(t, err)
	return resp.GetInvoice()
}

func (w *world) pay(t *testing.T, date string, r *receivablesv1.Receipt) *receivablesv1.Receipt {
	t.Helper()
	resp, err := w.receipts.PostReceipt(w.as(t, "FINANCE_CLERK", date), &receivablesv1.PostReceiptRequest{RequestId: "pay " + r.GetReceiptId(), Receipt: r})
	must(t, err)
	return resp.GetReceipt()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err error, kind errs.Kind, reason string) {
	t.Helper()
	_ = refusal(t, err, kind, reason)
}

// refusal is the error itself, for what else it must say.
func refusal(t *testing.T, err error, kind errs.Kind, reason string) *errs.Error {
	t.Helper()
	if errs.KindOf(err) != kind || errs.ReasonOf(err) != reason {
		t.Fatalf("error %v, want %s %s", err, kind, reason)
	}
	e, _ := errs.As(err)
	return e
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func names(e *errs.Error, field string) bool {
	return e.Meta["field"] == field || slices.ContainsFunc(e.Violations, func(v errs.Violation) bool { return v.Field == field })
}
