package audit

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// CursorParts is how many strings a page's cursor has.
const CursorParts = 3

// maxPage bounds a page, whatever is asked for.
const maxPage = 1000

// Filter chooses entries; a zero field chooses all.
type Filter struct {
	Stream, Actor, Action, Subject string
	From, To                       calendar.Date // business dates, both included
}

// Page asks for Size entries (at most 1000) after a cursor of an earlier page (none: the first).
type Page struct {
	Size  int
	After []string
}

const columns = `stream, seq, at, business_date, actor, action, subject, detail::text, prev, hash`

const listSQL = `SELECT ` + columns + ` FROM audit_events
	WHERE ($1 = '' OR stream = $1) AND ($2 = '' OR actor = $2)
	  AND ($3 = '' OR action = $3) AND ($4 = '' OR subject = $4)
	  AND ($5::date IS NULL OR business_date >= $5) AND ($6::date IS NULL OR business_date <= $6)
	  AND ($7::timestamptz IS NULL OR (at, stream, seq) < ($7, $8::text, $9::bigint))
	ORDER BY at DESC, stream DESC, seq DESC LIMIT $10`

// List returns entries, newest first, and the cursor of the next page (nil at
// the end). A cursor of another shape is Invalid.
func List(ctx context.Context, q pg.Querier, f Filter, p Page) (entries []Entry, next []string, err error) {
	at, stream, seq, err := parseCursor(p.After)
	if err != nil {
		return nil, nil, err
	}
	size := min(max(p.Size, 1), maxPage)
	rows, err := q.Query(ctx, listSQL, f.Stream, f.Actor, f.Action, f.Subject, f.From, f.To, at, stream, seq, size+1)
	if err != nil {
		return nil, nil, pg.Err(err)
	}
	if entries, err = pgx.CollectRows(rows, scanEntry); err != nil {
		return nil, nil, pg.Err(err)
	}
	if len(entries) > size {
		entries = entries[:size]
		last := entries[size-1]
		next = []string{strconv.FormatInt(last.At.UnixMicro(), 10), last.Stream, strconv.FormatInt(last.Seq, 10)}
	}
	return entries, next, nil
}

func parseCursor(c []string) (at *time.Time, stream string, seq int64, err error) {
	if len(c) == 0 {
		return nil, "", 0, nil
	}
	if len(c) != CursorParts {
		return nil, "", 0, errs.Field("page_token", "format", "the page token does not belong here")
	}
	micros, err1 := strconv.ParseInt(c[0], 10, 64)
	seq, err2 := strconv.ParseInt(c[2], 10, 64)
	if err1 != nil || err2 != nil {
		return nil, "", 0, errs.Field("page_token", "format", "the page token does not belong here")
	}
	t := time.UnixMicro(micros).UTC()
	return &t, c[1], seq, nil
}

func scanEntry(row pgx.CollectableRow) (Entry, error) {
	var e Entry
	var detail string
	err := row.Scan(&e.Stream, &e.Seq, &e.At, &e.BusinessDate, &e.Actor, &e.Action, &e.Subject, &detail, &e.Prev, &e.Hash)
	e.At, e.Detail = e.At.UTC(), []byte(detail)
	return e, err
}
