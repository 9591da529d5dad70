package app

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/checklist"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// serialSeries numbers the forms without gaps.
const serialSeries = "credit_application"

// CreateApplication writes a draft.
func (a *App) CreateApplication(ctx context.Context, r idem.Request, f application.Application) (application.Application, error) {
	who, err := caller(ctx)
	if err != nil {
		return f, err
	}
	day := a.Clock.Today(ctx)
	f.State, f.Applicant = application.Draft, who.Subject
	return write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (application.Application, error) {
		store := postgres.New(tx)
		st, err := visible(ctx, store.Lock, f.CustomerID)
		if err != nil {
			return f, err
		}
		if err := st.File.Changeable(); err != nil {
			return f, err
		}
		f = f.Completed(day)
		if err := f.Validate(st.File.Currency, day); err != nil {
			return f, err
		}
		f.CreateTime = a.now()
		if err := store.InsertApplication(ctx, f); err != nil {
			return f, err
		}
		return f, note(ctx, tx, noted{customer: f.CustomerID, action: "application.create", subject: f.ID, day: day, detail: f})
	})
}

// Application returns a form of a customer that the caller reaches.
func (a *App) Application(ctx context.Context, id string) (application.Application, error) {
	f, salesperson, err := a.store().Application(ctx, id)
	if err != nil {
		return f, err
	}
	if !authz.ScopeOf(ctx).Allows(salesperson) {
		return application.Application{}, errs.New(errs.NotFound, postgres.ReasonApplicationNotFound, "there is no credit application %s", id)
	}
	return f, nil
}

// ApplicationList asks for a page of forms.
type ApplicationList struct {
	Size       int32
	Token      string
	CustomerID string
	State      application.State
	// WaitingForMe bounds it to forms whose next step the caller may take.
	WaitingForMe bool
}

// Applications lists forms, newest first, and the token of the next page.
func (a *App) Applications(ctx context.Context, l ApplicationList) ([]application.Application, string, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, "", err
	}
	scope := authz.ScopeOf(ctx)
	if !scope.All && scope.Salesperson == "" {
		return nil, "", nil
	}
	mine := ""
	if l.WaitingForMe {
		mine = who.Subject
	}
	sum := page.Checksum("applications", l.CustomerID, string(l.State), mine, scope.Salesperson)
	before, err := a.before(l.Token, sum)
	if err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.ApplicationQuery{
		Before: before, CustomerID: l.CustomerID, State: string(l.State), Waiting: l.WaitingForMe,
		Subject: who.Subject, Roles: who.Roles, Today: a.Clock.Today(ctx), Size: n + 1,
	}
	if !scope.All {
		q.Salesperson = scope.Salesperson
	}
	found, err := a.store().Applications(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(f postgres.Listed) int64 { return f.Number })
	forms := make([]application.Application, len(rows))
	for i, f := range rows {
		forms[i] = f.Application
	}
	return forms, next, nil
}

// SubmitApplication completes a form with a rating and the payment record of today,
// gives it its serial number the first time, and routes it by the authority table.
func (a *App) SubmitApplication(ctx context.Context, r idem.Request, id, reason string) (application.Application, error) {
	return a.submitted(ctx, r, handIn{id: id, reason: reason})
}

// AcceptOffer makes a form ask for what was offered and submits it.
func (a *App) AcceptOffer(ctx context.Context, r idem.Request, id, reason string) (application.Application, error) {
	return a.submitted(ctx, r, handIn{id: id, reason: reason, accept: true})
}

// handIn is a form to be submitted, after the offer was accepted where that is set.
type handIn struct {
	id, reason string
	accept     bool
}

func (a *App) submitted(ctx context.Context, r idem.Request, h handIn) (application.Application, error) {
	who, err := caller(ctx)
	if err != nil {
		return application.Application{}, err
	}
	draft, err := a.Application(ctx, h.id)
	if err != nil {
		return draft, err
	}
	var res application.Application
	err = a.afresh(ctx, draft.CustomerID, a.Clock.Today(ctx), func(g gathered, gatherErr error) (err error) {
		res, err = write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (application.Application, error) {
			if gatherErr != nil {
				return draft, gatherErr
			}
			s := application.Submission{By: who.Subject, Reason: h.reason, Date: a.Clock.Today(ctx), Payment: g.payment, Policy: g.policy}
			return a.submit(ctx, tx, h, s, g)
		})
		return err
	})
	if err != nil {
		return application.Application{}, err
	}
	a.flush(ctx, res.CustomerID)
	return res, nil
}

