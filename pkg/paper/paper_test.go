package paper_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/paper"
)

// font is the machine's; a machine without one cannot make documents.
func font(t *testing.T) paper.Font {
	t.Helper()
	f, err := paper.FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not tested: %v", err)
	}
	return f
}

// text reads the document back, page by page.
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

func TestDocument(t *testing.T) {
	t.Parallel()
	d := paper.New(paper.Options{
		Font: font(t), Landscape: true, Title: "日报", Made: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Left: "远航贸易",
		PageOf: func(n, m int) string { return fmt.Sprintf("第 %d 页，共 %d 页", n, m) },
	})
	d.Title("信用特殊情况日报")
	d.Heading("订单冻结 Holds")
	table := paper.Table{Columns: []paper.Column{{Title: "客户", Weight: 3}, {Title: "金额 Amount", Weight: 2, Align: paper.Right}, {Title: "原因", Weight: 2}}, Empty: "无"}
	d.Table(table)
	for i := range 120 {
		table.Rows = append(table.Rows, []string{fmt.Sprintf("上海远航国际贸易（集团）股份有限公司第 %d 分公司 C-%04d", i, i), fmt.Sprintf("%d,234,567.89", i), "limit"})
	}
	d.Table(table)
	d.Text(strings.Repeat("超额金额由财务总监审批。", 30) + "🚀 end")
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	pages := text(t, b)
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	for i, p := range pages {
		if want := fmt.Sprintf("第 %d 页，共 %d 页", i+1, len(pages)); !strings.Contains(p, want) || !strings.Contains(p, "远航贸易") {
			t.Errorf("page %d lacks its foot %q:\n%s", i+1, want, p)
		}
		if strings.Contains(p, "C-") && !strings.Contains(p, "Amount") {
			t.Errorf("page %d has rows without a head", i+1)
		}
	}
	all := strings.Join(pages, "\n")
	for i := range 120 {
		if !strings.Contains(all, fmt.Sprintf("C-%04d", i)) || !strings.Contains(all, fmt.Sprintf("%d,234,567.89", i)) {
			t.Errorf("row %d is missing", i)
		}
	}
	if !strings.Contains(all, "信用特殊情况日报") || !strings.Contains(all, "无") || !strings.Contains(all, "□ end") {
		t.Errorf("texts are missing in\n%s", all)
	}
}

func TestSameContentSameBytes(t *testing.T) {
	t.Parallel()
	make1 := func() []byte {
		d := paper.New(paper.Options{Font: font(t), Made: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)})
		d.Title("信用")
		b, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(make1(), make1()) {
		t.Error("the same document has other bytes")
	}
}

func TestFonts(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.ttc")
	if err := os.WriteFile(broken, append([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10"), make([]byte, 4)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"absent": filepath.Join(t.TempDir(), "none.ttf"), "not a font": os.Args[0], "cut off": broken} {
		_, err := paper.FindFont(file)
		e, _ := errs.As(err)
		if errs.ReasonOf(err) != paper.ReasonNoFont || !strings.Contains(e.Message, paper.FontPackage) || !strings.Contains(e.Message, "AVAL_FONT_FILE") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := paper.New(paper.Options{}).Bytes(); err == nil {
		t.Error("a document without a font was made")
	}
}
