package reportfile_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app/reportfile"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// daily is a report with something in every part, and texts that try to be formulas.
func daily(rows int) report.Daily {
	d := report.Daily{Date: calendar.MustDate("2026-07-01"), MadeAt: time.Date(2026, 7, 1, 22, 0, 0, 0, time.UTC), Settings: report.DefaultSettings(3)}
	for i := range rows {
		c := report.Customer{ID: fmt.Sprintf("C-%04d", i), Name: "=上海远航国际贸易（集团）股份有限公司", Salesperson: "@wang", Currency: "CNY"}
		n := int64(i)
		d.Holds = append(d.Holds, report.Held{Customer: c, OrderID: fmt.Sprintf("+SO-%04d", i), Amount: 123_456_789 + n, Excess: 5_000_000 + n, DaysOverdue: 45, Reasons: []string{"limit", "days_overdue"}, SubmitDate: d.Date, State: "HELD"})
		d.Releases = append(d.Releases, report.Release{Customer: c, OrderID: fmt.Sprintf("SO-R%03d", i), Amount: 800_000, Excess: 1, Reasons: []string{"limit"}, Row: 2, Approvers: []string{"li.na", "zhao.min"}, Reason: "-春节备货，客户承诺本周付款"})
		d.Stops = append(d.Stops, report.Stop{Customer: c, Kind: "CREDIT_STOPPED", Actor: "credit.admin", Reason: "超期未付", At: d.MadeAt})
		d.OverLimit = append(d.OverLimit, report.Use{Customer: c, Grade: "B", LimitKind: account.LimitAmount, Limit: 100_000_000, Exposure: 112_345_678, Excess: 12_345_678, BasisPoints: 11234, Overdue: 3_000_000, DaysOverdue: 12})
		d.NearLimit = append(d.NearLimit, report.Use{Customer: c, Grade: "A", LimitKind: account.LimitAmount, Limit: 100_000_000, Exposure: 95_000_000, BasisPoints: 9500})
		d.Expiring = append(d.Expiring, report.Expiring{Customer: c, Until: d.Date.AddDays(9), DaysLeft: 9, LimitKind: account.LimitUnlimited, Exposure: 7})
		d.Violations = append(d.Violations, report.Violation{At: d.MadeAt, Actor: "li.na", Roles: []string{"CREDIT_MANAGER"}, Action: "approval.act", Subject: "SO-R000", CustomerID: c.ID, Reason: "SAME_PERSON"})
	}
	n := int64(rows)
	d.Counts = report.Counts{OnHold: n, Held: n, Releases: n, Stops: n, OverLimit: n, NearLimit: n, Expiring: n, Violations: n, Accounts: 10 * n}
	return d
}

func zone(t *testing.T) *time.Location {
	t.Helper()
	z, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestSpreadsheetSaysWhatTheDataSay(t *testing.T) {
	t.Parallel()
	d := daily(30)
	for _, l := range []reportfile.Language{reportfile.Chinese, reportfile.English} {
		file, err := reportfile.XLSX(d, reportfile.Options{Language: l, Zone: zone(t), Kept: true, Hash: []byte{1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(file.Data))
		if err != nil {
			t.Fatal(err)
		}
		names := f.GetSheetList()
		if len(names) != 8 || file.Name != "daily-credit-report-2026-07-01-"+string(l)+".xlsx" {
			t.Fatalf("%s: %q", file.Name, names)
		}
		raw := excelize.Options{RawCellValue: true}
		for i, h := range d.Holds {
			row, rules := strconv.Itoa(i+3), "limit, days_overdue"
			if l == reportfile.Chinese {
				rules = "信用额度、逾期天数"
			}
			for column, want := range map[string]string{
				"A": h.OrderID, "B": h.ID, "C": h.Name, "D": h.Salesperson, "E": "CNY", "F": fmt.Sprintf("%d.%02d", h.Amount/100, h.Amount%100), "H": "45", "I": rules, "J": "2026-07-01",
			} {
				got, _ := f.GetCellValue(names[1], column+row, raw)
				if n, err := strconv.ParseFloat(got, 64); column == "F" && err == nil {
					got = strconv.FormatFloat(n, 'f', 2, 64)
				}
				if got != want {
					t.Errorf("%s %s%s = %q, want %q", l, column, row, got, want)
				}
				if kind, _ := f.GetCellType(names[1], column+row); (column == "F" || column == "H") != (kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber) {
					t.Errorf("%s %s%s is of type %d", l, column, row, kind)
				}
			}
		}
		for _, name := range names {
			rows, _ := f.GetRows(name)
			for r := range rows {
				for c := range rows[r] {
					at, _ := excelize.CoordinatesToCellName(c+1, r+1)
					if formula, _ := f.GetCellFormula(name, at); formula != "" {
						t.Errorf("%s %s is a formula: %s", name, at, formula)
					}
				}
			}
			if name != names[0] && len(rows) != 2+30 {
				t.Errorf("%s has %d rows", name, len(rows))
			}
		}
	}
}

func TestDocumentSaysWhatTheDataSay(t *testing.T) {
	t.Parallel()
	font, err := paper.FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not tested: %v", err)
	}
	d := daily(40)
	for l, want := range map[reportfile.Language][]string{
		reportfile.Chinese: {"信用特殊情况日报", "订单冻结", "特批放行", "超额客户", "违规", "第 1 页，共", "1,234,567.89", "2026-07-02 06:00", "自批", "停止发货", "信用额度、逾期天数"},
		reportfile.English: {"Daily report of special credit situations", "Orders on hold", "Page 1 of", "1,123,456.78", "112.34%", "C-0039", "unlimited", "limit, days_overdue"},
	} {
		file, err := reportfile.PDF(d, reportfile.Options{Language: l, Zone: zone(t)}, font)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), file.Name)
		if out := os.Getenv("AVAL_TEST_FILES"); out != "" {
			path = filepath.Join(out, file.Name)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		program, err := exec.LookPath("pdftotext")
		if err != nil {
			t.Skip("documents are not read back: pdftotext is missing (package poppler-utils)")
		}
		out, err := exec.CommandContext(t.Context(), program, "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
		all := strings.Join(pages, "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %q is missing", l, w)
			}
		}
		for i := range 40 {
			if strings.Count(all, fmt.Sprintf("C-%04d", i)) != 7 { // once in each part
				t.Errorf("%s: customer %d is there %d times", l, i, strings.Count(all, fmt.Sprintf("C-%04d", i)))
			}
		}
		last := map[reportfile.Language]string{reportfile.Chinese: fmt.Sprintf("第 %d 页，共 %d 页", len(pages), len(pages)), reportfile.English: fmt.Sprintf("Page %d of %d", len(pages), len(pages))}[l]
		if !strings.Contains(pages[len(pages)-1], last) {
			t.Errorf("%s: the last page lacks %q", l, last)
		}
	}
}

func TestEmptyReport(t *testing.T) {
	t.Parallel()
	d := report.NewBuilder(calendar.MustDate("2026-07-01"), report.DefaultSettings(1)).Report(time.Time{})
	file, err := reportfile.XLSX(d, reportfile.Options{Language: reportfile.English})
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(file.Data))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := f.GetCellValue("Holds", "A3"); got != "None" {
		t.Errorf("an empty part says %q", got)
	}
}
