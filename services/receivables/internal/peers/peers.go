// Package peers speaks the contracts of the other phases: it delivers positions to
// the gate and settlements to evaluation, and reads customer profiles.
package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/violation"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/charge"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

// SendPositions delivers positions to the gate.
func SendPositions(conn grpc.ClientConnInterface) delivery.Send {
	gate := ordergatev1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		req := &ordergatev1.ApplyPositionsRequest{}
		for _, e := range events {
			var p position.Position
			if err := json.Unmarshal(e.Payload, &p); err != nil {
				return 0, fmt.Errorf("position %d of %s: %w", e.Seq, e.CustomerID, err)
			}
			req.Positions = append(req.Positions, positionMessage(p))
		}
		resp, err := gate.ApplyPositions(ctx, req)
		return resp.GetLastSequence(), err
	}
}

// SendSettlements delivers settlements to evaluation.
func SendSettlements(conn grpc.ClientConnInterface) delivery.Send {
	evaluation := evaluationv1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		req := &evaluationv1.ApplySettlementsRequest{}
		for _, e := range events {
			var s position.Settlement
			if err := json.Unmarshal(e.Payload, &s); err != nil {
				return 0, fmt.Errorf("settlement %d of %s: %w", e.Seq, e.CustomerID, err)
			}
			req.Settlements = append(req.Settlements, &evaluationv1.Settlement{
				CustomerId: s.CustomerID, Sequence: s.Sequence, BusinessDate: s.Date.String(),
				InvoiceId: s.InvoiceID, Amount: moneyMessage(s.Amount), DueDate: s.DueDate.String(),
			})
		}
		resp, err := evaluation.ApplySettlements(ctx, req)
		return resp.GetLastSequence(), err
	}
}

func positionMessage(p position.Position) *receivablesv1.Position {
	out := &receivablesv1.Position{
		CustomerId: p.CustomerID, Sequence: p.Sequence, BusinessDate: p.BusinessDate.String(),
		Receivable: moneyMessage(p.Receivable), Unapplied: moneyMessage(p.Unapplied), Cause: p.Cause,
	}
	for _, d := range p.Ladder {
		out.Ladder = append(out.Ladder, &receivablesv1.DueAmount{DueDate: d.Date.String(), Amount: moneyMessage(d.Amount)})
	}
	for _, m := range p.Movements {
		out.Movements = append(out.Movements, &receivablesv1.Movement{OrderId: m.OrderID, InvoiceId: m.InvoiceID, Amount: moneyMessage(m.Amount)})
	}
	for _, m := range p.Merged {
		out.Merged = append(out.Merged, &receivablesv1.MergedPosition{CustomerId: m.CustomerID, LastSequence: m.LastSequence})
	}
	out.BankBill, out.CommercialBill, out.Deposit = heldMessage(p.BankBill), heldMessage(p.CommercialBill), heldMessage(p.Deposit)
	for _, d := range p.Disputed {
		out.Disputed = append(out.Disputed, &receivablesv1.DueAmount{DueDate: d.Date.String(), Amount: moneyMessage(d.Amount)})
	}
	out.BrokenPromises, out.DunningLevel = int32(p.Broken), int32(p.DunningLevel) //nolint:gosec // counts of one customer
	out.SupplyStopped = p.SupplyStopped
	if p.Broken > 0 {
		out.BrokenPromiseAmount, out.LastBrokenPromiseDate = moneyMessage(p.BrokenAmount), p.LastBroken.String()
	}
	for _, b := range p.Securities {
		out.Securities = append(out.Securities, &receivablesv1.HeldSecurity{
			SecurityId: b.ID, Kind: receivablesv1.SecurityKind(receivablesv1.SecurityKind_value["SECURITY_KIND_"+string(b.Kind)]),
			Worth: moneyMessage(b.Worth), ValidFromDate: b.From.String(), ValidUntilDate: b.Until.String(),
		})
	}
	for _, n := range p.Notices {
		out.PaymentNotices = append(out.PaymentNotices, &receivablesv1.NoticedPayment{
			PaymentNoticeId: n.NoticeID, OrderId: n.OrderID, Open: moneyMessage(n.Open), Received: moneyMessage(n.Received),
			Unapplied: moneyMessage(n.Unapplied), ExpectedDate: n.Expected.String(), LastDate: n.LastDay.String(),
		})
	}
	return out
}

// heldMessage leaves out what there is none of.
func heldMessage(m *money.Money) *typev1.Money {
	if m == nil {
		return nil
	}
	return moneyMessage(*m)
}

func moneyMessage(m money.Money) *typev1.Money {
	return &typev1.Money{CurrencyCode: m.Currency, Amount: m.String()}
}

// Evaluation reads customer profiles.
type Evaluation struct {
	client evaluationv1.FeedServiceClient
}

// NewEvaluation returns a reader on a connection.
func NewEvaluation(conn grpc.ClientConnInterface) *Evaluation {
	return &Evaluation{client: evaluationv1.NewFeedServiceClient(conn)}
}

// Profile implements app.Profiles.
func (e *Evaluation) Profile(ctx context.Context, customerID string) (app.Customer, error) {
	resp, err := e.client.GetCreditProfile(ctx, &evaluationv1.GetCreditProfileRequest{CustomerId: customerID})
	if err != nil {
		return app.Customer{}, err
	}
	return Customer(resp.GetProfile())
}

