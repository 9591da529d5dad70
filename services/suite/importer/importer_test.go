package importer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/suite/importer"
	"github.com/avalcredit/aval/services/suite/internal/fakesuite"
)

// books is a suite that keeps customers and invoices, and does what a test adds to it.
type books struct {
	mu        sync.Mutex
	customers map[string]*evaluationv1.Customer
	invoices  map[string]*receivablesv1.Invoice
	refuse    map[string]error // invoice id -> answer to posting it, though it was found good when it was only tried
	posted    int
}

func (b *books) answer(call fakesuite.Call) (proto.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r := call.Request.(type) {
	case *evaluationv1.GetCustomerRequest:
		if c := b.customers[r.GetCustomerId()]; c != nil {
			return &evaluationv1.GetCustomerResponse{Customer: c}, nil
		}
	case *receivablesv1.GetInvoiceRequest:
		if i := b.invoices[r.GetInvoiceId()]; i != nil {
			return &receivablesv1.GetInvoiceResponse{Invoice: i}, nil
		}
	case *receivablesv1.PostInvoiceRequest:
		if r.GetValidateOnly() {
			return &receivablesv1.PostInvoiceResponse{Invoice: r.GetInvoice()}, nil
		}
		if err := b.refuse[r.GetInvoice().GetInvoiceId()]; err != nil {
			return nil, err
		}
		b.posted++
		b.invoices[r.GetInvoice().GetInvoiceId()] = r.GetInvoice()
		return &receivablesv1.PostInvoiceResponse{Invoice: r.GetInvoice()}, nil
	}
	return nil, errs.New(errs.NotFound, "NOT_FOUND", "there is none")
}

const invoiceMapping = `
fields:
  invoice_id: no
  customer_id: customer
  invoice_date: date
  amount: amount
`

// importInvoices imports the rows (each "no,customer,date,amount") into the books.
func importInvoices(t *testing.T, b *books, o importer.Options, rows ...string) (importer.Report, []string, error) {
	t.Helper()
	if b.customers == nil {
		b.customers = map[string]*evaluationv1.Customer{
			"C1": {CustomerId: "C1", CurrencyCode: "CNY"}, "U1": {CustomerId: "U1", CurrencyCode: "USD"},
		}
		b.invoices = map[string]*receivablesv1.Invoice{}
	}
	m, err := importer.ParseMapping("invoices", []byte(invoiceMapping))
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	o.Suite = fakesuite.Start(t, b.answer)
	o.OnProblem = func(p importer.Problem) { problems = append(problems, p.String()) }
	report, err := importer.Run(context.Background(),
		strings.NewReader("no,customer,date,amount\n"+strings.Join(rows, "\n")), m, o)
	return report, problems, err
}

func figures(r importer.Report) string {
	return fmt.Sprintf("rows %d bad %d new %d same %d not sent %d", r.Rows, r.Bad, r.New, r.Same, r.NotSent)
}

