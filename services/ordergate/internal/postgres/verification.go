package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
)

// ErrLost says that work is not this worker's any more.
var ErrLost = errors.New("another worker has the work, or it has ended")

// Verification is what the verification of a business date found.
type Verification struct {
	Date            calendar.Date
	Started         time.Time
	Ended           time.Time // zero while it is under way
	Chains, Entries int64
	Breaks          []Break
}

// Break is one place where a chain does not hold.
type Break struct {
	Chain   string `json:"chain"`
	Seq     int64  `json:"seq"`
	Problem string `json:"problem"`
}

const claimVerification = `
INSERT INTO verification_runs (business_date, worker, lease_until) VALUES ($1, $2, clock_timestamp() + $3::interval)
ON CONFLICT (business_date) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until, started_at = clock_timestamp()
WHERE verification_runs.ended_at IS NULL AND verification_runs.lease_until < clock_timestamp()
RETURNING true`

// ClaimVerification takes the verification of a date for a worker. It reports false where it has ended or another worker has it; a claim is
// free again when its lease is over.
func (s *Store) ClaimVerification(ctx context.Context, date calendar.Date, worker string, lease time.Duration) (bool, error) {
	var claimed bool
	err := s.pool.QueryRow(ctx, claimVerification, date, worker, lease).Scan(&claimed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return claimed, pg.Err(err)
}

const holdVerification = `
UPDATE verification_runs SET lease_until = clock_timestamp() + $3::interval WHERE business_date = $1 AND worker = $2 AND ended_at IS NULL`

// HoldVerification extends a claim. Errors: ErrLost where another worker has taken it over.
func (s *Store) HoldVerification(ctx context.Context, date calendar.Date, worker string, lease time.Duration) error {
	tag, err := s.pool.Exec(ctx, holdVerification, date, worker, lease)
	return lost(tag.RowsAffected(), err)
}

const endVerification = `
UPDATE verification_runs SET ended_at = clock_timestamp(), chains = $3, entries = $4, breaks = $5
WHERE business_date = $1 AND worker = $2 AND ended_at IS NULL`

// EndVerification keeps what a verification found. Errors: ErrLost where another worker has taken it over.
func (s *Store) EndVerification(ctx context.Context, worker string, v Verification) error {
	breaks, err := json.Marshal(v.Breaks)
	if err != nil {
		return fmt.Errorf("encode breaks: %w", err)
	}
	tag, err := s.pool.Exec(ctx, endVerification, v.Date, worker, v.Chains, v.Entries, string(breaks))
	return lost(tag.RowsAffected(), err)
}

func lost(rows int64, err error) error {
	if err == nil && rows == 0 {
		return ErrLost
	}
	return pg.Err(err)
}

const listVerifications = `
SELECT business_date, started_at, coalesce(ended_at, 'epoch'), ended_at IS NULL, chains, entries, breaks FROM verification_runs
WHERE $1::date IS NULL OR business_date < $1 ORDER BY business_date DESC LIMIT $2`

// Verifications lists verifications before a date, newest first; no date is the newest.
func (s *Store) Verifications(ctx context.Context, before calendar.Date, limit int) ([]Verification, error) {
	rows, err := s.read.Query(ctx, listVerifications, before, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Verification, error) {
		var v Verification
		var running bool
		var breaks string
		if err := row.Scan(&v.Date, &v.Started, &v.Ended, &running, &v.Chains, &v.Entries, &breaks); err != nil {
			return v, err
		}
		if running {
			v.Ended = time.Time{}
		}
		return v, json.Unmarshal([]byte(breaks), &v.Breaks)
	})
	return found, pg.Err(err)
}
