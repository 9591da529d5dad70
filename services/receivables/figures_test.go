package receivables_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const figuresPolicy = `
name: Figures
base_currency: CNY
aging_bounds: [30, 60, 90]
default_term_days: 30
default_after_days: 91
figures:
  dso_days: 91
  cost_of_capital: "0.0365"
  loss_rates:
    - {rates: ["0.003", "0.016", "0.036", "0.066", "0.106"]}
    - {grade: A, rates: ["0", "0.01", "0.02", "0.03", "0.5"]}
`

// adopt signs a policy for a day.
func (w *world) adopt(t *testing.T, yaml, from string) {
	t.Helper()
	resp, err := w.policies.CreateReceivablesPolicy(w.as(t, "FINANCE_MANAGER", from), &receivablesv1.CreateReceivablesPolicyRequest{
		RequestId: "policy " + from, Source: &receivablesv1.CreateReceivablesPolicyRequest_Yaml{Yaml: yaml},
	})
	must(t, err)
	_, err = w.policies.SignReceivablesPolicy(w.as(t, "GENERAL_MANAGER", from), &receivablesv1.SignReceivablesPolicyRequest{
		RequestId: "sign " + from, Version: resp.GetVersion().GetVersion(), EffectiveFromDate: from,
	})
	must(t, err)
}

func unitProfile(id, salesperson, unit, group string, grade evaluationv1.Grade) *evaluationv1.CreditProfile {
	p := profile(id, salesperson, 1)
	p.UnitId, p.GroupId, p.Grade = unit, group, grade
	return p
}

// trade is a quarter of two customers: one pays late, one not at all.
func trade(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.adopt(t, figuresPolicy, "2024-01-01")
	w.deliver(t, unitProfile("late", "li", "north", "G", evaluationv1.Grade_GRADE_A), unitProfile("never", "wang", "south", "", evaluationv1.Grade_GRADE_C))
	for _, i := range []struct{ id, customer, date, due, amount string }{
		{"L-1", "late", "2024-01-10", "2024-02-09", "1000.00"}, {"L-2", "late", "2024-02-10", "2024-03-11", "1000.00"}, {"L-3", "late", "2024-03-10", "2024-04-09", "1000.00"},
		{"N-1", "never", "2024-01-20", "2024-02-19", "600.00"}, {"N-2", "never", "2024-03-20", "2024-04-19", "400.00"},
	} {
		w.post(t, i.date, &receivablesv1.Invoice{InvoiceId: i.id, CustomerId: i.customer, InvoiceDate: i.date, DueDate: i.due, Amount: cny(i.amount)})
	}
	w.pay(t, "2024-02-19", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "late", Amount: cny("1000.00")})
	w.pay(t, "2024-03-31", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "late", Amount: cny("500.00")})
	return w
}

func figure(t *testing.T, r *receivablesv1.FiguresRow, name string) string {
	t.Helper()
	for _, f := range r.GetFigures() {
		if f.GetName() == name {
			if f.GetFormula() == "" || f.GetTitle() == "" {
				t.Errorf("%s comes without its definition", name)
			}
			return f.GetValue() + f.GetMissing()
		}
	}
	t.Fatalf("no figure %s", name)
	return ""
}

func TestFiguresThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := trade(t)
	auditor := w.as(t, "AUDITOR", "2024-03-31")
	resp, err := w.figures.GetFigures(auditor, &receivablesv1.GetFiguresRequest{})
	must(t, err)
	r := resp.GetRows()[0]
	// 4,000 sold in 91 days, 2,500 open, of it 500 + 600 overdue.
	for name, wanted := range map[string]string{
		"dso": "56.8750", "dso_average": "28.4375", "dso_count_back": "61.9375", "best_possible_dso": "31.8500", "average_days_delinquent": "25.0250",
		"cei": "57.6923", "collection_rate": "0.576923", "overdue_ratio": "0.440000", "bad_debt_ratio": "0.000000",
	} {
		equal(t, name, figure(t, r, name), wanted)
	}
	equal(t, "from", r.GetFromDate(), "2024-01-01")
	equal(t, "closing", r.GetClosing().GetAmount(), "2500.00")
	// Days open: L-1 40 of 1,000, L-2 50 of 1,000 and 1 of 500, L-3 22 of 1,000, N-1 72 of 600, N-2 12 of 400; 3.65 % a year.
	equal(t, "cost of capital", r.GetCostOfCapital().GetAmount(), "16.05")

	units, err := w.figures.GetFigures(auditor, &receivablesv1.GetFiguresRequest{GroupBy: "unit", PageSize: 1})
	must(t, err)
	equal(t, "unit", units.GetRows()[0].GetKey(), "north")
	units, err = w.figures.GetFigures(auditor, &receivablesv1.GetFiguresRequest{GroupBy: "unit", PageSize: 1, PageToken: units.GetNextPageToken()})
	must(t, err)
	equal(t, "unit", units.GetRows()[0].GetKey(), "south")
	equal(t, "collection rate of south", figure(t, units.GetRows()[0], "collection_rate"), "0.000000")

	own, err := w.figures.GetFigures(w.by(t, "li", "SALESPERSON", "2024-03-31"), &receivablesv1.GetFiguresRequest{GroupBy: "customer"})
	must(t, err)
	if len(own.GetRows()) != 1 || own.GetRows()[0].GetKey() != "late" {
		t.Errorf("a salesperson sees %v", own.GetRows())
	}
	_, err = w.figures.GetFigures(auditor, &receivablesv1.GetFiguresRequest{FromDate: "2024-04-01", ToDate: "2024-03-31"})
	if e := refusal(t, err, errs.Invalid, "PERIOD_INVALID"); !names(e, "from_date") {
		t.Errorf("the error does not name the field: %v", e)
	}
}

