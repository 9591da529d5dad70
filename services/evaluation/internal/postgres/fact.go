package postgres

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// First is the bound of a newest-first list that begins at the newest row.
const First int64 = math.MaxInt64

// InsertFact numbers and writes a fact of a locked customer. Errors: AlreadyExists
// FACT_EXISTS; those of Corrects; NotFound FACT_NOT_FOUND where there is none to correct.
func (s Store) InsertFact(ctx context.Context, f fact.Fact, at time.Time) (fact.Fact, error) {
	if f.Supersedes != "" {
		old, err := s.Fact(ctx, f.CustomerID, f.Supersedes)
		if err != nil {
			return f, err
		}
		if err := f.Corrects(old); err != nil {
			return f, err
		}
	}
	seq, err := s.q.NextFactSequence(ctx, f.CustomerID)
	if err != nil {
		return f, pg.Err(err)
	}
	f.Sequence = seq
	body, err := json.Marshal(f)
	if err != nil {
		return f, err
	}
	var supersedes *string
	if f.Supersedes != "" {
		supersedes = &f.Supersedes
	}
	err = s.q.InsertFact(ctx, db.InsertFactParams{
		CustomerID: f.CustomerID, FactID: f.ID, Sequence: f.Sequence, RecordDate: f.RecordDate,
		Supersedes: supersedes, Body: body, CreateTime: at,
	})
	if pg.IsUnique(err, "facts_pkey") {
		return f, errs.New(errs.AlreadyExists, "FACT_EXISTS", "the customer has a fact %s already", f.ID)
	}
	return f, pg.Err(err)
}

// VerifyFact writes who verified a fact.
func (s Store) VerifyFact(ctx context.Context, f fact.Fact, at time.Time) error {
	return pg.Err(s.q.InsertVerification(ctx, db.InsertVerificationParams{
		CustomerID: f.CustomerID, FactID: f.ID, VerifiedBy: f.VerifiedBy, VerifyDate: f.VerifyDate, CreateTime: at,
	}))
}

// Fact returns one fact as it is known now, or NotFound FACT_NOT_FOUND.
func (s Store) Fact(ctx context.Context, customerID, factID string) (fact.Fact, error) {
	row, err := s.q.GetFact(ctx, db.GetFactParams{CustomerID: customerID, FactID: factID})
	if err != nil {
		return fact.Fact{}, notFound(err, ReasonFactNotFound, "customer %s has no fact %s", customerID, factID)
	}
	return factOf(db.ListFactsRow(row))
}

// Facts returns facts as known by the end of a day (zero: now), newest first, that
// were recorded before the one with a number.
func (s Store) Facts(ctx context.Context, customerID string, knownOn calendar.Date, before int64, most int) ([]fact.Fact, error) {
	return s.FindFacts(ctx, FactQuery{CustomerID: customerID, KnownOn: knownOn}, before, most)
}

// FactQuery asks for facts of a customer.
type FactQuery struct {
	CustomerID string
	// KnownOn: only what was recorded by the end of the day; zero: all.
	KnownOn calendar.Date
	// ValidOn: only what may be used on the day; zero: all.
	ValidOn calendar.Date
	// Kind of the facts; empty: all.
	Kind fact.Kind
}

// FindFacts returns facts newest first that were recorded before the one with a number.
func (s Store) FindFacts(ctx context.Context, q FactQuery, before int64, most int) ([]fact.Fact, error) {
	rows, err := s.q.ListFacts(ctx, db.ListFactsParams{
		CustomerID: q.CustomerID, KnownOn: q.KnownOn, ValidOn: q.ValidOn, Kind: string(q.Kind),
		BeforeSequence: before, Most: int32(most), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	facts := make([]fact.Fact, 0, len(rows))
	for _, r := range rows {
		f, err := factOf(r)
		if err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
	return facts, nil
}

func factOf(row db.ListFactsRow) (fact.Fact, error) {
	var f fact.Fact
	err := json.Unmarshal(row.Body, &f)
	f.VerifiedBy, f.VerifyDate, f.SupersededBy = row.VerifiedBy, row.VerifyDate, row.SupersededBy
	return f, err
}
