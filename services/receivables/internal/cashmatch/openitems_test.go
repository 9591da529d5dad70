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

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
)

// debtor is a customer of the open items, with the ways in which its name is written.
type debtor struct {
	cashmatch.Customer
	spellings []string
}

// openItems are the customers of the data set that have open items in US dollars, with the numbers of their documents.
func openItems(t *testing.T) []debtor {
	t.Helper()
	const file = "open_items.csv"
	folder := filepath.Join("..", "..", "..", "..", "..", "shared", "data", "open-items")
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
	column := func(name string) int { return slices.Index(rows[0], name) }
	number, name, document, posted := column("cust_number"), column("name_customer"), column("doc_id"), column("posting_date")
	due, currency, open := column("due_in_date"), column("invoice_currency"), column("total_open_amount")
	byID := map[string]*debtor{}
	for _, r := range rows[1:] {
		if r[currency] != "USD" {
			continue
		}
		amount, err := money.Parse("USD", r[open])
		if err != nil {
			t.Fatal(err)
		}
		d := byID[r[number]]
		if d == nil {
			d = &debtor{Customer: cashmatch.Customer{ID: r[number], Name: strings.TrimSpace(r[name])}}
			byID[r[number]] = d
		}
		if s := strings.TrimSpace(r[name]); !slices.Contains(d.spellings, s) {
			d.spellings = append(d.spellings, s)
		}
		d.Items = append(d.Items, cashmatch.Item{
			ID: r[document], DocumentID: r[document], Date: calendar.MustDate(r[posted]), DueDate: calendar.MustDate(r[due]), Open: amount, Discount: money.Zero("USD"),
		})
	}
	out := make([]debtor, 0, len(byID))
	for _, id := range slices.Sorted(mapsKeys(byID)) {
		out = append(out, *byID[id])
	}
	return out
}

// bankText is what stands in a bank line for the numbers of ten digits: how they were written, and the text.
func bankText(r *rand.Rand, numbers []string) (how, text string) {
	each := func(between string, fn func(string) string) string {
		out := make([]string, len(numbers))
		for i, n := range numbers {
			out[i] = fn(n)
		}
		return strings.Join(out, between)
	}
	digit := func(s string, at int) string { return s[:at] + string('0'+(s[at]-'0'+1+byte(r.IntN(9)))%10) + s[at+1:] }
	switch n := r.IntN(100); {
	case n < 30:
		return "as they are", "/INV/" + each(" ", func(s string) string { return s })
	case n < 40:
		return "with letters", each(",", func(s string) string { return "RV" + s + "US" })
	case n < 50:
		return "torn apart", each(" / ", func(s string) string { return s[:4] + "-" + s[4:7] + "-" + s[7:] })
	case n < 60:
		return "the end only", "our invoices " + each("+", func(s string) string { return s[4:] })
	case n < 75:
		return "a digit wrong", each(" ", func(s string) string { return digit(s, 3+r.IntN(7)) })
	case n < 82:
		return "digits swapped", each(" ", func(s string) string {
			at := 5 + r.IntN(4)
			return s[:at] + s[at+1:at+2] + s[at:at+1] + s[at+2:]
		})
	case n < 88:
		return "the first only", "inv " + numbers[0] + " and others"
	default:
		return "none", "payment for goods"
	}
}

// TestHitRateOfOpenItems makes bank lines of open items whose numbers lie close together, so that one mistaken is often another one that is
// open: of one item and of several, in full and with deductions, by payers that are known and by others. A line is right where the first
// proposal is the customer and exactly its items. Nothing may be confirmed without a person that is not.
func TestHitRateOfOpenItems(t *testing.T) {
	t.Parallel()
	debtors := openItems(t)
	customers := make([]cashmatch.Customer, len(debtors))
	var weights []int // of a customer as often as it has items, but of the largest not all the time
	for i, d := range debtors {
		customers[i] = d.Customer
		if i%3 == 0 { // has paid before
			customers[i].Accounts = []string{"ACC" + d.ID}
		}
		for range min(len(d.Items), 40) {
			weights = append(weights, i)
		}
	}
	r := rand.New(rand.NewPCG(11, 3)) //nolint:gosec // the same lines each time
	type tally struct{ lines, right, customer, certain, wrong int }
	by := map[string]*tally{}
	const lines = 400
	for range lines {
		d := debtors[weights[r.IntN(len(weights))]]
		items := slices.Clone(d.Items)
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		size := 1
		for size < min(len(items), 8) && r.IntN(100) < 45 {
			size++
		}
		items = items[:size]
		p := cashmatch.Payment{Amount: money.Zero("USD"), Date: calendar.MustDate("2020-06-01")}
		var numbers []string
		for _, i := range items {
			p.Amount, numbers = p.Amount.Add(i.Open), append(numbers, i.ID)
		}
		paid := "in full"
		if r.IntN(100) < 15 { // less freight, damage, a charge of the bank
			paid = "less"
			least := items[0].Open
			for _, i := range items {
				least = money.Min(least, i.Open)
			}
			p.Amount = p.Amount.Sub(money.New(1+r.Int64N(max(1, least.Minor/20)), "USD"))
		}
		how, text := bankText(r, numbers)
		p.Text = text
		payer := "payer unknown"
		switch n := r.IntN(100); {
		case n < 60:
			payer, p.PayerName = "by name", d.spellings[r.IntN(len(d.spellings))]
			fallthrough
		case n < 75:
			p.PayerAccount = "ACC" + d.ID
			if payer == "payer unknown" && len(customers[slices.IndexFunc(customers, func(c cashmatch.Customer) bool { return c.ID == d.ID })].Accounts) > 0 {
				payer = "by account"
			}
		}
		list := cashmatch.Propose(p, customers)
		isCustomer := len(list) > 0 && list[0].CustomerID == d.ID
		right := isCustomer && sameItems(list[0], numbers)
		certain := cashmatch.Certain(list, 85)
		many := "one item"
		if size > 1 {
			many = "several items"
		}
		for _, key := range []string{"all", how, paid, payer, many} {
			if by[key] == nil {
				by[key] = &tally{}
			}
			c := by[key]
			c.lines++
			for n, is := range map[*int]bool{&c.right: right, &c.customer: isCustomer, &c.certain: certain, &c.wrong: certain && !right} {
				if is {
					*n++
				}
			}
		}
		if certain && !right {
			t.Errorf("would be applied without a person, and wrongly: %s of %s, %s, %s, %q by %q: %+v", p.Amount, d.ID, paid, how, text, p.PayerName, list[0])
		}
	}
	for _, key := range slices.Sorted(mapsKeys(by)) {
		c := by[key]
		t.Logf("%-15s %4d lines, right %5.1f %%, the customer %5.1f %%, certain %5.1f %%, certain and wrong %d",
			key, c.lines, pct(c.right, c.lines), pct(c.customer, c.lines), pct(c.certain, c.lines), c.wrong)
	}
	if rate := pct(by["all"].right, lines); rate < 90 {
		t.Errorf("only %s of the lines get the right proposal", fmt.Sprintf("%.1f %%", rate))
	}
}
