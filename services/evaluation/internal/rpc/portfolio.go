package rpc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/sheet"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/app/portfoliofile"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// PortfolioRuns serves runs over all customers.
type PortfolioRuns struct {
	evaluationv1.UnsafePortfolioRunServiceServer
	Portfolio *app.Portfolio
}

var _ evaluationv1.PortfolioRunServiceServer = PortfolioRuns{}

// SimulateEvaluationPolicy implements the contract.
func (s PortfolioRuns) SimulateEvaluationPolicy(ctx context.Context, req *evaluationv1.SimulateEvaluationPolicyRequest) (*evaluationv1.SimulateEvaluationPolicyResponse, error) {
	r := request(ctx, evaluationv1.PortfolioRunService_SimulateEvaluationPolicy_FullMethodName, req.GetRequestId(), req)
	run, err := s.Portfolio.Simulate(ctx, r, req.GetVersion(), req.GetAskAnew())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.SimulateEvaluationPolicyResponse{PortfolioRun: portfolioRunOut(run)}, nil
}

// RerateCustomers implements the contract.
func (s PortfolioRuns) RerateCustomers(ctx context.Context, req *evaluationv1.RerateCustomersRequest) (*evaluationv1.RerateCustomersResponse, error) {
	r := request(ctx, evaluationv1.PortfolioRunService_RerateCustomers_FullMethodName, req.GetRequestId(), req)
	run, err := s.Portfolio.Rerate(ctx, r)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.RerateCustomersResponse{PortfolioRun: portfolioRunOut(run)}, nil
}

