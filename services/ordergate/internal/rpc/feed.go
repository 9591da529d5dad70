package rpc

import (
	"context"
	"fmt"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
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
		if err := s.groupPool(ctx, p, m.GetGrant().GetGroupPool()); err != nil {
			return nil, err
		}
	}
	return &pb.ApplyCreditProfilesResponse{LastSequence: last}, nil
}

// groupPool sets the limit of a group as an approved form of one of its members says. A profile that is sent again sets nothing again.
func (s *Feed) groupPool(ctx context.Context, p account.Profile, m *evaluationv1.GroupPool) error {
	if m == nil {
		return nil
	}
	v, err := parseMoney("profile.grant.group_pool.limit", m.GetLimit())
	if err != nil {
		return err
	}
	return s.Gate.ReceiveGroupPool(ctx, p.BusinessDate, gate.GroupForm{
		GroupID: m.GetGroupId(), Number: m.GetFormNumber(), Currency: v.Currency, Minor: v.Minor,
		Reason: "approved form CA-" + fmt.Sprintf("%06d", m.GetFormNumber()),
	})
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
		GroupID: m.GetGroupId(), UnitID: m.GetUnitId(), LifeCycle: word(m.GetLifeCycle().String(), "LIFE_CYCLE_", ""), Grade: word(m.GetGrade().String(), "GRADE_", ""),
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
	if err := addedTo(&g, m); err != nil {
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

// addedTo reads what a grant has beside its standing limit: temporary limits and security.
func addedTo(g *account.Grant, m *evaluationv1.Grant) error {
	for _, t := range m.GetTemporaryLimits() {
		v, err := parseMoney("profile.grant.temporary_limits.amount", t.GetAmount())
		if err != nil {
			return err
		}
		out := account.TemporaryLimit{Mode: account.TemporaryMode(word(t.GetMode().String(), "TEMPORARY_LIMIT_MODE_", "")), Minor: v.Minor}
		if out.Mode == account.Replace && v.Minor < 0 {
			return errs.Field("profile.grant.temporary_limits.amount", "NOT_NEGATIVE", "a limit is not below zero")
		}
		if out.From, err = parseDate("profile.grant.temporary_limits.from_date", t.GetFromDate()); err != nil {
			return err
		}
		if out.Until, err = parseDate("profile.grant.temporary_limits.until_date", t.GetUntilDate()); err != nil {
			return err
		}
		g.Temporary = append(g.Temporary, out)
	}
	if err := singleAdded(g, m); err != nil {
		return err
	}
	for _, c := range m.GetSecurityCovers() {
		v, err := parseMoney("profile.grant.security_covers.amount", c.GetAmount())
		if err != nil {
			return err
		}
		if v.Minor < 0 {
			return errs.Field("profile.grant.security_covers.amount", "NOT_NEGATIVE", "security is not below zero")
		}
		out := account.Cover{Reference: c.GetReference(), Minor: v.Minor}
		if out.ValidFrom, err = parseDate("profile.grant.security_covers.valid_from_date", c.GetValidFromDate()); err != nil {
			return err
		}
		if out.ValidUntil, err = parseDate("profile.grant.security_covers.valid_until_date", c.GetValidUntilDate()); err != nil {
			return err
		}
		g.Covers = append(g.Covers, out)
	}
	return nil
}

// singleAdded reads limits for a season, base stock, and credit for single orders.
func singleAdded(g *account.Grant, m *evaluationv1.Grant) error {
	for _, t := range m.GetSeasonalLimits() {
		v, err := parseMoney("profile.grant.seasonal_limits.amount", t.GetAmount())
		if err != nil {
			return err
		}
		mode := account.TemporaryMode(word(t.GetMode().String(), "TEMPORARY_LIMIT_MODE_", ""))
		if mode == account.Replace && v.Minor < 0 {
			return errs.Field("profile.grant.seasonal_limits.amount", "NOT_NEGATIVE", "a limit is not below zero")
		}
		g.Seasonal = append(g.Seasonal, account.SeasonalLimit{Mode: mode, Minor: v.Minor, From: t.GetFromMonthDay(), Until: t.GetUntilMonthDay()})
	}
	for _, b := range m.GetBaseStocks() {
		v, err := parseMoney("profile.grant.base_stocks.amount", b.GetAmount())
		if err != nil {
			return err
		}
		out := account.BaseStock{Minor: max(0, v.Minor)}
		if out.From, err = parseDate("profile.grant.base_stocks.from_date", b.GetFromDate()); err != nil {
			return err
		}
		if out.Until, err = parseDate("profile.grant.base_stocks.until_date", b.GetUntilDate()); err != nil {
			return err
		}
		g.BaseStocks = append(g.BaseStocks, out)
	}
	for _, o := range m.GetOrderLimits() {
		v, err := parseMoney("profile.grant.order_limits.amount", o.GetAmount())
		if err != nil {
			return err
		}
		until, err := parseDate("profile.grant.order_limits.until_date", o.GetUntilDate())
		if err != nil {
			return err
		}
		g.Orders = append(g.Orders, account.OrderLimit{OrderID: o.GetOrderId(), Minor: max(0, v.Minor), Until: until})
	}
	return nil
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
	if p.Ladder, err = parseLadder("position.ladder", m.GetLadder()); err != nil {
		return p, err
	}
	if p.Standing, err = parseStanding(m); err != nil {
		return p, err
	}
	for _, x := range m.GetMerged() {
		p.Merged = append(p.Merged, account.Merged{ID: x.GetCustomerId(), Seq: x.GetLastSequence()})
	}
	for _, x := range m.GetMovements() {
		v, err := parseMoney("position.movements.amount", x.GetAmount())
		if err != nil {
			return p, err
		}
		if x.GetOrderId() == "" {
			p.OtherBilled += v.Minor
		} else {
			p.Movements = append(p.Movements, account.Movement{OrderID: x.GetOrderId(), InvoiceID: x.GetInvoiceId(), Minor: v.Minor})
		}
	}
	return p, nil
}

func parseLadder(field string, rungs []*receivablesv1.DueAmount) (account.Ladder, error) {
	var l account.Ladder
	for _, d := range rungs {
		due, err := parseDate(field+".due_date", d.GetDueDate())
		if err != nil {
			return nil, err
		}
		v, err := parseMoney(field+".amount", d.GetAmount())
		if err != nil {
			return nil, err
		}
		l = append(l, account.Due{Date: due, Minor: v.Minor})
	}
	return l, nil
}

// parseStanding reads what a position says beside invoices and money; what is absent is none.
func parseStanding(m *receivablesv1.Position) (account.Standing, error) {
	s := account.Standing{
		BrokenPromises: int(m.GetBrokenPromises()), DunningLevel: int(m.GetDunningLevel()), OpenInvoices: int(m.GetOpenInvoices()),
		SupplyStopped: m.GetSupplyStopped(),
	}
	for _, x := range []struct {
		field string
		from  *typev1.Money
		into  *int64
	}{
		{"position.bank_bill", m.GetBankBill(), &s.BankBill},
		{"position.commercial_bill", m.GetCommercialBill(), &s.CommercialBill},
		{"position.base_stock", m.GetBaseStock(), &s.BaseStock},
		{"position.consignment", m.GetConsignment(), &s.Consignment},
		{"position.deposit", m.GetDeposit(), &s.Deposit},
		{"position.broken_promise_amount", m.GetBrokenPromiseAmount(), &s.BrokenAmount},
	} {
		if x.from == nil {
			continue
		}
		v, err := parseMoney(x.field, x.from)
		if err != nil {
			return s, err
		}
		if v.Currency != m.GetReceivable().GetCurrencyCode() || v.Minor < 0 {
			return s, errs.Field(x.field, "POSITION_AMOUNT", "an amount of a position is in its currency and not below zero")
		}
		*x.into = v.Minor
	}
	var err error
	if s.BrokenDate, err = parseDate("position.last_broken_promise_date", m.GetLastBrokenPromiseDate()); err != nil {
		return s, err
	}
	if s.Disputed, err = parseLadder("position.disputed", m.GetDisputed()); err != nil {
		return s, err
	}
	if s.Securities, err = parseSecurities(m); err != nil {
		return s, err
	}
	s.Notices, err = parseNotices(m)
	return s, err
}

func parseSecurities(m *receivablesv1.Position) ([]account.Security, error) {
	var out []account.Security
	for _, x := range m.GetSecurities() {
		v, err := parseMoney("position.securities.worth", x.GetWorth())
		if err != nil {
			return nil, err
		}
		if v.Minor < 0 {
			return nil, errs.Field("position.securities.worth", "NOT_NEGATIVE", "security is not below zero")
		}
		s := account.Security{ID: x.GetSecurityId(), Kind: securityKind(x.GetKind()), Currency: v.Currency, Minor: v.Minor}
		if s.From, err = parseDate("position.securities.valid_from_date", x.GetValidFromDate()); err != nil {
			return nil, err
		}
		if s.Until, err = parseDate("position.securities.valid_until_date", x.GetValidUntilDate()); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func securityKind(k receivablesv1.SecurityKind) string { return word(k.String(), "SECURITY_KIND_", "") }
