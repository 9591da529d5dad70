package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// KeptReport is a report as it was made.
type KeptReport struct {
	Date          calendar.Date
	MadeAt        time.Time
	PolicyVersion int64
	Counts        []byte // JSON
	Content       []byte // JSON; nil in a list
	Hash          []byte // SHA-256 of Content
}

const claimReport = `
INSERT INTO report_runs (business_date, worker, lease_until) VALUES ($1, $2, clock_timestamp() + $3::interval)
ON CONFLICT (business_date) DO UPDATE
SET worker = excluded.worker, lease_until = excluded.lease_until, attempts = report_runs.attempts + 1
WHERE report_runs.lease_until < clock_timestamp() AND NOT EXISTS (SELECT FROM daily_reports d WHERE d.business_date = $1)
RETURNING attempts`

// ClaimReport takes the report of a date for a worker. It reports false where it is made already or another worker has it; a claim is
// free again when its lease is over.
func (s *Store) ClaimReport(ctx context.Context, date calendar.Date, worker string, lease time.Duration) (bool, error) {
	var attempts int
	err := s.pool.QueryRow(ctx, claimReport, date, worker, lease).Scan(&attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, pg.Err(err)
}

const insertReport = `
INSERT INTO daily_reports (business_date, made_at, policy_version, counts, content, hash) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (business_date) DO NOTHING`

// KeepReport keeps a report for good, with an event in the audit trail that names its hash. Where one is kept already it stays, and
// KeepReport reports false.
func (s *Store) KeepReport(ctx context.Context, r KeptReport) (kept bool, err error) {
	sum := sha256.Sum256(r.Content)
	err = pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertReport, r.Date, r.MadeAt, r.PolicyVersion, string(r.Counts), string(r.Content), sum[:])
		if err != nil {
			return pg.Err(err)
		}
		if kept = tag.RowsAffected() == 1; !kept {
			return nil
		}
		detail, err := json.Marshal(map[string][]byte{"sha256": sum[:]})
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, audit.Event{
			Stream: "report", Actor: "ordergate", Action: "report.keep", Subject: r.Date.String(), BusinessDate: r.Date, Detail: detail,
		})
	})
	return kept, err
}

const selectReport = `SELECT business_date, made_at, policy_version, counts, content, hash FROM daily_reports WHERE business_date = $1`

// Report reads the report of a date; found is false where none is kept. Errors: INTERNAL REPORT_ALTERED where the content is not what
// its hash was taken of.
func (s *Store) Report(ctx context.Context, date calendar.Date) (r KeptReport, found bool, err error) {
	var counts, content string
	err = s.pool.QueryRow(ctx, selectReport, date).Scan(&r.Date, &r.MadeAt, &r.PolicyVersion, &counts, &content, &r.Hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return KeptReport{}, false, nil
	}
	if err != nil {
		return KeptReport{}, false, pg.Err(err)
	}
	r.Counts, r.Content = []byte(counts), []byte(content)
	if sum := sha256.Sum256(r.Content); string(sum[:]) != string(r.Hash) {
		return KeptReport{}, false, errs.New(errs.Internal, "REPORT_ALTERED", "the report of %s is not what was kept", date)
	}
	return r, true, nil
}

const listReports = `
SELECT business_date, made_at, policy_version, counts, hash FROM daily_reports
WHERE $1::date IS NULL OR business_date < $1 ORDER BY business_date DESC LIMIT $2`

// Reports lists reports before a date (none: all), newest first, without their content.
func (s *Store) Reports(ctx context.Context, before calendar.Date, limit int) ([]KeptReport, error) {
	rows, err := s.read.Query(ctx, listReports, before, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (KeptReport, error) {
		var r KeptReport
		var counts string
		err := row.Scan(&r.Date, &r.MadeAt, &r.PolicyVersion, &counts, &r.Hash)
		r.Counts = []byte(counts)
		return r, err
	})
	return found, pg.Err(err)
}

// NoteRefusal adds a refused act to the audit trail, in a transaction of its own. The action begins with "refused.".
func (s *Store) NoteRefusal(ctx context.Context, e audit.Event) error {
	return pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error { return audit.Append(ctx, tx, e) })
}

// Refusal is a refused act as the audit trail has it.
type Refusal struct {
	At                     time.Time
	Actor, Action, Subject string
	Detail                 []byte // JSON
}

const selectRefusals = `
SELECT at, actor, action, subject, detail::text FROM audit_events
WHERE business_date = $1 AND action LIKE 'refused.%' ORDER BY at, stream, seq LIMIT $2`

const countRefusals = `SELECT count(*) FROM audit_events WHERE business_date = $1 AND action LIKE 'refused.%'`

// Refusals reads the acts that were refused on a date, earliest first, at most limit, and says how many there are.
func (s *Store) Refusals(ctx context.Context, date calendar.Date, limit int) (found []Refusal, count int64, err error) {
	rows, err := s.read.Query(ctx, selectRefusals, date, limit)
	if err != nil {
		return nil, 0, pg.Err(err)
	}
	found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Refusal, error) {
		var r Refusal
		var detail string
		err := row.Scan(&r.At, &r.Actor, &r.Action, &r.Subject, &detail)
		r.At, r.Detail = r.At.UTC(), []byte(detail)
		return r, err
	})
	if err != nil {
		return nil, 0, pg.Err(err)
	}
	err = s.pool.QueryRow(ctx, countRefusals, date).Scan(&count)
	return found, count, pg.Err(err)
}
