package evaluation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

const (
	kindSeasonal   = evaluationv1.ApplicationKind_APPLICATION_KIND_SEASONAL
	kindPool       = evaluationv1.ApplicationKind_APPLICATION_KIND_GROUP_POOL
	kindStock      = evaluationv1.ApplicationKind_APPLICATION_KIND_BASE_STOCK
	kindOrder      = evaluationv1.ApplicationKind_APPLICATION_KIND_ORDER_BOUND
	kindRenewal    = evaluationv1.ApplicationKind_APPLICATION_KIND_RENEWAL
	kindResumption = evaluationv1.ApplicationKind_APPLICATION_KIND_RESUMPTION
)

// form drafts and submits an application.
func (s *suite) form(f *evaluationv1.CreditApplication) (*evaluationv1.CreditApplication, error) {
	draft, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{RequestId: s.rid(), Application: f})
	if err != nil {
		return nil, err
	}
	return s.submitAs(seller, draft.GetApplication().GetApplicationId())
}

// signAll takes a form through all its steps.
func (s *suite) signAll(f *evaluationv1.CreditApplication) *evaluationv1.Grant {
	s.Helper()
	people := map[int32][]string{1: {clerk, supervisor, manager}, 2: {clerk, manager, boss}, 3: {clerk, manager, boss, chairman}}[f.GetAuthorityRow()]
	var last *evaluationv1.ApproveCreditApplicationResponse
	for _, who := range people {
		var err error
		last, err = s.approve(who, f.GetApplicationId())
		must(s, err)
	}
	return last.GetGrant()
}

func (s *suite) signed(f *evaluationv1.CreditApplication) *evaluationv1.Grant {
	s.Helper()
	f, err := s.form(f)
	must(s, err)
	return s.signAll(f)
}

func season(from, until string) *evaluationv1.SeasonalTerms {
	return &evaluationv1.SeasonalTerms{Mode: evaluationv1.TemporaryLimitMode_TEMPORARY_LIMIT_MODE_ADD, FromMonthDay: from, UntilMonthDay: until}
}

// Each kind is a form of the one series, routed by the sum that would hold with all that
// goes with the grant, and the gate is told of it beside the standing limit.
func TestKindsOfGrant(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1") // CA-000001: 100,000 for 30 days
	for i, f := range []*evaluationv1.CreditApplication{
		{Kind: kindSeasonal, RequestedLimit: cny("1000"), Seasonal: season("11-15", "02-10")},
		{Kind: kindStock, RequestedLimit: cny("2000"), BaseStock: &evaluationv1.BaseStockTerms{FromDate: "2026-04-01", UntilDate: "2026-12-31"}},
		{Kind: kindOrder, RequestedLimit: cny("3000"), OrderBound: &evaluationv1.OrderTerms{OrderId: "O-7", UntilDate: "2026-05-31"}},
	} {
		f.CustomerId = "C-1"
		sent, err := s.form(f)
		must(t, err)
		if sent.GetAuthorityRow() == 1 || len(sent.GetOutsidePolicy()) == 0 { // any of them is beyond the recommended 100,000 with the rest
			t.Errorf("%s goes to row %d: %v", f.GetKind(), sent.GetAuthorityRow(), sent.GetOutsidePolicy())
		}
		g := s.signAll(sent)
		if g.GetVersion() != int64(i)+2 || g.GetLimit().GetAmount().GetAmount() != "100000.00" || g.GetTermDays() != 30 || g.GetSerialNumber() != sent.GetSerialNumber() {
			t.Fatalf("%v", g)
		}
	}
	g := s.gate.newest("C-1").GetGrant()
	if len(g.GetSeasonalLimits()) != 1 || g.GetSeasonalLimits()[0].GetFromMonthDay() != "11-15" || len(g.GetBaseStocks()) != 1 ||
		g.GetBaseStocks()[0].GetUntilDate() != "2026-12-31" || len(g.GetOrderLimits()) != 1 || g.GetOrderLimits()[0].GetOrderId() != "O-7" {
		t.Fatalf("the gate was told %v", g)
	}
	// A renewal changes nothing but the last day.
	for _, f := range []*evaluationv1.CreditApplication{
		{RequestedLimit: cny("99999")}, {RequestedLimit: cny("100000"), RequestedValidUntilDate: "2027-03-02"},
	} {
		f.CustomerId, f.Kind = "C-1", kindRenewal
		_, err := s.form(f)
		refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	}
	renewed := s.signed(&evaluationv1.CreditApplication{CustomerId: "C-1", Kind: kindRenewal, RequestedLimit: cny("100000"), RequestedValidUntilDate: "2028-03-02"})
	if renewed.GetValidUntilDate() != "2028-03-02" || len(renewed.GetSeasonalLimits()) != 1 || renewed.GetTermDays() != 30 {
		t.Fatalf("%v", renewed)
	}
	// A new standing grant ends what goes with the one before, unless the form keeps it: then people sign for the sum.
	keep := &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("90000"), RequestedTermDays: 20, KeepAdditions: true}
	kept := s.signed(keep)
	if len(kept.GetSeasonalLimits()) != 1 || len(kept.GetBaseStocks()) != 1 || kept.GetLimit().GetAmount().GetAmount() != "90000.00" || kept.GetTermDays() != 20 {
		t.Fatalf("%v", kept)
	}
	keep.RequestedLimit = cny("99000") // with 1,000 of the season, 2,000 of base stock and 3,000 of the order it is above what is recommended
	sent, err := s.form(keep)
	must(t, err)
	if len(sent.GetOutsidePolicy()) != 1 {
		t.Fatalf("%v", sent.GetOutsidePolicy())
	}
	plain := s.signed(&evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("80000"), RequestedTermDays: 20})
	if len(plain.GetSeasonalLimits())+len(plain.GetBaseStocks())+len(plain.GetOrderLimits()) != 0 {
		t.Fatalf("%v", plain)
	}
	// The form that keeps was routed by another grant.
	for _, who := range []string{clerk, manager, boss} {
		_, err = s.approve(who, sent.GetApplicationId())
		must(t, err)
	}
	_, err = s.approve(chairman, sent.GetApplicationId())
	refused(t, err, errs.FailedPrecondition, "GRANT_CHANGED")
	s.chainsHold()
}

