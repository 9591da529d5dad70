package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// Ordered by who waits longest; the limit bounds one round, not the work.
	dueSQL = `SELECT customer_id FROM outbox_heads
		WHERE stream = $1 AND acked_seq < last_seq
		  AND (next_attempt_at IS NULL OR next_attempt_at <= now())
		  AND (claimed_until IS NULL OR claimed_until <= now())
		ORDER BY next_attempt_at NULLS FIRST LIMIT $2`
	// A claim commits before anything is sent: what a failover could still take
	// back must not leave the house.
	claimSQL = `UPDATE outbox_heads SET claimed_by = $3, claimed_until = now() + $4::interval
		WHERE (stream, customer_id) IN (
			SELECT stream, customer_id FROM outbox_heads
			WHERE stream = $1 AND customer_id = $2 AND acked_seq < last_seq
			  AND (next_attempt_at IS NULL OR next_attempt_at <= now())
			  AND (claimed_until IS NULL OR claimed_until <= now())
			FOR NO KEY UPDATE`
	// A locked row belongs to a writer or to another claimer: the background goes
	// on to other customers, Flush queues up for it.
	claimOrSkipSQL = claimSQL + ` SKIP LOCKED` + claimEndSQL
	claimOrWaitSQL = claimSQL + claimEndSQL
	claimEndSQL    = `)
		RETURNING acked_seq, last_seq, attempts`
	readSQL = `SELECT customer_id, seq, payload FROM outbox
		WHERE stream = $1 AND customer_id = $2 AND seq > $3 AND seq <= $4
		ORDER BY seq LIMIT $5`
	// ackSQL stores progress; while there is more to send ($6) it keeps the claim.
	// It does not match a receiver that has more than was ever written.
	ackSQL = `UPDATE outbox_heads SET acked_seq = $4, attempts = 0, next_attempt_at = NULL, last_error = NULL,
			claimed_by    = CASE WHEN $4 < last_seq AND $6 THEN claimed_by END,
			claimed_until = CASE WHEN $4 < last_seq AND $6 THEN now() + $5::interval END
		WHERE stream = $1 AND customer_id = $2 AND claimed_by = $3 AND last_seq >= $4
		RETURNING acked_seq, last_seq`
	failSQL = `UPDATE outbox_heads SET attempts = attempts + 1, next_attempt_at = now() + $4::interval, last_error = left($5, 500),
			claimed_by = NULL, claimed_until = NULL
		WHERE stream = $1 AND customer_id = $2 AND claimed_by = $3`
	progressSQL = `SELECT last_seq, acked_seq, attempts FROM outbox_heads WHERE stream = $1 AND customer_id = $2`
	backlogSQL  = `SELECT coalesce(sum(h.last_seq - h.acked_seq), 0)::bigint, min(o.created_at)
		FROM outbox_heads h LEFT JOIN outbox o
		  ON o.stream = h.stream AND o.customer_id = h.customer_id AND o.seq = h.acked_seq + 1
		WHERE h.stream = $1 AND h.acked_seq < h.last_seq`
)

var (
	// errBusy: the customer is claimed elsewhere, locked, or in a back-off.
	errBusy = errors.New("the customer's delivery is taken")
	errLost = errors.New("the claim was taken over")
)

const (
	// maxRewinds bounds how often one delivery begins again at the receiver's word.
	maxRewinds = 3
	// maxBatches bounds one delivery, so that a busy customer leaves room for others.
	maxBatches = 16
)

// claim is the right to send a customer's events for a while.
type claim struct {
	id, customer string
	head         Head
	attempts     int
}

