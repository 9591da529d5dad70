package application

import (
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

// Kind is what an application asks for.
type Kind string

// The kinds.
const (
	// Standing is credit in the place of what there is.
	Standing Kind = "STANDING"
	// ForATime is a limit for a time, once.
	ForATime Kind = "TEMPORARY"
	// ForASeason is a limit for a season of each year.
	ForASeason Kind = "SEASONAL"
	// GroupPool is what all members of the customer's group may use together.
	GroupPool Kind = "GROUP_POOL"
	// BaseStock is a standing amount for the life of a contract.
	BaseStock Kind = "BASE_STOCK"
	// OrderBound is credit for one order.
	OrderBound Kind = "ORDER_BOUND"
	// Renewal is the grant as it is until a later day.
	Renewal Kind = "RENEWAL"
	// Resumption is what was suspended, or less.
	Resumption Kind = "RESUMPTION"
)

// Seasonal is how and when a limit for a season holds.
type Seasonal struct {
	Mode  string         `json:"mode"`
	From  grant.MonthDay `json:"from_month_day"`
	Until grant.MonthDay `json:"until_month_day"`
}

// BaseStockTerms is how long base stock may be owed.
type BaseStockTerms struct {
	From  calendar.Date `json:"from_date"`
	Until calendar.Date `json:"until_date"`
}

// OrderTerms is which order gets credit of its own, and until when.
type OrderTerms struct {
	OrderID string        `json:"order_id"`
	Until   calendar.Date `json:"until_date"`
}

func (a Application) kind() Kind {
	switch {
	case a.Kind != "":
		return a.Kind
	case a.Temporary != nil:
		return ForATime
	}
	return Standing
}

func (k Kind) words() string {
	switch k {
	case ForATime:
		return "limit for a time, "
	case ForASeason:
		return "limit for a season, "
	case GroupPool:
		return "group's pool, "
	case BaseStock:
		return "base stock, "
	case OrderBound:
		return "credit for one order, "
	case Renewal:
		return "renewed, "
	case Resumption:
		return "resumed, "
	default:
		return ""
	}
}

// goesWithStanding reports whether the form adds to the grant that there is, or goes on
// with it, so that people sign for both.
func (a Application) goesWithStanding() bool { return a.kind() != Standing && a.kind() != GroupPool }

// Completed is a draft with what follows from the rest: its kind, and the term that its
// settlement terms come to.
func (a Application) Completed(day calendar.Date) Application {
	a.Kind = a.kind()
	if a.Settlement != nil && a.TermDays == 0 {
		a.TermDays = a.Settlement.LongestDays(day)
	}
	return a
}

// validateKind checks what needs no standing grant.
func (a Application) validateKind(day calendar.Date) error {
	if err := a.validateParts(); err != nil {
		return err
	}
	switch k := a.kind(); {
	case k == Standing:
		return a.validateSettlement(day)
	case a.Settlement != nil:
		return errs.Field("application.settlement_terms", "kind", "are asked for with a standing grant")
	case len(a.Instruments) > 0:
		return errs.Field("application.instruments", "kind", "are asked for with a standing grant")
	case a.KeepAdditions:
		return errs.Field("application.keep_additions", "kind", "goes with a standing grant")
	case a.TermDays != 0:
		return errs.Field("application.requested_term_days", "empty", "the standing term holds")
	case !a.ValidUntil.IsZero() && k != Renewal:
		return errs.Field("application.requested_valid_until_date", "empty", "goes with a standing grant and with a renewal")
	}
	return a.validateDates()
}

// validateParts checks that each part goes with its kind.
func (a Application) validateParts() error {
	k := a.kind()
	for _, p := range []struct {
		field string
		is    bool
		of    Kind
	}{
		{"temporary", a.Temporary != nil, ForATime}, {"seasonal", a.Seasonal != nil, ForASeason},
		{"base_stock", a.BaseStock != nil, BaseStock}, {"order_bound", a.Order != nil, OrderBound},
	} {
		switch {
		case p.is && k != p.of:
			return errs.Field("application."+p.field, "kind", "goes with an application of kind %s, and this one is of kind %s", p.of, k)
		case !p.is && k == p.of:
			return errs.Field("application."+p.field, "required", "an application of kind %s says this", k)
		}
	}
	return nil
}

func (a Application) validateSettlement(day calendar.Date) error {
	t := a.Settlement
	if t == nil {
		return nil
	}
	if err := t.Check("application.settlement_terms", day); err != nil {
		return err
	}
	if longest := t.LongestDays(day); a.TermDays < longest {
		return errs.Field("application.requested_term_days", "settlement_terms", "the settlement terms come to as much as %d days: people sign for no less", longest)
	}
	return nil
}

func (a Application) validateDates() error {
	mode := func(field, m string) error {
		if m != grant.Replace && m != grant.Add {
			return errs.Field("application."+field+".mode", "defined_only", "is neither REPLACE nor ADD")
		}
		return nil
	}
	switch a.kind() {
	case ForATime:
		if err := mode("temporary", a.Temporary.Mode); err != nil {
			return err
		}
		if a.Temporary.Until.Before(a.Temporary.From) {
			return errs.Field("application.temporary.until_date", "order", "is before from_date")
		}
	case ForASeason:
		if err := mode("seasonal", a.Seasonal.Mode); err != nil {
			return err
		}
		for field, d := range map[string]grant.MonthDay{"from_month_day": a.Seasonal.From, "until_month_day": a.Seasonal.Until} {
			if !d.Valid() {
				return errs.Field("application.seasonal."+field, "date", "is no day of any year")
			}
		}
	case BaseStock:
		if a.BaseStock.Until.Before(a.BaseStock.From) {
			return errs.Field("application.base_stock.until_date", "order", "is before from_date")
		}
	case OrderBound:
		if a.Order.OrderID == "" {
			return errs.Field("application.order_bound.order_id", "required", "say which order")
		}
	default: // the others have none
	}
	return nil
}

// base is the grant that the form goes with: the newest, or what it suspends.
func (a Application) base(newest grant.Grant) grant.Grant {
	if a.kind() == Resumption && newest.Suspended != nil {
		return *newest.Suspended
	}
	return newest
}

// lacks names what the form needs of the customer's grant, and does not find.
func (a Application) lacks(s Submission) (field, message string) {
	g := a.base(s.Standing)
	switch k := a.kind(); {
	case k == Standing && a.TermDays <= 0:
		return "requested_term_days", "credit needs a term"
	case k == Standing:
		return "", ""
	case k == GroupPool:
		if s.Customer.Root() == "" {
			return "customer.group_id", "the customer is in no group"
		}
		return "", ""
	case k == Resumption && s.Standing.Suspended == nil:
		return "standing_grant", "nothing is suspended"
	case g.Version == 0 || g.Treatment != grade.Credit || g.Limit == nil:
		return "standing_grant", "it goes with a standing grant of credit, and there is none"
	case k == Renewal:
		return a.renewalLacks(g)
	case k == Resumption && g.Over(s.Date):
		return "standing_grant", "what was suspended ended on " + g.ValidUntil.String()
	case k == Resumption && g.Limit.Amount != nil && a.Limit.Cmp(*g.Limit.Amount) > 0:
		return "requested_limit", "more than was suspended is asked for with a standing grant"
	case k == Resumption:
		return "", ""
	case g.Over(s.Date):
		return "standing_grant", "the standing grant ended on " + g.ValidUntil.String()
	case len(g.Temporary) >= grant.MaxAdditions || len(g.Seasonal) >= grant.MaxAdditions || len(g.BaseStock) >= grant.MaxAdditions || len(g.Orders) >= grant.MaxAdditions:
		return "standing_grant", "as much goes with the grant as may"
	}
	field, from, until := a.days()
	switch {
	case until.IsZero():
		return "", ""
	case until.Before(s.Date):
		return field, "the last day asked for is over"
	case !g.ValidUntil.IsZero() && until.After(g.ValidUntil):
		return field, "the standing grant ends before, on " + g.ValidUntil.String()
	case !g.ValidUntil.IsZero() && from.After(g.ValidUntil):
		return field, "the standing grant ends before it begins"
	}
	return "", ""
}

// renewalLacks names what is wrong with a renewal: it changes nothing but the last day.
func (a Application) renewalLacks(g grant.Grant) (field, message string) {
	switch {
	case g.Limit.Amount == nil || a.Limit.Cmp(*g.Limit.Amount) != 0:
		return "requested_limit", "a renewal leaves the limit as it is: another one is asked for with a standing grant"
	case g.ValidUntil.IsZero():
		return "standing_grant", "the grant has no last day"
	case !a.ValidUntil.IsZero() && !a.ValidUntil.After(g.ValidUntil):
		return "requested_valid_until_date", "is not after the last day of the grant, " + g.ValidUntil.String()
	}
	return "", ""
}

// days are the first and the last day that the form asks for, and the field of the last.
func (a Application) days() (field string, from, until calendar.Date) {
	switch a.kind() {
	case ForATime:
		return "temporary.until_date", a.Temporary.From, a.Temporary.Until
	case BaseStock:
		return "base_stock.until_date", a.BaseStock.From, a.BaseStock.Until
	case OrderBound:
		return "order_bound.until_date", calendar.Date{}, a.Order.Until
	default:
		return "", calendar.Date{}, calendar.Date{}
	}
}

func (a Application) temporaryLimit() grant.TemporaryLimit {
	return grant.TemporaryLimit{Mode: a.Temporary.Mode, Amount: a.Limit, From: a.Temporary.From, Until: a.Temporary.Until}
}

// asked is what people sign for: the highest limit that would hold, and the term; nil:
// there would be no bound.
func (a Application) asked(s Submission) (limit *money.Money, days int) {
	k := a.kind()
	if k == GroupPool || k == Standing && !a.KeepAdditions {
		return &a.Limit, a.TermDays
	}
	g := a.granted(s.Standing, s.Policy, s.Date)
	if k == ForATime {
		return g.Highest(a.Temporary.From, a.Temporary.Until), g.TermDays
	}
	// A year holds each season.
	until := s.Date.AddMonths(12, 0)
	if g.ValidUntil.After(until) {
		until = g.ValidUntil
	}
	return g.Highest(s.Date, until), g.TermDays
}

// granted is what the customer has once the form is approved: what is not of the form
// itself.
func (a Application) granted(newest grant.Grant, p criteria.Policy, day calendar.Date) grant.Grant {
	g := a.base(newest).Current(day)
	g.Pool, g.Suspended = newest.Pool, nil
	limit := a.Limit
	switch a.kind() {
	case ForATime:
		g.Temporary = append(g.Temporary, a.temporaryLimit())
	case ForASeason:
		g.Seasonal = append(g.Seasonal, grant.SeasonalLimit{Mode: a.Seasonal.Mode, Amount: limit, From: a.Seasonal.From, Until: a.Seasonal.Until})
	case BaseStock:
		g.BaseStock = append(g.BaseStock, grant.BaseStock{Amount: limit, From: a.BaseStock.From, Until: a.BaseStock.Until})
	case OrderBound:
		g.Orders = append(g.Orders, grant.OrderLimit{OrderID: a.Order.OrderID, Amount: limit, Until: a.Order.Until})
	case GroupPool:
		g.Suspended = newest.Suspended // it is about the group: the customer's own credit stays what it is
		g.Pool = &grant.GroupPool{GroupID: a.GroupID, Limit: limit, Form: number(a.SerialNumber)}
	case Renewal:
		g.ValidUntil, g.RatingID, g.Grade = a.until(p, day), a.RatingID, a.Grade
	case Resumption:
		g.Limit, g.RatingID, g.Grade = &grant.Limit{Amount: &limit}, a.RatingID, a.Grade
	default:
		standing := grant.Grant{
			Treatment: grade.Credit, Limit: &grant.Limit{Amount: &limit}, TermDays: a.TermDays, GraceDays: p.For(a.Grade).GraceDays,
			ValidUntil: a.until(p, day), RatingID: a.RatingID, Grade: a.Grade, Settlement: a.Settlement, Instruments: a.Instruments, Pool: newest.Pool,
		}
		if a.KeepAdditions {
			standing.Temporary, standing.Seasonal, standing.BaseStock, standing.Orders = g.Temporary, g.Seasonal, g.BaseStock, g.Orders
		}
		return standing
	}
	return g
}

func (a Application) until(p criteria.Policy, day calendar.Date) calendar.Date {
	if a.ValidUntil.IsZero() {
		return day.AddDays(p.GrantValidDays)
	}
	return a.ValidUntil
}

// number is the number of a serial number; 0 before there is one.
func number(serial string) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(serial, SerialPrefix), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// CheckStanding refuses to complete a form that goes with the customer's grant where that
// is another now: people signed for a sum that no longer is one. Errors:
// FailedPrecondition GRANT_CHANGED, APPLICATION_STATE.
func (a Application) CheckStanding(newest grant.Grant, day calendar.Date) error {
	if !a.goesWithStanding() && !a.KeepAdditions {
		return nil
	}
	version := a.StandingVersion
	if a.Temporary != nil && version == 0 {
		version = a.Temporary.Standing
	}
	if newest.Version != version {
		return errs.New(errs.FailedPrecondition, ReasonGrantChanged,
			"the grant was changed since the submission: return or withdraw the form, so that it is routed anew")
	}
	if _, _, until := a.days(); !until.IsZero() && until.Before(day) {
		return errs.New(errs.FailedPrecondition, ReasonState, "the last day asked for, %s, is over: reject or withdraw the form", until)
	}
	return nil
}
