package paper

import (
	"reflect"
	"sync"
	"unsafe"

	"codeberg.org/go-pdf/fpdf"
)

// face is a font of which the library's reading is kept. The library itself reads a font twice for each document, all of its tens of
// thousands of characters; here it reads it once, and then for each document only a font of the characters that are in it. Documents
// are the same bytes as the library alone makes.
type face struct {
	bytes  []byte // is never written to: the library, which does write to what it is given, gets copies
	read   sync.Once
	kept   reflect.Value // the library's definition of the font, whose slices and maps are not written to; invalid where it has another shape
	key    reflect.Value // under which the library has it
	glyphs *glyphs
}

// loaded is a font within one document.
type loaded struct {
	face   *face
	used   map[int]int // by the library: characters of the document
	source *[]byte     // what the library cuts the document's font from
}

// load gives a document its font. Where the library's insides are not those that are known here it reads all of the font, as ever.
func (f *face) load(pdf *fpdf.Fpdf) *loaded {
	f.read.Do(f.keep)
	if f.glyphs == nil {
		pdf.AddUTF8FontFromBytes(family, "", append([]byte(nil), f.bytes...))
		return nil
	}
	fonts := fontsOf(pdf)
	definition := reflect.New(f.kept.Type()).Elem()
	definition.Set(f.kept)
	l := &loaded{face: f, used: map[int]int{}}
	used := field(definition, "usedRunes")
	for _, k := range used.MapKeys() {
		l.used[int(k.Int())] = 0
	}
	used.Set(reflect.ValueOf(l.used))
	file := field(definition, "utf8File")
	file.Set(reflect.New(file.Type().Elem()))
	reader := field(file.Elem(), "fileReader")
	reader.Set(reflect.New(reader.Type().Elem()))
	l.source = (*[]byte)(field(reader.Elem(), "array").Addr().UnsafePointer())
	fonts.SetMapIndex(f.key, definition)
	return l
}

// cut says which characters the document has, when it has all of them.
func (l *loaded) cut() {
	if l == nil {
		return
	}
	out, err := l.face.glyphs.only(l.used)
	if err != nil {
		out = append([]byte(nil), l.face.bytes...)
	}
	*l.source = out
}

// keep has the library read the font and keeps what it has made of it, if that is of the shape that is known here.
func (f *face) keep() {
	defer func() {
		if recover() != nil {
			f.glyphs = nil
		}
	}()
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.AddUTF8FontFromBytes(family, "", append([]byte(nil), f.bytes...))
	fonts := fontsOf(pdf)
	if pdf.Error() != nil || fonts.Len() != 1 {
		return
	}
	f.key = fonts.MapKeys()[0]
	f.kept = reflect.New(fonts.Type().Elem()).Elem()
	f.kept.Set(fonts.MapIndex(f.key))
	file := field(f.kept, "utf8File")
	reader := field(file.Elem(), "fileReader")
	if field(f.kept, "usedRunes").Type() != reflect.TypeFor[map[int]int]() || field(reader.Elem(), "array").Type() != reflect.TypeFor[[]byte]() {
		return
	}
	if g, err := readGlyphs(f.bytes); err == nil {
		f.glyphs = g
	}
}

func fontsOf(pdf *fpdf.Fpdf) reflect.Value { return field(reflect.ValueOf(pdf).Elem(), "fonts") }

// field is a field of a struct of the library, also one that it keeps to itself; it panics where there is none of the name.
func field(of reflect.Value, name string) reflect.Value {
	v := of.FieldByName(name)
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem() //nolint:gosec // the library gives no other way to share what it read of a font
}
