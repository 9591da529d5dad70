package paper

import (
	"slices"
	"strings"
	"unicode"
)

// Align is where the text of a column stands.
type Align string

// The alignments.
const (
	Left  Align = "L"
	Right Align = "R" // for amounts: their points stand below each other
)

// Column is one column of a table. Weight is its share of the width.
type Column struct {
	Title  string
	Weight float64
	Align  Align
}

// Table is a table; Empty is said where it has no rows. Share is the part of the page's width that it takes, 0 or 1: all of it.
type Table struct {
	Columns []Column
	Rows    [][]string
	Empty   string
	Share   float64
}

// Table writes a table, whose rows are not changed afterwards. Its head is repeated on every page; a row is never parted.
func (d *Doc) Table(t Table) {
	d.note(t.Empty)
	for _, c := range t.Columns {
		d.note(c.Title)
	}
	for _, row := range t.Rows {
		d.note(row...)
	}
	d.part(func() {
		if len(t.Rows) == 0 {
			d.lines(t.Empty, textSize, 0x60, 1)
			return
		}
		w := d.widths(t)
		d.head(t.Columns, w)
		for i, row := range t.Rows {
			d.font(cellSize, 0x20)
			cells, height := d.layout(row, w)
			if d.room(height) {
				d.head(t.Columns, w)
				d.font(cellSize, 0x20)
			}
			d.row(t.Columns, w, cells, height, i%2 == 1)
		}
		d.pdf.Ln(2)
	})
}

func (d *Doc) widths(t Table) []float64 {
	var sum float64
	for _, c := range t.Columns {
		sum += max(c.Weight, 0.1)
	}
	whole := d.width()
	if t.Share > 0 && t.Share < 1 {
		whole *= t.Share
	}
	w := make([]float64, len(t.Columns))
	for i, c := range t.Columns {
		w[i] = whole * max(c.Weight, 0.1) / sum
	}
	return w
}

func total(w []float64) (sum float64) {
	for _, x := range w {
		sum += x
	}
	return sum
}

func (d *Doc) head(columns []Column, w []float64) {
	d.font(cellSize, 0x10)
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	cells, height := d.layout(titles, w)
	d.room(height + 3*cellSize*lineOf)
	d.pdf.SetFillColor(0xE7, 0xEC, 0xF2)
	d.pdf.Rect(margin, d.pdf.GetY(), total(w), height, "F")
	d.write(columns, w, cells)
	d.pdf.SetDrawColor(0x8A, 0x94, 0xA0)
	y := d.pdf.GetY() + height
	d.pdf.Line(margin, y, margin+total(w), y)
	d.pdf.SetXY(margin, y)
}

func (d *Doc) row(columns []Column, w []float64, cells [][]string, height float64, shaded bool) {
	if shaded {
		d.pdf.SetFillColor(0xF6, 0xF8, 0xFA)
		d.pdf.Rect(margin, d.pdf.GetY(), total(w), height, "F")
	}
	d.write(columns, w, cells)
	y := d.pdf.GetY() + height
	d.pdf.SetDrawColor(0xDD, 0xE2, 0xE8)
	d.pdf.Line(margin, y, margin+total(w), y)
	d.pdf.SetXY(margin, y)
}

// write puts the lines of each cell at their places and goes back to where it began.
func (d *Doc) write(columns []Column, w []float64, cells [][]string) {
	x, y := margin, d.pdf.GetY()
	line := cellSize * lineOf
	for i, lines := range cells {
		align := columns[i].Align
		if align == "" {
			align = Left
		}
		for n, text := range lines {
			d.pdf.SetXY(x+padding, y+padding+float64(n)*line)
			d.pdf.CellFormat(w[i]-2*padding, line, text, "", 0, string(align), false, 0, "")
		}
		x += w[i]
	}
	d.pdf.SetXY(margin, y)
}

// layout breaks the texts of a row into lines and says how high it is.
func (d *Doc) layout(row []string, w []float64) (cells [][]string, height float64) {
	most := 1
	for i := range w {
		text := ""
		if i < len(row) {
			text = clean(row[i])
		}
		if r := []rune(text); len(r) > maxOfACell {
			text = string(r[:maxOfACell])
		}
		lines := d.wrap(text, w[i]-2*padding)
		if len(lines) > maxLines {
			lines = append(lines[:maxLines-1:maxLines-1], "…")
		}
		cells = append(cells, lines)
		most = max(most, len(lines))
	}
	return cells, float64(most)*cellSize*lineOf + 2*padding
}

// wrap breaks a text into lines no wider than width, at spaces, after some marks, between Chinese characters, and within a word only
// where the word alone is too wide.
func (d *Doc) wrap(text string, width float64) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		lines = append(lines, d.wrapLine([]rune(paragraph), width)...)
	}
	return lines
}

func (d *Doc) wrapLine(text []rune, width float64) []string {
	const slack = 0.01
	var lines []string
	for len(text) > 0 {
		var used float64
		n, at := 0, 0 // runes that fit, and the last place to break before n
		for n < len(text) {
			used += d.pdf.GetStringWidth(string(text[n]))
			if used > width+slack {
				break
			}
			n++
			if n < len(text) && breaks(text[n-1], text[n]) {
				at = n
			}
		}
		switch {
		case n == len(text):
			at = n
		case at == 0:
			at = max(1, n)
		}
		lines = append(lines, strings.TrimRight(string(text[:at]), " "))
		text = text[at:]
		if i := slices.IndexFunc(text, func(r rune) bool { return r != ' ' }); i > 0 {
			text = text[i:]
		}
	}
	if lines == nil {
		return []string{""}
	}
	return lines
}

// breaks reports whether a line may end between the characters: not before closing marks, not after opening ones.
func breaks(a, b rune) bool {
	switch {
	case strings.ContainsRune("，。；：、！？）】》」』”’,.;:!?)]}%", b) || strings.ContainsRune("（【《「『“‘([{¥￥$", a):
		return false
	case b == ' ':
		return false
	case a == ' ' || a == '_' || a == '/' || a == ';':
		return true
	}
	return wide(a) || wide(b)
}

func wide(r rune) bool {
	return unicode.Is(unicode.Han, r) || (r >= 0x3000 && r <= 0x30FF) || (r >= 0xFF00 && r <= 0xFFEF)
}
