package customer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

const (
	maxID       = 64
	maxContacts = 20
	// maxMonths is the number of months of a year, maxInterval the most days between two
	// purchases of a customer that still has a pattern.
	maxMonths   = 12
	maxInterval = 3650
)

// Validate checks the whole file as of a business date. Its error has kind Invalid,
// reason INVALID_FIELD and names every field at fault, as "customer.<field>".
func (c Customer) Validate(today calendar.Date) error {
	var found []errs.Violation
	bad := func(field, rule, message string) {
		found = append(found, errs.Violation{Field: "customer." + field, Rule: rule, Message: message})
	}
	c.validateTexts(bad)
	c.validateIDs(bad)
	if strings.TrimSpace(c.DisplayName) == "" {
		bad("display_name", "required", "a customer has a name")
	}
	if c.USCC != "" && !ValidUSCC(c.USCC) {
		bad("uscc", "check_digit", "is not a unified social credit code: 18 characters, the last one is the check digit of the others")
	}
	if c.USCC != "" && c.CountryCode != "" && c.CountryCode != "CN" {
		bad("uscc", "country", "is a code of Chinese firms: give a firm of another country its registration_number")
	}
	c.validatePlaces(bad)
	c.Pattern.validate(bad)
	if c.CountryCode != "" && !upperLetters(c.CountryCode, 2) {
		bad("country_code", "pattern", "is not an ISO 3166-1 alpha-2 code")
	}
	if c.FoundingDate.After(today) {
		bad("founding_date", "not_in_future", "lies in the future")
	}
	if _, ok := money.Digits(c.Currency); !ok {
		bad("currency_code", "currency", "is not an active ISO 4217 code")
	}
	if p := c.UsualPurchase; p != nil {
		switch {
		case p.Currency != c.Currency:
			bad("usual_purchase.currency_code", "same_currency", "is not the currency of the account, "+c.Currency)
		case !p.IsPositive():
			bad("usual_purchase.amount", "positive", "must be above zero")
		}
	}
	if !c.LifeCycle.known() {
		bad("life_cycle", "defined_only", "is no stage of a relation")
	}
	if !c.SettlementMethod.known() {
		bad("settlement_method", "defined_only", "is no settlement method")
	}
	return errs.Fields(found...)
}

func (c Customer) validateTexts(bad func(field, rule, message string)) {
	texts := []struct {
		field, value string
		most         int
	}{
		{"display_name", c.DisplayName, 256},
		{"legal_name", c.LegalName, 256},
		{"registration_number", c.RegistrationNumber, 64},
		{"legal_form", c.LegalForm, 128},
		{"industry", c.Industry, 128},
		{"region", c.Region, 128},
		{"legal_representative", c.LegalRepresentative, 128},
		{"address", c.Address, 512},
	}
	for _, t := range texts {
		if utf8.RuneCountInString(t.value) > t.most {
			bad(t.field, "max_len", "is too long")
		}
	}
	if len(c.Contacts) > maxContacts {
		bad("contacts", "max_items", "has more than 20 entries")
	}
	for _, p := range c.Contacts {
		if utf8.RuneCountInString(p.Purpose) > 64 || utf8.RuneCountInString(p.Name) > 128 ||
			utf8.RuneCountInString(p.Phone) > 64 || utf8.RuneCountInString(p.Email) > 254 {
			bad("contacts", "max_len", "has a text that is too long")
		}
	}
}

// validatePlaces checks the lists of names and places.
func (c Customer) validatePlaces(bad func(field, rule, message string)) {
	if len(c.Aliases) > maxContacts {
		bad("aliases", "max_items", "has more than 20 entries")
	}
	for _, a := range c.Aliases {
		if strings.TrimSpace(a) == "" || utf8.RuneCountInString(a) > 256 {
			bad("aliases", "text", "has an empty name, or one of more than 256 characters")
		}
	}
	if len(c.Addresses) > maxContacts {
		bad("addresses", "max_items", "has more than 20 entries")
	}
	for _, a := range c.Addresses {
		switch {
		case strings.TrimSpace(a.Lines) == "":
			bad("addresses.lines", "required", "says nothing")
		case utf8.RuneCountInString(a.Lines) > 512 || utf8.RuneCountInString(a.Purpose) > 64 ||
			utf8.RuneCountInString(a.Region) > 128 || utf8.RuneCountInString(a.PostalCode) > 16:
			bad("addresses", "max_len", "has a text that is too long")
		case a.CountryCode != "" && !upperLetters(a.CountryCode, 2):
			bad("addresses.country_code", "pattern", "is not an ISO 3166-1 alpha-2 code")
		}
	}
}

func (p *Pattern) validate(bad func(field, rule, message string)) {
	if p == nil {
		return
	}
	if utf8.RuneCountInString(p.Goods) > 512 {
		bad("purchase_pattern.goods", "max_len", "is too long")
	}
	if p.IntervalDays < 0 || p.IntervalDays > maxInterval {
		bad("purchase_pattern.interval_days", "range", "is not between 0 and 3650 days")
	}
	last := 0
	for _, m := range p.PeakMonths {
		if m <= last || m > maxMonths {
			bad("purchase_pattern.peak_months", "months", "are not months from 1 to 12, each once, rising")
			return
		}
		last = m
	}
}

func (c Customer) validateIDs(bad func(field, rule, message string)) {
	ids := []struct {
		field, value string
		required     bool
	}{
		{"customer_id", c.ID, true},
		{"group_id", c.GroupID, false},
		{"unit_id", c.UnitID, false},
		{"salesperson_id", c.SalespersonID, false},
		{"credit_analyst_id", c.CreditAnalystID, false},
	}
	for _, id := range ids {
		if (id.required || id.value != "") && !validID(id.value) {
			bad(id.field, "pattern", "is not an id: 1 to 64 characters, no control characters, no space at the ends")
		}
	}
}

func validID(s string) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxID || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, unicode.IsControl)
}

func upperLetters(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (l LifeCycle) known() bool {
	switch l {
	case Prospect, Active, Watch, PhasedOut, Closed:
		return true
	default:
		return false
	}
}

func (m SettlementMethod) known() bool {
	switch m {
	case Rolling, Monthly, Quarterly, Yearly, BaseStock, Consignment:
		return true
	default:
		return false
	}
}
