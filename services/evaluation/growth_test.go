package evaluation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) growth() evaluationv1.GrowthReviewServiceClient {
	return evaluationv1.NewGrowthReviewServiceClient(s.conn)
}

// takenOver makes a customer whose credit was approved on paper since a day.
func (s *suite) takenOver(id, limit, since string) {
	s.Helper()
	s.customer(id)
	_, err := s.grants().TakeOverGrant(as(credit), &evaluationv1.TakeOverGrantRequest{RequestId: s.rid(), CustomerId: id, Limit: &evaluationv1.CreditLimit{
		Kind: &evaluationv1.CreditLimit_Amount{Amount: cny(limit)},
	}, TermDays: 30, ValidFromDate: since, PaperFormReference: "P-" + id})
	must(s, err)
}

// Invariant 47. A growth review is of all customers with credit and no other, by the periods of the policy: who did not grow is listed, the
// largest loss first.
func TestGrowthReview(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.reviewPolicy(`
growth: { period_months: 6, compare_with: GROWTH_COMPARISON_YEAR_BEFORE, least_growth: "0.05", credit_months: 3 }
`)
	const now, before = "2025-09-03 2026-03-02", "2024-09-03 2025-03-02"
	s.receivables.volumes = map[string]map[string]string{
		"C-1": {now: "1100", before: "1000"}, "C-2": {now: "1050", before: "1000"}, "C-3": {now: "10", before: "1000"}, "C-5": {now: "1", before: "2"},
		"CASH": {now: "1", before: "2"}, "OVER": {now: "1", before: "2"}, "ZERO": {now: "1", before: "2"},
	}
	for _, id := range []string{"C-1", "C-2", "C-3", "C-4"} {
		s.takenOver(id, "5000", "2025-06-01")
	}
	s.takenOver("C-5", "700", "2026-01-02") // too early
	s.takenOver("ZERO", "0", "2025-06-01")  // a limit of zero is no credit
	s.customer("CASH")
	started, err := s.growth().StartGrowthReview(as(manager), &evaluationv1.StartGrowthReviewRequest{RequestId: s.rid()})
	must(t, err)
	id := started.GetGrowthReview().GetGrowthReviewId()
	_, err = s.growth().DownloadGrowthReview(as(boss), &evaluationv1.DownloadGrowthReviewRequest{GrowthReviewId: id})
	refused(t, err, errs.FailedPrecondition, "GROWTH_REVIEW_NOT_DONE")
	w := s.worker("w")
	s.service.Runs().SetSize = 2
	if worked, err := w.Next(t.Context()); !worked || err != nil {
		t.Fatal(worked, err)
	}
	got, err := s.growth().GetGrowthReview(as(auditor), &evaluationv1.GetGrowthReviewRequest{GrowthReviewId: id})
	must(t, err)
	g := got.GetGrowthReview()
	r := g.GetResult()
	if g.GetFromDate()+" "+g.GetToDate() != now || g.GetComparedFromDate()+" "+g.GetComparedToDate() != before || g.GetDone() != 5 || g.GetTotal() != 5 {
		t.Errorf("%v", g)
	}
	if fmt.Sprint(r.GetCustomers(), r.GetGrew(), r.GetNotGrown(), r.GetTooEarly(), r.GetUnknown()) != "5 1 2 1 1" {
		t.Errorf("%v", r)
	}
	if v, c := r.GetVolumes(), r.GetComparedVolumes(); len(v) != 1 || v[0].GetAmount() != "2160.00" || c[0].GetAmount() != "3000.00" {
		t.Errorf("%v against %v", v, c)
	}
	list := r.GetNotGrownCustomers()
	if len(list) != 2 || list[0].GetCustomerId() != "C-3" || list[0].GetGrowth() != "-0.9900" || list[0].GetLimit().GetAmount() != "5000.00" ||
		list[0].GetCreditSinceDate() != "2025-06-01" || list[1].GetCustomerId() != "C-2" || list[1].GetGrowth() != "0.0500" {
		t.Errorf("%v", list)
	}
	if p := r.GetSalespeople(); len(p) != 1 || p[0].GetSalespersonId() != "li" || p[0].GetNotGrown() != 2 || p[0].GetGrew() != 1 {
		t.Errorf("%v", p)
	}
	page, err := s.growth().ListGrowthReviewCustomers(as(auditor), &evaluationv1.ListGrowthReviewCustomersRequest{
		GrowthReviewId: id, Verdict: evaluationv1.GrowthVerdict_GROWTH_VERDICT_TOO_EARLY,
	})
	must(t, err)
	if len(page.GetCustomers()) != 1 || page.GetCustomers()[0].GetCustomerId() != "C-5" {
		t.Errorf("%v", page)
	}
	file, err := s.growth().DownloadGrowthReview(as(boss), &evaluationv1.DownloadGrowthReviewRequest{
		GrowthReviewId: id, Language: evaluationv1.PortfolioLanguage_PORTFOLIO_LANGUAGE_EN,
	})
	must(t, err)
	book, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
	must(t, err)
	for cell, want := range map[[2]string]string{{"Summary", "B5"}: "2", {"Not grown", "A2"}: "C-3", {"Not grown", "L2"}: "-0.9900", {"Not grown", "A4"}: "", {"By salesperson", "C2"}: "2"} {
		if got, err := book.GetCellValue(cell[0], cell[1]); got != want || err != nil {
			t.Errorf("%v is %q (%v), want %q", cell, got, err, want)
		}
	}
	runs, err := s.runs().ListPortfolioRuns(as(auditor), &evaluationv1.ListPortfolioRunsRequest{})
	must(t, err)
	if len(runs.GetPortfolioRuns()) != 0 {
		t.Errorf("a growth review is no portfolio run: %v", runs)
	}
	_, err = s.runs().GetPortfolioRun(as(auditor), &evaluationv1.GetPortfolioRunRequest{PortfolioRunId: id})
	refused(t, err, errs.NotFound, "OPERATION_UNKNOWN")
	reviews, err := s.growth().ListGrowthReviews(as(auditor), &evaluationv1.ListGrowthReviewsRequest{})
	must(t, err)
	if len(reviews.GetGrowthReviews()) != 1 || reviews.GetGrowthReviews()[0].GetResult() != nil {
		t.Errorf("%v", reviews)
	}
}

