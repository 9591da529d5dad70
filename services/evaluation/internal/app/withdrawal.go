package app

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/withdrawal"
)

// withdrawalSeries numbers the requests without gaps.
const withdrawalSeries = "withdrawal_request"

// WithdrawalAsk is what the order gate asks of a customer that it stopped (S2.18).
type WithdrawalAsk struct {
	CustomerID string
	Ask        withdrawal.Ask
}

// ApplyWithdrawals takes what the gate asks of one customer, in order: the finance
// director is asked to withdraw the credit. It returns the last sequence it has.
// Errors: FailedPrecondition SEQUENCE_GAP.
func (a *App) ApplyWithdrawals(ctx context.Context, all []WithdrawalAsk) (last int64, err error) {
	id, err := oneCustomer(all, func(w WithdrawalAsk) string { return w.CustomerID })
	if err != nil {
		return 0, err
	}
	err = pg.InTx(ctx, a.Pool, func(ctx context.Context, tx pgx.Tx) error {
		for _, w := range all {
			apply, has, err := delivery.Accept(ctx, tx, StreamWithdrawal, id, w.Ask.Sequence)
			if err != nil {
				return err
			}
			last = has
			if !apply {
				continue
			}
			if err := a.askToWithdraw(ctx, tx, w); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}

// askToWithdraw opens a request or joins the one that is open. Where the customer has
// no credit to lose, nobody is asked.
func (a *App) askToWithdraw(ctx context.Context, tx pgx.Tx, w WithdrawalAsk) error {
	store := postgres.New(tx)
	if _, err := store.Lock(ctx, w.CustomerID); err != nil {
		return err
	}
	subject, err := a.asked(ctx, tx, w)
	if err != nil {
		return err
	}
	return note(ctx, tx, noted{customer: w.CustomerID, action: "withdrawal.ask", subject: subject, day: w.Ask.Date, detail: w})
}

// asked returns the number of the request that holds the ask; empty: there is none.
func (a *App) asked(ctx context.Context, tx pgx.Tx, w WithdrawalAsk) (string, error) {
	store := postgres.New(tx)
	open, found, err := store.OpenWithdrawal(ctx, w.CustomerID)
	if err != nil {
		return "", err
	}
	if found {
		return open.ID, store.UpdateWithdrawal(ctx, open.Join(w.Ask))
	}
	newest, err := store.NewestGrant(ctx, w.CustomerID)
	if err != nil || newest.Grant.Version == 0 || !grade.CashCustomer.TighterThan(newest.Grant.Treatment) {
		return "", err
	}
	p, err := a.Policies.InForce(ctx, w.Ask.Date)
	if err != nil {
		return "", err
	}
	r := withdrawal.New(w.CustomerID, newest.Grant.Version, w.Ask, p.DueDays.Withdrawal)
	n, err := serial.Next(ctx, tx, withdrawalSeries)
	if err != nil {
		return "", err
	}
	r.ID, r.CreateTime = withdrawal.Number(n), a.now()
	return r.ID, store.InsertWithdrawal(ctx, r)
}

// Withdrawal is a request as it stands on the day of the call.
type Withdrawal struct {
	Request   withdrawal.Request `json:"request"`
	Escalated bool               `json:"escalated,omitempty"`
}

// WithdrawalRequest returns a request about a customer that the caller reaches.
func (a *App) WithdrawalRequest(ctx context.Context, id string) (Withdrawal, error) {
	r, salesperson, err := a.store().Withdrawal(ctx, id)
	if err != nil {
		return Withdrawal{}, err
	}
	if !authz.ScopeOf(ctx).Allows(salesperson) {
		return Withdrawal{}, errs.New(errs.NotFound, postgres.ReasonWithdrawalNotFound, "there is no withdrawal request %s", id)
	}
	return Withdrawal{Request: r, Escalated: r.Escalated(a.Clock.Today(ctx))}, nil
}

// WithdrawalList asks for a page of requests.
type WithdrawalList struct {
	Size       int32
	Token      string
	CustomerID string
	State      withdrawal.State
	// WaitingForMe bounds it to those that the caller may decide today.
	WaitingForMe bool
	// Escalated bounds it to open ones whose due date is over.
	Escalated bool
}

// WithdrawalRequests lists requests, newest first, and the token of the next page.
func (a *App) WithdrawalRequests(ctx context.Context, l WithdrawalList) ([]Withdrawal, string, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, "", err
	}
	scope := authz.ScopeOf(ctx)
	day := a.Clock.Today(ctx)
	q := postgres.WithdrawalQuery{CustomerID: l.CustomerID, State: string(l.State), Today: day, Escalated: l.Escalated, Open: l.WaitingForMe}
	if l.WaitingForMe && !slices.Contains(who.Roles, withdrawal.Decider) {
		if !slices.Contains(who.Roles, withdrawal.Escalation) {
			return nil, "", nil
		}
		q.Escalated = true
	}
	if !scope.All {
		if scope.Salesperson == "" {
			return nil, "", nil
		}
		q.Salesperson = scope.Salesperson
	}
	sum := page.Checksum("withdrawals", q.CustomerID, q.State, flag(q.Open), flag(q.Escalated), q.Salesperson)
	if q.Before, err = a.before(l.Token, sum); err != nil {
		return nil, "", err
	}
	n := page.Size(l.Size, defaultPage, maxPage)
	q.Size = n + 1
	found, err := a.store().Withdrawals(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(a, found, n, sum, func(w postgres.ListedWithdrawal) int64 { return w.Number })
	out := make([]Withdrawal, len(rows))
	for i, w := range rows {
		out[i] = Withdrawal{Request: w.Request, Escalated: w.Request.Escalated(day)}
	}
	return out, next, nil
}

func flag(set bool) string {
	if set {
		return "1"
	}
	return ""
}

// WithdrawalAct is a decision on a request.
type WithdrawalAct struct {
	ID       string
	Decision withdrawal.Decision
	Reason   string
}

// WithdrawalDecided is a request after its decision, and the customer's newest grant.
type WithdrawalDecided struct {
	Request withdrawal.Request `json:"request"`
	Grant   Grant              `json:"grant"`
}

// DecideWithdrawal withdraws the credit, or keeps it. The other phases are told at once.
func (a *App) DecideWithdrawal(ctx context.Context, r idem.Request, d WithdrawalAct) (WithdrawalDecided, error) {
	who, err := caller(ctx)
	if err != nil {
		return WithdrawalDecided{}, err
	}
	seen, err := a.WithdrawalRequest(ctx, d.ID)
	if err != nil {
		return WithdrawalDecided{}, err
	}
	act := withdrawal.Act{
		Subject: who.Subject, Roles: who.Roles, Decision: d.Decision, Reason: d.Reason, Date: a.Clock.Today(ctx),
	}
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (WithdrawalDecided, error) {
		// The customer first, as everywhere: the gate may ask again at this moment.
		st, err := visible(ctx, postgres.New(tx).Lock, seen.Request.CustomerID)
		if err != nil {
			return WithdrawalDecided{}, err
		}
		return a.decideWithdrawal(ctx, tx, &st, d.ID, act)
	})
	if err != nil {
		return WithdrawalDecided{}, err
	}
	a.flush(ctx, seen.Request.CustomerID)
	return res, nil
}

func (a *App) decideWithdrawal(ctx context.Context, tx pgx.Tx, st *postgres.State, id string, act withdrawal.Act) (WithdrawalDecided, error) {
	store := postgres.New(tx)
	req, err := store.LockWithdrawal(ctx, id)
	if err != nil {
		return WithdrawalDecided{}, err
	}
	if req, err = req.Decide(act); err != nil {
		return WithdrawalDecided{}, err
	}
	if req.State == withdrawal.Withdrawn {
		if req.WithdrawnVersion, err = a.withdraw(ctx, tx, st, req.GrantReason(), act.Date); err != nil {
			return WithdrawalDecided{}, err
		}
	}
	if err := store.UpdateWithdrawal(ctx, req); err != nil {
		return WithdrawalDecided{}, err
	}
	action := map[withdrawal.State]string{withdrawal.Withdrawn: "withdrawal.withdraw", withdrawal.Kept: "withdrawal.keep"}[req.State]
	n := noted{customer: req.CustomerID, action: action, subject: req.ID, day: act.Date, detail: req}
	return WithdrawalDecided{Request: req, Grant: profileGrant(*st)}, note(ctx, tx, n)
}

// withdraw ends the credit of a locked customer and returns the version that does; 0
// where a rating ended it before.
func (a *App) withdraw(ctx context.Context, tx pgx.Tx, st *postgres.State, reason string, day calendar.Date) (int64, error) {
	newest, err := postgres.New(tx).NewestGrant(ctx, st.File.ID)
	if err != nil {
		return 0, err
	}
	next, changed := grant.Withdraw(newest.Grant, reason, day)
	if !changed {
		return 0, nil
	}
	return next.Version, a.addGrant(ctx, tx, st, st.File, grantStep{grant: next, prev: newest.Hash, day: day})
}
