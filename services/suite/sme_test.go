package suite_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/policytool"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/importer"
	"github.com/avalcredit/aval/services/suite/outcomes"
)

// smeData is what tests may read of the 123 firms and their invoices.
const smeData = "../../../shared/data/sme-ratings"

func smeFile(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(smeData, name)
	if _, err := os.Stat(file); err != nil {
		t.Skip("no data: the folder ../shared/data/sme-ratings, seen from the repository's root, is absent")
	}
	return file
}

func importPath(t *testing.T, o importer.Options, kind, file, mapping string) importer.Report {
	t.Helper()
	m, err := importer.ParseMapping(kind, []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	o.OnProblem = func(p importer.Problem) { t.Errorf("%s:%s", file, p) }
	report, err := importer.Run(t.Context(), in, m, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

const firmsMapping = "fields:\n  customer_id: 企业代号\n  display_name: 企业名称\n  currency_code: {constant: CNY}\n"

func invoicesMapping(direction, counterparty string) string {
	return fmt.Sprintf(`fields:
  customer_id: 企业代号
  direction: {constant: %s}
  source: {constant: VAT invoices 2016-2020}
  as_of_date: {constant: "2020-02-21"}
  invoice_number: 发票号码
  invoice_date: {column: 开票日期, date_format: YYYY/M/D}
  counterparty: %s
  net_amount: 金额
  tax_amount: 税额
  total_amount: 价税合计
  status: {column: 发票状态, values: {有效发票: VALID, 作废发票: VOID}}
`, direction, counterparty)
}

// tellsApart validates the shipped policy for firms known by their invoices through the API.
func tellsApart(t *testing.T, s *access.Suite, firms string) {
	t.Helper()
	policy, err := os.ReadFile("../evaluation/policy/invoices.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(firms)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	all, err := outcomes.Read(in, outcomes.Columns{CustomerID: "企业代号", Outcome: "是否违约", Bad: "是", Good: "否"})
	if err != nil {
		t.Fatal(err)
	}
	rated, err := outcomes.Try(t.Context(), s, string(policy), all)
	if err != nil {
		t.Fatal(err)
	}
	v := policytool.Validate(rated)
	var b strings.Builder
	if err := v.Print(&b); err != nil {
		t.Fatal(err)
	}
	t.Log(b.String())
	if v.Customers != 123 || v.Ungraded != 0 || v.ByScore.AUC.Cmp(big.NewRat(85, 100)) < 0 || len(v.Warnings) > 0 {
		t.Errorf("%+v", v)
	}
}

// onlyFirm writes the rows of one firm to a file of their own.
func onlyFirm(t *testing.T, file, firm string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	rows := slices.DeleteFunc(lines[1:], func(l string) bool { return !strings.HasPrefix(l, firm+",") })
	out := filepath.Join(t.TempDir(), firm+".csv")
	if err := os.WriteFile(out, []byte(lines[0]+strings.Join(rows, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestImportOfFirmInvoices brings 373,431 invoices of 123 firms in through the API and compares what the suite adds up
// with figures that were computed without it; once more changes nothing.
func TestImportOfFirmInvoices(t *testing.T) {
	t.Parallel()
	firms := smeFile(t, "rated_enterprises.csv")
	system, s := operated(t, pgtest.Database(t))
	o := importer.Options{Suite: s}
	if r := importPath(t, o, "customers", firms, firmsMapping); r.New != 123 {
		t.Fatalf("%d firms", r.New)
	}
	for _, f := range []struct {
		name, mapping string
		rows          int
	}{
		{"rated_sales_invoices.csv.gz", invoicesMapping("SALE", "购方单位代号"), 162_484},
		{"rated_purchase_invoices.csv.gz", invoicesMapping("PURCHASE", "销方单位代号"), 210_947},
	} {
		from := time.Now()
		r := importPath(t, o, "firm-invoices", smeFile(t, f.name), f.mapping)
		whole := time.Since(from)
		t.Logf("%s: %d rows sent in %v, %.0f rows a second; with reading and asking first %v, %.0f rows a second",
			f.name, r.New, r.Elapsed, r.Rate, whole, float64(r.New)/whole.Seconds())
		if r.New != f.rows || r.Bad+r.Same+r.NotSent != 0 {
			t.Fatalf("%s: %s", f.name, tally(r))
		}
	}
	tellsApart(t, s, firms)
	again := importPath(t, o, "firm-invoices", onlyFirm(t, smeFile(t, "rated_sales_invoices.csv.gz"), "E1"), invoicesMapping("SALE", "购方单位代号"))
	if again.Same != 8110 || again.New != 0 {
		t.Errorf("once more: %s", tally(again))
	}
	var want map[string]struct {
		Total string `json:"valid_total_incl_tax"`
		Void  int64  `json:"void_rows"`
		Valid int64  `json:"valid_rows"`
		Odd   int64  `json:"rows_where_amount_plus_tax_ne_total"`
	}
	text, err := os.ReadFile(smeFile(t, "reference_totals.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	analyst := system.as(t, "CREDIT_ANALYST", "analyst")
	sum := func(of func(*evaluationv1.InvoiceSummary) *evaluationv1.InvoiceTotals) (valid, void int64) {
		for i := range 123 {
			var res evaluationv1.GetInvoiceSummaryResponse
			analyst.invoke(t, "evaluation", evaluationv1.InvoiceFactService_GetInvoiceSummary_FullMethodName,
				&evaluationv1.GetInvoiceSummaryRequest{CustomerId: fmt.Sprintf("E%d", i+1)}, &res)
			valid += of(res.GetSummary()).GetValidInvoices()
			void += of(res.GetSummary()).GetVoidInvoices()
		}
		return valid, void
	}
	for name, of := range map[string]func(*evaluationv1.InvoiceSummary) *evaluationv1.InvoiceTotals{
		"rated_sales_invoices": (*evaluationv1.InvoiceSummary).GetSales, "rated_purchase_invoices": (*evaluationv1.InvoiceSummary).GetPurchases,
	} {
		if valid, void := sum(of); valid != want[name].Valid || void != want[name].Void {
			t.Errorf("%s: %d valid, %d void; want %d, %d", name, valid, void, want[name].Valid, want[name].Void)
		}
	}
}
