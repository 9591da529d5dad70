package suite_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/importer"
)

// importFile is one file with its mapping.
type importFile struct {
	kind, mapping, text string
}

// ago is the day so many days before today, as a file has it.
func ago(days int, layout string) string { return time.Now().AddDate(0, 0, -days).Format(layout) }

// opening is what a firm has when it begins with Aval: its customers in GBK as the old system writes them, what is open,
// what was paid on it, the limits on paper, and the orders in hand.
func opening(t *testing.T) []importFile {
	t.Helper()
	const us = "1/2/2006"
	customers, err := simplifiedchinese.GBK.NewEncoder().String("客户编号;客户名称;状态;业务员\n0017;示例客户17;正常;seller-1\n0018;示例客户18;停用;seller-2\n")
	if err != nil {
		t.Fatal(err)
	}
	return []importFile{
		{"customers", "encoding: gbk\ndelimiter: semicolon\nfields:\n  customer_id: 客户编号\n  display_name: 客户名称\n" +
			"  life_cycle: {column: 状态, values: {正常: ACTIVE, 停用: WATCH}}\n  salesperson_id: 业务员\n  currency_code: {constant: CNY}\n", customers},
		{"invoices", "fields:\n  invoice_id: no\n  customer_id: id\n  invoice_date: {column: date, date_format: M/D/YYYY}\n  term_days: {constant: 30}\n  amount: amount\n",
			"no,id,date,amount\n000071,0017," + ago(60, us) + ",12000.5\n000072,0017," + ago(28, us) + ",800\n000073,0018," + ago(27, us) + ",45\n"},
		{"receipts", "fields:\n  receipt_id: no\n  customer_id: id\n  receipt_date: date\n  amount: amount\n  invoice_id: for\n",
			"no,id,date,amount,for\nR1,0017," + ago(4, time.DateOnly) + ",2000.50,000071\nR2,0018," + ago(3, time.DateOnly) + ",45,\n"},
		{"limits", "fields:\n  customer_id: id\n  limit: {column: limit, number_format: \"1,234.56\"}\n  term_days: days\n  paper_form_reference: form\n",
			"id,limit,days,form\n0017,\"100,000.00\",30,binder 3/17\n"},
		{"orders", "fields:\n  order_id: no\n  customer_id: id\n  order_date: date\n  amount: amount\n  payment_terms: {constant: OPEN_ACCOUNT}\n",
			"no,id,date,amount\nO1,0017," + ago(1, time.DateOnly) + ",500\nO2,0018," + ago(1, time.DateOnly) + ",500\n"},
	}
}

func importInto(t *testing.T, s *access.Suite, f importFile, o importer.Options) (importer.Report, []string) {
	t.Helper()
	m, err := importer.ParseMapping(f.kind, []byte(f.mapping))
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	o.Suite, o.OnProblem = s, func(p importer.Problem) { problems = append(problems, p.String()) }
	report, err := importer.Run(t.Context(), bytes.NewReader([]byte(f.text)), m, o)
	if err != nil {
		t.Fatalf("%s: %v", f.kind, err)
	}
	return report, problems
}

func tally(r importer.Report) string {
	return fmt.Sprintf("%d new, %d same, %d bad, %d left out", r.New, r.Same, r.Bad, r.NotSent)
}

