package rpc

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Reports serves ReceivablesReportService.
type Reports struct {
	receivablesv1.UnsafeReceivablesReportServiceServer
	App      *app.Service
	Zone     *time.Location // in which files show times
	FontFile string         // of documents; empty: the usual places are looked through
}

var _ receivablesv1.ReceivablesReportServiceServer = (*Reports)(nil)

// keptMonths are how many kept reports are listed.
const keptMonths = 120

// GetTotalControl implements ReceivablesReportService.
func (s *Reports) GetTotalControl(ctx context.Context, _ *receivablesv1.GetTotalControlRequest) (*receivablesv1.GetTotalControlResponse, error) {
	rows, asOf, missing, err := s.App.TotalControl(ctx, calendar.Date{})
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetTotalControlResponse{AsOf: asOf.String(), Rows: each(rows, controlRowOf), Missing: string(missing)}, nil
}

func each[A, B any](list []A, of func(A) B) []B {
	out := make([]B, len(list))
	for i, x := range list {
		out[i] = of(x)
	}
	return out
}

func controlRowOf(r app.ControlRow) *receivablesv1.ControlRow {
	m := func(minor int64) *typev1.Money { return moneyOf(money.New(minor, r.Currency)) }
	out := &receivablesv1.ControlRow{
		UnitId: r.UnitID, CurrencyCode: r.Currency, Receivable: m(r.Open), Overdue: m(r.Overdue), Rise: m(r.Pace.Rise),
		PaceDays: int32(r.Pace.Days), WarningDate: r.WarningOn.String(), StopDate: r.StopOn.String(), //nolint:gosec // bounded by the policy
	}
	if c := r.Ceiling; c != nil {
		out.Stop, out.Total, out.Status = moneyOf(c.Stop), moneyOf(c.Total), c.Status
		if c.Warning.Currency != "" {
			out.Warning = moneyOf(c.Warning)
		}
	}
	return out
}

// GetAims implements ReceivablesReportService.
func (s *Reports) GetAims(ctx context.Context, req *receivablesv1.GetAimsRequest) (*receivablesv1.GetAimsResponse, error) {
	var f fields
	q := figures.Query{From: f.date("from_date", req.GetFromDate()), To: f.date("to_date", req.GetToDate()), GroupBy: figures.GroupBy(req.GetGroupBy())}
	if f.err != nil {
		return nil, f.err
	}
	if q.GroupBy == "" {
		q.GroupBy = figures.ByTotal
	}
	rows, missing, err := s.App.Aims(ctx, q)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetAimsResponse{Rows: each(rows, aimsRowOf), Missing: string(missing)}, nil
}

func aimsRowOf(r app.AimsRow) *receivablesv1.AimsRow {
	m := func(minor int64) *typev1.Money { return moneyOf(money.New(minor, r.Currency)) }
	digits := figures.Ratio.Digits()
	out := &receivablesv1.AimsRow{
		Key: r.Key, CurrencyCode: r.Currency, CreditSales: m(r.Sales), Receivable: m(r.Closing), Overdue: m(r.Overdue()),
		OverdueRatio: r.OverdueRatio().Decimal(digits), OverdueAboveAccepted: r.OverdueAbove, Losses: m(r.WrittenOff - r.Recovered),
		BadDebtRatio: r.BadDebtRatio().Decimal(digits), BadDebtAboveAccepted: r.BadDebtAbove,
	}
	if r.Asked {
		out.RefusedSales, out.RefusedOrders = m(r.Refused), r.RefusedOrders
	}
	if r.Asked && !r.Dated {
		out.Limit, out.LimitUsed, out.LimitUse = m(r.Limit), m(r.LimitUsed), r.LimitUse().Decimal(digits)
	}
	if r.HasCost {
		out.CostOfCapital = moneyOf(r.Cost)
	}
	return out
}

func (s *Reports) month(ctx context.Context, text string) (app.Monthly, error) {
	var month calendar.Date
	if text != "" {
		var f fields
		if month = f.date("month", text+"-01"); f.err != nil {
			return app.Monthly{}, f.err
		}
	}
	return s.App.MonthlyReport(ctx, month)
}

// GetMonthlyReport implements ReceivablesReportService.
func (s *Reports) GetMonthlyReport(ctx context.Context, req *receivablesv1.GetMonthlyReportRequest) (*receivablesv1.GetMonthlyReportResponse, error) {
	m, err := s.month(ctx, req.GetMonth())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetMonthlyReportResponse{Report: monthlyOf(m)}, nil
}

// ListMonthlyReports implements ReceivablesReportService.
func (s *Reports) ListMonthlyReports(ctx context.Context, _ *receivablesv1.ListMonthlyReportsRequest) (*receivablesv1.ListMonthlyReportsResponse, error) {
	list, err := s.App.MonthlyReports(ctx, keptMonths)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ListMonthlyReportsResponse{Reports: each(list, monthlyHeadOf)}, nil
}

func monthlyHeadOf(m app.Monthly) *receivablesv1.MonthlyReport {
	return &receivablesv1.MonthlyReport{
		Month: m.Month, MakeTime: timeOf(m.MadeAt), Kept: m.Hash != nil, Hash: hex.EncodeToString(m.Hash), PolicyVersion: m.PolicyVersion,
	}
}

