package paper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	maxCharacters = 1 << 16
	always        = 0xFF // the last of the characters whose widths the library says in every document
	longMetric    = 4    // bytes: width and bearing
)

// Flags of a part of a glyph that is put together from others.
const (
	wordsFollow = 1 << 0
	oneScale    = 1 << 3
	moreParts   = 1 << 5
	twoScales   = 1 << 6
	matrix      = 1 << 7
)

var errBrokenFont = errors.New("broken font")

// glyphs are the shapes of a TrueType font, by character.
type glyphs struct {
	tables map[string][]byte
	number [maxCharacters]uint16 // of a character's glyph
	has    [maxCharacters]bool   // whether the font speaks of the character at all
	places []int                 // of each glyph within the table glyf, and where the last one ends
	long   int                   // glyphs that have a width of their own
}

// readGlyphs reads a font of one face.
func readGlyphs(font []byte) (g *glyphs, err error) {
	defer broken(&err)
	g = &glyphs{tables: map[string][]byte{}}
	for t := range u16(font, 4) {
		entry := font[12+16*t:]
		from, size := u32(entry, 8), u32(entry, 12)
		g.tables[string(entry[:4])] = font[from : from+size : from+size]
	}
	for _, name := range []string{"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"} {
		if g.tables[name] == nil {
			return nil, fmt.Errorf("%w: no %s", errBrokenFont, name)
		}
	}
	g.long = u16(g.tables["hhea"], 34)
	loca, isLong := g.tables["loca"], u16(g.tables["head"], 50) == 1
	for n := range u16(g.tables["maxp"], 4) + 1 {
		if isLong {
			g.places = append(g.places, u32(loca, 4*n))
		} else {
			g.places = append(g.places, 2*u16(loca, 2*n))
		}
	}
	return g, g.characters()
}

// broken turns reading beyond a font's end into an error.
func broken(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errBrokenFont, p)
	}
}

// characters reads the first table of Unicode characters in format 4, in its order: later ones win.
func (g *glyphs) characters() error {
	cmap := g.tables["cmap"]
	for t := range u16(cmap, 2) {
		platform, encoding, at := u16(cmap, 4+8*t), u16(cmap, 6+8*t), u32(cmap, 8+8*t)
		if (platform == 0 || platform == 3 && encoding == 1) && u16(cmap, at) == 4 {
			g.segments(cmap[at:])
			return nil
		}
	}
	return fmt.Errorf("%w: no Unicode characters", errBrokenFont)
}

func (g *glyphs) segments(t []byte) {
	end, n := u16(t, 2), u16(t, 6)/2
	lasts := 14
	firsts, deltas, offsets := lasts+2*n+2, lasts+4*n+2, lasts+6*n+2
	for s := range n {
		first, last := u16(t, firsts+2*s), u16(t, lasts+2*s)
		delta, offset := u16(t, deltas+2*s), u16(t, offsets+2*s)
		for c := first; c <= last; c++ {
			glyph := c + delta
			if offset != 0 {
				glyph = 0
				if at := offsets + 2*s + offset + 2*(c-first); at < end {
					if glyph = u16(t, at); glyph != 0 {
						glyph += delta
					}
				}
			}
			g.number[c], g.has[c] = uint16(glyph&0xFFFF), true
		}
	}
}

// only makes a font of some characters and of those of which the library always speaks; glyphs keep their order, and the rest of the font stays as
// it is.
func (g *glyphs) only(has map[rune]bool) (out []byte, err error) {
	defer broken(&err)
	var characters []int
	numbers := map[int]int{0: 0}
	for c := range maxCharacters {
		if g.has[c] && (c <= always || has[rune(c)]) {
			characters = append(characters, c)
			g.with(int(g.number[c]), numbers)
		}
	}
	order := make([]int, 0, len(numbers))
	for n := range numbers {
		order = append(order, n)
	}
	slices.Sort(order)
	for i, n := range order {
		numbers[n] = i
	}
	return assemble(g.cut(order, numbers, characters)), nil
}

// with adds a glyph and those that it is put together from.
func (g *glyphs) with(n int, to map[int]int) {
	if _, there := to[n]; there && n != 0 {
		return
	}
	to[n] = 0
	parts(g.shape(n), func(at int, shape []byte) {
		if part := u16(shape, at); part != n {
			g.with(part, to)
		}
	})
}

