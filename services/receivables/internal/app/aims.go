package app

import (
	"cmp"
	"context"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
)

// Ceiling is the most that may be outstanding in a unit (empty: the company), as the gate enforces it.
type Ceiling struct {
	UnitID string `json:"unit_id"`
	// Warning is the level above which it warns; the zero value: none.
	Warning money.Money `json:"warning"`
	Stop    money.Money `json:"stop"`
	Total   money.Money `json:"total"`
	Status  string      `json:"status"`
}

// AccountUse is a customer's limit that is an amount, and what is used of it.
type AccountUse struct {
	CustomerID      string
	Limit, Exposure money.Money
}

// RefusedOrder is a sale that credit did not let happen.
type RefusedOrder struct {
	CustomerID, UnitID string // the unit is the order's; empty: the customer's
	Amount             money.Money
	Submitted          calendar.Date
}

// Gate is asked for what it alone knows.
type Gate interface {
	Ceilings(ctx context.Context) ([]Ceiling, error)
	// AccountUses gives the accounts whose limit is an amount, some at a time.
	AccountUses(ctx context.Context, take func([]AccountUse) error) error
	// RefusedOrders gives the orders that were refused or expired without a shipment, some at a time.
	RefusedOrders(ctx context.Context, take func([]RefusedOrder) error) error
}

// ControlRow is a unit, or the company, against its ceiling.
type ControlRow struct {
	UnitID    string        `json:"unit_id"`
	Currency  string        `json:"currency"`
	Ceiling   *Ceiling      `json:"ceiling,omitempty"` // nil: none, or not known
	Open      int64         `json:"open"`
	Overdue   int64         `json:"overdue"`
	Pace      figures.Pace  `json:"pace"`
	WarningOn calendar.Date `json:"warning_on"`
	StopOn    calendar.Date `json:"stop_on"`
}

// TotalControl answers with the company and its units against their ceilings on a day (none: today); missing is
// NoPeer where the gate cannot be asked.
func (s *Service) TotalControl(ctx context.Context, asOf calendar.Date) (list []ControlRow, on calendar.Date, missing figures.Missing, err error) {
	if asOf.IsZero() {
		asOf = s.Clock.Today(ctx)
	}
	policy, err := s.Policies.InForce(ctx, asOf)
	if err != nil {
		return nil, asOf, "", err
	}
	type at struct{ unit, currency string }
	rows := map[at]*ControlRow{}
	row := func(unit, currency string) *ControlRow {
		k := at{unit, currency}
		if rows[k] == nil {
			rows[k] = &ControlRow{UnitID: unit, Currency: currency, Pace: figures.Pace{Days: policy.Figures.PaceDays}}
		}
		return rows[k]
	}
	for _, by := range []figures.GroupBy{figures.ByTotal, figures.ByUnit} {
		p, err := s.store.Figures(ctx, figures.Query{From: asOf.AddDays(1 - policy.Figures.PaceDays), To: asOf, GroupBy: by, Limit: maxGroups})
		if err != nil {
			return nil, asOf, "", err
		}
		for _, r := range p.Rows {
			if by == figures.ByUnit && r.Key == "" {
				continue // of no unit: in the company's row only
			}
			c := row(r.Key, r.Currency)
			c.Open, c.Overdue, c.Pace.Rise = r.Closing, r.Overdue(), r.Closing-r.Opening
		}
	}
	ceilings, missing := s.ceilings(ctx)
	for _, ceiling := range ceilings {
		c := row(ceiling.UnitID, ceiling.Stop.Currency)
		c.Ceiling = &ceiling
		c.StopOn, _ = c.Pace.Reaches(asOf, ceiling.Total.Minor, ceiling.Stop.Minor)
		if ceiling.Warning.Currency != "" {
			c.WarningOn, _ = c.Pace.Reaches(asOf, ceiling.Total.Minor, ceiling.Warning.Minor)
		}
	}
	for _, c := range rows {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b ControlRow) int {
		return cmp.Or(strings.Compare(a.UnitID, b.UnitID), strings.Compare(a.Currency, b.Currency))
	})
	return list, asOf, missing, nil
}

// maxGroups bounds the units, grades and persons of one answer.
const maxGroups = 10_000

func (s *Service) ceilings(ctx context.Context) ([]Ceiling, figures.Missing) {
	if s.Gate == nil {
		return nil, figures.NoPeer
	}
	list, err := s.Gate.Ceilings(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "the gate could not be asked for its ceilings", "error", err)
		return nil, figures.NoPeer
	}
	return list, ""
}

// AimsRow is both aims of a group in one currency.
type AimsRow struct {
	figures.Row
	// Asked says that the gate answered; without it what follows is not known.
	Asked         bool  `json:"asked"`
	Refused       int64 `json:"refused"`
	RefusedOrders int64 `json:"refused_orders"`
	Limit         int64 `json:"limit"`
	LimitUsed     int64 `json:"limit_used"`
	// Dated says that limits, which are those of now, belong to no month.
	Dated bool `json:"dated"`
	// Cost of the capital tied up; ok is in HasCost.
	Cost    money.Money `json:"cost"`
	HasCost bool        `json:"has_cost"`
	// OverdueAbove and BadDebtAbove say that the ratio is above what the company accepts.
	OverdueAbove bool `json:"overdue_above"`
	BadDebtAbove bool `json:"bad_debt_above"`
}

