package memo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

func cny(yuan int64) money.Money { return money.New(yuan*100, "CNY") }

func TestDivide(t *testing.T) {
	t.Parallel()
	at := func(id string, yuan int64) receipt.Named {
		n := receipt.Named{InvoiceID: id}
		if yuan > 0 {
			m := cny(yuan)
			n.Amount = &m
		}
		return n
	}
	for name, c := range map[string]struct {
		amount int64
		named  []receipt.Named
		oldest bool
		want   string // the shares, or the field at fault
	}{
		"all of it":                            {amount: 100, named: []receipt.Named{at("A", 0)}, want: "A 100"},
		"more than it was for":                 {amount: 101, named: []receipt.Named{at("A", 0)}, want: "credit_memo.amount"},
		"in order":                             {amount: 120, named: []receipt.Named{at("B", 0), at("A", 0)}, want: "B 30, A 90"},
		"credited before and waiting count":    {amount: 31, named: []receipt.Named{at("B", 0)}, want: "credit_memo.amount"},
		"more than both":                       {amount: 131, named: []receipt.Named{at("A", 0), at("B", 0)}, want: "credit_memo.amount"},
		"amounts first":                        {amount: 40, named: []receipt.Named{at("A", 0), at("B", 25)}, want: "A 15, B 25"},
		"an amount above":                      {amount: 100, named: []receipt.Named{at("A", 0), at("B", 31)}, want: "credit_memo.invoices[1].amount"},
		"beyond the amount said":               {amount: 100, named: []receipt.Named{at("A", 60)}, want: "A 100"},
		"an instalment stands for its invoice": {amount: 100, named: []receipt.Named{at("A/1", 0), at("A", 0)}, want: "A 100"},
		"twice the same":                       {amount: 101, named: []receipt.Named{at("A", 0), at("A", 0)}, want: "credit_memo.amount"},
		"twice the same amount":                {amount: 150, named: []receipt.Named{at("A", 75), at("A", 75)}, want: "credit_memo.amount"},
		"the rest to the oldest":               {amount: 300, named: []receipt.Named{at("B", 0)}, oldest: true, want: "B 30"},
		"nothing is left":                      {amount: 1, named: []receipt.Named{at("C", 0)}, want: "credit_memo.amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &memo.Named{DocumentID: "A", Amount: cny(100), Credited: cny(0), Waiting: cny(0)}
			b := &memo.Named{DocumentID: "B", Amount: cny(100), Credited: cny(50), Waiting: cny(20)}
			gone := &memo.Named{DocumentID: "C", Amount: cny(10), Credited: cny(10), Waiting: cny(10)}
			d := memo.Draft{Amount: cny(c.amount), Named: c.named, OldestDueFirst: c.oldest}
			shares, err := d.Divide(map[string]*memo.Named{"A": a, "A/1": a, "B": b, "C": gone})
			var got []string
			for _, s := range shares {
				got = append(got, fmt.Sprint(s.DocumentID, " ", s.Amount.Minor/100))
			}
			text := strings.Join(got, ", ")
			if e, ok := errs.As(err); ok {
				text = e.Meta["field"]
				if e.Reason != "ABOVE_INVOICE" || e.Violations[0].Rule != "above_invoice" || !e.Witnessed {
					t.Errorf("%+v", e)
				}
			}
			if text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

// What a memo has for a document: its shares; of one from before them what it is over, where it names no other.
func TestFor(t *testing.T) {
	t.Parallel()
	isA := func(n receipt.Named) bool { return n.InvoiceID == "A" }
	for name, c := range map[string]struct {
		m     memo.Memo
		want  int64
		known bool
	}{
		"shares":                {memo.Memo{Amount: cny(9), Shares: []memo.Share{{"A", cny(4)}, {"B", cny(5)}}}, 4, true},
		"of others":             {memo.Memo{Amount: cny(9), Shares: []memo.Share{{"B", cny(9)}}}, 0, true},
		"before, one":           {memo.Memo{Amount: cny(9), Named: []receipt.Named{{InvoiceID: "A"}}}, 9, true},
		"before, one of others": {memo.Memo{Amount: cny(9), Named: []receipt.Named{{InvoiceID: "B"}}}, 0, false},
		"before, several":       {memo.Memo{Amount: cny(9), Named: []receipt.Named{{InvoiceID: "A"}, {InvoiceID: "B"}}}, 0, false},
		"before, and the rest":  {memo.Memo{Amount: cny(9), Named: []receipt.Named{{InvoiceID: "A"}}, OldestDueFirst: true}, 0, false},
	} {
		if got, known := c.m.For("A", isA); got != cny(c.want) || known != c.known {
			t.Errorf("%s: %s %v", name, got, known)
		}
	}
}

// What each kind needs is asked for where it is missing, by the name of the field.
func TestDrafts(t *testing.T) {
	t.Parallel()
	named := []receipt.Named{{InvoiceID: "I"}}
	for name, c := range map[string]struct {
		d     memo.Draft
		field string
	}{
		"a reversal":                  {memo.Draft{Kind: ledger.KindReversal, About: "I"}, ""},
		"of nothing":                  {memo.Draft{Kind: ledger.KindReversal}, "credit_memo.reversed_document_id"},
		"that settles":                {memo.Draft{Kind: ledger.KindReversal, About: "I", Named: named}, "credit_memo.invoices"},
		"a refund":                    {memo.Draft{Kind: ledger.KindRefund, About: "R", Instrument: "CASH"}, ""},
		"a refund of nothing":         {memo.Draft{Kind: ledger.KindRefund}, "credit_memo.paid_back_document_id"},
		"a refund to an invoice":      {memo.Draft{Kind: ledger.KindRefund, About: "R", Named: named}, "credit_memo.invoices"},
		"a deposit paid back":         {memo.Draft{Kind: ledger.KindDepositReturn, About: "D"}, ""},
		"no deposit":                  {memo.Draft{Kind: ledger.KindDepositReturn}, "credit_memo.paid_back_document_id"},
		"a credit note that is paid":  {memo.Draft{Kind: ledger.KindCreditNote, Instrument: "CASH"}, "credit_memo.instrument"},
		"a credit note that reverses": {memo.Draft{Kind: ledger.KindCreditNote, About: "I"}, "credit_memo.reversed_document_id"},
		"a write-off of nothing":      {memo.Draft{Kind: ledger.KindWriteOff}, "credit_memo.invoices"},
		"a contra without payable":    {memo.Draft{Kind: ledger.KindContra, Named: named}, "credit_memo.payable_reference"},
	} {
		err := c.d.Check()
		if e, ok := errs.As(err); ok != (c.field != "") || ok && e.Violations[0].Field != c.field {
			t.Errorf("%s: %v, want %q", name, err, c.field)
		}
	}
}

// A refund waits for another person, whatever the role of who proposed it.
func TestRefundByTwo(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2024-01-02")
	m, err := memo.Propose(memo.Draft{CustomerID: "C", Kind: ledger.KindRefund, ReasonCode: "OVERPAYMENT", Amount: cny(10), About: "R", Instrument: "CASH"},
		memo.Proposal{ID: "CM-1", Actor: "li", Today: day, Now: time.Unix(0, 0)},
		memo.Rules{BaseCurrency: "CNY", Reasons: []string{"OVERPAYMENT"}, Authority: approval.Table{{Steps: []approval.Step{{Name: "a", AnyOf: []string{"FINANCE_MANAGER"}}}}}})
	if err != nil || m.State != memo.Proposed || m.About != "R" || m.Instrument != "CASH" {
		t.Fatalf("%+v, %v", m, err)
	}
	act := approval.Act{Subject: "li", Roles: []string{"FINANCE_MANAGER"}, Decision: approval.Approve, Date: day}
	if _, err := m.Act(act); errs.ReasonOf(err) != approval.ReasonSamePerson {
		t.Errorf("approves the own refund: %v", err)
	}
	act.Subject, act.Roles = "wu", []string{"FINANCE_CLERK"}
	if _, err := m.Act(act); errs.ReasonOf(err) != approval.ReasonNotYourStep {
		t.Errorf("a clerk approves: %v", err)
	}
	act.Roles = []string{"FINANCE_MANAGER"}
	if m, err = m.Act(act); err != nil || m.State != memo.Posted || m.CloseDate != day {
		t.Errorf("%+v, %v", m, err)
	}
}
