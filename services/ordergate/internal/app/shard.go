package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// shard works off one queue, a batch at a time.
type shard struct {
	gate  *Gate
	queue chan *work
	heads *heads
	crowd bool // decides all commands that touch budgets or ceilings
	wary  int  // batches for which nothing remembered counts, since another replica writes to the same accounts
}

// waryFor is for how many batches accounts are read anew after another replica was first with one of them: where replicas share their
// customers, reading costs less than deciding in vain.
const waryFor = 32

func (s *shard) run(ctx context.Context) {
	batch := make([]*work, 0, batchSize)
	for {
		select {
		case <-ctx.Done():
			s.refuseQueued()
			return
		case first := <-s.queue:
			batch = s.fill(append(batch[:0], first))
			s.process(context.WithoutCancel(ctx), batch)
		}
	}
}

// fill takes what is queued already. Yielding once lets handlers that are ready put theirs in.
func (s *shard) fill(batch []*work) []*work {
	runtime.Gosched()
	for len(batch) < batchSize {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (s *shard) refuseQueued() {
	for {
		select {
		case w := <-s.queue:
			w.finish(Answer{}, stopping())
		default:
			return
		}
	}
}

// process decides and writes a batch, and answers every command in it. Where the batch cannot be written for a reason that one of its
// commands carries, each is tried alone, so that its neighbours do not notice.
func (s *shard) process(ctx context.Context, batch []*work) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	refused, err := s.attempts(ctx, batch)
	if err != nil {
		s.forget(batch)
		if len(batch) > 1 && errs.KindOf(err) != errs.Unavailable && errs.KindOf(err) != errs.DeadlineExceeded {
			s.gate.Log.WarnContext(ctx, "batch failed; its commands are tried one by one", "commands", len(batch), "error", err)
			for _, w := range batch {
				s.process(ctx, []*work{w})
			}
			return
		}
		for _, w := range batch {
			w.finish(Answer{}, err)
		}
		return
	}
	if len(refused) > 0 { // on a remembered state, forgotten by now: look again before saying no
		s.process(ctx, refused)
	}
}

func (s *shard) forget(batch []*work) {
	for _, w := range batch {
		s.heads.drop(w.key)
	}
}

// attempts decides and writes until no other replica was first. It answers all commands but those refused on a remembered state.
func (s *shard) attempts(ctx context.Context, batch []*work) (refused []*work, err error) {
	lookup := false
	for try := range maxTries {
		var v *view
		v, err = s.attempt(ctx, batch, lookup)
		if err == nil {
			return s.answer(v, batch), nil
		}
		if v != nil && v.failed != nil && v.allFresh() && try == maxTries-1 {
			return nil, v.failed
		}
		if v != nil {
			s.heads.dropAll(v.accounts)
		}
		if !errors.Is(err, postgres.ErrStale) && !errors.Is(err, postgres.ErrDuplicate) {
			return nil, err
		}
		if errors.Is(err, postgres.ErrStale) {
			s.wary = waryFor
		} else {
			lookup = true
		}
		s.forget(batch)
		if try > 1 {
			wait := time.NewTimer(time.Duration(rand.Int64N(int64(try) * int64(2*time.Millisecond)))) //nolint:gosec // spreads retries, guards nothing
			<-wait.C
		}
	}
	return nil, errs.New(errs.Aborted, "CONTENDED", "other replicas were first %d times; try again", maxTries).WithCause(err).WithRetryAfter(retryAfter)
}

// answer gives the answers of a batch that is written, but for refusals on a remembered state of any account that they look at.
func (s *shard) answer(v *view, batch []*work) (refused []*work) {
	for k, a := range v.accounts {
		s.heads.put(k, a)
	}
	s.gate.keeper.tell(v.freed)
	for i, w := range batch {
		if v.errors[i] == nil || v.judgedFresh(w, v.errors[i]) {
			w.tells = v.tells[w.key]
			w.finish(v.answers[i], v.errors[i])
			continue
		}
		refused = append(refused, w)
		for _, k := range v.keysOf(w) {
			s.heads.drop(k)
		}
	}
	return refused
}

// judgedFresh reports whether a refusal stands on what the store says now. That a command belongs to the crowd's queue needs no second look.
func (v *view) judgedFresh(w *work, err error) bool {
	var there *elsewhere
	if errors.As(err, &there) && there.shared {
		return true
	}
	if v.final[w] {
		return true
	}
	for _, k := range v.keysOf(w) {
		if !v.fresh[k] {
			return false
		}
	}
	return true
}

// allFresh reports whether nothing of the view was remembered.
func (v *view) allFresh() bool {
	for k := range v.accounts {
		if !v.fresh[k] {
			return false
		}
	}
	return true
}

// attempt decides the batch in memory, in order, and writes it in one transaction. lookup asks first for requests and orders that exist.
func (s *shard) attempt(ctx context.Context, batch []*work, lookup bool) (v *view, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while deciding: %v", p)
		}
	}()
	v, err = s.load(ctx, batch, lookup)
	if err != nil {
		return v, err
	}
	for i, w := range batch {
		v.answers[i], v.errors[i] = s.decide(w, v)
		if v.failed != nil { // accounts of different times do not fit together, remembered or read one after the other
			return v, fmt.Errorf("%w: %w", postgres.ErrStale, v.failed)
		}
	}
	return v, s.gate.Store.Apply(ctx, v.batch)
}

func (s *shard) decide(w *work, v *view) (Answer, error) {
	if w.ctx.Err() != nil {
		v.final[w] = true // nobody waits for it: not worth another look
		return Answer{}, errs.New(errs.DeadlineExceeded, "DEADLINE_EXCEEDED", "the caller stopped waiting").WithCause(w.ctx.Err())
	}
	a := v.accounts[w.key]
	if a.MovedTo != "" {
		return Answer{}, &elsewhere{route: route{root: a.MovedTo}}
	}
	if into := a.MergedInto; into != nil && (w.draft != nil || len(w.orders) > 0) && w.arrived == nil {
		return Answer{}, &elsewhere{route: route{root: into.RootID}, account: into.AccountID}
	}
	if e, ok := v.answered(w, a); ok {
		v.final[w] = true
		if !bytes.Equal(e.RequestHash, w.req.Hash) {
			return Answer{}, errs.New(errs.AlreadyExists, "REQUEST_ID_REUSED", "request id %q was used for another request", w.req.ID).With("request_id", w.req.ID)
		}
		v.batch.Touch = true
		return answerOf(e)
	}
	if a.MergedInto != nil && w.profile == nil && w.arrived == nil {
		return Answer{}, gate.MergedAway(a)
	}
	env, err := v.env(w)
	if err != nil {
		return Answer{}, err
	}
	if err := v.expire(env, w); err != nil {
		return Answer{}, err
	}
	if v.plain(w) {
		return w.apply(env, v)
	}
	if !s.crowd && v.crowd(w) {
		return Answer{}, &elsewhere{route: route{root: w.key.RootID, shared: true}}
	}
	if err := v.enroll(w, w.key); err != nil {
		return Answer{}, err
	}
	return w.apply(env, v)
}

// answered finds the entry that a request led to before, under any root that the account has lived under.
func (v *view) answered(w *work, a account.Account) (gate.Entry, bool) {
	if w.req.ID == "" {
		return gate.Entry{}, false
	}
	e, ok := v.requests[postgres.Request{RootID: w.key.RootID, RequestID: w.req.ID}]
	for i := 0; !ok && i < len(a.Former); i++ {
		e, ok = v.requests[postgres.Request{RootID: a.Former[i], RequestID: w.req.ID}]
	}
	return e, ok
}
