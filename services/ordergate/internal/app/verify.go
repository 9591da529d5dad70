package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
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
	err := v.Store.Walk(ctx, func(e gate.Entry) error {
		chain := "journal/" + e.AccountID
		if e.RootID != last.RootID || e.AccountID != last.AccountID {
			if err := v.left(ctx, r, last); err != nil {
				return err
			}
			r.Chains++
			last = gate.Entry{}
		}
		r.Entries++
		if e.Kind == gate.MovedIn {
			var err error
			if last, err = v.before(ctx, e); err != nil {
				return err
			}
		}
		if e.Seq != last.Seq+1 {
			r.broken(chain, e.Seq, "entry %d follows entry %d", e.Seq, last.Seq)
		}
		if !bytes.Equal(e.Link(last.Hash), e.Hash) {
			r.broken(chain, e.Seq, "the content does not give the hash")
		}
		last = e
		return v.redecide(ctx, r, chain, e)
	})
	if err != nil {
		return err
	}
	return v.left(ctx, r, last)
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
