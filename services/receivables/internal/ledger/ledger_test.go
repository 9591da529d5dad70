package ledger_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

func link(prev, content []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{}, prev...), content...))
	return sum[:]
}

func start() ledger.Head {
	return ledger.Head{Balance: money.Zero("CNY"), Hash: make([]byte, ledger.HashSize)}
}

func posted(t *testing.T, head ledger.Head, d ledger.Document) (ledger.Entry, ledger.Head) {
	t.Helper()
	d.EntryDate, d.PostDate, d.PostedBy = calendar.MustDate("2024-01-02"), calendar.MustDate("2024-01-03"), "clerk"
	d.CreateTime = time.Date(2024, 1, 3, 1, 2, 3, 456000, time.UTC)
	e, next, err := ledger.Post(head, "C", d, link)
	if err != nil {
		t.Fatal(err)
	}
	if !ledger.Balanced(e.Lines) || e.Lines[0].Amount != e.Amount || e.Sequence != head.Sequence+1 {
		t.Fatalf("entry %+v", e)
	}
	return e, next
}

// Invariant 1: every kind of entry balances, and a reversal gives the balance before.
func TestEntriesBalance(t *testing.T) {
	t.Parallel()
	inv, head := posted(t, start(), ledger.Document{Kind: ledger.KindInvoice, ID: "I", Amount: money.New(100, "CNY")})
	rec, head := posted(t, head, ledger.Document{Kind: ledger.KindReceipt, ID: "R", Amount: money.New(30, "CNY")})
	if inv.Balance.Minor != 100 || rec.Balance.Minor != 70 {
		t.Errorf("balances %d, %d", inv.Balance.Minor, rec.Balance.Minor)
	}
	back, _ := posted(t, head, ledger.Document{Kind: ledger.KindReversal, ID: "R", Reverses: &rec})
	if back.Balance.Minor != 100 || back.Amount.Minor != 30 || back.Reverses != rec.Sequence || back.Lines[1].Account != ledger.AccountCash {
		t.Errorf("reversal %+v", back)
	}
}

// Invariant 3: every field of an entry is under its hash.
func TestEveryFieldCounts(t *testing.T) {
	t.Parallel()
	e, _ := posted(t, start(), ledger.Document{Kind: ledger.KindInvoice, ID: "I", Amount: money.New(100, "CNY"), Text: "t", Digest: []byte("d")})
	seen := map[string]int{string(e.Canonical()): -1}
	for i, change := range []func(*ledger.Entry){
		func(e *ledger.Entry) { e.CustomerID = "D" }, func(e *ledger.Entry) { e.Sequence++ }, func(e *ledger.Entry) { e.Kind = ledger.KindReceipt },
		func(e *ledger.Entry) { e.EntryDate = e.EntryDate.AddDays(1) }, func(e *ledger.Entry) { e.PostDate = e.PostDate.AddDays(1) },
		func(e *ledger.Entry) { e.DocumentID = "J" }, func(e *ledger.Entry) { e.Amount.Minor++ }, func(e *ledger.Entry) { e.Amount.Currency = "USD" },
		func(e *ledger.Entry) { e.Balance.Minor++ }, func(e *ledger.Entry) { e.Reverses++ }, func(e *ledger.Entry) { e.Text = "u" },
		func(e *ledger.Entry) { e.PostedBy = "other" }, func(e *ledger.Entry) { e.CreateTime = e.CreateTime.Add(time.Microsecond) },
		func(e *ledger.Entry) { e.DocumentDigest = []byte("e") }, func(e *ledger.Entry) { e.Lines = e.Lines[:1] },
		func(e *ledger.Entry) { e.Text, e.PostedBy = e.Text+e.PostedBy[:1], e.PostedBy[1:] },
	} {
		c := e
		change(&c)
		if j, known := seen[string(c.Canonical())]; known {
			t.Errorf("change %d gives the bytes of %d", i, j)
		}
		seen[string(c.Canonical())] = i
	}
}

func TestBalanceIsBounded(t *testing.T) {
	t.Parallel()
	head := start()
	head.Balance.Minor = ledger.MaxBalance - 99
	_, _, err := ledger.Post(head, "C", ledger.Document{Kind: ledger.KindInvoice, Amount: money.New(100, "CNY")}, link)
	if errs.ReasonOf(err) != "BALANCE_TOO_LARGE" {
		t.Errorf("error %v", err)
	}
}
