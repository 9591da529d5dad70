package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// expire applies what the date has ended of an account's orders, before anything else is decided about it: so no job runs at midnight.
func (v *view) expire(env gate.Env, w *work) error {
	a := v.accounts[w.key]
	if a.NextExpiry.IsZero() || !a.NextExpiry.Before(w.today) {
		return nil
	}
	self := *w
	self.caller.Subject = "ordergate"
	ended := false
	for _, o := range v.of(w.key, func(o order.Order) bool { return !o.Expiry().IsZero() }) {
		c, did, err := gate.Expire(env, v.accounts[w.key], o)
		if err != nil {
			return err
		}
		if !did {
			continue
		}
		if _, err := v.record(&self, c, Request{}); err != nil {
			return err
		}
		ended = true
	}
	a = v.accounts[w.key]
	a.NextExpiry = v.nextExpiry(w.key)
	v.accounts[w.key] = a
	if !ended {
		return nil
	}
	return v.settleHeld(env, w, w.key)
}

func (v *view) nextExpiry(k postgres.Key) calendar.Date {
	var next calendar.Date
	for _, o := range v.of(k, func(o order.Order) bool { return !o.Expiry().IsZero() }) {
		if last := o.Expiry(); next.IsZero() || last.Before(next) {
			next = last
		}
	}
	return next
}

// enforce applies S2.18 after something changed what the account owes, may owe, or is excepted from.
func (v *view) enforce(env gate.Env, w *work, k postgres.Key) error {
	c, changed := gate.Enforce(env, v.accounts[k], "", 0)
	if !changed {
		return nil
	}
	self := *w
	self.caller.Subject = "ordergate"
	_, err := v.record(&self, c, Request{})
	return err
}

// onAccount runs a command on a customer's account itself; held orders are judged again after it.
func (g *Gate) onAccount(ctx context.Context, c Caller, req Request, customerID string,
	apply func(env gate.Env, a account.Account) (gate.Change, bool, error)) (account.Control, error) {
	var after account.Control
	_, err := g.known(ctx, customerID, func() (Answer, error) {
		w := &work{ctx: ctx, key: g.keyOf(customerID), req: req, caller: c, frees: true}
		w.apply = func(env gate.Env, v *view) (Answer, error) {
			change, changed, err := apply(env, v.accounts[w.key])
			if err != nil {
				return Answer{}, err
			}
			if !changed {
				v.batch.Touch = true
				return Answer{}, nil
			}
			a, err := v.record(w, change, req)
			if err == nil {
				err = v.enforce(env, w, w.key)
			}
			if err == nil {
				err = v.settleHeld(env, w, w.key)
			}
			return a, err
		}
		return g.do(w)
	})
	if err != nil {
		return after, err
	}
	a, err := follow(ctx, g.Store, g.keyOf(customerID))
	return a.Control, err
}

// Block blocks a customer by hand, see gate.Block.
func (g *Gate) Block(ctx context.Context, c Caller, req Request, customerID string, b account.Block) (account.Control, error) {
	return g.onAccount(ctx, c, req, customerID, func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		change, err := gate.Block(env, a, b)
		return change, err == nil, err
	})
}

// Unblock lifts a block, see gate.Unblock.
func (g *Gate) Unblock(ctx context.Context, c Caller, req Request, customerID, reason string) (account.Control, error) {
	return g.onAccount(ctx, c, req, customerID, func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		return gate.Unblock(env, a, reason)
	})
}

// RequestException asks both directors for an exception of S2.18, see gate.RequestException.
func (g *Gate) RequestException(ctx context.Context, c Caller, req Request, customerID string, r gate.ExceptionRequest) (account.Control, error) {
	return g.onAccount(ctx, c, req, customerID, func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		change, err := gate.RequestException(env, a, r)
		return change, err == nil, err
	})
}

// DecideException takes the next signature of an exception, see gate.DecideException.
func (g *Gate) DecideException(ctx context.Context, c Caller, req Request, customerID string, d approval.Decision, reason string) (account.Control, error) {
	return g.onAccount(ctx, c, req, customerID, func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		change, err := gate.DecideException(env, a, d, reason)
		return change, err == nil, err
	})
}

// ControlSheet is what controls a customer today.
type ControlSheet struct {
	CustomerID, Currency string
	Today                calendar.Date
	Control              account.Control
}

// InForce reports whether the customer is blocked or stopped today, or waits for an exception.
func (s ControlSheet) InForce() bool {
	ex := s.Control.Exception
	return s.Control.BlockOn(s.Today) != nil || s.Control.Stop != nil ||
		ex != nil && (ex.Form.State == approval.Pending || ex.Form.State == approval.Approved && !s.Today.After(ex.Until))
}

// Control reads what controls a customer. Errors: CUSTOMER_UNKNOWN.
func (q *Queries) Control(ctx context.Context, c Caller, customerID string) (ControlSheet, error) {
	a, err := q.head(ctx, c, customerID)
	return ControlSheet{CustomerID: customerID, Currency: a.Profile.Currency, Today: q.Clock.Today(ctx), Control: a.Control}, err
}

// Controls lists customers that are blocked or stopped today, or wait for an exception.
func (q *Queries) Controls(ctx context.Context, c Caller, size32 int32, token string) (Page[ControlSheet], error) {
	sum := page.Checksum("customerControls")
	cur, err := q.Pages.Decode(token, sum, 2)
	if err != nil {
		return Page[ControlSheet]{}, err
	}
	var after postgres.Key
	if cur != nil {
		after = postgres.Key{RootID: cur[0], AccountID: cur[1]}
	}
	size, today := page.Size(size32, pageDefault, pageMax), q.Clock.Today(ctx)
	var out Page[ControlSheet]
	for range maxScan {
		keys, err := q.Store.Controlled(ctx, after, size)
		if err != nil || len(keys) == 0 {
			return out, err
		}
		heads, err := q.Store.Heads(ctx, keys)
		if err != nil {
			return Page[ControlSheet]{}, err
		}
		for _, k := range keys {
			s := ControlSheet{CustomerID: k.AccountID, Currency: heads[k].Profile.Currency, Today: today, Control: heads[k].Control}
			if !s.InForce() || !c.Sees(heads[k].Profile.SalespersonID) {
				after = k
				continue
			}
			if len(out.Items) == size {
				out.Next = q.Pages.Encode(sum, after.RootID, after.AccountID)
				return out, nil
			}
			out.Items, after = append(out.Items, s), k
		}
	}
	out.Next = q.Pages.Encode(sum, after.RootID, after.AccountID)
	return out, nil
}
