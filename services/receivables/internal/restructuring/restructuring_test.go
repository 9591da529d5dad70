package restructuring_test

import (
	"fmt"
	"testing"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/restructuring"
)

var today = calendar.MustDate("2026-03-10")

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func rules() restructuring.Rules {
	return restructuring.Rules{Authority: restructuring.DefaultAuthority(), Currency: "CNY", GraceDays: 3}
}

func plan() restructuring.Plan {
	return restructuring.Plan{ID: "P", Instalments: []restructuring.Instalment{
		{Due: today.AddDays(30), Amount: cny(100)}, {Due: today.AddDays(60), Amount: cny(200)},
	}}
}

func TestProposals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(p *restructuring.Plan)
		open   money.Money
		want   string
		steps  int
	}{
		"all of it":        {func(*restructuring.Plan) {}, cny(300), "", 1},
		"a part is let go": {func(*restructuring.Plan) {}, cny(100_000_00), "", 1},
		"a great debt":     {func(*restructuring.Plan) {}, cny(100_000_01), "", 2},
		"more than open":   {func(*restructuring.Plan) {}, cny(299), "MORE_THAN_OPEN", 0},
		"not rising":       {func(p *restructuring.Plan) { p.Instalments[1].Due = p.Instalments[0].Due }, cny(300), "RISING", 0},
		"in the past":      {func(p *restructuring.Plan) { p.Instalments[0].Due = today.AddDays(-1) }, cny(300), "DATE_PAST", 0},
		"nothing":          {func(p *restructuring.Plan) { p.Instalments[0].Amount = cny(0) }, cny(300), "AMOUNT_NOT_POSITIVE", 0},
		"another currency": {func(*restructuring.Plan) {}, money.New(300, "USD"), "CURRENCY_MISMATCH", 0},
	} {
		p := plan()
		c.change(&p)
		p, err := p.Propose(c.open, rules(), "li", today)
		got := errs.ReasonOf(err)
		if e, ok := errs.As(err); ok && got == errs.ReasonInvalidField {
			got = e.Violations[0].Rule
		}
		if got != c.want || len(p.Form.Steps) != c.steps {
			t.Errorf("%s: %q, %d steps (%v)", name, got, len(p.Form.Steps), err)
		}
	}
}

func signed(t *testing.T) restructuring.Plan {
	t.Helper()
	p, err := plan().Propose(cny(300), rules(), "li", today)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sign(today, "paper", today); errs.ReasonOf(err) != "RESTRUCTURING_NOT_APPROVED" {
		t.Errorf("signed before it was approved: %v", err)
	}
	if p.Form, err = p.Form.Apply(approval.Act{Subject: "wu", Roles: []string{"FINANCE_MANAGER"}, Decision: approval.Approve, Date: today}); err != nil {
		t.Fatal(err)
	}
	if p, err = p.Sign(today, "paper", today); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestJudgedByMoney(t *testing.T) {
	t.Parallel()
	p := signed(t)
	at := func(day int, amount int64) restructuring.Money {
		return restructuring.Money{Date: today.AddDays(day), Amount: amount}
	}
	for _, c := range []struct {
		name string
		paid []restructuring.Money
		day  int
		want string
	}{
		{"nothing is due", nil, 30, "SIGNED [OPEN OPEN]"},
		{"within the grace", nil, 33, "SIGNED [OPEN OPEN]"},
		{"missed", nil, 34, "BROKEN [BROKEN OPEN]"},
		{"in time", []restructuring.Money{at(33, 100)}, 34, "SIGNED [KEPT OPEN]"},
		{"a day late", []restructuring.Money{at(34, 100)}, 40, "BROKEN [BROKEN OPEN]"},
		{"before it was signed", []restructuring.Money{at(-1, 100)}, 34, "BROKEN [BROKEN OPEN]"},
		{"all at once", []restructuring.Money{at(5, 300)}, 6, "KEPT [KEPT KEPT]"},
		{"too little the second time", []restructuring.Money{at(5, 100), at(60, 199)}, 64, "BROKEN [KEPT BROKEN]"},
		{"in two parts", []restructuring.Money{at(5, 100), at(60, 150), at(63, 50)}, 64, "KEPT [KEPT KEPT]"},
		{"as of a day before the money", []restructuring.Money{at(5, 300)}, 4, "SIGNED [OPEN OPEN]"},
	} {
		state, parts := p.Judge(c.paid, today.AddDays(c.day))
		if got := fmt.Sprint(state, " ", parts); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	p, err := p.End("wu", "broken", today)
	if err != nil {
		t.Fatal(err)
	}
	if state, _ := p.Judge(nil, today); state != restructuring.Ended || p.Live() {
		t.Errorf("ended: %s", state)
	}
	if _, err := p.End("wu", "again", today); errs.ReasonOf(err) != "RESTRUCTURING_ENDED" {
		t.Errorf("ended twice: %v", err)
	}
}
