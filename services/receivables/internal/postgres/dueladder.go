package postgres

import (
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// dueLadder is a customer's ladder as it is kept, for postings that only add to it: what is open up to each due date.
type dueLadder struct{ db.DueLadder }

// add makes a rung of what falls due on a day higher, and all after it.
func (l *dueLadder) add(due calendar.Date, amount int64) {
	i, found := slices.BinarySearchFunc(l.DueDates, due, calendar.Date.Compare)
	if !found {
		var open int64
		var items int32
		if i > 0 {
			open, items = l.Opens[i-1], l.Items[i-1]
		}
		l.DueDates, l.Opens, l.Items = slices.Insert(l.DueDates, i, due), slices.Insert(l.Opens, i, open), slices.Insert(l.Items, i, items)
	}
	for ; i < len(l.Opens); i++ {
		l.Opens[i] += amount
		l.Items[i]++
	}
}

// dues are the rungs apart, as positions tell them.
func (l *dueLadder) dues() []position.Due {
	out := make([]position.Due, len(l.DueDates))
	var before int64
	for i, date := range l.DueDates {
		out[i] = position.Due{Date: date, Amount: cash(l.Opens[i]-before, l.Currency)}
		before = l.Opens[i]
	}
	return out
}

// laddersToWrite are whole ladders, with the newest and the oldest date that each account has now.
func laddersToWrite(accounts []*Account) db.WriteLaddersParams {
	var p db.WriteLaddersParams
	for _, a := range accounts {
		l, oldest := a.ladder, a.oldest
		if !l.Oldest.IsZero() {
			oldest = invoice.Earliest(oldest, l.Oldest)
		}
		p.CustomerIds, p.Currencies = append(p.CustomerIds, a.customerID), append(p.Currencies, l.Currency)
		p.Newest, p.Unapplied = append(p.Newest, invoice.Latest(l.Newest, a.newest)), append(p.Unapplied, l.Unapplied)
		p.Oldest = append(p.Oldest, oldest)
		p.DueDates = append(p.DueDates, arrayText(l.DueDates, calendar.Date.String))
		p.Opens = append(p.Opens, arrayText(l.Opens, func(n int64) string { return strconv.FormatInt(n, 10) }))
		p.Items = append(p.Items, arrayText(l.Items, func(n int32) string { return strconv.Itoa(int(n)) }))
	}
	return p
}

// arrayText writes an array as PostgreSQL reads it; its elements need no quotes.
func arrayText[T any](list []T, text func(T) string) string {
	out := []byte{'{'}
	for i, v := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, text(v)...)
	}
	return string(append(out, '}'))
}
