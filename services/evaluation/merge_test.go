package evaluation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (s *suite) merge(who, from, into string, try bool) (*evaluationv1.MergeCustomerResponse, error) {
	return s.customers().MergeCustomer(as(who), &evaluationv1.MergeCustomerRequest{
		RequestId: s.rid(), CustomerId: from, SurvivorId: into, Reason: "one firm, entered twice", ValidateOnly: try,
	})
}

func (s *suite) closeFile(id string) {
	s.Helper()
	_, err := s.update(&evaluationv1.Customer{CustomerId: id, LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_CLOSED}, "life_cycle")
	must(s, err)
}

// Invariant 32: of a file that is merged nothing is lost, and it is never changed again; what is open of it does not hinder it.
func TestMerge(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-2")
	_, err := s.create(erp, &evaluationv1.Customer{
		CustomerId: "C-1", DisplayName: "Firm Twice", LegalName: "Firm Twice Limited", Uscc: "91350100M000100Y43", Contacts: []*evaluationv1.Contact{{Name: "Office"}},
	})
	must(t, err)
	_, err = s.noteFact(seller, suit("F-other"))
	refused(t, err, errs.NotFound, "CUSTOMER_NOT_FOUND")
	for _, id := range []string{"F-old", "F-suit"} {
		f := suit(id)
		if id == "F-suit" {
			f.SupersedesFactId = "F-old"
		}
		_, err := s.noteFact(analyst, f)
		must(t, err)
	}
	_, err = s.facts().VerifyCreditFact(as(clerk), &evaluationv1.VerifyCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", FactId: "F-suit"})
	must(t, err)

	_, err = s.merge(analyst, "C-1", "C-2", false)
	if errs.KindOf(err) != errs.PermissionDenied {
		t.Fatalf("an analyst merges: %v", err)
	}
	_, err = s.merge(credit, "C-1", "C-2", false)
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_NOT_CLOSED")
	s.closeFile("C-1")
	s.receivables.set("C-1", &receivablesv1.PaymentRecord{OpenAmount: cny("7.00")}) // it moves with the account
	_, err = s.merge(credit, "C-1", "C-2", true)
	must(t, err)
	res, err := s.merge(credit, "C-1", "C-2", false)
	must(t, err)

	if res.GetMerged().GetMergedIntoId() != "C-2" || res.GetCopiedFacts() != 1 || res.GetSurvivor().GetUscc() != "91350100M000100Y43" ||
		!slices.Contains(res.GetSurvivor().GetAliases(), "Firm Twice Limited") || len(res.GetSurvivor().GetContacts()) != 1 {
		t.Fatalf("%v", res)
	}
	known, err := s.facts().ListCreditFacts(as(seller), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-2", Kind: evaluationv1.CreditFactKind_CREDIT_FACT_KIND_LITIGATION})
	must(t, err)
	if f := known.GetFacts(); len(f) != 1 || f[0].GetOriginCustomerId() != "C-1" || f[0].GetOriginFactId() != "F-suit" || f[0].GetRecordedBy() != "an" || f[0].GetVerifiedBy() != "fang" {
		t.Fatalf("%v", f)
	}
	old, err := s.facts().ListCreditFacts(as(analyst), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-1"})
	must(t, err)
	if len(old.GetFacts()) != 2 {
		t.Fatalf("the merged file keeps %d facts", len(old.GetFacts()))
	}
	if into := s.gate.newest("C-1").GetMergedIntoId(); into != "C-2" {
		t.Fatalf("the others hear that C-1 was merged into %q", into)
	}
	if p := s.gate.newest("C-2"); p.GetGrade() != evaluationv1.Grade_GRADE_C {
		t.Fatalf("the survivor is not rated by what came with the other file: %v", p.GetGrade())
	}
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_PROSPECT}, "life_cycle")
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_MERGED")
	_, err = s.noteFact(analyst, suit("F-late"))
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_MERGED")
	_, err = s.facts().VerifyCreditFact(as(credit), &evaluationv1.VerifyCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", FactId: "F-suit"})
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_MERGED")
	_, err = s.applications().CreateCreditApplication(as(manager), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedTermDays: 10},
	})
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_MERGED")
	_, err = s.merge(credit, "C-1", "C-2", false)
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_MERGED")
	list, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{Filter: `merged_into_id = "C-2"`})
	must(t, err)
	if len(list.GetCustomers()) != 1 || list.GetCustomers()[0].GetCustomerId() != "C-1" {
		t.Fatalf("%v", list)
	}
}

// A form that somebody has yet to act on is open business too.
func TestMergeWaitsForForms(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.customer("C-2")
	s.statement("C-1", "40")
	f := s.apply("C-1", "1000", 10)
	s.closeFile("C-1")
	_, err := s.merge(credit, "C-1", "C-2", false)
	refused(t, err, errs.FailedPrecondition, "CUSTOMER_HAS_OPEN_BUSINESS")
	if !strings.Contains(err.Error(), f.GetSerialNumber()) {
		t.Fatalf("says %v", err)
	}
}

// How the account of a merged file paid counts for the survivor, from the day of the merge on, through any number of merges.
func TestMergedAccountsCount(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, id := range []string{"C-1", "C-2", "C-3"} {
		s.customer(id)
		s.receivables.set(id, payments(3, "0"))
	}
	late := payments(3, "100000000") // 1,000 days on average
	s.receivables.set("C-3", late)
	if g := s.rate("C-1").GetRating().GetGrade(); g != evaluationv1.Grade_GRADE_A {
		t.Fatalf("before: %v", g)
	}
	for _, m := range [][2]string{{"C-3", "C-2"}, {"C-2", "C-1"}} {
		s.closeFile(m[0])
		_, err := s.merge(credit, m[0], m[1], false)
		must(t, err)
	}
	newest := s.ratingsOf("C-1")[0]
	if newest.GetGrade() != evaluationv1.Grade_GRADE_D || newest.GetDeciding() != "collection/average_days_late" {
		t.Fatalf("after: %v", newest)
	}
	replay, err := s.ratings().ReplayRating(as(analyst), &evaluationv1.ReplayRatingRequest{RatingId: newest.GetRatingId()})
	must(t, err)
	if !replay.GetIdentical() || !strings.Contains(replay.GetRecorded(), `"settled_items":9`) {
		t.Fatalf("%v", replay)
	}
}
