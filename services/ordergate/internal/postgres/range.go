package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// All of these go by the journal's primary key, account by account: reports and simulations cost the decision path no index of theirs.

// Range is a piece of a journal: the entries behind After up to Upto whose business date is From or later (none: any).
type Range struct {
	Key
	After, Upto int64
	From        calendar.Date
}

const selectRange = `SELECT ` + entryFields + ` FROM journal j
WHERE j.root_id = $1 AND j.account_id = $2 AND j.seq > $3 AND j.seq <= $4 AND ($5::date IS NULL OR j.business_date >= $5)
ORDER BY j.seq`

// Ranges reads pieces of journals in one round trip, one behind the other, each in order. visit gets the place of its range and the
// entry; entries are not kept in memory. Bound the sum of the ranges: each is one statement.
func (s *Store) Ranges(ctx context.Context, ranges []Range, visit func(i int, e gate.Entry) error) error {
	if len(ranges) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	for _, r := range ranges {
		b.Queue(selectRange, r.RootID, r.AccountID, r.After, r.Upto, r.From)
	}
	results := s.pool.SendBatch(ctx, b)
	for i := range ranges {
		rows, err := results.Query()
		if err == nil {
			err = each(rows, func(e gate.Entry) error { return visit(i, e) })
		}
		if err != nil {
			_ = results.Close() // the first error says what is wrong
			return pg.Err(err)
		}
	}
	return pg.Err(results.Close())
}

func each(rows pgx.Rows, visit func(gate.Entry) error) error {
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Extent is how far a journal goes: its newest entry up to a date, and the newest before that date. 0: none.
type Extent struct {
	Key
	Head, Before int64
}

const selectExtents = `
SELECT k.root_id, k.account_id, h.seq, coalesce(p.seq, 0) FROM unnest($1::text[], $2::text[]) AS k (root_id, account_id)
CROSS JOIN LATERAL (SELECT x.seq FROM journal x WHERE x.root_id = k.root_id AND x.account_id = k.account_id
    AND ($3::date IS NULL OR x.business_date <= $3) ORDER BY x.seq DESC LIMIT 1) h
LEFT JOIN LATERAL (SELECT x.seq FROM journal x WHERE x.root_id = k.root_id AND x.account_id = k.account_id
    AND x.business_date < $3 ORDER BY x.seq DESC LIMIT 1) p ON true`

// Extents says how far journals go up to a date (none: as they are now). Journals without an entry up to it are left out.
func (s *Store) Extents(ctx context.Context, keys []Key, date calendar.Date) ([]Extent, error) {
	roots, ids := columnsOf(keys)
	rows, err := s.read.Query(ctx, selectExtents, roots, ids, date)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Extent, error) {
		var e Extent
		return e, row.Scan(&e.RootID, &e.AccountID, &e.Head, &e.Before)
	})
	return found, pg.Err(err)
}

const selectStates = `
SELECT j.root_id, j.account_id, j.seq, j.order_minor, j.delivery_minor, j.receivable_minor, j.unapplied_minor, j.prepaid_minor,
    j.profile_at, j.position_at, j.position_seq, j.held, coalesce(p.detail, ''), coalesce(q.detail, '')
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k (root_id, account_id, seq)
JOIN journal j ON j.root_id = k.root_id AND j.account_id = k.account_id AND j.seq = k.seq
LEFT JOIN journal p ON p.root_id = j.root_id AND p.account_id = j.account_id AND p.seq = j.profile_at
LEFT JOIN journal q ON q.root_id = j.root_id AND q.account_id = j.account_id AND q.seq = j.position_at`

// States reads accounts as they stood after an entry each, to look at, not to decide from.
func (s *Store) States(ctx context.Context, at []Extent) (map[Key]account.Account, error) {
	roots, ids, seqs := make([]string, len(at)), make([]string, len(at)), make([]int64, len(at))
	for i, e := range at {
		roots[i], ids[i], seqs[i] = e.RootID, e.AccountID, e.Head
	}
	rows, err := s.read.Query(ctx, selectStates, roots, ids, seqs)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, scanState)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make(map[Key]account.Account, len(found))
	for _, a := range found {
		out[Key{a.RootID, a.ID}] = a
	}
	return out, nil
}

