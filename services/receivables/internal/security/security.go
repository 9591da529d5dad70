// Package security holds what stands behind a customer's debts, what it is worth on a day, and what an insurer must be told
// in time. The package is pure.
package security

import (
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what it is.
type Kind string

// The kinds that rules tell apart; the others are told apart by people.
const (
	CreditInsurance Kind = "CREDIT_INSURANCE"
	Mortgage        Kind = "MORTGAGE"
	Guarantee       Kind = "GUARANTEE"
)

// State is how it stands on a day.
type State string

// The states.
const (
	Ahead    State = "AHEAD"
	InForce  State = "IN_FORCE"
	Expired  State = "EXPIRED"
	Released State = "RELEASED"
)

// ReportKind is what an insurer is told.
type ReportKind string

// The kinds of reports.
const (
	Overdue ReportKind = "OVERDUE"
	Claim   ReportKind = "CLAIM"
)

// ReasonSamePerson: who recorded a security does not give it back.
const ReasonSamePerson = "SAME_PERSON"

// Valuation is a value that a security was given.
type Valuation struct {
	Value       money.Money   `json:"value"`
	PriorClaims money.Money   `json:"prior_claims"`
	Date        calendar.Date `json:"valuation_date"`
	Basis       string        `json:"basis"`
	RecordedBy  string        `json:"recorded_by"`
}

// Report is what an insurer was told of an item.
type Report struct {
	Kind       ReportKind    `json:"kind"`
	ItemID     string        `json:"item_id"`
	Date       calendar.Date `json:"report_date"`
	Reference  string        `json:"reference"`
	RecordedBy string        `json:"recorded_by"`
}

// Security is what stands behind a customer's debts.
type Security struct {
	ID         string   `json:"security_id"`
	CustomerID string   `json:"customer_id"`
	Kind       Kind     `json:"kind"`
	Provider   string   `json:"provider"`
	Rank       int      `json:"rank,omitempty"`
	ItemIDs    []string `json:"item_ids,omitempty"`
	Reference  string   `json:"reference"`
	// Valuations are never empty; the last one counts.
	Valuations []Valuation   `json:"valuations"`
	From       calendar.Date `json:"valid_from_date"`
	// Until is the last day; zero: without end.
	Until calendar.Date `json:"valid_until_date,omitzero"`

	// InsuredShare of a loss; not valid: all. NoticeDays and ClaimDays count from the due date; 0: none.
	InsuredShare money.Ratio `json:"insured_share,omitzero"`
	NoticeDays   int         `json:"overdue_notice_days,omitempty"`
	ClaimDays    int         `json:"claim_days,omitempty"`
	Reports      []Report    `json:"reports,omitempty"`

	RecordedBy    string        `json:"recorded_by"`
	RecordDate    calendar.Date `json:"record_date"`
	ReleasedBy    string        `json:"released_by,omitempty"`
	ReleaseReason string        `json:"release_reason,omitempty"`
	ReleaseDate   calendar.Date `json:"release_date,omitzero"`
}

// Check holds a new security to what can be. Its errors have kind Invalid: those of values, and the rules END_BEFORE_START,
// INSURANCE_ONLY and INSURANCE_TERMS.
func (s Security) Check() error {
	insured := s.InsuredShare.IsValid() || s.NoticeDays > 0 || s.ClaimDays > 0
	switch {
	case !s.Until.IsZero() && s.Until.Before(s.From):
		return errs.Field("security.valid_until_date", "END_BEFORE_START", "%s is before %s", s.Until, s.From)
	case s.Kind != CreditInsurance && insured:
		return errs.Field("security.insured_share", "INSURANCE_ONLY", "share and deadlines are those of credit insurance")
	case s.ClaimDays > 0 && s.ClaimDays < s.NoticeDays:
		return errs.Field("security.claim_days", "INSURANCE_TERMS", "a claim in %d days comes before the notice in %d", s.ClaimDays, s.NoticeDays)
	}
	return s.Valuations[0].check("security.")
}

func (v Valuation) check(prefix string) error {
	switch {
	case !v.Value.IsPositive():
		return amountError(errs.New(errs.Invalid, "AMOUNT_NOT_POSITIVE", "a value is above zero"), prefix+"value")
	case v.PriorClaims.Currency != v.Value.Currency:
		return errs.Field(prefix+"prior_claims", "PRIOR_CLAIMS", "prior claims are in %s, not %s", v.Value.Currency, v.PriorClaims.Currency)
	case v.PriorClaims.IsNegative() || v.PriorClaims.Cmp(v.Value) > 0:
		return errs.Field(prefix+"prior_claims", "PRIOR_CLAIMS", "prior claims are between nothing and the value")
	}
	return nil
}

func amountError(e *errs.Error, field string) error {
	return e.With("field", field).WithViolations(errs.Violation{Field: field, Rule: "positive", Message: e.Message})
}

// State tells how it stands on a day.
func (s Security) State(day calendar.Date) State {
	switch {
	case !s.ReleaseDate.IsZero() && !day.Before(s.ReleaseDate):
		return Released
	case day.Before(s.From):
		return Ahead
	case !s.Until.IsZero() && day.After(s.Until):
		return Expired
	default:
		return InForce
	}
}

// Worth is what it is worth on a day, by the newest valuation until then: value less prior claims, of insurance the insured
// share, rounded half up; nothing where it does not hold.
func (s Security) Worth(day calendar.Date) money.Money {
	worth := s.worth(day)
	if s.State(day) != InForce {
		return money.Zero(worth.Currency)
	}
	return worth
}

// worth is what it is worth where it holds, by the newest valuation until a day.
func (s Security) worth(day calendar.Date) money.Money {
	v := s.Valuations[0]
	for _, later := range s.Valuations[1:] {
		if !later.Date.After(day) {
			v = later
		}
	}
	worth := v.Value.Sub(v.PriorClaims)
	if s.InsuredShare.IsValid() {
		worth = worth.MulRatio(s.InsuredShare)
	}
	return worth
}

// Backing is what the gate is told of a security: what it is worth while it holds.
type Backing struct {
	ID    string        `json:"security_id"`
	Kind  Kind          `json:"kind"`
	Worth money.Money   `json:"worth"`
	From  calendar.Date `json:"valid_from_date"`
	// Until is the last day; zero: without end.
	Until calendar.Date `json:"valid_until_date,omitzero"`
}

// Backing is what it puts behind a customer's debts from a day on. One that is for some items only is worth at most what is open of
// them, which is open. False: it was given back, its last day has passed, or nothing of it is left.
func (s Security) Backing(day calendar.Date, open money.Money) (Backing, bool) {
	if state := s.State(day); state == Released || state == Expired {
		return Backing{}, false
	}
	b := Backing{ID: s.ID, Kind: s.Kind, Worth: s.worth(day), From: s.From, Until: s.Until}
	if len(s.ItemIDs) > 0 {
		if open.Currency != b.Worth.Currency {
			return Backing{}, false
		}
		if open.Cmp(b.Worth) < 0 {
			b.Worth = open
		}
	}
	return b, b.Worth.IsPositive()
}

// Covers reports whether it stands behind an item by name, or behind all.
func (s Security) Covers(itemID string) bool {
	return len(s.ItemIDs) == 0 || slices.Contains(s.ItemIDs, itemID)
}

// Revalue gives it a new value, and a later end where one is given. Errors: FailedPrecondition SECURITY_RELEASED, Invalid as
// Check and DATE_AHEAD.
func (s Security) Revalue(v Valuation, until, today calendar.Date) (Security, error) {
	if err := s.held(); err != nil {
		return s, err
	}
	switch {
	case v.Value.Currency != s.Valuations[0].Value.Currency:
		return s, errs.Field("valuation.value", "PRIOR_CLAIMS", "the security is kept in %s", s.Valuations[0].Value.Currency)
	case v.Date.After(today):
		return s, errs.Field("valuation.valuation_date", "DATE_AHEAD", "%s is ahead", v.Date)
	case !until.IsZero() && until.Before(s.From):
		return s, errs.Field("valid_until_date", "END_BEFORE_START", "%s is before %s", until, s.From)
	}
	if err := v.check("valuation."); err != nil {
		return s, err
	}
	if !until.IsZero() {
		s.Until = until
	}
	s.Valuations = append(slices.Clone(s.Valuations), v)
	slices.SortStableFunc(s.Valuations[1:], func(a, b Valuation) int { return a.Date.Compare(b.Date) })
	return s, nil
}

func (s Security) held() error {
	if s.ReleasedBy != "" {
		return errs.New(errs.FailedPrecondition, "SECURITY_RELEASED", "security %s was given back on %s", s.ID, s.ReleaseDate).With("security_id", s.ID)
	}
	return nil
}

// Release gives it back. Errors: FailedPrecondition SECURITY_RELEASED, PermissionDenied SAME_PERSON.
func (s Security) Release(actor, reason string, today calendar.Date) (Security, error) {
	if err := s.held(); err != nil {
		return s, err
	}
	if actor == s.RecordedBy {
		return s, errs.New(errs.PermissionDenied, ReasonSamePerson, "who recorded security %s does not give it back", s.ID).With("security_id", s.ID)
	}
	s.ReleasedBy, s.ReleaseReason, s.ReleaseDate = actor, reason, today
	return s, nil
}

// Tell records what the insurer was told. Errors: FailedPrecondition SECURITY_RELEASED and REPORTED_BEFORE, Invalid
// INSURANCE_ONLY and DATE_AHEAD.
func (s Security) Tell(r Report, today calendar.Date) (Security, error) {
	if err := s.held(); err != nil {
		return s, err
	}
	switch {
	case s.Kind != CreditInsurance:
		return s, errs.Field("security_id", "INSURANCE_ONLY", "security %s is no insurance", s.ID)
	case r.Date.After(today):
		return s, errs.Field("report.report_date", "DATE_AHEAD", "%s is ahead", r.Date)
	case s.Told(r.Kind, r.ItemID):
		return s, errs.New(errs.FailedPrecondition, "REPORTED_BEFORE", "the insurer was told of item %s", r.ItemID).With("item_id", r.ItemID)
	}
	s.Reports = append(slices.Clone(s.Reports), r)
	return s, nil
}

// Told reports whether the insurer was told of an item.
func (s Security) Told(kind ReportKind, itemID string) bool {
	return slices.ContainsFunc(s.Reports, func(r Report) bool { return r.Kind == kind && r.ItemID == itemID })
}

// Insured is an open item as an insurance sees it.
type Insured struct {
	ItemID                string
	DocumentDate, DueDate calendar.Date
}

// Deadline is a day until which an insurer must be told.
type Deadline struct {
	Kind    ReportKind
	ItemID  string
	LastDay calendar.Date
}

// Deadlines are the days until which the insurer must be told of open items: of those whose document falls into its time,
// as far as it was not told. A claim stands for the notice too.
func (s Security) Deadlines(items []Insured) []Deadline {
	if s.Kind != CreditInsurance || s.ReleasedBy != "" {
		return nil
	}
	var out []Deadline
	for _, i := range items {
		in := !i.DocumentDate.Before(s.From) && (s.Until.IsZero() || !i.DocumentDate.After(s.Until))
		if !in || !s.Covers(i.ItemID) || s.Told(Claim, i.ItemID) {
			continue
		}
		if s.NoticeDays > 0 && !s.Told(Overdue, i.ItemID) {
			out = append(out, Deadline{Overdue, i.ItemID, i.DueDate.AddDays(s.NoticeDays)})
		}
		if s.ClaimDays > 0 {
			out = append(out, Deadline{Claim, i.ItemID, i.DueDate.AddDays(s.ClaimDays)})
		}
	}
	return out
}
