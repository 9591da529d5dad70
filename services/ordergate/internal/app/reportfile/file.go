// Package reportfile makes files of the daily report that people read: a document (PDF) and a spreadsheet (XLSX), in Chinese and
// English. Both are made of the same parts, so they say the same.
package reportfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/sheet"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// Language of a file.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Options of a file.
type Options struct {
	Language Language
	Zone     *time.Location // in which times are shown
	Kept     bool           // the report is kept; else it is of the moment
	Hash     []byte         // of a report that is kept
}

// File is a file to download.
type File struct {
	Name, ContentType string
	Data              []byte
}

// cell is a value of a part: a text, or a number of minor units with the decimals of its currency, or a whole number.
type cell struct {
	text   string
	minor  int64
	digits int
	kind   kind
}

type kind uint8

const (
	isText kind = iota
	isAmount
	isNumber
)

func text(s string) cell { return cell{text: s} }

func number(n int) cell { return cell{kind: isNumber, minor: int64(n)} }

func amount(minor int64, currency string) cell {
	digits, ok := money.Digits(currency)
	if !ok {
		digits = 2
	}
	return cell{kind: isAmount, minor: minor, digits: digits}
}

// shown is the cell as a document shows it: thousands are parted by commas.
func (c cell) shown() string {
	switch c.kind {
	case isNumber:
		return strconv.FormatInt(c.minor, 10)
	case isAmount:
		return grouped(c.minor, c.digits)
	case isText:
	}
	return c.text
}

// grouped is an amount with commas between thousands.
func grouped(minor int64, digits int) string {
	s := strconv.FormatInt(minor, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for len(s) <= digits {
		s = "0" + s
	}
	whole, rest := s[:len(s)-digits], s[len(s)-digits:]
	var b strings.Builder
	b.WriteString(sign)
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if rest != "" {
		b.WriteString("." + rest)
	}
	return b.String()
}

// column of a part. Weight is its share of the page.
type column struct {
	title  string
	weight float64
	right  bool
}

// part is one list of the report.
type part struct {
	title, tab, empty string
	columns           []column
	rows              [][]cell
	count             int64 // of all there are
}

// XLSX makes the spreadsheet: a sheet of counts, and one for each part.
func XLSX(d report.Daily, o Options) (File, error) {
	w := wordsOf(o.Language)
	var sheets []sheet.Sheet
	for i, p := range w.parts(d, o) {
		s := sheet.Sheet{Name: p.tab, Title: p.title}
		if i == 0 {
			s.Title = w.title + "  " + d.Date.String()
		}
		for _, c := range p.columns {
			s.Columns = append(s.Columns, sheet.Column{Title: c.title, Width: 6 + c.weight*6})
		}
		for _, r := range p.rows {
			row := make([]sheet.Cell, len(r))
			for i, c := range r {
				switch c.kind {
				case isAmount:
					row[i] = sheet.Amount(c.minor, c.digits)
				case isNumber:
					row[i] = sheet.Integer(c.minor)
				case isText:
					row[i] = sheet.Text(c.text)
				}
			}
			s.Rows = append(s.Rows, row)
		}
		if i > 0 && len(p.rows) == 0 {
			s.Rows = [][]sheet.Cell{{sheet.Text(p.empty)}}
		}
		if i == 0 {
			for _, line := range w.about(d, o) {
				s.Rows = append(s.Rows, []sheet.Cell{sheet.Text(line)})
			}
		}
		sheets = append(sheets, s)
	}
	data, err := sheet.Write(sheets...)
	return File{Name: name(d, o, "xlsx"), ContentType: sheet.ContentType, Data: data}, err
}

// PDF makes the document. Errors: FONT_MISSING is the caller's, who brings the font.
func PDF(d report.Daily, o Options, font paper.Font) (File, error) {
	w := wordsOf(o.Language)
	doc := paper.New(paper.Options{
		Font: font, Landscape: true, Title: w.title + " " + d.Date.String(), Made: d.MadeAt,
		Left: w.title + "  " + d.Date.String(), PageOf: func(n, of int) string { return fmt.Sprintf(w.pageOf, n, of) },
	})
	doc.Title(w.title + "  " + d.Date.String())
	for _, line := range w.about(d, o) {
		doc.Text(line)
	}
	for i, p := range w.parts(d, o) {
		heading := p.title
		if i > 0 {
			heading += fmt.Sprintf(w.howMany, p.count)
		}
		doc.Heading(heading)
		t := paper.Table{Empty: p.empty}
		if i == 0 {
			t.Share = 0.4
		}
		for _, c := range p.columns {
			align := paper.Left
			if c.right {
				align = paper.Right
			}
			t.Columns = append(t.Columns, paper.Column{Title: c.title, Weight: c.weight, Align: align})
		}
		for _, r := range p.rows {
			row := make([]string, len(r))
			for i, c := range r {
				row[i] = c.shown()
			}
			t.Rows = append(t.Rows, row)
		}
		doc.Table(t)
		if left := p.count - int64(len(p.rows)); i > 0 && left > 0 {
			doc.Text(fmt.Sprintf(w.leftOut, left))
		}
	}
	data, err := doc.Bytes()
	return File{Name: name(d, o, "pdf"), ContentType: paper.ContentType, Data: data}, err
}

func name(d report.Daily, o Options, extension string) string {
	return "daily-credit-report-" + d.Date.String() + "-" + string(o.Language) + "." + extension
}
