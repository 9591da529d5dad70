package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// The kinds of long-running work on dunning runs.
const (
	KindDunningPropose = "DUNNING_PROPOSE"
	KindDunningSend    = "DUNNING_SEND"
)

// Run is a dunning run as it stands.
type Run = postgres.Run

// DunningLine is a line of a run as it stands.
type DunningLine = postgres.Line

type runSpec struct {
	RunID string `json:"dunning_run_id"`
}

// ProposeRun begins a dunning run of today. Errors: FailedPrecondition RUN_DATE_BEFORE_LAST, RUN_UNDER_WAY and
// NO_DUNNING_POLICY.
func (s *Service) ProposeRun(ctx context.Context, req idem.Request) (Run, error) {
	act := s.act(ctx)
	policy, err := s.Policies.InForce(ctx, act.Today)
	if err != nil {
		return Run{}, err
	}
	if len(policy.Collection.Dunning.Strategies) == 0 {
		return Run{}, errs.New(errs.FailedPrecondition, "NO_DUNNING_POLICY", "the receivables policy in force has no dunning strategy")
	}
	id := "dun-" + rand.Text()
	return s.onRuns(ctx, req, func(tx pgx.Tx) (Run, error) {
		r := Run{
			ID: id, RunDate: act.Today, State: dunning.RunProposing, PolicyVersion: policy.Version, ProposedBy: act.Actor,
			CreateTime: act.Now, OperationID: id + "-propose",
		}
		if err := postgres.AddRun(ctx, tx, r); err != nil {
			return r, err
		}
		return r, runEvent(ctx, tx, act, "dunning.propose", r, r)
	})
}

// onRuns changes a run once a request, and has the work that follows queued.
func (s *Service) onRuns(ctx context.Context, req idem.Request, fn func(tx pgx.Tx) (Run, error)) (Run, error) {
	var out Run
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (Run, error) { return fn(tx) })
		return err
	})
	if err != nil {
		return Run{}, err
	}
	return out, s.queue(ctx, out)
}

// queue has the work of a run's stage queued; twice is once.
func (s *Service) queue(ctx context.Context, r Run) error {
	kind := map[dunning.RunState]string{dunning.RunProposing: KindDunningPropose, dunning.RunSending: KindDunningSend}[r.State]
	if kind == "" || s.Operations == nil {
		return nil
	}
	spec, err := json.Marshal(runSpec{RunID: r.ID})
	if err != nil {
		return err
	}
	by := r.ProposedBy
	if kind == KindDunningSend {
		by = r.DecidedBy
	}
	added, err := s.Operations.Enqueue(ctx, operation.Operation{ID: r.OperationID, Kind: kind, Spec: spec, CreatedBy: by})
	if added && s.Wake != nil {
		s.Wake()
	}
	return err
}

func runEvent(ctx context.Context, tx pgx.Tx, act postgres.Act, action string, r Run, detail any) error {
	body, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return audit.Append(ctx, tx, audit.Event{
		Stream: "dunning", Actor: act.Actor, BusinessDate: act.Today, Action: action, Subject: "dunning run " + r.ID, Detail: body,
	})
}

// ApproveRun lets the letters of a run go out; whoever proposed or edited it does not approve it. Errors: NotFound
// DUNNING_RUN_UNKNOWN, PermissionDenied SAME_PERSON, FailedPrecondition DUNNING_RUN_STATE, RUN_UNDER_WAY and FONT_MISSING.
func (s *Service) ApproveRun(ctx context.Context, req idem.Request, id, comment string) (Run, error) {
	act := s.act(ctx)
	return s.onRuns(ctx, req, func(tx pgx.Tx) (Run, error) {
		r, err := waiting(ctx, tx, id)
		if err != nil {
			return r, err
		}
		edited, err := postgres.Edited(ctx, tx, id, act.Actor)
		if err != nil {
			return r, err
		}
		if edited || r.ProposedBy == act.Actor {
			return r, errs.New(errs.PermissionDenied, "SAME_PERSON", "who proposed or edited run %s does not approve it", id).With("dunning_run_id", id)
		}
		if act.Today.Before(r.RunDate) {
			return r, errs.New(errs.FailedPrecondition, "RUN_DATE_BEFORE_LAST", "run %s is dated %s", id, r.RunDate).With("last_run_date", r.RunDate.String())
		}
		r.State, r.DecidedBy, r.DecideDate, r.Comment = dunning.RunSending, act.Actor, act.Today, comment
		r.Cursor, r.Done, r.OperationID = "", 0, r.ID+"-send"
		if r.Total, err = postgres.CountToSend(ctx, tx, id); err != nil {
			return r, err
		}
		if err := s.mailable(ctx, tx, id); err != nil {
			return r, err
		}
		if err := postgres.SaveRun(ctx, tx, r); err != nil {
			return r, err
		}
		return r, runEvent(ctx, tx, act, "dunning.approve", r, map[string]string{"comment": comment})
	})
}

