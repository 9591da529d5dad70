package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

const (
	// proposeBatch is how many items are judged in one transaction, and held in memory.
	proposeBatch = 5000
	// sendBatch is how many customers get their letters before the run's place is kept, sendWorkers how many at once.
	sendBatch, sendWorkers = 64, 4
)

// ProposeWork judges what is overdue, batch by batch, from where it was left: each batch's lines and the run's place are
// kept in one transaction, so that a process that dies leaves nothing twice and nothing out.
func (s *Service) ProposeWork(ctx context.Context, op operation.Operation, progress operation.Progress) (operation.Operation, error) {
	run, err := s.runOf(ctx, op)
	if err != nil || run.State != dunning.RunProposing {
		return op, err
	}
	if err := s.JudgePromises(ctx, run.RunDate); err != nil {
		return op, err
	}
	policy, err := s.Policies.ByVersion(ctx, run.PolicyVersion)
	if err != nil {
		return op, err
	}
	w := window(policy, run.RunDate)
	if op.Total == 0 {
		if op.Total, err = postgres.CountDebtors(ctx, s.Pool, w.Before); err != nil {
			return op, err
		}
	}
	for more := true; more && err == nil; {
		more, err = s.proposeBatch(ctx, &op, policy.Collection.Dunning, w, progress)
	}
	return op, s.failed(ctx, run.ID, err)
}

func (s *Service) runOf(ctx context.Context, op operation.Operation) (Run, error) {
	var spec runSpec
	if err := json.Unmarshal(op.Spec, &spec); err != nil {
		return Run{}, err
	}
	return postgres.ReadRun(ctx, s.Pool, spec.RunID)
}

// proposeBatch judges the next customers; more is false at the end.
func (s *Service) proposeBatch(ctx context.Context, op *operation.Operation, p dunning.Policy, w postgres.Window, progress operation.Progress) (more bool, err error) {
	err = pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var spec runSpec
		if err := json.Unmarshal(op.Spec, &spec); err != nil {
			return err
		}
		run, err := postgres.LockRun(ctx, tx, spec.RunID)
		if err != nil || run.State != dunning.RunProposing {
			return err
		}
		found, err := postgres.Debtors(ctx, tx, run.Cursor, w, proposeBatch)
		if err != nil {
			return err
		}
		more = len(found) > 0
		if !more {
			run.State = dunning.RunProposed
			if run.Finished, err = postgres.FinishDunning(ctx, tx); err != nil {
				return err
			}
			run.Done = run.Total
			return postgres.SaveRun(ctx, tx, run)
		}
		lines := planned(p, found, w.Day, &run)
		if err := postgres.AddLines(ctx, tx, run.ID, lines); err != nil {
			return err
		}
		run.Cursor, run.Total = found[len(found)-1].ID, max(op.Total, run.Done+int64(len(found)))
		run.Done += int64(len(found))
		op.Done, op.Total = run.Done, run.Total
		cancel, err := progress(ctx, tx, *op)
		if err == nil && cancel {
			err = operation.ErrCancelled
		}
		if err != nil {
			return err
		}
		return postgres.SaveRun(ctx, tx, run)
	})
	return more, err
}

func planned(p dunning.Policy, found []postgres.Debtor, day calendar.Date, run *Run) []postgres.PlannedLine {
	var out []postgres.PlannedLine
	for _, d := range found {
		plan := p.Next(d.Customer, day)
		if len(plan.Lines) > 0 {
			run.Customers++
		}
		for _, l := range plan.Lines {
			out = append(out, postgres.PlannedLine{CustomerID: d.ID, Strategy: plan.Strategy, Line: l})
		}
	}
	run.Lines += int64(len(out))
	return out
}

