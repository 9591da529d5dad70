package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/simulate"
)

// Bounds of a simulation.
const (
	simulationPage = 200  // accounts read at a time
	simulationRead = 2000 // entries read by one statement
	saveEvery      = 2 * time.Second
)

// Simulator runs a policy over journals. It reads only.
type Simulator struct {
	Store    *postgres.Store
	Policies *policy.Cache[check.Policy]
	Clock    calendar.Clock
	Every    time.Duration // how often it is kept how far a run is; 0: every two seconds, below: after each piece of work
}

// simulation is one run.
type simulation struct {
	*Simulator
	op    operation.Operation
	spec  simulate.Spec
	run   *simulate.Run
	save  operation.Progress
	saved time.Time
	next  postgres.Key // the last account that is done
}

// Run runs an operation from where it was left. What came out is in the operation's outcome. Errors: operation.ErrCancelled, those of save.
func (s *Simulator) Run(ctx context.Context, op operation.Operation, save operation.Progress) (operation.Operation, error) {
	m := simulation{Simulator: s, op: op, save: save, saved: s.Clock.Now()}
	if err := m.restore(ctx); err != nil {
		return op, err
	}
	if m.op.Total == 0 {
		var err error
		if m.op.Total, err = s.Store.CountAccounts(ctx); err != nil {
			return op, err
		}
	}
	if err := m.keep(ctx, true); err != nil {
		return op, err
	}
	for {
		keys, err := s.Store.Journals(ctx, m.next, simulationPage)
		if err != nil {
			return op, err
		}
		if len(keys) == 0 {
			break
		}
		if err := m.page(ctx, keys); err != nil {
			return op, err
		}
	}
	m.run.Result.Trim()
	outcome, err := json.Marshal(m.run.Result)
	m.op.Outcome = outcome
	return m.op, err
}

func (m *simulation) restore(ctx context.Context) error {
	if err := json.Unmarshal(m.op.Spec, &m.spec); err != nil {
		return fmt.Errorf("operation %s: %w", m.op.ID, err)
	}
	p, err := m.Policies.ByVersion(ctx, m.spec.Version)
	if err != nil {
		return err
	}
	var soFar simulate.Result
	if len(m.op.Cursor) > 0 {
		if err := json.Unmarshal(m.op.Cursor, &m.next); err != nil {
			return fmt.Errorf("operation %s: %w", m.op.ID, err)
		}
		if err := json.Unmarshal(m.op.Outcome, &soFar); err != nil {
			return fmt.Errorf("operation %s: %w", m.op.ID, err)
		}
	}
	m.run = simulate.New(m.spec, p, soFar)
	return nil
}

// keep saves where the run is, between two accounts; now and then only, unless always.
func (m *simulation) keep(ctx context.Context, always bool) error {
	if !always && !m.isTime() {
		return nil
	}
	m.saved = m.Clock.Now()
	m.op.Done = m.run.Result.Accounts
	var err error
	if m.op.Cursor, err = json.Marshal(m.next); err != nil {
		return fmt.Errorf("operation %s: %w", m.op.ID, err)
	}
	if m.op.Outcome, err = json.Marshal(m.run.Result); err != nil {
		return fmt.Errorf("operation %s: %w", m.op.ID, err)
	}
	return m.beat(ctx)
}

func (m *simulation) isTime() bool {
	every := m.Every
	if every == 0 {
		every = saveEvery
	}
	return m.Clock.Now().Sub(m.saved) >= every
}

// beat holds the operation on, in the middle of a long account too.
func (m *simulation) beat(ctx context.Context) error {
	m.saved = m.Clock.Now()
	cancel, err := m.save(ctx, nil, m.op)
	if err == nil && cancel {
		err = operation.ErrCancelled
	}
	return err
}

// page goes through a page of accounts: the short journals together, in one round trip, the long ones by themselves.
func (m *simulation) page(ctx context.Context, keys []postgres.Key) error {
	extents, err := m.Store.Extents(ctx, keys, calendar.Date{})
	if err != nil {
		return err
	}
	heads := make(map[postgres.Key]int64, len(extents))
	for _, x := range extents {
		heads[x.Key] = x.Head
	}
	var together []postgres.Range
	var sum int64
	flush := func() error {
		if len(together) == 0 {
			return nil
		}
		err := m.short(ctx, together)
		together, sum = together[:0], 0
		return err
	}
	for _, k := range keys {
		head := heads[k]
		if head > simulationRead || sum+head > simulationRead*10 {
			if err := flush(); err != nil {
				return err
			}
		}
		if head <= simulationRead {
			together = append(together, postgres.Range{Key: k, Upto: head})
			sum += head
			continue
		}
		if err := m.long(ctx, k, head); err != nil {
			return err
		}
	}
	return flush()
}

// short goes through whole journals.
func (m *simulation) short(ctx context.Context, ranges []postgres.Range) error {
	at := -1
	finish := func(upto int) {
		for ; at < upto; at++ {
			if at >= 0 {
				m.run.End(m.spec.AsOf)
			}
			m.run.Begin(nil)
		}
	}
	err := m.Store.Ranges(ctx, ranges, func(i int, e gate.Entry) error {
		finish(i)
		return m.run.Entry(e)
	})
	if err != nil {
		return err
	}
	finish(len(ranges))
	m.next = ranges[len(ranges)-1].Key
	return m.keep(ctx, false)
}

// long goes through a journal a piece at a time, from shortly before the period on, and beyond the period only while an order is followed.
func (m *simulation) long(ctx context.Context, k postgres.Key, head int64) error {
	after, err := m.Store.Since(ctx, k, head, m.spec.From)
	if err != nil {
		return err
	}
	position, err := m.positionAt(ctx, k, after)
	if err != nil {
		return err
	}
	m.run.Begin(position)
	for after < head {
		upto, behind := min(after+simulationRead, head), false
		err := m.Store.Ranges(ctx, []postgres.Range{{Key: k, After: after, Upto: upto}}, func(_ int, e gate.Entry) error {
			behind = e.BusinessDate.After(m.spec.To)
			return m.run.Entry(e)
		})
		if err != nil {
			return err
		}
		after = upto
		if behind && !m.run.Follows() {
			break
		}
		if m.isTime() {
			if err := m.beat(ctx); err != nil {
				return err
			}
		}
	}
	m.run.End(m.spec.AsOf)
	m.next = k
	return m.keep(ctx, false)
}

// positionAt is the detail of the newest position up to an entry; nil: none.
func (m *simulation) positionAt(ctx context.Context, k postgres.Key, seq int64) ([]byte, error) {
	if seq == 0 {
		return nil, nil
	}
	e, found, err := m.Store.Entry(ctx, []string{k.RootID}, k.AccountID, seq)
	if err != nil || !found || e.PositionAt == 0 {
		return nil, err
	}
	p, found, err := m.Store.Entry(ctx, []string{k.RootID}, k.AccountID, e.PositionAt)
	if err != nil || !found {
		return nil, err
	}
	return p.Detail, nil
}
