package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

// Standing is what a customer owes now, as positions tell it.
type Standing struct {
	// Unapplied money.
	Unapplied money.Money
	// Ladder is what is open by due date, rising.
	Ladder []position.Due
	// Notices are the payment notices that are worth something.
	Notices []position.Noticed
	// Held are deposits, and bills at risk, beside what is owed.
	Held position.Held
	// Collected is what collection knows.
	Collected position.Collected
	// Securities are those that hold or begin later.
	Securities []security.Backing
	// Merged are the accounts that go on in this one.
	Merged []position.Merged
}

// Standing reads it under the account's lock.
func (a *Account) Standing(ctx context.Context) (Standing, error) {
	all, err := standings(ctx, a.tx, map[string]string{a.customerID: a.currency}, a.act.Today)
	return all[a.customerID], err
}

// standings reads those of many customers, given with the currencies of their accounts, as sets.
func standings(ctx context.Context, tx pgx.Tx, currencies map[string]string, today calendar.Date) (map[string]Standing, error) {
	q := db.New(tx)
	ids := make([]string, 0, len(currencies))
	out := make(map[string]Standing, len(currencies))
	for id, currency := range currencies {
		ids = append(ids, id)
		out[id] = Standing{Unapplied: money.Zero(currency), Ladder: []position.Due{}}
	}
	ladders, err := q.Ladders(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, r := range ladders {
		s := out[r.CustomerID]
		s.Ladder = append(s.Ladder, position.Due{Date: r.DueDate, Amount: cash(r.Open, currencies[r.CustomerID])})
		out[r.CustomerID] = s
	}
	unapplied, err := q.UnappliedOf(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, r := range unapplied {
		s := out[r.CustomerID]
		s.Unapplied = cash(r.Unapplied, currencies[r.CustomerID])
		out[r.CustomerID] = s
	}
	return out, besides(ctx, tx, currencies, today, out)
}

// besides completes standings of customers with what they have beside the ladder and the unapplied money.
func besides(ctx context.Context, tx pgx.Tx, currencies map[string]string, today calendar.Date, out map[string]Standing) error {
	q := db.New(tx)
	ids := slices.Collect(maps.Keys(currencies))
	noticed, err := q.NoticedPayments(ctx, db.NoticedPaymentsParams{CustomerIds: ids, Today: today})
	if err != nil {
		return pg.Err(err)
	}
	for _, r := range noticed {
		s := out[r.CustomerID]
		s.Notices = append(s.Notices, notedPayment(r, currencies[r.CustomerID]))
		out[r.CustomerID] = s
	}
	left, err := q.LeftOf(ctx, ids)
	for _, r := range left {
		s := out[r.CustomerID]
		amount := cash(r.AmountLeft, currencies[r.CustomerID])
		switch r.Kind {
		case "DEPOSIT":
			s.Held.Deposit = &amount
		case "BANK_ACCEPTANCE":
			s.Held.BankBill = &amount
		case "COMMERCIAL_ACCEPTANCE":
			s.Held.CommercialBill = &amount
		}
		out[r.CustomerID] = s
	}
	if err != nil {
		return pg.Err(err)
	}
	merged, err := q.MovedInto(ctx, ids)
	if err != nil {
		return pg.Err(err)
	}
	for _, r := range merged {
		s := out[r.SurvivorID]
		s.Merged = append(s.Merged, position.Merged{CustomerID: r.CustomerID, LastSequence: r.PositionSequence})
		out[r.SurvivorID] = s
	}
	known, err := collected(ctx, tx, currencies, today)
	if err != nil {
		return err
	}
	for id, c := range known {
		s := out[id]
		s.Collected = c
		out[id] = s
	}
	return backed(ctx, tx, currencies, today, out)
}

func notedPayment(r db.NoticedPaymentsRow, currency string) position.Noticed {
	return position.Noticed{
		NoticeID: r.PaymentNoticeID, OrderID: r.OrderID, Open: cash(r.Open, currency),
		Received: cash(r.Unapplied+r.Applied, currency), Unapplied: cash(r.Unapplied, currency),
		Expected: r.ExpectedDate, LastDay: r.LastDate,
	}
}
