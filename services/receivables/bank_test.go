package receivables_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

func (w *world) bankAccount(t *testing.T) {
	t.Helper()
	_, err := w.bank.SetBankAccount(w.as(t, "FINANCE_MANAGER", "2024-01-02"), &receivablesv1.SetBankAccountRequest{
		RequestId: "account", BankAccount: &receivablesv1.BankAccount{
			BankAccountId: "icbc-1", DisplayName: "ICBC", Number: "6222 0200", CurrencyCode: "CNY", CsvMapping: &receivablesv1.BankFileMapping{
				BookingDateColumn: "日期", AmountColumn: "金额", BankReferenceColumn: "流水", PartyNameColumn: "户名", PartyAccountColumn: "账号", TextColumns: []string{"附言"},
			},
		},
	})
	must(t, err)
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

// A bank's file through the contract: who may bring it, what it gives, what a person makes of it, and what the gate hears.
func TestBankStatementByContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.bankAccount(t)
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "INV-0001", CustomerId: "C-1", Amount: cny("500")})
	text := "日期,金额,流水,户名,账号,附言\n2024-01-05,300.00,F1,Buyer,A-1,INV-0001\n2024-01-05,9.00,F2,,,\n"
	imported := &receivablesv1.ImportBankStatementRequest{RequestId: "import", BankAccountId: "icbc-1", FileName: "a.csv", Content: packed(t, text)}
	if _, err := w.bank.ImportBankStatement(w.as(t, "SALESPERSON", "2024-01-06"), imported); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a salesperson brought a statement: %v", err)
	}
	clerk := w.as(t, "FINANCE_CLERK", "2024-01-06")
	tried, err := w.bank.ImportBankStatement(clerk, &receivablesv1.ImportBankStatementRequest{
		RequestId: "tried", BankAccountId: "icbc-1", Content: []byte(text), ValidateOnly: true,
	})
	must(t, err)
	equal(t, "tried", tried.GetBankStatements()[0].GetNewLines(), int32(2))
	got, err := w.bank.ImportBankStatement(clerk, imported)
	must(t, err)
	st := got.GetBankStatements()[0]
	if st.GetNewLines() != 2 || st.GetImportedBy() != "FINANCE_CLERK" || st.GetImportDate() != "2024-01-06" || got.GetKnown() || got.GetProposed() != 1 {
		t.Fatalf("imported %v", got)
	}
	again, err := w.bank.ImportBankStatement(clerk, &receivablesv1.ImportBankStatementRequest{RequestId: "again", BankAccountId: "icbc-1", Content: []byte(text)})
	must(t, err)
	if !again.GetKnown() {
		t.Errorf("the same file, not packed: %v", again)
	}
	list, err := w.bank.ListBankLines(clerk, &receivablesv1.ListBankLinesRequest{State: receivablesv1.BankLineState_BANK_LINE_STATE_PROPOSED})
	must(t, err)
	line := list.GetBankLines()[0]
	p := line.GetProposals()[0]
	if p.GetCustomerId() != "C-1" || p.GetDisplayName() == "" || p.GetScore() != 50 || p.GetShares()[0].GetItemId() != "INV-0001" || p.GetReasons()[0].GetKind() != "ITEM_NAMED" {
		t.Fatalf("proposal %v", p)
	}
	if _, err := w.bank.ConfirmBankLine(clerk, &receivablesv1.ConfirmBankLineRequest{RequestId: "both", BankLineId: line.GetBankLineId(), Proposal: 1, CustomerId: "C-1"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a proposal and a customer: %v", err)
	}
	done, err := w.bank.ConfirmBankLine(clerk, &receivablesv1.ConfirmBankLineRequest{RequestId: "confirm", BankLineId: line.GetBankLineId(), Proposal: 1})
	must(t, err)
	if l := done.GetBankLine(); l.GetState() != receivablesv1.BankLineState_BANK_LINE_STATE_APPLIED || l.GetCustomerId() != "C-1" {
		t.Fatalf("confirmed %v", l)
	}
	w.set(func() {
		all := w.positions["C-1"]
		equal(t, "the gate was told", all[len(all)-1].GetReceivable().GetAmount(), "200.00")
	})
	unapplied, err := w.bank.GetUnappliedMoney(clerk, &receivablesv1.GetUnappliedMoneyRequest{PageSize: 1})
	must(t, err)
	if m, total := unapplied.GetMoney(), unapplied.GetTotals()[0]; len(m) != 1 || m[0].GetBankLineId() == "" || m[0].GetDays() != 1 || total.GetBankLines() != 1 || total.GetBankLineAmount().GetAmount() != "9.00" {
		t.Errorf("unapplied %v", unapplied)
	}
	statements, err := w.bank.ListBankStatements(w.as(t, "AUDITOR", ""), &receivablesv1.ListBankStatementsRequest{})
	must(t, err)
	equal(t, "statements", len(statements.GetBankStatements()), 1)
	_, err = w.bank.ImportBankStatement(clerk, &receivablesv1.ImportBankStatementRequest{RequestId: "bad", BankAccountId: "icbc-1", Content: []byte(strings.Replace(text, "300.00", "many", 1))})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad line: %v", err)
	}
	bomb := packed(t, strings.Repeat(strings.Repeat(" ", 1<<20), 65))
	if _, err := w.bank.ImportBankStatement(clerk, &receivablesv1.ImportBankStatementRequest{RequestId: "bomb", BankAccountId: "icbc-1", Content: bomb}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a file that grows: %v", err)
	}
}

// An invoice by the terms of the customer's profile, and by its own.
func TestSettlementTermsByContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := profile("C-1", "anna", 1)
	p.SettlementTerms = &typev1.SettlementTerms{Method: typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY, ClosingDay: 25, ClosingMonths: 1, Days: 30}
	w.deliver(t, p)
	w.post(t, "2024-01-10", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("500")})
	w.post(t, "2024-01-10", &receivablesv1.Invoice{
		InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("500"), SettlementTerms: &typev1.SettlementTerms{Method: typev1.SettlementMethod_SETTLEMENT_METHOD_CONSIGNMENT, Days: 5},
		SoldOnDate: "2024-02-01", EarlyPaymentDiscount: []*receivablesv1.DiscountStep{{Days: 10, Rate: "0.02"}},
	})
	for id, due := range map[string]string{"I-1": "2024-03-26", "I-2": "2024-02-06"} {
		got, err := w.invoices.GetInvoice(w.as(t, "AUDITOR", ""), &receivablesv1.GetInvoiceRequest{InvoiceId: id})
		must(t, err)
		equal(t, id, got.GetInvoice().GetDueDate(), due)
		if id == "I-1" {
			equal(t, "terms", got.GetInvoice().GetSettlementTerms().GetClosingDay(), int32(25))
			continue
		}
		if d := got.GetInvoice().GetEarlyPaymentDiscount(); len(d) != 1 || d[0].GetRate() != "0.02" || got.GetInvoice().GetSoldOnDate() != "2024-02-01" {
			t.Errorf("%s: %v", id, got.GetInvoice())
		}
	}
}
