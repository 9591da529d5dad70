package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// maxBreaks bounds a report; whoever has more needs a restore, not a list.
const maxBreaks = 1000

// Break is one place where a chain does not hold.
type Break struct {
	Chain   string
	Seq     int64
	Problem string
}

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
}

func (r *Report) broken(chain string, seq int64, format string, args ...any) {
	if len(r.Breaks) < maxBreaks {
		r.Breaks = append(r.Breaks, Break{Chain: chain, Seq: seq, Problem: fmt.Sprintf(format, args...)})
	}
}

// Verify recomputes every chain from what is stored. It finds an entry that was edited, removed, inserted or moved, and a tail that was
// cut off as long as an order still stands at it; a journal rewritten as a whole is found by comparing heads with ones kept elsewhere.
func (v *Verifier) Verify(ctx context.Context) (Report, error) {
	var r Report
	if err := v.journals(ctx, &r); err != nil {
		return r, err
	}
	beyond, err := v.Store.BeyondHead(ctx)
	if err != nil {
		return r, err
	}
	for k, seq := range beyond {
		r.broken("journal/"+k.AccountID, seq, "an order stands at an entry that is missing: the tail was cut off")
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

func (v *Verifier) journals(ctx context.Context, r *Report) error {
	var last gate.Entry
	told := map[string]order.Order{} // orders as the account's journal leaves them
	err := v.Store.Walk(ctx, func(e gate.Entry) error {
		chain := "journal/" + e.AccountID
		if e.RootID != last.RootID || e.AccountID != last.AccountID {
			if err := v.orders(ctx, r, last, told); err != nil {
				return err
			}
			r.Chains++
			last = gate.Entry{}
			clear(told)
		}
		r.Entries++
		if e.Seq != last.Seq+1 {
			r.broken(chain, e.Seq, "entry %d follows entry %d", e.Seq, last.Seq)
		}
		if !bytes.Equal(e.Link(last.Hash), e.Hash) {
			r.broken(chain, e.Seq, "the content does not give the hash")
		}
		last = e
		var d gate.Detail
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			r.broken(chain, e.Seq, "the detail cannot be read")
		}
		for _, o := range d.Orders {
			told[o.ID] = o
		}
		return v.redecide(ctx, r, chain, e)
	})
	if err != nil {
		return err
	}
	return v.orders(ctx, r, last, told)
}

// orders compares the orders of an account as they stand with what its journal tells, and the buckets with their sums (R19).
func (v *Verifier) orders(ctx context.Context, r *Report, last gate.Entry, told map[string]order.Order) error {
	if last.Seq == 0 {
		return nil
	}
	chain := "orders/" + last.AccountID
	docs, err := v.Store.OrderDocs(ctx, postgres.Key{RootID: last.RootID, AccountID: last.AccountID})
	if err != nil {
		return err
	}
	var sum account.Buckets
	for id, o := range told {
		sum.Order += o.Reserved
		sum.Delivery += o.Delivered
		doc, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if got, ok := docs[id]; !ok || got.Doc != string(doc) || got.State != string(o.State) {
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
