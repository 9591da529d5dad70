package evaluation_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

const wholeForm = `
application_form:
  customer_fields:
    - CUSTOMER_FILE_FIELD_LEGAL_NAME
    - CUSTOMER_FILE_FIELD_REGISTRATION
    - CUSTOMER_FILE_FIELD_LEGAL_REPRESENTATIVE
    - CUSTOMER_FILE_FIELD_LEGAL_FORM
    - CUSTOMER_FILE_FIELD_FOUNDING_DATE
    - CUSTOMER_FILE_FIELD_INDUSTRY
    - CUSTOMER_FILE_FIELD_ADDRESS
    - CUSTOMER_FILE_FIELD_CONTACT
    - CUSTOMER_FILE_FIELD_USUAL_PURCHASE
    - CUSTOMER_FILE_FIELD_CREDIT_ANALYST
  purpose: true
  instruments: true
  checklist: true
  documents: 1
`

// Invariant 53. A form is complete when it has all that the policy asks for; what is missing is named, with who gets it, and the number of the form is not used.
func TestFormNeedsWhatThePolicyAsksFor(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.reviewPolicy(wholeForm)
	s.customer("C-1")
	draft, err := s.applications().CreateCreditApplication(as(seller), &evaluationv1.CreateCreditApplicationRequest{
		RequestId: s.rid(), Application: &evaluationv1.CreditApplication{CustomerId: "C-1", RequestedLimit: cny("1000"), RequestedTermDays: 30},
	})
	must(t, err)
	id := draft.GetApplication().GetApplicationId()
	_, err = s.submitAs(seller, id)
	refused(t, err, errs.FailedPrecondition, "APPLICATION_INCOMPLETE")
	missing := func(err error) string {
		e, ok := errs.As(err)
		if !ok {
			t.Fatalf("%v", err)
		}
		return e.Meta["missing"] + " " + e.Meta["responsible"]
	}
	const all = "customer.legal_name,customer.uscc,customer.legal_representative,customer.legal_form,customer.founding_date,customer.industry," +
		"customer.address,customer.contacts,customer.credit_analyst_id,purpose,instruments,attachments," +
		"checklist.financial_statement,checklist.credit_report,checklist.trade_reference,checklist.site_visit " +
		"SALESPERSON,SALESPERSON,SALESPERSON,SALESPERSON,SALESPERSON,SALESPERSON,SALESPERSON,SALESPERSON,CREDIT_MANAGER,SALESPERSON,SALESPERSON,SALESPERSON," +
		"CREDIT_ANALYST,CREDIT_ANALYST,SALESPERSON,SALESPERSON"
	if got := missing(err); got != all {
		t.Errorf("missing %s", got)
	}
	file := &evaluationv1.Customer{
		CustomerId: "C-1", LegalName: "Firm Ltd", RegistrationNumber: "HRB 1", CountryCode: "DE", LegalRepresentative: "A", LegalForm: "GmbH", FoundingDate: "2001-01-01",
		Industry: "tools", Address: "Street 1", Contacts: []*evaluationv1.Contact{{Name: "B", Phone: "1"}}, CreditAnalystId: "qian",
	}
	_, err = s.customers().UpdateCustomer(as(credit), &evaluationv1.UpdateCustomerRequest{RequestId: s.rid(), Customer: file, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{
		"legal_name", "registration_number", "country_code", "legal_representative", "legal_form", "founding_date", "industry", "address", "contacts", "credit_analyst_id",
	}}})
	must(t, err)
	purpose := "monthly purchases"
	_, err = s.applications().UpdateCreditApplication(as(seller), &evaluationv1.UpdateCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: id, Purpose: &purpose, Instruments: []typev1.PaymentInstrument{typev1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE},
	})
	must(t, err)
	_, err = s.applications().AttachToCreditApplication(as(seller), &evaluationv1.AttachToCreditApplicationRequest{
		RequestId: s.rid(), ApplicationId: id, Attachment: &evaluationv1.ApplicationAttachment{Title: "order book", Sha256: strings.Repeat("ab", 32)},
	})
	must(t, err)
	s.statement("C-1", "30")
	_, err = s.submitAs(seller, id)
	if got := missing(err); got != "checklist.credit_report,checklist.trade_reference,checklist.site_visit CREDIT_ANALYST,SALESPERSON,SALESPERSON" {
		t.Errorf("missing %s", got)
	}
	for _, f := range []*evaluationv1.CreditFact{
		{Content: &evaluationv1.CreditFact_CreditReport{CreditReport: &evaluationv1.CreditReport{Agency: "bureau"}}},
		{Content: &evaluationv1.CreditFact_TradeReference{TradeReference: &evaluationv1.TradeReference{Referee: "supplier", PaysAsAgreed: true}}},
		{Content: &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{Visitors: "li", Operating: true, Findings: "at work"}}},
	} {
		f.Source, f.AsOfDate = "visit", "2026-02-01"
		_, err = s.facts().RecordCreditFact(as(analyst), &evaluationv1.RecordCreditFactRequest{RequestId: s.rid(), CustomerId: "C-1", Fact: f})
		must(t, err)
	}
	form, err := s.submitAs(seller, id)
	must(t, err)
	if form.GetSerialNumber() != "CA-000001" {
		t.Errorf("number %s", form.GetSerialNumber())
	}
}
