package rpc

import (
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/peers"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

const basePolicy = `name: Test
base_currency: CNY
aging_bounds: [30]
default_term_days: 30
default_after_days: 91
`

func TestCashPolicy(t *testing.T) {
	t.Parallel()
	p, err := ParsePolicy("policy.yaml", []byte(basePolicy+`cash:
  settlement_terms: {method: SETTLEMENT_METHOD_MONTHLY, closing_day: 25, closing_months: 1, days: 30}
  business_days:
    weekend: [6, 7]
    holidays: ["2026-10-01"]
    workdays: ["2026-10-10"]
    shift: DAY_SHIFT_MODIFIED_FOLLOWING
  early_payment_discount:
    - {days: 10, rate: "0.02"}
    - {days: 20, rate: "0.01"}
  auto_confirm_score: 85
  answer_days: 14
  statement_schedule: {account_day: 5, confirmation_month: 12, confirmation_day: 31, hour: 8, audience: STATEMENT_AUDIENCE_OPEN_BALANCE}
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := termsOf(p)
	if err != nil {
		t.Fatal(err)
	}
	c := got.Cash
	if *c.Terms != (settlement.Terms{Method: settlement.Monthly, ClosingDay: 25, Months: 1, Days: 30}) || len(c.Discount) != 2 ||
		c.Schedule != (statement.Schedule{AccountDay: 5, ConfirmationMonth: 12, ConfirmationDay: 31, Hour: 8, Credits: true}) || c.AutoConfirmScore != 85 || c.Wait() != 14 || c.Days.Shift != settlement.ModifiedFollowing ||
		len(c.Days.Weekend) != 2 || c.Days.Weekend[0] != time.Saturday || c.Days.Weekend[1] != time.Sunday ||
		c.Days.Holidays[0].String() != "2026-10-01" || c.Days.Workdays[0].String() != "2026-10-10" {
		t.Errorf("%+v", c)
	}
	// A policy of the time before says nothing of it, and means what it meant.
	p, err = ParsePolicy("policy.yaml", []byte(basePolicy))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := termsOf(p); err != nil || got.Cash.Terms != nil || got.Cash.Days != nil || got.Cash.Discount != nil || got.Cash.AutoConfirmScore != 0 || got.Cash.Wait() != 30 || got.Cash.Schedule != (statement.Schedule{}) {
		t.Errorf("%+v, %v", got.Cash, err)
	}
	for name, text := range map[string]string{
		"no closing day":    "settlement_terms: {method: SETTLEMENT_METHOD_MONTHLY}",
		"a rate above one":  `early_payment_discount: [{days: 10, rate: "1.5"}]`,
		"rates that rise":   `early_payment_discount: [{days: 10, rate: "0.01"}, {days: 20, rate: "0.02"}]`,
		"not a day":         `business_days: {holidays: ["2026-02-30"]}`,
		"an eighth weekday": "business_days: {weekend: [8]}",
		"a month alone":     "statement_schedule: {confirmation_month: 12}",
		"too many points":   "auto_confirm_score: 101",
	} {
		if _, err := ParsePolicy("policy.yaml", []byte(basePolicy+"cash:\n  "+text+"\n")); errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		} else if e, _ := errs.As(err); strings.TrimSpace(e.Message) == "" {
			t.Errorf("%s: no message", name)
		}
	}
}

// Every method of the contract is one of the domain, from a profile and from an invoice, and goes back to the same.
func TestSettlementMethods(t *testing.T) {
	t.Parallel()
	for n := range typev1.SettlementMethod_name {
		method := typev1.SettlementMethod(n)
		if method == typev1.SettlementMethod_SETTLEMENT_METHOD_UNSPECIFIED {
			continue
		}
		in := &typev1.SettlementTerms{Method: method, Days: 5}
		if method == typev1.SettlementMethod_SETTLEMENT_METHOD_BASE_STOCK {
			in.ContractEndDate = "2027-12-31"
		}
		var f fields
		of := f.settlement("invoice.settlement_terms", in)
		customer, err := peers.Customer(&evaluationv1.CreditProfile{CustomerId: "C-1", BusinessDate: "2026-03-02", SettlementTerms: in})
		if f.err != nil || err != nil || *of != *customer.Terms || settlementOf(of).GetMethod() != method || settlementOf(of).GetContractEndDate() != in.GetContractEndDate() {
			t.Errorf("%s: %+v and %+v, %v %v", method, of, customer.Terms, f.err, err)
		}
	}
	if _, err := peers.Customer(&evaluationv1.CreditProfile{CustomerId: "C-1", BusinessDate: "2026-03-02", SettlementTerms: &typev1.SettlementTerms{ContractEndDate: "soon"}}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a contract that ends soon: %v", err)
	}
	var f fields
	if f.discount("d", []*receivablesv1.DiscountStep{{Days: 1, Rate: "much"}}); errs.KindOf(f.err) != errs.Invalid {
		t.Errorf("a rate that is none: %v", f.err)
	}
}
