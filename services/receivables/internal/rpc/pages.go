package rpc

import (
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// place reads a token of a list that shows the newest first.
func place(s *page.Signer, token, checksum string) (*invoice.Place, error) {
	cursor, err := s.Decode(token, checksum, 2)
	if err != nil || cursor == nil {
		return nil, err
	}
	micros, err := number(cursor[0])
	if err != nil {
		return nil, err
	}
	return &invoice.Place{CreateTime: time.UnixMicro(micros).UTC(), ID: cursor[1]}, nil
}

// placeToken is the token of the page after a document.
func placeToken(s *page.Signer, checksum string, created time.Time, id string) string {
	return s.Encode(checksum, strconv.FormatInt(created.UnixMicro(), 10), id)
}

// number reads a number out of a token, which is ours if its signature held.
func number(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
	}
	return n, nil
}

// tokenAfter is the token of the page after a place; none at the end.
func tokenAfter(s *page.Signer, checksum string, next *invoice.Place) string {
	if next == nil {
		return ""
	}
	return placeToken(s, checksum, next.CreateTime, next.ID)
}
