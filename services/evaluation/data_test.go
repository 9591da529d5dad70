package evaluation_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
)

// dataFile finds a file of the data that tests may read and the project does not carry.
func dataFile(t testing.TB, folder, name string) string {
	t.Helper()
	file := filepath.Join("../../../shared/data", folder, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("no data: the folder ../shared/data/%s, seen from the repository's root, is absent", folder)
	}
	return file
}

// table reads a CSV file, plain or gzip, row by row as column to text.
func table(t testing.TB, file string, each func(row map[string]string)) {
	t.Helper()
	f, err := os.Open(file)
	must(t, err)
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		in, err = gzip.NewReader(f)
		must(t, err)
	}
	r := csv.NewReader(in)
	header, err := r.Read()
	must(t, err)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return
		}
		must(t, err)
		row := make(map[string]string, len(header))
		for i, h := range header {
			row[h] = fields[i]
		}
		each(row)
	}
}

func yuan(t testing.TB, text string) int64 {
	t.Helper()
	m, err := money.Parse("CNY", text)
	must(t, err)
	return m.Minor
}

// smeAsOf is the last day of the invoices.
const smeAsOf = "2020-02-21"

func smeTrade(t testing.TB) map[string][]invoices.Group {
	t.Helper()
	all := map[string][]invoices.Group{}
	for _, f := range []struct {
		name, party string
		side        invoices.Direction
	}{
		{"rated_sales_invoices.csv.gz", "购方单位代号", invoices.Sale},
		{"rated_purchase_invoices.csv.gz", "销方单位代号", invoices.Purchase},
	} {
		table(t, dataFile(t, "sme-ratings", f.name), func(row map[string]string) {
			var y, m, d int
			_, err := fmt.Sscanf(row["开票日期"], "%d/%d/%d", &y, &m, &d)
			must(t, err)
			v := invoices.Invoice{
				Number: row["发票号码"], Date: calendar.MustDate(fmt.Sprintf("%04d-%02d-%02d", y, m, d)), Counterparty: row[f.party],
				Net: yuan(t, row["金额"]), Tax: yuan(t, row["税额"]), Total: yuan(t, row["价税合计"]),
				Void: strings.TrimSpace(row["发票状态"]) == "作废发票",
			}
			all[row["企业代号"]] = append(all[row["企业代号"]], invoices.Of(f.side, v))
		})
	}
	return all
}

func smeSummary(groups []invoices.Group) *invoices.Summary {
	s := invoices.Sum(groups)
	s.Currency, s.AsOf, s.LastBatch = "CNY", calendar.MustDate(smeAsOf), 1
	return &s
}

// The invoices of 123 firms add up to the totals that were computed without this project, and so does each firm.
func TestInvoicesAddUpToTheReference(t *testing.T) {
	t.Parallel()
	all := smeTrade(t)
	var sales, purchases invoices.Totals
	add := func(to *invoices.Totals, s invoices.Totals) {
		to.Invoices += s.Invoices
		to.Valid += s.Valid
		to.Void += s.Void
		to.Negatives += s.Negatives
		to.Total += s.Total
		to.Negative += s.Negative
		to.Net += s.Net
		to.Tax += s.Tax
	}
	for _, groups := range all {
		s := smeSummary(groups)
		add(&sales, s.Sales)
		add(&purchases, s.Purchases)
	}
	text, err := os.ReadFile(dataFile(t, "sme-ratings", "reference_totals.json"))
	must(t, err)
	var want map[string]struct {
		Rows     int64  `json:"rows"`
		Valid    int64  `json:"valid_rows"`
		Void     int64  `json:"void_rows"`
		Negative int64  `json:"valid_negative_rows"`
		Total    string `json:"valid_total_incl_tax"`
		Net      string `json:"valid_amount_ex_tax"`
		Tax      string `json:"valid_tax"`
		Below    string `json:"valid_negative_total_incl_tax"`
	}
	must(t, json.Unmarshal(text, &want))
	for name, got := range map[string]invoices.Totals{"rated_sales_invoices": sales, "rated_purchase_invoices": purchases} {
		w := want[name]
		expect := invoices.Totals{
			Invoices: w.Rows, Valid: w.Valid, Void: w.Void, Negatives: w.Negative,
			Total: yuan(t, w.Total), Net: yuan(t, w.Net), Tax: yuan(t, w.Tax), Negative: yuan(t, w.Below),
		}
		if got != expect {
			t.Errorf("%s: %+v\nwant %+v", name, got, expect)
		}
	}
	firms := 0
	table(t, dataFile(t, "sme-ratings", "reference_per_enterprise.csv"), func(row map[string]string) {
		firms++
		compareFirm(t, row, smeSummary(all[row["企业代号"]]))
	})
	if firms != 123 || len(all) != 123 {
		t.Errorf("%d firms in the reference, %d with invoices", firms, len(all))
	}
}

func compareFirm(t *testing.T, row map[string]string, s *invoices.Summary) {
	t.Helper()
	minor := func(m int64) string { return money.New(m, "CNY").String() }
	amount := func(column string) string { return minor(yuan(t, row[column])) }
	near := func(column, got string) {
		// The reference rounds shares to six places.
		if strings.TrimRight(strings.TrimRight(got, "0"), ".") != strings.TrimRight(strings.TrimRight(row[column], "0"), ".") {
			t.Errorf("%s: %s is %s, want %s", row["企业代号"], column, got, row[column])
		}
	}
	for column, got := range map[string]string{
		"sales_rows": fmt.Sprint(s.Sales.Invoices), "sales_valid_rows": fmt.Sprint(s.Sales.Valid), "sales_void_rows": fmt.Sprint(s.Sales.Void),
		"distinct_buyers": fmt.Sprint(s.Buyers), "last_sale": s.Sales.Last.String(), "sales_months": fmt.Sprint(len(s.Months)),
	} {
		if got != row[column] {
			t.Errorf("%s: %s is %s, want %s", row["企业代号"], column, got, row[column])
		}
	}
	for column, got := range map[string]int64{
		"sales_valid_incl_tax": s.Sales.Total, "sales_negative_incl_tax": s.Sales.Negative, "purch_valid_incl_tax": s.Purchases.Total,
	} {
		if minor(got) != amount(column) {
			t.Errorf("%s: %s is %s, want %s", row["企业代号"], column, minor(got), row[column])
		}
	}
	near("void_rate", s.VoidShare().FloatString(6))
	near("top_buyer_share", s.TopBuyerShare().FloatString(6))
}
