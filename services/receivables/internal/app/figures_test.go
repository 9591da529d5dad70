package app_test

import (
	"fmt"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// period is the fold of what w posted between two days.
func (w *walk) period(from, to calendar.Date) figures.Row {
	r := figures.Row{Key: w.customer, Currency: "CNY", DisplayName: "Customer " + w.customer, Period: figures.Period{From: from, To: to}, OpenDays: new(big.Int)}
	r.Opening, r.Closing = w.fold(from.AddDays(-1)).open, w.fold(to).open
	for d := from; !d.After(to); d = d.AddDays(1) {
		r.OpenDays.Add(r.OpenDays, big.NewInt(w.fold(d).open))
	}
	for _, id := range w.invoices {
		i, err := w.h.Invoice(clerk(w.t), id)
		must(w.rt, err)
		if i.Date.After(to) || (!i.ReverseDate.IsZero() && !i.ReverseDate.After(to)) {
			continue
		}
		if !i.Date.Before(from) {
			r.Sales += i.Amount.Minor
		}
		for _, p := range i.Instalments {
			applied := appliedBy(onItem(i.Applications, p.ItemID), to)
			if !p.DueDate.Before(to) {
				r.NotDue += p.Amount.Minor - applied
			}
			if !p.DueDate.Before(from) && !p.DueDate.After(to) {
				r.FallenDue, r.Collected = r.FallenDue+p.Amount.Minor, r.Collected+applied
			}
		}
	}
	return r
}

func shownRow(r figures.Row) string {
	r.Months = nil
	return fmt.Sprintf("%+v", r)
}

// Whatever was posted, the amounts of a period are what its documents give, day by day.
func TestFiguresAreTheFold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &walk{h: h, t: t, rt: rt, customer: "F-" + strconv.FormatInt(counter.Add(1), 10), reversed: map[string]bool{}}
		h.customer(t, w.customer, "CNY")
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			w.step()
		}
		from := w.date("from")
		to := from.AddDays(rapid.IntRange(0, horizon).Draw(rt, "days"))
		p, _, err := h.Figures(clerk(t), figures.Query{From: from, To: to, GroupBy: figures.ByCustomer, Scope: figures.Scope{CustomerID: w.customer}, Limit: 10})
		must(rt, err)
		want := w.period(from, to)
		if len(p.Rows) == 0 {
			if want.Opening+want.Closing+want.Sales != 0 {
				rt.Fatalf("no row, want %s", shownRow(want))
			}
			return
		}
		if got := shownRow(p.Rows[0]); got != shownRow(want) {
			rt.Fatalf("%s to %s:\n%s\nwant\n%s", from, to, got, shownRow(want))
		}
		w.rolls(from, to, want)
	})
}

// rolls holds the roll rates between the ends of two days to what is open on them.
func (w *walk) rolls(from, to calendar.Date, want figures.Row) {
	rates, _, names, err := w.h.RollRates(clerk(w.t), figures.RollQuery{From: from, To: to, Scope: figures.Scope{CustomerID: w.customer}})
	must(w.rt, err)
	f := w.fold(from)
	var opening int64
	for i := range names {
		var row figures.RollRow
		if rows := rates["CNY"]; rows != nil {
			row = rows[i]
		}
		if row.Opening != f.buckets[i] {
			w.rt.Fatalf("%s: bucket %s opens with %d, want %d", from, names[i], row.Opening, f.buckets[i])
		}
		sum := row.Settled
		for _, to := range row.To {
			sum += to
		}
		if sum != row.Opening {
			w.rt.Fatalf("bucket %s of %d went to %+v", names[i], row.Opening, row)
		}
		opening += row.Opening
	}
	if opening != f.open {
		w.rt.Fatalf("rolls open with %d, want %d", opening, f.open)
	}
}