func TestProvisionRollsForecastConcentration(t *testing.T) {
	t.Parallel()
	w := trade(t)
	manager := w.as(t, "FINANCE_MANAGER", "2024-03-31")
	p, err := w.figures.GetProvision(manager, &receivablesv1.GetProvisionRequest{OpeningDate: "2024-02-29"})
	must(t, err)
	// Grade A: 1,000 not due at 0, 500 at 1-30 at 1 %; all others: 400 at 0.3 %, 600 at 31-60 at 3.6 %.
	total := p.GetTotals()[0]
	equal(t, "allowance", total.GetLoss().GetAmount(), "27.80")
	equal(t, "allowance before", total.GetOpeningAllowance().GetAmount(), "9.60") // 600 at 1-30 at 1.6 %; L-2 not due at 0
	equal(t, "expense", total.GetExpense().GetAmount(), "18.20")
	equal(t, "matrices", len(p.GetMatrices()), 2)
	equal(t, "rate", p.GetMatrices()[0].GetRows()[2].GetLossRate(), "0.036")
	if _, err := w.figures.GetProvision(w.as(t, "SALESPERSON", "2024-03-31"), &receivablesv1.GetProvisionRequest{}); errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a salesperson asks for the provision: %v", err)
	}

	rolls, err := w.figures.GetRollRates(manager, &receivablesv1.GetRollRatesRequest{})
	must(t, err)
	equal(t, "start", rolls.GetFromDate(), "2024-02-29")
	row := rolls.GetRates()[0].GetRows()
	equal(t, "not due", row[0].GetOpening().GetAmount()+" "+row[0].GetSettledRate()+" "+row[0].GetRollRate(), "1000.00 0.500000 0.500000")
	equal(t, "1-30", row[1].GetOpening().GetAmount()+" "+row[1].GetCells()[2].GetRate(), "600.00 1.000000")

	f, err := w.figures.GetCashForecast(manager, &receivablesv1.GetCashForecastRequest{Weeks: 4})
	must(t, err)
	c := f.GetForecasts()[0]
	equal(t, "usual", c.GetUsualDaysLate(), int32(10))
	equal(t, "due in week 2", c.GetWeeks()[1].GetDue().GetAmount(), "1000.00")           // 9 April
	equal(t, "expected in week 3", c.GetWeeks()[2].GetExpected().GetAmount(), "1000.00") // ten days late: 19 April
	equal(t, "beyond habit", c.GetBeyondHabit().GetAmount(), "1100.00")
	equal(t, "expected later", c.GetExpectedLater().GetAmount(), "400.00") // 29 April

	conc, err := w.figures.GetConcentration(manager, &receivablesv1.GetConcentrationRequest{Top: 1})
	must(t, err)
	k := conc.GetConcentrations()[0]
	equal(t, "top", k.GetTop()[0].GetCustomerId()+" "+k.GetTop()[0].GetShare(), "late 0.600000")
	equal(t, "hhi", k.GetFigures()[1].GetValue(), "5200.0000")
}

func TestAgingDownToItemsAndAsAFile(t *testing.T) {
	t.Parallel()
	w := trade(t)
	auditor := w.as(t, "AUDITOR", "2024-03-31")
	for by, wanted := range map[string]string{"unit": "north south", "group": " G", "grade": "A C", "salesperson": "li wang", "currency": "CNY", "customer": "late never"} {
		resp, err := w.aging.GetAging(auditor, &receivablesv1.GetAgingRequest{GroupBy: by})
		must(t, err)
		var keys []string
		for _, r := range resp.GetRows() {
			keys = append(keys, r.GetKey())
		}
		equal(t, by, strings.Join(keys, " "), wanted)
	}
	items, err := w.aging.ListAgingItems(auditor, &receivablesv1.ListAgingItemsRequest{Bucket: "31-60"})
	must(t, err)
	equal(t, "items", len(items.GetItems()), 1)
	equal(t, "item", items.GetItems()[0].GetItemId(), "N-1")
	equal(t, "days", items.GetItems()[0].GetDaysOverdue(), int32(41))
	var all []string
	for token := ""; ; {
		resp, err := w.aging.ListAgingItems(auditor, &receivablesv1.ListAgingItemsRequest{PageSize: 3, PageToken: token})
		must(t, err)
		for _, i := range resp.GetItems() {
			all = append(all, i.GetItemId())
		}
		if token = resp.GetNextPageToken(); token == "" {
			break
		}
	}
	equal(t, "all items", strings.Join(all, " "), "N-1 L-2 L-3 N-2")
	_, err = w.aging.ListAgingItems(auditor, &receivablesv1.ListAgingItemsRequest{Bucket: "soon"})
	want(t, err, errs.Invalid, "BUCKET_UNKNOWN")

	for language, tab := range map[receivablesv1.AgingLanguage]string{
		receivablesv1.AgingLanguage_AGING_LANGUAGE_UNSPECIFIED: "账龄", receivablesv1.AgingLanguage_AGING_LANGUAGE_EN: "Aging",
	} {
		file, err := w.aging.DownloadAging(auditor, &receivablesv1.DownloadAgingRequest{GroupBy: "customer", Language: language})
		must(t, err)
		book, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
		must(t, err)
		rows, err := book.GetRows(tab, excelize.Options{RawCellValue: true})
		must(t, err)
		if i := slices.IndexFunc(rows, func(r []string) bool { return len(r) > 0 && r[0] == "never" }); i < 0 || rows[i][1] != "Name of never" || rows[i][3] != "400" || rows[i][5] != "600" {
			t.Errorf("sheet %s: %v", tab, rows)
		}
	}
}
