package voucher_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func defaults() voucher.Defaults {
	return voucher.Defaults{
		Today: calendar.MustDate("2024-03-01"), Now: time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC), Currency: "CNY", TermDays: 30, Salesperson: "S",
	}
}

func posted(t interface{ Fatal(args ...any) }, d voucher.Draft) voucher.Voucher {
	d.ID, d.CustomerID, d.MemoID = "V", "C", "CM-1"
	v, err := voucher.New(d, defaults())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func kinds() []ledger.Kind {
	return []ledger.Kind{
		ledger.KindDebitNote, ledger.KindLateInterest, ledger.KindFee, ledger.KindRefund, ledger.KindChargeback, ledger.KindDishonouredBill,
		ledger.KindCreditNote, ledger.KindContra, ledger.KindWriteOff, ledger.KindDiscount, ledger.KindChargeWaiver, ledger.KindDepositUse,
		ledger.KindBillEndorsed, ledger.KindBillDiscounted, ledger.KindBillHonoured, ledger.KindDeposit, ledger.KindDepositReturn, ledger.KindRecovery,
	}
}

// What each document does to the books: one balanced entry of the accounts of the README's table.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     ledger.Kind
		recourse bool
		ctx      voucher.Context
		cost     int64
		want     string
	}{
		{ledger.KindDebitNote, false, voucher.Context{}, 0, "RECEIVABLE 100 SALES -100"},
		{ledger.KindLateInterest, false, voucher.Context{}, 0, "RECEIVABLE 100 FINANCE_INCOME -100"},
		{ledger.KindFee, false, voucher.Context{}, 0, "RECEIVABLE 100 FEE_INCOME -100"},
		{ledger.KindRefund, false, voucher.Context{}, 0, "RECEIVABLE 100 CASH -100"},
		{ledger.KindChargeback, false, voucher.Context{}, 0, "RECEIVABLE 100 CASH -100"},
		{ledger.KindDishonouredBill, false, voucher.Context{}, 0, "RECEIVABLE 100 NOTES_RECEIVABLE -100"},
		{ledger.KindDishonouredBill, false, voucher.Context{PassedOn: true}, 0, "RECEIVABLE 100 NOTES_RECEIVABLE -100 BILL_OBLIGATION 100 CASH -100"},
		{ledger.KindCreditNote, false, voucher.Context{}, 0, "RECEIVABLE -100 SALES 100"},
		{ledger.KindContra, false, voucher.Context{}, 0, "RECEIVABLE -100 PAYABLE 100"},
		{ledger.KindWriteOff, false, voucher.Context{}, 0, "RECEIVABLE -100 ALLOWANCE 100"},
		{ledger.KindDiscount, false, voucher.Context{}, 0, "RECEIVABLE -100 SALES_DISCOUNT 100"},
		{ledger.KindChargeWaiver, false, voucher.Context{Interest: cny(30)}, 0, "RECEIVABLE -100 FINANCE_INCOME 30 FEE_INCOME 70"},
		{ledger.KindChargeWaiver, false, voucher.Context{Interest: cny(0)}, 0, "RECEIVABLE -100 FEE_INCOME 100"},
		{ledger.KindDepositUse, false, voucher.Context{}, 0, "RECEIVABLE -100 DEPOSITS 100"},
		{ledger.KindBillEndorsed, false, voucher.Context{}, 0, "PAYABLE 100 NOTES_RECEIVABLE -100"},
		{ledger.KindBillEndorsed, true, voucher.Context{}, 0, "PAYABLE 100 BILL_OBLIGATION -100"},
		{ledger.KindBillDiscounted, false, voucher.Context{}, 3, "CASH 97 FINANCE_COST 3 NOTES_RECEIVABLE -100"},
		{ledger.KindBillDiscounted, true, voucher.Context{}, 0, "CASH 100 BILL_OBLIGATION -100"},
		{ledger.KindBillHonoured, false, voucher.Context{}, 0, "CASH 100 NOTES_RECEIVABLE -100"},
		{ledger.KindBillHonoured, false, voucher.Context{PassedOn: true}, 0, "BILL_OBLIGATION 100 NOTES_RECEIVABLE -100"},
		{ledger.KindDeposit, false, voucher.Context{}, 0, "CASH 100 DEPOSITS -100"},
		{ledger.KindDepositReturn, false, voucher.Context{}, 0, "DEPOSITS 100 CASH -100"},
		{ledger.KindRecovery, false, voucher.Context{}, 0, "CASH 100 ALLOWANCE -100"},
	} {
		v := posted(t, voucher.Draft{Kind: c.kind, Amount: cny(100), Recourse: c.recourse, Cost: cny(c.cost)})
		var got []string
		for _, l := range entry(t, v, c.ctx).Lines {
			got = append(got, fmt.Sprint(l.Account, " ", l.Amount.Minor))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %+v: %s, want %s", c.kind, c.ctx, strings.Join(got, " "), c.want)
		}
	}
}

