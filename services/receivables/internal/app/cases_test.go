package app_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// story is one case file: what was done to one customer, and what must show.
type story struct {
	Name     string   `yaml:"name"`
	Currency string   `yaml:"currency"`
	Steps    []step   `yaml:"steps"`
	Expect   []expect `yaml:"expect"`
}

type step struct {
	On      string `yaml:"on"`
	Invoice *struct {
		ID     string `yaml:"id"`
		Amount string `yaml:"amount"`
		Date   string `yaml:"date"`
		Due    string `yaml:"due"`
		Term   *int   `yaml:"term"`
		// Instalments, where it is not due as a whole.
		Instalments []struct {
			Amount string `yaml:"amount"`
			Due    string `yaml:"due"`
			Term   *int   `yaml:"term"`
		} `yaml:"instalments"`
	} `yaml:"invoice"`
	Receipt *struct {
		ID     string  `yaml:"id"`
		Amount string  `yaml:"amount"`
		Date   string  `yaml:"date"`
		Named  []named `yaml:"named"`
		Mode   string  `yaml:"mode"`
	} `yaml:"receipt"`
	Apply *struct {
		Receipt string  `yaml:"receipt"`
		Named   []named `yaml:"named"`
	} `yaml:"apply"`
	ReverseInvoice string `yaml:"reverse_invoice"`
	ReverseReceipt string `yaml:"reverse_receipt"`
	// Error is the reason with which the step is refused.
	Error string `yaml:"error"`
}

type named struct {
	Invoice string `yaml:"invoice"`
	Amount  string `yaml:"amount"`
}

type expect struct {
	AsOf string `yaml:"as_of"`
	By   string `yaml:"by"`
	// Buckets that are not empty.
	Buckets   map[string]string `yaml:"buckets"`
	Overdue   string            `yaml:"overdue"`
	Unapplied string            `yaml:"unapplied"`
	Balance   string            `yaml:"balance"`
	Invoices  map[string]struct {
		Open    string `yaml:"open"`
		State   string `yaml:"state"`
		Due     string `yaml:"due"`
		Settled string `yaml:"settled"`
		// Instalments lists what each still owes.
		Instalments []string `yaml:"instalments"`
	} `yaml:"invoices"`
	Receipts map[string]struct {
		Unapplied string `yaml:"unapplied"`
	} `yaml:"receipts"`
}

