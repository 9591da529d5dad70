package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// MergeRequest asks for a merge.
type MergeRequest struct {
	MergedID, SurvivorID, Reason string
}

// Merged is both files after a merge.
type Merged struct {
	Survivor customer.Customer `json:"survivor"`
	Merged   customer.Customer `json:"merged"`
	// Copied counts the facts.
	Copied int `json:"copied_facts"`
}

// MergeCustomer merges a closed file into another one. Both other phases are told with its
// profile: receivables has its account go on in the survivor's, and tells the gate of both
// under one number, which takes over what it holds of the one that was given up.
func (a *App) MergeCustomer(ctx context.Context, r idem.Request, m MergeRequest) (Merged, error) {
	who, err := caller(ctx)
	if err != nil {
		return Merged{}, err
	}
	day := a.Clock.Today(ctx)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Merged, error) {
		old, into, err := lockBoth(ctx, postgres.New(tx), m)
		if err != nil {
			return Merged{}, err
		}
		if err := old.File.CheckMerge(into.File); err != nil {
			return Merged{}, err
		}
		if err := formsDone(ctx, postgres.New(tx), m.MergedID); err != nil {
			return Merged{}, err
		}
		return a.merge(ctx, tx, old, into, postgres.Merge{MergedID: m.MergedID, SurvivorID: m.SurvivorID, By: who.Subject, Date: day, Reason: m.Reason})
	})
	if err != nil {
		return Merged{}, err
	}
	a.flush(ctx, m.MergedID)
	a.flush(ctx, m.SurvivorID)
	if !onTrial(ctx) {
		if err := (Reratings{App: a}).Review(ctx, m.SurvivorID); err != nil {
			a.Log.WarnContext(ctx, "survivor of a merge could not be rated now; it is due", "customer_id", m.SurvivorID, "error", err)
		}
	}
	return res, nil
}

// formsDone refuses a merge while somebody has yet to act on a form of the file: it is about terms that nobody will have.
func formsDone(ctx context.Context, store postgres.Store, id string) error {
	forms, err := store.OpenForms(ctx, id)
	if err != nil || len(forms) == 0 {
		return err
	}
	text := "credit application " + strings.Join(forms, ", credit application ")
	return errs.New(errs.FailedPrecondition, customer.ReasonOpenBusiness, "file %s still has open: %s", id, text).With("open", text)
}

// lockBoth locks both customers, always in the same order.
func lockBoth(ctx context.Context, store postgres.Store, m MergeRequest) (old, into postgres.State, err error) {
	ids := []string{m.MergedID, m.SurvivorID}
	if m.SurvivorID < m.MergedID {
		ids[0], ids[1] = ids[1], ids[0]
	}
	states := map[string]postgres.State{}
	for _, id := range ids {
		if states[id], err = visible(ctx, store.Lock, id); err != nil {
			return old, into, err
		}
	}
	return states[m.MergedID], states[m.SurvivorID], nil
}

func (a *App) merge(ctx context.Context, tx pgx.Tx, old, into postgres.State, m postgres.Merge) (Merged, error) {
	store := postgres.New(tx)
	var res Merged
	res.Merged, res.Survivor = old.File.MergeInto(into.File, a.now())
	if err := res.Survivor.Validate(m.Date); err != nil {
		return res, err
	}
	if err := store.InsertMerge(ctx, m, a.now()); err != nil {
		return res, err
	}
	if err := save(ctx, tx, old, change{file: res.Merged, day: m.Date}); err != nil {
		return res, err
	}
	if err := save(ctx, tx, into, change{file: res.Survivor, day: m.Date}); err != nil {
		return res, err
	}
	copied, err := a.copyFacts(ctx, store, m)
	if err != nil {
		return res, err
	}
	res.Copied = copied
	if into.Ratings > 0 {
		due := postgres.Rerating{Date: m.Date, Cause: "file " + m.MergedID + " was merged into this one"}
		if err := store.PutRerating(ctx, m.SurvivorID, due); err != nil {
			return res, err
		}
	}
	for _, id := range []string{m.MergedID, m.SurvivorID} {
		if err := note(ctx, tx, noted{customer: id, action: "customer.merge", subject: m.MergedID, day: m.Date, detail: m}); err != nil {
			return res, err
		}
	}
	return res, nil
}

// copyFacts makes what holds of the merged file known of the survivor, from the day of
// the merge on: the same recorder and verifier, the origin named.
func (a *App) copyFacts(ctx context.Context, store postgres.Store, m postgres.Merge) (int, error) {
	facts, err := store.Facts(ctx, m.MergedID, calendar.Date{}, postgres.First, maxFacts)
	if err != nil {
		return 0, err
	}
	copied := 0
	for i := len(facts) - 1; i >= 0; i-- {
		if facts[i].SupersededBy != "" {
			continue
		}
		f, err := store.InsertFact(ctx, copyOf(facts[i], m), a.now())
		if err != nil {
			return copied, err
		}
		if f.Verified() {
			if err := store.VerifyFact(ctx, f, a.now()); err != nil {
				return copied, err
			}
		}
		copied++
	}
	return copied, nil
}

func copyOf(f fact.Fact, m postgres.Merge) fact.Fact {
	sum := sha256.Sum256([]byte(f.CustomerID + "\x00" + f.ID))
	// A fact that came with an earlier merge keeps the origin that it had.
	if f.OriginFactID == "" {
		f.OriginCustomerID, f.OriginFactID = f.CustomerID, f.ID
	}
	f.ID, f.CustomerID, f.Supersedes, f.RecordDate = "M-"+hex.EncodeToString(sum[:12]), m.SurvivorID, "", m.Date
	if f.Verified() {
		f.VerifyDate = m.Date
	}
	return f
}
