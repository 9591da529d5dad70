package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// maxBreaks bounds a report; whoever has more needs a restore, not a list.
const maxBreaks = 1000

// Break is one place where a chain does not hold.
type Break = postgres.Break

// Report of a verification.
type Report struct {
	Chains, Entries int64
	Breaks          []Break
}

// Verifier walks every chain of the gate: journals, with each decision made again, policies and the audit trail.
type Verifier struct {
	Pool     *pgxpool.Pool
	Store    *postgres.Store
	Policies *policy.Cache[check.Policy]
	Book     *policy.Store
	Log      *slog.Logger
	// Register of violations takes what is found; nil: none is kept.
	Register *violation.Register
}

func (r *Report) broken(chain string, seq int64, format string, args ...any) {
	if len(r.Breaks) < maxBreaks {
		r.Breaks = append(r.Breaks, Break{Chain: chain, Seq: seq, Problem: fmt.Sprintf(format, args...)})
	}
}

// Verify recomputes every chain from what is stored. It finds an entry that was edited, removed, inserted or moved, and a tail that was
// cut off as long as an order still stands at it; a journal rewritten as a whole is found by comparing heads with ones kept elsewhere.
// What it finds is logged as an error too, which is what alerts are made of (R19), and is in the register of violations.
func (v *Verifier) Verify(ctx context.Context) (Report, error) {
	r, err := v.walk(ctx)
	for _, b := range r.Breaks {
		v.Log.ErrorContext(ctx, "what is stored is not what it was made from", "chain", b.Chain, "entry", b.Seq, "problem", b.Problem)
	}
	if v.Register != nil {
		for _, b := range violation.Most(r.Breaks) {
			v.Register.Found(ctx, b.Chain, b.Seq, b.Problem)
		}
	}
	return r, err
}

func (v *Verifier) walk(ctx context.Context) (Report, error) {
	var r Report
	err := v.Store.AtOneMoment(ctx, func(store *postgres.Store) error {
		still := *v
		still.Store = store
		return still.stored(ctx, &r)
	})
	if err != nil {
		return r, err
	}
	trail, err := audit.Verify(ctx, v.Pool)
	if err != nil {
		return r, err
	}
	r.Chains += trail.Streams
	r.Entries += trail.Entries
	for _, b := range trail.Broken {
		r.broken("audit/"+b.Stream, b.Seq, "%s", b.Why)
	}
	policies, err := v.Book.Verify(ctx)
	if err != nil {
		return r, err
	}
	r.Chains++
	for _, b := range policies {
		r.broken("policy", b.Seq, "%s", b.Why)
	}
	return r, nil
}

// stored walks the journals and what is kept beside them, as they are at one moment.
func (v *Verifier) stored(ctx context.Context, r *Report) error {
	if err := v.journals(ctx, r); err != nil {
		return err
	}
	beyond, err := v.Store.BeyondHead(ctx)
	if err != nil {
		return err
	}
	for k, seq := range beyond {
		r.broken("journal/"+k.AccountID, seq, "an order stands at an entry that is missing: the tail was cut off")
	}
	return v.Store.StrayPassed(ctx, func(p postgres.Passed) {
		r.broken("journal/"+p.AccountID, p.Seq, "order %s is said to be passed over by an entry that does not name it", p.OrderID)
	})
}

// journal is what the walk has seen of one account under one root.
type journal struct {
	last  gate.Entry
	moved bool            // the account came from another root, or left for one
	ended bool            // the account was merged into another one, with all its orders
	told  map[string]told // orders as the journal leaves them
}

// told is an order as the entry seq left it.
type told struct {
	seq   int64
	order order.Order
}

func (v *Verifier) journals(ctx context.Context, r *Report) error {
	now := journal{told: map[string]told{}}
	travelled := map[string][]journal{} // accounts that lived under several roots: their orders are compared when all is read
	end := func() error {
		if !now.moved {
			return v.orders(ctx, r, now.last, now.told)
		}
		travelled[now.last.AccountID] = append(travelled[now.last.AccountID], now)
		return v.left(ctx, r, now.last)
	}
	err := v.Store.Walk(ctx, func(e gate.Entry) error {
		chain := "journal/" + e.AccountID
		if e.RootID != now.last.RootID || e.AccountID != now.last.AccountID {
			if err := end(); err != nil {
				return err
			}
			r.Chains++
			now = journal{told: map[string]told{}}
		}
		r.Entries++
		now.moved = now.moved || e.Kind == gate.MovedIn || e.Kind == gate.MovedOut
		if e.Kind == gate.MovedIn {
			var err error
			if now.last, err = v.before(ctx, e); err != nil {
				return err
			}
		}
		if e.Seq != now.last.Seq+1 {
			r.broken(chain, e.Seq, "entry %d follows entry %d", e.Seq, now.last.Seq)
		}
		if !bytes.Equal(e.Link(now.last.Hash), e.Hash) {
			r.broken(chain, e.Seq, "the content does not give the hash")
		}
		now.last = e
		var d gate.Detail
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			r.broken(chain, e.Seq, "the detail cannot be read")
		}
		for _, o := range d.Orders {
			now.told[o.ID] = told{e.Seq, o}
		}
		if e.Kind == gate.MergedOut {
			now.ended, now.told = true, map[string]told{}
			if problem, err := v.mergedInto(ctx, e, d); err != nil {
				return err
			} else if problem != "" {
				r.broken(chain, e.Seq, "%s", problem)
			}
		}
		if err := v.passed(ctx, r, e, d.Passed); err != nil {
			return err
		}
		return v.redecide(ctx, r, chain, e)
	})
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	for _, parts := range travelled {
		if err := v.travelled(ctx, r, parts); err != nil {
			return err
		}
	}
	return nil
}

