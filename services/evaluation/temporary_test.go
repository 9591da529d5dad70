package evaluation_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) draftTemporary(customerID, limit string, days int32, t *evaluationv1.TemporaryTerms) (string, error) {
	res, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{
			CustomerId: customerID, RequestedLimit: cny(limit), RequestedTermDays: days, Temporary: t,
		},
	})
	return res.GetApplication().GetApplicationId(), err
}

func added(from, until string) *evaluationv1.TemporaryTerms {
	return &evaluationv1.TemporaryTerms{Mode: evaluationv1.TemporaryLimitMode_TEMPORARY_LIMIT_MODE_ADD, FromDate: from, UntilDate: until}
}

// A limit for a time is a form like any other: routed by the sum that would hold, and the
// gate is told of it beside the standing limit.
func TestTemporaryLimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1") // 100,000 for 30 days, all that the first row covers
	s.customer("C-2")
	s.statement("C-2", "40")
	for _, c := range []struct {
		days        int32
		from, until string
		field       string
	}{
		{30, "2026-03-05", "2026-03-31", "application.requested_term_days"},
		{0, "2026-03-31", "2026-03-05", "application.temporary.until_date"},
	} {
		_, err := s.draftTemporary("C-1", "1000", c.days, added(c.from, c.until))
		if refused(t, err, errs.Invalid, "INVALID_FIELD"); field(err) != c.field {
			t.Errorf("%v", err)
		}
	}
	for id, terms := range map[string]*evaluationv1.TemporaryTerms{
		"C-2": added("2026-03-05", "2026-03-31"), // no standing grant
		"C-1": added("2027-03-01", "2027-03-03"), // the standing grant ends on the 2nd
	} {
		draft, err := s.draftTemporary(id, "1000", 0, terms)
		must(t, err)
		_, err = s.submitAs(seller, draft)
		refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	}
	id, err := s.draftTemporary("C-1", "0.01", 0, added("2026-03-05", "2026-03-31"))
	must(t, err)
	f, err := s.submitAs(seller, id)
	must(t, err)
	// 0.01 by itself would be the first row's; with the standing limit it is not.
	if f.GetAuthorityRow() == 1 || f.GetTemporary().GetUntilDate() != "2026-03-31" {
		t.Fatalf("row %d: %v", f.GetAuthorityRow(), f)
	}
	people := map[int32][]string{2: {clerk, manager, boss}, 3: {clerk, manager, boss, chairman}}[f.GetAuthorityRow()]
	for _, who := range people {
		_, err = s.approve(who, id)
		must(t, err)
	}
	g := s.grant("C-1")
	if g.GetVersion() != 2 || g.GetLimit().GetAmount().GetAmount() != "100000.00" || g.GetTermDays() != 30 || g.GetValidUntilDate() != "2027-03-02" ||
		len(g.GetTemporaryLimits()) != 1 || g.GetTemporaryLimits()[0].GetAmount().GetAmount() != "0.01" || g.GetSerialNumber() != f.GetSerialNumber() {
		t.Fatalf("%v", g)
	}
	if p := s.gate.newest("C-1"); len(p.GetGrant().GetTemporaryLimits()) != 1 || p.GetGrant().GetTemporaryLimits()[0].GetFromDate() != "2026-03-05" {
		t.Fatalf("the gate was told %v", p)
	}
	s.chainsHold()
}

// People sign for a sum: where the standing grant changed meanwhile, the form is routed anew.
func TestTemporaryLimitOnAnotherGrant(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	id, err := s.draftTemporary("C-1", "1000", 0, added("2026-03-05", "2026-03-31"))
	must(t, err)
	f, err := s.submitAs(seller, id)
	must(t, err)
	people := map[int32][]string{2: {clerk, manager, boss}, 3: {clerk, manager, boss, chairman}}[f.GetAuthorityRow()]
	last := len(people) - 1
	for _, who := range people[:last] {
		_, err = s.approve(who, id)
		must(t, err)
	}
	s.ask("C-1", 1)
	s.decide(director, "WR-000001", withdrawIt)
	_, err = s.approve(people[last], id)
	refused(t, err, errs.FailedPrecondition, "GRANT_CHANGED")
	if g := s.grant("C-1"); g.GetVersion() != 2 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER {
		t.Fatalf("%v", g)
	}
}
