package fact

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is a kind of content, named as its field.
type Kind string

// The kinds.
const (
	// KindStatement is a Statement.
	KindStatement Kind = "financial_statement"
	// KindLitigation is a Litigation.
	KindLitigation Kind = "litigation"
	// KindVenture is a Venture.
	KindVenture Kind = "risky_venture"
	// KindReference is a Reference.
	KindReference Kind = "trade_reference"
	// KindExternalRating is an ExternalRating.
	KindExternalRating Kind = "external_rating"
	// KindGuarantee is a Guarantee.
	KindGuarantee Kind = "guarantee"
	// KindEnforcement is an Enforcement.
	KindEnforcement Kind = "enforcement_record"
	// KindReport is a Report.
	KindReport Kind = "credit_report"
	// KindBank is a Bank.
	KindBank Kind = "bank_reference"
	// KindRatios is Ratios.
	KindRatios Kind = "reported_ratios"
	// KindVisit is a Visit.
	KindVisit Kind = "site_visit"
)

// Enforcement is a judgement that a court enforces against the customer.
type Enforcement struct {
	Court      string        `json:"court,omitempty"`
	CaseNumber string        `json:"case_number,omitempty"`
	Amount     *money.Money  `json:"amount,omitempty"`
	FilingDate calendar.Date `json:"filing_date,omitzero"`
	Open       bool          `json:"open"`
	// Dishonest: on the list of dishonest debtors.
	Dishonest bool `json:"dishonest"`
}

// Report is what a bureau reports of the customer.
type Report struct {
	Agency           string       `json:"agency"`
	Number           string       `json:"report_number,omitempty"`
	Rating           string       `json:"rating,omitempty"`
	RecommendedLimit *money.Money `json:"recommended_limit,omitempty"`
	Summary          string       `json:"summary,omitempty"`
}

// Bank is what a bank says of the customer.
type Bank struct {
	Bank        string        `json:"bank"`
	ClientSince calendar.Date `json:"client_since_date,omitzero"`
	CreditLine  *money.Money  `json:"credit_line,omitempty"`
	Used        *money.Money  `json:"used,omitempty"`
	Overdue     bool          `json:"overdue"`
	Remark      string        `json:"remark,omitempty"`
}

// Visit is what somebody saw at the customer's place.
type Visit struct {
	Visitors  string `json:"visitors"`
	Place     string `json:"place,omitempty"`
	Operating bool   `json:"operating"`
	Findings  string `json:"findings"`
}

// Kinds returns the kinds of what is set in the content.
func (c Content) Kinds() []Kind {
	var set []Kind
	for _, k := range []struct {
		kind Kind
		has  bool
	}{
		{KindStatement, c.Statement != nil},
		{KindLitigation, c.Litigation != nil},
		{KindVenture, c.Venture != nil},
		{KindReference, c.Reference != nil},
		{KindExternalRating, c.ExternalRating != nil},
		{KindGuarantee, c.Guarantee != nil},
		{KindEnforcement, c.Enforcement != nil},
		{KindReport, c.Report != nil},
		{KindBank, c.Bank != nil},
		{KindVisit, c.Visit != nil},
		{KindRatios, c.Ratios != nil},
	} {
		if k.has {
			set = append(set, k.kind)
		}
	}
	return set
}

// Kind of the content; empty where nothing of the kinds above is set.
func (c Content) Kind() Kind {
	if set := c.Kinds(); len(set) == 1 {
		return set[0]
	}
	return ""
}

// amounts of the content that are never below zero, by field.
func (c Content) amounts() map[string]*money.Money {
	found := map[string]*money.Money{}
	if v := c.Litigation; v != nil {
		found["litigation.amount"] = v.Amount
	}
	if v := c.Reference; v != nil {
		found["trade_reference.highest_credit"] = v.HighestCredit
	}
	if v := c.Guarantee; v != nil {
		found["guarantee.amount"] = v.Amount
	}
	if v := c.Enforcement; v != nil {
		found["enforcement_record.amount"] = v.Amount
	}
	if v := c.Report; v != nil {
		found["credit_report.recommended_limit"] = v.RecommendedLimit
	}
	if v := c.Bank; v != nil {
		found["bank_reference.credit_line"], found["bank_reference.used"] = v.CreditLine, v.Used
	}
	return found
}

// days of the content that do not lie in the future, by field.
func (c Content) days() map[string]calendar.Date {
	found := map[string]calendar.Date{}
	if v := c.Litigation; v != nil {
		found["litigation.filing_date"] = v.FilingDate
	}
	if v := c.Enforcement; v != nil {
		found["enforcement_record.filing_date"] = v.FilingDate
	}
	if v := c.Bank; v != nil {
		found["bank_reference.client_since_date"] = v.ClientSince
	}
	return found
}