// failed ends a run whose proposal will not be gone on with, so that it does not stand in the way of the next.
func (s *Service) failed(ctx context.Context, runID string, cause error) error {
	kind := errs.KindOf(cause)
	if cause == nil || ctx.Err() != nil || errors.Is(cause, operation.ErrLost) ||
		kind == errs.Unavailable || kind == errs.Aborted || kind == errs.DeadlineExceeded || kind == errs.ResourceExhausted {
		return cause
	}
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		run, err := postgres.LockRun(ctx, tx, runID)
		if err != nil || run.State != dunning.RunProposing {
			return err
		}
		run.State, run.ErrorReason = dunning.RunFailed, errs.ReasonOf(cause)
		if errors.Is(cause, operation.ErrCancelled) {
			run.State = dunning.RunDiscarded
		}
		return postgres.SaveRun(ctx, tx, run)
	})
	return errors.Join(cause, err)
}

// SendWork sends the letters of an approved run, customer by customer, each in a transaction of its own and once; the run's
// place is kept after each batch, and what a process that died had sent is passed over.
func (s *Service) SendWork(ctx context.Context, op operation.Operation, progress operation.Progress) (operation.Operation, error) {
	run, err := s.runOf(ctx, op)
	if err != nil || run.State != dunning.RunSending {
		return op, err
	}
	d, err := s.dispatch(ctx, run)
	if err != nil {
		return op, err
	}
	op.Total = run.Total
	// The approver answers for what goes out, on the day of the approval.
	by := calendar.WithBusinessDate(authn.WithPrincipal(ctx, authn.Principal{Subject: run.DecidedBy}), run.DecideDate)
	for {
		ids, err := postgres.ToSend(ctx, s.Pool, run.ID, run.Cursor, sendBatch)
		if err != nil {
			return op, err
		}
		if len(ids) == 0 {
			break
		}
		sent, err := s.sendAll(by, d, ids)
		if err != nil {
			return op, err
		}
		run.Cursor, run.Done, run.Letters = ids[len(ids)-1], run.Done+int64(len(ids)), run.Letters+sent
		op.Done = run.Done
		if err := s.keepPlace(ctx, run, op, progress); err != nil {
			return op, err
		}
	}
	return op, pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		r, err := postgres.LockRun(ctx, tx, run.ID)
		if err != nil {
			return err
		}
		r.State, r.Done = dunning.RunSent, r.Total
		if r.Letters, err = postgres.CountLetters(ctx, tx, r.ID); err != nil {
			return err
		}
		return postgres.SaveRun(ctx, tx, r)
	})
}

// keepPlace keeps how far a run is; letters that were approved go out, so that it cannot be cancelled any more.
func (s *Service) keepPlace(ctx context.Context, run Run, op operation.Operation, progress operation.Progress) error {
	return pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := progress(ctx, tx, op); err != nil {
			return err
		}
		return postgres.SaveRun(ctx, tx, run)
	})
}

func (s *Service) sendAll(ctx context.Context, d dispatch, ids []string) (int64, error) {
	customers, err := s.store.Customers(ctx, ids)
	if err != nil {
		return 0, err
	}
	to, err := s.store.Correspondences(ctx, ids...)
	if err != nil {
		return 0, err
	}
	var sent atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendWorkers)
	for _, id := range ids {
		group.Go(func() error {
			customer, known := customers[id]
			if !known {
				return postgres.Unknown("CUSTOMER_UNKNOWN", "customer", id)
			}
			ok, err := s.sendLetter(ctx, d, customer, to[id])
			if ok {
				sent.Add(1)
			}
			return err
		})
	}
	err = group.Wait()
	s.Positions.Nudge()
	if s.Letters != nil {
		s.Letters.Nudge()
	}
	return sent.Load(), err
}

// sendLetter sends one customer's letter of a run, once; it reports false where nothing of it stands any more. The document is made when
// the letter is written: on its number all others of the run wait. A run does not go on before the letters of its batch are queued; one whose
// process died in between is queued when the batch is gone through again.
func (s *Service) sendLetter(ctx context.Context, d dispatch, customer Customer, to statement.Correspondence) (sent bool, err error) {
	sum := sha256.Sum256([]byte(d.run.ID + "\x00" + customer.ID))
	req := idem.Request{ID: "dunning-" + hex.EncodeToString(sum[:]), Method: "dunning.send", Hash: sum[:]}
	var written LetterPaper
	err = pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		sent, _, err = idem.Do(ctx, tx, req, func() (bool, error) {
			return changing(ctx, s, tx, customer, func(ctx context.Context, c *change) (wrote bool, err error) {
				written, wrote, err = s.letter(ctx, c, d)
				return wrote, err
			})
		})
		return err
	})
	if err != nil || !sent || len(to.Emails) == 0 {
		return sent, err
	}
	if written.ID == "" { // by a process that died
		if written, err = s.letterOf(ctx, d.run.ID, customer.ID); err != nil {
			return sent, err
		}
	}
	return sent, s.mail(ctx, d, to, written)
}

