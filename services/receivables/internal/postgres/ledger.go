package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// Ledger returns entries by sequence.
func (s *Store) Ledger(ctx context.Context, q ledger.Query) ([]ledger.Entry, error) {
	rows, err := s.q.LedgerPage(ctx, db.LedgerPageParams{
		CustomerID: q.CustomerID, After: q.After, FromDate: q.From, ToDate: q.To, KnownOn: q.KnownOn, Size: int32(q.Limit), //nolint:gosec // a page
	})
	out := make([]ledger.Entry, len(rows))
	for i, r := range rows {
		out[i] = entry(r)
	}
	return out, pg.Err(err)
}

// Balances sums the entries that count on or before a date and were posted by another (none:
// all), one a currency.
func (s *Store) Balances(ctx context.Context, customerID string, to, knownOn calendar.Date) ([]money.Money, error) {
	rows, err := s.q.BalanceAt(ctx, db.BalanceAtParams{CustomerID: customerID, ToDate: to, KnownOn: knownOn})
	out := make([]money.Money, len(rows))
	for i, r := range rows {
		out[i] = cash(r.Balance, r.Currency)
	}
	return out, pg.Err(err)
}

func entry(r db.LedgerEntry) ledger.Entry {
	e := ledger.Entry{
		CustomerID: r.CustomerID, Sequence: r.Sequence, Kind: ledger.Kind(r.Kind), EntryDate: r.EntryDate, PostDate: r.PostDate,
		DocumentID: r.DocumentID, Amount: cash(r.Amount, r.Currency), Balance: cash(r.Balance, r.Currency), Text: r.Text,
		PostedBy: r.PostedBy, CreateTime: r.CreatedAt.UTC(), DocumentDigest: r.DocumentDigest, Prev: r.Prev, Hash: r.Hash,
	}
	if r.ReversesSequence != nil {
		e.Reverses = *r.ReversesSequence
	}
	for i := range min(len(r.Accounts), len(r.Amounts)) {
		e.Lines = append(e.Lines, ledger.Line{Account: ledger.Account(r.Accounts[i]), Amount: cash(r.Amounts[i], r.Currency)})
	}
	return e
}

func entryRow(e ledger.Entry) db.LedgerEntry {
	r := db.LedgerEntry{
		CustomerID: e.CustomerID, Sequence: e.Sequence, Kind: string(e.Kind), EntryDate: e.EntryDate, PostDate: e.PostDate,
		DocumentID: e.DocumentID, Currency: e.Amount.Currency, Amount: e.Amount.Minor, Balance: e.Balance.Minor,
		Text: e.Text, PostedBy: e.PostedBy, CreatedAt: e.CreateTime, DocumentDigest: e.DocumentDigest, Prev: e.Prev, Hash: e.Hash,
		Accounts: make([]string, len(e.Lines)), Amounts: make([]int64, len(e.Lines)),
	}
	if e.Reverses != 0 {
		r.ReversesSequence = &e.Reverses
	}
	for i, l := range e.Lines {
		r.Accounts[i], r.Amounts[i] = string(l.Account), l.Amount.Minor
	}
	return r
}
