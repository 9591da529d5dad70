package evaluation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// plainTokens takes a token of the form "subject:ROLE,ROLE" for what it says.
type plainTokens struct{}

func (plainTokens) Verify(_ context.Context, token string) (authn.Principal, error) {
	subject, roles, ok := strings.Cut(token, ":")
	if !ok {
		return authn.Principal{}, errs.New(errs.Unauthenticated, "TOKEN_INVALID", "not a token")
	}
	return authn.Principal{Subject: subject, Roles: strings.Split(roles, ",")}, nil
}

// receivables is a receivables service that a test tells what to answer.
type receivables struct {
	receivablesv1.UnimplementedFeedServiceServer
	mu       sync.Mutex
	records  map[string]*receivablesv1.PaymentRecord
	down     bool
	away     bool
	volumes  map[string]map[string]string // by customer, by "first last day"
	asked    []string
	profiles map[string][]*evaluationv1.CreditProfile
}

func (r *receivables) GetPaymentRecord(_ context.Context, req *receivablesv1.GetPaymentRecordRequest) (*receivablesv1.GetPaymentRecordResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, req.GetAsOfDate())
	if r.away {
		return nil, errs.New(errs.Unavailable, "AWAY", "away")
	}
	if r.down {
		return nil, errs.New(errs.FailedPrecondition, "DOWN", "not now")
	}
	rec, ok := r.records[req.GetCustomerId()]
	if !ok {
		rec = &receivablesv1.PaymentRecord{CustomerId: req.GetCustomerId(), CurrencyCode: "CNY"}
	}
	return &receivablesv1.GetPaymentRecordResponse{Record: rec}, nil
}

// ListVolumes answers with the volumes that a test has set, of customers that it has set any for.
func (r *receivables) ListVolumes(_ context.Context, req *receivablesv1.ListVolumesRequest) (*receivablesv1.ListVolumesResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	res := &receivablesv1.ListVolumesResponse{}
	for _, id := range req.GetCustomerIds() {
		v := &receivablesv1.CustomerVolumes{CustomerId: id, CurrencyCode: "CNY"}
		for _, p := range req.GetPeriods() {
			if amount, ok := r.volumes[id][p.GetFromDate()+" "+p.GetToDate()]; ok {
				v.Amounts = append(v.Amounts, cny(amount))
			}
		}
		if len(v.GetAmounts()) > 0 {
			res.Volumes = append(res.Volumes, v)
		}
	}
	return res, nil
}

func (r *receivables) ApplyCustomers(_ context.Context, req *receivablesv1.ApplyCustomersRequest) (*receivablesv1.ApplyCustomersResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, err := take(r.profiles, req.GetProfiles())
	return &receivablesv1.ApplyCustomersResponse{LastSequence: last}, err
}

func (r *receivables) set(customerID string, rec *receivablesv1.PaymentRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.CustomerId, rec.CurrencyCode = customerID, "CNY"
	r.records[customerID] = rec
}

func (r *receivables) setAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

func (r *receivables) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// gate is an order gate that keeps the profiles it is sent.
type gate struct {
	ordergatev1.UnimplementedFeedServiceServer
	mu       sync.Mutex
	profiles map[string][]*evaluationv1.CreditProfile
}

func (g *gate) ApplyCreditProfiles(_ context.Context, req *ordergatev1.ApplyCreditProfilesRequest) (*ordergatev1.ApplyCreditProfilesResponse, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, err := take(g.profiles, req.GetProfiles())
	return &ordergatev1.ApplyCreditProfilesResponse{LastSequence: last}, err
}

