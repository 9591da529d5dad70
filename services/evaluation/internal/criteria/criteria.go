// Package criteria is the evaluation policy as the domain reads it: by what facts
// are judged, what a grade allows, and who grants credit (S1.3, S2.1-S2.4, S2.12).
package criteria

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Indicator is a figure that a rating can use.
type Indicator string

// The indicators; their formulas are in the README of the service.
const (
	// CollectionRate is collected / fallen due, with us.
	CollectionRate Indicator = "collection_rate"
	// DefaultsWithUs counts invoices overdue beyond the bound of receivables.
	DefaultsWithUs Indicator = "defaults_with_us"
	// AverageDaysLate of settled invoices, weighted by amount.
	AverageDaysLate Indicator = "average_days_late"
	// OldestOverdueDays of the oldest open item.
	OldestOverdueDays Indicator = "oldest_overdue_days"
	// DebtToAssetRatio is liabilities / assets of the newest statement.
	DebtToAssetRatio Indicator = "debt_to_asset_ratio"
	// CurrentRatio is current assets / current liabilities.
	CurrentRatio Indicator = "current_ratio"
	// ConsecutiveLosses counts periods with a net loss, back from the newest.
	ConsecutiveLosses Indicator = "consecutive_losses"
	// CashFlowToDebt is operating cash flow / liabilities.
	CashFlowToDebt Indicator = "cash_flow_to_debt"
	// RiskyVentureShare is capital in risky ventures / assets.
	RiskyVentureShare Indicator = "risky_venture_share"
	// MonthsOfTrade since the first invoice.
	MonthsOfTrade Indicator = "months_of_trade"
	// LongestDaysLate that any invoice was paid late or is overdue.
	LongestDaysLate Indicator = "longest_days_late"
	// OpenSuits counts open suits of other creditors.
	OpenSuits Indicator = "open_suits"
	// YearlySales of the firm itself, last 12 whole months of its invoices.
	YearlySales Indicator = "yearly_sales"
	// SalesGrowth of those over the 12 months before, less 1.
	SalesGrowth Indicator = "sales_growth"
	// SalesVolatility is the distances of the 12 months from their mean / their sum.
	SalesVolatility Indicator = "sales_volatility"
	// VoidShare is void / all sales invoices.
	VoidShare Indicator = "void_share"
	// ReturnsShare is the amount below zero / the amount above zero of sales invoices.
	ReturnsShare Indicator = "returns_share"
	// TopBuyerShare is sales to the largest buyer / all sales.
	TopBuyerShare Indicator = "top_buyer_share"
	// NumberOfBuyers counts different buyers.
	NumberOfBuyers Indicator = "number_of_buyers"
	// ActivityGap is days from the last sale to the day the invoices are known up to.
	ActivityGap Indicator = "activity_gap"
	// SalesMonths counts months with a valid sale.
	SalesMonths Indicator = "sales_months"
	// PurchasesToSales is purchases / sales.
	PurchasesToSales Indicator = "purchases_to_sales"
	// InterestCover is operating profit / interest expense.
	InterestCover Indicator = "interest_cover"
	// AltmanZDoublePrime is Altman's Z'' for private firms.
	AltmanZDoublePrime Indicator = "altman_z_double_prime"
	// AltmanZPrime is Altman's Z' for private manufacturers.
	AltmanZPrime Indicator = "altman_z_prime"
	// ReturnOnAssets is net profit / assets.
	ReturnOnAssets Indicator = "return_on_assets"
	// BrokenPromises counts promises to pay that were broken, with us.
	BrokenPromises Indicator = "broken_promises"
	// YearlyPurchases is the amount of our invoices of the last 12 months.
	YearlyPurchases Indicator = "yearly_purchases"
	// OrderGrowth of those over the 12 months before, less 1.
	OrderGrowth Indicator = "order_growth"
	// OpenEnforcements counts judgements that are enforced.
	OpenEnforcements Indicator = "open_enforcements"
	// ExternalRating is the lowest of the agencies' newest ratings, in points of the policy's scales.
	ExternalRating Indicator = "external_rating"
	// BanksOverdue counts banks that the customer is overdue with.
	BanksOverdue Indicator = "banks_overdue"
	// ReferencesAsAgreed is the share of trade references that say it pays as agreed.
	ReferencesAsAgreed Indicator = "references_as_agreed"
	// ReferenceDaysLate is the most average days late that a trade reference tells.
	ReferenceDaysLate Indicator = "reference_days_late"
	// OperatingAtVisit is 1 where the newest site visit found it at work, else 0.
	OperatingAtVisit Indicator = "operating_at_visit"
)

