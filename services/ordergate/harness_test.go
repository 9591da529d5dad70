package ordergate_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is the gate behind a real server on a database of its own; callers set the business date of their calls.
type world struct {
	t         testing.TB
	issuer    *authn.Issuer
	pool      *pgxpool.Pool
	conn      *grpc.ClientConn
	orders    pb.OrderServiceClient
	accounts  pb.CreditAccountServiceClient
	policies  pb.OrderPolicyServiceClient
	feed      pb.FeedServiceClient
	ops       pb.OperationsServiceClient
	today     string
	requests  int
	profiles  map[string]int64 // newest sequence of each customer
	positions map[string]int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, absent{})
}

// newWorldWith is newWorld beside an evaluation.
func newWorldWith(t testing.TB, evaluation grpc.ClientConnInterface) *world {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	loc, err := calendar.Zone("Asia/Shanghai")
	must(t, err)
	clock := calendar.FixedClock(time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC), loc)
	log := slog.New(slog.DiscardHandler)
	w := &world{
		t: t, issuer: issuer, pool: pgtest.New(t, ordergate.Schema, ordergate.Migrations()), today: "2026-07-01",
		profiles: map[string]int64{}, positions: map[string]int64{},
	}
	service, err := ordergate.New(t.Context(), ordergate.Deps{Pool: w.pool, Clock: clock, Log: log, PageKey: []byte("test"), Evaluation: evaluation, Webhooks: ordergate.Webhooks{Development: true}})
	must(t, err)
	server, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true, DrainDelay: -1}, grpcserver.Deps{Log: log, Verifier: issuer, Clock: clock})
	must(t, err)
	service.Register(server.Registrar())
	addr, err := server.Listen()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- service.Run(ctx) }()
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	conn, err := grpcclient.Dial(t.Context(), addr.String(), grpcclient.Options{Timeout: time.Minute})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	w.conn = conn
	w.orders, w.accounts, w.policies = pb.NewOrderServiceClient(conn), pb.NewCreditAccountServiceClient(conn), pb.NewOrderPolicyServiceClient(conn)
	w.feed, w.ops = pb.NewFeedServiceClient(conn), pb.NewOperationsServiceClient(conn)
	return w
}

// absent stands for evaluation, which tells all customers by its feed.
type absent struct{}

func (absent) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "no such customer") // as grpcclient rebuilds it
}

func (absent) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no streams")
}

// as is the context of a call by a person with the roles, on the world's business date.
func (w *world) as(subject string, roles ...string) context.Context {
	w.t.Helper()
	token, err := w.issuer.Token(roles, subject, time.Hour)
	must(w.t, err)
	return metadata.AppendToOutgoingContext(w.t.Context(), "authorization", "Bearer "+token, grpcserver.BusinessDateHeader, w.today)
}

// request is a request id that was not used yet.
func (w *world) request() string {
	w.requests++
	return "r" + strconv.Itoa(w.requests)
}

// sign makes a policy of the company's own, in force from the beginning.
func (w *world) sign(p *pb.OrderPolicy) {
	w.t.Helper()
	today := w.today
	w.today = "1970-01-02"
	defer func() { w.today = today }()
	w.signToday(p)
}

// signToday makes a policy that is in force from the business date on.
func (w *world) signToday(p *pb.OrderPolicy) {
	w.t.Helper()
	v, err := w.policies.CreateOrderPolicy(w.as("writer", "CREDIT_MANAGER"), &pb.CreateOrderPolicyRequest{
		RequestId: w.request(), Source: &pb.CreateOrderPolicyRequest_Policy{Policy: p}})
	must(w.t, err)
	_, err = w.policies.SignOrderPolicy(w.as("signer", "GENERAL_MANAGER"), &pb.SignOrderPolicyRequest{RequestId: w.request(), Version: v.GetVersion().GetVersion()})
	must(w.t, err)
}

// grant tells the gate of a customer's grant, as evaluation does.
func (w *world) grant(customer, salesperson string, g *evaluationv1.Grant) error {
	return w.profile(&evaluationv1.CreditProfile{
		CustomerId: customer, CurrencyCode: "CNY", SalespersonId: salesperson, Grade: evaluationv1.Grade_GRADE_A, Grant: g,
	})
}

// profile tells the gate of a customer's profile; number, dates and name are filled in.
func (w *world) profile(p *evaluationv1.CreditProfile) error {
	customer, seq, g := p.GetCustomerId(), w.profiles[p.GetCustomerId()]+1, p.GetGrant()
	p.Sequence, p.BusinessDate, p.DisplayName = seq, w.today, customer
	g.CustomerId, g.Version = customer, seq
	if g.ValidFromDate == "" {
		g.ValidFromDate = "1970-01-01"
	}
	_, err := w.feed.ApplyCreditProfiles(w.as("evaluation", "SERVICE"), &pb.ApplyCreditProfilesRequest{Profiles: []*evaluationv1.CreditProfile{p}})
	if err == nil {
		w.profiles[customer] = seq
	}
	return err
}

// position tells the gate what a customer owes, as receivables does.
func (w *world) position(p *receivablesv1.Position) error {
	p.Sequence, p.BusinessDate = w.positions[p.GetCustomerId()]+1, w.today
	_, err := w.feed.ApplyPositions(w.as("receivables", "SERVICE"), &pb.ApplyPositionsRequest{Positions: []*receivablesv1.Position{p}})
	if err == nil {
		w.positions[p.GetCustomerId()] = p.GetSequence()
	}
	return err
}

// verified has the gate verify its chains, with every decision made again.
func (w *world) verified() {
	w.t.Helper()
	resp, err := w.ops.VerifyChains(w.as("auditor", "AUDITOR"), &pb.VerifyChainsRequest{})
	must(w.t, err)
	for _, b := range resp.GetBreaks() {
		w.t.Errorf("chain %s at %d: %s", b.GetChain(), b.GetSequence(), b.GetProblem())
	}
}

func (w *world) account(customer string) *pb.CreditAccount {
	w.t.Helper()
	resp, err := w.accounts.GetCreditAccount(w.as("auditor", "AUDITOR"), &pb.GetCreditAccountRequest{CustomerId: customer})
	must(w.t, err)
	return resp.GetAccount()
}

func cny(amount string) *typev1.Money {
	if amount == "" {
		amount = "0"
	}
	return &typev1.Money{CurrencyCode: "CNY", Amount: amount}
}

func limitOf(amount string) *evaluationv1.CreditLimit {
	return &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny(amount)}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
