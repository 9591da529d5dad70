package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// Facts serves credit information.
type Facts struct {
	evaluationv1.UnsafeCreditFactServiceServer
	App *app.App
}

var _ evaluationv1.CreditFactServiceServer = Facts{}

// RecordCreditFact implements the contract.
func (s Facts) RecordCreditFact(ctx context.Context, req *evaluationv1.RecordCreditFactRequest) (*evaluationv1.RecordCreditFactResponse, error) {
	if id := req.GetFact().GetCustomerId(); id != "" && id != req.GetCustomerId() {
		return nil, errs.Field("fact.customer_id", "same_customer", "is not the customer of the request")
	}
	f, err := factIn(req.GetFact())
	if err != nil {
		return nil, err
	}
	f.CustomerID = req.GetCustomerId()
	if f.ID == "" {
		f.ID = generatedID("F-", req.GetRequestId())
	}
	r := request(ctx, evaluationv1.CreditFactService_RecordCreditFact_FullMethodName, req.GetRequestId(), req)
	if f, err = s.App.RecordFact(ctx, r, f); err != nil {
		return nil, err
	}
	return &evaluationv1.RecordCreditFactResponse{Fact: factOut(f)}, nil
}

// VerifyCreditFact implements the contract.
func (s Facts) VerifyCreditFact(ctx context.Context, req *evaluationv1.VerifyCreditFactRequest) (*evaluationv1.VerifyCreditFactResponse, error) {
	r := request(ctx, evaluationv1.CreditFactService_VerifyCreditFact_FullMethodName, req.GetRequestId(), req)
	f, err := s.App.VerifyFact(ctx, r, req.GetCustomerId(), req.GetFactId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.VerifyCreditFactResponse{Fact: factOut(f)}, nil
}

// ListCreditFacts implements the contract.
func (s Facts) ListCreditFacts(ctx context.Context, req *evaluationv1.ListCreditFactsRequest) (*evaluationv1.ListCreditFactsResponse, error) {
	var r reader
	known := r.date("known_on_date", req.GetKnownOnDate())
	valid := r.date("valid_on_date", req.GetValidOnDate())
	if err := r.err(); err != nil {
		return nil, err
	}
	found, next, err := s.App.Facts(ctx, app.FactList{
		Query: app.FactQuery{CustomerID: req.GetCustomerId(), KnownOn: known, ValidOn: valid, Kind: factKindIn(req.GetKind())},
		Size:  req.GetPageSize(), Token: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListCreditFactsResponse{NextPageToken: next}
	for _, f := range found {
		res.Facts = append(res.Facts, factOut(f))
	}
	return res, nil
}

func factIn(m *evaluationv1.CreditFact) (fact.Fact, error) {
	var r reader
	f := fact.Fact{
		ID: m.GetFactId(), Source: m.GetSource(),
		AsOf:       r.date("fact.as_of_date", m.GetAsOfDate()),
		ValidUntil: r.date("fact.valid_until_date", m.GetValidUntilDate()),
		Supersedes: m.GetSupersedesFactId(), AttachmentSHA256: m.GetAttachmentSha256(),
	}
	switch c := m.GetContent().(type) {
	case *evaluationv1.CreditFact_FinancialStatement:
		f.Content.Statement = statementIn(&r, c.FinancialStatement)
	case *evaluationv1.CreditFact_Litigation:
		l := c.Litigation
		f.Content.Litigation = &fact.Litigation{
			Plaintiff: l.GetPlaintiff(), Amount: r.money("fact.litigation.amount", l.GetAmount()),
			FilingDate: r.date("fact.litigation.filing_date", l.GetFilingDate()), Open: l.GetOpen(), CaseNumber: l.GetCaseNumber(),
		}
	case *evaluationv1.CreditFact_RiskyVenture:
		v := c.RiskyVenture
		f.Content.Venture = &fact.Venture{
			Description: v.GetDescription(), CommittedCapital: r.money("fact.risky_venture.committed_capital", v.GetCommittedCapital()),
			ShareOfAssets: v.GetShareOfAssets(),
		}
	case *evaluationv1.CreditFact_TradeReference:
		t := c.TradeReference
		f.Content.Reference = &fact.Reference{
			Referee: t.GetReferee(), PaysAsAgreed: t.GetPaysAsAgreed(),
			HighestCredit:   r.money("fact.trade_reference.highest_credit", t.GetHighestCredit()),
			AverageDaysLate: int(t.GetAverageDaysLate()),
		}
	case *evaluationv1.CreditFact_ExternalRating:
		f.Content.ExternalRating = &fact.ExternalRating{Agency: c.ExternalRating.GetAgency(), Rating: c.ExternalRating.GetRating()}
	case *evaluationv1.CreditFact_ReportedRatios:
		f.Content.Ratios = ratiosIn(c.ReportedRatios)
	case *evaluationv1.CreditFact_Guarantee:
		g := c.Guarantee
		f.Content.Guarantee = &fact.Guarantee{
			Guarantor: g.GetGuarantor(), Amount: r.money("fact.guarantee.amount", g.GetAmount()),
			ExpiryDate: r.date("fact.guarantee.expiry_date", g.GetExpiryDate()),
		}
	case *evaluationv1.CreditFact_EnforcementRecord:
		f.Content.Enforcement = enforcementIn(&r, c.EnforcementRecord)
	case *evaluationv1.CreditFact_CreditReport:
		f.Content.Report = reportIn(&r, c.CreditReport)
	case *evaluationv1.CreditFact_BankReference:
		f.Content.Bank = bankIn(&r, c.BankReference)
	case *evaluationv1.CreditFact_SiteVisit:
		v := c.SiteVisit
		f.Content.Visit = &fact.Visit{Visitors: v.GetVisitors(), Place: v.GetPlace(), Operating: v.GetOperating(), Findings: v.GetFindings()}
	}
	return f, r.err()
}

func statementIn(r *reader, m *evaluationv1.FinancialStatement) *fact.Statement {
	const at = "fact.financial_statement."
	return &fact.Statement{
		PeriodStart: r.date(at+"period_start_date", m.GetPeriodStartDate()),
		PeriodEnd:   r.date(at+"period_end_date", m.GetPeriodEndDate()), Audited: m.GetAudited(),
		TotalAssets:        r.money(at+"total_assets", m.GetTotalAssets()),
		TotalLiabilities:   r.money(at+"total_liabilities", m.GetTotalLiabilities()),
		CurrentAssets:      r.money(at+"current_assets", m.GetCurrentAssets()),
		CurrentLiabilities: r.money(at+"current_liabilities", m.GetCurrentLiabilities()),
		Revenue:            r.money(at+"revenue", m.GetRevenue()),
		OperatingProfit:    r.money(at+"operating_profit", m.GetOperatingProfit()),
		NetProfit:          r.money(at+"net_profit", m.GetNetProfit()),
		OperatingCashFlow:  r.money(at+"operating_cash_flow", m.GetOperatingCashFlow()),
		BalanceSheet:       linesIn(r, at+"balance_sheet.", m.GetBalanceSheet().ProtoReflect()),
		Income:             linesIn(r, at+"income_statement.", m.GetIncomeStatement().ProtoReflect()),
		CashFlow:           linesIn(r, at+"cash_flow_statement.", m.GetCashFlowStatement().ProtoReflect()),
		RetainedEarnings:   r.money(at+"retained_earnings", m.GetRetainedEarnings()),
		InterestExpense:    r.money(at+"interest_expense", m.GetInterestExpense()),
	}
}

func factOut(f fact.Fact) *evaluationv1.CreditFact {
	m := &evaluationv1.CreditFact{
		FactId: f.ID, CustomerId: f.CustomerID, Source: f.Source, AsOfDate: f.AsOf.String(),
		ValidUntilDate: f.ValidUntil.String(), SupersedesFactId: f.Supersedes, AttachmentSha256: f.AttachmentSHA256,
		RecordedBy: f.RecordedBy, RecordDate: f.RecordDate.String(), VerifiedBy: f.VerifiedBy,
		VerifyDate: f.VerifyDate.String(), SupersededByFactId: f.SupersededBy,
		OriginCustomerId: f.OriginCustomerID, OriginFactId: f.OriginFactID,
	}
	switch c := f.Content; {
	case c.Statement != nil:
		m.Content = &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: statementOut(c.Statement)}
	case c.Litigation != nil:
		l := c.Litigation
		m.Content = &evaluationv1.CreditFact_Litigation{Litigation: &evaluationv1.Litigation{
			Plaintiff: l.Plaintiff, Amount: moneyOf(l.Amount), FilingDate: l.FilingDate.String(), Open: l.Open, CaseNumber: l.CaseNumber,
		}}
	case c.Venture != nil:
		v := c.Venture
		m.Content = &evaluationv1.CreditFact_RiskyVenture{RiskyVenture: &evaluationv1.RiskyVenture{
			Description: v.Description, CommittedCapital: moneyOf(v.CommittedCapital), ShareOfAssets: v.ShareOfAssets,
		}}
	case c.Reference != nil:
		t := c.Reference
		m.Content = &evaluationv1.CreditFact_TradeReference{TradeReference: &evaluationv1.TradeReference{
			Referee: t.Referee, PaysAsAgreed: t.PaysAsAgreed, HighestCredit: moneyOf(t.HighestCredit),
			AverageDaysLate: int32(t.AverageDaysLate), //nolint:gosec // came as int32
		}}
	case c.ExternalRating != nil:
		m.Content = &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{
			Agency: c.ExternalRating.Agency, Rating: c.ExternalRating.Rating,
		}}
	case c.Ratios != nil:
		m.Content = &evaluationv1.CreditFact_ReportedRatios{ReportedRatios: ratiosOut(c.Ratios)}
	case c.Guarantee != nil:
		g := c.Guarantee
		m.Content = &evaluationv1.CreditFact_Guarantee{Guarantee: &evaluationv1.Guarantee{
			Guarantor: g.Guarantor, Amount: moneyOf(g.Amount), ExpiryDate: g.ExpiryDate.String(),
		}}
	default:
		findingOut(c, m)
	}
	return m
}

func statementOut(s *fact.Statement) *evaluationv1.FinancialStatement {
	m := &evaluationv1.FinancialStatement{
		PeriodStartDate: s.PeriodStart.String(), PeriodEndDate: s.PeriodEnd.String(), Audited: s.Audited,
		TotalAssets: moneyOf(s.TotalAssets), TotalLiabilities: moneyOf(s.TotalLiabilities),
		CurrentAssets: moneyOf(s.CurrentAssets), CurrentLiabilities: moneyOf(s.CurrentLiabilities),
		Revenue: moneyOf(s.Revenue), OperatingProfit: moneyOf(s.OperatingProfit),
		NetProfit: moneyOf(s.NetProfit), OperatingCashFlow: moneyOf(s.OperatingCashFlow),
		RetainedEarnings: moneyOf(s.RetainedEarnings), InterestExpense: moneyOf(s.InterestExpense),
	}
	if len(s.BalanceSheet) > 0 {
		m.BalanceSheet = &evaluationv1.BalanceSheetLines{}
		linesOut(s.BalanceSheet, m.GetBalanceSheet().ProtoReflect())
	}
	if len(s.Income) > 0 {
		m.IncomeStatement = &evaluationv1.IncomeLines{}
		linesOut(s.Income, m.GetIncomeStatement().ProtoReflect())
	}
	if len(s.CashFlow) > 0 {
		m.CashFlowStatement = &evaluationv1.CashFlowLines{}
		linesOut(s.CashFlow, m.GetCashFlowStatement().ProtoReflect())
	}
	return m
}
