package paper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonNoFont is the reason of the error where no font with Chinese characters is found.
const ReasonNoFont = "FONT_MISSING"

// FontPackage is the Debian package that has the font.
const FontPackage = "fonts-wqy-microhei"

// usualFonts are where systems keep a TrueType font with Chinese characters.
func usualFonts() []string {
	return []string{
		"/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
		"/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
		"/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
		"/usr/local/share/fonts/wqy-microhei.ttc",
		"/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
		"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
		"/Library/Fonts/Arial Unicode.ttf",
		"/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
	}
}

// Font is a TrueType font, one face. Documents share it.
type Font struct{ face *face }

// found are the fonts that this process has read, by file.
var found = struct {
	sync.Mutex
	fonts map[string]foundFont
}{fonts: map[string]foundFont{}}

type foundFont struct {
	Font
	size int64
	at   time.Time // when the file was changed
}

// FindFont is the font of file, or where file is empty of the first of the usual places that has one. A file is read once, and again
// where it has changed. Errors: FAILED_PRECONDITION FONT_MISSING, which names the package to install and the setting.
func FindFont(file string) (Font, error) {
	places := usualFonts()
	if file != "" {
		places = []string{file}
	}
	for _, place := range places {
		font, err := fontAt(place)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return font, err
	}
	return Font{}, noFont("no font with Chinese characters is at %s", strings.Join(places, ", "))
}

func fontAt(place string) (Font, error) {
	info, err := os.Stat(place) //nolint:gosec // the place is a setting
	if errors.Is(err, fs.ErrNotExist) {
		return Font{}, err
	}
	if err != nil {
		return Font{}, noFont("the font %s cannot be read", place).WithCause(err)
	}
	found.Lock()
	defer found.Unlock()
	if f, ok := found.fonts[place]; ok && f.size == info.Size() && f.at.Equal(info.ModTime()) {
		return f.Font, nil
	}
	text, err := os.ReadFile(place) //nolint:gosec // as above
	if err != nil {
		return Font{}, noFont("the font %s cannot be read", place).WithCause(err)
	}
	b, err := firstFace(text)
	if err != nil {
		return Font{}, noFont("%s is not a TrueType font", place).WithCause(err)
	}
	f := foundFont{Font: Font{face: newFace(b)}, size: info.Size(), at: info.ModTime()}
	found.fonts[place] = f
	return f.Font, nil
}

func noFont(format string, args ...any) *errs.Error {
	return errs.New(errs.FailedPrecondition, ReasonNoFont, "%s; install the package %s, or name a TrueType font with AVAL_FONT_FILE",
		fmt.Sprintf(format, args...), FontPackage).With("package", FontPackage)
}

var errNotTrueType = errors.New("not TrueType outlines")

// firstFace copies the first face of a TrueType collection into a font of its own; a single font is returned as it is.
func firstFace(b []byte) ([]byte, error) {
	if len(b) < 12 {
		return nil, errNotTrueType
	}
	if tag := string(b[:4]); tag == "\x00\x01\x00\x00" || tag == "true" {
		return b, nil
	} else if tag != "ttcf" || len(b) < 16 {
		return nil, errNotTrueType
	}
	at := uint64(binary.BigEndian.Uint32(b[12:]))
	if at+12 > uint64(len(b)) {
		return nil, errNotTrueType
	}
	tables := int(binary.BigEndian.Uint16(b[at+4:]))
	head := 12 + 16*tables
	if at+uint64(head) > uint64(len(b)) {
		return nil, errNotTrueType
	}
	out := append([]byte(nil), b[at:at+uint64(head)]...)
	for t := range tables {
		entry := out[12+16*t:]
		from, size := uint64(binary.BigEndian.Uint32(entry[8:])), uint64(binary.BigEndian.Uint32(entry[12:]))
		if from+size > uint64(len(b)) {
			return nil, errNotTrueType
		}
		binary.BigEndian.PutUint32(entry[8:], uint32(len(out))) //nolint:gosec // a font is smaller than 4 GiB
		out = append(out, b[from:from+size]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out, nil
}
