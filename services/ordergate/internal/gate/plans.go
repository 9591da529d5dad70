package gate

import (
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// PlanBudget makes a budget of credit sales and proposes its amount (minor units of its currency). It counts from now on; nothing is
// held by it before another person approves the amount. Errors: BUDGET_EXISTS.
func PlanBudget(env Env, budget account.Account, p account.Plan, minor int64) (Change, error) {
	if budget.Plan != nil {
		return Change{}, errs.New(errs.AlreadyExists, "BUDGET_EXISTS", "budget %s exists already", p.ID).With("budget_id", p.ID)
	}
	p.Kind, p.Limit = account.Budget, account.Limit{Kind: account.LimitUndefined}
	p.Proposal = &account.Proposal{Minor: minor, By: env.Actor, Reason: p.Reason, Date: env.Today}
	budget.Plan = &p
	return Change{Kind: BudgetProposed, Account: budget, Detail: Detail{Plan: &p, Reason: p.Reason}}, nil
}

// ReviseBudget proposes another amount (minor units of the budget's currency); the amount in force stays until another person approves.
// Errors: BUDGET_UNKNOWN, PROPOSAL_PENDING.
func ReviseBudget(env Env, budget account.Account, minor int64, reason string) (Change, error) {
	if budget.Plan == nil {
		return Change{}, UnknownBudget(budget.RootID)
	}
	p := *budget.Plan
	if p.Proposal != nil {
		return Change{}, errs.New(errs.FailedPrecondition, "PROPOSAL_PENDING", "a change of budget %s waits already", p.ID).With("budget_id", p.ID)
	}
	p.Proposal = &account.Proposal{Minor: minor, By: env.Actor, Reason: reason, Date: env.Today}
	budget.Plan = &p
	return Change{Kind: BudgetProposed, Account: budget, Detail: Detail{Plan: &p, Reason: reason}}, nil
}

// DecideBudget approves or rejects the amount that waits. Whoever proposed it does not approve it, but may take it back by rejecting.
// Errors: BUDGET_UNKNOWN, NO_PROPOSAL, SAME_PERSON.
func DecideBudget(env Env, budget account.Account, approve bool, reason string) (Change, error) {
	if budget.Plan == nil {
		return Change{}, UnknownBudget(budget.RootID)
	}
	p := *budget.Plan
	if p.Proposal == nil {
		return Change{}, errs.New(errs.FailedPrecondition, "NO_PROPOSAL", "no change of budget %s waits", p.ID).With("budget_id", p.ID)
	}
	kind := BudgetRejected
	if approve {
		if p.Proposal.By == env.Actor {
			return Change{}, errs.New(errs.PermissionDenied, "SAME_PERSON", "%s proposed this amount and cannot approve it", env.Actor)
		}
		kind = BudgetApproved
		p.Limit = account.Limit{Kind: account.LimitAmount, Minor: p.Proposal.Minor}
		p.SetBy, p.Reason = env.Actor, reason
		p.Version++
	}
	p.Proposal = nil
	budget.Plan = &p
	return Change{Kind: kind, Account: budget, Detail: Detail{Plan: &p, Reason: reason}}, nil
}

// UnknownBudget is the error for a budget that does not exist.
func UnknownBudget(id string) error {
	return errs.New(errs.NotFound, "BUDGET_UNKNOWN", "no such budget").With("budget_id", id)
}

// SetCeiling sets the levels of a ceiling, in minor units of its currency: above the warning level (0: none) the rule warns, above the
// stop level nothing more goes.
func SetCeiling(env Env, ceiling account.Account, p account.Plan) Change {
	p.Kind, p.Version = account.Ceiling, 1
	if ceiling.Plan != nil {
		p.Counted, p.Version = ceiling.Plan.Counted, ceiling.Plan.Version+1
	}
	p.SetBy = env.Actor
	ceiling.Plan = &p
	return Change{Kind: CeilingLevelSet, Account: ceiling, Detail: Detail{Plan: &p, Reason: p.Reason}}
}

// CountCeiling says that every account that belongs to a ceiling is in its sum. It reports false where that is known.
func CountCeiling(ceiling account.Account) (Change, bool) {
	if ceiling.Plan == nil || ceiling.Plan.Counted {
		return Change{}, false
	}
	p := *ceiling.Plan
	p.Counted = true
	ceiling.Plan = &p
	return Change{Kind: CeilingCounted, Account: ceiling, Detail: Detail{Plan: &p}}, true
}
