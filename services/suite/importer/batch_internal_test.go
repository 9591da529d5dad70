package importer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

const firmMapping = `fields:
  customer_id: id
  direction: {constant: SALE}
  source: {constant: books}
  as_of_date: {constant: "2020-02-21"}
  invoice_number: no
  invoice_date: date
  counterparty: buyer
  net_amount: net
  tax_amount: tax
  total_amount: total
  status: {column: state, values: {ok: VALID, void: VOID}}
`

func firmRows(t *testing.T, text string) ([]row, []string) {
	t.Helper()
	m, err := ParseMapping("firm-invoices", []byte(firmMapping))
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	j := &job{Options: Options{OnProblem: func(p Problem) { problems = append(problems, p.String()) }}}
	j.complete()
	rows, err := j.read(strings.NewReader(text), m)
	if err != nil {
		t.Fatal(err)
	}
	return rows, problems
}

func recordOf(t *testing.T, r row) *evaluationv1.RecordInvoiceBatchRequest {
	t.Helper()
	m, ok := r.request.(*evaluationv1.RecordInvoiceBatchRequest)
	if !ok {
		t.Fatalf("%T", r.request)
	}
	return m
}

// Rows of one firm and month go together in the order of the file, alike rows each for themselves; each row keeps its line.
func TestBatches(t *testing.T) {
	t.Parallel()
	const header = "id,no,date,buyer,net,tax,total,state\n"
	text := header +
		"E1,1,2019-03-01,B,10,1,11,ok\n" + // line 2
		"E2,1,2019-03-01,B,10,1,11,ok\n" +
		"E1,1,2019-03-01,B,10,1,11,ok\n" + // line 4, like line 2
		"E1,2,2019-04-01,B,10,1,11,void\n" +
		"E1,3,2019-03-31,,-5,-1,-6,ok\n" // line 6
	rows, problems := firmRows(t, text)
	if len(rows) != 3 || len(problems) != 0 || fileRows(rows) != 5 {
		t.Fatalf("%d batches of %d rows, %q", len(rows), fileRows(rows), problems)
	}
	march := recordOf(t, rows[0])
	if march.GetCustomerId() != "E1" || len(march.GetBatch().GetInvoices()) != 3 || march.GetBatch().GetPart() != 1 ||
		fmt.Sprint(rows[0].lines) != "[2 4 6]" || rows[0].amount.String() != "16.00" {
		t.Errorf("%v %v %v", march, rows[0].lines, rows[0].amount)
	}
	if line, path := rows[0].place("batch.invoices[2].invoice_date"); line != 6 || path != "batch.invoices[0].invoice_date" {
		t.Errorf("line %d, %s", line, path)
	}
	if line, path := rows[0].place("batch.source"); line != 2 || path != "batch.source" {
		t.Errorf("line %d, %s", line, path)
	}
	// The same rows have the same id, others another.
	again, _ := firmRows(t, text)
	other, _ := firmRows(t, strings.Replace(text, ",,-5,", ",C,-5,", 1))
	for i := range rows {
		if recordOf(t, again[i]).GetRequestId() != recordOf(t, rows[i]).GetRequestId() {
			t.Errorf("batch %d has another id", i)
		}
	}
	if recordOf(t, other[0]).GetRequestId() == march.GetRequestId() {
		t.Error("other rows have the same id")
	}
	_, problems = firmRows(t, header+"E1,1,2019-03-01,B,10,1,x,ok\nE1,1,2019-03-01,B,10,1,11,perhaps\n")
	if len(problems) != 2 || !strings.HasPrefix(problems[0], "2: column total (7): total_amount:") || !strings.HasPrefix(problems[1], "3: column state (8): status:") {
		t.Errorf("%q", problems)
	}
}

// A month with more invoices than one call takes becomes parts of it.
func TestLargeMonths(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("id,no,date,buyer,net,tax,total,state\n")
	for i := range maxBatch + 2 {
		fmt.Fprintf(&b, "E1,%d,2019-03-01,B,1,0,1,ok\n", i)
	}
	rows, _ := firmRows(t, b.String())
	if len(rows) != 2 || rows[0].rows() != maxBatch || rows[1].rows() != 2 || recordOf(t, rows[1]).GetBatch().GetPart() != 2 {
		t.Fatalf("%d batches", len(rows))
	}
}
