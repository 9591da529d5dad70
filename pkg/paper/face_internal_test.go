package paper

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// full is a document of texts, each in a table, too.
func full(f Font, texts ...string) ([]byte, error) {
	d := New(Options{Font: f, Title: "t", Made: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Left: texts[0], PageOf: func(n, m int) string { return fmt.Sprintf("第 %d 页，共 %d 页", n, m) }})
	table := Table{Columns: []Column{{Title: "a", Weight: 1}, {Title: "b", Weight: 1, Align: Right}}}
	for _, t := range texts {
		d.Text(t)
		table.Rows = append(table.Rows, []string{t, t})
	}
	d.Table(table)
	return d.Bytes()
}

// every is a text of each nth character from first to last.
func every(n, first, last rune) string {
	var b strings.Builder
	for r := first; r <= last; r += n {
		b.WriteRune(r)
	}
	return b.String()
}

// fontName is the library's name of a font, a sum of its bytes; the rest are places and lengths.
var fontName = regexp.MustCompile(`/F[0-9a-f]{40}|/Length \d+|(?s:xref.*)`)

var streams = regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`)

// shown is a document without compression, and without what depends on the font's name.
func shown(t *testing.T, pdf []byte) string {
	t.Helper()
	open := streams.ReplaceAllFunc(pdf, func(s []byte) []byte {
		r, err := zlib.NewReader(bytes.NewReader(s[len("stream\n"):]))
		if err != nil {
			return s
		}
		out, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		return out
	})
	return fontName.ReplaceAllString(string(open), "")
}

// Documents with a font of their characters alone are those that the library makes of the whole font, also at the same time.
func TestFontOfADocumentGivesTheSame(t *testing.T) {
	t.Parallel()
	kept, err := FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not tested: %v", err)
	}
	alone := &face{bytes: kept.face.bytes, glyphs: func() (*glyphs, error) { return nil, errBrokenFont }}
	var all sync.WaitGroup
	for name, texts := range map[string][]string{
		"English":        {"Statement of account", "Page 1 of 2, 1,234.50"},
		"Chinese":        {"往来款项询证函", "上海远航国际贸易（集团）股份有限公司"},
		"put together":   {every(1, 0xC0, 0x17F), every(1, 0x1E00, 0x1EFF)}, // letters with their accents
		"all sorts":      {every(3, 0x2000, 0x27BF), every(1, 0xFF00, 0xFFFF), every(1, 0x3000, 0x312F)},
		"not in it":      {every(9, 0xE000, 0xE0FF), every(1, 0x0700, 0x07FF), "🚀"},
		"lots":           {every(31, 0x4E00, 0x9FFF)},
		"nothing at all": {""},
	} {
		all.Go(func() {
			want, err := full(Font{face: alone}, texts...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for range 2 {
				got, err := full(kept, texts...)
				if err != nil || shown(t, got) != shown(t, want) {
					t.Errorf("%s: another document (%d bytes, not %d), %v", name, len(got), len(want), err)
				}
			}
		})
	}
	all.Wait()
	if _, err := kept.face.glyphs(); err != nil {
		t.Errorf("the library reads all of the font for each document: %v", err)
	}
}

// A font file that has changed is read again.
func TestChangedFontIsReadAgain(t *testing.T) {
	t.Parallel()
	kept, err := FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not tested: %v", err)
	}
	file := t.TempDir() + "/font.ttf"
	write := func(more string) Font {
		if err := os.WriteFile(file, append(append([]byte(nil), kept.face.bytes...), more...), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := FindFont(file)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := write("")
	if again, err := FindFont(file); err != nil || again != first {
		t.Errorf("an unchanged font is read again, %v", err)
	}
	if changed := write("xxxx"); changed == first {
		t.Error("a changed font is not read again")
	}
}

func TestBrokenGlyphs(t *testing.T) {
	t.Parallel()
	kept, err := FindFont(os.Getenv("AVAL_FONT_FILE"))
	if err != nil {
		t.Skipf("documents are not tested: %v", err)
	}
	for _, n := range []int{0, 4, 11, 100, 200} {
		if _, err := readGlyphs(kept.face.bytes[:n]); err == nil {
			t.Errorf("%d bytes are a font", n)
		}
	}
}
