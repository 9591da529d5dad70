package app

import (
	"cmp"
	"context"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// maxMonths bounds how many months are answered at once.
const maxMonths = 60

// Figures answers with the periods of groups; dates that are missing are set by the policy
// in force on the last day. Errors: Invalid PERIOD_INVALID.
func (s *Service) Figures(ctx context.Context, q figures.Query) (figures.Page, terms.Figures, error) {
	if q.To.IsZero() {
		q.To = s.Clock.Today(ctx)
	}
	policy, err := s.Policies.InForce(ctx, q.To)
	if err != nil {
		return figures.Page{}, terms.Figures{}, err
	}
	if q.From.IsZero() {
		q.From = q.To.AddDays(1 - policy.Figures.DSODays)
	}
	if err := checkPeriod(q.From, q.To); err != nil {
		return figures.Page{}, policy.Figures, err
	}
	q.Scope.Owner = scoped(ctx)
	if q.GroupBy == figures.ByMonth {
		p, err := s.byMonth(ctx, q)
		return p, policy.Figures, err
	}
	p, err := s.store.Figures(ctx, q)
	return p, policy.Figures, err
}

func checkPeriod(from, to calendar.Date) error {
	if !to.Before(from) {
		return nil
	}
	return errs.New(errs.Invalid, "PERIOD_INVALID", "the period ends on %s, before it begins on %s", to, from).
		WithViolations(errs.Violation{Field: "from_date", Rule: "not_after_to_date", Message: "a period ends on or after its first day"})
}

// byMonth asks month by month: each row is a whole period of its own.
func (s *Service) byMonth(ctx context.Context, q figures.Query) (figures.Page, error) {
	if months := monthsBetween(q.From, q.To); months > maxMonths {
		return figures.Page{}, errs.New(errs.Invalid, "PERIOD_INVALID", "%d months are more than %d", months, maxMonths).
			WithViolations(errs.Violation{Field: "from_date", Rule: "max_months", Message: "at most 60 months at once"})
	}
	var p figures.Page
	all := q
	all.GroupBy, all.AfterKey, all.AfterCurrency, all.Limit = figures.ByTotal, "", "", maxCurrencies
	for from := q.From; !from.After(q.To); from = from.AddMonths(1, 1) {
		all.From, all.To = from, from.EndOfMonth()
		if all.To.After(q.To) {
			all.To = q.To
		}
		month, err := s.store.Figures(ctx, all)
		if err != nil {
			return p, err
		}
		for _, r := range month.Rows {
			r.Key = from.String()[:7]
			if r.Key > q.AfterKey || (r.Key == q.AfterKey && r.Currency > q.AfterCurrency) {
				p.Rows = append(p.Rows, r)
			}
		}
		if p.More = len(p.Rows) > q.Limit; p.More {
			p.Rows = p.Rows[:q.Limit]
			break
		}
	}
	return p, nil
}

// maxCurrencies is more than there are.
const maxCurrencies = 1000

func monthsBetween(from, to calendar.Date) int {
	return (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month()) + 1
}

// RollRates answers, by currency, with where the open amount of each bucket went between
// two days. Errors: Invalid PERIOD_INVALID.
func (s *Service) RollRates(ctx context.Context, q figures.RollQuery) (map[string][]figures.RollRow, figures.RollQuery, []string, error) {
	if q.To.IsZero() {
		q.To = s.Clock.Today(ctx)
	}
	if q.From.IsZero() {
		q.From = q.To.AddMonths(-1, 1).EndOfMonth()
	}
	if err := checkPeriod(q.From, q.To); err != nil {
		return nil, q, nil, err
	}
	policy, err := s.Policies.InForce(ctx, q.To)
	if err != nil {
		return nil, q, nil, err
	}
	buckets := aging.NewBuckets(policy.AgingBounds, aging.ByDueDate)
	q.Scope.Owner, q.Floors = scoped(ctx), buckets.Floors
	rolls, err := s.store.Rolls(ctx, q)
	if err != nil {
		return nil, q, nil, err
	}
	out := map[string][]figures.RollRow{}
	for currency, list := range rolls {
		out[currency] = figures.RollRows(len(buckets.Names), list)
	}
	return out, q, buckets.Names, nil
}

// Forecast of one currency.
type Forecast struct {
	Currency string
	*figures.Forecast
	// Late is how many days late customers together usually are.
	Late int
}

// CashForecast answers with when what is open on a day (none: today) will come.
func (s *Service) CashForecast(ctx context.Context, q figures.DebtQuery, weeks int) ([]Forecast, calendar.Date, error) {
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	q.Scope.Owner = scoped(ctx)
	debts, err := s.store.Debts(ctx, q)
	if err != nil {
		return nil, q.AsOf, err
	}
	var out []Forecast
	for _, d := range debts {
		f := Forecast{Currency: d.Currency, Forecast: figures.NewForecast(q.AsOf, weeks)}
		f.Late, _ = d.Habits.All.Days()
		for _, debt := range d.Debts {
			f.Add(debt, d.Habits.Days(debt.CustomerID))
		}
		out = append(out, f)
	}
	return out, q.AsOf, nil
}

// Concentration answers with who owes how much of all on a day (none: today).
func (s *Service) Concentration(ctx context.Context, q figures.ConcentrationQuery) ([]figures.Concentration, calendar.Date, error) {
	if q.AsOf.IsZero() {
		q.AsOf = s.Clock.Today(ctx)
	}
	q.Scope.Owner = scoped(ctx)
	c, err := s.store.Concentration(ctx, q)
	return c, q.AsOf, err
}

// Matrix is a provision matrix of one currency and grade.
type Matrix struct {
	Currency, Grade string
	figures.Provision
}

// ProvisionTotal of one currency.
type ProvisionTotal struct {
	Currency    string
	Gross, Loss int64
	// Opening is the allowance needed before, WrittenOff what was taken out of it since.
	Opening, WrittenOff int64
}

// Provision is what is expected to be lost of what is open on a day.
type Provision struct {
	AsOf          calendar.Date
	PolicyVersion int64
	Buckets       []string
	Matrices      []Matrix
	Totals        []ProvisionTotal
	Missing       figures.Missing
}

// Provision answers with the provision matrix of a day (none: today), by the rates of the
// policy in force on it, and with what has to be charged since an opening day (none: not asked).
func (s *Service) Provision(ctx context.Context, asOf, opening calendar.Date) (Provision, error) {
	if asOf.IsZero() {
		asOf = s.Clock.Today(ctx)
	}
	if !opening.IsZero() {
		if err := checkPeriod(opening, asOf); err != nil {
			return Provision{}, err
		}
	}
	p, err := s.matrices(ctx, asOf)
	if err != nil || opening.IsZero() || p.Missing != "" {
		return p, err
	}
	before, err := s.matrices(ctx, opening)
	if err != nil {
		return p, err
	}
	lost, err := s.store.WrittenOff(ctx, opening, asOf)
	if err != nil {
		return p, err
	}
	totals := map[string]ProvisionTotal{}
	for _, t := range p.Totals {
		totals[t.Currency] = t
	}
	for _, b := range before.Totals {
		t := totals[b.Currency]
		t.Currency, t.Opening = b.Currency, b.Loss
		totals[b.Currency] = t
	}
	for currency, amount := range lost {
		t := totals[currency]
		t.Currency, t.WrittenOff = currency, amount
		totals[currency] = t
	}
	p.Totals = p.Totals[:0]
	for _, currency := range slices.Sorted(maps.Keys(totals)) {
		p.Totals = append(p.Totals, totals[currency])
	}
	return p, nil
}

func (s *Service) matrices(ctx context.Context, asOf calendar.Date) (Provision, error) {
	policy, err := s.Policies.InForce(ctx, asOf)
	if err != nil {
		return Provision{}, err
	}
	buckets := aging.NewBuckets(policy.AgingBounds, aging.ByDueDate)
	p := Provision{AsOf: asOf, PolicyVersion: policy.Version, Buckets: buckets.Names}
	if len(policy.Figures.LossRates) == 0 {
		p.Missing = figures.NoLossRates
		return p, nil
	}
	gross, err := s.store.Gross(ctx, asOf, buckets.Floors)
	if err != nil {
		return p, err
	}
	type segment struct{ currency, grade string }
	sums := map[segment][]int64{}
	for _, g := range gross {
		k := segment{currency: g.Currency}
		if policy.Figures.LossRates[g.Grade] != nil {
			k.grade = g.Grade
		}
		if sums[k] == nil {
			sums[k] = make([]int64, len(buckets.Names))
		}
		sums[k][g.Bucket] += g.Open
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b segment) int {
		return cmp.Or(strings.Compare(a.currency, b.currency), strings.Compare(a.grade, b.grade))
	})
	for _, k := range keys {
		m := Matrix{Currency: k.currency, Grade: k.grade, Provision: figures.NewProvision(sums[k], policy.Figures.LossRates[k.grade])}
		p.Matrices = append(p.Matrices, m)
		if n := len(p.Totals); n == 0 || p.Totals[n-1].Currency != k.currency {
			p.Totals = append(p.Totals, ProvisionTotal{Currency: k.currency})
		}
		t := &p.Totals[len(p.Totals)-1]
		t.Gross, t.Loss = t.Gross+m.Gross, t.Loss+m.Loss
	}
	return p, nil
}

// Cost is what the capital tied up in a row cost; ok is false where the policy has no rate.
func Cost(r figures.Row, p terms.Figures) (money.Money, bool) {
	if p.CostOfCapital == nil || r.OpenDays == nil {
		return money.Money{}, false
	}
	return money.New(figures.CostOfCapital(new(big.Int).Set(r.OpenDays), p.CostOfCapital), r.Currency), true
}
