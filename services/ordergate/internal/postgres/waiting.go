package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
)

// Passed says that an order on hold was passed over by the entry of another order, which got credit.
type Passed struct {
	Key                   // account of the entry
	Seq     int64         // its number
	OrderID string        // the order that waits
	By      string        // the order that went ahead
	Date    calendar.Date // business date of the entry
}

const insertOvertakes = `
INSERT INTO passed_over (root_id, account_id, seq, order_id, by_order, business_date)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::date[])`

func queuePassed(b *pgx.Batch, passed []Passed) {
	if len(passed) == 0 {
		return
	}
	n := len(passed)
	roots, accounts, seqs, ids, by, dates := make([]string, n), make([]string, n), make([]int64, n), make([]string, n), make([]string, n), make([]calendar.Date, n)
	for i, p := range passed {
		roots[i], accounts[i], seqs[i], ids[i], by[i], dates[i] = p.RootID, p.AccountID, p.Seq, p.OrderID, p.By, p.Date
	}
	b.Queue(insertOvertakes, roots, accounts, seqs, ids, by, dates)
}

// PassedOver is how often an order was passed over, and the last time.
type PassedOver struct {
	Count int64
	Last  Passed
}

const selectOvertakes = `
SELECT n.order_id, n.times, l.root_id, l.account_id, l.seq, l.by_order, l.business_date
FROM (SELECT order_id, count(*) AS times FROM passed_over WHERE order_id = ANY($1) GROUP BY order_id) n
CROSS JOIN LATERAL (SELECT * FROM passed_over p WHERE p.order_id = n.order_id ORDER BY p.at DESC LIMIT 1) l`

// PassedOver finds who went ahead of orders; those that nobody passed are left out.
func (s *Store) PassedOver(ctx context.Context, orderIDs []string) (map[string]PassedOver, error) {
	rows, err := s.read.Query(ctx, selectOvertakes, orderIDs)
	if err != nil {
		return nil, pg.Err(err)
	}
	found := map[string]PassedOver{}
	var p PassedOver
	l := &p.Last
	_, err = pgx.ForEachRow(rows, []any{&l.OrderID, &p.Count, &l.RootID, &l.AccountID, &l.Seq, &l.By, &l.Date}, func() error {
		found[l.OrderID] = p
		return nil
	})
	return found, pg.Err(err)
}

const passedBy = `SELECT order_id FROM passed_over WHERE root_id = $1 AND account_id = $2 AND seq = $3`

// PassedBy lists the orders that an entry's order passed, as they are kept beside the journal.
func (s *Store) PassedBy(ctx context.Context, k Key, seq int64) ([]string, error) {
	rows, err := s.read.Query(ctx, passedBy, k.RootID, k.AccountID, seq)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, pg.Err(err)
}

const keptOvertakes = `
SELECT p.root_id, p.account_id, p.seq, array_agg(p.order_id), bool_and(j.order_id IS NOT DISTINCT FROM p.by_order AND j.business_date = p.business_date),
    coalesce(j.detail, '')
FROM passed_over p LEFT JOIN journal j ON j.root_id = p.root_id AND j.account_id = p.account_id AND j.seq = p.seq
WHERE (p.root_id, p.account_id, p.seq) > ($1, $2, $3)
GROUP BY p.root_id, p.account_id, p.seq, j.detail ORDER BY p.root_id, p.account_id, p.seq LIMIT 1000`

// StrayPassed visits what is kept of orders that were passed over and no entry says.
func (s *Store) StrayPassed(ctx context.Context, visit func(Passed)) error {
	var last Passed
	for {
		rows, err := s.read.Query(ctx, keptOvertakes, last.RootID, last.AccountID, last.Seq)
		if err != nil {
			return pg.Err(err)
		}
		var ids []string
		var same bool
		var detail string
		n := 0
		_, err = pgx.ForEachRow(rows, []any{&last.RootID, &last.AccountID, &last.Seq, &ids, &same, &detail}, func() error {
			n++
			d, err := decodeDetail(detail)
			for _, id := range ids {
				if err != nil || !same || !slices.Contains(d.Passed, id) {
					visit(Passed{Key: last.Key, Seq: last.Seq, OrderID: id})
				}
			}
			return nil
		})
		if err != nil || n == 0 {
			return pg.Err(err)
		}
	}
}

