package app_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// society is two customers that come and go between two groups, sell under one budget and owe under one ceiling, seen through two
// replicas. Names carry a mark, so that many live in one database.
type society struct {
	*rapid.T
	r      *rig
	gates  []replica
	mark   string
	n      int
	orders []string
	books  map[string]*account.Position // as receivables has them
	seen   map[string]account.Profile   // as evaluation has them
	merges bool                         // B is merged into A at some time
	merged bool                         // it was
}

func (s *society) id(name string) string { return s.mark + name }
func (s *society) next(what string) string {
	s.n++
	return fmt.Sprintf("%s%s%d", s.mark, what, s.n)
}
func (s *society) gate() replica { return s.gates[rapid.IntRange(0, 1).Draw(s.T, "replica")] }
func (s *society) member() string {
	if s.merged {
		return s.id("A")
	}
	return s.id(rapid.SampledFrom([]string{"A", "B"}).Draw(s.T, "member"))
}
func (s *society) amount() int64 { return rapid.Int64Range(1, 400).Draw(s.T, "amount") }

func (s *society) some() string {
	if len(s.orders) == 0 {
		s.Skip("no order yet")
	}
	return rapid.SampledFrom(s.orders).Draw(s.T, "order")
}

func (s *society) took(err error) {
	if k := errs.KindOf(err); err != nil && (k == errs.Internal || k == errs.Unavailable) {
		s.Fatal(err)
	}
}

func (s *society) profile(id string, change func(p *account.Profile)) {
	p := s.seen[id]
	p.Seq++
	change(&p)
	s.seen[id] = p
	if _, err := s.gate().ReceiveProfile(s.r.t.Context(), id, p, false); err != nil {
		s.Fatal(err)
	}
}

func (s *society) position(id string, moves ...account.Movement) {
	p := s.books[id]
	p.Seq++
	p.Movements = moves
	if p.Receivable > 0 {
		p.Ladder = account.Ladder{{Date: p.BusinessDate.AddDays(30), Minor: p.Receivable}}
	}
	if _, err := s.gate().ReceivePosition(s.r.t.Context(), id, *p); err != nil {
		s.Fatal(err)
	}
}

func (s *society) submit() {
	ctx, c, id := s.r.t.Context(), s.id(rapid.SampledFrom([]string{"A", "B"}).Draw(s.T, "named")), s.next("O")
	o := newOrder(id, c, s.amount())
	a, err := s.gate().Submit(ctx, person("sales"), request(id), o)
	if err != nil {
		s.Fatal(err)
	}
	s.orders = append(s.orders, id)
	if a.Order.State != order.Approved {
		return
	}
	in := a.Record.Input
	if in.Account.Buckets.Exposure()+in.Delta() > in.Account.Grant.Limit.Minor {
		s.Errorf("approved over the customer's own limit: %+v", in)
	}
	for _, p := range in.Pools {
		if p.Limit.Kind == account.LimitAmount && p.Buckets.Exposure()+in.Delta() > p.Limit.Minor {
			s.Errorf("approved over %s %s: %+v", p.Kind, p.ID, in)
		}
	}
}