func TestImport(t *testing.T) {
	t.Parallel()
	good, bad := []string{"1,C1,2012-01-30,10", "2,C1,2012-01-31,20.5"}, "3,C1,2012-02-30,10"
	noSuchDay := `2: column date (3): invoice_date: "2012-02-30" is not a day of the calendar (YYYY-MM-DD) [DATE_INVALID]`
	cases := map[string]struct {
		books    *books
		options  importer.Options
		rows     []string
		want     string
		problems []string
		kept     []string
	}{
		"all good": {
			rows: good, want: "rows 2 bad 0 new 2 same 0 not sent 0", kept: []string{"1", "2"},
		},
		"dry run": {rows: good, options: importer.Options{DryRun: true}, want: "rows 2 bad 0 new 2 same 0 not sent 0"},
		"one bad row keeps all out": {
			rows: append([]string{bad}, good...), want: "rows 3 bad 1 new 0 same 0 not sent 2",
			problems: []string{noSuchDay},
		},
		"good rows are kept when asked": {
			rows: append([]string{bad}, good...), options: importer.Options{KeepGood: true},
			want: "rows 3 bad 1 new 2 same 0 not sent 0", kept: []string{"1", "2"},
			problems: []string{noSuchDay},
		},
		"a customer that is unknown keeps all out": {
			rows: append([]string{"3,C9,2012-01-30,10"}, good...), want: "rows 3 bad 1 new 0 same 0 not sent 2",
			problems: []string{`2: column customer (2): customer_id: the suite has no customer "C9"; import customers first [CUSTOMER_UNKNOWN]`},
		},
		"a currency that is another keeps all out": {
			rows: append([]string{"3,U1,2012-01-30,10"}, good...), want: "rows 3 bad 1 new 0 same 0 not sent 2",
			problems: []string{`2: currency_code: is in CNY, the customer's account in USD [CURRENCY_MISMATCH]`},
		},
		"a refusal stops the rest": {
			books: &books{refuse: map[string]error{"2": errs.New(errs.FailedPrecondition, "PERIOD_CLOSED", "the period is closed")}},
			rows:  append(slices.Clone(good), "3,C1,2012-02-01,5"),
			want:  "rows 3 bad 1 new 1 same 0 not sent 1", kept: []string{"1"},
			problems: []string{"3: the period is closed [PERIOD_CLOSED]"},
		},
		"a refusal stops nothing where good rows are kept": {
			books:   &books{refuse: map[string]error{"2": errs.New(errs.FailedPrecondition, "PERIOD_CLOSED", "the period is closed")}},
			options: importer.Options{KeepGood: true},
			rows:    append(slices.Clone(good), "3,C1,2012-02-01,5"),
			want:    "rows 3 bad 1 new 2 same 0 not sent 0", kept: []string{"1", "3"},
			problems: []string{"3: the period is closed [PERIOD_CLOSED]"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := c.books
			if kept == nil {
				kept = &books{}
			}
			report, problems, err := importInvoices(t, kept, c.options, c.rows...)
			if err != nil {
				t.Fatal(err)
			}
			if got := figures(report); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if !slices.Equal(problems, c.problems) {
				t.Errorf("problems %q", problems)
			}
			if has := slices.Sorted(maps.Keys(kept.invoices)); !slices.Equal(has, c.kept) {
				t.Errorf("the suite has %v, want %v", has, c.kept)
			}
		})
	}
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	var b books
	rows := []string{"1,C1,2012-01-30,10", "2,C1,2012-01-31,20.5"}
	if _, _, err := importInvoices(t, &b, importer.Options{}, rows...); err != nil {
		t.Fatal(err)
	}
	again, problems, err := importInvoices(t, &b, importer.Options{}, append(rows, "3,C1,2012-02-01,1")...)
	if err != nil || figures(again) != "rows 3 bad 0 new 1 same 2 not sent 0" || b.posted != 3 {
		t.Fatalf("%s, %v, %v, posted %d", figures(again), problems, err, b.posted)
	}
	if sum := again.Amounts["CNY"].String(); sum != "1.00" {
		t.Errorf("new rows come to %s", sum)
	}
	other, problems, err := importInvoices(t, &b, importer.Options{}, "1,C1,2012-01-30,11")
	want := []string{"2: column amount (4): amount: invoice_id 1 is in the suite with another amount.amount: 11.00 here, 10.00 there [EXISTS_OTHERWISE]"}
	if err != nil || figures(other) != "rows 1 bad 1 new 0 same 0 not sent 0" || !slices.Equal(problems, want) {
		t.Fatalf("%s, %q, %v", figures(other), problems, err)
	}
}

func TestASuiteOutOfReachIsAnError(t *testing.T) {
	t.Parallel()
	b := books{refuse: map[string]error{"1": errs.New(errs.Internal, "BROKEN", "broken")}}
	report, _, err := importInvoices(t, &b, importer.Options{}, "1,C1,2012-01-30,10", "2,C1,2012-01-30,10")
	if errs.KindOf(err) != errs.Internal || report.New != 0 || report.NotSent != 2 {
		t.Fatalf("%s, %v", figures(report), err)
	}
}