// letterOf is a customer's letter of a run; none where it is queued.
func (s *Service) letterOf(ctx context.Context, runID, customerID string) (LetterPaper, error) {
	found, err := s.store.DunningLetters(ctx, LetterQuery{RunID: runID, CustomerID: customerID, Limit: 1})
	if err != nil || len(found) == 0 || found[0].Mail != postgres.MailPrint {
		return LetterPaper{}, err
	}
	found[0].Mail = ""
	return s.letterPaper(ctx, found[0])
}

// letter confirms the lines of a customer, charges what they charge and records the letter. What does not name the letter comes before its
// number, on which all others wait.
func (s *Service) letter(ctx context.Context, c *change, d dispatch) (written LetterPaper, wrote bool, err error) {
	lines, err := c.confirmed(ctx, d.run, d.policy)
	if err != nil || len(lines) == 0 {
		c.idle = true
		return written, false, err
	}
	l := postgres.Letter{
		RunID: d.run.ID, CustomerID: c.customer.ID, Strategy: lines[0].Strategy, PolicyVersion: d.run.PolicyVersion, Date: c.act.Today,
		Total: money.Zero(lines[0].Open.Currency), DisplayName: c.customer.DisplayName, SentBy: c.act.Actor, CreateTime: c.act.Now,
	}
	for n, t := range lines {
		l.Level, l.Total = max(l.Level, t.Level), l.Total.Add(t.Open)
		if lines[n].FeeID, lines[n].InterestID, err = s.charge(ctx, c, t.Line); err != nil {
			return written, false, err
		}
	}
	if err := postgres.TakeStates(ctx, c.tx, l, lines); err != nil {
		return written, false, err
	}
	if err := postgres.Lettered(ctx, c.tx, c.customer.ID, c.act.Today, l.Level); err != nil {
		return written, false, err
	}
	if l, err = postgres.AddLetter(ctx, c.tx, l); err != nil {
		return written, false, err
	}
	if err := postgres.TakeLevels(ctx, c.tx, l, lines, d.limitation.Demands(l.Level)); err != nil {
		return written, false, err
	}
	return d.paper(l, lines), true, c.tell("dunning.letter", "letter "+l.ID, l)
}

// confirmed are the lines that still stand; the others are dropped, with the reason.
func (c *change) confirmed(ctx context.Context, run Run, p dunning.Policy) ([]postgres.Taken, error) {
	lines, err := postgres.OpenLines(ctx, c.tx, run.ID, c.customer.ID)
	if err != nil {
		return nil, err
	}
	w := postgres.Window{Day: c.act.Today, Before: c.act.Today.AddDays(farAhead)}
	found, err := postgres.DebtorsByID(ctx, c.tx, []string{c.customer.ID}, w)
	if err != nil {
		return nil, err
	}
	var debtor dunning.Customer
	if len(found) > 0 {
		debtor = found[0].Customer
	}
	var out []postgres.Taken
	for _, l := range lines {
		strategy, ok := p.ByName(l.Strategy)
		reason := dunning.ReasonNoStrategy
		if ok {
			l.Line, reason = strategy.Confirm(l.Line, debtor, c.act.Today)
		}
		if reason == "" {
			out = append(out, postgres.Taken{Line: l, StopsSupply: strategy.Reached(l.Level).StopSupply})
			continue
		}
		l.State, l.Reason = dunning.LineDropped, string(reason)
		if err := postgres.SaveLine(ctx, c.tx, l); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// QueueRuns has work on runs queued that a process which died between two steps did not queue.
func (s *Service) QueueRuns(ctx context.Context) error {
	runs, err := s.store.Runs(ctx, nil, 2)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if err := s.queue(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