// A review is cancelled while it waits and while it is under way; another kind of work is none.
func TestGrowthReviewsEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, id := range []string{"C-1", "C-2", "C-3"} {
		s.takenOver(id, "5000", "2025-06-01")
	}
	begin := func() string {
		started, err := s.growth().StartGrowthReview(as(manager), &evaluationv1.StartGrowthReviewRequest{RequestId: s.rid()})
		must(t, err)
		return started.GetGrowthReview().GetGrowthReviewId()
	}
	cancel := func(who, id string) (*evaluationv1.GrowthReview, error) {
		res, err := s.growth().CancelGrowthReview(as(who), &evaluationv1.CancelGrowthReviewRequest{GrowthReviewId: id})
		return res.GetGrowthReview(), err
	}
	waiting := begin()
	_, err := cancel(auditor, waiting)
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	ended, err := cancel(manager, waiting)
	must(t, err)
	if ended.GetState() != evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_CANCELLED {
		t.Errorf("%v", ended)
	}
	id := begin()
	p := s.service.Runs()
	p.SetSize = 2
	claimed, _, err := p.Store.Claim(t.Context(), "w", time.Hour)
	must(t, err)
	_, err = p.RunGrowth(t.Context(), claimed, func(ctx context.Context, q pg.Querier, o operation.Operation) (bool, error) {
		if o.Done == 2 {
			asked, err := cancel(manager, id)
			must(t, err)
			if !asked.GetCancelRequested() {
				t.Errorf("%v", asked)
			}
		}
		return p.Store.Save(ctx, q, o, time.Hour)
	})
	if !errors.Is(err, operation.ErrCancelled) {
		t.Errorf("%v", err)
	}
	simulation := s.started(1)
	_, err = cancel(manager, simulation)
	refused(t, err, errs.NotFound, "OPERATION_UNKNOWN")
}
