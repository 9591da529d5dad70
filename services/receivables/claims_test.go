package receivables_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (w *world) securities() receivablesv1.SecurityServiceClient {
	return receivablesv1.NewSecurityServiceClient(w.conn)
}

func (w *world) cases() receivablesv1.LegalCaseServiceClient {
	return receivablesv1.NewLegalCaseServiceClient(w.conn)
}

// What stands behind a customer's debts counts while it holds, and its end is warned of.
func TestSecurities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100"), DueDate: "2024-02-01"})
	add := func(id string, change func(s *receivablesv1.Security)) error {
		s := &receivablesv1.Security{
			SecurityId: id, CustomerId: "C-1", Kind: receivablesv1.SecurityKind_SECURITY_KIND_MORTGAGE, Provider: "owner", Value: cny("1000"),
			PriorClaims: cny("400"), Rank: 2, ValidFromDate: "2024-01-01", ValidUntilDate: "2024-12-31", Reference: "register 5",
		}
		change(s)
		_, err := w.securities().RecordSecurity(w.by(t, "li", "CREDIT_ANALYST", "2024-01-05"), &receivablesv1.RecordSecurityRequest{RequestId: "add " + id, Security: s})
		return err
	}
	must(t, add("S-1", func(*receivablesv1.Security) {}))
	must(t, add("S-2", func(s *receivablesv1.Security) {
		s.Kind, s.Value, s.PriorClaims, s.InsuredShare = receivablesv1.SecurityKind_SECURITY_KIND_CREDIT_INSURANCE, cny("500"), nil, "0.9"
		s.OverdueNoticeDays, s.ClaimDays, s.ValidUntilDate = 30, 180, ""
	}))
	must(t, add("S-3", func(s *receivablesv1.Security) {
		s.ItemIds, s.ValidFromDate, s.ValidUntilDate = []string{"I-1"}, "2024-06-02", "2025-06-30"
	}))
	told := func() string {
		var out []string
		for _, s := range w.position(t, "C-1").GetSecurities() {
			out = append(out, strings.Join([]string{s.GetSecurityId(), strings.TrimPrefix(s.GetKind().String(), "SECURITY_KIND_"), s.GetWorth().GetAmount(), s.GetValidFromDate(), s.GetValidUntilDate()}, " "))
		}
		return strings.Join(out, ", ")
	}
	const insured, ahead = ", S-2 CREDIT_INSURANCE 450.00 2024-01-01 ", ", S-3 MORTGAGE 100.00 2024-06-02 2025-06-30"
	equal(t, "the gate is told what holds and what will, of one for an item what is open of it", told(), "S-1 MORTGAGE 600.00 2024-01-01 2024-12-31"+insured+ahead)
	want(t, add("S-1", func(s *receivablesv1.Security) { s.Rank = 1 }), errs.AlreadyExists, "REQUEST_ID_REUSED")
	for field, change := range map[string]func(s *receivablesv1.Security){
		"security.valid_until_date": func(s *receivablesv1.Security) { s.ValidUntilDate = "2023-12-31" },
		"security.prior_claims":     func(s *receivablesv1.Security) { s.PriorClaims = cny("1000.01") },
		"security.claim_days":       func(s *receivablesv1.Security) { s.Kind, s.OverdueNoticeDays, s.ClaimDays = 7, 10, 5 },
		"security.insured_share":    func(s *receivablesv1.Security) { s.InsuredShare = "0.5" },
		"security.value":            func(s *receivablesv1.Security) { s.Value = cny("0") },
	} {
		if err := add("bad "+field, change); errs.KindOf(err) != errs.Invalid || !names(func() *errs.Error { e, _ := errs.As(err); return e }(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	want(t, add("S-9", func(s *receivablesv1.Security) { s.ItemIds = []string{"I-9"} }), errs.NotFound, "ITEM_UNKNOWN")
	cover := func(date string) string {
		r, err := w.securities().GetSecurityCover(w.as(t, "AUDITOR", date), &receivablesv1.GetSecurityCoverRequest{CustomerId: "C-1"})
		must(t, err)
		var out []string
		for _, m := range r.GetWorths() {
			out = append(out, m.GetCurrencyCode()+" "+m.GetAmount())
		}
		return strings.Join(out, ", ") + " of " + r.GetOpenAmount().GetAmount()
	}
	equal(t, "both, the third is ahead", cover("2024-06-01"), "CNY 1050.00 of 100.00")
	equal(t, "the mortgage has ended", cover("2025-01-01"), "CNY 1050.00 of 100.00")
	_, err := w.securities().RevalueSecurity(w.by(t, "li", "CREDIT_ANALYST", "2024-06-02"), &receivablesv1.RevalueSecurityRequest{
		RequestId: "v", SecurityId: "S-1", Valuation: &receivablesv1.Valuation{Value: cny("700"), PriorClaims: cny("400"), ValuationDate: "2024-06-02", Basis: "appraisal 9"},
	})
	must(t, err)
	equal(t, "valued anew, with the third", cover("2024-06-02"), "CNY 1350.00 of 100.00")
	equal(t, "the gate is told of the value", told(), "S-1 MORTGAGE 300.00 2024-01-01 2024-12-31"+insured+ahead)

	// 2 March is the last day to tell the insurer that I-1 is overdue, 30 July to claim it; 31 December the mortgage ends.
	equal(t, "before", w.give(t, "2024-02-16"), "0 given, 0 late")
	equal(t, "two weeks ahead", w.give(t, "2024-02-17"), "1 given, 0 late")
	report := func(request, kind string) error {
		_, err := w.securities().ReportToInsurer(w.as(t, "COLLECTOR", "2024-02-20"), &receivablesv1.ReportToInsurerRequest{
			RequestId: request, SecurityId: "S-2", Report: &receivablesv1.InsurerReport{
				Kind:   receivablesv1.InsurerReportKind(receivablesv1.InsurerReportKind_value["INSURER_REPORT_KIND_"+kind]),
				ItemId: "I-1", ReportDate: "2024-02-20", Reference: "N-1",
			},
		})
		return err
	}
	must(t, report("r-1", "OVERDUE"))
	want(t, report("r-2", "OVERDUE"), errs.FailedPrecondition, "REPORTED_BEFORE")
	equal(t, "told", w.give(t, "2024-03-03"), "0 given, 0 late")
	equal(t, "the claim passes unseen", w.give(t, "2024-07-31"), "1 given, 1 late")
	equal(t, "the mortgage, and no more of the claim", w.give(t, "2024-10-02"), "1 given, 0 late")
	got := w.warned(t, &receivablesv1.ListWarningsRequest{})
	if len(got) != 3 || got[0].GetObjectId() != "S-1" || got[0].GetDaysAhead() != 90 || got[0].GetOwner() != "anna" ||
		got[1].GetKind() != receivablesv1.WarningKind_WARNING_KIND_INSURANCE_CLAIM || got[1].DaysAhead != nil || got[1].GetLateDays() != 15 {
		t.Errorf("warnings %v", got)
	}
	release := func(subject string) error {
		_, err := w.securities().ReleaseSecurity(w.by(t, subject, "CREDIT_MANAGER", "2024-10-03"), &receivablesv1.ReleaseSecurityRequest{RequestId: "release " + subject, SecurityId: "S-1", Reason: "paid"})
		return err
	}
	want(t, release("li"), errs.PermissionDenied, "SAME_PERSON")
	must(t, release("wu"))
	want(t, release("xu"), errs.FailedPrecondition, "SECURITY_RELEASED")
	equal(t, "given back", cover("2024-10-03"), "CNY 1050.00 of 100.00")
	equal(t, "the gate is told", told(), strings.TrimPrefix(insured+ahead, ", "))
	w.pay(t, "2024-10-04", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("60")})
	equal(t, "and what is left of the item", told(), strings.TrimPrefix(insured, ", ")+", S-3 MORTGAGE 40.00 2024-06-02 2025-06-30")
	equal(t, "no warning of it", w.give(t, "2024-12-30"), "0 given, 0 late")
	_, err = w.securities().GetSecurity(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.GetSecurityRequest{SecurityId: "S-1"})
	want(t, err, errs.NotFound, "SECURITY_UNKNOWN")
}

// A case from the lawyer's letter to the end: the letter and the suit interrupt by themselves, deadlines are warned of, costs
// and what came in are counted.
func TestTheCourseOfALegalCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	for _, id := range []string{"I-1", "I-2", "I-3"} {
		w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C-1", Amount: cny("100"), DueDate: "2024-02-01"})
	}
	w.pay(t, "2024-03-01", &receivablesv1.Receipt{ReceiptId: "R-0", CustomerId: "C-1", Amount: cny("100"), Reference: "settles I-1"})
	open := func(id string, items ...string) error {
		_, err := w.cases().OpenLegalCase(w.by(t, "col", "COLLECTOR", "2024-09-01"), &receivablesv1.OpenLegalCaseRequest{
			RequestId: "open " + id, LegalCase: &receivablesv1.LegalCase{LegalCaseId: id, CustomerId: "C-1", ItemIds: items, Reason: "does not pay"},
		})
		return err
	}
	want(t, open("L-0", "I-1"), errs.FailedPrecondition, "ITEM_SETTLED")
	want(t, open("L-0", "I-9"), errs.NotFound, "ITEM_UNKNOWN")
	must(t, open("L-1", "I-2", "I-3"))
	want(t, open("L-2", "I-3"), errs.FailedPrecondition, "ITEM_IN_CASE")
	n := 0
	step := func(kind, date, deadline string) (*receivablesv1.LegalCase, error) {
		n++
		r, err := w.cases().RecordLegalStep(w.by(t, "col", "COLLECTOR", date), &receivablesv1.RecordLegalStepRequest{
			RequestId: fmt.Sprint("step ", n), LegalCaseId: "L-1", Step: &receivablesv1.LegalStep{
				Kind: receivablesv1.LegalStepKind(receivablesv1.LegalStepKind_value["LEGAL_STEP_KIND_"+kind]), StepDate: date, DeadlineDate: deadline,
				DeadlineText: "pay", Reference: "file " + kind, Authority: "court",
			},
		})
		return r.GetLegalCase(), err
	}
	_, err := step("JUDGMENT", "2024-09-02", "")
	equal(t, "possible", refusal(t, err, errs.FailedPrecondition, "LEGAL_STEP_OUT_OF_ORDER").Meta["steps"], "INSOLVENCY_FILING,LAWYERS_LETTER,PROGRESS,SUIT")
	c, err := step("LAWYERS_LETTER", "2024-09-10", "2024-10-10")
	must(t, err)
	equal(t, "claimed", c.GetClaimedAmount().GetAmount(), "200.00")
	equal(t, "the letter restarts the period", w.period(t, "I-2", "2024-09-11"), "RUNNING 2027-09-10")
	equal(t, "warned of the deadline", w.give(t, "2024-09-10"), "1 given, 0 late")
	if g := w.warned(t, &receivablesv1.ListWarningsRequest{ObjectId: "L-1"}); len(g) != 1 || g[0].GetOwner() != "col" || g[0].GetLastDate() != "2024-10-10" {
		t.Errorf("warned %v", g)
	}
	_, err = step("SUIT", "2024-11-01", "")
	must(t, err)
	equal(t, "at court", w.period(t, "I-2", "2024-11-02"), "STOPPED ")
	equal(t, "the other item too", w.period(t, "I-3", "2030-11-02"), "STOPPED ")
	c, err = step("JUDGMENT", "2025-03-01", "2025-04-01")
	must(t, err)
	equal(t, "enforcement until", c.GetDeadlineDate(), "2027-04-01")
	_, err = w.cases().RecordLegalCost(w.as(t, "FINANCE_CLERK", "2025-03-02"), &receivablesv1.RecordLegalCostRequest{
		RequestId: "cost", LegalCaseId: "L-1", Cost: &receivablesv1.LegalCost{Kind: 2, Amount: cny("12.50"), CostDate: "2025-03-02", Payee: "court"},
	})
	must(t, err)
	w.pay(t, "2025-05-01", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("30")})
	_, err = step("ENFORCEMENT", "2025-06-01", "")
	must(t, err)
	r, err := w.cases().CloseLegalCase(w.as(t, "FINANCE_MANAGER", "2026-01-10"), &receivablesv1.CloseLegalCaseRequest{
		RequestId: "close", LegalCaseId: "L-1", Outcome: receivablesv1.LegalOutcome_LEGAL_OUTCOME_UNCOLLECTABLE, CloseDate: "2026-01-09", Note: "nothing left",
	})
	must(t, err)
	c = r.GetLegalCase()
	equal(t, "cost and recovery", c.GetCostAmount().GetAmount()+" "+c.GetRecoveredAmount().GetAmount(), "12.50 30.00")
	equal(t, "anew from the end", w.period(t, "I-2", "2026-01-10"), "RUNNING 2029-01-09")
	_, err = step("PROGRESS", "2026-02-01", "")
	want(t, err, errs.FailedPrecondition, "LEGAL_STEP_OUT_OF_ORDER")
	must(t, open("L-2", "I-3")) // free again
	list, err := w.cases().ListLegalCases(w.by(t, "anna", "SALESPERSON", ""), &receivablesv1.ListLegalCasesRequest{ItemId: "I-3"})
	must(t, err)
	if l := list.GetLegalCases(); len(l) != 2 || l[0].GetLegalCaseId() != "L-2" || len(l[1].GetSteps()) != 4 {
		t.Errorf("cases %v", l)
	}
	v, err := w.ops.VerifyChains(w.as(t, "OPERATOR", ""), &receivablesv1.VerifyChainsRequest{})
	must(t, err)
	if len(v.GetBreaks()) > 0 {
		t.Errorf("verification %v", v.GetBreaks())
	}
}
