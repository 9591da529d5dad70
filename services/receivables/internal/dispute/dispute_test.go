package dispute_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
)

func TestDispute(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2024-03-10")
	part, open := money.New(4000, "CNY"), money.New(10000, "CNY")
	d := dispute.Dispute{ID: "X", ItemID: "I", Amount: &part, Owner: "a", DueDate: day.AddDays(5)}
	for rule, bad := range map[string]dispute.Dispute{
		"DATE_PAST":           {DueDate: day.AddDays(-1)},
		"CURRENCY_MISMATCH":   {DueDate: day, Amount: ptr(money.New(1, "USD"))},
		"AMOUNT_NOT_POSITIVE": {DueDate: day, Amount: ptr(money.New(0, "CNY"))},
		"DISPUTE_TOO_MUCH":    {DueDate: day, Amount: ptr(money.New(10001, "CNY"))},
	} {
		if e, ok := errs.As(bad.Check(open, day)); !ok || e.Violations[0].Rule != rule {
			t.Errorf("%s: %v", rule, e)
		}
	}
	if err := d.Check(open, day); err != nil || d.Late(day.AddDays(5)) || !d.Late(day.AddDays(6)) {
		t.Error(err)
	}
	if d.Of(open) != part || d.Of(money.New(100, "CNY")) != money.New(100, "CNY") {
		t.Error("what is disputed is at most what is open")
	}
	d, err := d.Assign("b", calendar.Date{}, day, "holiday")
	if err != nil || d.Owner != "b" || d.DueDate != day.AddDays(5) {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := d.Close(dispute.Closing{Outcome: dispute.OutcomeCreditMemo, Today: day}); err == nil {
		t.Error("closed by a credit memo that nobody names")
	}
	d, err = d.Close(dispute.Closing{Outcome: dispute.OutcomeCreditMemo, DocumentID: "M1", Actor: "b", Today: day})
	if err != nil || !d.Of(open).IsZero() || d.Late(day.AddDays(9)) {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := d.Assign("c", calendar.Date{}, day, "x"); errs.ReasonOf(err) != "DISPUTE_CLOSED" {
		t.Error(err)
	}
}

// PAID needs the money: what was disputed, or some and nothing open any more.
func TestPaid(t *testing.T) {
	t.Parallel()
	yuan := func(n int64) money.Money { return money.New(n*100, "CNY") }
	for name, c := range map[string]struct {
		part, open, came, applied int64 // part 0: all of it is disputed
		ok                        bool
	}{
		"nothing came":                    {30, 100, 0, 0, false},
		"less than disputed":              {30, 71, 29, 29, false},
		"what was disputed":               {30, 70, 30, 30, true},
		"all of it, a part came":          {0, 40, 60, 60, false},
		"all of it came":                  {0, 0, 100, 100, true},
		"a credit note is no money":       {30, 70, 0, 30, false},
		"written off":                     {0, 0, 0, 100, false},
		"the rest was credited":           {0, 0, 60, 100, true},
		"taken back with its invoice":     {30, 0, 0, 0, false},
		"a part credited, the other came": {50, 60, 30, 40, false},
	} {
		d := dispute.Dispute{ID: "X", ItemID: "I"}
		if c.part > 0 {
			d.Amount = ptr(yuan(c.part))
		}
		err := d.Paid(dispute.Settled{Open: yuan(c.open), Came: yuan(c.came), Applied: yuan(c.applied)})
		e, refused := errs.As(err)
		if refused == c.ok || refused && (e.Reason != "DISPUTE_NOT_PAID" || e.Violations[0].Field != "outcome" || !e.Witnessed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }
