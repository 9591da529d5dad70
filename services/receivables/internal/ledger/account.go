package ledger

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Statement is a customer's account as of a day, as it was known on another.
type Statement struct {
	CustomerID string
	AsOf       calendar.Date
	KnownOn    calendar.Date // none: as it is known now
	Currency   string
	// Open is owed by items, Overdue of it was due before the day.
	Open, Overdue money.Money
	OpenItems     int64
	// Unapplied money, Advances left out.
	Unapplied money.Money
	Advances  []Advance
	// Future is posted and counts from a later day.
	Future money.Money
	// Bills are at risk by kind of acceptance.
	BankBill, CommercialBill money.Money
	// Accounts are the sums of the entries by account.
	Accounts []Line
}

// Advance is money in advance for an order that is not applied.
type Advance struct {
	OrderID string
	Amount  money.Money
}

// Balance of the receivable account.
func (s Statement) Balance() money.Money { return s.Account(AccountReceivable) }

// Account is the sum of one account; debit is positive.
func (s Statement) Account(a Account) money.Money {
	for _, l := range s.Accounts {
		if l.Account == a {
			return l.Amount
		}
	}
	return money.Zero(s.Currency)
}

// Remaining is what is owed once all that is posted has come.
func (s Statement) Remaining() money.Money { return s.Balance().Sub(s.Future) }
