package evaluation_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) create(who string, c *evaluationv1.Customer) (*evaluationv1.CreateCustomerResponse, error) {
	return s.customers().CreateCustomer(as(who), &evaluationv1.CreateCustomerRequest{RequestId: s.rid(), Customer: c})
}

func (s *suite) update(c *evaluationv1.Customer, paths ...string) (*evaluationv1.Customer, error) {
	req := &evaluationv1.UpdateCustomerRequest{RequestId: s.rid(), Customer: c}
	if len(paths) > 0 {
		req.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	}
	res, err := s.customers().UpdateCustomer(as(credit), req)
	return res.GetCustomer(), err
}

func TestCustomerFile(t *testing.T) {
	t.Parallel()
	s := start(t)
	created, err := s.create(erp, &evaluationv1.Customer{
		CustomerId: "0042", DisplayName: "Sunrise", LegalName: "Sunrise Trading Co., Ltd.", Uscc: "91350100M000100Y43", SalespersonId: "li",
		Contacts: []*evaluationv1.Contact{{Purpose: "payment", Name: "Office"}},
	})
	must(t, err)
	c := created.GetCustomer()
	if c.GetRevision() != 1 || c.GetCurrencyCode() != "CNY" || c.GetLifeCycle() != evaluationv1.LifeCycle_LIFE_CYCLE_PROSPECT || len(created.GetPossibleDuplicateIds()) != 0 {
		t.Fatalf("%v", created)
	}
	_, err = s.create(erp, &evaluationv1.Customer{CustomerId: "9", DisplayName: "X", Uscc: "91350100M000100Y44"})
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	if field(err) != "customer.uscc" {
		t.Fatalf("names %s", field(err))
	}
	_, err = s.create(erp, &evaluationv1.Customer{CustomerId: "0042", DisplayName: "Other"})
	refused(t, err, errs.AlreadyExists, "CUSTOMER_EXISTS")
	for id, like := range map[string]*evaluationv1.Customer{
		"42":   {CustomerId: "42", DisplayName: "Number"},
		"A-77": {CustomerId: "A-77", DisplayName: "Code", Uscc: "91350100M000100Y43"},
		"B-77": {CustomerId: "B-77", DisplayName: "SUNRISE TRADING CO LTD"},
	} {
		res, err := s.create(erp, like)
		must(t, err)
		if !slices.Contains(res.GetPossibleDuplicateIds(), "0042") {
			t.Errorf("%s is not seen as a possible duplicate of 0042: %v", id, res.GetPossibleDuplicateIds())
		}
	}
}

// Invariant 16: what the other phases know is numbered without gaps, and only sent
// when it tells something new.
func TestUpdateAndWhatOthersAreTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	next, err := s.update(&evaluationv1.Customer{CustomerId: "C-1", DisplayName: "New", Region: "west", Revision: 1}, "display_name", "revision")
	must(t, err)
	if next.GetDisplayName() != "New" || next.GetRegion() != "" || next.GetRevision() != 2 {
		t.Fatalf("%v", next)
	}
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Late", Revision: 1}, "display_name")
	refused(t, err, errs.Aborted, "REVISION_CONFLICT")
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", Grade: evaluationv1.Grade_GRADE_A}, "grade")
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	if p := s.gate.newest("C-1"); p.GetSequence() != 2 || p.GetDisplayName() != "New" || p.GetBusinessDate() != startDay {
		t.Fatalf("%v", p)
	}
	if _, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", Address: "Road 1"}); err != nil {
		t.Fatal(err)
	}
	if p := s.gate.newest("C-1"); p.GetSequence() != 2 {
		t.Fatalf("an address made profile %d", p.GetSequence())
	}
	pulled, err := s.feed().GetCreditProfile(as(program), &evaluationv1.GetCreditProfileRequest{CustomerId: "C-1"})
	must(t, err)
	if pulled.GetProfile().String() != s.gate.newest("C-1").String() || len(s.receivables.profiles["C-1"]) != 2 {
		t.Fatalf("pulled %v, pushed %v", pulled.GetProfile(), s.gate.newest("C-1"))
	}
}

