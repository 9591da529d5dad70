package evaluation_test

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/jobs"
)

// often makes a customer that usually buys again within so many days, and rates it.
func (s *suite) often(id, liabilities string, days int32) {
	s.Helper()
	_, err := s.customers().CreateCustomer(as(seller), &evaluationv1.CreateCustomerRequest{RequestId: s.rid(), Customer: &evaluationv1.Customer{
		CustomerId: id, DisplayName: "Firm " + id, UsualPurchase: cny("100000"), PurchasePattern: &evaluationv1.PurchasePattern{IntervalDays: days},
	}})
	must(s, err)
	s.statement(id, liabilities)
	s.rate(id)
}

func (s *suite) reviewPolicy(more string) {
	s.Helper()
	text, err := os.ReadFile("policy/default.yaml")
	must(s, err)
	v, err := s.draft(string(text) + more)
	must(s, err)
	s.sign(v.GetVersion())
}

const reviews = `
grade_reviews:
  - { grade: GRADE_C, interval_days: 30 }
  - { grade: GRADE_B, interval_days: 0 }
short_cycle: { purchase_interval_days: 7, review_interval_days: 14, instead_of_transactions: true }
`

// Invariant 45. A customer is rated again after the interval of its grade, or of its trade where that is shorter; none twice for one day.
func TestReviewsByGradeAndTradeCycle(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.reviewPolicy(reviews)
	s.often("A", "40", 0)      // grade A: 180 days
	s.often("B", "70", 0)      // never
	s.often("C", "80", 8)      // 30 days
	s.often("SHORT", "40", 7)  // 14 days
	s.often("SHORTC", "80", 3) // 14 days, its grade would leave it 30
	s.often("SHORTB", "70", 3) // 14 days, its grade never
	for _, step := range []struct {
		day string
		due []string
	}{
		{"2026-03-15", nil},
		{"2026-03-16", []string{"SHORT", "SHORTB", "SHORTC"}},
		{"2026-03-29", nil},
		{"2026-03-30", []string{"SHORT", "SHORTB", "SHORTC"}},
		{"2026-04-01", []string{"C"}},
		{"2026-08-29", []string{"SHORT", "SHORTB", "SHORTC", "C", "A"}}, // the longest ago first; A only on this day
	} {
		r := s.reviewer(step.day)
		due, err := r.DueForReview(t.Context(), 10)
		must(t, err)
		slices.Sort(due)
		want := slices.Sorted(slices.Values(step.due))
		if !slices.Equal(due, want) {
			t.Errorf("%s: due %q, want %q", step.day, due, want)
		}
		if n := jobs.NewReviews(r, slog.New(slog.DiscardHandler)).Round(t.Context()); n != len(want) {
			t.Errorf("%s: %d reviewed", step.day, n)
		}
		if due, err := r.DueForReview(t.Context(), 10); len(due) > 0 || err != nil {
			t.Errorf("%s: %q due again (%v)", step.day, due, err)
		}
	}
	_, err := s.draft(strings.Replace(mustRead(t, "policy/default.yaml")+reviews, "grade: GRADE_B, interval", "grade: GRADE_C, interval", 1))
	refused(t, err, errs.Invalid, "POLICY_INVALID")
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	return string(text)
}

// Where trade is short, what was settled in time waits for the review and is covered by it; what was settled late does not wait, nor does the
// customer that was never rated or buys seldom.
func TestShortTradesAreRatedByPeriod(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.reviewPolicy(reviews)
	s.often("SHORT", "40", 7)
	s.often("LONG", "40", 30)
	settle := func(id string, seq int64, day, due string) {
		t.Helper()
		s.receivables.set(id, payments(seq, "0"))
		res, err := s.feed().ApplySettlements(as(program), &evaluationv1.ApplySettlementsRequest{Settlements: []*evaluationv1.Settlement{
			{CustomerId: id, Sequence: seq, BusinessDate: day, DueDate: due, InvoiceId: "I", Amount: cny("100")},
		}})
		must(t, err)
		if res.GetLastSequence() != seq {
			t.Fatalf("has %d of %d", res.GetLastSequence(), seq)
		}
	}
	count := func(id string) int { return len(s.ratingsOf(id)) }
	settle("SHORT", 1, "2026-03-03", "2026-03-03")
	settle("LONG", 1, "2026-03-03", "2026-03-03")
	if count("SHORT") != 1 || count("LONG") != 2 {
		t.Errorf("settled in time: %d and %d ratings", count("SHORT"), count("LONG"))
	}
	settle("SHORT", 2, "2026-03-05", "2026-03-04")
	if all := s.ratingsOf("SHORT"); len(all) != 2 || all[0].GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_TRANSACTION_COMPLETED {
		t.Errorf("settled late: %v", all)
	}
	settle("SHORT", 3, "2026-03-06", "2026-03-20")
	if n := jobs.NewReviews(s.reviewer("2026-03-19"), slog.New(slog.DiscardHandler)).Round(t.Context()); n != 1 {
		t.Errorf("%d reviewed", n)
	}
	if all := s.ratingsOf("SHORT"); len(all) != 3 || all[0].GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_INTERVAL {
		t.Errorf("after the period: %v", all)
	}
}