// DiscardRun ends a run that waits for approval. Errors: NotFound DUNNING_RUN_UNKNOWN, FailedPrecondition
// DUNNING_RUN_STATE.
func (s *Service) DiscardRun(ctx context.Context, req idem.Request, id, reason string) (Run, error) {
	act := s.act(ctx)
	return s.onRuns(ctx, req, func(tx pgx.Tx) (Run, error) {
		r, err := waiting(ctx, tx, id)
		if err != nil {
			return r, err
		}
		r.State, r.DecidedBy, r.Comment = dunning.RunDiscarded, act.Actor, reason
		if err := postgres.SaveRun(ctx, tx, r); err != nil {
			return r, err
		}
		return r, runEvent(ctx, tx, act, "dunning.discard", r, map[string]string{"reason": reason})
	})
}

// waiting locks a run that waits for approval.
func waiting(ctx context.Context, tx pgx.Tx, id string) (Run, error) {
	r, err := postgres.LockRun(ctx, tx, id)
	if err == nil && r.State != dunning.RunProposed {
		err = errs.New(errs.FailedPrecondition, "DUNNING_RUN_STATE", "run %s is %s, not PROPOSED", id, r.State).
			With("dunning_run_id", id).With("state", string(r.State))
	}
	return r, err
}

// EditLines changes lines of a run that waits for approval. Errors: NotFound DUNNING_RUN_UNKNOWN and DUNNING_LINE_UNKNOWN,
// FailedPrecondition DUNNING_RUN_STATE.
func (s *Service) EditLines(ctx context.Context, req idem.Request, id string, edit dunning.Edit, items []string, reason string) (Run, error) {
	act := s.act(ctx)
	return s.onRuns(ctx, req, func(tx pgx.Tx) (Run, error) {
		r, err := waiting(ctx, tx, id)
		if err != nil {
			return r, err
		}
		for _, item := range items {
			l, err := postgres.LockLine(ctx, tx, id, item)
			if err != nil {
				return r, err
			}
			l.Line, l.State = edit.On(l.Line, l.State)
			l.Reason, l.ChangedBy = reason, act.Actor
			if err := postgres.SaveLine(ctx, tx, l); err != nil {
				return r, err
			}
		}
		return r, runEvent(ctx, tx, act, "dunning.edit", r, map[string]any{"edit": edit, "items": items, "reason": reason})
	})
}

// Run returns a run with what it asks for. Errors: NotFound DUNNING_RUN_UNKNOWN.
func (s *Service) Run(ctx context.Context, id string) (Run, postgres.Sums, error) {
	r, err := postgres.ReadRun(ctx, s.Pool, id)
	if err != nil {
		return r, postgres.Sums{}, err
	}
	sums, err := s.store.RunSums(ctx, id)
	return r, sums, err
}

// Runs lists runs, newest first.
func (s *Service) Runs(ctx context.Context, after *invoice.Place, limit int) ([]Run, error) {
	return s.store.Runs(ctx, after, limit)
}

// LinesOfRun lists lines of a run behind a customer and item.
func (s *Service) LinesOfRun(ctx context.Context, runID, customerID string, after [2]string, limit int) ([]DunningLine, error) {
	if _, err := postgres.ReadRun(ctx, s.Pool, runID); err != nil {
		return nil, err
	}
	return s.store.LinesOfRun(ctx, runID, customerID, after, limit)
}

// LinesOfItem lists the history of an item, oldest run first.
func (s *Service) LinesOfItem(ctx context.Context, itemID, afterRun string, limit int) ([]DunningLine, error) {
	return s.store.LinesOfItem(ctx, itemID, afterRun, limit)
}

// DunningLetters lists letters of customers within the caller's scope, newest first.
func (s *Service) DunningLetters(ctx context.Context, q LetterQuery) ([]DunningLetter, error) {
	q.Salesperson = scoped(ctx)
	return s.store.DunningLetters(ctx, q)
}

// LetterPaper is a letter with all that its document says.
type LetterPaper struct {
	postgres.Letter
	Lines  []DunningLine
	Text   dunning.Letter
	Levels int
}

