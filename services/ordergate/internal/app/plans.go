package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// plan runs a command on a budget or a ceiling, and lets orders go that wait for it.
func (g *Gate) plan(ctx context.Context, c Caller, req Request, root string, apply func(env gate.Env, a account.Account) (gate.Change, bool, error)) (Answer, error) {
	w := &work{ctx: ctx, key: postgres.Key{RootID: root, AccountID: root}, req: req, caller: c, crowd: true}
	w.apply = func(env gate.Env, v *view) (Answer, error) {
		change, changed, err := apply(env, v.accounts[w.key])
		if err != nil || !changed {
			return Answer{}, err
		}
		a, err := v.record(w, change, req)
		if err == nil {
			g.registry.made(v.accounts[w.key])
			v.freed = append(v.freed, root)
		}
		return a, err
	}
	return g.do(w)
}

// PlanBudget makes a budget, see gate.PlanBudget.
func (g *Gate) PlanBudget(ctx context.Context, c Caller, req Request, p account.Plan, minor int64) (Answer, error) {
	return g.plan(ctx, c, req, account.BudgetRoot(p.ID), func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		change, err := gate.PlanBudget(env, a, p, minor)
		return change, true, err
	})
}

// ReviseBudget proposes another amount, see gate.ReviseBudget. Errors also: CURRENCY_MISMATCH.
func (g *Gate) ReviseBudget(ctx context.Context, c Caller, req Request, id string, amount money.Money, reason string) (Answer, error) {
	return g.plan(ctx, c, req, account.BudgetRoot(id), func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		if a.Plan == nil {
			return gate.Change{}, false, gate.UnknownBudget(id)
		}
		if amount.Currency != a.Plan.Currency {
			return gate.Change{}, false, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the budget is in %s", a.Plan.Currency).
				WithViolations(errs.Violation{Field: "amount.currency_code", Rule: "CURRENCY_MISMATCH", Message: "must be " + a.Plan.Currency})
		}
		change, err := gate.ReviseBudget(env, a, amount.Minor, reason)
		return change, true, err
	})
}

// DecideBudget approves or rejects what waits, see gate.DecideBudget.
func (g *Gate) DecideBudget(ctx context.Context, c Caller, req Request, id string, approve bool, reason string) (Answer, error) {
	return g.plan(ctx, c, req, account.BudgetRoot(id), func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		if a.Plan == nil {
			return gate.Change{}, false, gate.UnknownBudget(id)
		}
		change, err := gate.DecideBudget(env, a, approve, reason)
		return change, true, err
	})
}

// SetCeiling sets the levels of a ceiling, see gate.SetCeiling. Accounts that belong to it are counted in by themselves.
func (g *Gate) SetCeiling(ctx context.Context, c Caller, req Request, p account.Plan) (Answer, error) {
	return g.plan(ctx, c, req, account.CeilingRoot(p.UnitID, p.Currency), func(env gate.Env, a account.Account) (gate.Change, bool, error) {
		return gate.SetCeiling(env, a, p), true, nil
	})
}