// Indicators returns all of them.
func Indicators() []Indicator {
	return []Indicator{
		CollectionRate, DefaultsWithUs, AverageDaysLate, OldestOverdueDays, LongestDaysLate, MonthsOfTrade,
		BrokenPromises, YearlyPurchases, OrderGrowth,
		DebtToAssetRatio, CurrentRatio, ConsecutiveLosses, CashFlowToDebt, InterestCover, ReturnOnAssets, AltmanZDoublePrime, AltmanZPrime,
		RiskyVentureShare, OpenSuits, OpenEnforcements, ExternalRating, BanksOverdue, ReferencesAsAgreed, ReferenceDaysLate, OperatingAtVisit,
		YearlySales, SalesGrowth, SalesVolatility, VoidShare, ReturnsShare, TopBuyerShare, NumberOfBuyers, ActivityGap, SalesMonths,
		PurchasesToSales,
	}
}

// Unit is what the value of the indicator counts.
func (i Indicator) Unit() string {
	switch i {
	case DefaultsWithUs, ConsecutiveLosses, NumberOfBuyers, OpenSuits, BrokenPromises, OpenEnforcements, BanksOverdue, OperatingAtVisit:
		return "count"
	case AverageDaysLate, OldestOverdueDays, LongestDaysLate, ActivityGap, ReferenceDaysLate:
		return "days"
	case MonthsOfTrade, SalesMonths:
		return "months"
	case YearlySales, YearlyPurchases:
		return "money"
	case ExternalRating:
		return "points"
	default:
		return "ratio"
	}
}

// FromInvoices reports whether the indicator comes from the firm's own invoices with
// third parties.
func (i Indicator) FromInvoices() bool {
	switch i {
	case YearlySales, SalesGrowth, SalesVolatility, VoidShare, ReturnsShare, TopBuyerShare, NumberOfBuyers,
		ActivityGap, SalesMonths, PurchasesToSales:
		return true
	default:
		return false
	}
}

// FromPayments reports whether the indicator comes from the payment record.
func (i Indicator) FromPayments() bool {
	switch i {
	case CollectionRate, DefaultsWithUs, AverageDaysLate, OldestOverdueDays, LongestDaysLate, MonthsOfTrade,
		BrokenPromises, YearlyPurchases, OrderGrowth:
		return true
	default:
		return false
	}
}

// Missing is what becomes of a value that cannot be had.
type Missing string

// The rules for missing values.
const (
	// Fail gives the grade that the rule names.
	Fail Missing = "fail"
	// Ignore leaves the indicator out.
	Ignore Missing = "ignore"
	// Default takes a stated value.
	Default Missing = "default"
)

// Bound is which values a threshold covers.
type Bound string

// The bounds, both including the value itself.
const (
	// AtLeast covers values from the bound up.
	AtLeast Bound = "at_least"
	// AtMost covers values up to the bound.
	AtMost Bound = "at_most"
	// Otherwise covers every value.
	Otherwise Bound = "otherwise"
)

// Threshold gives a grade to values within a bound.
type Threshold struct {
	Grade grade.Grade
	Bound Bound
	// Value of the bound, exact; nil for Otherwise. Text is how the policy wrote it.
	Value *big.Rat
	Text  string
}

// Covers reports whether the value is within the bound, the bound itself included.
func (t Threshold) Covers(v *big.Rat) bool {
	switch t.Bound {
	case AtLeast:
		return v.Cmp(t.Value) >= 0
	case AtMost:
		return v.Cmp(t.Value) <= 0
	default:
		return true
	}
}

