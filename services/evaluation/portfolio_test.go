package evaluation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

func (s *suite) runs() evaluationv1.PortfolioRunServiceClient {
	return evaluationv1.NewPortfolioRunServiceClient(s.conn)
}

// worker works off runs in small sets.
func (s *suite) worker(name string) *operation.Worker {
	p := s.service.Runs()
	p.SetSize = 7
	return operation.NewWorker(operation.Worker{
		Store: p.Store, Log: slog.New(slog.DiscardHandler), Name: name,
		Kinds: map[string]operation.Work{app.KindSimulation: p.RunSimulation, app.KindRerating: p.RunRerating, app.KindGrowth: p.RunGrowth},
	})
}

func (s *suite) proposed(file string, change func(string) string) int64 {
	s.Helper()
	text, err := os.ReadFile("policy/" + file)
	must(s, err)
	yaml := string(text)
	if change != nil {
		yaml = change(yaml)
	}
	version, err := s.draft(yaml)
	must(s, err)
	return version.GetVersion()
}

func (s *suite) sign(version int64) {
	s.Helper()
	_, err := evaluationv1.NewEvaluationPolicyServiceClient(s.conn).SignEvaluationPolicy(as(boss), &evaluationv1.SignEvaluationPolicyRequest{RequestId: s.rid(), Version: version})
	must(s, err)
}

// simulate runs a version over all customers and returns the run.
func (s *suite) simulate(version int64, anew bool) *evaluationv1.PortfolioRun {
	s.Helper()
	started, err := s.runs().SimulateEvaluationPolicy(as(credit), &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: s.rid(), Version: version, AskAnew: anew})
	must(s, err)
	return s.finish(started.GetPortfolioRun().GetPortfolioRunId())
}

func (s *suite) rerate() *evaluationv1.PortfolioRun {
	s.Helper()
	started, err := s.runs().RerateCustomers(as(credit), &evaluationv1.RerateCustomersRequest{RequestId: s.rid()})
	must(s, err)
	return s.finish(started.GetPortfolioRun().GetPortfolioRunId())
}

func (s *suite) finish(id string) *evaluationv1.PortfolioRun {
	s.Helper()
	if worked, err := s.worker("w").Next(s.Context()); !worked || err != nil {
		s.Fatalf("worked %v: %v", worked, err)
	}
	return s.run(id)
}

func (s *suite) run(id string) *evaluationv1.PortfolioRun {
	s.Helper()
	got, err := s.runs().GetPortfolioRun(as(auditor), &evaluationv1.GetPortfolioRunRequest{PortfolioRunId: id})
	must(s, err)
	return got.GetPortfolioRun()
}

// made lists what a run made of customers.
func (s *suite) made(id string, move evaluationv1.PortfolioMove) map[string]*evaluationv1.PortfolioCustomer {
	s.Helper()
	found, token := map[string]*evaluationv1.PortfolioCustomer{}, ""
	for {
		page, err := s.runs().ListPortfolioRunCustomers(as(auditor), &evaluationv1.ListPortfolioRunCustomersRequest{
			PortfolioRunId: id, PageSize: 9, PageToken: token, Move: move,
		})
		must(s, err)
		for _, c := range page.GetCustomers() {
			if found[c.GetCustomerId()] != nil {
				s.Fatalf("%s stands twice", c.GetCustomerId())
			}
			found[c.GetCustomerId()] = c
		}
		if token = page.GetNextPageToken(); token == "" {
			return found
		}
	}
}

// everybody makes customers of every shape: with and without statements (audited or not, verified or not, corrected, of several years),
// ratios, suits, ventures, other facts, invoices of their own, a payment record; some facts are of a later day than the rating's.
func (s *suite) everybody(n int) []string {
	s.Helper()
	rnd := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // test data
	ids := make([]string, n)
	for i := range n {
		id := fmt.Sprintf("C-%03d", i)
		ids[i] = id
		s.customer(id)
		s.payments(rnd, id)
		for range rnd.IntN(5) {
			s.randomFact(rnd, id)
		}
		if rnd.IntN(3) == 0 {
			_, err := s.record(as(analyst), id, &evaluationv1.InvoiceBatch{AsOfDate: "2026-02-28", Invoices: []*evaluationv1.TaxInvoice{
				invoiceOf("2026-02-05", "B", fmt.Sprint(100+rnd.IntN(900))), invoiceOf("2026-02-20", "C", "30.00"),
			}})
			must(s, err)
		}
		s.rate(id)
	}
	return ids
}