func (a *App) submit(ctx context.Context, tx pgx.Tx, h handIn, s application.Submission, g gathered) (application.Application, error) {
	store := postgres.New(tx)
	f, err := store.LockApplication(ctx, h.id)
	if err != nil {
		return f, err
	}
	if h.accept {
		if f, err = f.AcceptOffer(s.By); err != nil {
			return f, err
		}
	}
	st, err := visible(ctx, store.Lock, f.CustomerID)
	if err != nil {
		return f, err
	}
	// A form rests on what is known today: the same facts give the rating there is.
	w := why{trigger: rating.NewFact, cause: "credit application " + h.id + " was submitted"}
	if st.Ratings == 0 {
		w.trigger = rating.OnDemand
	}
	rated, _, err := a.rate(ctx, tx, &st, g, w)
	if err != nil {
		return f, err
	}
	s.Customer, s.Rating = st.File, rated.Record
	// After the rating: it may have tightened the grant.
	standing, err := store.NewestGrant(ctx, f.CustomerID)
	if err != nil {
		return f, err
	}
	s.Standing = standing.Grant
	if s.Policy.Form.Checklist {
		facts, err := store.Facts(ctx, f.CustomerID, s.Date, postgres.First, maxFacts)
		if err != nil {
			return f, err
		}
		s.Checklist = checklist.Of(s.Policy.Wants(), facts, s.Date)
	}
	if f, err = f.Submit(s); err != nil {
		return f, err
	}
	if f.SerialNumber == "" {
		n, err := serial.Next(ctx, tx, serialSeries)
		if err != nil {
			return f, err
		}
		f.SerialNumber = application.Serial(n)
	}
	if err := a.filed(ctx, tx, f, "SUBMIT", s.Date); err != nil {
		return f, err
	}
	detail := struct {
		Serial string   `json:"serial_number"`
		Row    int      `json:"authority_row"`
		Rating string   `json:"rating_id"`
		Beyond []string `json:"outside_policy,omitempty"`
		Reason string   `json:"reason,omitempty"`
	}{f.SerialNumber, f.Form.Row + 1, f.RatingID, f.OutsidePolicy, s.Reason}
	return f, note(ctx, tx, noted{customer: f.CustomerID, action: "application.submit", subject: f.ID, day: s.Date, detail: detail})
}

// filed saves a form that changed hands and enters it in both registers.
func (a *App) filed(ctx context.Context, tx pgx.Tx, f application.Application, event string, day calendar.Date) error {
	who, err := caller(ctx)
	if err != nil {
		return err
	}
	store := postgres.New(tx)
	if err := store.UpdateApplication(ctx, f); err != nil {
		return err
	}
	return store.File(ctx, f, event, who.Subject, day)
}

// Decision is what a person does with a form.
type Decision struct {
	ApplicationID string
	Decision      approval.Decision
	Reason        string
	// Conditions go with an approval.
	Conditions []application.Condition
	// Offer, with a return, is what the person would approve.
	Offer *CounterOffer
	// OnBehalfOf is whose seat they act in; empty: their own.
	OnBehalfOf string
}

// CounterOffer is what a signer would approve: a nil limit and no days are as requested.
type CounterOffer struct {
	Limit    *money.Money
	TermDays int
}

// Decided is a form after an act, and the grant where the act completed it.
type Decided struct {
	Application application.Application `json:"application"`
	Grant       *Grant                  `json:"grant,omitempty"`
}