// Accounts with something on hold, and those of whose orders the date has ended one: what it frees others may wait for.
const listWaiting = `
SELECT root_id, account_id FROM (
    (SELECT DISTINCT root_id, account_id FROM orders WHERE state = 'HELD' AND (root_id, account_id) > ($1, $2)
     ORDER BY root_id, account_id LIMIT $3)
    UNION
    (SELECT DISTINCT root_id, account_id FROM orders WHERE expires_on IS NOT NULL AND expires_on < $4 AND (root_id, account_id) > ($1, $2)
     ORDER BY root_id, account_id LIMIT $3)) x
ORDER BY root_id, account_id LIMIT $3`

// Waiting lists accounts behind one that have orders on hold, or past their last day on a date, in order.
func (s *Store) Waiting(ctx context.Context, today calendar.Date, after Key, limit int) ([]Key, error) {
	rows, err := s.read.Query(ctx, listWaiting, after.RootID, after.AccountID, limit, today)
	if err != nil {
		return nil, pg.Err(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Key, error) {
		var k Key
		return k, row.Scan(&k.RootID, &k.AccountID)
	})
	return keys, pg.Err(err)
}

// WaitingRun is one judging again of all that waits: for a business date, under the policy that is in force.
type WaitingRun struct {
	Date     calendar.Date
	Policy   int64 // version
	Worker   string
	Attempts int
	After    Key   // how far it is; its zero value: at the beginning
	Accounts int64 // looked at
	Approved int64 // orders that got credit
}

const claimWaiting = `
INSERT INTO waiting_runs (business_date, policy_version, worker, lease_until) VALUES ($1, $2, $3, clock_timestamp() + $4::interval)
ON CONFLICT (business_date, policy_version) DO UPDATE
SET worker = excluded.worker, lease_until = excluded.lease_until, attempts = waiting_runs.attempts + 1
WHERE waiting_runs.ended_at IS NULL AND (waiting_runs.lease_until < clock_timestamp() OR waiting_runs.worker = excluded.worker)
RETURNING attempts, after_root, after_account, accounts, approved`

// ClaimWaiting takes the run of a date and a policy for a worker, where it was left. It reports false where the run has ended already or
// another worker has it; a claim is free again when its lease is over.
func (s *Store) ClaimWaiting(ctx context.Context, date calendar.Date, version int64, worker string, lease time.Duration) (WaitingRun, bool, error) {
	r := WaitingRun{Date: date, Policy: version, Worker: worker}
	err := s.pool.QueryRow(ctx, claimWaiting, date, version, worker, lease).Scan(&r.Attempts, &r.After.RootID, &r.After.AccountID, &r.Accounts, &r.Approved)
	if errors.Is(err, pgx.ErrNoRows) {
		return WaitingRun{}, false, nil
	}
	return r, err == nil, pg.Err(err)
}

const saveWaiting = `
UPDATE waiting_runs SET after_root = $4, after_account = $5, accounts = $6, approved = $7, lease_until = clock_timestamp() + $8::interval,
    ended_at = CASE WHEN $9 THEN clock_timestamp() END
WHERE business_date = $1 AND policy_version = $2 AND worker = $3 AND ended_at IS NULL`

// SaveWaiting keeps how far a run is, or that it has ended, and extends its lease. Errors: ErrLost where another worker has taken it over.
func (s *Store) SaveWaiting(ctx context.Context, r WaitingRun, lease time.Duration, ended bool) error {
	tag, err := s.pool.Exec(ctx, saveWaiting, r.Date, r.Policy, r.Worker, r.After.RootID, r.After.AccountID, r.Accounts, r.Approved, lease, ended)
	return lost(tag.RowsAffected(), err)
}