func (s *suite) payments(rnd *rand.Rand, id string) {
	if rnd.IntN(5) == 0 {
		return // never bought
	}
	due := 1000 + rnd.IntN(100_000)
	rec := &receivablesv1.PaymentRecord{
		FallenDue: cny(fmt.Sprint(due)), Collected: cny(fmt.Sprint(due * (50 + rnd.IntN(51)) / 100)), SettledItems: int64(rnd.IntN(9)),
		LateAmountDays: fmt.Sprint(rnd.IntN(9_000_000)), SettledAmount: cny(fmt.Sprint(1 + rnd.IntN(due))), Defaults: int64(rnd.IntN(3)),
		LongestDaysLate: int32(rnd.IntN(90)), OldestOverdueDays: int32(rnd.IntN(30)), FirstInvoiceDate: "2024-05-06", OpenAmount: cny("12"),
	}
	switch rnd.IntN(8) {
	case 0:
		rec.LateAmountDays = "92233720368547758070123"
	case 1, 2, 3: // pays well
		rec.Collected, rec.LateAmountDays, rec.Defaults = rec.GetFallenDue(), "0", 0
	}
	for range rnd.IntN(6) {
		rec.InvoiceAmounts = append(rec.InvoiceAmounts, cny(fmt.Sprint(500+len(rec.GetInvoiceAmounts())*100)))
	}
	s.receivables.set(id, rec)
}

func (s *suite) randomFact(rnd *rand.Rand, id string) {
	s.Helper()
	year := 2021 + rnd.IntN(5)
	f := &evaluationv1.CreditFact{Source: "a & b <c>", AsOfDate: fmt.Sprintf("%d-12-31", year)}
	switch rnd.IntN(8) {
	case 0, 1, 2:
		st := &evaluationv1.FinancialStatement{
			PeriodStartDate: fmt.Sprintf("%d-01-01", year), PeriodEndDate: f.GetAsOfDate(), Audited: rnd.IntN(2) == 0,
			TotalAssets: cny("1000"), TotalLiabilities: cny(fmt.Sprint(100 + rnd.IntN(900))), NetProfit: cny(fmt.Sprint(rnd.IntN(100) - 20)),
		}
		if rnd.IntN(2) == 0 {
			st.CurrentAssets, st.CurrentLiabilities, st.OperatingProfit = cny("300"), cny("95"), cny("55")
			st.BalanceSheet = &evaluationv1.BalanceSheetLines{MonetaryFunds: cny("120")}
		}
		f.Content = &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: st}
	case 3:
		f.Content = &evaluationv1.CreditFact_ReportedRatios{ReportedRatios: &evaluationv1.ReportedRatios{DebtToAssets: "0.55", CurrentRatio: "1.25", NetProfitToAssets: "0.02", EquityToDebt: "0.8"}}
	case 4:
		f.Content = &evaluationv1.CreditFact_Litigation{Litigation: &evaluationv1.Litigation{Plaintiff: "银行", Open: rnd.IntN(2) == 0, Amount: cny("5")}}
	case 5:
		v := &evaluationv1.RiskyVenture{Description: "a mine", ShareOfAssets: "0.3"}
		if rnd.IntN(2) == 0 {
			v = &evaluationv1.RiskyVenture{Description: "a mine", CommittedCapital: cny("400")}
		}
		f.Content = &evaluationv1.CreditFact_RiskyVenture{RiskyVenture: v}
	case 6:
		f.Content = &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{Agency: "agency", Rating: "AA"}}
	default:
		f.Content = &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{Visitors: "an", Operating: true, Findings: "busy"}}
	}
	if rnd.IntN(4) == 0 {
		f.ValidUntilDate = "2026-03-01" // over on the day of the rating
	}
	day := []string{startDay, startDay, startDay, "2026-04-01"}[rnd.IntN(4)]
	got, err := s.facts().RecordCreditFact(as(analyst, day), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: id, Fact: f})
	must(s, err)
	factID := got.GetFact().GetFactId()
	if rnd.IntN(3) > 0 {
		_, err = s.facts().VerifyCreditFact(as(clerk, []string{day, "2026-04-02"}[rnd.IntN(2)]), &evaluationv1.VerifyCreditFactRequest{RequestId: s.rid(), CustomerId: id, FactId: factID})
		must(s, err)
	}
	if rnd.IntN(3) == 0 {
		f.SupersedesFactId = factID
		_, err = s.facts().RecordCreditFact(as(analyst, []string{day, "2026-04-02"}[rnd.IntN(2)]), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: id, Fact: f})
		must(s, err)
	}
}