func (g *glyphs) shape(n int) []byte {
	return g.tables["glyf"][g.places[n]:g.places[n+1]]
}

// parts calls fn with where a shape has the number of each glyph that it is put together from.
func parts(shape []byte, fn func(at int, shape []byte)) {
	const head, isComposite = 10, 1 << 15
	if len(shape) <= 2 || u16(shape, 0)&isComposite == 0 {
		return
	}
	for at, flags := head, moreParts; flags&moreParts != 0; {
		flags = u16(shape, at)
		fn(at+2, shape)
		at += 6
		if flags&wordsFollow != 0 {
			at += 2
		}
		switch {
		case flags&oneScale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
	}
}

// cut are the tables of a font of the glyphs in order, with their new numbers.
func (g *glyphs) cut(order []int, numbers map[int]int, characters []int) map[string][]byte {
	out := map[string][]byte{}
	for name, table := range g.tables {
		switch name {
		case "name", "cvt ", "fpgm", "prep", "gasp", "post", "OS/2":
			out[name] = table
		}
	}
	var glyf, loca, hmtx []byte
	for _, n := range order {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf))) //nolint:gosec // a font is smaller than 4 GiB
		at := len(glyf)
		glyf = append(glyf, g.shape(n)...)
		parts(glyf[at:], func(at int, shape []byte) { put16(shape, at, numbers[u16(shape, at)]) })
		hmtx = append(hmtx, g.metric(n)...)
	}
	out["glyf"], out["hmtx"] = glyf, hmtx
	out["loca"] = binary.BigEndian.AppendUint32(loca, uint32(len(glyf))) //nolint:gosec // as above
	for name, values := range map[string]map[int]int{"head": {50: 1}, "hhea": {34: len(order)}, "maxp": {4: len(order)}} {
		out[name] = slices.Clone(g.tables[name])
		for at, v := range values {
			put16(out[name], at, v)
		}
	}
	out["cmap"] = characterTable(characters, func(c int) int { return numbers[int(g.number[c])] })
	return out
}

func (g *glyphs) metric(n int) []byte {
	hmtx := g.tables["hmtx"]
	if n < g.long {
		return hmtx[longMetric*n : longMetric*(n+1)]
	}
	bearing := longMetric*g.long + 2*(n-g.long)
	return slices.Concat(hmtx[longMetric*(g.long-1):longMetric*(g.long-1)+2], hmtx[bearing:bearing+2])
}

// characterTable is a table in format 4, a segment for each character.
func characterTable(characters []int, glyph func(int) int) []byte {
	n := len(characters)
	lasts, firsts, deltas, offsets := make([]byte, 2*n), make([]byte, 2*n), make([]byte, 2*n), make([]byte, 2*n)
	for i, c := range characters {
		put16(lasts, 2*i, c)
		put16(firsts, 2*i, c)
		put16(deltas, 2*i, glyph(c)-c)
	}
	const head = 12 // of the whole, with its one entry
	t := make([]byte, head+14)
	put16(t, 2, 1)
	put16(t, 4, 3)
	put16(t, 6, 1)
	put16(t, 10, head)
	put16(t, head, 4)
	put16(t, head+6, 2*n)
	t = slices.Concat(t, lasts, make([]byte, 2), firsts, deltas, offsets)
	put16(t, head+2, len(t)-head)
	return t
}

// assemble puts tables together; checksums are left out, as only what the library makes of it is ever shown.
func assemble(tables map[string][]byte) []byte {
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make([]byte, 12+16*len(names))
	copy(out, "\x00\x01\x00\x00")
	put16(out, 4, len(names))
	for i, name := range names {
		entry := out[12+16*i:]
		copy(entry, name)
		binary.BigEndian.PutUint32(entry[8:], uint32(len(out)))           //nolint:gosec // a font is smaller than 4 GiB
		binary.BigEndian.PutUint32(entry[12:], uint32(len(tables[name]))) //nolint:gosec // as above
		out = append(out, tables[name]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }

func u32(b []byte, at int) int { return int(binary.BigEndian.Uint32(b[at:])) }

func put16(b []byte, at, v int) { binary.BigEndian.PutUint16(b[at:], uint16(v&0xFFFF)) }