// What goes with its kind, and nothing else.
func TestPartsGoWithTheirKind(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	monthly := &typev1.SettlementTerms{Method: typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY, ClosingDay: 25, ClosingMonths: 1, Days: 30}
	for want, f := range map[string]*evaluationv1.CreditApplication{
		"application.seasonal":                           {Kind: kindSeasonal},
		"application.base_stock":                         {Kind: kindStock, Seasonal: season("01-01", "02-01"), BaseStock: nil},
		"application.order_bound":                        {Kind: kindOrder},
		"application.seasonal.until_month_day":           {Kind: kindSeasonal, Seasonal: season("01-01", "02-30")},
		"application.settlement_terms":                   {Kind: kindRenewal, SettlementTerms: monthly},
		"application.requested_term_days":                {SettlementTerms: monthly, RequestedTermDays: 90},
		"application.keep_additions":                     {Kind: kindRenewal, KeepAdditions: true},
		"application.requested_valid_until_date":         {Kind: kindSeasonal, Seasonal: season("01-01", "02-01"), RequestedValidUntilDate: "2026-12-31"},
		"application.base_stock.until_date":              {Kind: kindStock, BaseStock: &evaluationv1.BaseStockTerms{FromDate: "2026-05-01", UntilDate: "2026-04-01"}},
		"application.settlement_terms.contract_end_date": {RequestedTermDays: 10, SettlementTerms: &typev1.SettlementTerms{Method: typev1.SettlementMethod_SETTLEMENT_METHOD_BASE_STOCK, ContractEndDate: "2026-01-01"}},
	} {
		f.CustomerId, f.RequestedLimit = "C-1", cny("1000")
		_, err := s.form(f)
		if errs.KindOf(err) != errs.Invalid || field(err) != want && want != "application.base_stock" {
			t.Errorf("%s: %v", want, err)
		}
	}
	// What a kind needs and has not is not told as if it were there.
	if _, err := s.form(&evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), Kind: kindOrder}); !strings.Contains(err.Error(), "of kind ORDER_BOUND says this") {
		t.Errorf("credit for no order: %v", err)
	}
	for name, f := range map[string]*evaluationv1.CreditApplication{
		"base stock beyond the grant": {Kind: kindStock, BaseStock: &evaluationv1.BaseStockTerms{FromDate: "2026-05-01", UntilDate: "2027-05-01"}},
		"an order limit that is over": {Kind: kindOrder, OrderBound: &evaluationv1.OrderTerms{OrderId: "O-1", UntilDate: "2026-03-01"}},
		"nothing is suspended":        {Kind: kindResumption},
		"a customer in no group":      {Kind: kindPool},
	} {
		f.CustomerId, f.RequestedLimit = "C-1", cny("1000")
		_, err := s.form(f)
		if errs.ReasonOf(err) != "APPLICATION_INCOMPLETE" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Settlement terms and instruments come with an approved form and reach both phases;
// people sign for the longest time that the terms allow, and a shorter offer ends them.
func TestSettlementTermsOfAForm(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "40")
	monthly := &typev1.SettlementTerms{Method: typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY, ClosingDay: 25, ClosingMonths: 1, Days: 30}
	instruments := []typev1.PaymentInstrument{typev1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE, typev1.PaymentInstrument_PAYMENT_INSTRUMENT_BANK_ACCEPTANCE}
	f, err := s.form(&evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("50000"), SettlementTerms: monthly, Instruments: instruments})
	must(t, err)
	if f.GetRequestedTermDays() != 91 || f.GetAuthorityRow() != 3 || len(f.GetOutsidePolicy()) != 1 {
		t.Fatalf("%d days, row %d, %v", f.GetRequestedTermDays(), f.GetAuthorityRow(), f.GetOutsidePolicy())
	}
	g := s.signAll(f)
	if g.GetSettlementTerms().String() != monthly.String() || !slices.Equal(g.GetInstruments(), instruments) || g.GetTermDays() != 91 {
		t.Fatalf("%v", g)
	}
	s.receivables.mu.Lock()
	heard := s.receivables.profiles["C-1"]
	s.receivables.mu.Unlock()
	last := heard[len(heard)-1]
	if last.GetSettlementTerms().String() != monthly.String() || last.GetSettlementMethod() != evaluationv1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY {
		t.Fatalf("receivables heard %v", last)
	}
	if p := s.gate.newest("C-1"); p.GetSettlementTerms().GetClosingDay() != 25 {
		t.Fatalf("the gate heard %v", p)
	}
	// An offer of fewer days ends the closing day.
	f, err = s.form(&evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("50000"), SettlementTerms: monthly})
	must(t, err)
	_, err = s.applications().CounterOfferCreditApplication(as(clerk), &evaluationv1.CounterOfferCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: f.GetApplicationId(), Reason: "too long", Offer: &evaluationv1.CounterOffer{TermDays: 30},
	})
	must(t, err)
	taken, err := s.applications().AcceptCounterOffer(as(seller), &evaluationv1.AcceptCounterOfferRequest{RequestId: s.rid(), ApplicationId: f.GetApplicationId()})
	must(t, err)
	if a := taken.GetApplication(); a.GetSettlementTerms() != nil || a.GetRequestedTermDays() != 30 || a.GetAuthorityRow() != 1 {
		t.Fatalf("%v", a)
	}
	// The term that a rating shortens is rolling.
	s.receivables.set("C-1", payments(3, "5000000"))
	s.rate("C-1")
	if g := s.grant("C-1"); g.GetSettlementTerms() != nil || len(g.GetInstruments()) != 0 {
		t.Fatalf("%v", g)
	}
}

