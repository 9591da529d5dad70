package importer

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonFileInvalid is the reason of errors of a file that cannot be read to its end.
const ReasonFileInvalid = "IMPORT_FILE_INVALID"

// Caps bound what is read of a file. They hold for the text after decompression.
type Caps struct {
	// Bytes of the whole file.
	Bytes int64
	// Rows, the header not counted.
	Rows int
	// Columns of a row.
	Columns int
	// FieldBytes of one field, and RowBytes of one row.
	FieldBytes, RowBytes int
}

// DefaultCaps are generous for a file of documents and small enough for any machine.
func DefaultCaps() Caps {
	return Caps{Bytes: 512 << 20, Rows: 1_000_000, Columns: 500, FieldBytes: 64 << 10, RowBytes: 1 << 20}
}

func fileError(format string, args ...any) error {
	return errs.New(errs.Invalid, ReasonFileInvalid, format, args...)
}

// table reads the rows of a CSV file.
type table struct {
	caps    Caps
	csv     *csv.Reader
	row     *budget
	columns []string
	place   map[string]int // header -> index; -1 where it stands twice
	rows    int
}

// record is one row as it stands in the file.
type record struct {
	line   int
	fields []string
}

// openTable reads the header. Gzip is recognised by its first bytes, a byte order mark is skipped.
func openTable(in io.Reader, m Mapping, caps Caps) (*table, error) {
	buffered := bufio.NewReader(in)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fileError("the file begins like gzip and is none: %v", err)
		}
		buffered = bufio.NewReader(unzipped)
	}
	whole := &budget{in: buffered, left: caps.Bytes, over: fileError("the file holds more than %d bytes", caps.Bytes)}
	decoded, err := decode(whole, m.encoding)
	if err != nil {
		return nil, err
	}
	row := &budget{in: decoded}
	t := &table{caps: caps, csv: csv.NewReader(row), row: row, place: map[string]int{}}
	t.csv.Comma, t.csv.FieldsPerRecord, t.csv.ReuseRecord = m.delimiter, -1, true
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return nil, fileError("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	t.rows = 0
	for i, name := range header.fields {
		name = strings.TrimSpace(name)
		t.columns = append(t.columns, name)
		if _, twice := t.place[name]; twice {
			t.place[name] = -1
			continue
		}
		t.place[name] = i
	}
	return t, nil
}

func decode(in io.Reader, encoding string) (io.Reader, error) {
	buffered := bufio.NewReader(in)
	mark, _ := buffered.Peek(3)
	switch {
	case string(mark) == "\ufeff":
		// UTF-8 with a byte order mark is what it says, whatever the mapping says.
		_, err := buffered.Discard(3)
		return buffered, err
	case strings.HasPrefix(string(mark), "\xff\xfe") || strings.HasPrefix(string(mark), "\xfe\xff"):
		return nil, fileError("the file is UTF-16; save it as UTF-8 or GBK")
	case encoding == "gbk":
		// GB18030 is GBK and more.
		return transform.NewReader(buffered, simplifiedchinese.GB18030.NewDecoder()), nil
	default:
		return buffered, nil
	}
}

// record returns the next row, io.EOF at the end. Other errors end the reading: what follows a broken quote cannot be
// told from what is inside it.
func (t *table) record() (record, error) {
	// A quote that is never closed would make the rest of the file one field.
	from := t.csv.InputOffset()
	t.row.left, t.row.over = int64(t.caps.RowBytes)+bufferAhead,
		fileError("the row after byte %d is longer than %d bytes; is a quote not closed?", from, t.caps.RowBytes)
	fields, err := t.csv.Read()
	if err != nil {
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			return record{}, fileError("line %d, column %d: %v", broken.Line, broken.Column, broken.Err)
		}
		return record{}, err
	}
	line, _ := t.csv.FieldPos(0)
	if t.rows++; t.rows > t.caps.Rows {
		return record{}, fileError("line %d: more than %d rows", line, t.caps.Rows)
	}
	if len(fields) > t.caps.Columns {
		return record{}, fileError("line %d: %d columns, more than %d", line, len(fields), t.caps.Columns)
	}
	for i, f := range fields {
		if len(f) > t.caps.FieldBytes {
			return record{}, fileError("line %d: field %d is longer than %d bytes", line, i+1, t.caps.FieldBytes)
		}
	}
	return record{line: line, fields: fields}, nil
}

// bufferAhead is what the csv reader may have read beyond the row in hand.
const bufferAhead = 64 << 10

// badText says what is wrong with the characters of a field.
func badText(value, encoding string) string {
	switch {
	case !utf8.ValidString(value):
		return "is not valid UTF-8; if the file is GBK, say `encoding: gbk` in the mapping"
	case encoding == "gbk" && strings.ContainsRune(value, utf8.RuneError):
		return "is not valid GBK; if the file is UTF-8, say `encoding: utf-8` in the mapping"
	default:
		return ""
	}
}

// budget is a reader that fails once more than its budget was read.
type budget struct {
	in   io.Reader
	left int64
	over error
}

// Read implements io.Reader.
func (b *budget) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.over
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if _, ok := errs.As(err); !ok {
			err = fileError("the file cannot be read: %v", err)
		}
	}
	return n, err
}

// name shows a column for messages: its header and its number from 1.
func (t *table) name(i int) string {
	if i < len(t.columns) && t.columns[i] != "" {
		return fmt.Sprintf("%s (%d)", t.columns[i], i+1)
	}
	return fmt.Sprintf("(%d)", i+1)
}
