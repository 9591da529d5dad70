package receipt_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

type table struct {
	Name  string `yaml:"name"`
	Money string `yaml:"money"`
	From  string `yaml:"from"`
	Mode  string `yaml:"mode"`
	Named []struct {
		Invoice string `yaml:"invoice"`
		Amount  string `yaml:"amount"`
	} `yaml:"named"`
	Items []struct {
		ID       string `yaml:"id"`
		Document string `yaml:"document"`
		Open     string `yaml:"open"`
		Date     string `yaml:"date"`
		Due      string `yaml:"due"`
		Undone   string `yaml:"undone"`
		Reversed bool   `yaml:"reversed"`
	} `yaml:"items"`
	// Want lists "invoice amount date"; Error is the reason of a refusal.
	Want  []string `yaml:"want"`
	Error string   `yaml:"error"`
}

func cny(t *testing.T, s string) money.Money {
	t.Helper()
	m, err := money.Parse("CNY", s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func date(s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	return calendar.MustDate(s)
}

// Invariant 5: money goes where the payer named, else to the oldest due.
func TestAllocate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/allocate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []table
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.check(t)
		})
	}
}

func (c table) check(t *testing.T) {
	t.Helper()
	order := receipt.Order{Mode: receipt.Mode(c.Mode)}
	for _, n := range c.Named {
		named := receipt.Named{InvoiceID: n.Invoice}
		if n.Amount != "" {
			m := cny(t, n.Amount)
			named.Amount = &m
		}
		order.Named = append(order.Named, named)
	}
	items := make([]receipt.Item, len(c.Items))
	for i, item := range c.Items {
		if item.Document == "" {
			item.Document = item.ID
		}
		items[i] = receipt.Item{
			ID: item.ID, DocumentID: item.Document, Date: date(item.Date), DueDate: date(item.Due), Amount: cny(t, item.Open), Open: cny(t, item.Open),
			LastUndo: date(item.Undone), Reversed: item.Reversed,
		}
	}
	got, err := receipt.Allocate(receipt.Source{CreditID: "R", Available: cny(t, c.Money), From: date(c.From)}, order, items)
	if errs.ReasonOf(err) != c.Error {
		t.Fatalf("error %v, want reason %q", err, c.Error)
	}
	var list []string
	for _, a := range got {
		list = append(list, fmt.Sprint(a.ItemID, " ", a.Amount, " ", a.Date))
	}
	if fmt.Sprint(list) != fmt.Sprint(c.Want) {
		t.Errorf("applied %q, want %q", list, c.Want)
	}
}

// Whatever is open and however much comes in: nothing is applied beyond the money or
// beyond what is open, oldest due first leaves no money while an item is open, and
// undoing gives back exactly what was applied.
func TestAllocationIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var items []receipt.Item
		var owed int64
		for i := range rapid.IntRange(0, 6).Draw(rt, "items") {
			open := rapid.Int64Range(1, 50).Draw(rt, "open")
			owed += open
			due := calendar.MustDate("2024-01-01").AddDays(rapid.IntRange(0, 3).Draw(rt, "due"))
			items = append(items, receipt.Item{ID: fmt.Sprint(i), DocumentID: fmt.Sprint(i), Date: due, DueDate: due, Amount: money.New(open, "CNY"), Open: money.New(open, "CNY")})
		}
		have := rapid.Int64Range(0, 200).Draw(rt, "money")
		applied, err := receipt.Allocate(receipt.Source{CreditID: "R", Available: money.New(have, "CNY")}, receipt.Order{}, items)
		if err != nil {
			rt.Fatal(err)
		}
		var sum int64
		var last calendar.Date
		for _, a := range applied {
			sum += a.Amount.Minor
			if a.Date.Before(last) {
				rt.Fatalf("not oldest due first: %v", applied)
			}
			last = a.Date
		}
		if sum != min(have, owed) {
			rt.Fatalf("applied %d of %d against %d", sum, have, owed)
		}
		for _, settled := range receipt.Settled(items, applied) {
			if !settled.Open.IsZero() {
				rt.Fatalf("settled, but open: %+v", settled)
			}
		}
		undone(rt, applied)
	})
}

func undone(rt *rapid.T, applied []invoice.Application) {
	net := map[string]int64{}
	for _, a := range append(applied, receipt.Undo(applied, calendar.MustDate("2024-02-01"))...) {
		net[a.ItemID] += a.Amount.Minor
	}
	for id, n := range net {
		if n != 0 {
			rt.Fatalf("%s keeps %d after the undoing", id, n)
		}
	}
}