// Invariant 41. What a run says of each customer is what rating that customer alone gives, under each of the policies that come along.
func TestPortfolioRatesAsOneRatingDoes(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := s.everybody(60)
	ctx := calendar.WithBusinessDate(authn.WithPrincipal(t.Context(), authn.Principal{Subject: "chen", Roles: []string{authn.RoleService}}), calendar.MustDate(startDay))
	grades := map[evaluationv1.Grade]int{}
	for _, file := range []string{"default.yaml", "invoices.yaml", "ratios.yaml"} {
		version := s.proposed(file, nil)
		run := s.simulate(version, false)
		if run.GetState() != evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_SUCCEEDED || run.GetResult().GetFailed() != 0 {
			t.Fatalf("%s: %v", file, run)
		}
		p, err := s.service.App().Policies.ByVersion(ctx, version)
		must(t, err)
		tried, err := s.service.App().TryPolicy(ctx, p, ids)
		must(t, err)
		made := s.made(run.GetPortfolioRunId(), 0)
		if len(made) != len(ids) {
			t.Fatalf("%d of %d customers", len(made), len(ids))
		}
		for i, id := range ids {
			want, got := tried[i], made[id]
			grades[got.GetGradeAfter()]++
			limit := ""
			if want.Limit != nil {
				limit = want.Limit.String()
			}
			if gradeName(want.Grade) != got.GetGradeAfter().String() || want.Deciding != got.GetDeciding() || limit != got.GetRecommendedLimit().GetAmount() {
				t.Errorf("%s, %s: run says %v, one rating says %s by %s, limit %s", file, id, got, want.Grade, want.Deciding, limit)
			}
		}
	}
	if len(grades) < 5 {
		t.Errorf("the customers are not of all grades: %v", grades)
	}
}

func gradeName(g grade.Grade) string {
	if g == grade.None {
		return "GRADE_UNSPECIFIED"
	}
	return "GRADE_" + string(g)
}

func contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

func replaceOnce(t testing.TB, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("%q is not there", from)
	}
	return strings.Replace(text, from, to, 1)
}

// state is everything that a dry run must leave as it is.
func (s *suite) state() string {
	s.Helper()
	var text string
	must(s, s.pool.QueryRow(s.Context(), `SELECT concat_ws(' ', (SELECT md5(string_agg(c::text, '|' ORDER BY customer_id)) FROM customers c), (SELECT count(*) FROM ratings),
		(SELECT count(*) FROM grants), (SELECT count(*) FROM audit_events), (SELECT count(*) FROM treatment_plans), (SELECT count(*) FROM outbox))`).Scan(&text))
	return text
}

// Invariant 42. A dry run says what would be and changes nothing; the file says the same.
func TestDryRunHasNoEffect(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.granted("C-2")
	s.customer("C-3") // neither rated nor granted
	s.receivables.set("C-2", overdue())
	version := s.proposed("default.yaml", nil)
	before := s.state()
	run := s.simulate(version, false)
	if after := s.state(); after != before {
		t.Errorf("before %s, after %s", before, after)
	}
	res := run.GetResult()
	if !run.GetDryRun() || run.GetDone() != 2 || run.GetTotal() != 2 || res.GetCustomers() != 2 || res.GetMovedDown() != 1 || res.GetCreditLost() != 1 || res.GetTightened() != 1 {
		t.Errorf("%v", run)
	}
	if len(res.GetMigration()) != 2 || res.GetMigration()[0].GetToGrade() != evaluationv1.Grade_GRADE_A || res.GetMigration()[1].GetToGrade() != evaluationv1.Grade_GRADE_D {
		t.Errorf("%v", res.GetMigration())
	}
	if b, a := res.GetLimitsBefore(), res.GetLimitsAfter(); b[0].GetAmount() != "200000.00" || a[0].GetAmount() != "100000.00" {
		t.Errorf("limits %v, %v", b, a)
	}
	most := res.GetMostAffected()
	if len(most) != 1 || most[0].GetCustomerId() != "C-2" || most[0].GetTreatmentAfter() != evaluationv1.Treatment_TREATMENT_PHASED_OUT || most[0].GetLimitAfter() != nil ||
		most[0].GetDeciding() == "" || most[0].GetRatingId() != "" {
		t.Errorf("%v", most)
	}
	if p := res.GetSalespeople(); len(p) != 1 || p[0].GetId() != "li" || p[0].GetCustomers() != 2 || p[0].GetMovedDown() != 1 {
		t.Errorf("%v", p)
	}
	if down := s.made(run.GetPortfolioRunId(), evaluationv1.PortfolioMove_PORTFOLIO_MOVE_DOWN); len(down) != 1 || down["C-2"] == nil {
		t.Errorf("%v", down)
	}
	file, err := s.runs().DownloadPortfolioRun(as(boss), &evaluationv1.DownloadPortfolioRunRequest{PortfolioRunId: run.GetPortfolioRunId()})
	must(t, err)
	book, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
	must(t, err)
	for cell, want := range map[[2]string]string{{"汇总", "B5"}: "1", {"等级迁移矩阵", "B3"}: "D", {"受影响最大的客户", "A2"}: "C-2", {"受影响最大的客户", "H2"}: "逐步退出"} {
		if got, err := book.GetCellValue(cell[0], cell[1]); got != want || err != nil {
			t.Errorf("%v is %q (%v), want %q", cell, got, err, want)
		}
	}
}