// shared reads all budgets or all ceilings, by root.
func (q *Queries) shared(ctx context.Context, kind account.Kind) ([]account.Account, error) {
	roots, err := q.Store.SharedRoots(ctx)
	if err != nil {
		return nil, err
	}
	var keys []postgres.Key
	for _, r := range roots {
		if account.KindOf(r) == kind {
			keys = append(keys, postgres.Key{RootID: r, AccountID: r})
		}
	}
	heads, err := q.Store.Heads(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := make([]account.Account, 0, len(keys))
	for _, k := range keys {
		if a := heads[k]; a.Plan != nil {
			found = append(found, a)
		}
	}
	return found, nil
}

// Budget reads one budget. Errors: BUDGET_UNKNOWN.
func (q *Queries) Budget(ctx context.Context, id string) (account.Account, error) {
	k := postgres.Key{RootID: account.BudgetRoot(id), AccountID: account.BudgetRoot(id)}
	heads, err := q.Store.Heads(ctx, []postgres.Key{k})
	if err != nil {
		return account.Account{}, err
	}
	if heads[k].Plan == nil {
		return account.Account{}, gate.UnknownBudget(id)
	}
	return heads[k], nil
}

// BudgetFilter says which budgets to read; empty fields leave open. A budget is in a period where they have a day in common.
type BudgetFilter struct {
	UnitID, Salesperson string
	From, Until         calendar.Date
}

func (f BudgetFilter) takes(p account.Plan) bool {
	return (f.UnitID == "" || f.UnitID == p.UnitID) && (f.Salesperson == "" || f.Salesperson == p.Salesperson) &&
		(f.From.IsZero() || !p.Until.Before(f.From)) && (f.Until.IsZero() || !p.From.After(f.Until))
}

// Budgets lists budgets by id.
func (q *Queries) Budgets(ctx context.Context, f BudgetFilter, size32 int32, token string) (Page[account.Account], error) {
	sum := page.Checksum("budgets", f.UnitID, f.Salesperson, f.From.String(), f.Until.String())
	cur, err := q.Pages.Decode(token, sum, 1)
	if err != nil {
		return Page[account.Account]{}, err
	}
	all, err := q.shared(ctx, account.Budget)
	if err != nil {
		return Page[account.Account]{}, err
	}
	size := page.Size(size32, pageDefault, pageMax)
	var out Page[account.Account]
	for _, a := range all {
		if !f.takes(*a.Plan) || cur != nil && a.RootID <= account.BudgetRoot(cur[0]) {
			continue
		}
		if len(out.Items) == size {
			out.Next = q.Pages.Encode(sum, out.Items[size-1].Plan.ID)
			break
		}
		out.Items = append(out.Items, a)
	}
	return out, nil
}

// BudgetLevel is how narrow a budget is: of the company, a unit, or a salesperson.
type BudgetLevel string

// The levels of budgets. Sums are made within one level only, since a sale counts on each.
const (
	CompanyBudget     BudgetLevel = "COMPANY"
	UnitBudget        BudgetLevel = "UNIT"
	SalespersonBudget BudgetLevel = "SALESPERSON"
)

// LevelOf is the level of a budget.
func LevelOf(p account.Plan) BudgetLevel {
	switch {
	case p.Salesperson != "":
		return SalespersonBudget
	case p.UnitID != "":
		return UnitBudget
	default:
		return CompanyBudget
	}
}

// BudgetTotal is the sum of the budgets of one level in one currency, in minor units.
type BudgetTotal struct {
	Level                      BudgetLevel
	Currency                   string
	Planned, Committed, Actual int64
}

// BudgetReport is plan against committed and actual.
type BudgetReport struct {
	Rows   []account.Account // by first day, unit, salesperson, id
	Totals []BudgetTotal     // by currency and level
}

// BudgetReport compares budgets with what was sold.
func (q *Queries) BudgetReport(ctx context.Context, f BudgetFilter) (BudgetReport, error) {
	all, err := q.shared(ctx, account.Budget)
	if err != nil {
		return BudgetReport{}, err
	}
	var r BudgetReport
	totals := map[[2]string]*BudgetTotal{}
	for _, a := range all {
		p := *a.Plan
		if !f.takes(p) {
			continue
		}
		r.Rows = append(r.Rows, a)
		key := [2]string{p.Currency, string(LevelOf(p))}
		if totals[key] == nil {
			totals[key] = &BudgetTotal{Level: LevelOf(p), Currency: p.Currency}
		}
		t := totals[key]
		t.Planned += p.Limit.Minor
		t.Committed += a.Buckets.Order + a.Buckets.Delivery
		t.Actual += a.Buckets.Receivable
	}
	slices.SortFunc(r.Rows, func(x, y account.Account) int {
		p, o := x.Plan, y.Plan
		return cmp.Or(p.From.Compare(o.From), p.Until.Compare(o.Until), cmp.Compare(p.UnitID, o.UnitID), cmp.Compare(p.Salesperson, o.Salesperson), cmp.Compare(p.ID, o.ID))
	})
	for _, t := range totals {
		r.Totals = append(r.Totals, *t)
	}
	slices.SortFunc(r.Totals, func(x, y BudgetTotal) int {
		return cmp.Or(strings.Compare(x.Currency, y.Currency), strings.Compare(string(x.Level), string(y.Level)))
	})
	return r, nil
}

// Ceilings reads all ceilings, by currency and unit, the company's first.
func (q *Queries) Ceilings(ctx context.Context) ([]account.Account, error) {
	return q.shared(ctx, account.Ceiling)
}
