// Package reportfile makes files that people read of aging and of the monthly receivables
// report: spreadsheets (XLSX) and documents (PDF), in Chinese and English. Both are made of
// the same parts, so they say the same.
package reportfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/sheet"
)

// Language of a file.
type Language string

// The languages.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// File is a file to download.
type File struct {
	Name, ContentType string
	Data              []byte
}

// cell is a value of a part: a text, an amount or a whole number.
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

func number(n int64) cell { return cell{kind: isNumber, minor: n} }

func amount(m money.Money) cell {
	digits, ok := money.Digits(m.Currency)
	if !ok {
		digits = 2
	}
	return cell{kind: isAmount, minor: m.Minor, digits: digits}
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

func (c cell) sheet() sheet.Cell {
	switch c.kind {
	case isNumber:
		return sheet.Integer(c.minor)
	case isAmount:
		return sheet.Amount(c.minor, c.digits)
	case isText:
	}
	return sheet.Text(c.text)
}

func grouped(minor int64, digits int) string {
	s := strconv.FormatInt(minor, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if len(s) <= digits {
		s = strings.Repeat("0", digits-len(s)+1) + s
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

// column of a part; weight is its share of the page.
type column struct {
	title  string
	weight float64
	right  bool
}

// part is one table of a file.
type part struct {
	title, tab string
	// about are lines of text below the title.
	about   []string
	columns []column
	rows    [][]cell
}

func (p *part) add(cells ...cell) { p.rows = append(p.rows, cells) }

// book makes the spreadsheet of parts.
func book(name, title string, parts []part, empty string) (File, error) {
	var sheets []sheet.Sheet
	for _, p := range parts {
		s := sheet.Sheet{Name: p.tab, Title: title + "  " + p.title}
		for _, c := range p.columns {
			s.Columns = append(s.Columns, sheet.Column{Title: c.title, Width: 6 + c.weight*6})
		}
		for _, r := range p.rows {
			row := make([]sheet.Cell, len(r))
			for i, c := range r {
				row[i] = c.sheet()
			}
			s.Rows = append(s.Rows, row)
		}
		if len(p.rows) == 0 {
			s.Rows = append(s.Rows, []sheet.Cell{sheet.Text(empty)})
		}
		for _, line := range p.about {
			s.Rows = append(s.Rows, []sheet.Cell{sheet.Text(line)})
		}
		sheets = append(sheets, s)
	}
	data, err := sheet.Write(sheets...)
	return File{Name: name + ".xlsx", ContentType: sheet.ContentType, Data: data}, err
}

// document makes the document of parts.
func document(name, title string, parts []part, o documentOptions) (File, error) {
	doc := paper.New(paper.Options{
		Font: o.font, Landscape: true, Title: title, Made: o.made, Left: title,
		PageOf: func(n, of int) string { return fmt.Sprintf(o.pageOf, n, of) },
	})
	doc.Title(title)
	for _, p := range parts {
		doc.Heading(p.title)
		for _, line := range p.about {
			doc.Text(line)
		}
		t := paper.Table{Empty: o.empty}
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
	}
	data, err := doc.Bytes()
	return File{Name: name + ".pdf", ContentType: paper.ContentType, Data: data}, err
}

type documentOptions struct {
	font          paper.Font
	made          time.Time
	pageOf, empty string
}
