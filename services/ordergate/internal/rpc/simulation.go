package rpc

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/idem"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/simulate"
)

// LongRunning implements OperationService and PolicySimulationService.
type LongRunning struct {
	pb.UnsafeOperationServiceServer
	pb.UnsafePolicySimulationServiceServer
	Operations *app.Operations
}

var (
	_ pb.OperationServiceServer        = (*LongRunning)(nil)
	_ pb.PolicySimulationServiceServer = (*LongRunning)(nil)
)

// SimulateOrderPolicy implements the contract.
func (s *LongRunning) SimulateOrderPolicy(ctx context.Context, r *pb.SimulateOrderPolicyRequest) (*pb.SimulateOrderPolicyResponse, error) {
	from, err := parseDate("from_date", r.GetFromDate())
	if err != nil {
		return nil, err
	}
	to, err := parseDate("to_date", r.GetToDate())
	if err != nil {
		return nil, err
	}
	op, err := s.Operations.Simulate(ctx, caller(ctx), idem.FromProto(ctx, "SimulateOrderPolicy", r.GetRequestId(), r), simulate.Spec{Version: r.GetVersion(), From: from, To: to})
	if err != nil {
		return nil, err
	}
	return &pb.SimulateOrderPolicyResponse{Operation: operationOf(op)}, nil
}

// GetOperation implements the contract.
func (s *LongRunning) GetOperation(ctx context.Context, r *pb.GetOperationRequest) (*pb.GetOperationResponse, error) {
	op, err := s.Operations.Get(ctx, r.GetOperationId())
	if err != nil {
		return nil, err
	}
	return &pb.GetOperationResponse{Operation: operationOf(op)}, nil
}

// ListOperations implements the contract.
func (s *LongRunning) ListOperations(ctx context.Context, r *pb.ListOperationsRequest) (*pb.ListOperationsResponse, error) {
	page, err := s.Operations.List(ctx, word(r.GetState().String(), "OPERATION_STATE_", ""), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListOperationsResponse{NextPageToken: page.Next}
	for _, op := range page.Items {
		resp.Operations = append(resp.Operations, operationOf(op))
	}
	return resp, nil
}

// CancelOperation implements the contract.
func (s *LongRunning) CancelOperation(ctx context.Context, r *pb.CancelOperationRequest) (*pb.CancelOperationResponse, error) {
	op, err := s.Operations.Cancel(ctx, r.GetOperationId())
	if err != nil {
		return nil, err
	}
	return &pb.CancelOperationResponse{Operation: operationOf(op)}, nil
}

func operationOf(op app.Operation) *pb.Operation {
	out := &pb.Operation{
		OperationId: op.ID, Kind: op.Kind, State: enum[pb.OperationState](pb.OperationState_value, "OPERATION_STATE_", op.State),
		Done: op.Done, Total: op.Total, Attempts: int32(op.Attempts), CancelRequested: op.CancelRequested, CreatedBy: op.CreatedBy, //nolint:gosec // a few
		CreateTime: timestamppb.New(op.CreatedAt), StartTime: instantOf(op.StartedAt), EndTime: instantOf(op.EndedAt),
		ErrorReason: op.ErrorReason, ErrorMessage: op.ErrorMessage,
		Simulation: &pb.SimulationSpec{Version: op.Simulation.Version, FromDate: op.Simulation.From.String(), ToDate: op.Simulation.To.String()},
	}
	if op.Result != nil {
		out.SimulationResult = resultOf(op.Simulation, *op.Result)
	}
	return out
}

func instantOf(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

func resultOf(spec simulate.Spec, r simulate.Result) *pb.SimulationResult {
	out := &pb.SimulationResult{
		PolicyVersion: spec.Version, FromDate: spec.From.String(), ToDate: spec.To.String(), Accounts: r.Accounts,
		Decisions: r.Decisions, DecisionsChanged: r.DecisionsChanged, Orders: tallyOf(r.Orders),
		NewlyHeld: outcomeOf(r.NewlyHeld), NewlyPassed: outcomeOf(r.NewlyPassed), NotFollowed: r.NotFollowed,
	}
	for _, name := range slices.Sorted(maps.Keys(r.Rules)) {
		t := r.Rules[name]
		out.Rules = append(out.Rules, &pb.SimulationRule{
			Rule: name, Held: t.Held, WouldHold: t.WouldHold,
			NewlyHeldAmounts: sumsOf(t.NewlyHeldAmounts), NewlyPassedAmounts: sumsOf(t.NewlyPassedAmounts),
		})
	}
	for _, grade := range slices.Sorted(maps.Keys(r.Grades)) {
		out.Grades = append(out.Grades, &pb.SimulationGrade{Grade: grade, Orders: tallyOf(*r.Grades[grade])})
	}
	for _, c := range r.Changed {
		out.ChangedOrders = append(out.ChangedOrders, &pb.SimulationOrder{
			OrderId: c.OrderID, CustomerId: c.CustomerID, DecisionId: app.DecisionID(c.CustomerID, c.Seq), BusinessDate: c.BusinessDate.String(),
			Amount: minorOf(c.Minor, c.Currency), Grade: c.Grade, WouldHold: c.WouldHold, Rules: c.Rules,
			BecameOverdue: c.BecameOverdue, DaysOverdue: int32(c.DaysOverdue), Lost: c.Lost, //nolint:gosec // days
		})
	}
	return out
}

func sumsOf(a simulate.Amounts) []*typev1.Money { return amountsOf(a, a.Currencies()) }

func tallyOf(t simulate.Tally) *pb.SimulationTally {
	return &pb.SimulationTally{
		PassBoth: t.PassBoth, HeldBoth: t.HeldBoth, NewlyHeld: t.NewlyHeld, NewlyPassed: t.NewlyPassed,
		NewlyHeldAmounts: sumsOf(t.NewlyHeldAmounts), NewlyPassedAmounts: sumsOf(t.NewlyPassedAmounts), Amounts: sumsOf(t.All),
	}
}

func outcomeOf(x simulate.Outcome) *pb.SimulationOutcome {
	return &pb.SimulationOutcome{
		Orders: x.Orders, BecameOverdue: x.BecameOverdue, OverdueAmounts: sumsOf(x.OverdueAmounts), MaxDaysOverdue: int32(x.MaxDays), //nolint:gosec // days
		Lost: x.Lost, LostAmounts: sumsOf(x.LostAmounts),
	}
}