func (g *gate) newest(customerID string) *evaluationv1.CreditProfile {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.profiles[customerID]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// take applies exactly the next profile and refuses a gap, as every receiver does.
func take(all map[string][]*evaluationv1.CreditProfile, sent []*evaluationv1.CreditProfile) (last int64, err error) {
	for _, p := range sent {
		last = int64(len(all[p.GetCustomerId()]))
		switch {
		case p.GetSequence() == last+1:
			all[p.GetCustomerId()] = append(all[p.GetCustomerId()], p)
			last++
		case p.GetSequence() > last+1:
			return last, errs.New(errs.FailedPrecondition, "SEQUENCE_GAP", "gap").With("expected", fmt.Sprint(last+1))
		}
	}
	return last, nil
}

// suite is the phase behind a real server, with fakes on both sides.
type suite struct {
	*testing.T
	pool        *pgxpool.Pool
	service     *evaluation.Service
	conn        *grpc.ClientConn
	receivables *receivables
	gate        *gate
	requests    int
	mu          sync.Mutex
}

const startDay = "2026-03-02"

func start(t *testing.T) *suite {
	t.Helper()
	files, err := postgres.Migrations()
	must(t, err)
	loc, err := calendar.Zone("Asia/Shanghai")
	must(t, err)
	clock := calendar.FixedClock(calendar.MustDate(startDay).Midnight(loc).Add(9*time.Hour), loc)
	s := &suite{
		T: t, pool: pgtest.New(t, evaluation.Schema, files),
		receivables: &receivables{records: map[string]*receivablesv1.PaymentRecord{}, profiles: map[string][]*evaluationv1.CreditProfile{}},
		gate:        &gate{profiles: map[string][]*evaluationv1.CreditProfile{}},
	}
	peer := serve(t, clock, func(r grpc.ServiceRegistrar) {
		receivablesv1.RegisterFeedServiceServer(r, s.receivables)
		ordergatev1.RegisterFeedServiceServer(r, s.gate)
	})
	s.service, err = evaluation.New(t.Context(), evaluation.Deps{
		Pool: s.pool, Clock: clock, Log: slog.New(slog.DiscardHandler), PageKey: []byte("0123456789abcdef0123456789abcdef"),
		OrderGate: peer, Receivables: peer,
	})
	must(t, err)
	s.conn = serve(t, clock, s.service.Register)
	return s
}

// serve runs a server until the test ends and returns a connection of a service to it.
func serve(t *testing.T, clock calendar.Clock, register func(grpc.ServiceRegistrar)) *grpc.ClientConn {
	t.Helper()
	server, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true, DrainDelay: -1},
		grpcserver.Deps{Verifier: plainTokens{}, Clock: clock})
	must(t, err)
	register(server.Registrar())
	addr, err := server.Listen()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	conn, err := grpcclient.Dial(t.Context(), addr.String(), grpcclient.Options{
		Token: func(context.Context) (string, error) { return "suite:SERVICE", nil },
	})
	must(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return conn
}

// as is a call by a person; on sets its business date.
func as(who string, on ...string) context.Context {
	pairs := []string{"authorization", "Bearer " + who}
	if len(on) > 0 {
		pairs = append(pairs, "aval-business-date", on[0])
	}
	return metadata.AppendToOutgoingContext(context.Background(), pairs...)
}

// The people of the tests.
const (
	seller     = "li:SALESPERSON"
	other      = "wu:SALESPERSON"
	supervisor = "sun:SALES_SUPERVISOR"
	manager    = "ma:SALES_MANAGER"
	clerk      = "fang:FINANCE_CLERK"
	analyst    = "an:CREDIT_ANALYST"
	credit     = "chen:CREDIT_MANAGER"
	boss       = "gao:GENERAL_MANAGER"
	director   = "qian:FINANCE_DIRECTOR"
	chairman   = "dong:CHAIRMAN"
	operator   = "ops:OPERATOR"
	erp        = "erp:ERP"
	auditor    = "bai:AUDITOR"
	program    = "suite:SERVICE"
)

// rid returns a new request id.
func (s *suite) rid() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return fmt.Sprintf("r-%d", s.requests)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused fails the test unless the error has the kind and the reason.
func refused(t testing.TB, err error, kind errs.Kind, reason string) {
	t.Helper()
	if errs.KindOf(err) != kind || errs.ReasonOf(err) != reason || err == nil {
		t.Fatalf("got %v, want %v %s", err, kind, reason)
	}
}

func field(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Violations) == 0 {
		return ""
	}
	return e.Violations[0].Field
}

func cny(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }

func (s *suite) customers() evaluationv1.CustomerServiceClient {
	return evaluationv1.NewCustomerServiceClient(s.conn)
}

func (s *suite) facts() evaluationv1.CreditFactServiceClient {
	return evaluationv1.NewCreditFactServiceClient(s.conn)
}

func (s *suite) ratings() evaluationv1.RatingServiceClient {
	return evaluationv1.NewRatingServiceClient(s.conn)
}

func (s *suite) applications() evaluationv1.CreditApplicationServiceClient {
	return evaluationv1.NewCreditApplicationServiceClient(s.conn)
}

func (s *suite) grants() evaluationv1.CreditGrantServiceClient {
	return evaluationv1.NewCreditGrantServiceClient(s.conn)
}

func (s *suite) delegations() evaluationv1.DelegationServiceClient {
	return evaluationv1.NewDelegationServiceClient(s.conn)
}

func (s *suite) withdrawals() evaluationv1.WithdrawalServiceClient {
	return evaluationv1.NewWithdrawalServiceClient(s.conn)
}

func (s *suite) violations() evaluationv1.ViolationServiceClient {
	return evaluationv1.NewViolationServiceClient(s.conn)
}

func (s *suite) feed() evaluationv1.FeedServiceClient {
	return evaluationv1.NewFeedServiceClient(s.conn)
}

