package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// of are the account's orders in the view for which is holds, by number.
func (v *view) of(k postgres.Key, is func(order.Order) bool) []order.Order {
	var found []order.Order
	for key, o := range v.orders {
		if key.Key == k && is(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(x, y order.Order) int { return strings.Compare(x.ID, y.ID) })
	return found
}

// Conditions of an approval, in the words of a request: nil and zero leave open.
type Conditions struct {
	MaxAmount, Payment *money.Money
	Until              calendar.Date
}

// of are the conditions in the order's currency. Errors: CURRENCY_MISMATCH, AMOUNT_BELOW_SHIPPED, DATE_PAST.
func (c *Conditions) of(o order.Order, today calendar.Date) (*order.Conditions, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // no conditions
	}
	for name, m := range map[string]*money.Money{"max_amount": c.MaxAmount, "payment": c.Payment} {
		if m != nil && m.Currency != o.Currency {
			return nil, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the order is in %s, not in %s", o.Currency, m.Currency).
				WithViolations(errs.Violation{Field: "conditions." + name + ".currency_code", Rule: "CURRENCY_MISMATCH", Message: "must be " + o.Currency})
		}
	}
	out := &order.Conditions{Until: c.Until}
	if c.MaxAmount != nil {
		out.MaxAmount = c.MaxAmount.Minor
	}
	if c.Payment != nil {
		out.Payment = c.Payment.Minor
	}
	if !c.Until.IsZero() && c.Until.Before(today) {
		return nil, errs.Field("conditions.until_date", "DATE_PAST", "%s is in the past", c.Until)
	}
	return out, nil
}

// Act takes the next step of a held order's approval, see gate.Act.
func (g *Gate) Act(ctx context.Context, c Caller, req Request, orderID string, act Act) (Answer, error) {
	return g.existing(ctx, c, req, orderID, act.Decision == approval.Reject, func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error) {
		if act.Batch {
			if err := withinBatch(env, o); err != nil {
				return gate.Change{}, false, err
			}
		}
		conds, err := act.Conditions.of(o, env.Today)
		if err != nil {
			return gate.Change{}, false, err
		}
		change, err := gate.Act(env, a, o, act.Decision, act.Reason, conds)
		return change, true, err
	})
}

// Act is what a person does on a held order's form.
type Act struct {
	Decision   approval.Decision
	Reason     string
	Conditions *Conditions
	Batch      bool // one of many: bounded by the policy
}

// withinBatch bounds what is decided in a batch. Errors: BATCH_CAP.
func withinBatch(env gate.Env, o order.Order) error {
	most := env.Policy.Controls.BatchMaxExcess
	if most == nil || o.Hold == nil || o.State != order.Held {
		return nil
	}
	if o.Hold.Excess > *most || o.Hold.Excess > 0 && o.Currency != env.Policy.BaseCurrency {
		return errs.New(errs.FailedPrecondition, "BATCH_CAP", "order %s has too great an excess to be decided in a batch", o.ID)
	}
	return nil
}

// Goods that came back; Replace says that others go out for them.
type Goods struct {
	ID      string
	Amount  money.Money
	Replace bool
}

// TakeBack records goods that came back, see gate.TakeBack.
func (g *Gate) TakeBack(ctx context.Context, c Caller, req Request, orderID string, back Goods) (Answer, error) {
	return g.existing(ctx, c, req, orderID, true, func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error) {
		change, err := gate.TakeBack(env, a, o, back.ID, back.Amount, back.Replace)
		return change, true, err
	})
}

// Close ends an approved order, see gate.Close.
func (g *Gate) Close(ctx context.Context, c Caller, req Request, orderID, reason string) (Answer, error) {
	return g.existing(ctx, c, req, orderID, true, func(env gate.Env, a account.Account, o order.Order) (gate.Change, bool, error) {
		return gate.Close(env, a, o, reason)
	})
}

// Reopen asks again for what closing, cancelling or expiry freed, see gate.Reopen.
func (g *Gate) Reopen(ctx context.Context, c Caller, req Request, orderID string, until calendar.Date, reason string) (Answer, error) {
	return g.directly(ctx, c, req, orderID, func(env gate.Env, a account.Account, o order.Order) (gate.Change, error) {
		return gate.Reopen(env, a, o, until, reason)
	})
}

