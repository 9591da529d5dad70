package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// loadMerging reads the accounts that positions hold for the first time, where they live now.
func (v *view) loadMerging(ctx context.Context, batch []*work) error {
	for _, w := range batch {
		if w.arrived == nil {
			continue
		}
		for _, m := range w.arrived.Merged {
			if slices.Contains(v.accounts[w.key].Merged, m.ID) {
				continue
			}
			k := rootOf(m.ID)
			for seen := map[string]bool{}; ; {
				if seen[k.RootID] { // heads of different times: the account moved there and back
					return fmt.Errorf("%w: account %s", postgres.ErrStale, m.ID)
				}
				seen[k.RootID] = true
				if err := v.loadAccounts(ctx, []postgres.Key{k}); err != nil {
					return err
				}
				to := v.accounts[k].MovedTo
				if to == "" {
					break
				}
				k.RootID = to
			}
			if v.accounts[k].MergedInto == nil { // one that was comes along with the account that holds it
				v.merging[w] = append(v.merging[w], k)
			}
		}
	}
	return nil
}

// mergedKeys are the accounts that a position holds for the first time, and those that they share.
func (v *view) mergedKeys(w *work) []postgres.Key {
	var keys []postgres.Key
	for _, k := range v.merging[w] {
		keys = append(keys, k)
		for _, r := range gate.SharedBy(v.accounts[k]) {
			keys = append(keys, postgres.Key(r))
		}
	}
	return keys
}

// leaving are the groups in which accounts that are merged held something, which others may use then.
func (v *view) leaving(w *work) []string {
	var groups []string
	for _, k := range v.merging[w] {
		if v.accounts[k].InGroup() {
			groups = append(groups, k.RootID)
		}
	}
	return groups
}

// absorb takes over, before a position counts, the accounts that it holds beside the customer's own. Each ends in the same transaction
// in which the survivor has what it held, so that nothing is counted twice or lost, whoever looks. Errors: CUSTOMER_MERGED for a
// position of an account that was merged itself, those of gate.Mergeable.
func (v *view) absorb(env gate.Env, w *work, p account.Position) error {
	a := v.accounts[w.key]
	switch {
	case a.MergedInto != nil && p.Seq > a.PositionSeq:
		return gate.MergedAway(a)
	case a.MergedInto != nil || p.Seq <= a.PositionSeq:
		return nil
	case p.Seq != a.PositionSeq+1:
		return nil // refused as a gap
	}
	var todo []postgres.Key
	for _, k := range v.merging[w] {
		if slices.Contains(a.Merged, k.AccountID) {
			continue // by a position before this one in the batch
		}
		i := slices.IndexFunc(p.Merged, func(m account.Merged) bool { return m.ID == k.AccountID })
		if err := gate.Mergeable(a, v.accounts[k], p.Merged[i]); err != nil {
			return err
		}
		todo = append(todo, k)
	}
	for _, k := range todo {
		if v.failed = v.absorbOne(env, w, k); v.failed != nil {
			return v.failed
		}
	}
	return nil
}

func (v *view) absorbOne(env gate.Env, w *work, from postgres.Key) error {
	self := *w
	self.key = from
	if err := v.expire(env, &self); err != nil { // it ends as what it was
		return err
	}
	a, gone := v.accounts[w.key], v.accounts[from]
	if _, err := v.record(w, gate.MergeOut(gone, account.Place{RootID: a.RootID, AccountID: a.ID, Seq: a.Seq + 1}), Request{}); err != nil {
		return err
	}
	orders := v.of(from, func(order.Order) bool { return true })
	v.adopt(from, w.key)
	ended := account.Place{RootID: from.RootID, AccountID: from.AccountID, Seq: v.accounts[from].Seq}
	c := gate.MergeIn(v.accounts[w.key], gone, ended, orders, w.today)
	all := c.Orders
	c.Orders = all[:min(len(all), gate.MaxTaken)]
	if _, err := v.record(w, c, Request{}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(all[len(c.Orders):], gate.MaxTaken) {
		more := gate.Change{Kind: gate.OrdersTook, Account: v.accounts[w.key], Orders: chunk, Detail: gate.Detail{MergedFrom: &ended}}
		if _, err := v.record(w, more, Request{}); err != nil {
			return err
		}
	}
	v.batch.Merges = append(v.batch.Merges, postgres.Merge{From: from, To: w.key})
	if gone.InGroup() && from.RootID != w.key.RootID { // the others may use what it held there
		return v.settleHeld(env, w, groupKey(from.RootID))
	}
	return nil
}

// adopt makes the orders of an account that are read, or were changed in this batch, those of the one that it was merged into.
func (v *view) adopt(from, to postgres.Key) {
	for k, o := range v.orders {
		if k.Key == from {
			delete(v.orders, k)
			o.CustomerID = to.AccountID
			v.orders[postgres.OrderKey{Key: to, OrderID: k.OrderID}] = o
		}
	}
	for k, i := range v.slot {
		if k.Key == from {
			delete(v.slot, k)
			v.slot[postgres.OrderKey{Key: to, OrderID: k.OrderID}] = i
			v.batch.Orders[i].RootID, v.batch.Orders[i].Order.CustomerID = to.RootID, to.AccountID
		}
	}
	for i, n := range v.batch.New {
		if n.Key == from {
			v.batch.New[i].Key = to
		}
	}
}

// mergedInto finds the entry that took up all that a merged account held, and says what is wrong with it; empty: nothing.
func (v *Verifier) mergedInto(ctx context.Context, e gate.Entry, d gate.Detail) (string, error) {
	if d.MergedInto == nil {
		return "it does not say into which account", nil
	}
	in, found, err := v.Store.Entry(ctx, []string{d.MergedInto.RootID}, d.MergedInto.AccountID, d.MergedInto.Seq)
	if err != nil || !found || in.Kind != gate.MergedIn {
		return "nothing took up what the account held: a tail was cut off", err
	}
	return v.takenUp(ctx, in, e)
}

// takenUp holds an entry that took up a merged account to what both held before it.
func (v *Verifier) takenUp(ctx context.Context, in, out gate.Entry) (string, error) {
	var sum account.Buckets
	var held int
	for _, e := range []gate.Entry{in, out} {
		before, found, err := v.Store.Entry(ctx, []string{e.RootID}, e.AccountID, e.Seq-1)
		if err != nil {
			return "", err
		}
		if !found {
			continue // its first entry
		}
		billed := sum.Billed + before.Buckets.Billed
		sum = sum.Add(before.Buckets)
		sum.Billed = billed
		held += before.Held
	}
	if in.Buckets != sum || in.Held != held {
		return "entry " + in.AccountID + "/" + strconv.FormatInt(in.Seq, 10) + " does not hold what both accounts held before it", nil
	}
	return "", nil
}
