package app_test

import (
	"strconv"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// document takes a step with a document that is neither invoice nor receipt.
func (w *walk) document(kind string) {
	switch kind {
	case "charge":
		w.post(voucher.Draft{Kind: rapid.SampledFrom([]ledger.Kind{ledger.KindDebitNote, ledger.KindFee, ledger.KindLateInterest}).Draw(w.rt, "charge"), Amount: w.money()})
	case "deposit":
		w.deposits = append(w.deposits, w.post(voucher.Draft{Kind: ledger.KindDeposit, Amount: w.money()}))
	case "use deposit":
		w.draw(w.deposits, rapid.SampledFrom([]ledger.Kind{ledger.KindDepositUse, ledger.KindDepositReturn}).Draw(w.rt, "draw"))
	case "recover":
		w.draw(w.writeOff, ledger.KindRecovery)
	case "refund":
		if id, ok := w.pick(w.receipts); ok {
			r, err := w.h.Receipt(clerk(w.t), id)
			must(w.rt, err)
			if r.Unapplied.IsPositive() {
				w.post(voucher.Draft{Kind: ledger.KindRefund, Amount: r.Unapplied, About: id})
			}
		}
	case "memo":
		w.memo()
	case "apply voucher":
		if id, ok := w.pick(w.vouchers); ok {
			v, err := w.h.Voucher(clerk(w.t), id)
			must(w.rt, err)
			if voucher.IsCredit(v.Kind) {
				_, err := w.h.ApplyVoucher(w.ctx(), w.h.request(), id, receipt.Order{})
				must(w.rt, err)
			}
		}
	case "reverse voucher":
		w.reverseVoucher()
	}
}

// post posts a document and says its number.
func (w *walk) post(d voucher.Draft) string {
	d.ID, d.CustomerID, d.Date = w.customer+"/V"+strconv.Itoa(len(w.vouchers)), w.customer, w.date("date")
	_, err := w.h.PostVoucher(w.ctx(), w.h.request(), d, receipt.Order{})
	if memo.PaysBack(d.Kind) { // never by one person
		wantReasonOf(w.rt, err, "CREDIT_MEMO_REQUIRED")
		err = w.h.byMemo(w.ctx(), memo.Draft{CustomerID: w.customer, Kind: d.Kind, Amount: d.Amount, About: d.About, DocumentID: d.ID, DocumentDate: d.Date})
	}
	must(w.rt, err)
	w.vouchers = append(w.vouchers, d.ID)
	return d.ID
}

// draw takes a part of what is left of a deposit or a write-off.
func (w *walk) draw(of []string, kind ledger.Kind) {
	id, ok := w.pick(of)
	if !ok {
		return
	}
	v, err := w.h.Voucher(clerk(w.t), id)
	must(w.rt, err)
	most := v.Left.Minor
	if kind == ledger.KindDepositUse { // as far as something is owed
		most = min(most, w.owed())
	}
	if most > 0 {
		w.post(voucher.Draft{Kind: kind, Amount: money.New(rapid.Int64Range(1, most).Draw(w.rt, "part"), "CNY"), About: id})
	}
}

func (w *walk) owed() int64 {
	s, err := w.h.Statement(clerk(w.t), ledger.Statement{CustomerID: w.customer, AsOf: day(10_000)})
	must(w.rt, err)
	return s.Open.Minor
}

// memo proposes an adjustment, which changes nothing, and has it approved, which does.
func (w *walk) memo() {
	id, ok := w.pick(w.invoices)
	if !ok {
		return
	}
	inv, err := w.h.Invoice(clerk(w.t), id)
	must(w.rt, err)
	if inv.Open.IsZero() {
		return
	}
	ctx := w.ctx()
	d := memo.Draft{
		CustomerID: w.customer, Kind: rapid.SampledFrom([]ledger.Kind{ledger.KindCreditNote, ledger.KindWriteOff}).Draw(w.rt, "adjustment"), ReasonCode: "RETURN",
		Text: "property", Amount: money.New(rapid.Int64Range(1, inv.Open.Minor).Draw(w.rt, "part"), "CNY"), Named: []receipt.Named{{InvoiceID: id}},
		DocumentID: w.customer + "/V" + strconv.Itoa(len(w.vouchers)), DocumentDate: w.date("date"),
	}
	before := w.balance()
	m, err := w.h.ProposeMemo(ctx, w.h.request(), d)
	must(w.rt, err)
	if after := w.balance(); after != before {
		w.rt.Fatalf("a proposal moved the balance from %d to %d", before, after)
	}
	_, err = w.h.DecideMemo(manager(ctx), w.h.request(), m.ID, approval.Approve, "")
	must(w.rt, err)
	if after := w.balance(); after != before-d.Amount.Minor {
		w.rt.Fatalf("approval of %s moved the balance from %d to %d", d.Amount, before, after)
	}
	w.vouchers = append(w.vouchers, d.DocumentID)
	if d.Kind == ledger.KindWriteOff {
		w.writeOff = append(w.writeOff, d.DocumentID)
	}
}

func (w *walk) balance() int64 {
	s, err := w.h.Statement(clerk(w.t), ledger.Statement{CustomerID: w.customer, AsOf: day(10_000)})
	must(w.rt, err)
	return s.Balance().Minor
}

// reverseVoucher takes back a document that nothing draws on: all that it moved is where it was.
func (w *walk) reverseVoucher() {
	id, ok := w.pick(w.vouchers)
	if !ok {
		return
	}
	v, err := w.h.Voucher(clerk(w.t), id)
	must(w.rt, err)
	if (v.Kind == ledger.KindDeposit || v.Kind == ledger.KindWriteOff) && v.Left != v.Amount {
		_, err := w.h.ReverseVoucher(w.ctx(), w.h.request(), id, "property")
		if v.MemoID == "" {
			wantReasonOf(w.rt, err, "DOCUMENT_IN_USE")
		}
		return
	}
	before := w.balance()
	_, err = w.h.ReverseVoucher(w.ctx(), w.h.request(), id, "property")
	if v.MemoID != "" || voucher.IsDebit(v.Kind) { // never by one person
		wantReasonOf(w.rt, err, "CREDIT_MEMO_REQUIRED")
		err = w.h.takeBack(w.ctx(), w.customer, id)
	}
	must(w.rt, err)
	moved := int64(0)
	switch {
	case voucher.IsDebit(v.Kind):
		moved = v.Amount.Minor
	case voucher.IsCredit(v.Kind):
		moved = -v.Amount.Minor
	}
	if after := w.balance(); after != before-moved {
		w.rt.Fatalf("reversal of %s %s moved the balance from %d to %d", v.Kind, v.Amount, before, after)
	}
	w.reversed[id] = true
}

// foldVouchers adds what documents are on a day; credited says of the credits that are no money whether they were owed.
func (w *walk) foldVouchers(at calendar.Date, f *fold, back map[string]calendar.Date, credited map[string]bool) {
	buckets := aging.NewBuckets(shipped().AgingBounds, aging.ByDueDate)
	all := make([]voucher.Voucher, len(w.vouchers))
	for i, id := range w.vouchers {
		v, err := w.h.Voucher(clerk(w.t), id)
		must(w.rt, err)
		all[i], back[id] = v, v.ReverseDate
		if v.Kind == ledger.KindCreditNote || v.Kind == ledger.KindWriteOff {
			credited[id] = v.Kind == ledger.KindCreditNote
		}
	}
	for _, v := range all {
		if v.Date.After(at) || (v.Reversed() && !v.ReverseDate.After(at)) {
			continue
		}
		left := v.Amount.Minor - appliedBy(v.Applications, at)
		if left < 0 {
			w.rt.Fatalf("%s %s: over-applied on %s by %d", v.Kind, v.ID, at, -left)
		}
		switch {
		case voucher.IsDebit(v.Kind):
			f.open += left
			f.buckets[buckets.Index(at.DaysSince(v.DueDate))] += left
			if v.Kind == ledger.KindDebitNote {
				p := invoice.Instalment{DueDate: v.DueDate, Amount: v.Amount}
				if item := recordItem(v.Date, p, standing(v.Applications, back, at), credited); item.Amount.IsPositive() {
					f.items = append(f.items, item)
				}
			}
		case voucher.IsCredit(v.Kind):
			f.unapplied += left
		}
	}
}

// held is what deposits that stand have left.
func (w *walk) held() (sum int64) {
	for _, id := range w.deposits {
		v, err := w.h.Voucher(clerk(w.t), id)
		must(w.rt, err)
		sum += v.Left.Minor
	}
	return sum
}
