package paper

import (
	"slices"
	"sync"
)

// face is a font of which the shapes are read once for the process. The PDF library reads a font twice for each document, all of its tens of
// thousands of characters; so it is given a font of the few characters that the document has. The document is the same either way, but for
// the name that the font has in it.
type face struct {
	bytes  []byte
	glyphs func() (*glyphs, error)
}

func newFace(font []byte) *face {
	return &face{bytes: font, glyphs: sync.OnceValues(func() (*glyphs, error) { return readGlyphs(font) })}
}

// of is a font of the characters; all of it where its shapes are not understood. It is the caller's.
func (f *face) of(has map[rune]bool) []byte {
	if g, err := f.glyphs(); err == nil {
		if out, err := g.only(has); err == nil {
			return out
		}
	}
	return slices.Clone(f.bytes)
}
