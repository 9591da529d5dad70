package prove

import (
	"slices"
)

// The model is the gate's promise in few words, written apart from the gate: accounts, alone or sharing the limit of a group, their
// orders, and what each call does to them.

// States of an order that the model tells apart. Orders that are cancelled or completed leave it.
const (
	held      = "HELD"
	approved  = "APPROVED"
	cancelled = "CANCELLED"
	completed = "COMPLETED"
)

// goods is one order in the model. Amounts are minor units.
type goods struct {
	id       string
	held     bool
	since    int64 // entry of the root at which it was submitted: the oldest is judged first
	amount   int64
	reserved int64
	shipped  int64
	pending  int64 // shipped, not invoiced
	void     int64 // cancelled
	released int64 // amount that people released
}

func (g goods) open() int64 { return g.amount - g.shipped - g.void }

func (g goods) state() string {
	switch {
	case g.held:
		return held
	case g.reserved == 0 && g.pending == 0 && g.shipped == 0 && g.void > 0:
		return cancelled
	case g.reserved == 0 && g.pending == 0 && g.shipped > 0:
		return completed
	}
	return approved
}

// covered says whether an earlier release covers the order as it would be: at most a tenth above the value released.
func (g goods) covered() bool { return g.released > 0 && 10*g.amount <= 11*g.released }

// account is the model of one account. It is a value: what a call changes is copied.
type account struct {
	name              string
	seq, limit        int64
	receivable        int64
	limits, positions int64 // newest profile and position taken
	reserved, pending int64
	orders            []goods
	room              int64 // what the group leaves it, beside its own limit
	place             int64 // next entry of its root
}

func (a account) exposure() int64 { return a.reserved + a.pending + a.receivable }

// fits says whether an exposure is within the account's own limit and what the group leaves.
func (a account) fits(exposure int64) bool { return exposure <= a.limit && exposure <= a.room }

// expected is what a call must be answered.
type expected struct {
	refused         string
	state           string
	reserved        int64
	decided         bool
	before, after   int64
	exposure, limit int64
}

// apply gives the account after the call and what the caller must have been told. Where people's authority decides, told says how.
func (a account) apply(c Call, told Answer) (account, expected) {
	switch c.Kind {
	case Submit:
		return a.submit(c)
	case Amend:
		return a.amend(c)
	case Cancel:
		return a.cancel(c)
	case Ship:
		return a.ship(c)
	case Approve:
		return a.approve(c, told)
	case Limit:
		if c.Sequence != a.limits+1 {
			return a, expected{refused: "SEQUENCE_GAP"}
		}
		a.limits, a.limit = c.Sequence, c.Limit
		a.seq++
		return a, expected{}
	case Position:
		return a.position(c)
	case Read:
		return a, expected{exposure: a.exposure(), limit: a.limit}
	case GroupLimit: // the root's
	}
	return a, expected{refused: "UNKNOWN_KIND"}
}

func (a account) submit(c Call) (account, expected) {
	if a.index(c.Order) >= 0 {
		return a, expected{refused: "ORDER_EXISTS"}
	}
	a.seq++
	want := expected{state: held, decided: true, before: a.exposure(), after: a.exposure() + c.Amount}
	g := goods{id: c.Order, amount: c.Amount, held: true, since: a.place}
	if a.fits(want.after) {
		g.held, g.reserved = false, c.Amount
		a.reserved += c.Amount
		want.state, want.reserved = approved, c.Amount
	}
	a.orders = append(slices.Clip(a.orders), g)
	return a, want
}

func (a account) amend(c Call) (account, expected) {
	i, g := a.order(c.Order)
	if i < 0 || g.held {
		return a, expected{refused: "MODEL_NO_SUCH_ORDER"} // callers amend live orders of their own
	}
	before := a.exposure()
	g.amount = c.Amount
	delta := g.open() - g.reserved
	want := expected{decided: true, before: before, after: before + delta}
	if delta > 0 && !a.fits(want.after) && !g.covered() {
		return a, expected{refused: "AMENDMENT_HELD"}
	}
	g.reserved += delta
	a = a.put(i, g)
	want.state, want.reserved = g.state(), g.reserved
	a.seq++
	return a, want
}

func (a account) cancel(c Call) (account, expected) {
	i, g := a.order(c.Order)
	if i < 0 {
		return a, expected{refused: "MODEL_NO_SUCH_ORDER"}
	}
	g.void += g.open()
	g.reserved, g.held = 0, false
	a = a.put(i, g)
	a.seq++
	return a, expected{state: g.state()}
}

func (a account) ship(c Call) (account, expected) {
	i, g := a.order(c.Order)
	switch {
	case i < 0:
		return a, expected{refused: "MODEL_NO_SUCH_ORDER"}
	case g.held:
		return a, expected{refused: "ORDER_NOT_APPROVED"}
	case c.Amount > g.reserved:
		return a, expected{refused: "OVER_SHIPMENT"}
	}
	g.shipped += c.Amount
	g.pending += c.Amount
	g.reserved -= c.Amount
	if c.Final {
		g.void += g.reserved
		g.reserved = 0
	}
	a = a.put(i, g)
	a.seq++
	return a, expected{state: g.state(), reserved: g.reserved}
}

// approve is a step of people: who may take it is the authority table's business, so the model follows what was told.
func (a account) approve(c Call, told Answer) (account, expected) {
	i, g := a.order(c.Order)
	if i < 0 || !g.held {
		return a, expected{refused: "ORDER_NOT_HELD"}
	}
	switch told.Refused {
	case "AUTHORITY_RAISED", "NOT_YOUR_STEP", "SAME_PERSON":
		return a, expected{refused: told.Refused}
	}
	a.seq++
	if told.State == held {
		return a, expected{state: held}
	}
	g.held, g.reserved, g.released = false, g.open(), g.amount
	a = a.put(i, g)
	return a, expected{state: approved, reserved: g.reserved}
}

func (a account) position(c Call) (account, expected) {
	if c.Sequence != a.positions+1 {
		return a, expected{refused: "SEQUENCE_GAP"}
	}
	a.positions, a.receivable = c.Sequence, c.Open
	for _, b := range c.Bills {
		if i, g := a.order(b.Order); i >= 0 {
			g.pending -= b.Amount
			a = a.put(i, g)
		}
	}
	a.seq++
	return a, expected{}
}

func (a account) index(id string) int {
	return slices.IndexFunc(a.orders, func(g goods) bool { return g.id == id })
}

func (a account) order(id string) (int, goods) {
	i := a.index(id)
	if i < 0 {
		return i, goods{}
	}
	return i, a.orders[i]
}

// put replaces one order; one that is done leaves the model.
func (a account) put(i int, g goods) account {
	old := a.orders[i]
	a.reserved += g.reserved - old.reserved
	a.pending += g.pending - old.pending
	a.orders = slices.Clone(a.orders)
	if s := g.state(); s == cancelled || s == completed {
		a.orders = slices.Delete(a.orders, i, i+1)
	} else {
		a.orders[i] = g
	}
	return a
}

func (a account) equal(b account) bool {
	return a.seq == b.seq && a.limit == b.limit && a.receivable == b.receivable && a.reserved == b.reserved && a.pending == b.pending &&
		slices.Equal(a.orders, b.orders)
}
