package evaluation_test

import (
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// From the customer file to the grant, and back down after bad payment.
func TestFromFileToGrantAndBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	g := s.granted("C-1")
	if g.GetVersion() != 1 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || g.GetLimit().GetAmount().GetAmount() != "100000.00" ||
		g.GetTermDays() != 30 || g.GetSerialNumber() != "CA-000001" || g.GetApprovedBy() != "ma" || g.GetValidUntilDate() != "2027-03-02" {
		t.Fatalf("grant %v", g)
	}
	p := s.gate.newest("C-1")
	if p.GetGrant().GetVersion() != 1 || p.GetGrade() != evaluationv1.Grade_GRADE_A || p.GetGrant().GetHash() != g.GetHash() {
		t.Fatalf("the gate was told %v", p)
	}
	s.receivables.set("C-1", &receivablesv1.PaymentRecord{
		FallenDue: cny("1000"), Collected: cny("700"), SettledItems: 3, LateItems: 3, LateAmountDays: "7000000",
		SettledAmount: cny("700"), FirstInvoiceDate: "2026-01-02",
	})
	if _, err := s.settle("C-1", 1, 3); err != nil {
		t.Fatal(err)
	}
	g = s.grant("C-1")
	if g.GetVersion() != 2 || g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_RATING || g.GetGrade() != evaluationv1.Grade_GRADE_D ||
		g.GetTreatment() != evaluationv1.Treatment_TREATMENT_PHASED_OUT || g.GetLimit() != nil {
		t.Fatalf("grant after the fall %v", g)
	}
	if p := s.gate.newest("C-1"); p.GetGrant().GetVersion() != 2 || p.GetGrade() != evaluationv1.Grade_GRADE_D {
		t.Fatalf("the gate was not told of the fall: %v", p)
	}
	list, err := s.ratings().ListRatings(as(seller), &evaluationv1.ListRatingsRequest{CustomerId: "C-1"})
	must(t, err)
	newest := list.GetRatings()[0]
	if newest.GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_TRANSACTION_COMPLETED || newest.GetPreviousGrade() != evaluationv1.Grade_GRADE_A {
		t.Fatalf("rating %v", newest)
	}
	t.Log(newest.GetReason())
	replay, err := s.ratings().ReplayRating(as(analyst), &evaluationv1.ReplayRatingRequest{RatingId: newest.GetRatingId()})
	must(t, err)
	if !replay.GetIdentical() {
		t.Fatalf("replay differs:\n%s\n%s", replay.GetRecorded(), replay.GetRecomputed())
	}
	report, err := s.operations().VerifyChains(as(operator), &evaluationv1.VerifyChainsRequest{})
	must(t, err)
	if len(report.GetBreaks()) != 0 || report.GetEntries() < 4 {
		t.Fatalf("chains %v", report)
	}
}