// Customer is what receivables keeps of a profile. Errors: Invalid DATE_INVALID.
func Customer(p *evaluationv1.CreditProfile) (app.Customer, error) {
	date, err := calendar.ParseDate(p.GetBusinessDate())
	if err != nil {
		return app.Customer{}, err
	}
	limit, err := limitOf(p.GetGrant(), date)
	if err != nil {
		return app.Customer{}, err
	}
	terms, err := settlementTerms(p.GetSettlementTerms())
	return app.Customer{
		ID: p.GetCustomerId(), Sequence: p.GetSequence(), BusinessDate: date, DisplayName: p.GetDisplayName(),
		Currency: p.GetCurrencyCode(), Salesperson: p.GetSalespersonId(), UnitID: p.GetUnitId(), Terms: terms,
		GroupID: p.GetGroupId(), Grade: grade(p.GetGrade()),
		Limit: limit, MergedIntoID: p.GetMergedIntoId(),
	}, err
}

// settlementTerms are the terms agreed with a customer; absent: none were. Errors: Invalid DATE_INVALID.
func settlementTerms(t *typev1.SettlementTerms) (*settlement.Terms, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // none were agreed, which is no error
	}
	out := &settlement.Terms{ClosingDay: int(t.GetClosingDay()), Months: int(t.GetClosingMonths()), Days: int(t.GetDays())}
	switch t.GetMethod() {
	case typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY:
		out.Method = settlement.Monthly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_QUARTERLY:
		out.Method = settlement.Quarterly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_YEARLY:
		out.Method = settlement.Yearly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_BASE_STOCK:
		out.Method = settlement.BaseStock
	case typev1.SettlementMethod_SETTLEMENT_METHOD_CONSIGNMENT:
		out.Method = settlement.Consignment
	default:
		out.Method = settlement.Rolling
	}
	if t.GetContractEndDate() == "" {
		return out, nil
	}
	var err error
	out.ContractEnd, err = calendar.ParseDate(t.GetContractEndDate())
	return out, err
}

// grade is A to D; empty: not rated.
func grade(g evaluationv1.Grade) string {
	if g == evaluationv1.Grade_GRADE_UNSPECIFIED {
		return ""
	}
	return strings.TrimPrefix(g.String(), "GRADE_")
}

// limitOf is the limit of a grant from a day on; a customer without one has no credit. Errors: Invalid DATE_INVALID and
// MONEY_INVALID.
func limitOf(g *evaluationv1.Grant, from calendar.Date) (*charge.Limit, error) {
	out := &charge.Limit{From: from}
	if g.GetLimit() == nil {
		return out, nil
	}
	out.Unlimited = g.GetLimit().GetUnlimited()
	if m := g.GetLimit().GetAmount(); m != nil {
		amount, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
		if err != nil {
			return nil, err
		}
		out.Amount, out.Currency = amount.Minor, amount.Currency
	}
	var err error
	if g.GetValidUntilDate() != "" {
		if out.Until, err = calendar.ParseDate(g.GetValidUntilDate()); err != nil {
			return nil, err
		}
	}
	for _, t := range g.GetTemporaryLimits() {
		amount, err := money.Parse(t.GetAmount().GetCurrencyCode(), t.GetAmount().GetAmount())
		if err != nil {
			return nil, err
		}
		temporary := charge.Temporary{Replace: t.GetMode() == evaluationv1.TemporaryLimitMode_TEMPORARY_LIMIT_MODE_REPLACE, Amount: amount.Minor}
		if temporary.From, err = calendar.ParseDate(t.GetFromDate()); err != nil {
			return nil, err
		}
		if temporary.Until, err = calendar.ParseDate(t.GetUntilDate()); err != nil {
			return nil, err
		}
		out.Temporary = append(out.Temporary, temporary)
	}
	return out, nil
}

// SendViolations delivers what the phase's register holds to evaluation, which shows all phases' in one list.
func SendViolations(conn grpc.ClientConnInterface) delivery.Send {
	evaluation := evaluationv1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		req := &evaluationv1.ApplyViolationsRequest{Phase: "receivables"}
		for _, e := range events {
			var v violation.Violation
			if err := json.Unmarshal(e.Payload, &v); err != nil {
				return 0, fmt.Errorf("violation %d: %w", e.Seq, err)
			}
			req.Violations = append(req.Violations, &evaluationv1.ToldViolation{Sequence: e.Seq, Violation: violationMessage(v)})
		}
		resp, err := evaluation.ApplyViolations(ctx, req)
		return resp.GetLastSequence(), err
	}
}

func violationMessage(v violation.Violation) *evaluationv1.Violation {
	return &evaluationv1.Violation{
		ViolationId: v.ID, Subject: v.Subject, Roles: v.Roles, Act: v.Act, ObjectKind: v.ObjectKind, ObjectId: v.ObjectID, CustomerId: v.CustomerID,
		ReasonCode: v.ReasonCode, Message: v.Message, BusinessDate: v.Date.String(), CreateTime: timestamppb.New(v.CreateTime), Evidence: v.Evidence,
		EvidenceHash: v.EvidenceHash, SupervisorRoles: v.SupervisorRoles,
		Kind: evaluationv1.ViolationKind(evaluationv1.ViolationKind_value["VIOLATION_KIND_"+string(v.Kind)]),
	}
}
