// Package paper makes documents (PDF, A4) in Chinese and English: headings, paragraphs and tables that run over pages, with
// "page n of m" below each.
package paper

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// ContentType is the media type of a document.
const ContentType = "application/pdf"

// Measures in millimetres and points.
const (
	margin     = 14.0
	footRoom   = 16.0
	keepBelow  = 36.0 // room that a heading wants, for itself and for the head and first row of a table
	padding    = 1.2
	titleSize  = 16.0
	headSize   = 11.5
	textSize   = 9.0
	cellSize   = 8.0
	smallSize  = 7.5
	lineOf     = 0.46 // height of a line in millimetres per point
	maxLines   = 12   // of one cell of a table; more is cut with an ellipsis
	family     = "text"
	maxPages   = 5000
	beyondBMP  = '\u25A1' // stands for characters that the format's fonts do not reach
	maxOfACell = 4000     // characters looked at
)

// Options of a document.
type Options struct {
	Font      Font
	Landscape bool
	Title     string                       // of the file's properties
	Made      time.Time                    // of the file's properties
	Left      string                       // at the foot of each page, on the left
	PageOf    func(page, total int) string // at the foot of each page, on the right
}

// Doc is a document being written. What is written is kept until Bytes lays it out: a font of just the characters that it has is made first.
// It is not safe for several goroutines; the first mistake is told by Bytes.
type Doc struct {
	opts  Options
	parts []func()
	has   map[rune]bool // characters
	pdf   *fpdf.Fpdf
	err   error
}

// New begins a document.
func New(o Options) *Doc {
	d := &Doc{opts: o, has: map[rune]bool{}}
	d.note(o.Left, "…", string(beyondBMP))
	for page := range 10 { // of all digits
		d.note(d.pageOf(page, page))
	}
	return d
}

// part adds a part of the document that has texts.
func (d *Doc) part(write func(), texts ...string) {
	d.note(texts...)
	d.parts = append(d.parts, write)
}

// note adds the characters of texts to those that the document has.
func (d *Doc) note(texts ...string) {
	for _, text := range texts {
		for _, r := range text {
			d.has[r] = true
		}
	}
}

// begin makes the first page.
func (d *Doc) begin() {
	orientation := "P"
	if d.opts.Landscape {
		orientation = "L"
	}
	d.pdf = fpdf.New(orientation, "mm", "A4", "")
	d.pdf.AddUTF8FontFromBytes(family, "", d.opts.Font.face.of(d.has))
	d.pdf.SetMargins(margin, margin, margin)
	d.pdf.SetAutoPageBreak(false, footRoom)
	d.pdf.SetTitle(clean(d.opts.Title), true)
	d.pdf.SetProducer("Aval", true)
	d.pdf.SetCatalogSort(true)
	if !d.opts.Made.IsZero() {
		d.pdf.SetCreationDate(d.opts.Made)
		d.pdf.SetModificationDate(d.opts.Made)
	}
	d.pdf.AddPage()
}

// guard runs fn unless there was a mistake, and keeps the one that it makes: the library panics on broken fonts.
func (d *Doc) guard(fn func()) {
	if d.err != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			d.err = fmt.Errorf("paper: %v", p)
		}
	}()
	fn()
	if err := d.pdf.Error(); err != nil && d.err == nil {
		d.err = fmt.Errorf("paper: %w", err)
	}
}

// Title writes the title of the document.
func (d *Doc) Title(text string) {
	d.part(func() { d.lines(text, titleSize, 0x10, 1.5) }, text)
}

// Heading begins a part of the document; it is kept with at least some lines of what follows.
func (d *Doc) Heading(text string) {
	d.part(func() {
		d.room(keepBelow)
		d.pdf.Ln(3)
		d.lines(text, headSize, 0x10, 1)
	}, text)
}

// Text writes a paragraph.
func (d *Doc) Text(text string) {
	d.part(func() { d.lines(text, textSize, 0x30, 1) }, text)
}

// lines writes a text over as many lines as it needs, in a shade of grey, with a gap below in millimetres.
func (d *Doc) lines(text string, size float64, shade int, gap float64) {
	d.font(size, shade)
	height := size * lineOf * 1.15
	for _, line := range d.wrap(clean(text), d.width()) {
		d.room(height)
		d.pdf.SetX(margin)
		d.pdf.CellFormat(d.width(), height, line, "", 1, "L", false, 0, "")
	}
	d.pdf.Ln(gap)
}

func (d *Doc) font(size float64, shade int) {
	d.pdf.SetFont(family, "", size)
	d.pdf.SetTextColor(shade, shade, shade)
}

func (d *Doc) width() float64 {
	w, _ := d.pdf.GetPageSize()
	return w - 2*margin
}

// left is how much room the page has.
func (d *Doc) left() float64 {
	_, h := d.pdf.GetPageSize()
	return h - footRoom - d.pdf.GetY()
}

// room begins a new page where height does not fit, and reports whether it did.
func (d *Doc) room(height float64) bool {
	if height <= d.left() {
		return false
	}
	if d.pdf.PageCount() >= maxPages {
		d.pdf.SetError(fmt.Errorf("more than %d pages", maxPages))
		return false
	}
	size, _ := d.pdf.GetFontSize()
	r, g, b := d.pdf.GetTextColor()
	d.pdf.AddPage()
	d.pdf.SetFont(family, "", size)
	d.pdf.SetTextColor(r, g, b)
	return true
}

// Bytes lays the document out and ends it: the foot of every page is written last, when their number is known.
func (d *Doc) Bytes() ([]byte, error) {
	if d.opts.Font.face == nil {
		return nil, errors.New("paper: no font")
	}
	d.guard(d.begin)
	for _, write := range d.parts {
		d.guard(write)
	}
	d.guard(d.feet)
	var b bytes.Buffer
	d.guard(func() {
		if err := d.pdf.Output(&b); err != nil {
			d.pdf.SetError(err)
		}
	})
	if d.err != nil {
		return nil, d.err
	}
	return b.Bytes(), nil
}

func (d *Doc) pageOf(page, total int) string {
	if d.opts.PageOf == nil {
		return fmt.Sprintf("%d / %d", page, total)
	}
	return d.opts.PageOf(page, total)
}

func (d *Doc) feet() {
	total := d.pdf.PageCount()
	_, h := d.pdf.GetPageSize()
	for page := 1; page <= total; page++ {
		d.pdf.SetPage(page)
		d.pdf.SetDrawColor(0xB0, 0xB8, 0xC0)
		d.pdf.Line(margin, h-footRoom+4, margin+d.width(), h-footRoom+4)
		d.font(smallSize, 0x50)
		d.pdf.SetXY(margin, h-footRoom+5)
		d.pdf.CellFormat(d.width()*3/4, 5, clean(d.opts.Left), "", 0, "L", false, 0, "")
		d.pdf.SetXY(margin+d.width()*3/4, h-footRoom+5)
		d.pdf.CellFormat(d.width()/4, 5, clean(d.pageOf(page, total)), "", 0, "R", false, 0, "")
	}
}

// clean is the text as the format's fonts can show it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ' || r == 0x7F || r == '\uFEFF' || (r >= '\u202A' && r <= '\u202E') || (r >= '\u2066' && r <= '\u2069'):
			return ' ' // control characters, and those that turn the direction of writing around
		case r > 0xFFFF:
			return beyondBMP
		}
		return r
	}, s)
}
