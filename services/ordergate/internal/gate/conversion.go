package gate

import (
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// converted is an order in another currency with its amounts in the account's. At its first check the policy's kind of rate is taken
// and stays the order's; a CURRENT rate is read again at each check until something of the order has been shipped, invoiced or
// cancelled. Errors: CURRENCY_MISMATCH where the policy converts nothing, RATE_UNKNOWN, MONEY_INVALID.
func converted(env Env, a account.Account, o order.Order) (order.Order, error) {
	cur, table := a.Profile.Currency, env.Policy.Conversion
	if o.Conversion == nil {
		if o.Currency == cur {
			return o, nil
		}
		if len(table.Rates) == 0 {
			return o, currencyMismatch("order.amount.currency_code", o.Currency, cur)
		}
		day := env.Today
		if table.Kind == check.RateFrozen && !o.OrderDate.IsZero() {
			day = o.OrderDate
		}
		rate, err := table.On(check.Pair{From: o.Currency, To: cur}, day)
		if err != nil {
			return o, err
		}
		o.Conversion = &order.Conversion{Currency: o.Currency, Minor: o.Amount, Rate: rate.Ratio, RateDate: rate.From, Kind: string(table.Kind)}
		o.Currency = cur
		return priced(o)
	}
	if o.Conversion.Kind == string(check.RateCurrent) && o.Shipped == 0 && o.Ahead == 0 && o.Invoiced == 0 && o.Cancelled == 0 {
		rate, err := table.On(check.Pair{From: o.Conversion.Currency, To: cur}, env.Today)
		if err == nil { // otherwise the rate that it has stays
			c := *o.Conversion
			c.Rate, c.RateDate = rate.Ratio, rate.From
			o.Conversion = &c
		}
	}
	return priced(o)
}

// priced is an order whose amount follows from its own amount and its rate.
func priced(o order.Order) (order.Order, error) {
	minor, err := o.Conversion.InAccount(o.Conversion.Minor, o.Currency)
	o.Amount = minor
	return o, err
}

// inAccount is an amount of goods of an order, leaving or (returned) coming back, in the account's currency. In the order's own currency
// what has been shipped in all is converted, so that parts add up to the whole. Errors: CURRENCY_MISMATCH, MONEY_INVALID.
func inAccount(o order.Order, field string, m money.Money, returned bool) (int64, error) {
	c := o.Conversion
	if m.Currency == o.Currency {
		return m.Minor, nil
	}
	if c == nil {
		return 0, currencyMismatch(field, m.Currency, o.Currency)
	}
	if m.Currency != c.Currency {
		return 0, currencyMismatch(field, m.Currency, c.Currency)
	}
	to := c.Shipped + m.Minor
	if returned {
		to = c.Shipped - m.Minor
	}
	before, err := c.InAccount(c.Shipped, o.Currency)
	if err != nil {
		return 0, err
	}
	after, err := c.InAccount(to, o.Currency)
	if err != nil {
		return 0, err
	}
	if returned {
		return before - after, nil
	}
	return after - before, nil
}

// moved keeps how much of its own amount an order has shipped. A nil amount is all that was left.
func moved(o *order.Order, amount *money.Money, returned bool) {
	if o.Conversion == nil {
		return
	}
	c := *o.Conversion
	switch {
	case amount == nil:
		c.Shipped = c.Minor
	case amount.Currency == c.Currency && returned:
		c.Shipped -= amount.Minor
	case amount.Currency == c.Currency:
		c.Shipped += amount.Minor
	}
	o.Conversion = &c
}

// reprice gives an order a new amount: in its own currency, where it has one. Errors: CURRENCY_MISMATCH, MONEY_INVALID.
func reprice(o *order.Order, m money.Money) error {
	if o.Conversion == nil {
		if m.Currency != o.Currency {
			return currencyMismatch("amount.currency_code", m.Currency, o.Currency)
		}
		o.Amount = m.Minor
		return nil
	}
	if m.Currency != o.Conversion.Currency {
		return currencyMismatch("amount.currency_code", m.Currency, o.Conversion.Currency)
	}
	c := *o.Conversion
	c.Minor = m.Minor
	o.Conversion = &c
	var err error
	*o, err = priced(*o)
	return err
}
