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
		CustomerID: q.CustomerID, After: q.After, FromDate: q.From, ToDate: q.To, Size: int32(q.Limit), //nolint:gosec // a page
	})
	out := make([]ledger.Entry, len(rows))
	for i, r := range rows {
		out[i] = entry(r)
	}
	return out, pg.Err(err)
}

// Balances sums the entries that count on or before a date (none: all), one a currency.
func (s *Store) Balances(ctx context.Context, customerID string, to calendar.Date) ([]money.Money, error) {
	rows, err := s.q.BalanceAt(ctx, db.BalanceAtParams{CustomerID: customerID, ToDate: to})
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
	return e
}
