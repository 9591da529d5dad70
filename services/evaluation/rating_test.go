package evaluation_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// payments is a record of n settled invoices, paid as late as the figure says.
func payments(n int64, lateAmountDays string) *receivablesv1.PaymentRecord {
	return &receivablesv1.PaymentRecord{
		FallenDue: cny("1000"), Collected: cny("1000"), SettledItems: n, LateAmountDays: lateAmountDays,
		SettledAmount: cny("1000"), FirstInvoiceDate: "2026-01-02", InvoiceAmounts: nil,
	}
}

func (s *suite) ratingsOf(customerID string) []*evaluationv1.Rating {
	s.Helper()
	res, err := s.ratings().ListRatings(as(analyst), &evaluationv1.ListRatingsRequest{CustomerId: customerID})
	must(s, err)
	return res.GetRatings()
}

// Invariant 5: the same facts under the same policy give no new rating.
func TestSameFactsNoNewRating(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	first := s.rate("C-1")
	if first.GetUnchanged() || first.GetRating().GetGrade() != evaluationv1.Grade_GRADE_A || first.GetRating().GetRatingId() != "C-1.1" {
		t.Fatalf("%v", first)
	}
	if again := s.rate("C-1"); !again.GetUnchanged() || again.GetRating().GetRatingId() != "C-1.1" {
		t.Fatalf("%v", again)
	}
	// Another day alone changes nothing.
	later, err := s.ratings().RateCustomer(as(analyst, "2026-04-01"), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	must(t, err)
	if !later.GetUnchanged() {
		t.Fatalf("%v", later)
	}
	// A day on which the statement is too old does.
	stale, err := s.ratings().RateCustomer(as(analyst, "2027-12-01"), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	must(t, err)
	if stale.GetUnchanged() || stale.GetRating().GetGrade() != evaluationv1.Grade_GRADE_UNSPECIFIED {
		t.Fatalf("%v", stale)
	}
	got, err := s.customers().GetCustomer(as(analyst), &evaluationv1.GetCustomerRequest{CustomerId: "C-1"})
	must(t, err)
	if got.GetCustomer().GetGrade() != evaluationv1.Grade_GRADE_UNSPECIFIED {
		t.Fatalf("file shows %v", got.GetCustomer().GetGrade())
	}
}

// Without the payment record nothing is rated, and nothing is guessed.
func TestReceivablesUnreachable(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.receivables.setDown(true)
	_, err := s.ratings().RateCustomer(as(analyst), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	refused(t, err, errs.Unavailable, "PAYMENT_RECORD_UNAVAILABLE")
	if _, err := s.settle("C-1", 1, 1); errs.KindOf(err) != errs.Unavailable {
		t.Fatalf("%v", err)
	}
	s.receivables.setDown(false)
	if last, err := s.settle("C-1", 1, 1); err != nil || last != 1 {
		t.Fatalf("the settlement was lost: %d %v", last, err)
	}
}

// Invariant 7: each settlement is covered by a rating exactly once, in order.
func TestSettlements(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.receivables.set("C-1", payments(3, "0"))
	if _, err := s.settle("C-1", 2, 2); errs.ReasonOf(err) != "SEQUENCE_GAP" {
		t.Fatalf("%v", err)
	} else if e, _ := errs.As(err); e.Meta["expected"] != "1" {
		t.Fatalf("%v", e.Meta)
	}
	if n := len(s.ratingsOf("C-1")); n != 0 {
		t.Fatalf("a gap was rated %d times", n)
	}
	if last, err := s.settle("C-1", 1, 3); err != nil || last != 3 {
		t.Fatalf("%d %v", last, err)
	}
	s.receivables.set("C-1", payments(4, "1000000"))
	for range 3 {
		if last, err := s.settle("C-1", 2, 4); err != nil || last != 4 {
			t.Fatalf("%d %v", last, err)
		}
	}
	all := s.ratingsOf("C-1")
	if len(all) != 2 || all[0].GetGrade() != evaluationv1.Grade_GRADE_B || all[0].GetPreviousGrade() != evaluationv1.Grade_GRADE_A {
		t.Fatalf("%d ratings, newest %v", len(all), all[0])
	}
	if all[0].GetBusinessDate() != startDay {
		t.Fatalf("rated for %s", all[0].GetBusinessDate())
	}
}

// A late report of an old day does not turn the view back to that day.
func TestNoRatingOfAnEarlierDay(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.receivables.set("C-1", payments(3, "0"))
	_, err := s.ratings().RateCustomer(as(analyst, "2026-03-10"), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
	must(t, err)
	s.receivables.set("C-1", payments(4, "0"))
	if _, err := s.settle("C-1", 1, 1); err != nil {
		t.Fatal(err)
	}
	if got := s.ratingsOf("C-1")[0].GetBusinessDate(); got != "2026-03-10" {
		t.Fatalf("rated for %s", got)
	}
}

// Many ratings of one customer at once: numbers without gaps, each after the one before.
func TestConcurrentRatings(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s.receivables.set("C-1", payments(int64(3+i), "0"))
			_, err := s.ratings().RateCustomer(as(analyst), &evaluationv1.RateCustomerRequest{RequestId: s.rid(), CustomerId: "C-1"})
			if err != nil && errs.KindOf(err) != errs.Aborted {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := s.ratingsOf("C-1")
	for i, r := range all {
		if r.GetSequence() != int64(len(all)-i) {
			t.Fatalf("rating %d has number %d", i, r.GetSequence())
		}
	}
	s.chainsHold()
}

func (s *suite) chainsHold() {
	s.Helper()
	report, err := s.operations().VerifyChains(as(operator), &evaluationv1.VerifyChainsRequest{})
	must(s, err)
	if len(report.GetBreaks()) != 0 {
		s.Fatalf("%v", report)
	}
}

// Invariant 17, and what was known on a day.
func TestFacts(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	rating := func(id, supersedes, day string) (*evaluationv1.CreditFact, error) {
		res, err := s.facts().RecordCreditFact(as(analyst, day), &evaluationv1.RecordCreditFactRequest{
			RequestId: s.rid(), CustomerId: "C-1", Fact: &evaluationv1.CreditFact{
				FactId: id, Source: "agency", AsOfDate: "2026-02-01", SupersedesFactId: supersedes,
				Content: &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{Agency: "X", Rating: "AA"}},
			},
		})
		return res.GetFact(), err
	}
	verify := func(who, id, day string) error {
		_, err := s.facts().VerifyCreditFact(as(who, day), &evaluationv1.VerifyCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", FactId: id})
		return err
	}
	first, err := rating("F-1", "", "2026-03-02")
	must(t, err)
	if first.GetRecordedBy() != "an" || first.GetRecordDate() != "2026-03-02" {
		t.Fatalf("%v", first)
	}
	refused(t, verify(analyst, "F-1", "2026-03-03"), errs.PermissionDenied, "SAME_PERSON")
	must(t, verify(clerk, "F-1", "2026-03-04"))
	refused(t, verify(credit, "F-1", "2026-03-04"), errs.FailedPrecondition, "FACT_VERIFIED")
	_, err = rating("F-2", "F-1", "2026-03-06")
	must(t, err)
	_, err = rating("F-3", "F-1", "2026-03-06")
	refused(t, err, errs.FailedPrecondition, "FACT_SUPERSEDED")
	_, err = rating("F-1", "", "2026-03-06")
	refused(t, err, errs.AlreadyExists, "FACT_EXISTS")
	for day, want := range map[string]string{
		"2026-03-01": "", "2026-03-02": "F-1//", "2026-03-04": "F-1/fang/", "2026-03-06": "F-2//F-1/fang/F-2", "": "F-2//F-1/fang/F-2",
	} {
		res, err := s.facts().ListCreditFacts(as(analyst), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-1", KnownOnDate: day})
		must(t, err)
		got := ""
		for _, f := range res.GetFacts() {
			got += fmt.Sprintf("%s/%s/%s", f.GetFactId(), f.GetVerifiedBy(), f.GetSupersededByFactId())
		}
		if got != want {
			t.Errorf("known on %q: %s, want %s", day, got, want)
		}
	}
}
