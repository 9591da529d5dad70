package postgres

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
)

// copyNew takes the rows of order_directory, journal and orders. The statements of one query text are one implicit transaction.
const copyNew = `
COPY order_directory (order_id, root_id, account_id) FROM STDIN BINARY;
COPY journal (` + entryNames + `) FROM STDIN BINARY;
COPY orders (root_id, order_id, account_id, state, updated_seq, expires_on) FROM STDIN BINARY`

const entryNames = `root_id, account_id, seq, kind, order_id, request_id, request_hash, business_date, actor, recorded_at,
    order_minor, delivery_minor, receivable_minor, unapplied_minor, prepaid_minor, billed_minor, profile_at, position_at, position_seq, held, forms,
    decision, detail, hash, control_at, next_expiry`

// onlyNew reports whether a batch makes new rows and nothing else, as most do.
func (w Write) onlyNew() bool {
	return len(w.Entries) > 0 && len(w.New) == len(w.Orders) && len(w.Moves) == 0 && len(w.Merges) == 0 && len(w.Outgoing) == 0 && len(w.Passed) == 0 && !w.Touch
}

// copyIn writes a batch of new rows: all follow the statements without waiting for the server, in one round trip. No statement
// costs it less.
func (s *Store) copyIn(ctx context.Context, w Write) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	room, _ := s.rows.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	*room = copyRows((*room)[:0], w)
	err = send(ctx, conn.Conn(), *room)
	s.rows.Put(room)
	return err
}

// send gives the rows to the server behind their statements. After an error of a statement it reads on to the end of what was sent.
func send(ctx context.Context, conn *pgx.Conn, rows []byte) error {
	if ctx.Err() != nil { // rows without their statements would go to a server that waits for none
		return ctx.Err()
	}
	results := conn.PgConn().Exec(ctx, copyNew)
	sent := conn.PgConn().Frontend().SendUnbufferedEncodedCopyData(rows)
	_, err := results.ReadAll()
	if err == nil {
		err = sent
	}
	return err
}

// copyRows appends the rows of all three statements as the server reads them.
func copyRows(room []byte, w Write) []byte {
	c := copying{b: room}
	c.begin()
	for _, o := range w.New {
		c.row(3)
		c.text(o.OrderID)
		c.text(o.Key.RootID)
		c.text(o.Key.AccountID)
	}
	c.end()
	c.begin()
	for i := range w.Entries {
		c.entry(&w.Entries[i])
	}
	c.end()
	c.begin()
	for i := range w.Orders {
		o := &w.Orders[i]
		c.row(6)
		c.text(o.RootID)
		c.text(o.Order.ID)
		c.text(o.Order.CustomerID)
		c.text(string(o.Order.State))
		c.int8(o.Seq)
		c.date(o.Order.Expiry())
	}
	c.end()
	return c.b
}

func (c *copying) entry(e *gate.Entry) {
	c.row(26)
	c.text(e.RootID)
	c.text(e.AccountID)
	c.int8(e.Seq)
	c.text(string(e.Kind))
	c.textOrNull(e.OrderID)
	c.textOrNull(e.RequestID)
	c.bytesOrNull(e.RequestHash)
	c.date(e.BusinessDate)
	c.text(e.Actor)
	c.instant(e.RecordedAt)
	b := e.Buckets
	for _, n := range [...]int64{b.Order, b.Delivery, b.Receivable, b.Unapplied, b.Prepaid, b.Billed, e.ProfileAt, e.PositionAt, e.PositionSeq} {
		c.int8(n)
	}
	c.int4(int32(e.Held)) //nolint:gosec // orders on hold of one customer
	c.int8(e.Forms)
	c.bytesOrNull(e.Decision)
	c.bytes(e.Detail)
	c.bytes(e.Hash)
	c.int8(e.ControlAt)
	c.date(e.NextExpiry)
}

// copying builds CopyData and CopyDone messages in PostgreSQL's binary format of COPY.
type copying struct {
	b     []byte
	begun int // where the message begins
}

func (c *copying) begin() {
	c.begun = len(c.b)
	c.b = append(c.b, 'd', 0, 0, 0, 0)
	c.b = append(c.b, "PGCOPY\n\377\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
}

func (c *copying) end() {
	c.b = append(c.b, 0xff, 0xff)
	binary.BigEndian.PutUint32(c.b[c.begun+1:], uint32(len(c.b)-c.begun-1)) //nolint:gosec // a batch is bounded
	c.b = append(c.b, 'c', 0, 0, 0, 4)
}

func (c *copying) row(fields uint16) { c.b = binary.BigEndian.AppendUint16(c.b, fields) }

func (c *copying) size(n int) { c.b = binary.BigEndian.AppendUint32(c.b, uint32(n)) } //nolint:gosec // -1 is NULL

func (c *copying) null() { c.size(-1) }

func (c *copying) text(s string) {
	c.size(len(s))
	c.b = append(c.b, s...)
}

func (c *copying) textOrNull(s string) {
	if s == "" {
		c.null()
		return
	}
	c.text(s)
}

func (c *copying) bytes(b []byte) {
	c.size(len(b))
	c.b = append(c.b, b...)
}

func (c *copying) bytesOrNull(b []byte) {
	if len(b) == 0 {
		c.null()
		return
	}
	c.bytes(b)
}

func (c *copying) int8(n int64) {
	c.size(8)
	c.b = binary.BigEndian.AppendUint64(c.b, uint64(n)) //nolint:gosec // two's complement, as the server reads it
}

func (c *copying) int4(n int32) {
	c.size(4)
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(n)) //nolint:gosec // two's complement, as the server reads it
}

// date counts from 2000-01-01; no date is NULL.
func (c *copying) date(d calendar.Date) {
	if d.IsZero() {
		c.null()
		return
	}
	c.int4(int32(d.DaysSince(calendar.New(2000, time.January, 1)))) //nolint:gosec // a date of four digits
}

// instant counts microseconds from 2000-01-01 UTC.
func (c *copying) instant(t time.Time) {
	const epoch = 946_684_800_000_000
	c.int8(t.UnixMicro() - epoch)
}

// written makes of an error of the store what a caller can do about it.
func written(err error) error {
	switch {
	case err == nil:
		return nil
	case pg.IsUnique(err, "journal_pkey"):
		return ErrStale
	case pg.IsUnique(err, "journal_request"), pg.IsUnique(err, "order_directory_pkey"):
		return ErrDuplicate
	}
	return pg.Err(err)
}
