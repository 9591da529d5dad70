package gate

import (
	"cmp"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// The kinds of entries of accounts that customers share, and of customers that come and go.
const (
	MovedOut        Kind = "MOVED_OUT"      // last entry of a customer under a root
	MovedIn         Kind = "MOVED_IN"       // first entry under the next, with the whole state
	CeilingsJoined  Kind = "CEILINGS_SET"   // the ceilings that a customer counts in
	MemberChanged   Kind = "MEMBER_CHANGED" // an entry of a member, in the journal of what it shares
	GroupLimitSet   Kind = "GROUP_LIMIT_SET"
	BudgetProposed  Kind = "BUDGET_PROPOSED"
	BudgetApproved  Kind = "BUDGET_APPROVED"
	BudgetRejected  Kind = "BUDGET_REJECTED"
	CeilingLevelSet Kind = "CEILING_SET"
	CeilingCounted  Kind = "CEILING_COUNTED" // every account that belongs to it is in its sum
)

// Member is the entry of a customer's journal that moved a shared account.
type Member struct {
	RootID    string `json:"root_id"`
	AccountID string `json:"account_id"`
	Seq       int64  `json:"seq"`
	Kind      Kind   `json:"kind"`
}

// Ref names an account.
type Ref struct{ RootID, AccountID string }

// SharedBy lists the shared accounts that an account and an order of it must fit, group first, each once.
func SharedBy(a account.Account, orders ...order.Order) []Ref {
	if a.Gone() {
		return nil
	}
	if !a.InGroup() && len(a.Ceilings) == 0 && !slices.ContainsFunc(orders, func(o order.Order) bool { return len(o.Budgets) > 0 }) {
		return nil
	}
	var refs []Ref
	if a.InGroup() {
		refs = append(refs, Ref{a.RootID, account.GroupAccount()})
	}
	var roots []string
	roots = append(roots, a.Ceilings...)
	for _, o := range orders {
		roots = append(roots, o.Budgets...)
	}
	slices.Sort(roots)
	for _, r := range slices.Compact(roots) {
		refs = append(refs, Ref{r, r})
	}
	return refs
}

// Attributed fills in who sold an order: the customer's own unit and salesperson where the order names none.
func Attributed(a account.Account, o order.Order) order.Order {
	o.UnitID = cmp.Or(o.UnitID, a.Profile.UnitID)
	o.SalespersonID = cmp.Or(o.SalespersonID, a.Profile.SalespersonID)
	return o
}

// Budgeted reports whether an order is a credit sale, which is what budgets are about.
func Budgeted(o order.Order) bool { return o.Terms == order.OpenAccount && o.Amount > 0 }

func sharedFacts(env Env, a account.Account, o order.Order) []check.PoolFacts {
	refs := SharedBy(a, o)
	if len(refs) == 0 || env.Shared == nil {
		return nil
	}
	facts := make([]check.PoolFacts, 0, len(refs))
	for _, r := range refs {
		pool := env.Shared(r.RootID, r.AccountID)
		p := pool.Plan
		if p == nil {
			p = newGroup(r.RootID, a.Profile.Currency)
		}
		facts = append(facts, check.PoolFacts{
			Kind: p.Kind, ID: p.ID, Seq: pool.Seq, Hash: hexHash(pool.Hash), Currency: p.Currency, Limit: p.Limit, Warning: p.Warning,
			Buckets: pool.Buckets, Standing: pool.Standing,
		})
	}
	return facts
}

func newGroup(groupID, currency string) *account.Plan {
	return &account.Plan{Kind: account.Group, ID: groupID, Currency: currency, Limit: account.Limit{Kind: account.LimitUndefined}}
}

// Step is one entry of one member as those that share an account with it see it: the account and its orders before and after.
type Step struct {
	Before, After account.Account
	Was, Is       []order.Order // the orders of the entry; Was has a zero order for one that is new
	Entry         Entry
	Decided       bool
}

// Share gives what a step means for the accounts that the customer shares. A group's pool has an entry for every entry of a member, so
// that its numbers put all that happens in the group in one order. Ceilings and budgets have one where their sums move, and for every
// decision about an order that counts in them. shared gives the accounts as they are now.
func Share(s Step, shared func(Ref) account.Account) []Change {
	refs := SharedBy(s.Before, s.Was...)
	for _, r := range SharedBy(s.After, s.Is...) {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	var out []Change
	for _, r := range refs {
		pool := shared(r)
		c := Change{Kind: MemberChanged, Detail: Detail{Member: &Member{s.Entry.RootID, s.Entry.AccountID, s.Entry.Seq, s.Entry.Kind}}}
		if pool.Plan == nil {
			pool.Plan = newGroup(r.RootID, cmp.Or(s.After.Profile.Currency, s.Before.Profile.Currency))
			c.Detail.Plan = pool.Plan
		}
		d := s.difference(r, pool)
		if d.none() && pool.Plan.Kind != account.Group && !s.Decided {
			continue
		}
		pool.Buckets = pool.Buckets.Add(d.buckets)
		pool.Held += d.held
		if d.standing != (account.Sums{}) {
			pool.Standing = pool.Standing.Add(d.standing)
			c.Detail.Position = &account.Position{BusinessDate: s.Entry.BusinessDate, Currency: pool.Plan.Currency, Standing: pool.Standing}
		}
		c.Account = pool
		out = append(out, c)
	}
	return out
}

// amounts is what an account or an order is of a shared account.
type amounts struct {
	buckets  account.Buckets
	standing account.Sums
	held     int
}

func (x amounts) none() bool {
	return x.buckets == account.Buckets{} && x.standing == account.Sums{} && x.held == 0
}

func (x amounts) less(y amounts) amounts {
	return amounts{x.buckets.Add(y.buckets.Neg()), x.standing.Add(y.standing.Neg()), x.held - y.held}
}

func (x amounts) plus(y amounts) amounts {
	return amounts{x.buckets.Add(y.buckets), x.standing.Add(y.standing), x.held + y.held}
}

// difference is what a step adds to a shared account.
func (s Step) difference(r Ref, pool account.Account) amounts {
	if pool.Plan.Kind != account.Budget {
		return part(s.After, r, pool).less(part(s.Before, r, pool))
	}
	var sum amounts
	for i := range s.Is {
		sum = sum.plus(sold(s.Is[i], r.RootID).less(sold(s.Was[i], r.RootID)))
	}
	return sum
}

// part is what an account is of a group or a ceiling. A member in another currency than the pool's is not in its sum; its orders are
// held by the rule.
func part(a account.Account, r Ref, pool account.Account) amounts {
	in := a.InGroup() && a.RootID == r.RootID
	if pool.Plan.Kind == account.Ceiling {
		in = !a.Gone() && slices.Contains(a.Ceilings, r.RootID)
	}
	switch {
	case !in:
		return amounts{}
	case a.Profile.Currency != pool.Plan.Currency:
		return amounts{held: a.Held}
	}
	return amounts{a.Buckets, a.Standing.Sums(), a.Held}
}

// sold is what an order is of a budget: committed while it is reserved or delivered, actual once it is invoiced.
func sold(o order.Order, root string) amounts {
	if !slices.Contains(o.Budgets, root) {
		return amounts{}
	}
	return amounts{buckets: account.Buckets{Order: o.Reserved, Delivery: o.Delivered, Receivable: o.Invoiced}, held: held(o)}
}

// Leave ends an account under its root, with nothing left there: it goes on under another, with the next number.
func Leave(a account.Account, to string) Change {
	a.MovedTo = to
	a.Buckets, a.Held, a.PositionAt, a.PositionSeq = account.Buckets{}, 0, 0, 0
	a.ControlAt, a.NextExpiry = 0, calendar.Date{}
	profile := a.Profile
	return Change{Kind: MovedOut, Account: a, Detail: Detail{MovedTo: to, Profile: &profile}}
}

// Arrive goes on with an account that has left its root: whole state, open orders and all. a is as it was before it left, left as it
// was then. The chain of its entries goes on.
func Arrive(a, left account.Account, open []order.Order, today calendar.Date) Change {
	from := a.RootID
	a.Former = a.Roots()
	a.RootID, a.Seq, a.Hash = left.MovedTo, left.Seq, left.Hash
	profile := a.Profile
	c := Change{Kind: MovedIn, Detail: Detail{MovedOut: from, Profile: &profile}}
	if a.PositionSeq > 0 {
		c.Detail.Position = &account.Position{
			Seq: a.PositionSeq, BusinessDate: today, Currency: a.Profile.Currency,
			Receivable: a.Buckets.Receivable, Unapplied: a.Buckets.Unapplied, Ladder: a.Ladder, Paid: a.Paid, Standing: a.Standing,
		}
	}
	if a.ControlAt > 0 {
		ctl := a.Control
		c.Detail.Control = &ctl
	}
	slices.SortFunc(open, func(x, y order.Order) int { return cmp.Compare(x.ID, y.ID) })
	c.Account, c.Orders = a, open
	return c
}

// JoinCeilings makes an account count in the given ceilings, and no longer in others.
func JoinCeilings(a account.Account, ceilings []string) Change {
	a.Ceilings = ceilings
	profile := a.Profile
	return Change{Kind: CeilingsJoined, Account: a, Detail: Detail{Profile: &profile}}
}

// SetGroupLimit sets what all members of a group may use together, in minor units of currency. Errors: CURRENCY_MISMATCH,
// GROUP_UNKNOWN where there is nothing to take a limit from.
func SetGroupLimit(env Env, pool account.Account, currency string, limit account.Limit, reason string) (Change, error) {
	p := newGroup(pool.RootID, currency)
	if pool.Plan != nil {
		p.Currency = pool.Plan.Currency
		p.Version, p.Form = pool.Plan.Version, pool.Plan.Form
	}
	if currency == "" {
		if pool.Plan == nil {
			return Change{}, errs.New(errs.NotFound, "GROUP_UNKNOWN", "group %s is not known", pool.RootID).With("group_id", pool.RootID)
		}
		currency = p.Currency
	}
	if p.Currency != currency {
		return Change{}, errs.New(errs.Invalid, "CURRENCY_MISMATCH", "the group's pool is kept in %s", p.Currency).
			WithViolations(errs.Violation{Field: "limit.currency_code", Rule: "CURRENCY_MISMATCH", Message: "must be " + p.Currency})
	}
	p.Limit, p.SetBy, p.Reason = limit, env.Actor, reason
	p.Version++
	pool.Plan = p
	return Change{Kind: GroupLimitSet, Account: pool, Detail: Detail{Plan: p, Reason: reason}}, nil
}

// SetGroupPool sets what an approved form says that all members may use together. It reports false where a later form, or this one, has
// set it already. Errors: as SetGroupLimit.
func SetGroupPool(env Env, pool account.Account, f GroupForm) (Change, bool, error) {
	if pool.Plan != nil && pool.Plan.Form >= f.Number {
		return Change{}, false, nil
	}
	c, err := SetGroupLimit(env, pool, f.Currency, account.Limit{Kind: account.LimitAmount, Minor: f.Minor}, f.Reason)
	if err != nil {
		return Change{}, false, err
	}
	c.Account.Plan.Form = f.Number
	return c, true, nil
}

// GroupForm is an approved form about a group's pool. Minor units of Currency.
type GroupForm struct {
	GroupID  string
	Number   int64
	Currency string
	Minor    int64
	Reason   string
}

// placeOf is the number in the group's journal at which an order came on hold: it compares orders of different members. An order that
// is on hold already keeps its place.
func placeOf(before order.Order, in check.Input) int64 {
	switch {
	case len(in.Pools) == 0 || in.Pools[0].Kind != account.Group:
		return 0
	case before.State == order.Held && before.Hold != nil && before.Hold.Place > 0:
		return before.Hold.Place
	}
	return in.Pools[0].Seq + 1
}
