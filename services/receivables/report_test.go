package receivables_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/paper"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// books are what the gate knows of ceilings, limits and refused orders; while it is down it answers nothing.
type books struct {
	ordergatev1.UnimplementedCeilingServiceServer
	ordergatev1.UnimplementedCreditAccountServiceServer
	ordergatev1.UnimplementedOrderServiceServer
	*neighbours
}

func (b books) register(r grpc.ServiceRegistrar) {
	ordergatev1.RegisterCeilingServiceServer(r, b)
	ordergatev1.RegisterCreditAccountServiceServer(r, b)
	ordergatev1.RegisterOrderServiceServer(r, b)
}

func (b books) refuse() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.neighbours.down {
		return errs.New(errs.Unavailable, "UNAVAILABLE", "the gate is down")
	}
	return nil
}

func (b books) ListCeilings(context.Context, *ordergatev1.ListCeilingsRequest) (*ordergatev1.ListCeilingsResponse, error) {
	return &ordergatev1.ListCeilingsResponse{Ceilings: []*ordergatev1.Ceiling{
		{CurrencyCode: "CNY", Warning: cny("3000.00"), Stop: cny("4000.00"), Total: cny("2600.00"), Status: ordergatev1.CeilingStatus_CEILING_STATUS_OK},
		{UnitId: "south", CurrencyCode: "CNY", Stop: cny("900.00"), Total: cny("1000.00"), Status: ordergatev1.CeilingStatus_CEILING_STATUS_REACHED},
	}}, b.refuse()
}

func (b books) ListCreditAccounts(_ context.Context, req *ordergatev1.ListCreditAccountsRequest) (*ordergatev1.ListCreditAccountsResponse, error) {
	account := func(id, limit, exposure string, kind ordergatev1.LimitKind) *ordergatev1.CreditAccount {
		return &ordergatev1.CreditAccount{CustomerId: id, LimitKind: kind, Limit: cny(limit), Exposure: cny(exposure)}
	}
	if req.GetPageToken() == "" { // in two pages
		return &ordergatev1.ListCreditAccountsResponse{NextPageToken: "2", Accounts: []*ordergatev1.CreditAccount{
			account("late", "2000.00", "1500.00", ordergatev1.LimitKind_LIMIT_KIND_AMOUNT), account("cash", "0.00", "70.00", ordergatev1.LimitKind_LIMIT_KIND_UNDEFINED),
		}}, b.refuse()
	}
	return &ordergatev1.ListCreditAccountsResponse{Accounts: []*ordergatev1.CreditAccount{account("never", "1000.00", "1100.00", ordergatev1.LimitKind_LIMIT_KIND_AMOUNT)}}, b.refuse()
}

func (b books) ListOrders(_ context.Context, req *ordergatev1.ListOrdersRequest) (*ordergatev1.ListOrdersResponse, error) {
	if req.GetState() != ordergatev1.OrderState_ORDER_STATE_REJECTED {
		return &ordergatev1.ListOrdersResponse{}, b.refuse()
	}
	return &ordergatev1.ListOrdersResponse{Orders: []*ordergatev1.Order{
		{OrderId: "X-1", CustomerId: "never", Amount: cny("250.00"), SubmitDate: "2024-03-05"}, {OrderId: "X-2", CustomerId: "late", UnitId: "south", Amount: cny("50.00"), SubmitDate: "2024-03-31"},
		{OrderId: "X-3", CustomerId: "late", Amount: cny("999.00"), SubmitDate: "2024-02-29"},
	}}, b.refuse()
}

func (w *world) gateDown(down bool) { w.set(func() { w.down = down }) }

func TestTotalControlForecastsTheDay(t *testing.T) {
	t.Parallel()
	w := trade(t)
	director := w.as(t, "FINANCE_DIRECTOR", "2024-03-31")
	resp, err := w.reports.GetTotalControl(director, &receivablesv1.GetTotalControlRequest{})
	must(t, err)
	rows := resp.GetRows()
	if len(rows) != 3 || resp.GetMissing() != "" {
		t.Fatalf("rows %v, missing %q", rows, resp.GetMissing())
	}
	// 2,500.00 in 90 days: 400.00 to the warning are 14.4 days, 1,400.00 to the stop 50.4.
	equal(t, "company", rows[0].GetUnitId()+rows[0].GetRise().GetAmount()+" "+rows[0].GetWarningDate()+" "+rows[0].GetStopDate(), "2500.00 2024-04-15 2024-05-21")
	equal(t, "north has no ceiling", rows[1].GetUnitId()+rows[1].GetStopDate()+rows[1].GetStatus(), "north")
	equal(t, "south is there", rows[2].GetStopDate()+" "+rows[2].GetStatus(), "2024-03-31 REACHED")
	w.gateDown(true)
	resp, err = w.reports.GetTotalControl(director, &receivablesv1.GetTotalControlRequest{})
	must(t, err)
	equal(t, "without the gate", resp.GetMissing()+" "+resp.GetRows()[0].GetReceivable().GetAmount(), "PEER_NOT_AVAILABLE 2500.00")
}

