package app_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/bankline"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// bank is a house with an account of which CSV files come.
func newBank(t *testing.T, currency string) *house {
	t.Helper()
	h := newHouse(t)
	_, err := h.SetBankAccount(clerk(t), h.request(), bankline.Account{
		ID: "bank-1", Name: "First", Number: "DE89 3704 0044 0532 0130 00", Currency: currency, Mapping: &bankstatement.Mapping{
			BookingDate: "date", Amount: "amount", BankReference: "ref", PartyName: "name", PartyAccount: "account", Texts: []string{"text"},
		},
	})
	must(t, err)
	return h
}

const header = "date,amount,ref,name,account,text\n"

func (h *house) bankFile(t *testing.T, rows ...string) app.Imported {
	t.Helper()
	out, err := h.ImportBankStatement(clerk(t), h.request(), app.BankFile{AccountID: "bank-1", FileName: "a.csv", Content: []byte(header + strings.Join(rows, "\n"))})
	must(t, err)
	return out
}

func (h *house) bankLines(t *testing.T, state bankline.State) []bankline.Line {
	t.Helper()
	out, err := h.BankLines(clerk(t), bankline.Query{State: state, Limit: 1000})
	must(t, err)
	slices.Reverse(out) // oldest first
	return out
}

func (h *house) owes(t *testing.T, customer, currency string, items ...string) {
	t.Helper()
	for _, i := range items {
		id, sum, _ := strings.Cut(i, "=")
		_, err := h.PostInvoice(clerk(t), h.request(), invoice.Draft{ID: id, CustomerID: customer, OrderID: "PO-" + id, Amount: amount(t, currency, sum)})
		must(t, err)
	}
}

