// Package reportfile makes files that people read: spreadsheets (XLSX), in Chinese and English.
package reportfile

import (
	"github.com/avalcredit/aval/pkg/money"
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
