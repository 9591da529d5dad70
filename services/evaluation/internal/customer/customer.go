// Package customer is the customer file: who a customer is, before anything is sold
// on credit (S1.1). It is pure: rules on data, no storage and no transport.
package customer

import (
	"strings"
	"time"
	"unicode"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// DefaultCurrency is the currency of an account whose file names none.
const DefaultCurrency = "CNY"

// LifeCycle is the stage of the relation with a customer.
type LifeCycle string

// The stages.
const (
	// Prospect is being developed.
	Prospect LifeCycle = "PROSPECT"
	// Active trades with us.
	Active LifeCycle = "ACTIVE"
	// Watch trades under closer watch.
	Watch LifeCycle = "WATCH"
	// PhasedOut is being replaced.
	PhasedOut LifeCycle = "PHASED_OUT"
	// Closed trades no more.
	Closed LifeCycle = "CLOSED"
)

// SettlementMethod decides how due dates come about (S2.15).
type SettlementMethod string

// The settlement methods.
const (
	// Rolling: each invoice is due its term after its date.
	Rolling SettlementMethod = "ROLLING"
	// Monthly: invoices of a month fall due together.
	Monthly SettlementMethod = "MONTHLY"
	// Quarterly: the same by quarter.
	Quarterly SettlementMethod = "QUARTERLY"
	// Yearly: the same by year.
	Yearly SettlementMethod = "YEARLY"
	// BaseStock: a standing amount, due at the end of the contract.
	BaseStock SettlementMethod = "BASE_STOCK"
	// Consignment: due when the goods are sold on.
	Consignment SettlementMethod = "CONSIGNMENT"
)

// Contact is a person or office of the customer.
type Contact struct {
	// Purpose says what the contact is for.
	Purpose string `json:"purpose,omitempty"`
	// Name of the person or office.
	Name string `json:"name,omitempty"`
	// Phone number.
	Phone string `json:"phone,omitempty"`
	// Email address.
	Email string `json:"email,omitempty"`
}

// Address is a place of the customer.
type Address struct {
	// Purpose says what the address is for.
	Purpose string `json:"purpose,omitempty"`
	// CountryCode is ISO 3166-1 alpha-2; empty: that of the file.
	CountryCode string `json:"country_code,omitempty"`
	// Region is the province or state.
	Region string `json:"region,omitempty"`
	// PostalCode as written there.
	PostalCode string `json:"postal_code,omitempty"`
	// Lines are city, street and number.
	Lines string `json:"lines"`
}

// Pattern is how a customer usually buys, as sales states it.
type Pattern struct {
	// Goods says what it buys.
	Goods string `json:"goods,omitempty"`
	// IntervalDays between two purchases; 0: not stated.
	IntervalDays int `json:"interval_days,omitempty"`
	// PeakMonths are the months of most purchases, 1 to 12, rising.
	PeakMonths []int `json:"peak_months,omitempty"`
}

// Customer is one customer file. Field names are those of the contract.
type Customer struct {
	ID          string `json:"customer_id"`
	DisplayName string `json:"display_name"`
	LegalName   string `json:"legal_name,omitempty"`
	// Aliases are other names: former ones, brands, names in other scripts.
	Aliases            []string      `json:"aliases,omitempty"`
	USCC               string        `json:"uscc,omitempty"`
	RegistrationNumber string        `json:"registration_number,omitempty"`
	CountryCode        string        `json:"country_code,omitempty"`
	LegalForm          string        `json:"legal_form,omitempty"`
	FoundingDate       calendar.Date `json:"founding_date,omitzero"`
	Industry           string        `json:"industry,omitempty"`
	Region             string        `json:"region,omitempty"`
	GroupID            string        `json:"group_id,omitempty"`
	// RootGroupID is the topmost group above GroupID; empty: GroupID itself (Root).
	RootGroupID         string           `json:"root_group_id,omitempty"`
	UnitID              string           `json:"unit_id,omitempty"`
	LegalRepresentative string           `json:"legal_representative,omitempty"`
	Currency            string           `json:"currency_code"`
	SalespersonID       string           `json:"salesperson_id,omitempty"`
	CreditAnalystID     string           `json:"credit_analyst_id,omitempty"`
	SettlementMethod    SettlementMethod `json:"settlement_method"`
	// UsualPurchase stands in until payment records give the median; nil = not stated.
	UsualPurchase *money.Money `json:"usual_purchase,omitempty"`
	Contacts      []Contact    `json:"contacts,omitempty"`
	Address       string       `json:"address,omitempty"`
	// Addresses are further ones, by purpose.
	Addresses []Address `json:"addresses,omitempty"`
	// Pattern is how the customer usually buys; nil: not stated.
	Pattern   *Pattern  `json:"purchase_pattern,omitempty"`
	LifeCycle LifeCycle `json:"life_cycle"`
	// Revision counts the changes of the file by people, 1 on creation.
	Revision   int64     `json:"revision"`
	CreateTime time.Time `json:"create_time,omitzero"`
	UpdateTime time.Time `json:"update_time,omitzero"`
	// Grade is that of the newest rating.
	Grade grade.Grade `json:"grade,omitempty"`
	// MergedIntoID is the file that stands for this one; empty: it stands for itself.
	MergedIntoID string `json:"merged_into_id,omitempty"`
}

// Root is the group whose limit the customer shares: the topmost one above its own.
func (c Customer) Root() string {
	if c.RootGroupID != "" {
		return c.RootGroupID
	}
	return c.GroupID
}

// Complete fills in what a new file leaves open: currency, stage, settlement method.
func (c Customer) Complete() Customer {
	if c.Currency == "" {
		c.Currency = DefaultCurrency
	}
	if c.LifeCycle == "" {
		c.LifeCycle = Prospect
	}
	if c.SettlementMethod == "" {
		c.SettlementMethod = Rolling
	}
	return c
}

// NumberKey is the customer's number without leading zeros and without regard to
// case: two files with the same key may be one firm under two spellings.
func NumberKey(id string) string {
	key := strings.TrimLeft(id, "0")
	if key == "" {
		return "0"
	}
	return strings.ToUpper(key)
}

// NameKey is a name reduced to what tells firms apart: letters and digits, full-width
// forms made narrow, no case, and "co., ltd." and its like in one spelling.
func NameKey(name string) string {
	var b strings.Builder
	for _, r := range name {
		// Full-width ASCII stands at a fixed distance from the narrow forms.
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	kept := words[:0]
	for _, w := range words {
		if !legalFormWord(w) {
			kept = append(kept, w)
		}
	}
	key := strings.Join(kept, "")
	for _, suffix := range []string{"股份有限公司", "有限责任公司", "有限公司", "公司"} {
		if short, ok := strings.CutSuffix(key, suffix); ok && short != "" {
			return short
		}
	}
	return key
}

func legalFormWord(w string) bool {
	switch w {
	case "co", "company", "ltd", "limited", "inc", "incorporated", "corp", "corporation", "llc", "gmbh", "plc":
		return true
	default:
		return false
	}
}