func (s *society) actions() map[string]func(*rapid.T) {
	ctx := s.r.t.Context()
	acts := map[string]func(){
		"submit": s.submit, "submit more": s.submit, "submit again": s.submit,
		"amend": func() {
			m := money.New(s.amount(), "CNY")
			_, err := s.gate().Amend(ctx, person("sales"), request(s.next("r")), s.some(), gate.Amendment{Amount: &m, HoldIfNeeded: rapid.Bool().Draw(s.T, "hold")})
			s.took(err)
		},
		"ship": func() {
			m := money.New(s.amount(), "CNY")
			_, err := s.gate().Ship(ctx, person("store"), request(s.next("r")), s.some(), app.Shipment{ID: s.next("S"), Amount: &m, Final: rapid.Bool().Draw(s.T, "final")})
			s.took(err)
		},
		"cancel": func() {
			_, err := s.gate().Cancel(ctx, person("sales"), request(s.next("r")), s.some(), "")
			s.took(err)
		},
		"decide": func() {
			d := rapid.SampledFrom([]approval.Decision{approval.Approve, approval.Approve, approval.Reject}).Draw(s.T, "decision")
			_, err := s.gate().Act(ctx, person("chief", "CREDIT_MANAGER"), request(s.next("r")), s.some(), app.Act{Decision: d, Reason: "so"})
			s.took(err)
		},
		"take back": func() {
			b := app.Goods{ID: s.next("R"), Amount: money.New(s.amount(), "CNY"), Replace: rapid.Bool().Draw(s.T, "replace")}
			_, err := s.gate().TakeBack(ctx, person("store"), request(s.next("r")), s.some(), b)
			s.took(err)
		},
		"close": func() {
			_, err := s.gate().Close(ctx, person("sales"), request(s.next("r")), s.some(), "")
			s.took(err)
		},
		"reopen": func() {
			_, err := s.gate().Reopen(ctx, person("sales"), request(s.next("r")), s.some(), calendar.Date{}, "")
			s.took(err)
		},
		"block": func() {
			kind := rapid.SampledFrom([]account.BlockKind{account.BlockStop, account.BlockHold}).Draw(s.T, "kind")
			_, err := s.gate().Block(ctx, person("chief"), request(s.next("r")), s.member(), account.Block{Kind: kind, Reason: "so"})
			s.took(err)
		},
		"unblock": func() {
			_, err := s.gate().Unblock(ctx, person("chief"), request(s.next("r")), s.member(), "so")
			s.took(err)
		},
		"unblock soon": func() {
			_, err := s.gate().Unblock(ctx, person("chief"), request(s.next("r")), s.member(), "so")
			s.took(err)
		},
		"recheck": func() {
			_, err := s.gate().Recheck(ctx, person("sales"), request(s.next("r")), s.some())
			s.took(err)
		},
		"invoice": func() {
			id, v := s.some(), s.amount()
			o, err := s.gate().queries.Order(ctx, person("x"), id)
			if err != nil {
				s.Fatal(err)
			}
			s.books[o.CustomerID].Receivable += v
			s.position(o.CustomerID, account.Movement{OrderID: id, InvoiceID: s.next("I"), Minor: v})
		},
		"pay": func() {
			c, v := s.member(), s.amount()
			p := s.books[c]
			used := min(v, p.Receivable)
			p.Receivable -= used
			p.Unapplied += v - used
			s.position(c)
		},
		"own limit": func() {
			s.profile(s.member(), func(p *account.Profile) { p.Grant.Limit.Minor = 3 * s.amount() })
		},
		"move": func() {
			to := rapid.SampledFrom([]string{"", s.id("G"), s.id("H")}).Draw(s.T, "group")
			s.profile(s.member(), func(p *account.Profile) { p.GroupID = to })
		},
		"unit": func() {
			to := rapid.SampledFrom([]string{"", s.id("U")}).Draw(s.T, "unit")
			s.profile(s.member(), func(p *account.Profile) { p.UnitID = to })
		},
		"group limit": func() {
			_, err := s.gate().SetGroupLimit(ctx, person("chief"), request(s.next("r")),
				app.GroupLimit{GroupID: s.id("G"), Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 3 * s.amount()}, Reason: "so"})
			s.took(err)
		},
		"budget": func() {
			_, err := s.gates[0].ReviseBudget(ctx, person("planner"), request(s.next("r")), s.id("X"), money.New(3*s.amount(), "CNY"), "so")
			s.took(err)
			_, err = s.gate().DecideBudget(ctx, person("chief"), request(s.next("r")), s.id("X"), rapid.Bool().Draw(s.T, "approve"), "so")
			s.took(err)
		},
	}
	if s.merges {
		acts["merge"] = s.merge
	}
	out := map[string]func(*rapid.T){"": func(t *rapid.T) { s.T = t; s.hold() }}
	for name, act := range acts {
		out[name] = func(t *rapid.T) { s.T = t; act() }
	}
	return out
}

// hold checks that everything is the sum of what it is made of. The keeper lets orders go meanwhile, so a sum that does not fit is looked
// at again.
func (s *society) hold() {
	var wrong []string
	for range 20 {
		if wrong = s.sums(); len(wrong) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // waits for another goroutine
	}
	for _, w := range wrong {
		s.Error(w)
	}
}