// Decide takes the next step of a form; the last approval grants the credit.
func (a *App) Decide(ctx context.Context, r idem.Request, d Decision) (Decided, error) {
	who, err := caller(ctx)
	if err != nil {
		return Decided{}, err
	}
	// Also says not found to a caller who does not reach the customer.
	seen, err := a.Application(ctx, d.ApplicationID)
	if err != nil {
		return Decided{}, err
	}
	day := a.Clock.Today(ctx)
	act := approval.Act{Subject: who.Subject, For: d.OnBehalfOf, Roles: slices.Clone(who.Roles), Decision: d.Decision, Reason: d.Reason, Date: day}
	p, err := a.Policies.InForce(ctx, day)
	if err != nil {
		return Decided{}, err
	}
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Decided, error) {
		store := postgres.New(tx)
		f, err := store.LockApplication(ctx, d.ApplicationID)
		if err != nil {
			return Decided{}, err
		}
		act, err := seated(ctx, store, act)
		if err != nil {
			return Decided{}, err
		}
		if f, err = acted(f, act, d); err != nil {
			return Decided{}, err
		}
		res := Decided{Application: f}
		if f.State == application.Approved {
			if res, err = a.grantCredit(ctx, tx, f, deciding{policy: p, day: day}); err != nil {
				return Decided{}, err
			}
		}
		if err := a.actSaved(ctx, tx, res.Application, act); err != nil {
			return Decided{}, err
		}
		return res, nil
	})
	if err != nil {
		return Decided{}, err
	}
	a.flush(ctx, seen.CustomerID)
	return res, nil
}

func acted(f application.Application, act approval.Act, d Decision) (application.Application, error) {
	if d.Offer != nil {
		return f.CounterOffer(act, d.Offer.Limit, d.Offer.TermDays)
	}
	return f.Act(act, d.Conditions)
}

// actSaved saves the form after an act; one that changed hands is filed.
func (a *App) actSaved(ctx context.Context, tx pgx.Tx, f application.Application, act approval.Act) error {
	detail := struct {
		Step   int    `json:"step"`
		Reason string `json:"reason,omitempty"`
		Serial string `json:"serial_number"`
		For    string `json:"on_behalf_of,omitempty"`
	}{f.Form.Acts[len(f.Form.Acts)-1].Step, act.Reason, f.SerialNumber, act.For}
	action := map[approval.Decision]string{
		approval.Approve: "application.approve", approval.Reject: "application.reject", approval.Return: "application.return",
	}[act.Decision]
	event := string(act.Decision)
	if f.State == application.Returned && f.Offer != nil {
		action, event = "application.offer", "OFFER"
	}
	if err := note(ctx, tx, noted{customer: f.CustomerID, action: action, subject: f.ID, day: act.Date, detail: detail}); err != nil {
		return err
	}
	if f.State == application.Pending {
		return postgres.New(tx).UpdateApplication(ctx, f)
	}
	return a.filed(ctx, tx, f, event, act.Date)
}

type deciding struct {
	policy criteria.Policy
	day    calendar.Date
}

// grantCredit writes the grant of an approved form.
func (a *App) grantCredit(ctx context.Context, tx pgx.Tx, f application.Application, d deciding) (Decided, error) {
	store := postgres.New(tx)
	st, err := visible(ctx, store.Lock, f.CustomerID)
	if err != nil {
		return Decided{}, err
	}
	if st.File.LifeCycle == customer.Closed {
		return Decided{}, errs.New(errs.FailedPrecondition, "CUSTOMER_CLOSED", "the relation with customer %s is closed", f.CustomerID)
	}
	if err := f.CheckGrantable(st.File.Grade, d.policy, d.day); err != nil {
		return Decided{}, err
	}
	newest, err := store.NewestGrant(ctx, f.CustomerID)
	if err != nil {
		return Decided{}, err
	}
	if err := f.CheckStanding(newest.Grant, d.day); err != nil {
		return Decided{}, err
	}
	g := f.Grant(newest.Grant, d.policy, d.day)
	if err := a.addGrant(ctx, tx, &st, st.File, grantStep{grant: g, prev: newest.Hash, day: d.day}); err != nil {
		return Decided{}, err
	}
	f.GrantVersion = g.Version
	granted := profileGrant(st)
	return Decided{Application: f, Grant: &granted}, nil
}
