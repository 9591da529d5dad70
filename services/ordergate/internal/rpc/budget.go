package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Budgets implements BudgetService.
type Budgets struct {
	pb.UnsafeBudgetServiceServer
	Gate    *app.Gate
	Queries *app.Queries
}

var _ pb.BudgetServiceServer = (*Budgets)(nil)

func planned(field string, m *typev1.Money) (money.Money, error) {
	v, err := parseMoney(field, m)
	if err == nil && v.Minor < 0 {
		err = errs.Field(field, "NOT_NEGATIVE", "must not be below zero")
	}
	return v, err
}

// PlanBudget implements the contract.
func (s *Budgets) PlanBudget(ctx context.Context, r *pb.PlanBudgetRequest) (*pb.PlanBudgetResponse, error) {
	amount, err := planned("amount", r.GetAmount())
	if err != nil {
		return nil, err
	}
	from, until, err := period(r.GetFromDate(), r.GetUntilDate())
	if err != nil {
		return nil, err
	}
	a, err := s.Gate.PlanBudget(ctx, caller(ctx), request("PlanBudget", r.GetRequestId(), r), account.Plan{
		ID: r.GetBudgetId(), Currency: amount.Currency, UnitID: r.GetUnitId(), Salesperson: r.GetSalespersonId(), From: from, Until: until, Reason: r.GetReason(),
	}, amount.Minor)
	if err != nil {
		return nil, err
	}
	return &pb.PlanBudgetResponse{Budget: budgetOf(poolOf(a))}, nil
}

func period(first, last string) (from, until calendar.Date, err error) {
	if from, err = parseDate("from_date", first); err != nil {
		return from, until, err
	}
	if until, err = parseDate("until_date", last); err != nil {
		return from, until, err
	}
	if !until.IsZero() && until.Before(from) {
		return from, until, errs.Field("until_date", "PERIOD_INVALID", "the last day is before the first")
	}
	return from, until, nil
}

// ReviseBudget implements the contract.
func (s *Budgets) ReviseBudget(ctx context.Context, r *pb.ReviseBudgetRequest) (*pb.ReviseBudgetResponse, error) {
	amount, err := planned("amount", r.GetAmount())
	if err != nil {
		return nil, err
	}
	a, err := s.Gate.ReviseBudget(ctx, caller(ctx), request("ReviseBudget", r.GetRequestId(), r), r.GetBudgetId(), amount, r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.ReviseBudgetResponse{Budget: budgetOf(poolOf(a))}, nil
}

// ApproveBudget implements the contract.
func (s *Budgets) ApproveBudget(ctx context.Context, r *pb.ApproveBudgetRequest) (*pb.ApproveBudgetResponse, error) {
	a, err := s.Gate.DecideBudget(ctx, caller(ctx), request("ApproveBudget", r.GetRequestId(), r), r.GetBudgetId(), true, r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.ApproveBudgetResponse{Budget: budgetOf(poolOf(a))}, nil
}

// RejectBudget implements the contract.
func (s *Budgets) RejectBudget(ctx context.Context, r *pb.RejectBudgetRequest) (*pb.RejectBudgetResponse, error) {
	a, err := s.Gate.DecideBudget(ctx, caller(ctx), request("RejectBudget", r.GetRequestId(), r), r.GetBudgetId(), false, r.GetReason())
	if err != nil {
		return nil, err
	}
	return &pb.RejectBudgetResponse{Budget: budgetOf(poolOf(a))}, nil
}

// GetBudget implements the contract.
func (s *Budgets) GetBudget(ctx context.Context, r *pb.GetBudgetRequest) (*pb.GetBudgetResponse, error) {
	a, err := s.Queries.Budget(ctx, r.GetBudgetId())
	if err != nil {
		return nil, err
	}
	return &pb.GetBudgetResponse{Budget: budgetOf(a)}, nil
}

// ListBudgets implements the contract.
func (s *Budgets) ListBudgets(ctx context.Context, r *pb.ListBudgetsRequest) (*pb.ListBudgetsResponse, error) {
	from, until, err := period(r.GetFromDate(), r.GetUntilDate())
	if err != nil {
		return nil, err
	}
	page, err := s.Queries.Budgets(ctx, app.BudgetFilter{UnitID: r.GetUnitId(), Salesperson: r.GetSalespersonId(), From: from, Until: until}, r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListBudgetsResponse{NextPageToken: page.Next}
	for _, a := range page.Items {
		resp.Budgets = append(resp.Budgets, budgetOf(a))
	}
	return resp, nil
}

// ReportBudgets implements the contract.
func (s *Budgets) ReportBudgets(ctx context.Context, r *pb.ReportBudgetsRequest) (*pb.ReportBudgetsResponse, error) {
	from, until, err := period(r.GetFromDate(), r.GetUntilDate())
	if err != nil {
		return nil, err
	}
	rep, err := s.Queries.BudgetReport(ctx, app.BudgetFilter{UnitID: r.GetUnitId(), Salesperson: r.GetSalespersonId(), From: from, Until: until})
	if err != nil {
		return nil, err
	}
	resp := &pb.ReportBudgetsResponse{}
	for _, a := range rep.Rows {
		resp.Rows = append(resp.Rows, budgetOf(a))
	}
	for _, t := range rep.Totals {
		resp.Totals = append(resp.Totals, &pb.BudgetTotal{
			Level: levelOf(t.Level), Planned: minorOf(t.Planned, t.Currency), Committed: minorOf(t.Committed, t.Currency),
			Actual: minorOf(t.Actual, t.Currency), Remaining: minorOf(t.Planned-t.Committed-t.Actual, t.Currency),
		})
	}
	return resp, nil
}

func levelOf(l app.BudgetLevel) pb.BudgetLevel {
	return enum[pb.BudgetLevel](pb.BudgetLevel_value, "BUDGET_LEVEL_", string(l))
}

func budgetOf(a account.Account) *pb.Budget {
	p, b := a.Plan, a.Buckets
	out := &pb.Budget{
		BudgetId: p.ID, UnitId: p.UnitID, SalespersonId: p.Salesperson, FromDate: p.From.String(), UntilDate: p.Until.String(), CurrencyCode: p.Currency,
		Committed: minorOf(b.Order+b.Delivery, p.Currency), Actual: minorOf(b.Receivable, p.Currency),
		HeldOrders: int32(a.Held), Version: p.Version, Level: levelOf(app.LevelOf(*p)), //nolint:gosec // orders on hold
	}
	if p.Limit.Kind == account.LimitAmount {
		out.Planned, out.Remaining = minorOf(p.Limit.Minor, p.Currency), minorOf(p.Limit.Minor-b.Order-b.Delivery-b.Receivable, p.Currency)
		out.ApprovedBy, out.Reason = p.SetBy, p.Reason
	}
	if x := p.Proposal; x != nil {
		out.Proposal = &pb.BudgetProposal{Amount: minorOf(x.Minor, p.Currency), ProposedBy: x.By, Reason: x.Reason, BusinessDate: x.Date.String()}
	}
	return out
}