func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/cases/*.yaml")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	h := newHouse(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) { // one database: a case is a customer
			text, err := os.ReadFile(file)
			must(t, err)
			var s story
			dec := yaml.NewDecoder(strings.NewReader(string(text)))
			dec.KnownFields(true)
			must(t, dec.Decode(&s))
			r := &run{h: h, prefix: name + "/", currency: s.Currency}
			h.customer(t, name, s.Currency)
			for i, st := range s.Steps {
				err := r.step(t, name, st)
				if st.Error != "" {
					wantReason(t, err, st.Error)
				} else if err != nil {
					t.Fatalf("step %d: %v", i+1, err)
				}
			}
			for _, e := range s.Expect {
				r.expect(t, name, e)
			}
		})
	}
	report, err := h.Verify(clerk(t))
	must(t, err)
	if len(report.Breaks) > 0 || report.Entries == 0 {
		t.Errorf("after all cases: %+v", report)
	}
}

type run struct {
	h                *house
	prefix, currency string
}

func (r *run) step(t *testing.T, customer string, st step) error {
	ctx := on(t, st.On)
	var err error
	switch {
	case st.Invoice != nil:
		i := st.Invoice
		d := invoice.Draft{
			ID: r.prefix + i.ID, CustomerID: customer, Date: dateOf(i.Date), DueDate: dateOf(i.Due), TermDays: i.Term,
			Amount: amount(t, r.currency, i.Amount),
		}
		for _, p := range i.Instalments {
			d.Instalments = append(d.Instalments, invoice.Part{DueDate: dateOf(p.Due), TermDays: p.Term, Amount: amount(t, r.currency, p.Amount)})
		}
		_, err = r.h.PostInvoice(ctx, r.h.request(), d)
	case st.Receipt != nil:
		p := st.Receipt
		_, err = r.h.PostReceipt(ctx, r.h.request(), receipt.Draft{
			ID: r.prefix + p.ID, CustomerID: customer, Date: dateOf(p.Date), Amount: amount(t, r.currency, p.Amount),
		}, receipt.Order{Named: r.named(t, p.Named), Mode: receipt.Mode(p.Mode)})
	case st.Apply != nil:
		_, err = r.h.ApplyReceipt(ctx, r.h.request(), r.prefix+st.Apply.Receipt, receipt.Order{Named: r.named(t, st.Apply.Named)})
	case st.ReverseInvoice != "":
		err = r.h.takeBack(ctx, customer, r.prefix+st.ReverseInvoice)
	case st.ReverseReceipt != "":
		_, err = r.h.ReverseReceipt(ctx, r.h.request(), r.prefix+st.ReverseReceipt, "case")
	}
	return err
}

func (r *run) named(t *testing.T, list []named) []receipt.Named {
	out := make([]receipt.Named, len(list))
	for i, n := range list {
		out[i].InvoiceID = r.prefix + n.Invoice
		if n.Amount != "" {
			m := amount(t, r.currency, n.Amount)
			out[i].Amount = &m
		}
	}
	return out
}

func (r *run) expect(t *testing.T, customer string, e expect) {
	t.Helper()
	if e.AsOf != "" {
		r.aging(t, customer, e)
	}
	for id, want := range e.Invoices {
		got, err := r.h.Invoice(clerk(t), r.prefix+id)
		must(t, err)
		same(t, id+" open", got.Open.String(), want.Open)
		same(t, id+" state", string(got.State()), want.State)
		same(t, id+" due", got.DueDate.String(), want.Due)
		same(t, id+" settled", got.SettleDate.String(), want.Settled)
		var open []string
		for _, p := range got.Instalments {
			open = append(open, p.Open.String())
		}
		if want.Instalments != nil && !slices.Equal(open, want.Instalments) {
			t.Errorf("%s: instalments %v, want %v", id, open, want.Instalments)
		}
	}
	for id, want := range e.Receipts {
		got, err := r.h.Receipt(clerk(t), r.prefix+id)
		must(t, err)
		same(t, id+" unapplied", got.Unapplied.String(), want.Unapplied)
	}
}

// same compares where the case says something.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if want != "" && got != want {
		t.Errorf("%s = %s, want %s", what, got, want)
	}
}

func (r *run) aging(t *testing.T, customer string, e expect) {
	t.Helper()
	by := aging.ByDueDate
	if e.By != "" {
		by = aging.By(e.By)
	}
	row := r.h.agingOf(clerk(t), t, customer, calendar.MustDate(e.AsOf), by)
	names := aging.NewBuckets(shipped().AgingBounds, by).Names
	for i, name := range names {
		want := e.Buckets[name]
		if want == "" {
			want = amount(t, r.currency, "0").String()
		}
		got := amount(t, r.currency, "0")
		if row != nil {
			got = row.Cells[i].Amount
		}
		same(t, e.AsOf+" bucket "+name, got.String(), want)
	}
	if row == nil {
		return
	}
	same(t, e.AsOf+" overdue", row.Overdue.Amount.String(), e.Overdue)
	same(t, e.AsOf+" unapplied", row.Unapplied.String(), e.Unapplied)
	same(t, e.AsOf+" balance", row.Balance().String(), e.Balance)
}

// agingOf is the row of one customer; nil if there is none.
func (h *house) agingOf(ctx context.Context, t tb, customer string, at calendar.Date, by aging.By) *aging.Row {
	t.Helper()
	p, _, err := h.Aging(ctx, aging.Query{AsOf: at, By: by, GroupBy: aging.GroupCustomer, CustomerID: customer, Limit: 10})
	must(t, err)
	if len(p.Rows) == 0 {
		return nil
	}
	if len(p.Rows) != 1 || len(p.Totals) != 1 || p.Totals[0].Balance() != p.Rows[0].Balance() {
		t.Fatalf("rows %+v, totals %+v", p.Rows, p.Totals)
	}
	return &p.Rows[0]
}
