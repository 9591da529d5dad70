package gate_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// The format of the cases is shared with the runner that takes them through the API.
type (
	policyCase = casefile.Policy
	step       = casefile.Step
)

func TestCases(t *testing.T) {
	t.Parallel()
	cases, err := casefile.Read(os.DirFS("../../testdata/cases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.Policy)
			for i, s := range c.Steps {
				w.run(i+1, s)
			}
		})
	}
}

// reporter is what testing and rapid have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

// world is one account in memory, with its journal.
type world struct {
	t       reporter
	policy  check.Policy
	today   calendar.Date
	account account.Account
	orders  map[string]order.Order
	journal []gate.Entry
	under   []check.Policy // of each entry, the policy in force
}

func newWorld(t reporter, p policyCase) *world {
	w := &world{t: t, today: calendar.MustDate("2026-07-01"), account: account.New("C1", "C1"), orders: map[string]order.Order{}}
	w.policy = policyOf(t, p)
	return w
}

func ratio(t reporter, s string) money.Ratio {
	t.Helper()
	if s == "" {
		return money.Ratio{}
	}
	r, err := money.ParseRatio(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func policyOf(t reporter, p policyCase) check.Policy {
	t.Helper()
	hold := func(r check.Rule) check.Rule { r.Enforcement = check.HoldOnBreak; return r }
	out := check.Policy{
		Version: 1, Hash: "test", BaseCurrency: "CNY", HeldOrdersReserve: p.HeldReserve,
		Memory:              check.Memory{Tolerance: ratio(t, p.Tolerance), Days: p.MemoryDays},
		OverShipmentPercent: ratio(t, p.OverShipment),
		Rules: []check.Rule{
			hold(check.Rule{Name: "treatment", Kind: check.KindTreatment}),
			hold(check.Rule{Name: "grant_validity", Kind: check.KindGrantValidity}),
			hold(check.Rule{Name: "limit", Kind: check.KindLimit, Threshold: ratio(t, p.Threshold), Watch: ratio(t, p.Watch)}),
			hold(check.Rule{Name: "term", Kind: check.KindTerm}),
		},
	}
	if p.MaxOverdueDays != nil {
		out.Rules = append(out.Rules, hold(check.Rule{Name: "days_overdue", Kind: check.KindDaysOverdue, MaxDays: *p.MaxOverdueDays}))
	}
	if p.MaxOverdue != "" {
		out.Rules = append(out.Rules, hold(check.Rule{Name: "overdue", Kind: check.KindOverdueAmount, MaxAmount: p.MaxOverdue, MinDays: p.OverdueBeyond}))
	}
	low := approval.Row{Steps: []approval.Step{{Name: "approval", AnyOf: []string{"CREDIT_MANAGER"}}}}
	if p.Authority != "" {
		n := minor(t, p.Authority)
		low.MaxAmount = &n
		out.Authority = approval.Table{low, {Steps: []approval.Step{{Name: "approval", AnyOf: []string{"GENERAL_MANAGER"}}}}}
	} else {
		out.Authority = approval.Table{low}
	}
	return out
}

func minor(t reporter, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	m, err := money.Parse("CNY", s)
	if err != nil {
		t.Fatal(err)
	}
	return m.Minor
}

func (w *world) env(role string) gate.Env {
	return gate.Env{Policy: w.policy, Today: w.today, Actor: "person-" + role, Roles: []string{role}, Sees: func(string) bool { return true }, Others: w.openOrders}
}

func (w *world) run(n int, s step) {
	w.t.Helper()
	if s.Date != "" {
		w.today = calendar.MustDate(s.Date)
	}
	rec, err := w.do(s)
	if got := errs.ReasonOf(err); got != s.Error {
		w.t.Fatalf("step %d (%s %s): error %q (%v), want %q", n, s.Do, s.Order, got, err, s.Error)
	}
	w.expect(n, s, rec)
	w.invariants(n)
}

func (w *world) do(s step) (*check.Record, error) {
	role := s.By
	if role == "" {
		role = "CREDIT_MANAGER"
	}
	env, o := w.env(role), w.orders[s.Order]
	switch s.Do {
	case "day":
		return nil, nil
	case "grant":
		return nil, w.grant(s)
	case "position":
		return nil, w.position(s)
	case "check":
		rec, err := gate.Check(env, w.account, w.newOrder(s))
		return &rec, err
	case "submit":
		return w.take(gate.Submit(w.env("SALESPERSON"), w.account, w.newOrder(s)))
	case "amend":
		m := gate.Amendment{TermDays: s.TermDays}
		if s.Amount != "" {
			v := money.New(minor(w.t, s.Amount), "CNY")
			m.Amount = &v
		}
		return w.take(gate.Amend(env, w.account, o, m))
	case "ship":
		var amount *money.Money
		if s.Amount != "" {
			v := money.New(minor(w.t, s.Amount), "CNY")
			amount = &v
		}
		return w.take(gate.Ship(env, w.account, o, "S"+s.Order+time.Duration(len(w.journal)).String(), amount, s.Final))
	case "return":
		return w.take(gate.TakeBack(env, w.account, o, "R"+s.Order+time.Duration(len(w.journal)).String(), money.New(minor(w.t, s.Amount), "CNY"), s.Replace))
	case "cancel":
		c, changed, err := gate.Cancel(env, w.account, o, "")
		if !changed {
			return nil, err
		}
		_, err = w.take(c, err)
		w.recheckHeld()
		return nil, err
	case "approve":
		return w.take(gate.Act(env, w.account, o, approval.Approve, "because", nil))
	case "reject":
		return w.take(gate.Act(env, w.account, o, approval.Reject, "because", nil))
	case "recheck":
		return w.take(gate.Recheck(env, w.account, o))
	}
	w.t.Fatalf("unknown step %q", s.Do)
	return nil, nil
}

func (w *world) newOrder(s step) order.Order {
	terms := order.OpenAccount
	if s.Terms != "" {
		terms = order.Terms(s.Terms)
	}
	return order.Order{ID: s.Order, CustomerID: "C1", Currency: "CNY", Amount: minor(w.t, s.Amount), TermDays: s.TermDays, Terms: terms}
}

func (w *world) grant(s step) error {
	g := account.Grant{Version: w.account.Profile.Grant.Version + 1, Treatment: account.Credit, TermDays: s.Term, GraceDays: s.Grace, Limit: account.Limit{Kind: account.LimitAmount}}
	if s.Treatment != "" {
		g.Treatment = account.Treatment(s.Treatment)
	}
	if s.ValidUntil != "" {
		g.ValidUntil = calendar.MustDate(s.ValidUntil)
	}
	switch s.Limit {
	case "undefined":
		g.Limit.Kind = account.LimitUndefined
	case "unlimited":
		g.Limit.Kind = account.LimitUnlimited
	default:
		g.Limit.Minor = minor(w.t, s.Limit)
	}
	p := account.Profile{Seq: w.account.Profile.Seq + 1, BusinessDate: w.today, Name: "C1", Currency: "CNY", Grant: g}
	c, _, err := gate.ReceiveProfile(w.account, p, false)
	_, err = w.take(c, err)
	w.recheckHeld()
	return err
}

func (w *world) position(s step) error {
	p := account.Position{Seq: w.account.PositionSeq + 1, BusinessDate: w.today, Currency: "CNY", Receivable: minor(w.t, s.Receivable), Unapplied: minor(w.t, s.Unapplied)}
	var dates []string
	for d := range s.Due {
		dates = append(dates, d)
	}
	slices.Sort(dates)
	for _, d := range dates {
		p.Ladder = append(p.Ladder, account.Due{Date: calendar.MustDate(d), Minor: minor(w.t, s.Due[d])})
	}
	for id, amount := range s.Bills {
		p.Movements = append(p.Movements, account.Movement{OrderID: id, InvoiceID: "I" + id + s.Invoice, Minor: minor(w.t, amount)})
	}
	for _, n := range s.Notices {
		last := calendar.MustDate(n.Last)
		p.Standing.Notices = append(p.Standing.Notices, account.Notice{
			ID: n.ID, OrderID: n.Order, Open: minor(w.t, n.Open), Received: minor(w.t, n.Received), Unapplied: minor(w.t, n.Unapplied),
			Expected: last, LastDay: last,
		})
	}
	c, _, err := gate.ReceivePosition(w.account, p, w.orders)
	_, err = w.take(c, err)
	w.recheckHeld()
	return err
}

func (w *world) recheckHeld() {
	var held []order.Order
	for _, o := range w.orders {
		if o.State == order.Held {
			held = append(held, o)
		}
	}
	err := recheckHeld(w.env("SYSTEM"), w.account, held, func(c *gate.Change) error {
		_, err := w.take(*c, nil)
		c.Account = w.account
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// take seals a change into the journal.
func (w *world) take(c gate.Change, err error) (*check.Record, error) {
	if err != nil {
		return nil, err
	}
	e, err := c.Seal(gate.Stamp{RecordedAt: time.Unix(0, 0), Today: w.today, Actor: "test"})
	if err != nil {
		return nil, err
	}
	w.journal, w.under, w.account = append(w.journal, e), append(w.under, w.policy), c.Account
	for _, o := range c.Orders {
		w.orders[o.ID] = o
	}
	return c.Record, nil
}

func (w *world) expect(n int, s step, rec *check.Record) {
	w.t.Helper()
	if s.Want != "" {
		got := string(w.orders[s.Order].State)
		if s.Do == "check" {
			got = string(rec.Result.Verdict)
		}
		if got != s.Want {
			w.t.Errorf("step %d: %s %s is %s, want %s", n, s.Do, s.Order, got, s.Want)
		}
	}
	if s.Reasons != nil && !slices.Equal(rec.Result.HoldReasons(), s.Reasons) {
		w.t.Errorf("step %d: held by %v, want %v", n, rec.Result.HoldReasons(), s.Reasons)
	}
	for rule, outcome := range s.Outcomes {
		i := slices.IndexFunc(rec.Result.Results, func(r check.RuleResult) bool { return r.Rule == rule })
		if i < 0 || string(rec.Result.Results[i].Outcome) != outcome {
			w.t.Errorf("step %d: rule %s: %+v, want %s", n, rule, rec.Result.Results, outcome)
		}
	}
	for kind, want := range s.Cures {
		if got := cure(rec, kind); got != want {
			w.t.Errorf("step %d: cure %s is %q, want %q", n, kind, got, want)
		}
	}
	if s.Row != 0 && w.orders[s.Order].Hold.Form.Row != s.Row {
		w.t.Errorf("step %d: row %d, want %d", n, w.orders[s.Order].Hold.Form.Row, s.Row)
	}
	b := w.account.Buckets
	got := map[string]int64{"order": b.Order, "delivery": b.Delivery, "receivable": b.Receivable, "unapplied": b.Unapplied, "exposure": b.Exposure()}
	for name, want := range s.Buckets {
		if got[name] != minor(w.t, want) {
			w.t.Errorf("step %d: bucket %s is %s, want %s", n, name, money.New(got[name], "CNY"), want)
		}
	}
	if s.Status != "" {
		if st := w.account.Profile.Grant.Limit.StatusAt(b.Exposure(), w.policy.WatchRatio()); string(st) != s.Status {
			w.t.Errorf("step %d: status %s, want %s", n, st, s.Status)
		}
	}
}

func cure(rec *check.Record, kind string) string {
	for _, r := range rec.Result.Results {
		for _, c := range r.Cures {
			if string(c.Kind) == kind {
				if c.Kind == check.CureApproval {
					return c.Roles[0]
				}
				if c.Kind == check.CureDate {
					return c.Date.String()
				}
				return money.New(c.Minor, "CNY").String()
			}
		}
	}
	return ""
}

// invariants hold after every step: buckets are the sums of the orders, every order conserves its amounts, every decision replays.
func (w *world) invariants(n int) {
	w.t.Helper()
	var reserved, delivered int64
	held := 0
	for _, o := range w.orders {
		reserved += o.Reserved
		delivered += o.Delivered
		if o.State == order.Held {
			held++
		}
		if !o.Conserved() {
			w.t.Errorf("step %d: order %s does not conserve its amounts: %+v", n, o.ID, o)
		}
	}
	if b := w.account.Buckets; reserved != b.Order || delivered != b.Delivery || held != w.account.Held {
		w.t.Errorf("step %d: buckets %+v held %d, orders give %d/%d/%d", n, b, w.account.Held, reserved, delivered, held)
	}
	prev := []byte(nil)
	for i, e := range w.journal {
		if string(e.Link(prev)) != string(e.Hash) {
			w.t.Errorf("step %d: entry %d is not chained", n, e.Seq)
		}
		prev = e.Hash
		if e.Decision != nil {
			again, err := check.Replay(e.Decision, w.under[i])
			if err != nil || string(again) != string(e.Decision) {
				w.t.Errorf("step %d: decision %d replays to\n%s\nwant\n%s (%v)", n, e.Seq, again, e.Decision, err)
			}
		}
	}
}
