package letter_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/receivables/internal/app/letter"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

func text(t *testing.T, pdf []byte) []string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("documents are not read back: pdftotext is missing (package poppler-utils)")
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

func filled(kind statement.Kind, language statement.Language, items int) statement.Statement {
	st := statement.Statement{
		ID: "ST-7", CustomerID: "C-1", Kind: kind, Language: language, DraftDate: calendar.MustDate("2026-04-01"), CreateTime: time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC),
		LetterKey: "statement/ST-7", Recipients: []string{"accounts@buyer.example"},
		Content: statement.Content{
			CustomerName: "上海远航贸易有限公司", From: calendar.MustDate("2026-03-01"), AsOf: calendar.MustDate("2026-03-31"),
			Opening: money.New(100_000_00, "CNY"), Balance: money.New(1_234_567_89, "CNY"), Unapplied: money.New(5_00, "CNY"),
			Entries: []statement.Entry{{Date: calendar.MustDate("2026-03-02"), Kind: "INVOICE", DocumentID: "INV-1", Amount: money.New(50_00, "CNY"), Balance: money.New(100_050_00, "CNY")}},
		},
	}
	for i := range items {
		st.Items = append(st.Items, statement.Item{
			ID: fmt.Sprintf("INV-%04d", i), DocumentDate: calendar.MustDate("2026-01-01"), DueDate: calendar.MustDate("2026-01-31"), Amount: money.New(1000_00, "CNY"), Open: money.New(int64(100+i), "CNY"),
		})
	}
	return st
}

// Both kinds in both languages say what they are about, to whom, how much, each item, and the page on each page.
func TestDocuments(t *testing.T) {
	t.Parallel()
	font, err := paper.FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not made: %v", err)
	}
	head := terms.Letterhead{Company: "示例股份有限公司", CompanyEN: "Example Corporation", Address: "Road 1", Phone: "021-1", Email: "credit@seller.example", PaymentDetails: []string{"Bank 6222"}}
	for name, c := range map[string]struct {
		kind     statement.Kind
		language statement.Language
		says     []string
		page     string
	}{
		"confirmation zh": {statement.Confirmation, statement.Chinese, []string{"往来款项询证函", "示例股份有限公司", "2026年3月31日", "CNY 1,234,567.89", "信息不符", "未核销收款", "逾期天数", "Bank 6222"}, "第 %d 页，共 %d 页"},
		"confirmation en": {statement.Confirmation, statement.English, []string{"Confirmation of balance", "Example Corporation", "2026-03-31", "CNY 1,234,567.89", "We do not agree", "Telephone: 021-1", "of which overdue"}, "Page %d of %d"},
		"account zh":      {statement.Account, statement.Chinese, []string{"对账单", "期初余额", "100,000.00", "发票", "INV-1", "100,050.00"}, "第 %d 页，共 %d 页"},
		"account en":      {statement.Account, statement.English, []string{"Statement of account", "Opening balance", "Invoice", "Movements of the period"}, "Page %d of %d"},
	} {
		st := filled(c.kind, c.language, 120)
		pdf, err := letter.Statement(st, head, font)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := letter.Statement(st, head, font)
		if err != nil || !bytes.Equal(pdf, again) {
			t.Errorf("%s: the same statement gives other bytes, %v", name, err)
		}
		pages := text(t, pdf)
		all := strings.Join(pages, "\n")
		for _, want := range append(c.says, "上海远航贸易有限公司", "ST-7", "59", "INV-0000", "INV-0119") { // 59 days overdue
			if !strings.Contains(all, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
		if len(pages) < 3 {
			t.Errorf("%s: %d pages", name, len(pages))
		}
		for i, p := range pages {
			if want := fmt.Sprintf(c.page, i+1, len(pages)); !strings.Contains(p, want) {
				t.Errorf("%s: page %d lacks %q", name, i+1, want)
			}
		}
		m := letter.Message(st, head, pdf)
		if m.Key != "statement/ST-7" || m.To[0] != "accounts@buyer.example" || m.ReplyTo != "credit@seller.example" || !strings.Contains(m.Text, "1,234,567.89") ||
			!strings.Contains(m.Subject, "ST-7") || len(m.Attachments) != 1 || m.Attachments[0].Name != letter.Name(st) {
			t.Errorf("%s: message %+v", name, m)
		}
	}
	// Without a letterhead, with nothing open, the other way round.
	st := filled(statement.Account, statement.English, 0)
	st.Balance = money.New(-5_00, "CNY")
	pdf, err := letter.Statement(st, terms.Letterhead{}, font)
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(text(t, pdf), "\n"); !strings.Contains(all, "-5.00") || !strings.Contains(all, "None") {
		t.Errorf("a statement of nothing:\n%s", all)
	}
}
