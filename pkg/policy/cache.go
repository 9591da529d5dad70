package policy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// maxAge is how long a signature made by another process may go unnoticed.
const maxAge = time.Second

// Cache keeps decoded versions in memory, which never change, and asks the store
// at most every second which of them are in force from when. Safe for use by
// several goroutines.
type Cache[T any] struct {
	store  *Store
	decode func(Version) (T, error)
	clock  calendar.Clock

	mu       sync.RWMutex
	effects  []effect // latest first
	asked    time.Time
	versions map[int64]T
}

// effect is a version's place on the calendar.
type effect struct {
	Version int64
	From    calendar.Date
}

const effectsSQL = `SELECT version, effective_from FROM policies WHERE ` + holds + `
	ORDER BY effective_from DESC, version DESC`

// NewCache returns an empty cache. decode turns a stored version into what the
// domain works with; it must not keep the version's slices if it changes them.
func NewCache[T any](store *Store, decode func(Version) (T, error)) *Cache[T] {
	return &Cache[T]{
		store: store, decode: decode,
		clock:    calendar.SystemClock(time.UTC),
		versions: map[int64]T{},
	}
}

// InForce returns the policy that holds on a date, as Store.InForce does, from
// what was known at most a second ago.
func (c *Cache[T]) InForce(ctx context.Context, date calendar.Date) (T, error) {
	version, err := c.inForce(ctx, date)
	if err != nil {
		var zero T
		return zero, err
	}
	return c.ByVersion(ctx, version)
}

func (c *Cache[T]) inForce(ctx context.Context, date calendar.Date) (int64, error) {
	c.mu.RLock()
	effects, fresh := c.effects, c.fresh()
	c.mu.RUnlock()
	if !fresh {
		var err error
		if effects, err = c.refresh(ctx); err != nil {
			return 0, err
		}
	}
	i := slices.IndexFunc(effects, func(e effect) bool { return !e.From.After(date) })
	if i < 0 {
		return 0, errs.New(errs.NotFound, ReasonNotFound, "no policy is in force on %s", date)
	}
	return effects[i].Version, nil
}

// fresh needs the lock.
func (c *Cache[T]) fresh() bool {
	return !c.asked.IsZero() && c.clock.Now().Sub(c.asked) < maxAge
}

// refresh asks the store; of many callers one asks and the others wait for it.
func (c *Cache[T]) refresh(ctx context.Context) ([]effect, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh() {
		return c.effects, nil
	}
	asked := c.clock.Now() // before the answer was true
	rows, err := c.store.pool.Query(ctx, effectsSQL)
	if err != nil {
		return nil, pg.Err(err)
	}
	effects, err := pgx.CollectRows(rows, pgx.RowToStructByPos[effect])
	if err != nil {
		return nil, pg.Err(err)
	}
	c.effects, c.asked = effects, asked
	return effects, nil
}

// ByVersion returns the policy of a version, or NotFound POLICY_NOT_FOUND.
func (c *Cache[T]) ByVersion(ctx context.Context, version int64) (T, error) {
	c.mu.RLock()
	p, ok := c.versions[version]
	c.mu.RUnlock()
	if ok {
		return p, nil
	}
	v, err := c.store.Get(ctx, version)
	if err != nil {
		return p, err
	}
	if p, err = c.decode(v); err != nil {
		return p, err
	}
	if v.State == Drafted {
		return p, nil // its state will change
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[version] = p
	return p, nil
}

// Invalidate makes the next InForce ask the store, for the process that signed.
func (c *Cache[T]) Invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Time{}
}
