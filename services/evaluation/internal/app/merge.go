package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// ReasonOpenBusinessUnknown: the other phases could not tell what is open.
const ReasonOpenBusinessUnknown = "OPEN_BUSINESS_UNKNOWN"

// Accounts tells what a customer has open at the order gate.
type Accounts interface {
	// Open names each bucket that is not empty with its amount; none for a customer that
	// the gate does not know. Unavailable where the gate cannot be asked.
	Open(ctx context.Context, customerID string) ([]string, error)
}

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

// MergeCustomer merges a closed file into another one. Business cannot move between
// accounts in one step with the files, so there must be none: the file is closed, the
// other phases have heard of it and nothing new can begin; then they are asked what is open.
func (a *App) MergeCustomer(ctx context.Context, r idem.Request, m MergeRequest) (Merged, error) {
	who, err := caller(ctx)
	if err != nil {
		return Merged{}, err
	}
	day := a.Clock.Today(ctx)
	open, openErr := a.openBusiness(ctx, m.MergedID, day)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Merged, error) {
		old, into, err := lockBoth(ctx, postgres.New(tx), m)
		if err != nil {
			return Merged{}, err
		}
		if err := old.File.CheckMerge(into.File); err != nil {
			return Merged{}, err
		}
		if openErr != nil {
			return Merged{}, openErr
		}
		if err := a.nothingOpen(ctx, postgres.New(tx), old, open); err != nil {
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

// found is what the other phases have open of a customer as of one of its profiles.
type found struct {
	profile int64
	open    []string
}

// openBusiness sees to it that the other phases know the customer's newest profile, and
// asks them what is open.
func (a *App) openBusiness(ctx context.Context, id string, day calendar.Date) (found, error) {
	st, err := a.store().Customer(ctx, id)
	if err != nil {
		return found{}, err
	}
	f := found{profile: st.Profile.Sequence}
	for stream, relay := range a.Relays {
		relay.Flush(ctx, id)
		head, err := delivery.HeadOf(ctx, a.Pool, stream, id)
		if err != nil {
			return f, err
		}
		if head.Acked < f.profile {
			return f, errs.New(errs.Unavailable, ReasonOpenBusinessUnknown, "the other services have not heard yet how file %s stands: try again", id)
		}
	}
	if f.open, err = a.Accounts.Open(ctx, id); err != nil {
		return f, err
	}
	record, err := a.Payments.PaymentRecord(ctx, id, day, day)
	if err != nil {
		return f, errs.New(errs.Unavailable, ReasonOpenBusinessUnknown, "receivables cannot tell what is open: try again").WithCause(err)
	}
	if !record.Open.IsZero() {
		f.open = append(f.open, "receivables "+record.Open.String()+" "+record.Open.Currency)
	}
	return f, nil
}

func (a *App) nothingOpen(ctx context.Context, store postgres.Store, st postgres.State, f found) error {
	if st.Profile.Sequence != f.profile {
		return errs.New(errs.Aborted, "CONFLICT", "file %s was changed in between: try again", st.File.ID)
	}
	forms, err := store.OpenForms(ctx, st.File.ID)
	if err != nil {
		return err
	}
	open := f.open
	for _, serial := range forms {
		open = append(open, "credit application "+serial)
	}
	if len(open) == 0 {
		return nil
	}
	text := strings.Join(open, ", ")
	return errs.New(errs.FailedPrecondition, customer.ReasonOpenBusiness, "file %s still has open: %s", st.File.ID, text).With("open", text)
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