// TestImport brings a firm's opening data into a suite, twice, and then tries what must not get in.
func TestImport(t *testing.T) {
	t.Parallel()
	system, s := operated(t, pgtest.Database(t))
	files := opening(t)
	for _, f := range files {
		n := strings.Count(f.text, "\n") - 1
		if report, problems := importInto(t, s, f, importer.Options{DryRun: true}); tally(report) != fmt.Sprintf("%d new, 0 same, 0 bad, 0 left out", n) {
			t.Errorf("%s, dry: %s %q", f.kind, tally(report), problems)
		}
		if report, problems := importInto(t, s, f, importer.Options{}); tally(report) != fmt.Sprintf("%d new, 0 same, 0 bad, 0 left out", n) {
			t.Errorf("%s: %s %q", f.kind, tally(report), problems)
		}
	}
	before := imported(t, system)
	for _, f := range files {
		n := strings.Count(f.text, "\n") - 1
		if report, problems := importInto(t, s, f, importer.Options{}); tally(report) != fmt.Sprintf("0 new, %d same, 0 bad, 0 left out", n) {
			t.Errorf("%s again: %s %q", f.kind, tally(report), problems)
		}
	}
	if after := imported(t, system); after != before {
		t.Errorf("importing again changed\n%s\nto\n%s", before, after)
	}
	if want := "0017 TREATMENT_CREDIT 100000.00 binder 3/17; 10800.00 in 2; 0018 TREATMENT_CASH_CUSTOMER  ; 0.00 in 0; "; before != want {
		t.Errorf("the suite has\n%s\nwant\n%s", before, want)
	}
	refusals(t, s, files[1])
	if after := imported(t, system); after != before {
		t.Errorf("what was refused changed\n%s\nto\n%s", before, after)
	}
}

// imported is what the suite has of the customers, in one line.
func imported(t *testing.T, system *system) string {
	t.Helper()
	auditor := system.as(t, "AUDITOR", "auditor")
	var b strings.Builder
	for _, id := range []string{"0017", "0018"} {
		var grant evaluationv1.GetGrantResponse
		auditor.invoke(t, "evaluation", evaluationv1.CreditGrantService_GetGrant_FullMethodName, &evaluationv1.GetGrantRequest{CustomerId: id}, &grant)
		g := grant.GetGrant()
		fmt.Fprintf(&b, "%s %s %s %s; ", id, g.GetTreatment(), g.GetLimit().GetAmount().GetAmount(), g.GetPaperFormReference())
		var aging receivablesv1.GetAgingResponse
		auditor.invoke(t, "receivables", receivablesv1.AgingService_GetAging_FullMethodName, &receivablesv1.GetAgingRequest{CustomerId: id}, &aging)
		amount, items := "0.00", int64(0)
		for _, row := range aging.GetTotals() {
			amount, items = row.GetOpenAmount().GetAmount(), row.GetOpenItems()
		}
		fmt.Fprintf(&b, "%s in %d; ", amount, items)
	}
	return b.String()
}

// refusals are rows that must keep the whole file out.
func refusals(t *testing.T, s *access.Suite, invoices importFile) {
	t.Helper()
	const good = "000099,0017,5/5/2026,1\n"
	for name, c := range map[string]struct{ row, problem string }{
		"an unknown customer":  {"000100,0099,5/5/2026,1\n", `3: column id (2): customer_id: the suite has no customer "0099"; import customers first [CUSTOMER_UNKNOWN]`},
		"another amount":       {"000071,0017," + ago(60, "1/2/2006") + ",12000.6\n", "3: column amount (4): amount: invoice_id 000071 is in the suite with another amount.amount: 12000.60 here, 12000.50 there [EXISTS_OTHERWISE]"},
		"a day too many":       {"000100,0017,2/29/2026,1\n", `3: column date (3): invoice_date: "2/29/2026" is not a day of the calendar (M/D/YYYY) [DATE_INVALID]`},
		"two bad rows at once": {"000100,0099,5/5/2026,1\n000101,0017,13/1/2026,1\n", ""},
	} {
		f := invoices
		f.text = "no,id,date,amount\n" + good + c.row
		report, problems := importInto(t, s, f, importer.Options{})
		if c.problem == "" {
			if tally(report) != "0 new, 0 same, 2 bad, 1 left out" || len(problems) != 2 {
				t.Errorf("%s: %s %q", name, tally(report), problems)
			}
			continue
		}
		if tally(report) != "0 new, 0 same, 1 bad, 1 left out" || len(problems) != 1 || problems[0] != c.problem {
			t.Errorf("%s: %s %q", name, tally(report), problems)
		}
	}
}

