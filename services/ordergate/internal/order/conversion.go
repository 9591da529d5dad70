package order

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Conversion is how an order in another currency than the account's was taken up. All amounts of the order are in the account's
// currency; this keeps its own. Minor units of Currency.
type Conversion struct {
	Currency string        `json:"currency"`
	Minor    int64         `json:"minor"` // the order's own amount
	Rate     money.Ratio   `json:"rate"`  // one unit of it in the account's currency
	RateDate calendar.Date `json:"rate_date"`
	Kind     string        `json:"kind"`
	Shipped  int64         `json:"shipped,omitempty"` // of the order's own amount
}

// InAccount is an amount in the order's own currency in the account's, rounded half up to a minor unit. Errors: MONEY_INVALID.
func (c *Conversion) InAccount(minor int64, currency string) (int64, error) {
	m, err := money.New(minor, c.Currency).Convert(c.Rate, currency)
	return m.Minor, err
}
