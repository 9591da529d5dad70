package latepayments_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/suite/latepayments"
	"github.com/avalcredit/aval/services/suite/replay"
)

const header = "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate\n"

func read(t *testing.T, rows string) []latepayments.Invoice {
	t.Helper()
	invoices, err := latepayments.Read(strings.NewReader(header + rows))
	if err != nil {
		t.Fatal(err)
	}
	return invoices
}

const rows = `391,B-2,4/6/2013,0000000012,1/20/2013,2/19/2013,94,No,2/19/2013,Paper,30,0
391,B-2,4/6/2013,0000000011,1/10/2013,2/9/2013,55.9,No,1/20/2013,Paper,10,0
406,A-1,4/6/2013,0000000013,1/20/2013,2/19/2013,5.26,No,1/20/2013,Paper,0,0
`

func TestReadKeepsNumbersAndReadsDates(t *testing.T) {
	t.Parallel()
	i := read(t, rows)[1]
	got := fmt.Sprint(i.ID, " ", i.CustomerID, " ", i.Country, " ", i.Date, " ", i.Due, " ", i.Settled, " ", i.Amount.Currency, " ", i.Amount)
	if want := "0000000011 B-2 391 2013-01-10 2013-02-09 2013-01-20 CNY 55.90"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := strings.SplitAfter(rows, "\n")[0]
	for name, c := range map[string]struct{ text, says string }{
		"no header":        {"", "header"},
		"a column missing": {"customerID\n", "countryCode"},
		"a date":           {header + strings.Replace(good, "1/20/2013", "20.1.2013", 1), `line 2: InvoiceDate "20.1.2013"`},
		"an amount":        {header + strings.Replace(good, ",94,", ",94.005,", 1), "line 2: InvoiceAmount"},
		"settled before":   {header + strings.Replace(good, "1/20/2013", "3/20/2013", 1), "line 2: settled before"},
	} {
		if _, err := latepayments.Read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: said %v, want %q", name, err, c.says)
		}
	}
}

// written is what the lines of the file are about, in their order.
func written(t *testing.T, o latepayments.Options) []string {
	t.Helper()
	var out bytes.Buffer
	if err := latepayments.Write(&out, read(t, rows), o); err != nil {
		t.Fatal(err)
	}
	content, err := replay.Scan(bytes.NewReader(out.Bytes()))
	if err != nil || content.WrongLines > 0 {
		t.Fatalf("the lines cannot be replayed: %v, %v", err, content.Wrong)
	}
	var list []string
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var l struct {
			Date    string `json:"business_date"`
			Call    string
			Request struct {
				ID string `json:"request_id"`
			}
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		list = append(list, l.Date+" "+l.Request.ID)
	}
	return list
}

func TestPaymentsComeBeforeOrdersButBehindTheirInvoice(t *testing.T) {
	t.Parallel()
	var day []string
	for _, l := range written(t, latepayments.Options{}) {
		if strings.HasPrefix(l, "2013-01-20 ") && !strings.Contains(l, "release") && !strings.Contains(l, "ship") {
			day = append(day, strings.TrimPrefix(l, "2013-01-20 lp-"))
		}
	}
	want := []string{
		"order-0000000013", "invoice-0000000013", "receipt-0000000013",
		"receipt-0000000011", "order-0000000012", "invoice-0000000012",
	}
	if !slices.Equal(day, want) {
		t.Errorf("the day goes %q, want %q", day, want)
	}
}

func TestCreditIsGrantedTheDayBeforeTheFirstInvoice(t *testing.T) {
	t.Parallel()
	lines := written(t, latepayments.Options{})
	if first := slices.IndexFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "2013-01-09 ") }); first != 18 {
		t.Errorf("%d lines on the day before, want nine a customer", first)
	}
}

func TestPartsOfTheFile(t *testing.T) {
	t.Parallel()
	all := read(t, rows)
	if part := latepayments.Select(all, latepayments.Options{Customers: 1}); len(part) != 1 || part[0].CustomerID != "A-1" {
		t.Errorf("one customer: %v", part)
	}
	if part := latepayments.Select(all, latepayments.Options{Until: calendar.MustDate("2013-01-19")}); len(part) != 1 || part[0].ID != "0000000011" {
		t.Errorf("until the 19th: %v", part)
	}
}

// The limit is the largest invoice, so exposure of twice that is where top management signs before anybody else.
func TestTopManagementComesFirstWhereTheCustomerIsSeverelyOver(t *testing.T) {
	t.Parallel()
	const rows = header + `391,B-2,4/6/2013,0000000021,1/10/2013,2/9/2013,100,No,1/20/2013,Paper,10,0
391,B-2,4/6/2013,0000000022,1/11/2013,2/10/2013,99.99,No,3/1/2013,Paper,50,0
391,B-2,4/6/2013,0000000023,1/20/2013,2/19/2013,99.99,No,3/1/2013,Paper,50,0
391,B-2,4/6/2013,0000000024,1/20/2013,2/19/2013,0.02,No,3/1/2013,Paper,50,0
391,B-2,4/6/2013,0000000025,3/1/2013,3/31/2013,100,No,3/2/2013,Paper,50,0
`
	invoices, err := latepayments.Read(strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := latepayments.Write(&out, invoices, latepayments.Options{}); err != nil {
		t.Fatal(err)
	}
	signers := map[string][]string{}
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var l struct {
			Call    string
			As      struct{ Role string }
			Request struct {
				Order string `json:"order_id"`
			}
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(l.Call, "/ApproveOrder") {
			signers[l.Request.Order] = append(signers[l.Request.Order], l.As.Role)
		}
	}
	usual := []string{"CREDIT_MANAGER", "FINANCE_MANAGER", "GENERAL_MANAGER"}
	for order, want := range map[string][]string{
		"SO-0000000021": usual,
		"SO-0000000022": usual,                                // 199.99
		"SO-0000000023": usual,                                // 199.98: the first was paid that morning
		"SO-0000000024": append([]string{usual[2]}, usual...), // 200.00
		"SO-0000000025": usual,                                // all is paid
	} {
		if !slices.Equal(signers[order], want) {
			t.Errorf("%s: asked are %q, want %q", order, signers[order], want)
		}
	}
}
