package rpc

import (
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Figures serves FiguresService.
type Figures struct {
	receivablesv1.UnsafeFiguresServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.FiguresServiceServer = (*Figures)(nil)

// Where a request says nothing.
const (
	defaultWeeks = 13
	defaultTop   = 10
)

// GetFigures implements FiguresService.
func (s *Figures) GetFigures(ctx context.Context, req *receivablesv1.GetFiguresRequest) (*receivablesv1.GetFiguresResponse, error) {
	var f fields
	q := figures.Query{
		From: f.date("from_date", req.GetFromDate()), To: f.date("to_date", req.GetToDate()),
		GroupBy: figures.GroupBy(req.GetGroupBy()), Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
		Scope: figures.Scope{
			CustomerID: req.GetCustomerId(), UnitID: req.GetUnitId(), Salesperson: req.GetSalespersonId(), GroupID: req.GetGroupId(), Grade: req.GetGrade(),
		},
	}
	if f.err != nil {
		return nil, f.err
	}
	if q.GroupBy == "" {
		q.GroupBy = figures.ByTotal
	}
	checksum := page.Checksum("figures", req.GetFromDate(), req.GetToDate(), string(q.GroupBy), req.GetCustomerId(), req.GetUnitId(),
		req.GetSalespersonId(), req.GetGroupId(), req.GetGrade())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		q.AfterKey, q.AfterCurrency = cursor[0], cursor[1]
	}
	p, policy, err := s.App.Figures(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetFiguresResponse{}
	for _, r := range p.Rows {
		resp.Rows = append(resp.Rows, figuresRowOf(r, policy))
	}
	if p.More {
		last := p.Rows[len(p.Rows)-1]
		resp.NextPageToken = s.Pages.Encode(checksum, last.Key, last.Currency)
	}
	return resp, nil
}

func figuresRowOf(r figures.Row, policy terms.Figures) *receivablesv1.FiguresRow {
	m := func(minor int64) *typev1.Money { return moneyOf(money.New(minor, r.Currency)) }
	out := &receivablesv1.FiguresRow{
		Key: r.Key, DisplayName: r.DisplayName, CurrencyCode: r.Currency, FromDate: r.From.String(), ToDate: r.To.String(),
		Opening: m(r.Opening), Closing: m(r.Closing), Overdue: m(r.Overdue()), CreditSales: m(r.Sales), FallenDue: m(r.FallenDue),
		Collected: m(r.Collected), WrittenOff: m(r.WrittenOff), Recovered: m(r.Recovered), Figures: figuresOf(r.All()),
	}
	if cost, ok := app.Cost(r, policy); ok {
		out.CostOfCapital = moneyOf(cost)
	}
	return out
}

func figuresOf(list []figures.Figure) []*receivablesv1.Figure {
	out := make([]*receivablesv1.Figure, len(list))
	for i, f := range list {
		out[i] = &receivablesv1.Figure{
			Name: f.Name, Title: f.Title, Value: f.Value.Decimal(f.Unit.Digits()), Exact: f.Value.Exact(), Unit: string(f.Unit), Formula: f.Formula,
			Missing: string(f.Value.Missing),
		}
	}
	return out
}

// GetRollRates implements FiguresService.
func (s *Figures) GetRollRates(ctx context.Context, req *receivablesv1.GetRollRatesRequest) (*receivablesv1.GetRollRatesResponse, error) {
	var f fields
	q := figures.RollQuery{
		From: f.date("from_date", req.GetFromDate()), To: f.date("to_date", req.GetToDate()),
		Scope: figures.Scope{CustomerID: req.GetCustomerId(), UnitID: req.GetUnitId()},
	}
	if f.err != nil {
		return nil, f.err
	}
	rates, q, names, err := s.App.RollRates(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetRollRatesResponse{FromDate: q.From.String(), ToDate: q.To.String()}
	for _, currency := range slices.Sorted(maps.Keys(rates)) {
		out := &receivablesv1.RollRates{CurrencyCode: currency}
		for i, r := range rates[currency] {
			out.Rows = append(out.Rows, rollRowOf(i, r, names, currency))
		}
		resp.Rates = append(resp.Rates, out)
	}
	return resp, nil
}

func rollRowOf(i int, r figures.RollRow, names []string, currency string) *receivablesv1.RollRow {
	digits := figures.Ratio.Digits()
	row := &receivablesv1.RollRow{
		Bucket: names[i], Opening: moneyOf(money.New(r.Opening, currency)), Settled: moneyOf(money.New(r.Settled, currency)),
		SettledRate: r.Rate(figures.Settled).Decimal(digits), RollRate: r.Worse(i).Decimal(digits),
	}
	for to, amount := range r.To {
		row.Cells = append(row.Cells, &receivablesv1.RollCell{Bucket: names[to], Amount: moneyOf(money.New(amount, currency)), Rate: r.Rate(to).Decimal(digits)})
	}
	return row
}

// GetCashForecast implements FiguresService.
func (s *Figures) GetCashForecast(ctx context.Context, req *receivablesv1.GetCashForecastRequest) (*receivablesv1.GetCashForecastResponse, error) {
	var f fields
	q := figures.DebtQuery{AsOf: f.date("as_of", req.GetAsOf()), Scope: figures.Scope{CustomerID: req.GetCustomerId(), UnitID: req.GetUnitId()}}
	if f.err != nil {
		return nil, f.err
	}
	weeks := int(req.GetWeeks())
	if weeks == 0 {
		weeks = defaultWeeks
	}
	forecasts, asOf, err := s.App.CashForecast(ctx, q, weeks)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetCashForecastResponse{AsOf: asOf.String()}
	for _, c := range forecasts {
		resp.Forecasts = append(resp.Forecasts, forecastOf(c))
	}
	return resp, nil
}

func forecastOf(c app.Forecast) *receivablesv1.CashForecast {
	m := func(minor int64) *typev1.Money { return moneyOf(money.New(minor, c.Currency)) }
	out := &receivablesv1.CashForecast{
		CurrencyCode: c.Currency, Open: m(c.Open), AlreadyDue: m(c.AlreadyDue), DueLater: m(c.DueLater), Disputed: m(c.Disputed),
		BeyondHabit: m(c.BeyondHabit), ExpectedLater: m(c.ExpectedLater), UsualDaysLate: int32(c.Late), //nolint:gosec // days within the calendar
	}
	for _, w := range c.Weeks {
		out.Weeks = append(out.Weeks, &receivablesv1.CashWeek{StartDate: w.Start.String(), Due: m(w.Due), Promised: m(w.Promised), Expected: m(w.Expected)})
	}
	return out
}

// GetProvision implements FiguresService.
func (s *Figures) GetProvision(ctx context.Context, req *receivablesv1.GetProvisionRequest) (*receivablesv1.GetProvisionResponse, error) {
	var f fields
	asOf, opening := f.date("as_of", req.GetAsOf()), f.date("opening_date", req.GetOpeningDate())
	if f.err != nil {
		return nil, f.err
	}
	p, err := s.App.Provision(ctx, asOf, opening)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetProvisionResponse{AsOf: p.AsOf.String(), PolicyVersion: p.PolicyVersion, Missing: string(p.Missing)}
	for _, m := range p.Matrices {
		resp.Matrices = append(resp.Matrices, matrixOf(m, p.Buckets))
	}
	for _, t := range p.Totals {
		resp.Totals = append(resp.Totals, provisionTotalOf(t, !opening.IsZero()))
	}
	return resp, nil
}

func matrixOf(m app.Matrix, buckets []string) *receivablesv1.ProvisionMatrix {
	out := &receivablesv1.ProvisionMatrix{
		CurrencyCode: m.Currency, Grade: m.Grade, Gross: moneyOf(money.New(m.Gross, m.Currency)), Loss: moneyOf(money.New(m.Loss, m.Currency)),
	}
	for i, r := range m.Rows {
		out.Rows = append(out.Rows, &receivablesv1.ProvisionRow{
			Bucket: buckets[i], Gross: moneyOf(money.New(r.Gross, m.Currency)), LossRate: decimal(r.Rate), Loss: moneyOf(money.New(r.Loss, m.Currency)),
		})
	}
	return out
}

// decimal is a share as the policy wrote it, without trailing zeros; its digits are bounded there.
func decimal(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	return r.FloatString(digits)
}

func provisionTotalOf(t app.ProvisionTotal, expense bool) *receivablesv1.ProvisionTotal {
	out := &receivablesv1.ProvisionTotal{
		CurrencyCode: t.Currency, Gross: moneyOf(money.New(t.Gross, t.Currency)), Loss: moneyOf(money.New(t.Loss, t.Currency)),
	}
	if expense {
		out.OpeningAllowance = moneyOf(money.New(t.Opening, t.Currency))
		out.WrittenOff = moneyOf(money.New(t.WrittenOff, t.Currency))
		out.Expense = moneyOf(money.New(figures.Expense(t.Opening, t.WrittenOff, t.Loss), t.Currency))
	}
	return out
}

// GetConcentration implements FiguresService.
func (s *Figures) GetConcentration(ctx context.Context, req *receivablesv1.GetConcentrationRequest) (*receivablesv1.GetConcentrationResponse, error) {
	var f fields
	q := figures.ConcentrationQuery{
		AsOf: f.date("as_of", req.GetAsOf()), Top: int(req.GetTop()), ByOverdue: req.GetOrderBy() == "overdue",
		Scope: figures.Scope{UnitID: req.GetUnitId()},
	}
	if f.err != nil {
		return nil, f.err
	}
	if q.Top == 0 {
		q.Top = defaultTop
	}
	list, asOf, err := s.App.Concentration(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetConcentrationResponse{AsOf: asOf.String()}
	for _, c := range list {
		resp.Concentrations = append(resp.Concentrations, concentrationOf(c))
	}
	return resp, nil
}

func concentrationOf(c figures.Concentration) *receivablesv1.Concentration {
	m := func(minor int64) *typev1.Money { return moneyOf(money.New(minor, c.Currency)) }
	out := &receivablesv1.Concentration{
		CurrencyCode: c.Currency, Open: m(c.Open), Customers: c.Customers, OverdueCustomers: c.OverdueCustomers, Figures: figuresOf(c.Figures()),
	}
	for _, d := range c.Top {
		out.Top = append(out.Top, &receivablesv1.Debtor{
			CustomerId: d.CustomerID, DisplayName: d.DisplayName, Open: m(d.Open), Overdue: m(d.Overdue), OverdueItems: d.OverdueItems,
			Share: c.Share(d.Open).Decimal(figures.Ratio.Digits()),
		})
	}
	return out
}
