// Package sheet writes spreadsheets (XLSX): text stays text, whatever it begins with, and amounts are numbers that can be summed.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// ContentType is the media type of a spreadsheet.
const ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Bounds of the format.
const (
	maxText    = 32_767 // characters of a cell
	maxName    = 31     // characters of a sheet's name
	maxRows    = 1_048_576
	maxDigits  = 4
	thousands  = "#,##0"
	widthOfAll = 16
)

// Column is one column of a sheet.
type Column struct {
	Title string
	Width float64 // in characters; 0: 16
}

// Cell is one value; make it with Text, Amount, Integer or Empty.
type Cell struct {
	text   string
	number any // float64 or int64; nil: text
	digits int
}

// Text is a cell that is never a formula, a number or a date, whatever it holds. Characters that XML cannot hold become spaces.
func Text(s string) Cell { return Cell{text: clean(s)} }

// Integer is a whole number.
func Integer(n int64) Cell { return Cell{number: n} }

// Amount is a number of minor units, shown with digits decimals (at most 4). Up to 2^53 minor units it is exact.
func Amount(minor int64, digits int) Cell {
	digits = min(max(digits, 0), maxDigits)
	return Cell{number: float64(minor) / math.Pow10(digits), digits: digits}
}

// Empty is a cell with nothing in it.
func Empty() Cell { return Cell{} }

// Sheet is one table: a title above it, a head and rows.
type Sheet struct {
	Name    string // tab; shortened where it is too long
	Title   string // first line; empty: none
	Columns []Column
	Rows    [][]Cell
}

// Write makes a spreadsheet of the sheets. Errors: no sheet, two of one name, more rows than the format holds.
func Write(sheets ...Sheet) ([]byte, error) {
	if len(sheets) == 0 {
		return nil, errors.New("sheet: nothing to write")
	}
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // only frees memory
	w := &writer{file: f, amounts: map[int]int{}}
	if err := w.makeStyles(); err != nil {
		return nil, err
	}
	for i, s := range sheets {
		if err := w.add(i, s); err != nil {
			return nil, fmt.Errorf("sheet %q: %w", s.Name, err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	return b.Bytes(), nil
}

type writer struct {
	file         *excelize.File
	title, head  int         // styles
	text, whole  int         // styles
	amounts      map[int]int // style by digits
	sheetsByName map[string]bool
}

func (w *writer) makeStyles() error {
	var err error
	style := func(s *excelize.Style) int {
		id, e := w.file.NewStyle(s)
		err = errors.Join(err, e)
		return id
	}
	format := func(s string) *string { return &s }
	w.title = style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	w.head = style(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7ECF2"}},
		Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"}, Border: []excelize.Border{{Type: "bottom", Color: "8A94A0", Style: 1}},
	})
	w.text = style(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}) // 49 is "text"
	w.whole = style(&excelize.Style{CustomNumFmt: format(thousands), Alignment: &excelize.Alignment{Vertical: "top"}})
	for d := range maxDigits + 1 {
		number := thousands
		if d > 0 {
			number += "." + strings.Repeat("0", d)
		}
		w.amounts[d] = style(&excelize.Style{CustomNumFmt: format(number), Alignment: &excelize.Alignment{Vertical: "top"}})
	}
	w.sheetsByName = map[string]bool{}
	return err
}

func (w *writer) add(i int, s Sheet) error {
	name := tab(s.Name)
	if w.sheetsByName[name] {
		return errors.New("two sheets have this name")
	}
	w.sheetsByName[name] = true
	if len(s.Rows) > maxRows-10 {
		return fmt.Errorf("%d rows are more than the format holds", len(s.Rows))
	}
	if i == 0 {
		if err := w.file.SetSheetName(w.file.GetSheetName(0), name); err != nil {
			return err
		}
	} else if _, err := w.file.NewSheet(name); err != nil {
		return err
	}
	out, err := w.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	return w.fill(out, s)
}

func (w *writer) fill(out *excelize.StreamWriter, s Sheet) error {
	for i, c := range s.Columns {
		width := c.Width
		if width <= 0 {
			width = widthOfAll
		}
		if err := out.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	row := 1
	put := func(cells []any) error {
		at, err := excelize.CoordinatesToCellName(1, row)
		if err != nil {
			return err
		}
		row++
		return out.SetRow(at, cells)
	}
	if s.Title != "" {
		if err := put([]any{excelize.Cell{Value: clean(s.Title), StyleID: w.title}}); err != nil {
			return err
		}
	}
	if len(s.Columns) > 0 {
		head := make([]any, len(s.Columns))
		for i, c := range s.Columns {
			head[i] = excelize.Cell{Value: clean(c.Title), StyleID: w.head}
		}
		if err := put(head); err != nil {
			return err
		}
	}
	for _, r := range s.Rows {
		cells := make([]any, len(r))
		for i, c := range r {
			cells[i] = w.cell(c)
		}
		if err := put(cells); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (w *writer) cell(c Cell) any {
	switch c.number.(type) {
	case int64:
		return excelize.Cell{Value: c.number, StyleID: w.whole}
	case float64:
		return excelize.Cell{Value: c.number, StyleID: w.amounts[c.digits]}
	}
	if c.text == "" {
		return nil
	}
	return excelize.Cell{Value: c.text, StyleID: w.text}
}

// tab is a name that the format takes for a sheet.
func tab(name string) string {
	name = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]`, r) || r < ' ' {
			return ' '
		}
		return r
	}, name), "' ")
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	if name == "" {
		return "Sheet"
	}
	return name
}

// clean is the text as XML can hold it and a cell is long.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r < ' ' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF:
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText])
	}
	return s
}
