package invoices

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func sale(date, buyer string, total int64) Group {
	return Of(Sale, Invoice{Number: "1", Date: calendar.MustDate(date), Counterparty: buyer, Net: total, Total: total})
}

// year is one sale of each month of a year.
func year(y int, total int64) []Group {
	var all []Group
	for m := 1; m <= 12; m++ {
		all = append(all, sale(fmt.Sprintf("%d-%02d-15", y, m), "B", total))
	}
	return all
}

func summary(asOf string, groups ...Group) Summary {
	s := Sum(groups)
	s.AsOf = calendar.MustDate(asOf)
	return s
}

func TestIndicators(t *testing.T) {
	t.Parallel()
	void := sale("2019-03-01", "B", 5)
	void.Void = true
	odd := Of(Sale, Invoice{Date: calendar.MustDate("2019-04-01"), Net: 1, Tax: 1, Total: 3})
	cases := []struct {
		name string
		of   func(Summary) *big.Rat
		s    Summary
		want string // empty: missing
	}{
		{"yearly sales", Summary.YearlySales, summary("2019-12-31", year(2019, 100)...), "1200"},
		{"the month that is not over does not count", Summary.YearlySales, summary("2020-01-30", append(year(2019, 100), sale("2020-01-02", "B", 9))...), "1200"},
		{"known for less than a year", Summary.YearlySales, summary("2019-12-31", year(2019, 100)[1:]...), ""},
		{"a month without a sale is nothing sold", Summary.YearlySales, summary("2020-02-29", year(2019, 100)...), "1000"},
		{"growth", Summary.Growth, summary("2019-12-31", append(year(2018, 100), year(2019, 125)...)...), "1/4"},
		{"shrinking to nothing", Summary.Growth, summary("2019-12-31", year(2018, 100)...), "-1"},
		{"no year to compare with", Summary.Growth, summary("2019-12-31", year(2019, 100)...), ""},
		{"nothing sold in the earlier year", Summary.Growth, summary("2019-12-31", sale("2017-01-01", "B", 1), sale("2019-01-01", "B", 1)), ""},
		{"even sales", Summary.Volatility, summary("2019-12-31", year(2019, 100)...), "0"},
		// One month of 12: its distance from the mean is 11/12 of all, that of the others 11 x 1/12.
		{"all in one month", Summary.Volatility, summary("2019-12-31", sale("2019-01-01", "B", 70)), "11/6"},
		{"nothing sold in the year", Summary.Volatility, summary("2019-12-31", sale("2018-01-01", "B", 70)), ""},
		{"void share", Summary.VoidShare, summary("2019-12-31", void, sale("2019-03-01", "B", 5), odd), "1/3"},
		{"nothing to be void", Summary.VoidShare, summary("2019-12-31"), ""},
		{"returns", Summary.ReturnsShare, summary("2019-12-31", sale("2019-03-01", "B", 80), sale("2019-03-02", "B", -20)), "1/4"},
		{"only returns", Summary.ReturnsShare, summary("2019-12-31", sale("2019-03-02", "B", -20)), ""},
		{"top buyer", Summary.TopBuyerShare, summary("2019-12-31", sale("2019-03-01", "B", 30), sale("2019-03-01", "C", 60), sale("2019-03-02", "", 10)), "3/5"},
		{"no buyer known", Summary.TopBuyerShare, summary("2019-12-31", sale("2019-03-01", "", 30)), ""},
		{"more returned than sold", Summary.TopBuyerShare, summary("2019-12-31", sale("2019-03-01", "B", -1)), ""},
		{"buyers", Summary.NumberOfBuyers, summary("2019-12-31", sale("2019-03-01", "B", 30), sale("2019-05-01", "B", 1), sale("2019-03-01", "C", 60)), "2"},
		{"gap", Summary.ActivityGap, summary("2019-12-31", sale("2019-12-01", "B", 30), sale("2019-11-01", "B", 30)), "30"},
		{"void sales are no activity", Summary.ActivityGap, summary("2019-12-31", void), ""},
		{"months", Summary.SalesMonths, summary("2019-12-31", sale("2019-12-01", "B", 30), sale("2019-12-09", "B", 30), sale("2018-12-09", "B", 30)), "2"},
		{"purchases", Summary.PurchasesToSales, summary("2019-12-31", sale("2019-12-01", "B", 30), Of(Purchase, Invoice{Date: calendar.MustDate("2019-12-01"), Total: 20})), "2/3"},
		{"purchases unknown", Summary.PurchasesToSales, summary("2019-12-31", sale("2019-12-01", "B", 30)), ""},
	}
	for _, c := range cases {
		got := ""
		if v := c.of(c.s); v != nil {
			got = v.RatString()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What is added up does not depend on how the invoices are grouped or ordered.
func TestGroupingMakesNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var single []Group
		grouped := map[Group]Group{}
		for range rapid.IntRange(0, 40).Draw(t, "invoices") {
			g := Of(rapid.SampledFrom([]Direction{Sale, Purchase}).Draw(t, "side"), Invoice{
				Date:         calendar.New(2019, 1, 1).AddDays(rapid.IntRange(0, 200).Draw(t, "day")),
				Counterparty: rapid.SampledFrom([]string{"", "B", "C"}).Draw(t, "party"), Void: rapid.Bool().Draw(t, "void"),
				Net: rapid.Int64Range(-5, 5).Draw(t, "net"), Total: rapid.Int64Range(-5, 5).Draw(t, "total"),
			})
			single = append(single, g)
			key := Group{Direction: g.Direction, Month: g.Month, Counterparty: g.Counterparty, Void: g.Void}
			sum, ok := grouped[key]
			if !ok {
				sum = key
				sum.First, sum.Last = g.First, g.Last
			}
			sum.Invoices++
			sum.Negatives += g.Negatives
			sum.NegativeTotal += g.NegativeTotal
			sum.Net, sum.Tax, sum.Total, sum.Mismatched = sum.Net+g.Net, sum.Tax+g.Tax, sum.Total+g.Total, sum.Mismatched+g.Mismatched
			if g.First.Before(sum.First) {
				sum.First = g.First
			}
			if g.Last.After(sum.Last) {
				sum.Last = g.Last
			}
			grouped[key] = sum
		}
		var groups []Group
		for _, g := range grouped {
			groups = append(groups, g)
		}
		slices.Reverse(single)
		if a, b := fmt.Sprintf("%+v", Sum(single)), fmt.Sprintf("%+v", Sum(groups)); a != b {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

func TestBatchesAreComplete(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2020-03-01")
	ok := Invoice{Date: calendar.MustDate("2020-01-10"), Total: 5}
	big, other, late := ok, ok, ok
	big.Total = MaxMinor + 1
	other.Date = calendar.MustDate("2020-02-01")
	late.Date = calendar.MustDate("2020-01-31")
	for _, c := range []struct {
		name, asOf, field string
		all               []Invoice
	}{
		{"good", "2020-01-30", "", []Invoice{ok, ok}},
		{"none", "2020-01-30", "batch.invoices", nil},
		{"tomorrow", "2020-03-02", "batch.as_of_date", []Invoice{ok}},
		{"another month", "2020-02-10", "batch.invoices[1].invoice_date", []Invoice{ok, other}},
		{"after its own day", "2020-01-30", "batch.invoices[1].invoice_date", []Invoice{ok, late}},
		{"too large", "2020-01-30", "batch.invoices[0].total_amount", []Invoice{big}},
	} {
		_, err := Batch{AsOf: calendar.MustDate(c.asOf)}.Complete(c.all, day)
		got := ""
		if e, is := errs.As(err); is && err != nil {
			got = e.Violations[0].Field
		}
		if got != c.field {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCorrections(t *testing.T) {
	t.Parallel()
	first := Batch{Direction: Sale, Month: "2019-03", Part: 1, Revision: 2, Content: "x", Source: "s"}
	other := Batch{Direction: Sale, Month: "2019-03", Part: 1, Content: "y", Source: "s"}
	named := func(id string) Batch { b := other; b.Supersedes = id; return b }
	for _, c := range []struct {
		name           string
		b              Batch
		newest         *Batch
		reason, wantID string
		unchanged      bool
	}{
		{"the first", other, nil, "", "SALE-2019-03.1.1", false},
		{"the same again", Batch{Content: "x", Source: "s"}, &first, "", "SALE-2019-03.1.2", true},
		{"another one unasked", other, &first, ReasonExists, "", false},
		{"a correction", named("SALE-2019-03.1.2"), &first, "", "SALE-2019-03.1.3", false},
		{"a correction of what was corrected", named("SALE-2019-03.1.1"), &first, ReasonSuperseded, "", false},
		{"a correction of nothing", named("SALE-2019-03.1.1"), nil, ReasonSuperseded, "", false},
	} {
		got, unchanged, err := c.b.Follow(c.newest)
		if errs.ReasonOf(err) != c.reason || unchanged != c.unchanged || (err == nil && got.ID() != c.wantID) {
			t.Errorf("%s: %s %v %v", c.name, got.ID(), unchanged, err)
		}
	}
}
