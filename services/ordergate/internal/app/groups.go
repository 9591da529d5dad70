package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// maxMembers bounds the members shown of a group.
const maxMembers = 1000

// GroupLimit is a limit to set, in minor units of currency. An undefined limit needs no currency.
type GroupLimit struct {
	GroupID, Currency string
	Limit             account.Limit
	Reason            string
}

// SetGroupLimit sets what all members of a group may use together; orders on hold are judged again in the same transaction.
// Errors: CURRENCY_MISMATCH, and GROUP_UNKNOWN
// where the limit of a group that the gate has not heard of is taken away.
func (g *Gate) SetGroupLimit(ctx context.Context, c Caller, req Request, l GroupLimit) (Answer, error) {
	w := &work{ctx: ctx, key: groupKey(l.GroupID), req: req, caller: c, frees: true}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		change, err := gate.SetGroupLimit(env, v.accounts[w.key], l.Currency, l.Limit, l.Reason)
		if err != nil {
			return Answer{}, err
		}
		a, err := v.record(w, change, req)
		if err == nil {
			err = v.settleHeld(env, w, w.key)
		}
		return a, err
	}
	return g.do(w)
}

// ReceiveGroupPool takes what an approved form of evaluation says of a group, once, and never what an earlier form said. Errors:
// CURRENCY_MISMATCH.
func (g *Gate) ReceiveGroupPool(ctx context.Context, dated calendar.Date, f gate.GroupForm) error {
	w := &work{ctx: ctx, key: groupKey(f.GroupID), caller: service(), today: g.judgedOn(ctx, dated), frees: true}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		change, changed, err := gate.SetGroupPool(env, v.accounts[w.key], f)
		if err != nil || !changed {
			return Answer{}, err
		}
		a, err := v.record(w, change, w.req)
		if err == nil {
			err = v.settleHeld(env, w, w.key)
		}
		return a, err
	}
	_, err := g.do(w)
	return err
}

// GroupSheet is a group's pool with its members as they are now.
type GroupSheet struct {
	Pool    account.Account
	Members []account.Account // by id
}

// Group reads a group and its members. Errors: GROUP_UNKNOWN.
func (q *Queries) Group(ctx context.Context, groupID string) (GroupSheet, error) {
	pool, err := q.pool(ctx, groupID)
	if err != nil {
		return GroupSheet{}, err
	}
	keys, err := q.Store.Members(ctx, groupID, "", maxMembers)
	if err != nil {
		return GroupSheet{}, err
	}
	heads, err := q.Store.Heads(ctx, keys)
	if err != nil {
		return GroupSheet{}, err
	}
	s := GroupSheet{Pool: pool}
	for _, k := range keys {
		if a := heads[k]; a.InGroup() {
			s.Members = append(s.Members, a)
		}
	}
	return s, nil
}

func (q *Queries) pool(ctx context.Context, groupID string) (account.Account, error) {
	k := groupKey(groupID)
	heads, err := q.Store.Heads(ctx, []postgres.Key{k})
	if err != nil {
		return account.Account{}, err
	}
	if heads[k].Plan == nil {
		return account.Account{}, errs.New(errs.NotFound, "GROUP_UNKNOWN", "group %s is not known", groupID).With("group_id", groupID)
	}
	return heads[k], nil
}

// Groups lists groups by id.
func (q *Queries) Groups(ctx context.Context, size32 int32, token string) (Page[account.Account], error) {
	sum := page.Checksum("groups")
	cur, err := q.Pages.Decode(token, sum, 1)
	if err != nil {
		return Page[account.Account]{}, err
	}
	after := ""
	if cur != nil {
		after = cur[0]
	}
	size := page.Size(size32, pageDefault, pageMax)
	ids, err := q.Store.Groups(ctx, after, size+1)
	if err != nil {
		return Page[account.Account]{}, err
	}
	var out Page[account.Account]
	if len(ids) > size {
		ids = ids[:size]
		out.Next = q.Pages.Encode(sum, ids[size-1])
	}
	keys := make([]postgres.Key, len(ids))
	for i, id := range ids {
		keys[i] = groupKey(id)
	}
	heads, err := q.Store.Heads(ctx, keys)
	if err != nil {
		return Page[account.Account]{}, err
	}
	for _, k := range keys {
		out.Items = append(out.Items, heads[k])
	}
	return out, nil
}

// GroupJournal lists the entries of a group's pool, newest first.
func (q *Queries) GroupJournal(ctx context.Context, groupID string, size int32, token string) (Page[gate.Entry], error) {
	pool, err := q.pool(ctx, groupID)
	if err != nil {
		return Page[gate.Entry]{}, err
	}
	return q.entries(ctx, pool, journalPage{what: "group", currency: pool.Plan.Currency, size: size, token: token})
}