// Another phase may book in the currency before evaluation hears of it, so there is no moment
// at which a change is safe.
func TestCurrencyIsFixed(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.create(erp, &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Firm", CurrencyCode: "USD"})
	must(t, err)
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", CurrencyCode: "EUR"}, "currency_code")
	refused(t, err, errs.FailedPrecondition, "CURRENCY_FIXED")
	if field(err) != "customer.currency_code" {
		t.Errorf("names %q", field(err))
	}
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", CurrencyCode: "EUR"})
	refused(t, err, errs.FailedPrecondition, "CURRENCY_FIXED")
	same, err := s.update(&evaluationv1.Customer{CustomerId: "C-1", CurrencyCode: "USD", Region: "west"}, "currency_code", "region")
	must(t, err)
	if p := s.gate.newest("C-1"); same.GetCurrencyCode() != "USD" || p.GetCurrencyCode() != "USD" {
		t.Errorf("%v, told %v", same, p)
	}
}

// A salesperson learns nothing of customers that are not its own by writing files that are like theirs.
func TestDuplicatesAreOfTheCallersOwn(t *testing.T) {
	t.Parallel()
	s := start(t)
	for id, who := range map[string]string{"7-li": "li", "7-wu": "wu", "7-nobody": ""} {
		_, err := s.create(erp, &evaluationv1.Customer{CustomerId: id, DisplayName: "Same Firm", SalespersonId: who})
		must(t, err)
	}
	for i, c := range []struct {
		who  string
		want []string
	}{
		{seller, []string{"7-li"}},
		{other, []string{"7-wu"}},
		{erp, []string{"7-li", "7-nobody", "7-wu", "new-0", "new-1"}},
	} {
		res, err := s.create(c.who, &evaluationv1.Customer{CustomerId: fmt.Sprintf("new-%d", i), DisplayName: "Same Firm"})
		must(t, err)
		if got := res.GetPossibleDuplicateIds(); !slices.Equal(got, c.want) {
			t.Errorf("%s is told of %q, want %q", c.who, got, c.want)
		}
	}
}

// Invariant 14: a salesperson reaches its own customers; others do not exist for it.
func TestSalespersonScope(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.customer("C-1")
	if c.GetSalespersonId() != "li" {
		t.Fatalf("assigned to %q", c.GetSalespersonId())
	}
	_, err := s.create(seller, &evaluationv1.Customer{CustomerId: "C-2", DisplayName: "X", SalespersonId: "wu"})
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	f := s.apply("C-1", "1000", 10)
	tries := map[string]func() error{
		"get": func() error {
			_, err := s.customers().GetCustomer(as(other), &evaluationv1.GetCustomerRequest{CustomerId: "C-1"})
			return err
		},
		"facts": func() error {
			_, err := s.facts().ListCreditFacts(as(other), &evaluationv1.ListCreditFactsRequest{CustomerId: "C-1"})
			return err
		},
		"record": func() error {
			_, err := s.facts().RecordCreditFact(as(other), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", Fact: &evaluationv1.CreditFact{
				Source: "x", AsOfDate: startDay, Content: &evaluationv1.CreditFact_ExternalRating{ExternalRating: &evaluationv1.ExternalRating{Rating: "AA"}},
			}})
			return err
		},
		"ratings": func() error {
			_, err := s.ratings().ListRatings(as(other), &evaluationv1.ListRatingsRequest{CustomerId: "C-1"})
			return err
		},
		"grant": func() error {
			_, err := s.grants().GetGrant(as(other), &evaluationv1.GetGrantRequest{CustomerId: "C-1"})
			return err
		},
		"grants": func() error {
			_, err := s.grants().ListGrants(as(other), &evaluationv1.ListGrantsRequest{CustomerId: "C-1"})
			return err
		},
		"apply": func() error {
			_, err := s.applications().CreateCreditApplication(as(other), &evaluationv1.CreateCreditApplicationRequest{RequestId: s.rid(),
				Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1"), RequestedTermDays: 1}})
			return err
		},
		"submit": func() error {
			_, err := s.applications().SubmitCreditApplication(as(other), &evaluationv1.SubmitCreditApplicationRequest{RequestId: s.rid(), ApplicationId: f.GetApplicationId()})
			return err
		},
		"application": func() error {
			_, err := s.applications().GetCreditApplication(as(other), &evaluationv1.GetCreditApplicationRequest{ApplicationId: f.GetApplicationId()})
			return err
		},
	}
	for name, try := range tries {
		if err := try(); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := s.customers().ListCustomers(as(other), &evaluationv1.ListCustomersRequest{})
	must(t, err)
	forms, err := s.applications().ListCreditApplications(as(other), &evaluationv1.ListCreditApplicationsRequest{})
	must(t, err)
	if len(list.GetCustomers()) != 0 || len(forms.GetApplications()) != 0 {
		t.Fatalf("lists show %v %v", list, forms)
	}
}

// Invariant 18: pages show each customer exactly once, in order, and only to the query they belong to.
func TestListCustomers(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i := range 23 {
		_, err := s.create(erp, &evaluationv1.Customer{
			CustomerId: fmt.Sprintf("C-%02d", i), DisplayName: fmt.Sprintf("Firm %02d", i%5), Region: []string{"east", "west"}[i%2], SalespersonId: "li",
		})
		must(t, err)
	}
	for _, order := range []string{"", "display_name", "display_name desc", "create_time", "customer_id desc"} {
		var seen []string
		token := ""
		for {
			res, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{PageSize: 4, PageToken: token, OrderBy: order})
			must(t, err)
			for _, c := range res.GetCustomers() {
				seen = append(seen, c.GetCustomerId())
			}
			if token = res.GetNextPageToken(); token == "" {
				break
			}
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 23 || len(seen) != 23 {
			t.Errorf("order %q shows %d customers", order, len(seen))
		}
	}
	for filter, want := range map[string]int{
		`region = "east"`: 12,
		`region = "east" AND display_name = "Firm 01"`:          2,
		`region = east OR region = west`:                        23,
		`NOT region = "east"`:                                   11,
		`customer_id >= "C-20"`:                                 3,
		`display_name:"firm 0"`:                                 23,
		`life_cycle = "PROSPECT" salesperson_id = "li"`:         23,
		`life_cycle = LIFE_CYCLE_PROSPECT AND region != "east"`: 11,
		`grade = "A"`:                   0,
		`display_name = "x' OR '1'='1"`: 0,
	} {
		res, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{Filter: filter})
		if err != nil || len(res.GetCustomers()) != want {
			t.Errorf("%s: %d customers, want %d, %v", filter, len(res.GetCustomers()), want, err)
		}
	}
	for _, bad := range []string{`address = "x"`, `region =`, `region`, `region.x = "y"`, `hash("x")`} {
		if _, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{Filter: bad}); errs.KindOf(err) != errs.Invalid || field(err) != "filter" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	page, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{PageSize: 2})
	must(t, err)
	_, err = s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{PageSize: 2, PageToken: page.GetNextPageToken(), OrderBy: "display_name"})
	refused(t, err, errs.Invalid, "PAGE_TOKEN_INVALID")
	_, err = s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{OrderBy: "region"})
	refused(t, err, errs.Invalid, "INVALID_FIELD")
}

// Invariant 15: a request sent again has the first answer and no second effect.
func TestRequestsSentAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	req := &evaluationv1.CreateCustomerRequest{RequestId: "same", Customer: &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Firm"}}
	first, err := s.customers().CreateCustomer(as(erp), req)
	must(t, err)
	again, err := s.customers().CreateCustomer(as(erp), req)
	must(t, err)
	if first.String() != again.String() {
		t.Fatalf("%v\n%v", first, again)
	}
	req.Customer.DisplayName = "Other"
	_, err = s.customers().CreateCustomer(as(erp), req)
	refused(t, err, errs.AlreadyExists, "REQUEST_ID_REUSED")

	rate := &evaluationv1.RateCustomerRequest{RequestId: "rate", CustomerId: "C-1"}
	rated, err := s.ratings().RateCustomer(as(analyst), rate)
	must(t, err)
	s.receivables.setDown(true)
	repeated, err := s.ratings().RateCustomer(as(analyst), rate)
	must(t, err)
	if rated.String() != repeated.String() {
		t.Fatalf("%v\n%v", rated, repeated)
	}
}
