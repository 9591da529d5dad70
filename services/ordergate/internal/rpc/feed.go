package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Feed implements FeedService.
type Feed struct {
	pb.UnsafeFeedServiceServer
	Gate *app.Gate
}

var _ pb.FeedServiceServer = (*Feed)(nil)

// ApplyCreditProfiles implements the contract.
func (s *Feed) ApplyCreditProfiles(ctx context.Context, r *pb.ApplyCreditProfilesRequest) (*pb.ApplyCreditProfilesResponse, error) {
	var last int64
	for i, m := range r.GetProfiles() {
		if m.GetCustomerId() != r.GetProfiles()[0].GetCustomerId() {
			return nil, oneCustomer("profiles", i)
		}
		p, err := ParseProfile(m)
		if err != nil {
			return nil, err
		}
		if last, err = s.Gate.ReceiveProfile(ctx, m.GetCustomerId(), p, false); err != nil {
			return nil, err
		}
	}
	return &pb.ApplyCreditProfilesResponse{LastSequence: last}, nil
}

// ApplyPositions implements the contract.
func (s *Feed) ApplyPositions(ctx context.Context, r *pb.ApplyPositionsRequest) (*pb.ApplyPositionsResponse, error) {
	var last int64
	for i, m := range r.GetPositions() {
		if m.GetCustomerId() != r.GetPositions()[0].GetCustomerId() {
			return nil, oneCustomer("positions", i)
		}
		p, err := parsePosition(m)
		if err != nil {
			return nil, err
		}
		if last, err = s.Gate.ReceivePosition(ctx, m.GetCustomerId(), p); err != nil {
			return nil, err
		}
	}
	return &pb.ApplyPositionsResponse{LastSequence: last}, nil
}

func oneCustomer(field string, i int) error {
	return errs.Field(field+"["+strconv.Itoa(i)+"].customer_id", "ONE_CUSTOMER", "a call carries events of one customer")
}

// ParseProfile reads a credit profile of evaluation.
func ParseProfile(m *evaluationv1.CreditProfile) (account.Profile, error) {
	date, err := parseDate("profile.business_date", m.GetBusinessDate())
	if err != nil {
		return account.Profile{}, err
	}
	p := account.Profile{
		Seq: m.GetSequence(), BusinessDate: date, Name: m.GetDisplayName(), Currency: m.GetCurrencyCode(), SalespersonID: m.GetSalespersonId(),
		GroupID: m.GetGroupId(), LifeCycle: word(m.GetLifeCycle().String(), "LIFE_CYCLE_", ""), Grade: word(m.GetGrade().String(), "GRADE_", ""),
		Grant: account.NoGrant(),
	}
	if m.GetGrant() != nil {
		p.Grant, err = parseGrant(m.GetGrant())
	}
	return p, err
}

func parseGrant(m *evaluationv1.Grant) (account.Grant, error) {
	g := account.Grant{
		Version: m.GetVersion(), Treatment: account.Treatment(word(m.GetTreatment().String(), "TREATMENT_", string(account.CashCustomer))),
		TermDays: int(m.GetTermDays()), GraceDays: int(m.GetGraceDays()), Limit: account.Limit{Kind: account.LimitUndefined},
	}
	var err error
	if g.ValidFrom, err = parseDate("profile.grant.valid_from_date", m.GetValidFromDate()); err != nil {
		return g, err
	}
	if g.ValidUntil, err = parseDate("profile.grant.valid_until_date", m.GetValidUntilDate()); err != nil {
		return g, err
	}
	switch k := m.GetLimit().GetKind().(type) {
	case *evaluationv1.CreditLimit_Amount:
		v, err := parseMoney("profile.grant.limit.amount", k.Amount)
		if err != nil {
			return g, err
		}
		g.Limit = account.Limit{Kind: account.LimitAmount, Minor: v.Minor}
	case *evaluationv1.CreditLimit_Unlimited:
		if k.Unlimited {
			g.Limit = account.Limit{Kind: account.LimitUnlimited}
		}
	}
	return g, nil
}

func parsePosition(m *receivablesv1.Position) (account.Position, error) {
	date, err := parseDate("position.business_date", m.GetBusinessDate())
	if err != nil {
		return account.Position{}, err
	}
	open, err := parseMoney("position.receivable", m.GetReceivable())
	if err != nil {
		return account.Position{}, err
	}
	unapplied, err := parseMoney("position.unapplied", m.GetUnapplied())
	if err != nil {
		return account.Position{}, err
	}
	p := account.Position{Seq: m.GetSequence(), BusinessDate: date, Currency: open.Currency, Receivable: open.Minor, Unapplied: unapplied.Minor, Cause: m.GetCause()}
	for _, d := range m.GetLadder() {
		due, err := parseDate("position.ladder.due_date", d.GetDueDate())
		if err != nil {
			return p, err
		}
		v, err := parseMoney("position.ladder.amount", d.GetAmount())
		if err != nil {
			return p, err
		}
		p.Ladder = append(p.Ladder, account.Due{Date: due, Minor: v.Minor})
	}
	for _, x := range m.GetMovements() {
		v, err := parseMoney("position.movements.amount", x.GetAmount())
		if err != nil {
			return p, err
		}
		if x.GetOrderId() != "" {
			p.Movements = append(p.Movements, account.Movement{OrderID: x.GetOrderId(), InvoiceID: x.GetInvoiceId(), Minor: v.Minor})
		}
	}
	return p, nil
}
