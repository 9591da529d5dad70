package app

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/meeting"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
	"github.com/avalcredit/aval/services/receivables/internal/worklist"
)

// historyDays is how far back the history in a pack goes.
const historyDays = 92

// Meeting returns the pack of a month: what was overdue on its day, what happened, what is to be done.
func (s *Service) Meeting(ctx context.Context, month string) (meeting.Pack, error) {
	today := s.Clock.Today(ctx)
	pack := meeting.Pack{Month: month, Day: meeting.Day(month, today)}
	now, err := s.store.OverdueAt(ctx, pack.Day)
	if err != nil {
		return pack, err
	}
	before, err := s.store.OverdueAt(ctx, calendar.MustDate(month+"-01").AddDays(-1))
	if err != nil {
		return pack, err
	}
	customers, err := s.onTable(ctx, now, before, pack.Day)
	if err != nil {
		return pack, err
	}
	pack.People = meeting.ByPerson(customers)
	return pack, s.minutesOf(ctx, &pack)
}

// onTable gathers what the pack says of customers.
func (s *Service) onTable(ctx context.Context, now, before []postgres.OverdueOf, day calendar.Date) ([]meeting.Customer, error) {
	type key struct{ customer, person string }
	was := map[key]money.Money{}
	for _, o := range before {
		was[key{o.CustomerID, o.Salesperson}] = o.Overdue
	}
	ids := make([]string, 0, len(now))
	for _, o := range now {
		ids = append(ids, o.CustomerID)
	}
	ids = slices.Compact(ids)
	steps, err := s.nextSteps(ctx, ids)
	if err != nil {
		return nil, err
	}
	history, err := s.history(ctx, ids, day)
	if err != nil {
		return nil, err
	}
	out := make([]meeting.Customer, len(now))
	for i, o := range now {
		c := meeting.Customer{
			ID: o.CustomerID, DisplayName: o.DisplayName, Salesperson: o.Salesperson, Overdue: o.Overdue, Before: money.Zero(o.Overdue.Currency),
			Items: o.Items, OldestDays: o.OldestDays, History: slices.Clone(history[o.CustomerID]),
		}
		if m, ok := was[key{o.CustomerID, o.Salesperson}]; ok {
			c.Before = m
		}
		step := steps[o.CustomerID]
		c.Level, c.NextStep, c.NextDate = step.Level, string(step.Step), step.NextAction
		out[i] = c
	}
	return out, nil
}

// nextSteps is what is to be done with customers, as their collectors see it today.
func (s *Service) nextSteps(ctx context.Context, ids []string) (map[string]worklist.Ranked, error) {
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return nil, err
	}
	cases, _, err := s.cases(ctx, ids, policy.Collection)
	out := map[string]worklist.Ranked{}
	for _, r := range worklist.Rank(cases, policy.Collection.Points, s.Clock.Today(ctx)) {
		out[r.CustomerID] = r
	}
	return out, err
}

func (s *Service) history(ctx context.Context, ids []string, day calendar.Date) (map[string][]meeting.Line, error) {
	records, letters, err := s.store.History(ctx, ids, day.AddDays(-historyDays), day)
	if err != nil {
		return nil, err
	}
	out := map[string][]meeting.Line{}
	for _, l := range letters {
		out[l.CustomerID] = append(out[l.CustomerID], meeting.Line{
			Date: l.Date, Kind: "LETTER", Text: l.ID + ", level " + strconv.Itoa(l.Level) + ": " + l.Total.String() + " " + l.Total.Currency, By: l.SentBy,
		})
	}
	for _, r := range records {
		line, err := s.told(ctx, r, day)
		if err != nil {
			return nil, err
		}
		out[r.CustomerID] = append(out[r.CustomerID], line)
	}
	return out, nil
}

// told is a record in words, as it stood on a day.
func (s *Service) told(ctx context.Context, r postgres.CollectionRecord, day calendar.Date) (meeting.Line, error) {
	line := meeting.Line{Date: r.From, Kind: string(r.Kind)}
	switch r.Kind {
	case postgres.RecordPromise:
		judged, err := postgres.Judge(ctx, s.Pool, []postgres.CollectionRecord{r}, day)
		if err != nil {
			return line, err
		}
		p := judged[0]
		last := p.Parts[len(p.Parts)-1]
		line.Text = p.Promise.Amount().String() + " " + last.Amount.Currency + " by " + last.Date.String() + ": " + string(p.State)
		if p.State == promise.StateBroken || p.State == promise.StatePartlyKept {
			line.Text += ", " + p.Unpaid.String() + " unpaid"
		}
		line.By = p.RecordedBy
	case postgres.RecordDispute:
		var d dispute.Dispute
		if err := json.Unmarshal(r.Body, &d); err != nil {
			return line, err
		}
		line.Text, line.By = d.ItemID+", "+string(d.Reason)+": "+d.Text, d.OpenedBy
		if d.Outcome != "" {
			line.Text += " (" + string(d.Outcome) + ")"
		}
	case postgres.RecordHold:
		var h dunning.Hold
		if err := json.Unmarshal(r.Body, &h); err != nil {
			return line, err
		}
		line.Text, line.By = string(h.Kind)+": "+h.Reason, h.SetBy
	case postgres.RecordContact:
		var c worklist.Contact
		if err := json.Unmarshal(r.Body, &c); err != nil {
			return line, err
		}
		line.Text, line.By = c.Channel+", "+c.Result+": "+c.Text, c.LoggedBy
	case postgres.RecordMinutes, postgres.RecordAction:
	}
	return line, nil
}