// Authorization is the answer to a warehouse.
type Authorization struct {
	Order   order.Order
	Reasons []string  // codes; none: the goods may leave
	Until   time.Time // how long the answer holds; zero for a refusal
}

// Authorize says whether goods of an order may leave now. Where that is the moment in which S2.18 is broken, the customer is stopped.
// A refusal is kept in the audit trail; nothing else is written. Errors: ORDER_UNKNOWN, CURRENCY_MISMATCH.
func (g *Gate) Authorize(ctx context.Context, c Caller, orderID string, amount *money.Money) (Authorization, error) {
	key, found, err := g.Store.Locate(ctx, orderID)
	if err != nil {
		return Authorization{}, err
	}
	if !found {
		return Authorization{}, gate.UnknownOrder(orderID)
	}
	a, err := g.current(ctx, key)
	if err != nil {
		return Authorization{}, err
	}
	name := postgres.OrderKey{Key: key, OrderID: orderID}
	orders, err := g.Store.Orders(ctx, []postgres.OrderKey{name})
	if err != nil {
		return Authorization{}, err
	}
	env := gate.Env{Today: g.Clock.Today(ctx), Actor: c.Subject, Roles: c.Roles, Sees: c.Sees}
	if env.Policy, err = g.Policies.InForce(ctx, env.Today); err != nil {
		return Authorization{}, err
	}
	o := orders[name].Order
	why, err := gate.Authorize(env, a, o, amount)
	if err != nil || len(why) == 0 {
		return Authorization{Order: o, Until: g.Clock.Now().Add(time.Duration(env.Policy.Controls.AnswerForMinutes) * time.Minute)}, err
	}
	if slices.Contains(why, gate.StoppedByRule) && a.Control.Stop == nil {
		_, err = g.existingWith(ctx, c, Request{}, orderID, false, func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error) {
			return gate.Change{}, false, v.stopAtShipping(env, w, o, amount, why)
		})
		if err != nil {
			return Authorization{}, err
		}
	}
	return Authorization{Order: o, Reasons: why}, g.Store.RecordRefusal(ctx, postgres.ShipmentRefusal{
		CustomerID: a.ID, OrderID: orderID, Actor: c.Subject, BusinessDate: env.Today, Reasons: why,
	})
}

// current reads an account as it stands today: what the date has ended of its orders is ended first.
func (g *Gate) current(ctx context.Context, key postgres.Key) (account.Account, error) {
	a, err := follow(ctx, g.Store, key)
	if err != nil {
		return account.Account{}, err
	}
	if a.NextExpiry.IsZero() || !a.NextExpiry.Before(g.Clock.Today(ctx)) {
		return a, nil
	}
	w := &work{ctx: ctx, key: key, caller: service()}
	w.apply = func(gate.Env, *view) (Answer, error) { return Answer{}, nil } // expiry comes before every command
	if _, err := g.do(w); err != nil {
		return account.Account{}, err
	}
	return follow(ctx, g.Store, w.key)
}

// stopAtShipping stops a customer whose goods may not leave because they would break S2.18, if it is not stopped yet.
func (v *view) stopAtShipping(env gate.Env, w *work, o order.Order, amount *money.Money, why []string) error {
	if !slices.Contains(why, gate.StoppedByRule) || v.accounts[w.key].Control.Stop != nil {
		return nil
	}
	c, stops := gate.EnforceAtShipping(env, v.accounts[w.key], o, amount)
	if !stops {
		return nil
	}
	self := *w
	self.caller.Subject = "ordergate"
	_, err := v.record(&self, c, Request{})
	return err
}

// Ship records goods issue, see gate.Ship. Goods that would break S2.18 do not ship, and the customer is stopped.
func (g *Gate) Ship(ctx context.Context, c Caller, req Request, orderID string, s Shipment) (Answer, error) {
	return g.existingWith(ctx, c, req, orderID, s.Final, func(env gate.Env, v *view, w *work, o order.Order) (gate.Change, bool, error) {
		change, err := gate.Ship(env, v.accounts[w.key], o, s.ID, s.Amount, s.Final)
		if e, ok := errs.As(err); ok {
			if stopErr := v.stopAtShipping(env, w, o, s.Amount, strings.Split(e.Meta["reason_codes"], ",")); stopErr != nil {
				return gate.Change{}, false, stopErr
			}
		}
		return change, true, err
	})
}
