package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

const horizon = 40 // days that documents and business dates fall into

var counter atomic.Int64 // customers of the property tests

// walk is any sequence of postings, applications and reversals of one customer.
type walk struct {
	h                  *house
	t                  testing.TB
	rt                 *rapid.T
	customer           string
	invoices, receipts []string
	vouchers           []string
	deposits, writeOff []string // vouchers that others draw on
	reversed           map[string]bool
	// documents are taken into the sequence beside invoices and receipts.
	documents bool
}

func day(n int) calendar.Date { return calendar.MustDate("2024-01-01").AddDays(n) }

func (w *walk) date(label string) calendar.Date {
	return day(rapid.IntRange(0, horizon).Draw(w.rt, label))
}

func (w *walk) ctx() context.Context {
	return calendar.WithBusinessDate(clerk(w.t), w.date("business date"))
}

func (w *walk) money() money.Money {
	return money.New(rapid.Int64Range(1, 200).Draw(w.rt, "amount"), "CNY")
}

func (w *walk) step() {
	kinds := []string{"invoice", "invoices", "receipt", "receipt", "named", "apply", "reverse receipt", "reverse invoice"}
	if w.documents {
		kinds = append(kinds, "charge", "deposit", "use deposit", "memo", "memo", "recover", "refund", "reverse voucher", "reverse voucher", "apply voucher")
	}
	kind := rapid.SampledFrom(kinds).Draw(w.rt, "kind")
	switch kind {
	case "invoice":
		_, err := w.h.PostInvoice(w.ctx(), w.h.request(), w.draft())
		must(w.rt, err)
	case "invoices":
		list := make([]invoice.Draft, rapid.IntRange(1, 3).Draw(w.rt, "invoices"))
		for i := range list {
			list[i] = w.draft()
		}
		_, err := w.h.PostInvoices(w.ctx(), w.h.request(), list)
		must(w.rt, err)
	case "receipt", "named":
		w.receipt(kind == "named")
	case "charge", "deposit", "use deposit", "memo", "recover", "refund", "reverse voucher", "apply voucher":
		w.document(kind)
	case "apply":
		if id, ok := w.pick(w.receipts); ok {
			_, err := w.h.ApplyReceipt(w.ctx(), w.h.request(), id, receipt.Order{})
			must(w.rt, err)
		}
	case "reverse receipt":
		if id, ok := w.pick(w.receipts); ok {
			w.reverseReceipt(id)
		}
	case "reverse invoice":
		if id, ok := w.pick(w.invoices); ok {
			w.reverseInvoice(id)
		}
	}
}

// draft is an invoice, due as a whole or in instalments.
func (w *walk) draft() invoice.Draft {
	d := invoice.Draft{
		ID: w.customer + "/I" + strconv.Itoa(len(w.invoices)), CustomerID: w.customer, Date: w.date("date"), OrderID: "O",
	}
	w.invoices = append(w.invoices, d.ID)
	if n := rapid.IntRange(1, 4).Draw(w.rt, "instalments"); n > 1 {
		d.Amount = money.Zero("CNY")
		for range n {
			p := invoice.Part{DueDate: w.date("due"), Amount: w.money()}
			d.Instalments, d.Amount = append(d.Instalments, p), d.Amount.Add(p.Amount)
		}
		return d
	}
	d.DueDate, d.Amount = w.date("due"), w.money()
	return d
}

// pick draws a document that stands.
func (w *walk) pick(ids []string) (string, bool) {
	var standing []string
	for _, id := range ids {
		if !w.reversed[id] {
			standing = append(standing, id)
		}
	}
	if len(standing) == 0 {
		return "", false
	}
	return rapid.SampledFrom(standing).Draw(w.rt, "document"), true
}

func (w *walk) receipt(named bool) {
	order := receipt.Order{Mode: rapid.SampledFrom([]receipt.Mode{"", receipt.ModeNone, receipt.ModeOldestDueFirst}).Draw(w.rt, "mode")}
	if id, ok := w.pick(w.invoices); ok && named {
		order.Named = []receipt.Named{{InvoiceID: id}}
	}
	id := w.customer + "/R" + strconv.Itoa(len(w.receipts))
	_, err := w.h.PostReceipt(w.ctx(), w.h.request(), receipt.Draft{ID: id, CustomerID: w.customer, Date: w.date("date"), Amount: w.money()}, order)
	must(w.rt, err)
	w.receipts = append(w.receipts, id)
}