func (s *suite) operations() evaluationv1.OperationsServiceClient {
	return evaluationv1.NewOperationsServiceClient(s.conn)
}

// customer creates a file of the seller.
func (s *suite) customer(id string) *evaluationv1.Customer {
	s.Helper()
	res, err := s.customers().CreateCustomer(as(seller), &evaluationv1.CreateCustomerRequest{
		RequestId: s.rid(), Customer: &evaluationv1.Customer{CustomerId: id, DisplayName: "Firm " + id, UsualPurchase: cny("100000")},
	})
	must(s, err)
	return res.GetCustomer()
}

// statement records a verified statement with the given liabilities of 100 assets.
func (s *suite) statement(customerID, liabilities string) {
	s.Helper()
	f, err := s.facts().RecordCreditFact(as(analyst), &evaluationv1.RecordCreditFactRequest{
		RequestId: s.rid(), CustomerId: customerID, Fact: &evaluationv1.CreditFact{
			Source: "annual report", AsOfDate: "2025-12-31", Content: &evaluationv1.CreditFact_FinancialStatement{
				FinancialStatement: &evaluationv1.FinancialStatement{
					PeriodStartDate: "2025-01-01", PeriodEndDate: "2025-12-31",
					TotalAssets: cny("100"), TotalLiabilities: cny(liabilities), NetProfit: cny("5"),
				},
			},
		},
	})
	must(s, err)
	_, err = s.facts().VerifyCreditFact(as(clerk), &evaluationv1.VerifyCreditFactRequest{
		RequestId: s.rid(), CustomerId: customerID, FactId: f.GetFact().GetFactId(),
	})
	must(s, err)
}

func (s *suite) rate(customerID string) *evaluationv1.RateCustomerResponse {
	s.Helper()
	res, err := s.ratings().RateCustomer(as(analyst), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: customerID})
	must(s, err)
	return res
}

// apply writes and submits an application and returns it.
func (s *suite) apply(customerID, limit string, days int32) *evaluationv1.CreditApplication {
	s.Helper()
	draft, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{
			CustomerId: customerID, RequestedLimit: cny(limit), RequestedTermDays: days,
		},
	})
	must(s, err)
	res, err := s.applications().SubmitCreditApplication(as(seller), &evaluationv1.SubmitCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: draft.GetApplication().GetApplicationId(),
	})
	must(s, err)
	return res.GetApplication()
}

func (s *suite) approve(who, applicationID string) (*evaluationv1.ApproveCreditApplicationResponse, error) {
	return s.applications().ApproveCreditApplication(as(who), &evaluationv1.ApproveCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: applicationID, Reason: "in order",
	})
}

// granted takes a customer of grade A through the whole form.
func (s *suite) granted(customerID string) *evaluationv1.Grant {
	s.Helper()
	s.customer(customerID)
	s.statement(customerID, "40")
	f := s.apply(customerID, "100000", 30)
	var last *evaluationv1.ApproveCreditApplicationResponse
	for _, who := range []string{clerk, supervisor, manager} {
		var err error
		last, err = s.approve(who, f.GetApplicationId())
		must(s, err)
	}
	return last.GetGrant()
}

func (s *suite) grant(customerID string) *evaluationv1.Grant {
	s.Helper()
	res, err := s.grants().GetGrant(as(credit), &evaluationv1.GetGrantRequest{CustomerId: customerID})
	must(s, err)
	return res.GetGrant()
}

func (s *suite) settle(customerID string, from, to int64) (int64, error) {
	req := &evaluationv1.ApplySettlementsRequest{}
	for n := from; n <= to; n++ {
		req.Settlements = append(req.Settlements, &evaluationv1.Settlement{
			CustomerId: customerID, Sequence: n, BusinessDate: startDay, InvoiceId: fmt.Sprintf("I-%d", n),
			Amount: cny("100"), DueDate: "2026-02-01",
		})
	}
	res, err := s.feed().ApplySettlements(as(program), req)
	return res.GetLastSequence(), err
}

// reviewer does the review job's work on a day.
func (s *suite) reviewer(day string) reviewsOn {
	return reviewsOn{app: s.service.App(), day: calendar.MustDate(day)}
}

type reviewsOn struct {
	app *app.App
	day calendar.Date
}

func (r reviewsOn) on(ctx context.Context) context.Context {
	ctx = authn.WithPrincipal(ctx, authn.Principal{Subject: "evaluation", Roles: []string{authn.RoleService}})
	return calendar.WithBusinessDate(ctx, r.day)
}

func (r reviewsOn) DueForReview(ctx context.Context, batch int) ([]string, error) {
	return r.app.DueForReview(r.on(ctx), batch)
}

func (r reviewsOn) Review(ctx context.Context, customerID string) error {
	return r.app.Review(r.on(ctx), customerID)
}