// Rule grades one indicator.
type Rule struct {
	Indicator  Indicator
	Thresholds []Threshold
	Missing    Missing
	// MissingValue stands in under Default; MissingText is how the policy wrote it.
	MissingValue *big.Rat
	MissingText  string
	// MissingGrade is given under Fail.
	MissingGrade grade.Grade
	// MaxAgeDays: older facts count as missing; 0: no bound.
	MaxAgeDays int
	// VerifiedOnly: facts that nobody verified count as missing.
	VerifiedOnly bool
	// MinItems: below this many settled invoices the payment record is missing.
	MinItems int64
	// Scales of ratings by others; only ExternalRating looks at them.
	Scales []Scale
}

// Scale says what the ratings of an agency are worth.
type Scale struct {
	// Agency; empty: all that have no scale of their own.
	Agency string
	Points map[string]*big.Rat
}

// PointsOf returns what a rating of an agency is worth; nil where no scale says.
func PointsOf(scales []Scale, agency, rating string) *big.Rat {
	at := slices.IndexFunc(scales, func(s Scale) bool { return s.Agency == agency })
	if at < 0 {
		at = slices.IndexFunc(scales, func(s Scale) bool { return s.Agency == "" })
	}
	if at < 0 {
		return nil
	}
	return scales[at].Points[rating]
}

// Dimension is as good as its worst indicator.
type Dimension struct {
	Name string
	// NameZH is its name in Chinese reports; empty: Name.
	NameZH string
	Rules  []Rule
}

// Condition is when a cap holds.
type Condition string

// The conditions.
const (
	// SuedByOthers: another creditor's suit is open.
	SuedByOthers Condition = "sued_by_others"
	// Closed: the relation has ended.
	Closed Condition = "closed"
	// Enforced: a judgement is enforced and open, or it is a dishonest debtor.
	Enforced Condition = "enforced"
	// DishonestDebtor: on the list of dishonest debtors.
	DishonestDebtor Condition = "dishonest_debtor"
	// OverdueWithBank: the newest reference of a bank says so.
	OverdueWithBank Condition = "overdue_with_bank"
	// NotOperating: the newest site visit did not find it at work.
	NotOperating Condition = "not_operating"
)

// Cap bounds the grade whatever the dimensions say.
type Cap struct {
	Name string
	// NameZH is its name in Chinese reports; empty: Name.
	NameZH    string
	Condition Condition
	Best      grade.Grade
}

// Treatment is how customers of a grade may buy.
type Treatment struct {
	Treatment grade.Treatment
	// MaxTermDays is the longest term in days from the invoice date; 0: no credit.
	MaxTermDays int
	// GraceDays after the due date before an item counts in a check.
	GraceDays int
}

// Usual is how one usual purchase is measured.
type Usual string

// The measures of one usual purchase.
const (
	// Median of the window's invoices.
	Median Usual = "median"
	// Mean of the window's invoices, rounded half up.
	Mean Usual = "mean"
	// Largest of the window's invoices.
	Largest Usual = "largest"
	// Percentile of the window's invoices: the smallest such that so many of a hundred, or more, are no larger.
	Percentile Usual = "percentile"
)

// Measure says how one usual purchase is measured.
func (l Limit) Measure() string {
	if l.Usual == Percentile {
		return fmt.Sprintf("percentile %d", l.Percentile)
	}
	return string(l.Usual)
}

// Limit gives the recommended limit: usual purchase x factor, or what a formula gives, at
// most Cap.
type Limit struct {
	Usual        Usual
	WindowMonths int
	// Percentile is which one, 1 to 99; 0 where Usual is none.
	Percentile int
	// Rounding of the limit; nil: to the minor unit only.
	Rounding *Rounding
	// Factor is zero where there is a formula.
	Factor money.Ratio
	// Cap is in the base currency; nil: none.
	Cap *money.Money
	// Formula gives the limit in units of the account's currency; nil: usual purchase x Factor.
	Formula *Formula
}

// Rounding makes limits whole multiples of a step.
type Rounding struct {
	// Step is in units of the account's currency; Text is how the policy wrote it.
	Step *big.Rat
	Text string
	// HalfUp rounds to the nearest multiple; else to the one below.
	HalfUp bool
}

// String says how limits are rounded.
func (r Rounding) String() string {
	if r.HalfUp {
		return "rounded half up to steps of " + r.Text
	}
	return "rounded down to steps of " + r.Text
}