// givenUp tells whether a part of an invoice is written off.
func (w *walk) givenUp(id string) (bool, error) {
	inv, err := w.h.Invoice(clerk(w.t), id)
	stands := int64(0)
	for _, a := range inv.Applications {
		if slices.Contains(w.writeOff, a.CreditID) {
			stands += a.Amount.Minor
		}
	}
	return stands > 0, err
}

// reverseInvoice takes an invoice back: its ERP does where nothing was ever applied to it, else two people by a memo.
func (w *walk) reverseInvoice(id string) {
	inv, err := w.h.Invoice(clerk(w.t), id)
	must(w.rt, err)
	held, err := w.givenUp(id)
	must(w.rt, err)
	if len(inv.Applications) == 0 && rapid.Bool().Draw(w.rt, "by the ERP") {
		_, err = w.h.ReverseInvoice(w.ctx(), w.h.request(), id, "property")
	} else {
		if len(inv.Applications) > 0 {
			_, err = w.h.ReverseInvoice(w.ctx(), w.h.request(), id, "property")
			wantReasonOf(w.rt, err, "CREDIT_MEMO_REQUIRED")
		}
		err = w.h.takeBack(w.ctx(), w.customer, id)
	}
	if held || w.credited(inv) { // what was credited or written off would be money of the customer
		wantReasonOf(w.rt, err, "DOCUMENT_IN_USE")
		return
	}
	must(w.rt, err)
	w.reversed[id] = true
}

// credited says whether a credit note that names the invoice stands: all of those that the walk makes do, and are applied to it.
func (w *walk) credited(inv invoice.Invoice) bool {
	stands := map[string]int64{}
	for _, a := range inv.Applications {
		stands[a.CreditID] += a.Amount.Minor
	}
	for id, minor := range stands {
		if v, err := w.h.Voucher(clerk(w.t), id); err == nil && v.Kind == ledger.KindCreditNote && minor > 0 {
			return true
		}
	}
	return false
}

// reverseReceipt holds the reversal to what it has to restore: each invoice is owed
// again by exactly what the receipt had settled of it.
func (w *walk) reverseReceipt(id string) {
	before, err := w.h.Receipt(clerk(w.t), id)
	must(w.rt, err)
	applied := map[string]int64{}
	for _, a := range before.Applications {
		applied[w.invoiceOf(a.ItemID)] += a.Amount.Minor
	}
	owed := map[string]int64{}
	for _, i := range w.invoices {
		inv, err := w.h.Invoice(clerk(w.t), i)
		must(w.rt, err)
		owed[i] = inv.Open.Minor + applied[i]
	}
	after, err := w.h.ReverseReceipt(w.ctx(), w.h.request(), id, "property")
	must(w.rt, err)
	if !after.Unapplied.IsZero() || !after.Reversed() {
		w.rt.Fatalf("receipt after its reversal: %+v", after)
	}
	w.reversed[id] = true
	for _, i := range w.invoices {
		inv, err := w.h.Invoice(clerk(w.t), i)
		must(w.rt, err)
		if inv.Open.Minor != owed[i] {
			w.rt.Fatalf("%s owes %d after the reversal, want %d", i, inv.Open.Minor, owed[i])
		}
	}
}

// fold is what documents and applications give on a day, computed item by item.
type fold struct {
	open, unapplied int64
	buckets         map[int]int64
	items           []paymentrecord.Item
}

func (w *walk) fold(at calendar.Date) fold {
	f := fold{buckets: map[int]int64{}}
	buckets := aging.NewBuckets(shipped().AgingBounds, aging.ByDueDate)
	back := map[string]calendar.Date{}
	for _, id := range w.receipts {
		r, err := w.h.Receipt(clerk(w.t), id)
		must(w.rt, err)
		back[id] = r.ReverseDate
		if r.Date.After(at) || (r.Reversed() && !r.ReverseDate.After(at)) {
			continue
		}
		left := r.Amount.Minor - appliedBy(r.Applications, at)
		if left < 0 {
			w.rt.Fatalf("%s: over-applied on %s by %d", id, at, -left)
		}
		f.unapplied += left
	}
	credited := map[string]bool{}
	w.foldVouchers(at, &f, back, credited)
	for _, id := range w.invoices {
		i, err := w.h.Invoice(clerk(w.t), id)
		must(w.rt, err)
		if i.Date.After(at) || (!i.ReverseDate.IsZero() && !i.ReverseDate.After(at)) {
			continue
		}
		for _, p := range i.Instalments {
			applied := onItem(i.Applications, p.ItemID)
			open := p.Amount.Minor - appliedBy(applied, at)
			if open < 0 {
				w.rt.Fatalf("%s: over-paid on %s by %d", p.ItemID, at, -open)
			}
			f.open += open
			f.buckets[buckets.Index(at.DaysSince(p.DueDate))] += open
			if item := recordItem(i.Date, p, standing(applied, back, at), credited); item.Amount.IsPositive() {
				f.items = append(f.items, item)
			}
		}
	}
	return f
}