// minutesOf adds what was said in the month's meeting, and the action items that lie on its table.
func (s *Service) minutesOf(ctx context.Context, pack *meeting.Pack) error {
	far := s.Clock.Today(ctx)
	records, err := s.store.OnTable(ctx, postgres.RecordMinutes, far, far)
	if err != nil {
		return err
	}
	minutes, err := bodies[meeting.Minutes](records)
	if err != nil {
		return err
	}
	pack.Minutes = slices.DeleteFunc(minutes, func(m meeting.Minutes) bool { return m.Month != pack.Month })
	records, err = s.store.OnTable(ctx, postgres.RecordAction, far, calendar.MustDate(meeting.Before(pack.Month)+"-01"))
	if err != nil {
		return err
	}
	actions, err := bodies[meeting.Action](records)
	pack.Actions = slices.DeleteFunc(actions, func(a meeting.Action) bool { return !a.OnTable(pack.Month) })
	return err
}

// RecordMinutes records what was said in a month's meeting, with action items. Errors: NotFound CUSTOMER_UNKNOWN, Invalid
// rule DATE_PAST.
func (s *Service) RecordMinutes(ctx context.Context, req idem.Request, m meeting.Minutes, actions []meeting.Action) ([]meeting.Action, error) {
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) ([]meeting.Action, error) {
		m.WrittenBy, m.Date, m.CreateTime = act.Actor, act.Today, act.Now
		for i := range actions {
			a := &actions[i]
			if a.DueDate.Before(act.Today) {
				return nil, errs.Field("action_items["+strconv.Itoa(i)+"].due_date", "DATE_PAST", "%s is in the past", a.DueDate)
			}
			if a.CustomerID != "" {
				if _, err := s.store.Customer(ctx, a.CustomerID); err != nil {
					return nil, inField(err, "action_items["+strconv.Itoa(i)+"].customer_id")
				}
			}
			n, err := serial.Next(ctx, tx, "action items "+m.Month)
			if err != nil {
				return nil, err
			}
			a.ID, a.Month = meeting.ActionID(m.Month, n), m.Month
			if err := addAction(ctx, tx, *a, act); err != nil {
				return nil, err
			}
		}
		n, err := serial.Next(ctx, tx, "minutes "+m.Month)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		err = postgres.AddRecord(ctx, tx, postgres.CollectionRecord{
			Kind: postgres.RecordMinutes, ID: m.Month + "-" + strconv.FormatInt(n, 10), Owner: act.Actor, Live: true, From: act.Today, Body: body,
		}, act)
		if err != nil {
			return nil, err
		}
		return actions, said(ctx, tx, act, deed{"collection", "minutes.record", "meeting " + m.Month}, map[string]any{"minutes": m, "action_items": actions})
	})
}

func addAction(ctx context.Context, tx pgx.Tx, a meeting.Action, act postgres.Act) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return postgres.AddRecord(ctx, tx, postgres.CollectionRecord{
		Kind: postgres.RecordAction, ID: a.ID, CustomerID: a.CustomerID, Owner: a.Owner, Live: true, From: act.Today, Next: a.DueDate, Body: body,
	}, act)
}

// CloseAction says what came of an action item. Errors: NotFound ACTION_ITEM_UNKNOWN, FailedPrecondition
// ACTION_ITEM_CLOSED.
func (s *Service) CloseAction(ctx context.Context, req idem.Request, id, result string) (meeting.Action, error) {
	return once(ctx, s, req, func(ctx context.Context, tx pgx.Tx, act postgres.Act) (meeting.Action, error) {
		r, err := postgres.ReadRecord(ctx, tx, postgres.RecordAction, id)
		if err != nil {
			return meeting.Action{}, err
		}
		var a meeting.Action
		if err := json.Unmarshal(r.Body, &a); err != nil {
			return a, err
		}
		if a, err = a.Close(act.Actor, result, act.Today); err != nil {
			return a, err
		}
		if r.Body, err = json.Marshal(a); err != nil {
			return a, err
		}
		r.Live, r.Until, r.Next = false, act.Today, calendar.Date{}
		if err := postgres.ChangeRecord(ctx, tx, r, act); err != nil {
			return a, err
		}
		return a, said(ctx, tx, act, deed{"collection", "action.close", "action item " + id}, a)
	})
}
