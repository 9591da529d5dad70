package gate_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

type ruleStep = casefile.RuleStep

func TestRuleCases(t *testing.T) {
	t.Parallel()
	cases, err := casefile.ReadRules(os.DirFS("../../testdata/rules"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			w := &ruleWorld{world: newWorld(t, policyCase{}), currency: c.Currency}
			if w.currency == "" {
				w.currency = "CNY"
			}
			w.policy = writtenPolicy(t, casefile.PolicyAround+c.Policy)
			for i, s := range c.Steps {
				w.run(i+1, s)
			}
		})
	}
}

// writtenPolicy is a policy that comes as text.
func writtenPolicy(t reporter, text string) check.Policy {
	t.Helper()
	spec, err := rpc.ParsePolicy("case", text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	p, err := rpc.DecodePolicy(policy.Version{Version: 1, Spec: b})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ruleWorld is a world whose account may be in any currency of two digits.
type ruleWorld struct {
	*world
	currency string
}

func (w *ruleWorld) run(n int, s ruleStep) {
	w.t.Helper()
	if s.Date != "" {
		w.today = calendar.MustDate(s.Date)
	}
	rec, err := w.act(s)
	if got := errs.ReasonOf(err); got != s.Error {
		w.t.Fatalf("step %d (%s %s): error %q (%v), want %q", n, s.Do, s.Order, got, err, s.Error)
	}
	w.expect(n, s.Step, rec)
	w.shows(n, s, rec)
	w.waits(n, s)
	w.invariants(n)
}

func (w *ruleWorld) act(s ruleStep) (*check.Record, error) {
	amount := func() *money.Money {
		if s.Amount == "" {
			return nil
		}
		cur := s.Currency
		if cur == "" {
			cur = w.currency
		}
		m := money.New(minor(w.t, s.Amount), cur)
		return &m
	}
	env, o := w.env("CREDIT_MANAGER"), w.orders[s.Order]
	switch s.Do {
	case "policy":
		w.policy = writtenPolicy(w.t, casefile.PolicyAround+s.Policy)
		return nil, nil
	case "grant":
		return nil, w.grants(s)
	case "position":
		return nil, w.stands(s)
	case "submit", "check":
		o := w.newOrder(s.Step)
		o.Currency = amount().Currency
		if s.Delivery != "" {
			o.RequestedDelivery = calendar.MustDate(s.Delivery)
		}
		if s.OrderDate != "" {
			o.OrderDate = calendar.MustDate(s.OrderDate)
		}
		if s.Do == "check" {
			rec, err := gate.Check(env, w.account, o)
			return &rec, err
		}
		if s.Priority != nil {
			o.Priority = *s.Priority
		}
		return w.take(gate.Submit(w.env(cmp.Or(s.By, "SALESPERSON")), w.account, o))
	case "amend":
		rec, err := w.take(gate.Amend(w.env(cmp.Or(s.By, "CREDIT_MANAGER")), w.account, o, gate.Amendment{Amount: amount(), Priority: s.Priority}))
		w.recheckHeld()
		return rec, err
	case "new day":
		w.recheckHeld()
		return nil, nil
	case "ship":
		return w.take(gate.Ship(env, w.account, o, fmt.Sprint("S", len(w.journal)), amount(), s.Final))
	}
	return w.do(s.Step)
}

func (w *ruleWorld) grants(s ruleStep) error {
	g := account.Grant{Treatment: account.Credit, TermDays: s.Term, GraceDays: s.Grace, Limit: account.Limit{Kind: account.LimitAmount}}
	switch s.Limit {
	case "unlimited":
		g.Limit.Kind = account.LimitUnlimited
	default:
		g.Limit.Minor = minor(w.t, s.Limit)
	}
	if s.ValidFrom != "" {
		g.ValidFrom = calendar.MustDate(s.ValidFrom)
	}
	if s.Cover != "" {
		g.Covers = []account.Cover{{Minor: minor(w.t, s.Cover), ValidUntil: calendar.MustDate(s.CoverUntil), Reference: s.CoverReference}}
	}
	if t := s.Temporary; t.Mode != "" {
		g.Temporary = []account.TemporaryLimit{{
			Mode: account.TemporaryMode(t.Mode), Minor: minor(w.t, t.Amount), From: calendar.MustDate(t.From), Until: calendar.MustDate(t.Until),
		}}
	}
	if t := s.Seasonal; t.Mode != "" {
		g.Seasonal = []account.SeasonalLimit{{Mode: account.TemporaryMode(t.Mode), Minor: minor(w.t, t.Amount), From: t.From, Until: t.Until}}
	}
	if t := s.Stock; t.Amount != "" {
		g.BaseStocks = []account.BaseStock{{Minor: minor(w.t, t.Amount), From: calendar.MustDate(t.From), Until: calendar.MustDate(t.Until)}}
	}
	if t := s.ForOrder; t.Amount != "" {
		g.Orders = []account.OrderLimit{{OrderID: t.Order, Minor: minor(w.t, t.Amount), Until: calendar.MustDate(t.Until)}}
	}
	p := account.Profile{Seq: w.account.Profile.Seq + 1, BusinessDate: w.today, Currency: w.currency, Grade: s.Grade, GroupID: s.Group, Grant: g}
	c, _, err := gate.ReceiveProfile(w.account, p, false)
	_, err = w.take(c, err)
	w.recheckHeld()
	return err
}

func (w *ruleWorld) stands(s ruleStep) error {
	m := func(text string) int64 { return minor(w.t, text) }
	p := account.Position{
		Seq: w.account.PositionSeq + 1, BusinessDate: w.today, Currency: w.currency, Receivable: m(s.Receivable), Unapplied: m(s.Unapplied),
		Ladder: w.ladder(s.Due),
		Standing: account.Standing{
			BankBill: m(s.BankBill), CommercialBill: m(s.CommercialBill), BaseStock: m(s.BaseStock), Consignment: m(s.Consignment),
			Deposit: m(s.Deposit), Disputed: w.ladder(s.Disputed), BrokenPromises: s.Broken, BrokenAmount: m(s.BrokenAmount),
			DunningLevel: s.Dunning, SupplyStopped: s.SupplyStopped, OpenInvoices: s.Invoices,
		},
	}
	for _, x := range s.Held {
		m, err := money.Parse(x.Currency, x.Worth)
		if err != nil {
			return err
		}
		d := account.Security{ID: x.ID, Kind: x.Kind, Currency: x.Currency, Minor: m.Minor, From: calendar.MustDate(x.From)}
		if x.Until != "" {
			d.Until = calendar.MustDate(x.Until)
		}
		p.Standing.Securities = append(p.Standing.Securities, d)
	}
	if s.BrokenDate != "" {
		p.Standing.BrokenDate = calendar.MustDate(s.BrokenDate)
	}
	for id, amount := range s.Bills {
		p.Movements = append(p.Movements, account.Movement{OrderID: id, InvoiceID: "I" + id, Minor: m(amount)})
	}
	c, _, err := gate.ReceivePosition(w.account, p, w.orders)
	_, err = w.take(c, err)
	w.recheckHeld()
	return err
}

func (w *ruleWorld) ladder(due map[string]string) account.Ladder {
	var l account.Ladder
	for d, amount := range due {
		l = append(l, account.Due{Date: calendar.MustDate(d), Minor: minor(w.t, amount)})
	}
	slices.SortFunc(l, func(x, y account.Due) int { return x.Date.Compare(y.Date) })
	return l
}

func (w *ruleWorld) shows(n int, s ruleStep, rec *check.Record) {
	w.t.Helper()
	if s.Verdict != "" && string(rec.Result.Verdict) != s.Verdict {
		w.t.Errorf("step %d: verdict %s, want %s", n, rec.Result.Verdict, s.Verdict)
	}
	if s.Refusals != nil {
		if got := rec.Result.RefusalReasons(); !slices.Equal(got, s.Refusals) {
			w.t.Errorf("step %d: refused by %v, want %v", n, got, s.Refusals)
		}
		if got := w.orders[s.Order].Refusal; s.Do != "check" && !slices.Equal(got, s.Refusals) {
			w.t.Errorf("step %d: the order says %v, want %v", n, got, s.Refusals)
		}
	}
	for rule, want := range s.Scopes {
		if got := resultOf(rec, rule).Scope; got != want {
			w.t.Errorf("step %d: scope of %s is %q, want %q", n, rule, got, want)
		}
	}
	for rule, want := range s.Exemptions {
		if got := resultOf(rec, rule).Exemption; got != want {
			w.t.Errorf("step %d: exemption of %s is %q, want %q", n, rule, got, want)
		}
	}
	for name, want := range s.Figures {
		if got := figure(rec, name); got != want {
			w.t.Errorf("step %d: figure %s is %q, want %q: %+v", n, name, got, want, rec.Result.Results)
		}
	}
	if s.ExposureAfter != "" && rec.Result.ExposureAfter != minor(w.t, s.ExposureAfter) {
		w.t.Errorf("step %d: exposure after is %s, want %s", n, money.New(rec.Result.ExposureAfter, "CNY"), s.ExposureAfter)
	}
	if s.Caps != nil {
		a := w.account
		got := w.policy.CapsExceeded(&check.AccountFacts{CustomerID: a.ID, Currency: w.currency, Buckets: a.Buckets, Overdue: a.Ladder.Overdue(w.today)}, w.today)
		if !slices.Equal(got, s.Caps) {
			w.t.Errorf("step %d: over the caps %v, want %v", n, got, s.Caps)
		}
	}
	if s.Rate != "" {
		c := rec.Input.Order.Conversion
		if c == nil || c.Rate.String()+" "+c.RateDate.String()+" "+c.Kind != s.Rate {
			w.t.Errorf("step %d: conversion %+v, want %s", n, c, s.Rate)
		}
	}
}

// waits compares the orders that wait, and who was passed over, with what must show.
func (w *ruleWorld) waits(n int, s ruleStep) {
	w.t.Helper()
	for id, want := range s.States {
		if got := string(w.orders[id].State); got != want {
			w.t.Errorf("step %d: %s is %s, want %s", n, id, got, want)
		}
	}
	for id, want := range s.Passed {
		var d gate.Detail
		for _, e := range w.journal {
			if e.OrderID == id {
				d = gate.Detail{}
				if err := json.Unmarshal(e.Detail, &d); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		if got := strings.Join(d.Passed, " "); got != want {
			w.t.Errorf("step %d: %s passed %q, want %q", n, id, got, want)
		}
	}
}

func resultOf(rec *check.Record, rule string) check.RuleResult {
	for _, r := range rec.Result.Results {
		if r.Rule == rule {
			return r
		}
	}
	return check.RuleResult{}
}

func figure(rec *check.Record, name string) string {
	for _, r := range rec.Result.Results {
		for _, f := range r.Figures {
			if f.Name == name {
				return f.Value
			}
		}
	}
	return ""
}

// openOrders are what gate.Env.Others gives: the account's orders that reserve or are delivered.
func (w *world) openOrders() []order.Order {
	var open []order.Order
	for _, o := range w.orders {
		if o.Reserved > 0 || o.Delivered > 0 {
			open = append(open, o)
		}
	}
	return open
}