// invoiceOf is the invoice that an item is of.
func (w *walk) invoiceOf(item string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(item, w.customer+"/"), "/")
	return w.customer + "/" + id
}

func onItem(list []invoice.Application, item string) (out []invoice.Application) {
	for _, a := range list {
		if a.ItemID == item {
			out = append(out, a)
		}
	}
	return out
}

func appliedBy(list []invoice.Application, at calendar.Date) (sum int64) {
	for _, a := range list {
		if !a.Date.After(at) {
			sum += a.Amount.Minor
		}
	}
	return sum
}

// standing are the applications that count on a day, of credits not taken back by then.
func standing(list []invoice.Application, back map[string]calendar.Date, at calendar.Date) (out []invoice.Application) {
	for _, a := range list {
		if reversed := back[a.CreditID]; !a.Date.After(at) && (reversed.IsZero() || reversed.After(at)) {
			out = append(out, a)
		}
	}
	return out
}

// recordItem: what is credited was not owed, what is written off (and not in credited) is not collected.
func recordItem(date calendar.Date, p invoice.Instalment, applied []invoice.Application, credited map[string]bool) paymentrecord.Item {
	item := paymentrecord.Item{Date: date, DueDate: p.DueDate, Amount: p.Amount, Collected: money.Zero("CNY"), CollectedOnTime: money.Zero("CNY")}
	for _, a := range applied {
		isCredit, isAdjustment := credited[a.CreditID]
		switch {
		case isAdjustment && !isCredit: // written off
			continue
		case isCredit:
			item.Amount = item.Amount.Sub(a.Amount)
		default:
			item.Collected = item.Collected.Add(a.Amount)
			if !a.Date.After(p.DueDate) {
				item.CollectedOnTime = item.CollectedOnTime.Add(a.Amount)
			}
		}
		item.LastCollected = invoice.Latest(item.LastCollected, a.Date)
	}
	return item
}

// check compares, on a day, the ledger, the aging and the payment record with the fold.
func (w *walk) check(at calendar.Date) {
	f := w.fold(at)
	_, balances, err := w.h.Ledger(clerk(w.t), ledger.Query{CustomerID: w.customer, To: at, Limit: 1})
	must(w.rt, err)
	var balance int64
	if len(balances) > 0 {
		balance = balances[0].Minor
	}
	if balance != f.open-f.unapplied {
		w.rt.Fatalf("%s: ledger %d, open %d less unapplied %d", at, balance, f.open, f.unapplied)
	}
	if row := w.h.agingOf(clerk(w.t), w.rt, w.customer, at, aging.ByDueDate); row != nil {
		if row.Open().Amount.Minor != f.open || row.Unapplied.Minor != f.unapplied || row.Balance().Minor != balance {
			w.rt.Fatalf("%s: aging %+v, want open %d unapplied %d", at, row, f.open, f.unapplied)
		}
		for i, c := range row.Cells {
			if c.Amount.Minor != f.buckets[i] {
				w.rt.Fatalf("%s: bucket %d is %d, want %d", at, i, c.Amount.Minor, f.buckets[i])
			}
		}
	} else if f.open != 0 || f.unapplied != 0 {
		w.rt.Fatalf("%s: no aging, want open %d unapplied %d", at, f.open, f.unapplied)
	}
	w.sumsOfAll(at)
	q := paymentrecord.Query{CustomerID: w.customer, AsOf: at}
	got, err := w.h.PaymentRecord(clerk(w.t), q)
	must(w.rt, err)
	q.DefaultAfterDays = shipped().DefaultAfterDays
	want := paymentrecord.Fold(q, "CNY", f.items)
	if g, wnt := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != wnt {
		w.rt.Fatalf("%s: record\n%s\nwant\n%s", at, g, wnt)
	}
	// What was bought in periods, of many customers at once, is what the record says of them.
	volumes, err := w.h.Volumes(clerk(w.t), []string{w.customer, "nobody"}, []paymentrecord.Period{
		{From: q.YearsAgo(1).AddDays(1), To: at}, {From: q.YearsAgo(2).AddDays(1), To: q.YearsAgo(1)},
	}, at)
	must(w.rt, err)
	if len(volumes) != 1 || !slices.Equal(volumes[0].Minor, []int64{want.LastYear.Minor, want.YearBefore.Minor}) {
		w.rt.Fatalf("%s: volumes %+v, want %s and %s", at, volumes, want.LastYear, want.YearBefore)
	}
}