func TestBothAimsSideBySide(t *testing.T) {
	t.Parallel()
	w := trade(t)
	manager := w.as(t, "SALES_MANAGER", "2024-03-31")
	get := func(by string) []*receivablesv1.AimsRow {
		t.Helper()
		resp, err := w.reports.GetAims(manager, &receivablesv1.GetAimsRequest{FromDate: "2024-01-01", GroupBy: by})
		must(t, err)
		equal(t, "missing", resp.GetMissing(), "")
		return resp.GetRows()
	}
	total := get("")[0]
	equal(t, "won and refused", total.GetCreditSales().GetAmount()+" "+total.GetRefusedSales().GetAmount(), "4000.00 1299.00")
	equal(t, "use", total.GetLimit().GetAmount()+" "+total.GetLimitUse(), "3000.00 0.866667")
	equal(t, "cost", total.GetCostOfCapital().GetAmount(), "16.05")
	equal(t, "accepted", total.GetOverdueAboveAccepted(), false)
	units := get("unit")
	equal(t, "south", units[1].GetKey()+" "+units[1].GetRefusedSales().GetAmount()+" "+units[1].GetLimitUse(), "south 300.00 1.100000")
	grades := get("grade")
	equal(t, "grade A", grades[0].GetKey()+" "+grades[0].GetRefusedSales().GetAmount(), "A 1049.00")
	months := get("month")
	equal(t, "March", months[2].GetKey()+" "+months[2].GetRefusedSales().GetAmount(), "2024-03 300.00")
	equal(t, "no limit of a month", months[2].GetLimit(), nil)

	w.adopt(t, strings.Replace(figuresPolicy, "  dso_days: 91\n", "  dso_days: 91\n  accepted_overdue_ratio: \"0.4\"\n", 1), "2024-03-31")
	equal(t, "above what is accepted", get("")[0].GetOverdueAboveAccepted(), true)
	w.gateDown(true)
	resp, err := w.reports.GetAims(manager, &receivablesv1.GetAimsRequest{FromDate: "2024-01-01"})
	must(t, err)
	equal(t, "without the gate", resp.GetMissing()+" "+resp.GetRows()[0].GetCreditSales().GetAmount(), "PEER_NOT_AVAILABLE 4000.00")
	equal(t, "what it knows", resp.GetRows()[0].GetRefusedSales(), nil)
	if _, err := w.reports.GetAims(w.as(t, "SALESPERSON", "2024-03-31"), &receivablesv1.GetAimsRequest{}); errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a salesperson asks: %v", err)
	}
}

func TestMonthlyReport(t *testing.T) {
	t.Parallel()
	w := trade(t)
	manager := w.as(t, "FINANCE_MANAGER", "2024-04-01")
	resp, err := w.reports.GetMonthlyReport(manager, &receivablesv1.GetMonthlyReportRequest{})
	must(t, err)
	m := resp.GetReport()
	equal(t, "month", m.GetMonth(), "2024-03")
	equal(t, "figures", m.GetFigures()[0].GetKey()+" "+m.GetFigures()[1].GetKey()+" "+m.GetFigures()[1].GetClosing().GetAmount(), "2024-02 2024-03 2500.00")
	equal(t, "aging", m.GetAgingByUnit()[1].GetKey()+" "+m.GetAgingByUnit()[1].GetOverdueAmount().GetAmount(), "south 600.00")
	equal(t, "charge", m.GetProvisions()[0].GetExpense().GetAmount(), "18.20")
	equal(t, "refused", m.GetAimsByUnit()[1].GetRefusedSales().GetAmount(), "300.00")
	equal(t, "most overdue", m.GetConcentrations()[0].GetTop()[0].GetCustomerId(), "never")
	equal(t, "kept", m.GetKept(), false)
	_, err = w.reports.GetMonthlyReport(manager, &receivablesv1.GetMonthlyReportRequest{Month: "2024-04"})
	want(t, err, errs.FailedPrecondition, "MONTH_NOT_OVER")

	file, err := w.reports.DownloadMonthlyReport(manager, &receivablesv1.DownloadMonthlyReportRequest{Format: receivablesv1.MonthlyReportFormat_MONTHLY_REPORT_FORMAT_XLSX, Language: receivablesv1.AgingLanguage_AGING_LANGUAGE_EN})
	must(t, err)
	book, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
	must(t, err)
	rows, err := book.GetRows("Total control", excelize.Options{RawCellValue: true})
	must(t, err)
	equal(t, "ceiling of the company", strings.Join(rows[2][1:6], " "), "CNY 3000 4000 2600 OK")
	file, err = w.reports.DownloadMonthlyReport(manager, &receivablesv1.DownloadMonthlyReportRequest{})
	if errs.ReasonOf(err) == paper.ReasonNoFont {
		t.Skip("documents are not tested: no font is installed")
	}
	must(t, err)
	path := filepath.Join(t.TempDir(), "report.pdf")
	must(t, os.WriteFile(path, file.GetData(), 0o600))
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("the document's text is not tested: pdftotext is not installed")
	}
	text, err := exec.CommandContext(t.Context(), program, "-layout", path, "-").Output() //nolint:gosec // a tool of the test
	must(t, err)
	for _, phrase := range []string{"应收账款月报", "账龄迁徙率", "总量控制", "2,500.00", "第 1 页"} {
		if !strings.Contains(string(text), phrase) {
			t.Errorf("the document lacks %s", phrase)
		}
	}
}