func (s *society) sums() (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	ctx, g := s.r.t.Context(), s.gates[0]
	groups, ceilings, budget := map[string]account.Buckets{}, map[string]account.Buckets{}, account.Buckets{}
	for _, name := range []string{"A", "B"} {
		id := s.id(name)
		sheet, err := g.queries.Account(ctx, person("x"), id)
		if err != nil {
			s.Fatal(err)
		}
		a := sheet.Account
		if a.RootID != a.Home() {
			bad("%s lives under %q, belongs under %q", id, a.RootID, a.Home())
		}
		orders, err := g.queries.Orders(ctx, person("x"), app.OrderFilter{CustomerID: id, Size: 1000})
		if err != nil {
			s.Fatal(err)
		}
		var own account.Buckets
		held := 0
		for _, o := range orders.Items {
			if !o.Conserved() {
				bad("order does not conserve its amounts: %+v", o)
			}
			own.Order += o.Reserved
			own.Delivery += o.Delivered
			if o.State == order.Held {
				held++
			}
			if slices.Contains(o.Budgets, account.BudgetRoot(s.id("X"))) {
				budget = budget.Add(account.Buckets{Order: o.Reserved, Delivery: o.Delivered, Receivable: o.Invoiced})
			}
		}
		if p := s.books[id]; own.Order != a.Buckets.Order || own.Delivery != a.Buckets.Delivery || p.Receivable != a.Buckets.Receivable || p.Unapplied != a.Buckets.Unapplied || held != a.Held {
			bad("%s has %+v and %d on hold; its orders %+v and %d, receivables %+v", id, a.Buckets, a.Held, own, held, p)
		}
		groups[a.Profile.GroupID] = groups[a.Profile.GroupID].Add(a.Buckets)
		for _, root := range a.Ceilings {
			ceilings[root] = ceilings[root].Add(a.Buckets)
		}
	}
	for _, name := range []string{"G", "H"} {
		if got, err := g.queries.Group(ctx, s.id(name)); err == nil && got.Pool.Buckets != groups[s.id(name)] {
			bad("group %s has %+v, its members %+v", name, got.Pool.Buckets, groups[s.id(name)])
		}
	}
	if b, err := g.queries.Budget(ctx, s.id("X")); err != nil || b.Buckets != budget {
		bad("the budget has %+v, its orders %+v, %v", b.Buckets, budget, err)
	}
	all, err := g.queries.Ceilings(ctx)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range all {
		if c.Plan.UnitID == s.id("U") && c.Buckets != ceilings[c.RootID] {
			bad("the ceiling has %+v, its customers %+v", c.Buckets, ceilings[c.RootID])
		}
	}
	return wrong
}

// Members, group, budget and ceiling through random lives of orders: what is shared is the sum of those who share it, nothing is approved
// beyond any limit without people, every chain holds and every decision decides the same again.
func TestRandomLivesOfThoseWhoShare(t *testing.T) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	t.Parallel()
	r := newRigUnder(t, strict())
	gates := []replica{r.start(), r.start()}
	var marks atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		s := &society{T: t, r: r, gates: gates, mark: fmt.Sprintf("%d-", marks.Add(1)), books: map[string]*account.Position{}, seen: map[string]account.Profile{}}
		r.budget(gates[0], func() account.Plan { p := month(s.id("X"), s.id("U"), ""); return p }(), 800)
		c := account.Plan{ID: s.id("U"), UnitID: s.id("U"), Currency: "CNY", Limit: account.Limit{Kind: account.LimitAmount, Minor: 900}}
		if _, err := gates[0].SetCeiling(r.t.Context(), person("chief"), request(s.id("c")), c); err != nil {
			t.Fatal(err)
		}
		r.limit(gates[0], s.id("l"), s.id("G"), 1_000)
		for _, name := range []string{"A", "B"} {
			p := r.profile(s.id(name), "", 0, 700)
			s.books[s.id(name)] = &account.Position{BusinessDate: p.BusinessDate, Currency: "CNY"}
			s.seen[s.id(name)] = p
			s.profile(s.id(name), func(p *account.Profile) { p.GroupID, p.UnitID = s.id("G"), s.id("U") })
		}
		t.Repeat(s.actions())
	})
	if rep, err := gates[0].verifier.Verify(t.Context()); err != nil || len(rep.Breaks) > 0 || rep.Entries < 1000 {
		t.Errorf("verify: %+v %v", rep, err)
	}
}