func (r *Relay) due(ctx context.Context) ([]string, error) {
	rows, err := r.cfg.Pool.Query(ctx, dueSQL, r.cfg.Stream, 16*r.cfg.Workers)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (r *Relay) lease() time.Duration { return r.cfg.SendTimeout + claimSlack }

// deliver sends what the customer has pending, at most maxBatches. A failure is
// stored with the time of the next attempt. claimQuery says what to do about a locked row.
func (r *Relay) deliver(ctx context.Context, customer, claimQuery string) (err error) {
	c := claim{id: r.nextClaim(), customer: customer}
	err = r.cfg.Pool.QueryRow(ctx, claimQuery, r.cfg.Stream, customer, c.id, r.lease()).
		Scan(&c.head.Acked, &c.head.Last, &c.attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return errBusy
	}
	if err != nil {
		return pg.Err(err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in send: %v", p)
		}
		if err != nil {
			err = errors.Join(err, r.fail(ctx, c, err))
		}
	}()
	rewinds := 0
	for n := 1; n <= maxBatches && c.head.Acked < c.head.Last; n++ {
		from := c.head.Acked
		if err := r.sendBatch(ctx, &c, n < maxBatches); err != nil {
			return err
		}
		if c.head.Acked < from {
			if rewinds++; rewinds > maxRewinds {
				return fmt.Errorf("the receiver expects %d again and again", c.head.Acked+1)
			}
		}
	}
	r.failures.Store(0)
	return nil
}

// sendBatch sends the next events and stores what the receiver has. Only events
// up to the claim's last_seq go out: those were committed before the claim was.
// more keeps the claim for another batch.
func (r *Relay) sendBatch(ctx context.Context, c *claim, more bool) error {
	events, err := r.read(ctx, c)
	if err != nil {
		return err
	}
	sctx, cancel := context.WithTimeout(ctx, r.cfg.SendTimeout)
	acked, err := r.cfg.Send(sctx, c.customer, events)
	cancel()
	if expected, gap := gapOf(err); gap {
		if expected-1 == c.head.Acked {
			return fmt.Errorf("the receiver expects %d and refuses it: %w", expected, err)
		}
		return r.store(ctx, c, expected-1, more)
	}
	if acked > c.head.Acked {
		// Progress counts, also of a batch that failed on its way.
		return errors.Join(err, r.store(ctx, c, acked, more))
	}
	if err == nil {
		err = fmt.Errorf("the receiver acknowledged %d after %d events from %d", acked, len(events), c.head.Acked+1)
	}
	return err
}

func (r *Relay) read(ctx context.Context, c *claim) ([]Event, error) {
	rows, err := r.cfg.Pool.Query(ctx, readSQL, r.cfg.Stream, c.customer, c.head.Acked, c.head.Last, r.cfg.Batch)
	if err != nil {
		return nil, pg.Err(err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
	if err != nil {
		return nil, pg.Err(err)
	}
	size := 0
	for i, e := range events {
		if want := c.head.Acked + 1 + int64(i); e.Seq != want {
			return nil, fmt.Errorf("event %d is missing from the outbox", want)
		}
		if size += len(e.Payload); size > batchBytes && i > 0 {
			return events[:i], nil
		}
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("event %d is missing from the outbox", c.head.Acked+1)
	}
	return events, nil
}

// store writes what the receiver has and reads what there is to send now.
func (r *Relay) store(ctx context.Context, c *claim, acked int64, more bool) error {
	var h Head
	err := r.cfg.Pool.QueryRow(ctx, ackSQL, r.cfg.Stream, c.customer, c.id, acked, r.lease(), more).Scan(&h.Acked, &h.Last)
	if err == nil {
		c.head = h
		return nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return pg.Err(err)
	}
	if h, err = HeadOf(ctx, r.cfg.Pool, r.cfg.Stream, c.customer); err != nil {
		return err
	}
	if acked > h.Last {
		// The sender was set back, to a backup say: the receiver would take its
		// next events for old ones. So nothing counts as delivered until people
		// have looked; the backlog grows and shows it.
		return fmt.Errorf("the receiver is ahead of the sender: it has %d, written are %d", acked, h.Last)
	}
	return errLost
}

// fail releases the claim and sets the next attempt. It is written even if ctx
// has ended, because a claim left behind delays the customer.
func (r *Relay) fail(ctx context.Context, c claim, cause error) error {
	if errors.Is(cause, errLost) {
		return nil // no longer ours to release
	}
	pause := backoff(c.attempts, r.cfg.MaxBackoff)
	switch {
	case ctx.Err() != nil:
		pause = 0 // we are stopping: that is not the receiver's fault
	case receiverDown(cause):
		r.failures.Add(1)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	_, err := r.cfg.Pool.Exec(ctx, failSQL, r.cfg.Stream, c.customer, c.id, pause, storable(cause))
	return pg.Err(err)
}

// storable is the text of an error as PostgreSQL takes it.
func storable(err error) string {
	return strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "?")
}

// receiverDown tells a receiver that cannot be reached from one that refuses an event.
func receiverDown(err error) bool {
	k := errs.KindOf(err)
	return k == errs.Unavailable || k == errs.DeadlineExceeded
}

// backoff doubles from 100 ms to limit; half of it is random, so that customers
// who failed together do not come back together.
func backoff(attempts int, limit time.Duration) time.Duration {
	d := limit
	if attempts < 16 {
		d = min(limit, firstBackoff<<attempts)
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter
}

func gapOf(err error) (expected int64, ok bool) {
	e, isOurs := errs.As(err)
	if !isOurs || e.Reason != ReasonGap {
		return 0, false
	}
	expected, perr := strconv.ParseInt(e.Meta[MetaExpected], 10, 64)
	return expected, perr == nil && expected >= 1
}

// progress is how far a customer is, and how often it failed in a row.
func (r *Relay) progress(ctx context.Context, customer string) (h Head, attempts int, err error) {
	err = r.cfg.Pool.QueryRow(ctx, progressSQL, r.cfg.Stream, customer).Scan(&h.Last, &h.Acked, &attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return Head{}, 0, nil
	}
	return h, attempts, pg.Err(err)
}

func (r *Relay) backlog(ctx context.Context) (pending int64, oldest *time.Time, err error) {
	err = r.cfg.Pool.QueryRow(ctx, backlogSQL, r.cfg.Stream).Scan(&pending, &oldest)
	return pending, oldest, pg.Err(err)
}