// LimitUse is the share of the limits that is used.
func (r AimsRow) LimitUse() figures.Value {
	return figures.Of(big.NewInt(r.LimitUsed), big.NewInt(r.Limit), 1, figures.NothingOpen)
}

// Aims answers with both aims side by side, by group; missing is NoPeer where the gate cannot be asked. Errors: Invalid
// PERIOD_INVALID.
func (s *Service) Aims(ctx context.Context, q figures.Query) ([]AimsRow, figures.Missing, error) {
	if q.To.IsZero() {
		q.To = s.Clock.Today(ctx)
	}
	if q.From.IsZero() {
		q.From = q.To.AddMonths(0, 1)
	}
	q.Limit = maxGroups
	p, policy, err := s.Figures(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows := map[groupKey]*AimsRow{}
	for _, r := range p.Rows {
		rows[groupKey{r.Key, r.Currency}] = &AimsRow{Row: r}
	}
	asked := s.askGate(ctx, q, rows)
	var out []AimsRow
	for _, k := range slices.SortedFunc(maps.Keys(rows), func(a, b groupKey) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.currency, b.currency))
	}) {
		r := rows[k]
		r.Asked, r.Dated = asked, q.GroupBy == figures.ByMonth
		r.Cost, r.HasCost = Cost(r.Row, policy)
		r.OverdueAbove, r.BadDebtAbove = r.Row.OverdueRatio().Above(policy.AcceptedOverdue), r.Row.BadDebtRatio().Above(policy.AcceptedBadDebt)
		out = append(out, *r)
	}
	if !asked {
		return out, figures.NoPeer, nil
	}
	return out, "", nil
}

type groupKey struct{ key, currency string }

// askGate fills in what the gate knows; it reports false where the gate cannot be asked, and leaves the rows as they were.
func (s *Service) askGate(ctx context.Context, q figures.Query, rows map[groupKey]*AimsRow) bool {
	if s.Gate == nil {
		return false
	}
	filled := map[groupKey]*AimsRow{}
	of := func(key, currency string) *AimsRow {
		k := groupKey{key, currency}
		if filled[k] == nil {
			filled[k] = &AimsRow{}
		}
		return filled[k]
	}
	err := s.Gate.RefusedOrders(ctx, func(list []RefusedOrder) error {
		list = slices.DeleteFunc(list, func(o RefusedOrder) bool { return o.Submitted.Before(q.From) || o.Submitted.After(q.To) })
		customers, err := s.store.Customers(ctx, idsOf(list, func(o RefusedOrder) string { return o.CustomerID }))
		for _, o := range list {
			c := customers[o.CustomerID]
			if o.UnitID != "" {
				c.UnitID = o.UnitID
			}
			r := of(groupOf(q.GroupBy, c, o.Submitted), o.Amount.Currency)
			r.Refused, r.RefusedOrders = r.Refused+o.Amount.Minor, r.RefusedOrders+1
		}
		return err
	})
	if err == nil && q.GroupBy != figures.ByMonth {
		err = s.Gate.AccountUses(ctx, func(list []AccountUse) error {
			customers, err := s.store.Customers(ctx, idsOf(list, func(a AccountUse) string { return a.CustomerID }))
			for _, a := range list {
				r := of(groupOf(q.GroupBy, customers[a.CustomerID], q.To), a.Limit.Currency)
				r.Limit, r.LimitUsed = r.Limit+a.Limit.Minor, r.LimitUsed+a.Exposure.Minor
			}
			return err
		})
	}
	if err != nil {
		s.Log.WarnContext(ctx, "the gate could not be asked for limits and refused orders", "error", err)
		return false
	}
	for k, f := range filled {
		if rows[k] == nil {
			rows[k] = &AimsRow{Row: figures.Row{Key: k.key, Currency: k.currency, Period: figures.Period{From: q.From, To: q.To}, OpenDays: new(big.Int)}}
		}
		r := rows[k]
		r.Refused, r.RefusedOrders, r.Limit, r.LimitUsed = f.Refused, f.RefusedOrders, f.Limit, f.LimitUsed
	}
	return true
}

func idsOf[T any](list []T, id func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = id(x)
	}
	return out
}

func groupOf(by figures.GroupBy, c Customer, day calendar.Date) string {
	switch by {
	case figures.ByUnit:
		return c.UnitID
	case figures.ByGrade:
		return c.Grade
	case figures.ByMonth:
		return day.String()[:7]
	case figures.ByTotal, figures.BySalesperson, figures.ByCustomer, figures.ByGroup:
	}
	return ""
}