// TestTakingOverLimits brings in customers, their history and then their limits. What was paid long ago is held against
// nobody; who is beyond S2.18 that day is stopped at once and the withdrawal of the limit asked for, which the import says; an exception that
// both directors signed before keeps it.
func TestTakingOverLimits(t *testing.T) {
	t.Parallel()
	system, s := operated(t, pgtest.Database(t))
	day := func(days int) string { return ago(days, time.DateOnly) }
	load := func(f importFile) importer.Report {
		t.Helper()
		report, problems := importInto(t, s, f, importer.Options{})
		if !report.OK() || report.New != report.Rows {
			t.Fatalf("%s: %s %q", f.kind, tally(report), problems)
		}
		return report
	}
	load(importFile{"customers", "fields:\n  customer_id: id\n  display_name: id\n", "id\nPAID\nOVERTERM\nOVERLIMIT\nSIGNED\nCLOSE\n"})
	load(importFile{"invoices", "fields:\n  invoice_id: no\n  customer_id: id\n  invoice_date: date\n  term_days: {constant: 30}\n  amount: amount\n",
		"no,id,date,amount\nI1,PAID," + day(400) + ",5000\nI2,OVERTERM," + day(130) + ",10\nI3,OVERLIMIT," + day(5) + ",1200.01\n" +
			"I4,SIGNED," + day(130) + ",10\nI5,CLOSE," + day(120) + ",1200\n"})
	load(importFile{"receipts", "fields:\n  receipt_id: no\n  customer_id: id\n  receipt_date: date\n  amount: amount\n  invoice_id: for\n",
		"no,id,date,amount,for\nR1,PAID," + day(300) + ",5000,I1\n"})
	sign(t, system, "SIGNED")
	report := load(importFile{"limits", "fields:\n  customer_id: id\n  limit: {constant: \"1000\"}\n  term_days: {constant: 30}\n  paper_form_reference: {constant: binder 1}\n",
		"id\nPAID\nOVERTERM\nOVERLIMIT\nSIGNED\nCLOSE\n"})

	lost := map[string]string{}
	for _, w := range report.Stopped {
		lost[w.CustomerID] = w.Reason
	}
	if len(lost) != 2 || !strings.Contains(lost["OVERTERM"], "days overdue after grace") ||
		!strings.Contains(lost["OVERLIMIT"], "S2.18: owed 200.01 over the limit of 1000.00") {
		t.Errorf("stopped: %q", lost)
	}
	auditor := system.as(t, "AUDITOR", "auditor")
	for id, want := range map[string]string{
		"PAID": "CREDIT false", "OVERTERM": "CREDIT true", "OVERLIMIT": "CREDIT true", "SIGNED": "CREDIT false", "CLOSE": "CREDIT false",
	} {
		var account ordergatev1.GetCreditAccountResponse
		auditor.call(t, "GET", "/v1/creditAccounts/"+id, nil, &account)
		var control ordergatev1.GetCustomerControlResponse
		auditor.call(t, "GET", "/v1/customerControls/"+id, nil, &control)
		if got := fmt.Sprint(strings.TrimPrefix(account.GetAccount().GetTreatment().String(), "TREATMENT_"), " ", control.GetControl().GetShippingStopped()); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

// TestImportIsAllOrNothing: what only the services know to be wrong with a row keeps the whole file out, at its end too,
// and a dry run says the same; each refusal names the column.
func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	system, s := operated(t, pgtest.Database(t))
	var many strings.Builder
	many.WriteString("id,name,currency,code\n")
	for i := range 300 {
		fmt.Fprintf(&many, "%04d,Example %d,CNY,\n", i, i)
	}
	const mapping = "fields:\n  customer_id: id\n  display_name: name\n  currency_code: currency\n  uscc: code\n"
	files := map[string]struct {
		importFile
		want     string
		problems []string
	}{
		"a currency that is none": {importFile{"customers", mapping, many.String() + "0300,Example,CNX,\n"},
			"0 new, 0 same, 1 bad, 300 left out", []string{"302: column currency (3): currency_code: is not an active ISO 4217 code [INVALID_FIELD]"}},
		"a wrong check digit": {importFile{"customers", mapping, "id,name,currency,code\n1,Example,CNY,91110000000000000X\n2,Example,CNX,\n"},
			"0 new, 0 same, 2 bad, 0 left out", []string{
				"2: column code (4): uscc: is not a unified social credit code: 18 characters, the last one is the check digit of the others [INVALID_FIELD]",
				"3: column currency (3): currency_code: is not an active ISO 4217 code [INVALID_FIELD]"}},
	}
	for name, f := range files {
		for _, dry := range []bool{true, false} {
			report, problems := importInto(t, s, f.importFile, importer.Options{DryRun: dry})
			if tally(report) != f.want || !slices.Equal(problems, f.problems) {
				t.Errorf("%s, dry %v: %s %q", name, dry, tally(report), problems)
			}
		}
	}
	good := importFile{"customers", mapping, "id,name,currency,code\n0017,Example,CNY,\n"}
	if report, problems := importInto(t, s, good, importer.Options{}); tally(report) != "1 new, 0 same, 0 bad, 0 left out" {
		t.Fatalf("%s %q: what was refused left something", tally(report), problems)
	}
	refusedDocuments(t, s)
	var list evaluationv1.ListCustomersResponse
	system.as(t, "AUDITOR", "auditor").invoke(t, "evaluation", evaluationv1.CustomerService_ListCustomers_FullMethodName, &evaluationv1.ListCustomersRequest{}, &list)
	if len(list.GetCustomers()) != 1 {
		t.Errorf("the suite has %d customers, want the good one", len(list.GetCustomers()))
	}
}

// refusedDocuments are rows of the other kinds that only the services refuse, each after a good one.
func refusedDocuments(t *testing.T, s *access.Suite) {
	t.Helper()
	for _, f := range []struct {
		importFile
		column string
	}{
		{importFile{"limits", "fields:\n  customer_id: id\n  limit: limit\n  term_days: {constant: 30}\n  paper_form_reference: {constant: x}\n  valid_from_date: from\n  valid_until_date: until\n",
			"id,limit,from,until\n0017,100,2026-05-01,2026-01-01\n"}, "column until (4): valid_until_date"},
		{importFile{"invoices", "fields:\n  invoice_id: no\n  customer_id: id\n  invoice_date: date\n  amount: amount\n",
			"no,id,date,amount\nI1,0017,2026-01-05,10\nI2,0017,2026-01-05,0\n"}, "column amount (4): amount"},
		{importFile{"receipts", "fields:\n  receipt_id: no\n  customer_id: id\n  receipt_date: date\n  amount: amount\n",
			"no,id,date,amount\nR1,0017,2026-01-05,10\nR2,0017,2026-01-05,-1\n"}, "column amount (4): amount"},
		{importFile{"orders", "fields:\n  order_id: no\n  customer_id: id\n  order_date: date\n  amount: amount\n  payment_terms: {constant: PREPAYMENT}\n",
			"no,id,date,amount\nO1,0017,2026-01-05,10\nO2,0017,2026-01-05,-5\n"}, "payment_terms"},
	} {
		good := strings.Count(f.text, "\n") - 2
		report, problems := importInto(t, s, f.importFile, importer.Options{})
		if tally(report) != fmt.Sprintf("0 new, 0 same, 1 bad, %d left out", good) || len(problems) != 1 || !strings.Contains(problems[0], f.column) {
			t.Errorf("%s: %s %q", f.kind, tally(report), problems)
		}
	}
}
