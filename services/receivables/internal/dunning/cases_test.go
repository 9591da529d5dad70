package dunning_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/dunning/casefile"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
)

func TestCases(t *testing.T) {
	t.Parallel()
	for _, s := range casefile.Load(t, os.DirFS("../../testdata/dunning")) {
		t.Run(s.File, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s)
			for n, st := range s.Steps {
				h.step(t, n+1, st)
			}
		})
	}
}

// house is a debtor as the store would keep it, in memory.
type house struct {
	policy   dunning.Policy
	remind   int
	customer dunning.Customer
	paid     map[string]casefile.Payment
	promises map[string]promise.Promise
	received map[string][]promise.Money
	disputes map[string]string
	blocked  map[string]bool
	lastRun  calendar.Date
	plan     dunning.Plan
	history  map[string][]string
}

func amount(t *testing.T, currency, s string) money.Money {
	t.Helper()
	if currency == "" {
		currency = "CNY"
	}
	m, err := money.Parse(currency, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newHouse(t *testing.T, s casefile.Story) *house {
	t.Helper()
	text := dunning.Letter{TitleZH: "z", BodyZH: "{total}", TitleEN: "e", BodyEN: "{total}"}
	st := dunning.Strategy{
		Name: "all", CatchUp: dunning.CatchUp(s.CatchUp), GapDays: s.Gap, RemindBefore: s.RemindBefore, Reminder: text,
		Tolerances: map[string]money.Money{}, Minimums: map[string]money.Money{},
	}
	if s.Tolerance != "" {
		st.Tolerances["CNY"] = amount(t, "CNY", s.Tolerance)
	}
	for c, m := range s.Minimums {
		st.Minimums[c] = amount(t, c, m)
	}
	if s.AnnualInterest != "" {
		st.Interest.Rate = ratio(t, s.AnnualInterest)
	}
	for _, l := range s.Levels {
		level := dunning.Level{Name: "l", DaysPastDue: l.PastDue, WaitDays: l.Wait, Letter: text, ChargeInterest: l.Interest}
		if l.Fee != "" {
			level.Fees = map[string]money.Money{"CNY": amount(t, "CNY", l.Fee)}
		}
		if l.FeeShare != "" {
			level.FeeShare = ratio(t, l.FeeShare)
		}
		st.Levels = append(st.Levels, level)
	}
	p := dunning.Policy{Strategies: []dunning.Strategy{st}}
	if v := p.Check("collection"); len(v) > 0 {
		t.Fatal(v)
	}
	return &house{
		policy: p, remind: s.PromiseRemind, customer: dunning.Customer{ID: "C"}, paid: map[string]casefile.Payment{}, promises: map[string]promise.Promise{},
		received: map[string][]promise.Money{}, disputes: map[string]string{}, blocked: map[string]bool{}, history: map[string][]string{},
	}
}

func ratio(t *testing.T, s string) money.Ratio {
	t.Helper()
	r, err := money.ParseRatio(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) item(id string) *dunning.Item {
	for n := range h.customer.Items {
		if h.customer.Items[n].ID == id {
			return &h.customer.Items[n]
		}
	}
	return &dunning.Item{}
}

func (h *house) step(t *testing.T, n int, st casefile.Step) {
	t.Helper()
	day := calendar.MustDate(st.On)
	switch {
	case st.Invoice != nil:
		h.invoice(t, st)
	case st.Pay != nil:
		h.pay(t, day, *st.Pay, true)
	case st.CreditNote != nil:
		h.pay(t, day, *st.CreditNote, false)
	case st.Undo != "":
		p := h.paid[st.Undo]
		if i := h.item(p.Item); p.Item != "" {
			i.Open = i.Open.Add(amount(t, i.Open.Currency, p.Amount))
		}
	case st.Run != nil:
		h.run(t, n, day, st)
	case st.Send:
		h.send(day)
	case st.Dispute != nil:
		h.disputes[st.Dispute.ID] = st.Dispute.Item
	case st.Close != "":
		delete(h.disputes, st.Close)
	case st.Promise != nil:
		p := st.Promise
		h.promises[p.ID] = promise.Promise{ID: p.ID, ItemIDs: []string{p.Item}, Parts: []promise.Part{{Date: calendar.MustDate(p.By), Amount: amount(t, "", p.Amount)}}, RecordDate: day}
	case st.Extend != nil:
		h.item(st.Extend.Item).DueDate = calendar.MustDate(st.Extend.Due)
	}
	if st.Block != "" {
		h.blocked[st.Block] = true
	}
	delete(h.blocked, st.Lift)
	h.expect(t, n, day, st)
}

func (h *house) invoice(t *testing.T, st casefile.Step) {
	t.Helper()
	i := st.Invoice
	if len(i.Instalments) == 0 {
		a := amount(t, i.Currency, i.Amount)
		h.customer.Items = append(h.customer.Items, dunning.Item{ID: i.ID, Kind: dunning.KindPrincipal, DueDate: calendar.MustDate(i.Due), Amount: a, Open: a})
	}
	for n, p := range i.Instalments {
		a := amount(t, i.Currency, p.Amount)
		h.customer.Items = append(h.customer.Items, dunning.Item{
			ID: i.ID + "/" + string(rune('1'+n)), Kind: dunning.KindPrincipal, DueDate: calendar.MustDate(p.Due), Amount: a, Open: a,
		})
	}
}

func (h *house) pay(t *testing.T, day calendar.Date, p casefile.Payment, isMoney bool) {
	t.Helper()
	h.paid[p.ID] = p
	if p.Item == "" {
		return
	}
	i := h.item(p.Item)
	m := amount(t, i.Open.Currency, p.Amount)
	i.Open = i.Open.Sub(m)
	if isMoney {
		h.received[p.Item] = append(h.received[p.Item], promise.Money{Date: day, Amount: m})
	}
}

func (h *house) judge(id string, day calendar.Date) promise.Judgement {
	p := h.promises[id]
	var got []promise.Money
	for _, item := range p.ItemIDs {
		got = append(got, h.received[item]...)
	}
	return p.Judge(got, day)
}

func (h *house) run(t *testing.T, n int, day calendar.Date, st casefile.Step) {
	t.Helper()
	if day.Before(h.lastRun) {
		if st.Error != "RUN_DATE_BEFORE_LAST" {
			t.Errorf("step %d: a run dated before the last one", n)
		}
		return
	}
	h.lastRun = day
	for k := range h.customer.Items {
		i := &h.customer.Items[k]
		i.Blocked, i.Disputed, i.Promised = h.blocked[i.ID], slices.Contains(slices.Collect(maps.Values(h.disputes)), i.ID), false
		for id, p := range h.promises {
			i.Promised = i.Promised || slices.Contains(p.ItemIDs, i.ID) && h.judge(id, day).State == promise.StateOpen
		}
	}
	for _, rows := range h.history {
		if last := len(rows) - 1; last >= 0 && rows[last] == "PROPOSED" {
			rows[last] = "IGNORED"
		}
	}
	h.plan = h.policy.Next(h.customer, day)
	if h.plan.Finished {
		h.customer.Active = false
	}
	lines, fees, interest, open := map[string]int{}, map[string]string{}, map[string]string{}, map[string]string{}
	for _, l := range h.plan.Lines {
		lines[l.ItemID], fees[l.ItemID], interest[l.ItemID], open[l.ItemID] = l.Level, l.Fee.String(), l.Interest.String(), l.Open.String()
		h.history[l.ItemID] = append(h.history[l.ItemID], "PROPOSED")
	}
	if !maps.Equal(lines, st.Run.Lines) && len(lines)+len(st.Run.Lines) > 0 {
		t.Errorf("step %d: lines %v, want %v (skipped %v)", n, lines, st.Run.Lines, h.plan.Skipped)
	}
	skipped := map[string]string{}
	for _, s := range h.plan.Skipped {
		skipped[s.ItemID] = string(s.Reason)
	}
	for what, c := range map[string]struct{ got, want map[string]string }{
		"skipped": {skipped, st.Run.Skipped}, "fees": {fees, st.Run.Fees}, "interest": {interest, st.Run.Interest}, "open": {open, st.Run.Open},
	} {
		for id, want := range c.want {
			if c.got[id] != want {
				t.Errorf("step %d: %s of %s = %q, want %q", n, what, id, c.got[id], want)
			}
		}
	}
}

func (h *house) send(day calendar.Date) {
	for _, l := range h.plan.Lines {
		i := h.item(l.ItemID)
		if l.Level == 0 {
			i.RemindedFor, i.RemindedDays = i.DueDate, i.DueDate.DaysSince(day)
			continue
		}
		i.Level, i.LetterDate = l.Level, day
		h.customer.LetterDate, h.customer.Active = day, true
		if !l.InterestUntil.IsZero() {
			i.InterestUntil = l.InterestUntil
		}
		for _, charge := range []money.Money{l.Fee, l.Interest} {
			if charge.IsPositive() {
				h.customer.Items = append(h.customer.Items, dunning.Item{
					ID: l.ItemID + " charge", Kind: dunning.KindCharge, DueDate: day, Amount: charge, Open: charge,
				})
			}
		}
	}
	for id, rows := range h.history {
		if last := len(rows) - 1; rows[last] == "PROPOSED" {
			h.history[id][last] = "SENT"
		}
	}
	h.plan = dunning.Plan{}
}

func (h *house) expect(t *testing.T, n int, day calendar.Date, st casefile.Step) {
	t.Helper()
	if st.Receivable != "" {
		sum := money.Zero("CNY")
		for _, i := range h.customer.Items {
			sum = sum.Add(i.Open)
		}
		if sum.String() != st.Receivable {
			t.Errorf("step %d: receivable %s, want %s", n, sum, st.Receivable)
		}
	}
	for id, want := range st.Levels {
		if got := h.item(id).Level; got != want {
			t.Errorf("step %d: level of %s = %d, want %d", n, id, got, want)
		}
	}
	for _, id := range st.Resolved {
		if h.item(id).Open.IsPositive() {
			t.Errorf("step %d: %s is open", n, id)
		}
	}
	for _, id := range st.Unresolved {
		if !h.item(id).Open.IsPositive() {
			t.Errorf("step %d: %s is settled", n, id)
		}
	}
	if st.Finished != nil && h.plan.Finished != (*st.Finished == 1) {
		t.Errorf("step %d: finished %v, want %d", n, h.plan.Finished, *st.Finished)
	}
	for id, want := range st.History {
		if !slices.Equal(h.history[id], want) {
			t.Errorf("step %d: history of %s = %v, want %v", n, id, h.history[id], want)
		}
	}
	for id, want := range st.Promises {
		if got := string(h.judge(id, day).State); got != want {
			t.Errorf("step %d: promise %s is %s, want %s", n, id, got, want)
		}
	}
	for id, want := range st.Badge {
		if got := string(h.judge(id, day).Badge(h.remind, day)); got != want {
			t.Errorf("step %d: badge of %s is %s, want %s", n, id, got, want)
		}
	}
	for id, want := range st.Charges {
		sum := money.Zero("CNY")
		for _, i := range h.customer.Items {
			if i.Kind == dunning.KindCharge && strings.HasPrefix(i.ID, id+" ") {
				sum = sum.Add(i.Open)
			}
		}
		if sum.String() != want {
			t.Errorf("step %d: charges of %s = %s, want %s", n, id, sum, want)
		}
	}
}