// Suspending takes effect at once and needs no form; resuming gives back what was
// suspended, or less, by an approved form, and no more.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.signed(&evaluationv1.CreditApplication{CustomerId: "C-1", Kind: kindSeasonal, RequestedLimit: cny("1000"), Seasonal: season("11-15", "02-10")})
	suspend := func(who string) (*evaluationv1.Grant, error) {
		res, err := s.grants().SuspendGrant(as(who), &evaluationv1.SuspendGrantRequest{RequestId: s.rid(), CustomerId: "C-1", Reason: "rumours"})
		return res.GetGrant(), err
	}
	_, err := suspend(manager)
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	g, err := suspend(credit)
	must(t, err)
	if g.GetVersion() != 3 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || g.GetLimit() != nil || g.GetSuspendedVersion() != 2 ||
		g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_SUSPENSION {
		t.Fatalf("%v", g)
	}
	if p := s.gate.newest("C-1").GetGrant(); p.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || len(p.GetSeasonalLimits()) != 0 {
		t.Fatalf("the gate was told %v", p)
	}
	_, err = suspend(credit)
	refused(t, err, errs.FailedPrecondition, "NO_CREDIT")
	for _, f := range []*evaluationv1.CreditApplication{
		{Kind: kindResumption, RequestedLimit: cny("100000.01")}, {Kind: kindSeasonal, RequestedLimit: cny("1"), Seasonal: season("01-01", "02-01")},
	} {
		f.CustomerId = "C-1"
		_, err = s.form(f)
		refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	}
	back := s.signed(&evaluationv1.CreditApplication{CustomerId: "C-1", Kind: kindResumption, RequestedLimit: cny("60000")})
	if back.GetLimit().GetAmount().GetAmount() != "60000.00" || back.GetTermDays() != 30 || back.GetValidUntilDate() != "2027-03-02" ||
		len(back.GetSeasonalLimits()) != 1 || back.GetSuspendedVersion() != 0 || back.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT {
		t.Fatalf("%v", back)
	}
	s.chainsHold()
}