func scanState(row pgx.CollectableRow) (account.Account, error) {
	var a account.Account
	var profile, position string
	b := &a.Buckets
	if err := row.Scan(&a.RootID, &a.ID, &a.Seq, &b.Order, &b.Delivery, &b.Receivable, &b.Unapplied, &b.Prepaid,
		&a.ProfileAt, &a.PositionAt, &a.PositionSeq, &a.Held, &profile, &position); err != nil {
		return a, err
	}
	a.Profile.Grant = account.NoGrant()
	var d struct {
		Profile  *account.Profile  `json:"profile"`
		Position *account.Position `json:"position"`
		MovedTo  string            `json:"moved_to"`
		Into     *account.Place    `json:"merged_into"`
	}
	for _, text := range []string{profile, position} {
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return a, fmt.Errorf("journal of account %s: %w", a.ID, err)
		}
	}
	if d.Profile != nil {
		a.Profile = *d.Profile
	}
	a.MovedTo, a.MergedInto = d.MovedTo, d.Into
	if d.Position != nil {
		a.Ladder = d.Position.Ladder
		if a.Profile.Currency == "" {
			a.Profile.Currency = d.Position.Currency
		}
	}
	return a, nil
}

// heldPage is how many entries are read at a time to find orders on hold.
const heldPage = 200

// HeldAt finds the count orders that were on hold after entry head of a journal, going back from it until all are found.
func (s *Store) HeldAt(ctx context.Context, k Key, head int64, count int) ([]order.Order, error) {
	var held []order.Order
	seen := map[string]bool{}
	for before := head + 1; len(held) < count && before > 1; {
		entries, err := s.Journal(ctx, []string{k.RootID}, k.AccountID, before, false, heldPage)
		if err != nil || len(entries) == 0 {
			return held, err
		}
		for _, e := range entries {
			before = e.Seq
			var d struct {
				Orders []order.Order `json:"orders"`
			}
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				return nil, fmt.Errorf("journal entry %s/%d: %w", e.AccountID, e.Seq, err)
			}
			for _, o := range d.Orders {
				if seen[o.ID] || len(held) == count {
					continue
				}
				seen[o.ID] = true
				if o.State == order.Held {
					held = append(held, o)
				}
			}
		}
	}
	return held, nil
}

const firstSince = `
SELECT coalesce(min(x.seq), 0) FROM journal x WHERE x.root_id = $1 AND x.account_id = $2 AND x.seq > $3 AND x.seq <= $4 AND x.business_date >= $5`

// probe is how many entries a step of the search looks at.
const probe = 64

// Since finds a place in a long journal behind which all entries of a date or later are, by halving: business dates rise along a
// journal but for a few entries, which the margin of a probe allows for.
func (s *Store) Since(ctx context.Context, k Key, head int64, date calendar.Date) (int64, error) {
	low, high := int64(0), head // everything up to low is earlier
	for high-low > 4*probe {
		mid := low + (high-low)/2
		var first int64
		if err := s.pool.QueryRow(ctx, firstSince, k.RootID, k.AccountID, mid-probe, mid, date).Scan(&first); err != nil {
			return 0, pg.Err(err)
		}
		if first > 0 {
			high = mid
		} else {
			low = mid - probe
		}
	}
	return max(0, low-probe), nil
}

const countAccounts = `SELECT count(*) FROM journal WHERE seq = 1 AND account_id >= '!'`

// CountAccounts is how many customers have a journal.
func (s *Store) CountAccounts(ctx context.Context) (n int64, err error) {
	err = s.pool.QueryRow(ctx, countAccounts).Scan(&n)
	return n, pg.Err(err)
}