func entry(t interface{ Fatal(args ...any) }, v voucher.Voucher, c voucher.Context) ledger.Entry {
	e, _, err := ledger.Post(ledger.Head{Balance: cny(0), Hash: make([]byte, ledger.HashSize)}, "C", ledger.Document{
		Kind: v.Kind, ID: v.ID, EntryDate: v.Date, Amount: v.Amount, Lines: v.Lines(c), PostDate: v.PostDate,
	}, func(_, content []byte) []byte { return content })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every document of every kind balances, moves the receivable account by its whole amount or not at all, and is taken
// back by an entry that leaves nothing of it.
func TestDocumentsBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		amount := rapid.Int64Range(2, 1_000_000_000_000).Draw(rt, "amount")
		d := voucher.Draft{Kind: rapid.SampledFrom(kinds()).Draw(rt, "kind"), Amount: cny(amount), Recourse: rapid.Bool().Draw(rt, "recourse")}
		if d.Kind == ledger.KindBillDiscounted {
			d.Cost = cny(rapid.Int64Range(0, amount-1).Draw(rt, "cost"))
		}
		v := posted(rt, d)
		e := entry(rt, v, voucher.Context{PassedOn: rapid.Bool().Draw(rt, "passed on"), Interest: cny(rapid.Int64Range(0, amount).Draw(rt, "interest"))})
		moved := int64(0)
		switch {
		case voucher.IsDebit(v.Kind):
			moved = amount
		case voucher.IsCredit(v.Kind):
			moved = -amount
		}
		if !ledger.Balanced(e.Lines) || e.Amount.Minor != moved {
			rt.Fatalf("entry %+v", e)
		}
		back, _, err := ledger.Post(ledger.Head{Sequence: 1, Balance: e.Balance}, "C", ledger.Document{Kind: ledger.KindReversal, Reverses: &e}, func(_, c []byte) []byte { return c })
		if err != nil || back.Balance.Minor != 0 || !ledger.Balanced(back.Lines) || len(back.Lines) != len(e.Lines) {
			rt.Fatalf("taken back %+v, error %v", back, err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		draft         voucher.Draft
		reason, field string
	}{
		"credit note without memo": {voucher.Draft{Kind: ledger.KindCreditNote, Amount: cny(1)}, "CREDIT_MEMO_REQUIRED", "document.kind"},
		"write-off without memo":   {voucher.Draft{Kind: ledger.KindWriteOff, Amount: cny(1)}, "CREDIT_MEMO_REQUIRED", "document.kind"},
		"contra without memo":      {voucher.Draft{Kind: ledger.KindContra, Amount: cny(1)}, "CREDIT_MEMO_REQUIRED", "document.kind"},
		"waiver without memo":      {voucher.Draft{Kind: ledger.KindChargeWaiver, Amount: cny(1)}, "CREDIT_MEMO_REQUIRED", "document.kind"},
		"no amount":                {voucher.Draft{Kind: ledger.KindFee, Amount: cny(0)}, "AMOUNT_NOT_POSITIVE", "document.amount.amount"},
		"another currency":         {voucher.Draft{Kind: ledger.KindFee, Amount: money.New(1, "USD")}, "CURRENCY_MISMATCH", "document.amount.currency_code"},
		"a cost of a fee":          {voucher.Draft{Kind: ledger.KindFee, Amount: cny(5), Cost: cny(1)}, "INVALID_FIELD", "document.cost"},
		"a cost of all":            {voucher.Draft{Kind: ledger.KindBillDiscounted, Amount: cny(5), Cost: cny(5)}, "INVALID_FIELD", "document.cost"},
		"a year mistyped":          {voucher.Draft{Kind: ledger.KindFee, Amount: cny(5), Date: calendar.MustDate("2042-01-01")}, "INVALID_FIELD", "document.document_date"},
		"due in a life":            {voucher.Draft{Kind: ledger.KindFee, Amount: cny(5), DueDate: calendar.MustDate("2042-01-01")}, "INVALID_FIELD", "document.due_date"},
		"a deposit that is due":    {voucher.Draft{Kind: ledger.KindDeposit, Amount: cny(5), DueDate: calendar.MustDate("2024-04-01")}, "INVALID_FIELD", "document.due_date"},
	} {
		_, err := voucher.New(c.draft, defaults())
		e, ok := errs.As(err)
		if !ok || e.Reason != c.reason || e.Meta["field"] != c.field && (len(e.Violations) == 0 || e.Violations[0].Field != c.field) {
			t.Errorf("%s: %v, want %s %s", name, err, c.reason, c.field)
		}
	}
}

// Every field of a document is under its digest.
func TestEveryFieldOfAVoucherCounts(t *testing.T) {
	t.Parallel()
	v := posted(t, voucher.Draft{Kind: ledger.KindBillDiscounted, Amount: cny(100), Cost: cny(1), OrderID: "a", About: "b", Reason: "c"})
	seen := map[string]int{string(v.Canonical()): -1}
	for i, change := range []func(*voucher.Voucher){
		func(v *voucher.Voucher) { v.ID = "W" }, func(v *voucher.Voucher) { v.CustomerID = "D" }, func(v *voucher.Voucher) { v.Kind = ledger.KindFee },
		func(v *voucher.Voucher) { v.Date = v.Date.AddDays(1) }, func(v *voucher.Voucher) { v.DueDate = v.Date }, func(v *voucher.Voucher) { v.Amount.Minor++ },
		func(v *voucher.Voucher) { v.Amount.Currency = "USD" }, func(v *voucher.Voucher) { v.Cost.Minor++ }, func(v *voucher.Voucher) { v.Recourse = true },
		func(v *voucher.Voucher) { v.OrderID = "x" }, func(v *voucher.Voucher) { v.About = "x" }, func(v *voucher.Voucher) { v.Instrument = "x" },
		func(v *voucher.Voucher) { v.Counterparty = "x" }, func(v *voucher.Voucher) { v.Reference = "x" }, func(v *voucher.Voucher) { v.Reason = "x" },
		func(v *voucher.Voucher) { v.MemoID = "x" }, func(v *voucher.Voucher) { v.Salesperson = "x" }, func(v *voucher.Voucher) { v.UnitID = "x" },
		func(v *voucher.Voucher) { v.PostDate = v.PostDate.AddDays(1) }, func(v *voucher.Voucher) { v.CreateTime = v.CreateTime.Add(time.Microsecond) },
	} {
		c := v
		change(&c)
		if j, known := seen[string(c.Canonical())]; known {
			t.Errorf("change %d gives the bytes of %d", i, j)
		}
		seen[string(c.Canonical())] = i
	}
}