// sumsOfAll holds the totals of everybody, which are kept as what moved, to those that the items give one by one.
func (w *walk) sumsOfAll(at calendar.Date) {
	kept, _, err := w.h.Aging(clerk(w.t), aging.Query{AsOf: at, By: aging.ByDueDate, GroupBy: aging.GroupTotal, Limit: 1})
	must(w.rt, err)
	items, _, err := w.h.Aging(clerk(w.t), aging.Query{AsOf: at, By: aging.ByDueDate, GroupBy: aging.GroupUnit, Limit: 1})
	must(w.rt, err)
	if got, want := fmt.Sprintf("%+v", kept.Totals), fmt.Sprintf("%+v", items.Totals); got != want {
		w.rt.Fatalf("%s: totals of everybody\n%s\nitems give\n%s", at, got, want)
	}
	// Nobody here has a grade, so that the one row there is holds all, from the ladders and what is taken back of them.
	graded, _, err := w.h.Aging(clerk(w.t), aging.Query{AsOf: at, By: aging.ByDueDate, GroupBy: aging.GroupGrade, Limit: 10})
	must(w.rt, err)
	if got, want := fmt.Sprintf("%+v", graded.Rows), fmt.Sprintf("%+v", items.Totals); got != want {
		w.rt.Fatalf("%s: by grade\n%s\nitems give\n%s", at, got, want)
	}
}

// Invariants 1, 4, 5, 6 and 8: whatever is posted, applied and reversed, in whatever order and
// with whatever dates, on every day the ledger is what is open less what is unapplied.
func TestAnySequenceKeepsTheBooks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &walk{h: h, t: t, rt: rt, customer: "W-" + strconv.FormatInt(counter.Add(1), 10), reversed: map[string]bool{}, documents: true}
		h.customer(t, w.customer, "CNY")
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			w.step()
		}
		if rapid.Bool().Draw(rt, "put together what moved") {
			must(rt, h.FoldMoves(t.Context()))
		}
		for n := 0; n <= horizon+1; n += 3 {
			w.check(day(n))
		}
		w.check(day(horizon + 200))
		w.position()
	})
	report, err := h.Verify(clerk(t))
	must(t, err)
	if len(report.Breaks) > 0 || report.Chains == 0 {
		t.Errorf("chains and kept balances: %+v", report)
	}
}

// position holds the newest position sent to the fold of all that is posted.
func (w *walk) position() {
	if len(w.invoices)+len(w.receipts)+len(w.vouchers) == 0 {
		return // nothing was changed, nothing was sent
	}
	var payload []byte
	err := w.h.pool.QueryRow(w.t.Context(), `SELECT payload FROM outbox WHERE stream = $1 AND customer_id = $2 ORDER BY seq DESC LIMIT 1`,
		app.StreamPosition, w.customer).Scan(&payload)
	must(w.rt, err)
	var p position.Position
	must(w.rt, json.Unmarshal(payload, &p))
	f := w.fold(day(10_000))
	var ladder int64
	for i, d := range p.Ladder {
		ladder += d.Amount.Minor
		if i > 0 && !d.Date.After(p.Ladder[i-1].Date) {
			w.rt.Fatalf("ladder does not rise: %+v", p.Ladder)
		}
	}
	if held := w.held(); p.Deposit == nil && held != 0 || p.Deposit != nil && p.Deposit.Minor != held {
		w.rt.Fatalf("position %+v, want a deposit of %d", p, held)
	}
	if p.Receivable.Minor != f.open || ladder != f.open || p.Unapplied.Minor != f.unapplied {
		w.rt.Fatalf("position %+v, want receivable %d unapplied %d", p, f.open, f.unapplied)
	}
	var billed int64
	err = w.h.pool.QueryRow(w.t.Context(), `
		SELECT coalesce(sum((m -> 'amount' ->> 'amount')::numeric * 100), 0)::bigint
		FROM outbox, json_array_elements(convert_from(payload, 'UTF8')::json -> 'movements') m
		WHERE stream = $1 AND customer_id = $2 AND json_typeof(convert_from(payload, 'UTF8')::json -> 'movements') = 'array'`,
		app.StreamPosition, w.customer).Scan(&billed)
	must(w.rt, err)
	var standing int64
	for _, id := range w.invoices {
		i, err := w.h.Invoice(clerk(w.t), id)
		must(w.rt, err)
		if i.State() != invoice.StateReversed {
			standing += i.Amount.Minor
		}
	}
	if billed != standing {
		w.rt.Fatalf("movements give %d billed, invoices that stand %d", billed, standing)
	}
}