func overdue() *receivablesv1.PaymentRecord {
	return &receivablesv1.PaymentRecord{
		FallenDue: cny("1000"), Collected: cny("100"), SettledItems: 5, LateAmountDays: "900000", SettledAmount: cny("100"), Defaults: 4, FirstInvoiceDate: "2024-05-06",
	}
}

// Invariant 43. A run whose process dies in the middle goes on in another one, and gives what one in one piece gives.
func TestRunSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := s.everybody(30)
	version := s.proposed("ratios.yaml", nil)
	whole := s.simulate(version, false)
	s.dies(s.started(version), 3, 14)
	again := s.made(s.last().GetPortfolioRunId(), 0)
	if !reflect.DeepEqual(texts(again), texts(s.made(whole.GetPortfolioRunId(), 0))) || s.last().GetResult().String() != whole.GetResult().String() {
		t.Errorf("interrupted %v\nin one piece %v", s.last(), whole)
	}
	s.sign(version)
	started, err := s.runs().RerateCustomers(as(credit), &evaluationv1.RerateCustomersRequest{RequestId: s.rid()})
	must(t, err)
	s.dies(started.GetPortfolioRun().GetPortfolioRunId(), 3, 14)
	var ratings, twice int
	must(t, s.pool.QueryRow(t.Context(), `SELECT count(*), count(*) - count(DISTINCT customer_id) FROM ratings WHERE policy_version = $1`, version).Scan(&ratings, &twice))
	if ratings != len(ids) || twice != 0 || s.last().GetResult().GetCustomers() != int64(len(ids)) {
		t.Errorf("%d ratings, %d twice: %v", ratings, twice, s.last())
	}
	report, err := s.service.App().VerifyChains(t.Context())
	must(t, err)
	if len(report.Broken) > 0 {
		t.Errorf("%v", report.Broken)
	}
}

func (s *suite) started(version int64) string {
	s.Helper()
	started, err := s.runs().SimulateEvaluationPolicy(as(credit), &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: s.rid(), Version: version})
	must(s, err)
	return started.GetPortfolioRun().GetPortfolioRunId()
}

// last is the newest run.
func (s *suite) last() *evaluationv1.PortfolioRun {
	s.Helper()
	list, err := s.runs().ListPortfolioRuns(as(auditor), &evaluationv1.ListPortfolioRunsRequest{PageSize: 1})
	must(s, err)
	return s.run(list.GetPortfolioRuns()[0].GetPortfolioRunId())
}

func texts(all map[string]*evaluationv1.PortfolioCustomer) map[string]string {
	out := map[string]string{}
	for id, c := range all {
		out[id] = c.String()
	}
	return out
}

