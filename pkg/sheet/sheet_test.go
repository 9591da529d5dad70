package sheet_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/sheet"
)

func reopen(t interface{ Fatal(...any) }, b []byte) *excelize.File {
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTextStaysTextAndAmountsAreNumbers(t *testing.T) {
	t.Parallel()
	texts := []string{"=1+1", "+86 10 1234", "-5", "@SUM(A1)", "\t=1+1", "\r=1", "00123", "2026-07-01", "1E5", "上海<&>\"商贸", "a\x00b"}
	var rows [][]sheet.Cell
	for _, s := range texts {
		rows = append(rows, []sheet.Cell{sheet.Text(s), sheet.Amount(-123456789, 2), sheet.Integer(42), sheet.Empty()})
	}
	rows = append(rows, []sheet.Cell{sheet.Text("large"), sheet.Amount(1_000_000_000_000_001, 2), sheet.Integer(0)})
	b, err := sheet.Write(sheet.Sheet{Name: "订单 Holds", Title: "=HYPERLINK()", Columns: []sheet.Column{{Title: "=A"}, {Title: "Amount"}, {Title: "n"}, {Title: "none"}}, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	f := reopen(t, b)
	if got, _ := f.GetCellValue("订单 Holds", "A1", excelize.Options{RawCellValue: true}); got != "=HYPERLINK()" {
		t.Errorf("title %q", got)
	}
	for i, s := range texts {
		at, _ := excelize.CoordinatesToCellName(1, i+3)
		kind, _ := f.GetCellType("订单 Holds", at)
		got, _ := f.GetCellValue("订单 Holds", at, excelize.Options{RawCellValue: true})
		want := strings.NewReplacer("\x00", " ", "\r", " ").Replace(s)
		if got != want || (kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString) {
			t.Errorf("%s: %q of type %d, want text %q", at, got, kind, want)
		}
		if formula, _ := f.GetCellFormula("订单 Holds", at); formula != "" {
			t.Errorf("%s is a formula: %s", at, formula)
		}
	}
	for at, want := range map[string]string{"B3": "-1234567.89", "C3": "42", "D3": "", "B14": "10000000000000.01"} {
		if got, _ := f.GetCellValue("订单 Holds", at, excelize.Options{RawCellValue: true}); got != want {
			t.Errorf("%s = %q, want %q", at, got, want)
		}
		if kind, _ := f.GetCellType("订单 Holds", at); want != "" && kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
			t.Errorf("%s is of type %d, want a number", at, kind)
		}
	}
	if shown, _ := f.GetCellValue("订单 Holds", "B3"); shown != "-1,234,567.89" {
		t.Errorf("amount is shown as %q", shown)
	}
}

func TestSheetNames(t *testing.T) {
	t.Parallel()
	if _, err := sheet.Write(); err == nil {
		t.Error("no sheet was written")
	}
	if _, err := sheet.Write(sheet.Sheet{Name: "a"}, sheet.Sheet{Name: "a"}); err == nil {
		t.Error("two sheets of one name were written")
	}
	b, err := sheet.Write(sheet.Sheet{Name: "a/b:c[d]?*\\e 'x'"}, sheet.Sheet{}, sheet.Sheet{Name: strings.Repeat("额", 40)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(reopen(t, b).GetSheetList()); n != 3 {
		t.Errorf("%d sheets, want 3", n)
	}
}

// Whatever text a file holds, it opens again, has no formula, and the text is there.
func TestAnyTextComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[=+@\-\t][A-Z0-9()!:]{0,8}`)).Draw(rt, "text")
		b, err := sheet.Write(sheet.Sheet{Name: "s", Rows: [][]sheet.Cell{{sheet.Text(text), sheet.Integer(1)}}})
		if err != nil {
			rt.Fatal(err)
		}
		f := reopen(rt, b)
		defer func() { _ = f.Close() }()
		if formula, _ := f.GetCellFormula("s", "A1"); formula != "" {
			rt.Fatalf("a formula: %q", formula)
		}
		if got, _ := f.GetCellValue("s", "B1"); got != "1" {
			rt.Fatalf("the cell behind it is %q", got)
		}
		got, _ := f.GetCellValue("s", "A1", excelize.Options{RawCellValue: true})
		if strings.ContainsAny(text, "_\x00") || strings.TrimSpace(text) != text {
			return // escapes of the format and white space at the ends are the reader's affair
		}
		for _, r := range text {
			if r < ' ' || r == 0xFFFD || r == 0xFFFE || r == 0xFFFF {
				return
			}
		}
		if got != text {
			rt.Fatalf("%q came back as %q", text, got)
		}
	})
}