// A small company: two units, two grades, a group; figures by each of them.
func TestFiguresByGroup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i, c := range []app.Customer{
		{ID: "A1", UnitID: "north", Grade: "A", GroupID: "G"}, {ID: "B1", UnitID: "north", Grade: "B"}, {ID: "B2", UnitID: "south", Grade: "B", GroupID: "G"},
	} {
		c.Sequence, c.BusinessDate, c.Currency, c.DisplayName, c.Salesperson = 1, calendar.MustDate("2023-01-01"), "CNY", "Customer "+c.ID, "S-"+c.UnitID
		_, err := h.ApplyCustomers(clerk(t), []app.Customer{c})
		must(t, err)
		for m, date := range []string{"2023-10-15", "2023-11-15", "2023-12-15"} {
			id := fmt.Sprintf("%s-%d", c.ID, m)
			_, err := h.PostInvoice(on(t, date), h.request(), invoice.Draft{
				ID: id, CustomerID: c.ID, DueDate: calendar.MustDate(date).AddDays(30), Amount: amount(t, "CNY", strconv.Itoa(100*(i+1))+".00"),
			})
			must(t, err)
		}
		// October's was paid ten days late, by half.
		_, err = h.PostReceipt(on(t, "2023-11-24"), h.request(), receipt.Draft{ID: "R-" + c.ID, CustomerID: c.ID, Amount: amount(t, "CNY", strconv.Itoa(50*(i+1))+".00")},
			receipt.Order{Named: []receipt.Named{{InvoiceID: c.ID + "-0"}}})
		must(t, err)
	}
	get := func(by figures.GroupBy, scope figures.Scope) string {
		t.Helper()
		p, _, err := h.Figures(clerk(t), figures.Query{From: calendar.MustDate("2023-10-01"), To: calendar.MustDate("2023-12-31"), GroupBy: by, Scope: scope, Limit: 50})
		must(t, err)
		out := ""
		for _, r := range p.Rows {
			out += fmt.Sprintf("[%s %d of %d dso %s/%s]", r.Key, r.Closing, r.Sales, r.DSO().Decimal(2), r.DSOCountBack().Decimal(2))
		}
		return out
	}
	for _, c := range []struct {
		by    figures.GroupBy
		scope figures.Scope
		want  string
	}{
		{figures.ByTotal, figures.Scope{}, "[ 150000 of 180000 dso 76.67/76.50]"}, // 31 + 30 + 30,000/60,000 x 31
		{figures.ByUnit, figures.Scope{}, "[north 75000 of 90000 dso 76.67/76.50][south 75000 of 90000 dso 76.67/76.50]"},
		{figures.ByGrade, figures.Scope{}, "[A 25000 of 30000 dso 76.67/76.50][B 125000 of 150000 dso 76.67/76.50]"},
		{figures.ByGroup, figures.Scope{}, "[ 50000 of 60000 dso 76.67/76.50][G 100000 of 120000 dso 76.67/76.50]"},
		{figures.BySalesperson, figures.Scope{GroupID: "G"}, "[S-north 25000 of 30000 dso 76.67/76.50][S-south 75000 of 90000 dso 76.67/76.50]"},
		{figures.ByCustomer, figures.Scope{UnitID: "south"}, "[B2 75000 of 90000 dso 76.67/76.50]"},
		{figures.ByCustomer, figures.Scope{Grade: "A"}, "[A1 25000 of 30000 dso 76.67/76.50]"},
		{figures.ByMonth, figures.Scope{CustomerID: "A1"}, "[2023-10 10000 of 10000 dso 31.00/31.00][2023-11 15000 of 10000 dso 45.00/45.50][2023-12 25000 of 10000 dso 77.50/76.50]"},
	} {
		if got := get(c.by, c.scope); got != c.want {
			t.Errorf("by %s: %s\nwant %s", c.by, got, c.want)
		}
	}
	_, _, err := h.Figures(clerk(t), figures.Query{From: calendar.MustDate("2023-12-31"), To: calendar.MustDate("2023-10-01"), GroupBy: figures.ByTotal, Limit: 5})
	wantReason(t, err, "PERIOD_INVALID")
	forecast, _, err := h.CashForecast(clerk(t), figures.DebtQuery{AsOf: calendar.MustDate("2023-12-01")}, 4)
	must(t, err)
	if len(forecast) != 1 || forecast[0].Open != 90_000 || forecast[0].AlreadyDue != 30_000 || forecast[0].Weeks[1].Due != 60_000 || forecast[0].Weeks[2].Due != 0 {
		t.Errorf("forecast %+v", forecast)
	}
}