// dies has a process die after so many marks, when so many customers are done, and another one end the work.
func (s *suite) dies(id string, marks int, done int64) {
	s.Helper()
	ctx := s.Context()
	p := s.service.Runs()
	p.SetSize = 7
	claimed, found, err := p.Store.Claim(ctx, "dying", time.Hour)
	must(s, err)
	if !found || claimed.ID != id {
		s.Fatalf("claimed %v", claimed)
	}
	died := errors.New("died")
	work := map[string]operation.Work{app.KindSimulation: p.RunSimulation, app.KindRerating: p.RunRerating}[claimed.Kind]
	_, err = work(ctx, claimed, func(ctx context.Context, q pg.Querier, o operation.Operation) (bool, error) {
		if marks--; marks < 0 {
			return false, died
		}
		return p.Store.Save(ctx, q, o, time.Hour)
	})
	if !errors.Is(err, died) {
		s.Fatalf("%v", err)
	}
	if half := s.run(id); half.GetState() != evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_RUNNING || half.GetDone() != done {
		s.Fatalf("after the death: %v", half)
	}
	if worked, err := s.worker("second").Next(ctx); worked || err != nil {
		s.Fatalf("taken from a worker that holds it: %v %v", worked, err)
	}
	_, err = s.pool.Exec(ctx, `UPDATE operations SET lease_until = now() - interval '1 second' WHERE state = 'RUNNING'`)
	must(s, err)
	if ended := s.finish(id); ended.GetState() != evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_SUCCEEDED || ended.GetAttempts() != 2 {
		s.Fatalf("%v", ended)
	}
}

// Invariant 44. Under a new version all customers are rated again: what tightens holds at once, what loosens waits for a form, and each says
// why; again under the same version, with the same facts, gives no new rating.
func TestRerateCustomers(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.granted("C-2")
	s.receivables.set("C-2", overdue())
	s.customer("C-3")
	s.statement("C-3", "70")
	s.rate("C-3") // B, without a grant
	version := s.proposed("default.yaml", func(yaml string) string {
		return replaceOnce(s, yaml, `at_most: "0.60"`, `at_most: "0.70"`)
	})
	s.sign(version)
	run := s.rerate()
	made := s.made(run.GetPortfolioRunId(), 0)
	if c := made["C-1"]; c.GetGradeAfter() != evaluationv1.Grade_GRADE_A || c.GetRatingId() == "" || c.GetUnchanged() || c.GetLimitAfter().GetAmount() != "100000.00" {
		t.Errorf("%v", c)
	}
	if c := made["C-2"]; c.GetGradeAfter() != evaluationv1.Grade_GRADE_D || c.GetTreatmentAfter() != evaluationv1.Treatment_TREATMENT_PHASED_OUT {
		t.Errorf("%v", c)
	}
	if g := s.grant("C-2"); g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PHASED_OUT || s.gate.newest("C-2").GetGrant().GetVersion() != g.GetVersion() {
		t.Errorf("the grant is %v, the gate knows %v", g, s.gate.newest("C-2"))
	}
	if c := made["C-3"]; c.GetGradeBefore() != evaluationv1.Grade_GRADE_B || c.GetGradeAfter() != evaluationv1.Grade_GRADE_A || c.GetTreatmentAfter() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER {
		t.Errorf("%v", c)
	}
	all, err := s.ratings().ListRatings(as(credit), &evaluationv1.ListRatingsRequest{CustomerId: "C-3"})
	must(t, err)
	newest := all.GetRatings()[0]
	if newest.GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_NEW_POLICY || newest.GetPolicyVersion() != version ||
		!contains(newest.GetReason(), "Moved from B to A", fmt.Sprintf("all customers are rated again under version %d of the policy", version)) {
		t.Errorf("%v", newest)
	}
	again := s.rerate()
	if r := again.GetResult(); r.GetUnchanged() != 3 || r.GetCustomers() != 3 || r.GetMovedDown() != 0 {
		t.Errorf("%v", again)
	}
	for id, c := range s.made(again.GetPortfolioRunId(), 0) {
		if c.GetRatingId() != made[id].GetRatingId() {
			t.Errorf("%s has a new rating %s", id, c.GetRatingId())
		}
	}
	_, err = s.runs().RerateCustomers(as(analyst), &evaluationv1.RerateCustomersRequest{RequestId: s.rid()})
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
}

