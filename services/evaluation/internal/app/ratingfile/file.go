// Package ratingfile makes the document (PDF) of a rating report.
package ratingfile

import (
	"fmt"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/evaluation/internal/rating/report"
)

// File is a file to download.
type File struct {
	Name, ContentType string
	Data              []byte
}

// PDF makes the document; made is the day that its properties name. Errors: FONT_MISSING is
// the caller's, who brings the font.
func PDF(r report.Report, ratingID string, made time.Time, font paper.Font) (File, error) {
	page := "page %d of %d"
	if r.Language == report.Chinese {
		page = "第 %d 页，共 %d 页"
	}
	doc := paper.New(paper.Options{
		Font: font, Landscape: true, Title: r.Title, Made: made, Left: r.Title,
		PageOf: func(n, of int) string { return fmt.Sprintf(page, n, of) },
	})
	doc.Title(r.Title)
	for _, p := range r.Parts {
		doc.Heading(p.Heading)
		for _, line := range p.Lines {
			doc.Text(line)
		}
		if len(p.Columns) == 0 {
			continue
		}
		t := paper.Table{Empty: p.Empty, Rows: p.Rows}
		for _, c := range p.Columns {
			align := paper.Left
			if c.Right {
				align = paper.Right
			}
			t.Columns = append(t.Columns, paper.Column{Title: c.Title, Weight: c.Weight, Align: align})
		}
		doc.Table(t)
	}
	data, err := doc.Bytes()
	return File{Name: "rating-" + safe(ratingID) + "-" + string(r.Language) + ".pdf", ContentType: paper.ContentType, Data: data}, err
}

// safe keeps of an id what needs no quoting in a file's name.
func safe(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, id)
}
