package evaluation_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
)

func (s *suite) noteFact(who string, f *evaluationv1.CreditFact, on ...string) (*evaluationv1.CreditFact, error) {
	res, err := s.facts().RecordCreditFact(as(who, on...), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", Fact: f})
	return res.GetFact(), err
}

// Every kind of fact comes back as it was recorded, and is found by its kind.
func TestFactKinds(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	kinds := map[evaluationv1.CreditFactKind]*evaluationv1.CreditFact{
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_FINANCIAL_STATEMENT: {Content: &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: &evaluationv1.FinancialStatement{
			PeriodStartDate: "2025-01-01", PeriodEndDate: "2025-12-31", Audited: true, TotalAssets: cny("10.00"), TotalLiabilities: cny("4.00"),
			BalanceSheet:      &evaluationv1.BalanceSheetLines{TotalEquity: cny("6.00"), UndistributedProfit: cny("-1.00")},
			IncomeStatement:   &evaluationv1.IncomeLines{OperatingCost: cny("3.00")},
			CashFlowStatement: &evaluationv1.CashFlowLines{ClosingCash: cny("1.00")},
		}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_LITIGATION:      {Content: &evaluationv1.CreditFact_Litigation{Litigation: &evaluationv1.Litigation{Plaintiff: "Supplier", Amount: cny("5.00")}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_RISKY_VENTURE:   {Content: &evaluationv1.CreditFact_RiskyVenture{RiskyVenture: &evaluationv1.RiskyVenture{ShareOfAssets: "0.1"}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_TRADE_REFERENCE: {Content: &evaluationv1.CreditFact_TradeReference{TradeReference: &evaluationv1.TradeReference{Referee: "Supplier", PaysAsAgreed: true}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_EXTERNAL_RATING: {Content: &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{Agency: "Agency", Rating: "AA"}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_GUARANTEE:       {Content: &evaluationv1.CreditFact_Guarantee{Guarantee: &evaluationv1.Guarantee{Guarantor: "Parent", Amount: cny("9.00"), ExpiryDate: "2027-01-01"}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_ENFORCEMENT_RECORD: {Content: &evaluationv1.CreditFact_EnforcementRecord{EnforcementRecord: &evaluationv1.EnforcementRecord{
			Court: "Court", CaseNumber: "1", Amount: cny("2.00"), FilingDate: "2026-01-01", Dishonest: true,
		}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_CREDIT_REPORT: {Content: &evaluationv1.CreditFact_CreditReport{CreditReport: &evaluationv1.CreditReport{
			Agency: "Bureau", ReportNumber: "7", Rating: "B", RecommendedLimit: cny("8.00"), Summary: "fair",
		}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_BANK_REFERENCE: {Content: &evaluationv1.CreditFact_BankReference{BankReference: &evaluationv1.BankReference{
			Bank: "Bank", ClientSinceDate: "2010-05-01", CreditLine: cny("100.00"), Used: cny("20.00"), Remark: "none",
		}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_SITE_VISIT: {Content: &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{
			Visitors: "An", Place: "Works", Operating: true, Findings: "two lines at work",
		}}},
		evaluationv1.CreditFactKind_CREDIT_FACT_KIND_REPORTED_RATIOS: {Content: &evaluationv1.CreditFact_ReportedRatios{ReportedRatios: &evaluationv1.ReportedRatios{CurrentRatio: "1.5"}}},
	}
	if len(kinds) != len(evaluationv1.CreditFactKind_name)-1 {
		t.Fatalf("%d kinds are tried, the contract has %d", len(kinds), len(evaluationv1.CreditFactKind_name)-1)
	}
	for kind, f := range kinds {
		f.Source, f.AsOfDate, f.FactId, f.AttachmentSha256 = "inquiry", "2026-01-31", kind.String(), strings.Repeat("0a", 32)
		got, err := s.noteFact(analyst, f)
		must(t, err)
		want := proto.CloneOf(f)
		want.CustomerId, want.RecordedBy, want.RecordDate = "C-1", "an", startDay
		if !proto.Equal(got, want) {
			t.Errorf("%s: recorded as %v", kind, got)
		}
		list, err := s.facts().ListCreditFacts(as(analyst), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-1", Kind: kind})
		must(t, err)
		if len(list.GetFacts()) != 1 || !proto.Equal(list.GetFacts()[0], want) {
			t.Errorf("%s: listed as %v", kind, list)
		}
	}
	_, err := s.noteFact(analyst, &evaluationv1.CreditFact{
		Source: "x", AsOfDate: "2026-01-31", SupersedesFactId: evaluationv1.CreditFactKind_CREDIT_FACT_KIND_GUARANTEE.String(),
		Content: kinds[evaluationv1.CreditFactKind_CREDIT_FACT_KIND_SITE_VISIT].GetContent(),
	})
	refused(t, err, errs.FailedPrecondition, "FACT_OF_ANOTHER_KIND")
	spoilt := proto.CloneOf(kinds[evaluationv1.CreditFactKind_CREDIT_FACT_KIND_FINANCIAL_STATEMENT])
	spoilt.FactId, spoilt.GetFinancialStatement().TotalAssets = "", cny("10.01")
	_, err = s.noteFact(analyst, spoilt)
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	if field(err) != "fact.financial_statement.total_assets" {
		t.Fatalf("names %q", field(err))
	}
}

// Invariant 17: two times, what held on a day and what was known on a day, are asked for independently.
func TestFactsAsOf(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	for _, f := range []struct{ id, asOf, until, supersedes, recorded string }{
		{"F-1", "2026-01-01", "2026-06-30", "", "2026-03-02"},
		{"F-2", "2026-03-01", "", "", "2026-03-05"},
		{"F-3", "2026-02-01", "2026-06-30", "F-1", "2026-03-10"},
	} {
		_, err := s.noteFact(analyst, &evaluationv1.CreditFact{
			FactId: f.id, Source: "agency", AsOfDate: f.asOf, ValidUntilDate: f.until, SupersedesFactId: f.supersedes,
			Content: &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{Agency: "X", Rating: "AA"}},
		}, f.recorded)
		must(t, err)
	}
	for _, c := range []struct {
		known, valid string
		want         []string
	}{
		{"2026-03-02", "2026-03-02", []string{"F-1"}},
		{"2026-03-05", "2026-03-05", []string{"F-2", "F-1"}},
		{"2026-03-10", "2026-03-10", []string{"F-3", "F-2"}},
		{"2026-03-10", "2026-01-15", nil},             // the correction speaks of a later day
		{"2026-03-09", "2026-01-15", []string{"F-1"}}, // which nobody knew then
		{"", "2026-07-01", []string{"F-2"}},           // the other one ran out
		{"2026-03-01", "2026-03-01", nil},             // nothing was known
		{"2026-03-10", "", []string{"F-3", "F-2", "F-1"}},
	} {
		res, err := s.facts().ListCreditFacts(as(analyst), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-1", KnownOnDate: c.known, ValidOnDate: c.valid})
		must(t, err)
		var got []string
		for _, f := range res.GetFacts() {
			got = append(got, f.GetFactId())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("known on %q of %q: %v, want %v", c.known, c.valid, got, c.want)
		}
	}
}

func suit(id string) *evaluationv1.CreditFact {
	return &evaluationv1.CreditFact{
		FactId: id, Source: "court register", AsOfDate: startDay,
		Content: &evaluationv1.CreditFact_Litigation{Litigation: &evaluationv1.Litigation{Plaintiff: "Supplier", Open: true}},
	}
}

// Invariant 31: bad news rates the customer again at once, and what it tightens reaches the gate with it.
func TestBadNewsRatesAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	if s.gate.newest("C-1").GetGrade() != evaluationv1.Grade_GRADE_A {
		t.Fatal("the customer begins with A")
	}
	before := s.ratingsOf("C-1")
	_, err := s.noteFact(seller, &evaluationv1.CreditFact{
		Source: "visit", AsOfDate: startDay, Content: &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{Visitors: "Li", Findings: "quiet"}},
	})
	must(t, err)
	if got := s.ratingsOf("C-1"); len(got) != len(before) {
		t.Fatal("a visit made a rating")
	}
	_, err = s.noteFact(seller, suit("F-suit"))
	must(t, err)
	got := s.ratingsOf("C-1")
	if len(got) != len(before)+1 || got[0].GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_NEW_FACT {
		t.Fatalf("%d ratings, the newest %v", len(got), got[0].GetTrigger())
	}
	if p := s.gate.newest("C-1"); p.GetGrade() != evaluationv1.Grade_GRADE_C || p.GetGrant().GetTreatment() != evaluationv1.Treatment_TREATMENT_PAYMENT_BEFORE_DELIVERY {
		t.Fatalf("the gate knows %v", p)
	}
	if again := s.rate("C-1"); !again.GetUnchanged() {
		t.Fatal("the same facts made another rating")
	}
}

// Receivables need not be there for bad news to be recorded; the rating follows for the day of the fact.
func TestBadNewsWhileReceivablesAreAway(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.receivables.setDown(true)
	_, err := s.noteFact(analyst, suit("F-suit"))
	must(t, err)
	if s.gate.newest("C-1").GetGrade() != evaluationv1.Grade_GRADE_A {
		t.Fatal("rated without a payment record")
	}
	due := app.Reratings{App: s.service.App()}
	ctx := s.reviewer(startDay).on(t.Context())
	ids, err := due.DueForReview(ctx, 10)
	must(t, err)
	if !slices.Equal(ids, []string{"C-1"}) || due.Review(ctx, "C-1") == nil {
		t.Fatalf("due are %v", ids)
	}
	s.receivables.setDown(false)
	must(t, due.Review(ctx, "C-1"))
	if s.gate.newest("C-1").GetGrade() != evaluationv1.Grade_GRADE_C {
		t.Fatal("the rating did not follow")
	}
	if ids, err = due.DueForReview(ctx, 10); err != nil || len(ids) != 0 {
		t.Fatalf("still due are %v, %v", ids, err)
	}
}

// What people have to say is said: a source, findings or a reason of spaces is none.
func TestBlankTextIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	_, err := s.facts().RecordCreditFact(as(analyst), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", Fact: &evaluationv1.CreditFact{
		Source: "  ", AsOfDate: "2026-01-31", Content: &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{Visitors: "li", Findings: "\u3000"}},
	}})
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid || len(e.Violations) != 2 {
		t.Fatalf("a fact of blank source and findings: %v", err)
	}
	for _, v := range e.Violations {
		if v.Rule != "blank" || v.Field != "fact.source" && v.Field != "fact.site_visit.findings" {
			t.Errorf("%+v", v)
		}
	}
}
