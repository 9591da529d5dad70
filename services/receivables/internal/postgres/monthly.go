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

// MonthlyReport is a report as it is kept.
type MonthlyReport struct {
	Month         calendar.Date // its first day
	MadeAt        time.Time
	PolicyVersion int64
	Content       []byte // JSON; nil in a list
	Hash          []byte // SHA-256 of Content
}

const claimMonthSQL = `
INSERT INTO monthly_report_runs (month, worker, lease_until) VALUES ($1, $2, clock_timestamp() + $3::interval)
ON CONFLICT (month) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until
WHERE monthly_report_runs.lease_until < clock_timestamp() AND NOT EXISTS (SELECT FROM monthly_reports r WHERE r.month = $1)
RETURNING true`

// ClaimMonth takes the report of a month for a worker. It reports false where it is made already or another worker has
// it; a claim is free again when its lease is over.
func (s *Store) ClaimMonth(ctx context.Context, month calendar.Date, worker string, lease time.Duration) (bool, error) {
	var claimed bool
	err := s.pool.QueryRow(ctx, claimMonthSQL, month, worker, lease).Scan(&claimed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return claimed, pg.Err(err)
}

// KeepMonth keeps a report for good, with an event in the audit trail that names its hash. Where one is kept already it
// stays, and KeepMonth reports false.
func (s *Store) KeepMonth(ctx context.Context, r MonthlyReport) (kept bool, err error) {
	sum := sha256.Sum256(r.Content)
	err = pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO monthly_reports (month, made_at, policy_version, content, hash) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (month) DO NOTHING`, r.Month, r.MadeAt, r.PolicyVersion, string(r.Content), sum[:])
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
			Stream: "report", Actor: "receivables", Action: "report.keep", Subject: "month " + r.Month.String()[:7],
			BusinessDate: r.Month.EndOfMonth(), Detail: detail,
		})
	})
	return kept, err
}

// Month reads the report of a month; found is false where none is kept. Errors: Internal REPORT_ALTERED where the content
// is not what its hash was taken of.
func (s *Store) Month(ctx context.Context, month calendar.Date) (r MonthlyReport, found bool, err error) {
	var content string
	err = s.pool.QueryRow(ctx, `SELECT month, made_at, policy_version, content, hash FROM monthly_reports WHERE month = $1`, month).
		Scan(&r.Month, &r.MadeAt, &r.PolicyVersion, &content, &r.Hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, pg.Err(err)
	}
	r.Content = []byte(content)
	if sum := sha256.Sum256(r.Content); string(sum[:]) != string(r.Hash) {
		return r, false, errs.New(errs.Internal, "REPORT_ALTERED", "the report of %s is not what was kept", month.String()[:7])
	}
	return r, true, nil
}

// Months lists the newest reports, without their content.
func (s *Store) Months(ctx context.Context, limit int) ([]MonthlyReport, error) {
	rows, err := s.pool.Query(ctx, `SELECT month, made_at, policy_version, hash FROM monthly_reports ORDER BY month DESC LIMIT $1`, limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (MonthlyReport, error) {
		var r MonthlyReport
		err := row.Scan(&r.Month, &r.MadeAt, &r.PolicyVersion, &r.Hash)
		return r, err
	})
	return found, pg.Err(err)
}
