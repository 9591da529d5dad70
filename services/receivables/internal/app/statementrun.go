package app

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

const (
	// statementsBatch is after how many customers the place of a run is kept.
	statementsBatch = 50
	// statementsLease is after how long the run of a worker that has died is free.
	statementsLease = 10 * time.Minute
	// statementsBack is for how many days what was due while nothing ran is made up for.
	statementsBack = 30
)

// SentStatements is what a run has done.
type SentStatements struct {
	Kind statement.Kind
	AsOf calendar.Date
	// Sent went into the queue of mail, ToPost are drafts of customers without an address, Left could not be drawn up or sent.
	Sent, ToPost, Left int
}

// SendDueStatements draws up and sends the statements that the policy has sent by themselves and that are due, once for a kind and day however
// many replicas run; now is in the business time zone. Errors: FailedPrecondition FONT_MISSING.
func (s *Service) SendDueStatements(ctx context.Context, now time.Time, worker string) ([]SentStatements, error) {
	var out []SentStatements
	for _, kind := range []statement.Kind{statement.Account, statement.Confirmation} {
		day, schedule, err := s.scheduled(ctx, kind, now)
		if err != nil {
			return out, err
		}
		if day.IsZero() {
			continue
		}
		if _, err := paper.FindFont(s.FontFile); err != nil {
			return out, err
		}
		run, claimed, err := s.store.ClaimStatements(ctx, postgres.StatementRun{Kind: kind, AsOf: statement.AsOf(day), Worker: worker}, statementsLease)
		if err != nil {
			return out, err
		}
		if !claimed {
			continue
		}
		sent, err := s.sendRun(ctx, run, schedule)
		if out = append(out, sent); err != nil {
			return out, err
		}
	}
	return out, nil
}

// scheduled is the last day on which statements of a kind were due by the policy of that day; none where that is too long ago.
func (s *Service) scheduled(ctx context.Context, kind statement.Kind, now time.Time) (calendar.Date, statement.Schedule, error) {
	today := calendar.FromTime(now, now.Location())
	for back := range statementsBack + 1 {
		day := today.AddDays(-back)
		policy, err := s.Policies.InForce(ctx, day)
		if err != nil {
			return calendar.Date{}, statement.Schedule{}, err
		}
		if c := policy.Cash.Schedule; c.Due(kind, day) && (back > 0 || now.Hour() >= c.Hour) {
			return day, c, nil
		}
	}
	return calendar.Date{}, statement.Schedule{}, nil
}

var errRunLost = errors.New("another worker has the run")

func (s *Service) sendRun(ctx context.Context, run postgres.StatementRun, schedule statement.Schedule) (SentStatements, error) {
	out := SentStatements{Kind: run.Kind, AsOf: run.AsOf}
	for {
		ids, err := s.store.StatementsDue(ctx, run, Actor(ctx), statementsBatch)
		if err != nil {
			return out, err
		}
		customers, err := s.store.Customers(ctx, ids)
		if err != nil {
			return out, err
		}
		to, err := s.store.Correspondences(ctx, ids...)
		if err != nil {
			return out, err
		}
		for _, id := range ids {
			err := s.statementTo(ctx, run, schedule, customers[id], to[id], &out)
			kind := errs.KindOf(err)
			if err != nil && (kind == errs.FailedPrecondition || kind == errs.Invalid || kind == errs.Internal) {
				s.Log.WarnContext(ctx, "a statement does not go out by itself", "customer", id, "kind", run.Kind, "as_of", run.AsOf, "error", err)
				out.Left++
			} else if err != nil {
				return out, err
			}
			run.Cursor = id
		}
		held, err := s.store.KeepStatements(ctx, run, statementsLease, len(ids) < statementsBatch)
		switch {
		case err != nil:
			return out, err
		case !held:
			return out, errRunLost
		}
		if s.Letters != nil {
			s.Letters.Nudge()
		}
		if len(ids) < statementsBatch {
			return out, nil
		}
	}
}

// statementTo draws up a customer's statement and sends it; where there is no address it stays a draft. It is drawn up and sent in two steps:
// its number is free for others while the document is made.
func (s *Service) statementTo(ctx context.Context, run postgres.StatementRun, schedule statement.Schedule, c Customer, to statement.Correspondence, out *SentStatements) error {
	what := drafted{
		Drafting: Drafting{Kind: run.Kind, AsOf: run.AsOf, From: run.AsOf.AddMonths(0, 1)}, customer: c, language: to.Language,
		wanted: func(content statement.Content) bool {
			return len(content.Items) > 0 || schedule.Credits && content.Unapplied.IsPositive()
		},
	}
	if run.Kind == statement.Confirmation {
		what.From = run.AsOf
	}
	var st statement.Statement
	err := s.inStatements(ctx, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) (err error) {
		st, err = draft(ctx, w, tx, act, what)
		return err
	})
	if err != nil || st.ID == "" || st.Stage != statement.Drafted || st.DraftedBy != Actor(ctx) {
		return err
	}
	if len(to.Emails) == 0 {
		out.ToPost++
		return nil
	}
	err = s.inStatements(ctx, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) error {
		_, err := s.send(ctx, w, tx, act, sending{id: st.ID})
		return err
	})
	if err == nil {
		out.Sent++
	}
	return err
}

func (s *Service) inStatements(ctx context.Context, fn func(context.Context, *postgres.Statements, pgx.Tx, postgres.Act) error) error {
	return pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		act := s.act(ctx)
		return fn(ctx, postgres.NewStatements(tx, act), tx, act)
	})
}
