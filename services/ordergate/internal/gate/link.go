package gate

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Link is the hash of the entry behind the one with hash prev: SHA-256 over prev and every column, each with its length before it.
func (e Entry) Link(prev []byte) []byte {
	var room [1024]byte // the short columns; the long ones are hashed where they are
	b := append(room[:0], prev...)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	num := func(n int64) { b = binary.AppendVarint(b, n) }
	text(e.RootID)
	text(e.AccountID)
	num(e.Seq)
	text(string(e.Kind))
	text(e.OrderID)
	text(e.RequestID)
	text(string(e.RequestHash))
	text(e.BusinessDate.String())
	text(e.Actor)
	text(strconv.FormatInt(e.RecordedAt.UnixMicro(), 10))
	for _, n := range [...]int64{
		e.Buckets.Order, e.Buckets.Delivery, e.Buckets.Receivable, e.Buckets.Unapplied, e.Buckets.Prepaid, e.Buckets.Billed,
		e.ProfileAt, e.PositionAt, e.PositionSeq, int64(e.Held), e.Forms,
	} {
		num(n)
	}
	h := sha256.New()
	for _, long := range [...][]byte{e.Decision, e.Detail} {
		b = binary.AppendUvarint(b, uint64(len(long)))
		h.Write(b)
		h.Write(long)
		b = b[:0]
	}
	// What came later is hashed only where it is set, under its name, so that older entries keep their hash.
	if e.ControlAt > 0 {
		text("control_at")
		num(e.ControlAt)
	}
	if !e.NextExpiry.IsZero() {
		text("next_expiry")
		text(e.NextExpiry.String())
	}
	h.Write(b)
	return h.Sum(nil)
}