func monthlyOf(m app.Monthly) *receivablesv1.MonthlyReport {
	out := monthlyHeadOf(m)
	row := func(r figures.Row) *receivablesv1.FiguresRow { return figuresRowOf(r, terms.Figures{}) } // the cost stands with the aims
	ages := func(rows []aging.Row) []*receivablesv1.AgingRow {
		return rowsOf(rows, aging.Query{Buckets: aging.Buckets{Names: m.Buckets}})
	}
	out.Figures, out.Units = each(m.Figures, row), each(m.Units, row)
	out.AgingByUnit, out.AgingBySalesperson, out.AgingTotals = ages(m.AgingByUnit), ages(m.AgingByPerson), ages(m.AgingTotals)
	out.Concentrations = each(m.Overdue, concentrationOf)
	for _, currency := range slices.Sorted(maps.Keys(m.Rolls)) {
		rates := &receivablesv1.RollRates{CurrencyCode: currency}
		for i, r := range m.Rolls[currency] {
			rates.Rows = append(rates.Rows, rollRowOf(i, r, m.Buckets, currency))
		}
		out.RollRates = append(out.RollRates, rates)
	}
	out.AimsByUnit, out.AimsByGrade, out.Control = each(m.AimsByUnit, aimsRowOf), each(m.AimsByGrade, aimsRowOf), each(m.Control, controlRowOf)
	for _, t := range m.Provisions {
		out.Provisions = append(out.Provisions, provisionTotalOf(t, true))
	}
	out.Missing = string(m.Missing)
	return out
}

// DownloadMonthlyReport implements ReceivablesReportService.
func (s *Reports) DownloadMonthlyReport(ctx context.Context, req *receivablesv1.DownloadMonthlyReportRequest) (*httpbody.HttpBody, error) {
	m, err := s.month(ctx, req.GetMonth())
	if err != nil {
		return nil, err
	}
	language := reportfile.Chinese
	if req.GetLanguage() == receivablesv1.AgingLanguage_AGING_LANGUAGE_EN {
		language = reportfile.English
	}
	if req.GetFormat() == receivablesv1.MonthlyReportFormat_MONTHLY_REPORT_FORMAT_XLSX {
		file, err := reportfile.MonthlyXLSX(s.monthlyFile(m), language)
		return download(ctx, file, err)
	}
	font, err := paper.FindFont(s.FontFile)
	if err != nil {
		return nil, err
	}
	file, err := reportfile.MonthlyPDF(s.monthlyFile(m), language, font)
	return download(ctx, file, err)
}

func (s *Reports) monthlyFile(m app.Monthly) reportfile.Monthly {
	out := reportfile.Monthly{
		Month: m.Month, Hash: hex.EncodeToString(m.Hash), Last: m.Last().String(), MadeAt: m.MadeAt, Zone: s.Zone, PolicyVersion: m.PolicyVersion,
		Buckets: m.Buckets, Figures: m.Figures, Units: m.Units, ByUnit: m.AgingByUnit, ByPerson: m.AgingByPerson, All: m.AgingTotals,
		Overdue: m.Overdue, Rolls: m.Rolls, Missing: m.Missing != "",
		AimsByUnit: each(m.AimsByUnit, aimsCells), AimsByGrade: each(m.AimsByGrade, aimsCells), Control: each(m.Control, controlCells),
	}
	for _, t := range m.Provisions {
		c := func(minor int64) money.Money { return money.New(minor, t.Currency) }
		out.Provisions = append(out.Provisions, []any{
			t.Currency, c(t.Gross), c(t.Opening), c(t.WrittenOff), c(t.Loss), c(figures.Expense(t.Opening, t.WrittenOff, t.Loss)),
		})
	}
	return out
}

// known is a value, or nothing where it is not known.
func known(ok bool, v any) any {
	if !ok {
		return ""
	}
	return v
}

func aimsCells(r app.AimsRow) []any {
	m := func(minor int64) money.Money { return money.New(minor, r.Currency) }
	limits := r.Asked && !r.Dated
	return []any{
		r.Key, r.Currency, m(r.Sales), known(r.Asked, m(r.Refused)), known(r.Asked, r.RefusedOrders), known(limits, m(r.Limit)), known(limits, m(r.LimitUsed)),
		known(limits, r.LimitUse().Decimal(4)), m(r.Overdue()), r.OverdueRatio().Decimal(4), m(r.WrittenOff - r.Recovered), r.BadDebtRatio().Decimal(4),
		known(r.HasCost, r.Cost),
	}
}

func controlCells(r app.ControlRow) []any {
	m := func(minor int64) money.Money { return money.New(minor, r.Currency) }
	c := app.Ceiling{}
	if r.Ceiling != nil {
		c = *r.Ceiling
	}
	set := r.Ceiling != nil
	return []any{
		r.UnitID, r.Currency, known(c.Warning.Currency != "", c.Warning), known(set, c.Stop), known(set, c.Total), c.Status, m(r.Open), m(r.Overdue), m(r.Pace.Rise),
		r.WarningOn.String(), r.StopOn.String(),
	}
}