// passed compares the orders that an entry names as passed over with what is kept of them beside the journal.
func (v *Verifier) passed(ctx context.Context, r *Report, e gate.Entry, named []string) error {
	if len(named) == 0 {
		return nil
	}
	kept, err := v.Store.PassedBy(ctx, postgres.Key{RootID: e.RootID, AccountID: e.AccountID}, e.Seq)
	if err != nil {
		return err
	}
	for _, id := range named {
		if !slices.Contains(kept, id) {
			r.broken("journal/"+e.AccountID, e.Seq, "order %s was passed over, and that is not kept", id)
		}
	}
	return nil
}

// travelled compares the orders of an account that lived under several roots: they are all where it lives now.
func (v *Verifier) travelled(ctx context.Context, r *Report, parts []journal) error {
	home, all := parts[0].last, map[string]told{}
	for _, p := range parts {
		if p.last.Seq > home.Seq {
			home = p.last
		}
		for id, o := range p.told {
			if o.seq > all[id].seq {
				all[id] = o
			}
		}
	}
	if slices.ContainsFunc(parts, func(p journal) bool { return p.ended }) {
		all = nil
	}
	for _, p := range parts {
		if p.last.RootID == home.RootID {
			continue
		}
		if err := v.orders(ctx, r, p.last, nil); err != nil {
			return err
		}
	}
	return v.orders(ctx, r, home, all)
}

// orders compares the orders of a customer as they stand with what its journal tells, and the buckets with their sums (R19).
func (v *Verifier) orders(ctx context.Context, r *Report, last gate.Entry, journal map[string]told) error {
	if last.Seq == 0 || account.KindOf(last.AccountID) != account.Customer {
		return nil
	}
	chain := "orders/" + last.AccountID
	docs, err := v.Store.OrderDocs(ctx, postgres.Key{RootID: last.RootID, AccountID: last.AccountID})
	if err != nil {
		return err
	}
	var sum account.Buckets
	for id, t := range journal {
		sum.Order += t.order.Reserved
		sum.Delivery += t.order.Delivered
		same, err := stands(docs[id], t)
		if err != nil {
			return err
		}
		if !same {
			r.broken(chain, last.Seq, "order %s is not as the journal leaves it", id)
		}
		delete(docs, id)
	}
	for id := range docs {
		r.broken(chain, last.Seq, "order %s is not in the journal", id)
	}
	if sum.Order != last.Buckets.Order || sum.Delivery != last.Buckets.Delivery {
		r.broken(chain, last.Seq, "orders sum to %d and %d, the buckets hold %d and %d", sum.Order, sum.Delivery, last.Buckets.Order, last.Buckets.Delivery)
	}
	return nil
}

// stands reports whether an order stands as an entry of the journal left it.
func stands(got postgres.OrderDoc, t told) (bool, error) {
	if got.State != string(t.order.State) {
		return false, nil
	}
	if got.Doc == nil {
		return got.Seq == t.seq, nil
	}
	doc, err := json.Marshal(t.order)
	return *got.Doc == string(doc), err
}

// before is the entry that an account's arrival under a root stands on: the last one under the root that it came from.
func (v *Verifier) before(ctx context.Context, e gate.Entry) (gate.Entry, error) {
	var d gate.Detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return gate.Entry{}, nil //nolint:nilerr // the hash will tell
	}
	out, _, err := v.Store.Entry(ctx, []string{d.MovedOut}, e.AccountID, e.Seq-1)
	if err != nil || out.Kind != gate.MovedOut {
		return gate.Entry{}, err
	}
	return out, nil
}

// left finds an account that left a root and arrived nowhere.
func (v *Verifier) left(ctx context.Context, r *Report, last gate.Entry) error {
	if last.Kind != gate.MovedOut {
		return nil
	}
	var d gate.Detail
	err := json.Unmarshal(last.Detail, &d)
	if err == nil {
		_, found, err := v.Store.Entry(ctx, []string{d.MovedTo}, last.AccountID, last.Seq+1)
		if err != nil || found {
			return err
		}
	}
	r.broken("journal/"+last.AccountID, last.Seq, "the account left and arrived nowhere: a tail was cut off")
	return nil // a finding, not a failure of the walk
}

// redecide makes a stored decision again; it must give the recorded bytes.
func (v *Verifier) redecide(ctx context.Context, r *Report, chain string, e gate.Entry) error {
	if e.Decision == nil {
		return nil
	}
	rec, err := check.DecodeRecord(e.Decision)
	if err != nil {
		r.broken(chain, e.Seq, "the decision record cannot be read")
		return nil //nolint:nilerr // a finding, not a failure of the walk
	}
	p, err := v.Policies.ByVersion(ctx, rec.Input.PolicyVersion)
	if err != nil {
		r.broken(chain, e.Seq, "the decision names policy version %d, which cannot be read", rec.Input.PolicyVersion)
		return nil //nolint:nilerr // a finding, not a failure of the walk
	}
	again, err := check.Replay(e.Decision, p)
	if err != nil || !bytes.Equal(again, e.Decision) {
		r.broken(chain, e.Seq, "the decision made again differs from the record")
	}
	return nil
}