// A signed version that comes into force is followed by one run, whatever asks how often; the policy that came along by none.
func TestNewPolicyIsFollowedOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.rate("C-1")
	ctx := authn.WithPrincipal(t.Context(), authn.Principal{Subject: "evaluation", Roles: []string{authn.RoleService}})
	must(t, s.service.Runs().Follow(ctx))
	if worked, err := s.worker("w").Next(ctx); worked || err != nil {
		t.Fatalf("the policy that came along was followed: %v %v", worked, err)
	}
	version := s.proposed("default.yaml", func(y string) string {
		return replaceOnce(s, y, `review_interval_days: 180`, `review_interval_days: 90`)
	})
	s.sign(version)
	for range 3 {
		must(t, s.service.Runs().Follow(ctx))
	}
	if run := s.finish(fmt.Sprintf("policy-%d", version)); run.GetCreatedBy() != "evaluation" || run.GetDryRun() || run.GetResult().GetCustomers() != 1 {
		t.Errorf("%v", run)
	}
	must(t, s.service.Runs().Follow(ctx))
	if worked, err := s.worker("w").Next(ctx); worked || err != nil {
		t.Errorf("followed again: %v %v", worked, err)
	}
}

// Records that receivables told on the day are used again, unless anew is asked for; a customer that they refuse is listed; while they are away
// the run waits.
func TestPaymentRecordsOfARun(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.rate("C-1")
	version := s.proposed("default.yaml", nil)
	asked := func() int {
		s.receivables.mu.Lock()
		defer s.receivables.mu.Unlock()
		return len(s.receivables.asked)
	}
	base := asked()
	s.simulate(version, false)
	s.simulate(version, false)
	if n := asked() - base; n != 1 {
		t.Errorf("asked %d times for two runs", n)
	}
	s.receivables.setDown(true)
	run := s.simulate(version, true)
	if c := s.made(run.GetPortfolioRunId(), evaluationv1.PortfolioMove_PORTFOLIO_MOVE_FAILED)["C-1"]; run.GetResult().GetFailed() != 1 || !contains(c.GetProblem(), "PAYMENT_RECORD_UNAVAILABLE", "DOWN") {
		t.Errorf("%v: %v", run, c)
	}
	s.receivables.setDown(false)
	s.receivables.setAway(true)
	id := s.startedAnew(version)
	time.AfterFunc(300*time.Millisecond, func() { s.receivables.setAway(false) })
	if run := s.finish(id); run.GetResult().GetFailed() != 0 || run.GetResult().GetCustomers() != 1 {
		t.Errorf("%v", run)
	}
}

func (s *suite) startedAnew(version int64) string {
	s.Helper()
	started, err := s.runs().SimulateEvaluationPolicy(as(credit), &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: s.rid(), Version: version, AskAnew: true})
	must(s, err)
	return started.GetPortfolioRun().GetPortfolioRunId()
}

// A run is cancelled while it waits and while it is under way; a run of a version that does not hold any more is not made for real.
func TestRunsEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.everybody(10)
	version := s.proposed("default.yaml", nil)
	_, err := s.runs().SimulateEvaluationPolicy(as(credit), &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: s.rid(), Version: 99})
	refused(t, err, errs.NotFound, "POLICY_NOT_FOUND")
	waiting := s.started(version)
	ended, err := s.runs().CancelPortfolioRun(as(credit), &evaluationv1.CancelPortfolioRunRequest{PortfolioRunId: waiting})
	must(t, err)
	if ended.GetPortfolioRun().GetState() != evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_CANCELLED {
		t.Errorf("%v", ended)
	}
	id := s.started(version)
	p := s.service.Runs()
	p.SetSize = 3
	claimed, _, err := p.Store.Claim(t.Context(), "w", time.Hour)
	must(t, err)
	_, err = p.RunSimulation(t.Context(), claimed, func(ctx context.Context, q pg.Querier, o operation.Operation) (bool, error) {
		if o.Done == 3 {
			must(t, p.Store.Cancel(ctx, id))
		}
		return p.Store.Save(ctx, q, o, time.Hour)
	})
	if !errors.Is(err, operation.ErrCancelled) {
		t.Errorf("%v", err)
	}
	_, err = s.runs().DownloadPortfolioRun(as(credit), &evaluationv1.DownloadPortfolioRunRequest{PortfolioRunId: id})
	refused(t, err, errs.FailedPrecondition, "PORTFOLIO_RUN_NOT_DONE")
	_, err = s.pool.Exec(t.Context(), `UPDATE operations SET state = 'CANCELLED', ended_at = now() WHERE operation_id = $1`, id)
	must(t, err)
	started, err := s.runs().RerateCustomers(as(credit), &evaluationv1.RerateCustomersRequest{RequestId: s.rid()})
	must(t, err)
	s.sign(version)
	if run := s.finish(started.GetPortfolioRun().GetPortfolioRunId()); run.GetErrorReason() != "POLICY_REPLACED" {
		t.Errorf("%v", run)
	}
}