// GetPortfolioRun implements the contract.
func (s PortfolioRuns) GetPortfolioRun(ctx context.Context, req *evaluationv1.GetPortfolioRunRequest) (*evaluationv1.GetPortfolioRunResponse, error) {
	run, err := s.Portfolio.Run(ctx, req.GetPortfolioRunId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetPortfolioRunResponse{PortfolioRun: portfolioRunOut(run)}, nil
}

// ListPortfolioRuns implements the contract.
func (s PortfolioRuns) ListPortfolioRuns(ctx context.Context, req *evaluationv1.ListPortfolioRunsRequest) (*evaluationv1.ListPortfolioRunsResponse, error) {
	state := name(req.GetState(), evaluationv1.PortfolioRunState_name, "PORTFOLIO_RUN_STATE_")
	runs, next, err := s.Portfolio.Runs(ctx, state, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListPortfolioRunsResponse{NextPageToken: next}
	for _, run := range runs {
		res.PortfolioRuns = append(res.PortfolioRuns, portfolioRunOut(run))
	}
	return res, nil
}

// CancelPortfolioRun implements the contract.
func (s PortfolioRuns) CancelPortfolioRun(ctx context.Context, req *evaluationv1.CancelPortfolioRunRequest) (*evaluationv1.CancelPortfolioRunResponse, error) {
	run, err := s.Portfolio.Cancel(ctx, req.GetPortfolioRunId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.CancelPortfolioRunResponse{PortfolioRun: portfolioRunOut(run)}, nil
}

// ListPortfolioRunCustomers implements the contract.
func (s PortfolioRuns) ListPortfolioRunCustomers(ctx context.Context, req *evaluationv1.ListPortfolioRunCustomersRequest) (*evaluationv1.ListPortfolioRunCustomersResponse, error) {
	rows, next, err := s.Portfolio.Rows(ctx, app.PortfolioRowList{
		RunID: req.GetPortfolioRunId(), Salesperson: req.GetSalespersonId(), Size: req.GetPageSize(), Token: req.GetPageToken(),
		Move: portfolio.Move(name(req.GetMove(), evaluationv1.PortfolioMove_name, "PORTFOLIO_MOVE_")),
	})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.ListPortfolioRunCustomersResponse{Customers: portfolioCustomersOut(rows), NextPageToken: next}, nil
}

// DownloadPortfolioRun implements the contract.
func (s PortfolioRuns) DownloadPortfolioRun(ctx context.Context, req *evaluationv1.DownloadPortfolioRunRequest) (*httpbody.HttpBody, error) {
	run, err := s.Portfolio.Run(ctx, req.GetPortfolioRunId())
	if err != nil {
		return nil, err
	}
	if run.Result == nil {
		return nil, errs.New(errs.FailedPrecondition, "PORTFOLIO_RUN_NOT_DONE", "run %s has no result: it is %s", run.ID, run.State).With("state", run.State)
	}
	data, err := portfoliofile.XLSX(run.Spec, *run.Result, req.GetLanguage() == evaluationv1.PortfolioLanguage_PORTFOLIO_LANGUAGE_EN)
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the file could not be made").WithCause(err)
	}
	return download(ctx, fmt.Sprintf("aval-portfolio-%d-%s.xlsx", run.Spec.Version, run.Spec.Date), data)
}

// disposition is the header that tells a browser to save what comes; the gateway passes it on.
const disposition = "content-disposition"

// download answers with a spreadsheet. The name is made of numbers, dates and fixed words, so that it needs no quoting.
func download(ctx context.Context, name string, data []byte) (*httpbody.HttpBody, error) {
	if err := grpc.SetHeader(ctx, metadata.Pairs(disposition, `attachment; filename="`+name+`"`)); err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: sheet.ContentType, Data: data}, nil
}

func portfolioRunOut(run app.PortfolioRun) *evaluationv1.PortfolioRun {
	m := &evaluationv1.PortfolioRun{
		PortfolioRunId: run.ID, PolicyVersion: run.Spec.Version, DryRun: run.Spec.DryRun, BusinessDate: run.Spec.Date.String(),
		State: number[evaluationv1.PortfolioRunState](run.State, evaluationv1.PortfolioRunState_value, "PORTFOLIO_RUN_STATE_"),
		Done:  run.Done, Total: run.Total, Attempts: int32(run.Attempts), CancelRequested: run.CancelRequested, CreatedBy: run.CreatedBy, //nolint:gosec // a few
		CreateTime: timeOf(run.CreatedAt), StartTime: instantOf(run.StartedAt), EndTime: instantOf(run.EndedAt),
		ErrorReason: run.ErrorReason, ErrorMessage: run.ErrorMessage,
	}
	if run.Result != nil {
		m.Result = portfolioResultOut(*run.Result)
	}
	return m
}

func instantOf(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timeOf(*t)
}

func portfolioResultOut(r portfolio.Result) *evaluationv1.PortfolioResult {
	m := &evaluationv1.PortfolioResult{
		Customers: r.Customers, Failed: r.Failed, MovedDown: r.MovedDown, MovedUp: r.MovedUp, Tightened: r.Tightened, CreditLost: r.CreditLost,
		Unchanged: r.Unchanged, LimitsBefore: sumsOut(r.Before), LimitsAfter: sumsOut(r.After), RecommendedLimits: sumsOut(r.Recommended),
		Salespeople: talliesOut(r.Salespeople), Units: talliesOut(r.Units), Groups: talliesOut(r.Groups), MostAffected: portfolioCustomersOut(r.MostAffected),
	}
	for _, c := range r.Migration {
		m.Migration = append(m.Migration, &evaluationv1.MigrationCell{
			FromGrade: gradeOut(c.From), ToGrade: gradeOut(c.To), Customers: c.Customers, LimitsBefore: sumsOut(c.Before), LimitsAfter: sumsOut(c.After),
		})
	}
	return m
}

func talliesOut(all []portfolio.Tally) []*evaluationv1.PortfolioTally {
	out := make([]*evaluationv1.PortfolioTally, len(all))
	for i, t := range all {
		out[i] = &evaluationv1.PortfolioTally{
			Id: t.ID, Customers: t.Customers, MovedDown: t.MovedDown, MovedUp: t.MovedUp, CreditLost: t.CreditLost,
			LimitsBefore: sumsOut(t.Before), LimitsAfter: sumsOut(t.After),
		}
	}
	return out
}

func portfolioCustomersOut(rows []portfolio.Row) []*evaluationv1.PortfolioCustomer {
	out := make([]*evaluationv1.PortfolioCustomer, len(rows))
	for i, r := range rows {
		out[i] = &evaluationv1.PortfolioCustomer{
			CustomerId: r.CustomerID, SalespersonId: r.Salesperson, UnitId: r.Unit, GroupId: r.Group,
			GradeBefore: gradeOut(r.GradeBefore), GradeAfter: gradeOut(r.GradeAfter),
			TreatmentBefore: treatmentOut(r.TreatmentBefore), TreatmentAfter: treatmentOut(r.TreatmentAfter),
			LimitBefore: minorOut(r.LimitBefore, r.Currency), LimitAfter: minorOut(r.LimitAfter, r.Currency),
			UnlimitedBefore: r.UnlimitedBefore, UnlimitedAfter: r.UnlimitedAfter, RecommendedLimit: minorOut(r.Recommended, r.Currency),
			TermDaysBefore: int32(r.TermBefore), TermDaysAfter: int32(r.TermAfter), Deciding: r.Deciding, //nolint:gosec // days
			RatingId: r.RatingID, Unchanged: r.Unchanged, Problem: r.Problem,
		}
	}
	return out
}

// minorOut is an amount of minor units; nil: none.
func minorOut(minor *int64, currency string) *typev1.Money {
	if minor == nil {
		return nil
	}
	m := money.New(*minor, currency)
	return moneyOf(&m)
}

// sumsOut are sums, one for each currency.
func sumsOut(byCurrency map[string]int64) []*typev1.Money {
	var out []*typev1.Money
	for _, c := range slices.Sorted(maps.Keys(byCurrency)) {
		minor := byCurrency[c]
		out = append(out, minorOut(&minor, c))
	}
	return out
}
