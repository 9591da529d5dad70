package cashmatch_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
)

type paidInvoice struct {
	customer, number   string
	date, due, settled calendar.Date
	amount             money.Money
}

// latePayments are the invoices of the data set, with their zeros.
func latePayments(t *testing.T) []paidInvoice {
	t.Helper()
	const file = "WA_Fn-UseC_-Accounts-Receivable.csv"
	folder := filepath.Join("..", "..", "..", "..", "..", "shared", "data", "late-payments")
	in, err := os.Open(filepath.Join(folder, file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the data set is not at %s", folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	date := func(s string) calendar.Date {
		d, err := time.Parse("1/2/2006", s)
		if err != nil {
			t.Fatal(err)
		}
		return calendar.FromTime(d, time.UTC)
	}
	var out []paidInvoice
	for _, r := range rows[1:] {
		amount, err := money.Parse("USD", r[6])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, paidInvoice{customer: r[1], number: r[3], date: date(r[4]), due: date(r[5]), settled: date(r[8]), amount: amount})
	}
	return out
}

// mangled is what a payer makes of the numbers: how, and the text.
func mangled(r *rand.Rand, numbers []string) (how, text string) {
	each := func(fn func(string) string) string {
		out := make([]string, len(numbers))
		for i, n := range numbers {
			out[i] = fn(n)
		}
		return strings.Join(out, ", ")
	}
	switch n := r.IntN(100); {
	case n < 40:
		return "as they are", "payment of " + each(func(s string) string { return s })
	case n < 55:
		return "without zeros", "inv " + each(func(s string) string { return strings.TrimLeft(s, "0") })
	case n < 65:
		return "torn apart", "no. " + each(func(s string) string { return s[:6] + " " + s[6:] })
	case n < 75:
		return "a character wrong", each(func(s string) string {
			at := len(s) - 1 - r.IntN(4)
			return s[:at] + string('0'+(s[at]-'0'+1)%10) + s[at+1:]
		})
	case n < 82:
		return "the first only", "invoice " + numbers[0] + " etc."
	default:
		return "none", "goods"
	}
}

// TestHitRate makes a bank statement of a year and a half of real payments, with numbers that payers left out or mistook, and
// says how many lines get the right proposal. A line is right where the first proposal is the customer and exactly its invoices.
func TestHitRate(t *testing.T) {
	t.Parallel()
	invoices := latePayments(t)
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same lines each time
	payments := map[string][]paidInvoice{}
	for _, i := range invoices {
		key := i.settled.String() + " " + i.customer
		payments[key] = append(payments[key], i)
	}
	byCustomer := map[string][]paidInvoice{}
	for _, i := range invoices {
		byCustomer[i.customer] = append(byCustomer[i.customer], i)
	}
	accounts := map[string]string{}
	type tally struct{ lines, right, certain, wrong int }
	total, by := tally{}, map[string]*tally{}
	for n, key := range slices.Sorted(mapsKeys(payments)) {
		paid := payments[key]
		p := cashmatch.Payment{Amount: money.Zero("USD"), Date: paid[0].settled}
		var numbers, want []string
		for _, i := range paid {
			p.Amount = p.Amount.Add(i.amount)
			numbers, want = append(numbers, i.number), append(want, i.number)
		}
		how, text := mangled(r, numbers)
		p.Text = text
		if n%10 < 7 { // three lines of ten say nothing of who paid
			p.PayerName, p.PayerAccount = "Company "+paid[0].customer, "ACC"+paid[0].customer
		}
		list := cashmatch.Propose(p, openOn(byCustomer, accounts, p.Date))
		one := by[how]
		if one == nil {
			one = &tally{}
			by[how] = one
		}
		right := len(list) > 0 && list[0].CustomerID == paid[0].customer && sameItems(list[0], want)
		certain := cashmatch.Certain(list, 85)
		for _, c := range []*tally{one, &total} {
			c.lines++
			if right {
				c.right++
			}
			if certain {
				c.certain++
			}
			if certain && !right {
				c.wrong++
			}
		}
		if p.PayerAccount != "" {
			accounts[paid[0].customer] = p.PayerAccount // learned from the confirmation
		}
	}
	for _, how := range slices.Sorted(mapsKeys(by)) {
		c := by[how]
		t.Logf("%-18s %4d lines, right %5.1f %%, certain %5.1f %%, certain and wrong %d", how, c.lines, pct(c.right, c.lines), pct(c.certain, c.lines), c.wrong)
	}
	t.Logf("%-18s %4d lines, right %5.1f %%, certain %5.1f %%, certain and wrong %d", "all", total.lines, pct(total.right, total.lines), pct(total.certain, total.lines), total.wrong)
	if pct(total.right, total.lines) < 90 {
		t.Errorf("only %.1f %% of the lines get the right proposal", pct(total.right, total.lines))
	}
	if total.wrong > 0 {
		t.Errorf("%d lines would have been applied without a person, and wrongly", total.wrong)
	}
}

func pct(n, of int) float64 { return 100 * float64(n) / float64(of) }

func mapsKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func sameItems(p cashmatch.Proposal, want []string) bool {
	var got []string
	for _, s := range p.Shares {
		got = append(got, s.ItemID)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	return slices.Equal(got, want) && p.Rest.IsZero()
}

// openOn is what each customer owes on the morning of a day.
func openOn(byCustomer map[string][]paidInvoice, accounts map[string]string, day calendar.Date) []cashmatch.Customer {
	var out []cashmatch.Customer
	for _, id := range slices.Sorted(mapsKeys(byCustomer)) {
		c := cashmatch.Customer{ID: id, Name: fmt.Sprintf("Company %s Ltd", id)}
		if a := accounts[id]; a != "" {
			c.Accounts = []string{a}
		}
		for _, i := range byCustomer[id] {
			if !i.date.After(day) && !i.settled.Before(day) {
				c.Items = append(c.Items, cashmatch.Item{
					ID: i.number, DocumentID: i.number, Date: i.date, DueDate: i.due, Open: i.amount, Discount: money.Zero("USD"),
				})
			}
		}
		if len(c.Items) > 0 {
			out = append(out, c)
		}
	}
	return out
}