// Round makes an amount a multiple of the step; a step below the minor unit changes nothing.
func (r Rounding) Round(m money.Money) money.Money {
	digits, _ := money.Digits(m.Currency)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	step := new(big.Rat).Mul(r.Step, new(big.Rat).SetInt(scale))
	if step.Sign() <= 0 || !step.IsInt() {
		return m
	}
	n := step.Num()
	at := big.NewInt(m.Minor)
	if r.HalfUp {
		at.Add(at, new(big.Int).Rsh(n, 1))
	}
	at.Sub(at, new(big.Int).Mod(at, n))
	if most := big.NewInt(money.MaxMinor); at.Cmp(most) > 0 {
		at.Sub(at, n)
	}
	return money.New(at.Int64(), m.Currency)
}

// Policy is one version of the evaluation policy.
type Policy struct {
	// Version and Hash identify it in every record.
	Version int64
	Hash    string

	Name         string
	BaseCurrency string
	Dimensions   []Dimension
	Caps         []Cap
	Treatments   map[grade.Grade]Treatment
	Limit        Limit
	// Term gives the recommended term; nil: the longest of the grade's treatment.
	Term *Formula
	// UnlimitedAllowed: an unlimited limit may be granted.
	UnlimitedAllowed bool
	// GrantValidDays is how long a grant holds where nothing else is asked for.
	GrantValidDays int
	// Authority is over limit (minor units of the base currency) and term in days.
	Authority approval.Table
	// ReviewIntervalDays: rated again after this many days; 0: never.
	ReviewIntervalDays int
	// GradeReviews are the same by grade, in place of ReviewIntervalDays.
	GradeReviews []GradeReview
	// ShortCycle is for customers that buy often; nil: they are like the others.
	ShortCycle *ShortCycle
	// Growth is what is expected of customers with credit.
	Growth Growth
	// Checklist names facts that a rating wants to have; Wants has what indicators need beside it.
	Checklist []Wanted
	// Form is what an application must have to be complete.
	Form Form
	// Scales of ratings by others.
	Scales []Scale
	// Scorecard is the second form of grading; nil: none. Beside dimensions the lower
	// of the two grades holds.
	Scorecard *Scorecard
	// DueDays is how long people have for what is not a form.
	DueDays DueDays
	// ExpiryWarningDays is from when on credit is listed as ending soon.
	ExpiryWarningDays int
}

// DefaultExpiryWarningDays holds where the policy says nothing.
const DefaultExpiryWarningDays = 30

// DueDays is how long people have, in calendar days.
type DueDays struct {
	// Withdrawal is from the stop to the last day on which the finance director alone decides.
	Withdrawal int
	// The plans, from the rating that calls for them.
	Contingency, Replacement, PhaseOut, Recovery int
}

// DefaultDueDays is what holds where the policy says nothing.
func DefaultDueDays() DueDays {
	return DueDays{Withdrawal: 1, Contingency: 14, Replacement: 30, PhaseOut: 30, Recovery: 14}
}

// ExceptionRoles are those of whom one signs in writing what is outside the policy (S2.5).
func ExceptionRoles() []string {
	return []string{"GENERAL_MANAGER", "FINANCE_MANAGER", "SALES_MANAGER"}
}

// UsesInvoices reports whether any indicator of the policy comes from invoices.
func (p Policy) UsesInvoices() bool {
	return p.uses(Indicator.FromInvoices)
}

// Uses reports whether the policy looks at any of the indicators.
func (p Policy) Uses(of ...Indicator) bool {
	return p.uses(func(i Indicator) bool { return slices.Contains(of, i) })
}

func (p Policy) uses(wanted func(Indicator) bool) bool {
	of := func(r Rule) bool { return wanted(r.Indicator) }
	return slices.ContainsFunc(p.rules(), of) || slices.ContainsFunc(p.formulaRules(formula.Formula.Uses), of)
}

// For returns the treatment of a grade; a customer without a grade is a cash customer.
func (p Policy) For(g grade.Grade) Treatment {
	if t, ok := p.Treatments[g]; ok {
		return t
	}
	return Treatment{Treatment: grade.CashCustomer}
}
