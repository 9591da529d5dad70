package pg

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
)

// CopyRows copies n rows into a table in PostgreSQL's binary format. row writes the columns of row i, each by the method of its
// type exactly, in the order named; its error ends the copy and is that of CopyRows. It runs on another goroutine while the
// server takes the rows before, so that work done in it costs no time of its own where there is a second processor. Many rows of
// few types cost a fraction of what pgx.CopyFrom spends on looking types up.
func CopyRows(ctx context.Context, tx pgx.Tx, table string, columns []string, n int, row func(i int, r *Row) error) error {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	sql := "COPY " + pgx.Identifier{table}.Sanitize() + " (" + strings.Join(quoted, ", ") + ") FROM STDIN (FORMAT binary)"
	in := &rows{n: n, row: row, columns: uint16(len(columns))} //nolint:gosec // a table has few columns
	in.out.b = append(in.out.b, copyHeader...)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, in, sql)
	if in.panicked != nil { // where the caller, and who guards it, can see it
		panic(in.panicked)
	}
	if in.err != nil {
		return in.err
	}
	return Err(err)
}

// copyHeader is the signature, no flags and no extension (PostgreSQL, COPY, binary format).
const copyHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// rows gives the stream of a copy, made as it is read.
type rows struct {
	n, next int
	row     func(i int, r *Row) error
	columns uint16
	out     Row
	sent    int
	ended   bool

	err      error
	panicked any
}

// Read implements io.Reader.
func (s *rows) Read(p []byte) (_ int, err error) {
	defer func() {
		if s.panicked = recover(); s.panicked != nil {
			err = errors.New("the rows could not be made")
		}
	}()
	if s.sent == len(s.out.b) {
		if s.ended {
			return 0, io.EOF
		}
		s.out.b, s.sent = s.out.b[:0], 0
	}
	for len(s.out.b) < len(p) && !s.ended {
		if s.next == s.n {
			s.out.b, s.ended = append(s.out.b, 0xff, 0xff), true
			break
		}
		s.out.b = binary.BigEndian.AppendUint16(s.out.b, s.columns)
		if s.err = s.row(s.next, &s.out); s.err != nil {
			return 0, s.err
		}
		s.next++
	}
	n := copy(p, s.out.b[s.sent:])
	s.sent += n
	return n, nil
}

// Row takes the columns of one row.
type Row struct{ b []byte }

func (r *Row) size(n int) { r.b = binary.BigEndian.AppendUint32(r.b, uint32(n)) } //nolint:gosec // fields are bounded by the contract

// Text adds a column of type text.
func (r *Row) Text(s string) {
	r.size(len(s))
	r.b = append(r.b, s...)
}

// Bytes adds a bytea, or a json whose text is given; nil is null.
func (r *Row) Bytes(b []byte) {
	if b == nil {
		r.Null()
		return
	}
	r.size(len(b))
	r.b = append(r.b, b...)
}

// Int8 adds a bigint.
func (r *Row) Int8(n int64) {
	r.size(8)
	r.b = binary.BigEndian.AppendUint64(r.b, uint64(n)) //nolint:gosec // two's complement on purpose
}

// Int2 adds a smallint.
func (r *Row) Int2(n int16) {
	r.size(2)
	r.b = binary.BigEndian.AppendUint16(r.b, uint16(n)) //nolint:gosec // two's complement on purpose
}

// The day and the instant from which PostgreSQL counts.
var (
	firstDay  = calendar.MustDate("2000-01-01")                         // constant
	firstTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() // constant
)

// Date adds a date; none is null.
func (r *Row) Date(d calendar.Date) {
	if d.IsZero() {
		r.Null()
		return
	}
	r.size(4)
	r.b = binary.BigEndian.AppendUint32(r.b, uint32(d.DaysSince(firstDay))) //nolint:gosec // two's complement on purpose
}

// Time adds a timestamptz, in microseconds.
func (r *Row) Time(t time.Time) { r.Int8(t.UnixMicro() - firstTime) }

// Null adds a column of any type.
func (r *Row) Null() { r.size(math.MaxUint32) }

// Types of the elements of arrays.
const (
	oidInt8 = 20
	oidText = 25
)

// Texts adds a text[].
func (r *Row) Texts(list []string) {
	begin := r.array(oidText, len(list))
	for _, s := range list {
		r.Text(s)
	}
	r.end(begin)
}

// Int8s adds a bigint[].
func (r *Row) Int8s(list []int64) {
	begin := r.array(oidInt8, len(list))
	for _, n := range list {
		r.Int8(n)
	}
	r.end(begin)
}

// array begins one of so many elements, none of them null; its size is known at its end.
func (r *Row) array(oid uint32, n int) (begin int) {
	r.size(0)
	begin = len(r.b)
	dimensions := min(n, 1)
	for _, v := range []uint32{uint32(dimensions), 0, oid} { //nolint:gosec // 0 or 1
		r.b = binary.BigEndian.AppendUint32(r.b, v)
	}
	if n > 0 {
		r.size(n)
		r.size(1) // the first has number 1
	}
	return begin
}

func (r *Row) end(begin int) {
	binary.BigEndian.PutUint32(r.b[begin-4:], uint32(len(r.b)-begin)) //nolint:gosec // bounded by the contract
}