// DunningLetterPaper returns a letter with its lines and the text that its policy gave it. Errors: NotFound DUNNING_LETTER_UNKNOWN.
func (s *Service) DunningLetterPaper(ctx context.Context, id string) (LetterPaper, error) {
	found, err := s.DunningLetters(ctx, LetterQuery{ID: id, Limit: 1})
	if err != nil {
		return LetterPaper{}, err
	}
	if len(found) == 0 {
		return LetterPaper{}, errs.New(errs.NotFound, "DUNNING_LETTER_UNKNOWN", "there is no letter %s", id).With("dunning_letter_id", id)
	}
	return s.letterPaper(ctx, found[0])
}

// letterPaper is a letter with all that its document says.
func (s *Service) letterPaper(ctx context.Context, l DunningLetter) (LetterPaper, error) {
	out := LetterPaper{Letter: l}
	policy, err := s.Policies.ByVersion(ctx, out.PolicyVersion)
	if err != nil {
		return out, err
	}
	strategy, _ := policy.Collection.Dunning.ByName(out.Strategy)
	out.Text, out.Levels = strategy.Text(out.Level), len(strategy.Levels)
	out.Lines, err = s.store.SentLines(ctx, out.Letter)
	return out, err
}

// ItemStanding is where the dunning of an open item stands today.
type ItemStanding struct {
	dunning.Item
	Days        int
	NextLevel   int // of a run today; 0: none
	NextDate    calendar.Date
	Reason      dunning.Reason
	OpenCharges money.Money
}

// DunningStanding is where the dunning of a customer stands today.
type DunningStanding struct {
	CustomerID, Strategy       string
	Level                      int
	LetterDate                 calendar.Date
	SupplyStopped, HandToLegal bool
	Items                      []ItemStanding
}

// farAhead takes in every due date that there can be.
const farAhead = 20 * 366

// DunningStanding tells where the dunning of a customer stands. Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Service) DunningStanding(ctx context.Context, customerID string) (DunningStanding, error) {
	if err := s.visible(ctx, customerID); err != nil {
		return DunningStanding{}, err
	}
	today := s.Clock.Today(ctx)
	policy, err := s.Policies.InForce(ctx, today)
	if err != nil {
		return DunningStanding{}, err
	}
	found, err := postgres.DebtorsByID(ctx, s.Pool, []string{customerID}, postgres.Window{Day: today, Before: today.AddDays(farAhead)})
	if err != nil || len(found) == 0 {
		return DunningStanding{CustomerID: customerID}, err
	}
	charges, err := s.store.OpenCharges(ctx, customerID)
	if err != nil {
		return DunningStanding{}, err
	}
	return standingOf(policy.Collection.Dunning, found[0], charges, today), nil
}

func standingOf(p dunning.Policy, d postgres.Debtor, charges map[string]money.Money, today calendar.Date) DunningStanding {
	plan := p.Next(d.Customer, today)
	out := DunningStanding{CustomerID: d.ID, Strategy: plan.Strategy, LetterDate: d.LetterDate}
	strategy, _ := p.ByName(plan.Strategy)
	for _, i := range d.Items {
		st := ItemStanding{Item: i, Days: max(0, today.DaysSince(i.DueDate)), OpenCharges: money.Zero(i.Open.Currency)}
		if n := slices.IndexFunc(plan.Lines, func(l dunning.Line) bool { return l.ItemID == i.ID }); n >= 0 {
			st.NextLevel = plan.Lines[n].Level
		}
		if n := slices.IndexFunc(plan.Skipped, func(k dunning.Skip) bool { return k.ItemID == i.ID }); n >= 0 {
			st.Reason = plan.Skipped[n].Reason
		}
		if next, ok := strategy.DueFor(i); ok {
			st.NextDate = next
		}
		if m, ok := charges[i.ID]; ok {
			st.OpenCharges = m
		}
		reached := strategy.Reached(i.Level)
		out.Level = max(out.Level, i.Level)
		out.SupplyStopped, out.HandToLegal = out.SupplyStopped || i.SupplyStopped, out.HandToLegal || reached.HandToLegal
		out.Items = append(out.Items, st)
	}
	return out
}

// window is what of the items a run of a day looks at.
func window(p terms.Policy, day calendar.Date) postgres.Window {
	ahead, interest := 0, false
	for _, st := range p.Collection.Dunning.Strategies {
		for _, days := range st.RemindBefore {
			ahead = max(ahead, days)
		}
		interest = interest || st.Interest.Rate.IsValid()
	}
	return postgres.Window{Day: day, Before: day.AddDays(ahead + 1), Interest: interest}
}

// LetterQuery asks for letters.
type LetterQuery = postgres.LetterQuery

// CollectionQuery asks for what collectors recorded.
type CollectionQuery = postgres.CollectionQuery

// RunSums is what a run asks for, by currency.
type RunSums = postgres.Sums

// DunningLetter is a letter that went out.
type DunningLetter = postgres.Letter