// A group's pool is a form of a member; it leaves the member's own credit as it is.
func TestGroupPoolByForm(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.customers().CreateCustomer(as(seller), &evaluationv1.CreateCustomerRequest{
		RequestId: s.rid(), Customer: &evaluationv1.Customer{CustomerId: "C-1", DisplayName: "Firm", GroupId: "G", UsualPurchase: cny("100000")},
	})
	must(t, err)
	s.statement("C-1", "40")
	pool, err := s.form(&evaluationv1.CreditApplication{CustomerId: "C-1", Kind: kindPool, RequestedLimit: cny("900000")})
	must(t, err)
	if pool.GetAuthorityRow() != 2 {
		t.Fatalf("row %d", pool.GetAuthorityRow())
	}
	g := s.signAll(pool)
	if g.GetVersion() != 1 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || g.GetGroupPool().GetLimit().GetAmount() != "900000.00" {
		t.Fatalf("%v", g)
	}
	own := s.signed(&evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("100000"), RequestedTermDays: 30})
	if own.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT || own.GetGroupPool().GetFormNumber() != 1 {
		t.Fatalf("%v", own)
	}
	if p := s.gate.newest("C-1").GetGrant().GetGroupPool(); p.GetGroupId() != "G" || p.GetFormNumber() != 1 {
		t.Fatalf("the gate was told %v", p)
	}
}

// Credit that ends soon is listed, what ends first first, to whom it concerns.
func TestExpiringGrants(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1") // until 2027-03-02
	s.granted("C-2")
	s.signed(&evaluationv1.CreditApplication{CustomerId: "C-2", RequestedLimit: cny("1000"), RequestedTermDays: 10, RequestedValidUntilDate: "2027-02-20"})
	s.customer("C-3")
	list := func(who, day string, req *evaluationv1.ListExpiringGrantsRequest) []string {
		t.Helper()
		res, err := s.grants().ListExpiringGrants(as(who, day), req)
		must(t, err)
		var ids []string
		for _, e := range res.GetExpiringGrants() {
			ids = append(ids, e.GetCustomerId())
		}
		return ids
	}
	within := int32(0)
	for _, c := range []struct {
		who, day string
		req      *evaluationv1.ListExpiringGrantsRequest
		want     []string
	}{
		{credit, "2027-01-20", &evaluationv1.ListExpiringGrantsRequest{}, nil},
		{credit, "2027-01-21", &evaluationv1.ListExpiringGrantsRequest{}, []string{"C-2"}},
		{credit, "2027-02-20", &evaluationv1.ListExpiringGrantsRequest{}, []string{"C-2", "C-1"}},
		{credit, "2027-02-21", &evaluationv1.ListExpiringGrantsRequest{}, []string{"C-1"}},
		{credit, "2027-03-02", &evaluationv1.ListExpiringGrantsRequest{WithinDays: &within}, []string{"C-1"}},
		{credit, "2027-03-03", &evaluationv1.ListExpiringGrantsRequest{}, nil},
		{other, "2027-02-20", &evaluationv1.ListExpiringGrantsRequest{}, nil},
		{seller, "2027-02-20", &evaluationv1.ListExpiringGrantsRequest{}, []string{"C-2", "C-1"}},
	} {
		if got := list(c.who, c.day, c.req); !slices.Equal(got, c.want) {
			t.Errorf("%s on %s: %v, want %v", c.who, c.day, got, c.want)
		}
	}
	first, err := s.grants().ListExpiringGrants(as(credit, "2027-02-20"), &evaluationv1.ListExpiringGrantsRequest{PageSize: 1})
	must(t, err)
	next, err := s.grants().ListExpiringGrants(as(credit, "2027-02-20"), &evaluationv1.ListExpiringGrantsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	must(t, err)
	if first.GetExpiringGrants()[0].GetDaysLeft() != 0 || next.GetExpiringGrants()[0].GetCustomerId() != "C-1" || next.GetNextPageToken() != "" {
		t.Fatalf("%v %v", first, next)
	}
}
