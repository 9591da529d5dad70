package application

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// Who gets what is missing.
const (
	sales         = "SALESPERSON"
	salesManager  = "SALES_MANAGER"
	analyst       = "CREDIT_ANALYST"
	creditManager = "CREDIT_MANAGER"
	finance       = "FINANCE_CLERK"
)

// lacking collects what is missing, with the role that gets it.
type lacking struct {
	missing      []errs.Violation
	items, roles []string
}

func (l *lacking) add(field, role, message string) {
	l.missing = append(l.missing, errs.Violation{Field: field, Rule: "required", Message: message + " (for " + role + ")"})
	l.items, l.roles = append(l.items, field), append(l.roles, role)
}

func (l *lacking) err() error {
	if len(l.missing) == 0 {
		return nil
	}
	return errs.New(errs.FailedPrecondition, ReasonIncomplete, "the application is incomplete: %s", strings.Join(l.items, ", ")).
		With("missing", strings.Join(l.items, ",")).With("responsible", strings.Join(l.roles, ",")).WithViolations(l.missing...)
}

// complete looks for what S2.11 asks for: customer data, payment record, limit, term, and
// what the policy wants beside them. What is missing is named with the role that gets it.
func (a Application) complete(s Submission) error {
	var l lacking
	if strings.TrimSpace(s.Customer.LegalName) == "" && strings.TrimSpace(s.Customer.DisplayName) == "" {
		l.add("customer.legal_name", sales, "the customer file has no name")
	}
	if s.Customer.LifeCycle == customer.Closed {
		l.add("customer.life_cycle", sales, "the relation is closed")
	}
	if s.Customer.SalespersonID == "" {
		l.add("customer.salesperson_id", salesManager, "nobody is responsible for the customer")
	}
	for _, f := range s.Policy.Form.Fields {
		l.fileField(f, s.Customer)
	}
	if s.Rating.RatingID == "" {
		l.add("rating_id", analyst, "the customer is not rated")
	}
	if s.Payment.CustomerID == "" {
		l.add("payment_record", finance, "the payment record could not be had")
	}
	if field, message := a.lacks(s); field != "" {
		l.add(field, sales, message)
	}
	if !a.ValidUntil.IsZero() && a.ValidUntil.Before(s.Date) {
		l.add("requested_valid_until_date", sales, "the last day asked for is over")
	}
	a.wanted(s, &l)
	return l.err()
}

// wanted looks for what the policy wants of the form itself and of what is known.
func (a Application) wanted(s Submission, l *lacking) {
	form := s.Policy.Form
	if form.Purpose && strings.TrimSpace(a.Purpose) == "" {
		l.add("purpose", sales, "the form does not say what the credit is for")
	}
	if form.Instruments && a.kind() == Standing && len(a.Instruments) == 0 {
		l.add("instruments", sales, "the form does not say what the customer pays with")
	}
	if n := len(a.Attachments); n < form.Documents {
		l.add("attachments", sales, fmt.Sprintf("%d documents are attached, %d are wanted", n, form.Documents))
	}
	if !form.Checklist {
		return
	}
	for _, i := range s.Checklist {
		if i.State != checklist.Met {
			l.add("checklist."+strings.ToLower(string(i.Kind)), i.Role, "on the checklist: "+strings.ToLower(string(i.State)))
		}
	}
}

// fileField looks for a part of the customer file.
func (l *lacking) fileField(f criteria.FileField, c customer.Customer) {
	need := func(has bool, field, message string) {
		if !has {
			l.add("customer."+field, sales, "the customer file does not tell "+message)
		}
	}
	switch f {
	case criteria.FieldLegalName:
		need(strings.TrimSpace(c.LegalName) != "", "legal_name", "the registered name")
	case criteria.FieldRegistration:
		if c.CountryCode == "" || c.CountryCode == "CN" {
			need(c.USCC != "", "uscc", "the unified social credit code")
		} else {
			need(c.USCC != "" || c.RegistrationNumber != "", "registration_number", "the registration number")
		}
	case criteria.FieldRepresentative:
		need(c.LegalRepresentative != "", "legal_representative", "the legal representative")
	case criteria.FieldLegalForm:
		need(c.LegalForm != "", "legal_form", "the legal form")
	case criteria.FieldFoundingDate:
		need(!c.FoundingDate.IsZero(), "founding_date", "the day of foundation")
	case criteria.FieldIndustry:
		need(c.Industry != "", "industry", "the trade")
	case criteria.FieldAddress:
		need(strings.TrimSpace(c.Address) != "" || len(c.Addresses) > 0, "address", "an address")
	case criteria.FieldContact:
		reached := func(p customer.Contact) bool { return p.Phone != "" || p.Email != "" }
		need(slices.ContainsFunc(c.Contacts, reached), "contacts", "a contact with a telephone number or an e-mail address")
	case criteria.FieldUsualPurchase:
		need(c.UsualPurchase != nil || c.Pattern != nil, "usual_purchase", "one usual purchase, or the purchase pattern")
	case criteria.FieldAnalyst:
		if c.CreditAnalystID == "" {
			l.add("customer.credit_analyst_id", creditManager, "no credit analyst is responsible for the customer")
		}
	}
}