// The same file, one that overlaps it, and the same lines as camt.053 bring nothing twice.
func TestBankStatementOnce(t *testing.T) {
	t.Parallel()
	h := newBank(t, "EUR")
	a, b, c := "2024-01-02,100.00,R-1,Buyer,B1,x", "2024-01-02,50.00,,Buyer,B1,rent", "2024-01-03,-7.00,R-3,Bank,,fee"
	first := h.bankFile(t, a, b, b, c)
	if st := first.Statements[0]; st.ID != "BS-1" || st.Lines != 4 || st.New != 4 || st.First.String() != "2024-01-02" || st.Last.String() != "2024-01-03" {
		t.Fatalf("first %+v", st)
	}
	if again := h.bankFile(t, a, b, b, c); !again.Known || len(again.Statements) != 1 || again.Statements[0].ID != "BS-1" {
		t.Fatalf("again %+v", again)
	}
	if overlap := h.bankFile(t, b, b, c, "2024-01-04,1.00,,,,new"); overlap.Known || overlap.Statements[0].New != 1 {
		t.Fatalf("overlap %+v", overlap.Statements)
	}
	camt := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>9</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2024-01-02</Dt></BookgDt><AcctSvcrRef>R-1</AcctSvcrRef></Ntry>
<Ntry><Amt Ccy="EUR">8.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2024-01-05</Dt></BookgDt><AcctSvcrRef>R-8</AcctSvcrRef></Ntry>
</Stmt></BkToCstmrStmt></Document>`
	got, err := h.ImportBankStatement(clerk(t), h.request(), app.BankFile{Content: []byte(camt)})
	must(t, err)
	if st := got.Statements[0]; st.AccountID != "bank-1" || st.Lines != 2 || st.New != 1 {
		t.Fatalf("camt %+v", st)
	}
	if all := h.bankLines(t, ""); len(all) != 6 {
		t.Errorf("%d lines, want 6", len(all))
	}
	if out := h.bankLines(t, bankline.Outgoing); len(out) != 1 || out[0].Amount.String() != "-7.00" {
		t.Errorf("outgoing %+v", out)
	}
}

// Ten imports of files that overlap, at once: each line is there once.
func TestBankStatementsAtOnce(t *testing.T) {
	t.Parallel()
	h := newBank(t, "EUR")
	var all sync.WaitGroup
	for n := range 10 {
		all.Go(func() {
			var rows []string
			for i := n; i < n+20; i++ {
				rows = append(rows, fmt.Sprintf("2024-01-02,1%02d.00,R-%d,,,", i, i))
			}
			_, err := h.ImportBankStatement(clerk(t), idem.Request{ID: fmt.Sprint("i", n), Method: "test", Hash: []byte{byte(n)}},
				app.BankFile{AccountID: "bank-1", Content: []byte(header + strings.Join(rows, "\n"))})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, l := range h.bankLines(t, "") {
		seen[l.BankReference]++
	}
	for ref, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", ref, n)
		}
	}
	if len(seen) != 29 {
		t.Errorf("%d lines, want 29", len(seen))
	}
}

func TestBankRefusals(t *testing.T) {
	t.Parallel()
	h := newBank(t, "EUR")
	_, err := h.SetBankAccount(clerk(t), h.request(), bankline.Account{ID: "bank-2", Number: "111122223333", Currency: "CNY"})
	must(t, err)
	h.bankFile(t, "2024-01-02,100.00,R-1,,,")
	camt := func(account, currency string) []byte {
		return fmt.Appendf(nil, `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Acct><Id><Othr><Id>%s</Id></Othr></Id><Ccy>%s</Ccy></Acct></Stmt></BkToCstmrStmt></Document>`, account, currency)
	}
	for name, c := range map[string]struct {
		file   app.BankFile
		reason string
	}{
		"an account that there is not": {app.BankFile{AccountID: "bank-9", Content: []byte(header)}, "BANK_ACCOUNT_UNKNOWN"},
		"no account named":             {app.BankFile{Content: []byte(header)}, "FIELD_INVALID"},
		"no mapping":                   {app.BankFile{AccountID: "bank-2", Content: []byte(header)}, "FIELD_INVALID"},
		"another account in the file":  {app.BankFile{AccountID: "bank-1", Content: camt("111122223333", "EUR")}, "BANK_ACCOUNT_DIFFERS"},
		"another currency":             {app.BankFile{Content: camt("111122223333", "EUR")}, "BANK_ACCOUNT_DIFFERS"},
		"nobody's account":             {app.BankFile{Content: camt("999", "EUR")}, "BANK_ACCOUNT_UNKNOWN"},
		"not readable":                 {app.BankFile{AccountID: "bank-1", Content: []byte("a,b\n1,2\n")}, bankstatement.ReasonInvalid},
	} {
		_, err := h.ImportBankStatement(clerk(t), h.request(), c.file)
		if reason := errs.ReasonOf(err); err == nil || reason != c.reason && c.reason != "FIELD_INVALID" || errs.KindOf(err) != errs.Invalid && errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = h.SetBankAccount(clerk(t), h.request(), bankline.Account{ID: "bank-1", Number: "DE89370400440532013000", Currency: "USD"})
	wantReason(t, err, "BANK_ACCOUNT_USED")
	_, err = h.SetBankAccount(clerk(t), h.request(), bankline.Account{ID: "bank-3", Number: "DE89 3704 0044 0532 0130 00", Currency: "EUR"})
	wantReason(t, err, "BANK_NUMBER_TAKEN")
	if n := len(h.bankLines(t, "")); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// A line from its import to its receipt, back, and to another receipt; what is learned of the payer is used, and forgotten.
func TestBankLineFromImportToReceipt(t *testing.T) {
	t.Parallel()
	h := newBank(t, "CNY")
	h.customer(t, "C-1", "CNY")
	h.customer(t, "C-2", "CNY")
	h.owes(t, "C-1", "CNY", "INV-0001=100.00", "INV-0002=250.00", "INV-0003=77.00")
	h.owes(t, "C-2", "CNY", "INV-0004=100.00")
	got := h.bankFile(t, "2024-01-02,350.00,R-1,Voyager,ACC-1,INV-0001 INV0002", "2024-01-02,5.00,R-2,Bank,,interest")
	if got.Proposed != 1 || got.Confirmed != 0 {
		t.Fatalf("%+v", got)
	}
	open := h.bankLines(t, bankline.Proposed)
	line := open[0]
	if p := line.Proposals[0]; p.CustomerID != "C-1" || p.Score != 85 || len(p.Shares) != 2 {
		t.Fatalf("proposals %+v", line.Proposals)
	}
	request := h.request()
	for range 2 { // the second is the same request again
		l, err := h.ConfirmBankLine(clerk(t), request, app.Confirmation{LineID: line.ID, Proposal: 1})
		must(t, err)
		if l.State != bankline.Applied || l.ReceiptID != "BANK-"+line.ID || l.CustomerID != "C-1" || l.ChangedBy != "clerk" {
			t.Fatalf("line %+v", l)
		}
	}
	_, err := h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: line.ID, CustomerID: "C-2"})
	wantReason(t, err, "BANK_LINE_DONE")
	r, err := h.Receipt(clerk(t), "BANK-"+line.ID)
	must(t, err)
	if r.Amount.String() != "350.00" || !r.Unapplied.IsZero() || len(r.Applications) != 2 || r.Date.String() != "2024-01-02" || r.Reference != "INV-0001 INV0002" {
		t.Errorf("receipt %+v", r)
	}
	// The payer is known now: an amount and the account are enough to say whose it is.
	h.bankFile(t, "2024-01-03,77.00,R-3,,ACC-1,")
	next := h.bankLines(t, bankline.Proposed)[0]
	if p := next.Proposals[0]; p.CustomerID != "C-1" || p.Score != 70 || p.Shares[0].ItemID != "INV-0003" {
		t.Fatalf("proposals %+v", next.Proposals)
	}
	// The receipt comes back: only then can the line be taken up again, and what was learned is gone.
	_, err = h.ReopenBankLine(clerk(t), h.request(), line.ID, "wrong customer")
	wantReason(t, err, "RECEIPT_STANDS")
	_, err = h.ReverseReceipt(clerk(t), h.request(), r.ID, "wrong customer")
	must(t, err)
	l, err := h.ReopenBankLine(clerk(t), h.request(), line.ID, "wrong customer")
	must(t, err)
	if l.State != bankline.New || l.ReceiptID != "" {
		t.Fatalf("line %+v", l)
	}
	_, err = h.ReopenBankLine(clerk(t), h.request(), line.ID, "again")
	wantReason(t, err, "BANK_LINE_OPEN")
	lines, _, _, err := h.ProposeBankLines(clerk(t), "", 100)
	must(t, err)
	if lines != 3 {
		t.Errorf("%d lines were looked at", lines)
	}
	if next, err = h.BankLine(clerk(t), next.ID); err != nil || next.Proposals[0].Score != 15 {
		t.Errorf("the account is still known: %+v, %v", next.Proposals, err)
	}
	l, err = h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{
		LineID: line.ID, CustomerID: "C-2", Named: []receipt.Named{{InvoiceID: "INV-0004"}}, ByAnother: true,
	})
	must(t, err)
	if l.ReceiptID != "BANK-"+line.ID+"-2" {
		t.Errorf("receipt %s", l.ReceiptID)
	}
	if r, err = h.Receipt(clerk(t), l.ReceiptID); err != nil || r.CustomerID != "C-2" || r.Unapplied.String() != "250.00" {
		t.Errorf("receipt %+v, %v", r, err)
	}
	// What nobody owes us for is put aside, and can be taken up again.
	interest := h.bankLines(t, bankline.New)[0]
	l, err = h.IgnoreBankLine(clerk(t), h.request(), interest.ID, "interest of the bank")
	must(t, err)
	if l.State != bankline.Ignored || l.Reason != "interest of the bank" {
		t.Errorf("line %+v", l)
	}
	_, err = h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: interest.ID, CustomerID: "C-1"})
	wantReason(t, err, "BANK_LINE_DONE")
	_, err = h.ReopenBankLine(clerk(t), h.request(), interest.ID, "a customer's after all")
	must(t, err)
	// All that is not applied: the rest of a receipt, and two lines.
	money, totals, err := h.Unapplied(clerk(t), bankline.UnappliedQuery{Limit: 10})
	must(t, err)
	if len(money) != 3 || len(totals) != 1 || totals[0].Credits != 1 || totals[0].CreditAmount.String() != "250.00" || totals[0].Lines != 2 || totals[0].LineAmount.String() != "82.00" {
		t.Errorf("unapplied %+v, %+v", money, totals)
	}
	for i := 1; i < len(money); i++ {
		if money[i].Date.Before(money[i-1].Date) {
			t.Errorf("not oldest first: %+v", money)
		}
	}
}

func TestConfirmRefusals(t *testing.T) {
	t.Parallel()
	h := newBank(t, "CNY")
	h.customer(t, "C-1", "CNY")
	h.customer(t, "C-2", "USD")
	h.owes(t, "C-1", "CNY", "INV-0001=100.00")
	h.bankFile(t, "2024-01-02,50.00,R-1,,,", "2024-01-02,-50.00,R-2,,,")
	line, out := h.bankLines(t, bankline.New)[0], h.bankLines(t, bankline.Outgoing)[0]
	over := amount(t, "CNY", "60.00")
	for name, c := range map[string]struct {
		in     app.Confirmation
		reason string
	}{
		"no such line":        {app.Confirmation{LineID: "none", CustomerID: "C-1"}, "BANK_LINE_UNKNOWN"},
		"no such customer":    {app.Confirmation{LineID: line.ID, CustomerID: "C-9"}, "CUSTOMER_UNKNOWN"},
		"no such proposal":    {app.Confirmation{LineID: line.ID, Proposal: 2}, "NO_PROPOSAL"},
		"money that went out": {app.Confirmation{LineID: out.ID, CustomerID: "C-1"}, "BANK_LINE_OUTGOING"},
		"another currency":    {app.Confirmation{LineID: line.ID, CustomerID: "C-2"}, "CURRENCY_MISMATCH"},
		"more than there is":  {app.Confirmation{LineID: line.ID, CustomerID: "C-1", Named: []receipt.Named{{InvoiceID: "INV-0001", Amount: &over}}}, "OVERAPPLIED"},
		"another's invoice":   {app.Confirmation{LineID: line.ID, CustomerID: "C-1", Named: []receipt.Named{{InvoiceID: "INV-9999"}}}, "INVOICE_UNKNOWN"},
	} {
		_, err := h.ConfirmBankLine(clerk(t), h.request(), c.in)
		if errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: line.ID}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("nobody's money: %v", err)
	}
	if l, err := h.BankLine(clerk(t), line.ID); err != nil || l.State != bankline.New {
		t.Errorf("line %+v, %v", l, err)
	}
	// An advance: nothing is applied though there is something to pay.
	l, err := h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: line.ID, CustomerID: "C-1", Unapplied: true})
	must(t, err)
	if r, err := h.Receipt(clerk(t), l.ReceiptID); err != nil || r.Unapplied.String() != "50.00" {
		t.Errorf("receipt %+v, %v", r, err)
	}
	// Of the receipt's money one may ask what it is for.
	list, err := h.ProposeReceipt(clerk(t), l.ReceiptID)
	must(t, err)
	if len(list) == 0 || list[0].Shares[0].ItemID != "INV-0001" {
		t.Errorf("proposals %+v", list)
	}
}

// With a score in the policy what is certain is applied by itself; of two lines for one invoice only the first.
func TestAutoConfirm(t *testing.T) {
	t.Parallel()
	h := newBank(t, "CNY")
	h.under(func(p *terms.Cash) { p.AutoConfirmScore = 85 })
	h.customer(t, "C-1", "CNY")
	h.owes(t, "C-1", "CNY", "INV-0001=100.00", "INV-0002=250.00")
	got := h.bankFile(t, "2024-01-02,100.00,R-1,,,INV-0001", "2024-01-02,100.00,R-2,,,INV-0001", "2024-01-02,200.00,R-3,,,INV-0002")
	if got.Confirmed != 1 {
		t.Fatalf("%+v", got)
	}
	done := h.bankLines(t, bankline.Applied)
	if len(done) != 1 || !done[0].Auto || done[0].BankReference != "R-1" {
		t.Errorf("applied %+v", done)
	}
	// The second names an invoice that is paid, which is nearly the number of the other: for a person to say.
	if open := h.bankLines(t, bankline.Proposed); len(open) != 2 || open[0].Proposals[0].Score != 25 && open[1].Proposals[0].Score != 25 {
		t.Errorf("proposed %+v", open)
	}
}

// Money that comes within the days of 2/10 settles the invoice with the discount; a day later it does not; what comes back takes the
// discount with it.
func TestEarlyPaymentDiscount(t *testing.T) {
	t.Parallel()
	h := newBank(t, "CNY")
	h.under(func(p *terms.Cash) {
		p.Discount = settlement.Discount{{Days: 10, Rate: money.Ratio{Num: 2, Den: 100}}}
	})
	h.customer(t, "C-1", "CNY")
	h.owes(t, "C-1", "CNY", "INV-0001=1000.00", "INV-0002=500.00") // of 1 January 2024
	h.bankFile(t, "2024-01-11,980.00,R-1,,,INV-0001", "2024-01-12,490.00,R-2,,,INV-0002")
	late, early := h.bankLines(t, bankline.Proposed)[1], h.bankLines(t, bankline.Proposed)[0]
	if early.BankReference != "R-1" {
		late, early = early, late
	}
	if p := early.Proposals[0]; p.Score != 90 || p.Shares[0].Discount.String() != "20.00" {
		t.Fatalf("early: %+v", p)
	}
	if p := late.Proposals[0]; p.Score != 50 || !p.Shares[0].Discount.IsZero() {
		t.Fatalf("late: %+v", p)
	}
	asked := app.Confirmation{
		LineID: late.ID, CustomerID: "C-1", Named: []receipt.Named{{InvoiceID: "INV-0002"}}, Discounts: []app.Taken{{ItemID: "INV-0002", Amount: amount(t, "CNY", "10.00")}},
	}
	_, err := h.ConfirmBankLine(clerk(t), h.request(), asked)
	wantReason(t, err, "DISCOUNT_NOT_EARNED")
	l, err := h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: early.ID, Proposal: 1})
	must(t, err)
	inv, err := h.Invoice(clerk(t), "INV-0001")
	must(t, err)
	if inv.State() != invoice.StateSettled || len(inv.Applications) != 2 {
		t.Errorf("invoice %+v", inv)
	}
	_, err = h.ReverseReceipt(clerk(t), h.request(), l.ReceiptID, "returned by the bank")
	must(t, err)
	if inv, err = h.Invoice(clerk(t), "INV-0001"); err != nil || inv.Open.String() != "1000.00" {
		t.Errorf("invoice %+v, %v", inv, err)
	}
}

// TestBankFileOfRealPayments: the payments of some months of real invoices, some without the numbers of the invoices, go through
// the database's ways of finding whose they are.
func TestBankFileOfRealPayments(t *testing.T) {
	t.Parallel()
	list := rows(t, filepath.Join(folder(t, "late-payments"), "WA_Fn-UseC_-Accounts-Receivable.csv"))
	h := newBank(t, "USD")
	until := calendar.MustDate("2012-04-01")
	type payment struct {
		customer string
		day      calendar.Date
		ids      []string
		sum      int64
	}
	payments := map[string]*payment{}
	known := map[string]bool{}
	var drafts []invoice.Draft
	for _, r := range list {
		day, settled := us(t, r["InvoiceDate"]), us(t, r["SettledDate"])
		if !day.Before(until) {
			continue
		}
		if id := r["customerID"]; !known[id] {
			known[id] = true
			h.customer(t, id, "USD")
		}
		sum := amount(t, "USD", r["InvoiceAmount"])
		drafts = append(drafts, invoice.Draft{ID: r["invoiceNumber"], CustomerID: r["customerID"], Date: day, DueDate: us(t, r["DueDate"]), Amount: sum})
		key := settled.String() + r["customerID"]
		if payments[key] == nil {
			payments[key] = &payment{customer: r["customerID"], day: settled}
		}
		payments[key].ids, payments[key].sum = append(payments[key].ids, r["invoiceNumber"]), payments[key].sum+sum.Minor
	}
	_, err := h.PostInvoices(on(t, "2012-04-01"), h.request(), drafts)
	must(t, err)
	var file []string
	want := map[string]*payment{}
	keys := make([]string, 0, len(payments))
	for key := range payments {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for n, key := range keys {
		p := payments[key]
		text := []string{
			"inv " + strings.Join(p.ids, " "), "no " + strings.TrimLeft(p.ids[0], "0") + " and others", strings.Join(p.ids, "/"), "goods",
		}[n%4]
		ref := fmt.Sprintf("R-%04d", n)
		file = append(file, fmt.Sprintf("%s,%d.%02d,%s,Customer %s,ACC%s,%s", p.day, p.sum/100, p.sum%100, ref, p.customer, p.customer, text))
		want[ref] = p
	}
	got := h.bankFile(t, file...)
	right := 0
	for _, l := range h.bankLines(t, bankline.Proposed) {
		p := want[l.BankReference]
		var ids []string
		for _, share := range l.Proposals[0].Shares {
			ids = append(ids, share.ItemID)
		}
		slices.Sort(ids)
		if l.Proposals[0].CustomerID == p.customer && slices.Equal(ids, slices.Sorted(slices.Values(p.ids))) {
			right++
		}
	}
	share := 100 * float64(right) / float64(len(keys))
	t.Logf("%d invoices, %d lines, %d with a proposal, %.1f %% right", len(drafts), len(keys), got.Proposed, share)
	if share < 90 {
		t.Errorf("only %.1f %% of the lines get the right proposal", share)
	}
}

// Money that went out is listed until a person has seen what for; it is never a customer's money, also when it is taken up again.
func TestOutgoingWantsAttention(t *testing.T) {
	t.Parallel()
	h := newBank(t, "CNY")
	h.customer(t, "C-1", "CNY")
	h.owes(t, "C-1", "CNY", "INV-0001=50.00")
	h.bankFile(t, "2024-01-02,-50.00,R-1,refund RF-1 INV-0001,,", "2024-01-02,-7.00,R-2,,,")
	before := h.bankLines(t, bankline.Outgoing)
	if len(before) != 2 {
		t.Fatalf("outgoing %+v", before)
	}
	id := before[0].ID
	l, err := h.IgnoreBankLine(clerk(t), h.request(), id, "refund RF-1")
	must(t, err)
	if l.State != bankline.Ignored || l.Reason != "refund RF-1" || len(h.bankLines(t, bankline.Outgoing)) != 1 {
		t.Errorf("put aside %+v", l)
	}
	_, err = h.IgnoreBankLine(clerk(t), h.request(), id, "again")
	wantReason(t, err, "BANK_LINE_DONE")
	l, err = h.ReopenBankLine(clerk(t), h.request(), id, "another's refund")
	must(t, err)
	if l.State != bankline.Outgoing || len(h.bankLines(t, bankline.Outgoing)) != 2 || len(h.bankLines(t, bankline.New)) != 0 {
		t.Errorf("taken up again %+v", l)
	}
	_, err = h.ConfirmBankLine(clerk(t), h.request(), app.Confirmation{LineID: id, CustomerID: "C-1"})
	wantReason(t, err, "BANK_LINE_OUTGOING")
}
