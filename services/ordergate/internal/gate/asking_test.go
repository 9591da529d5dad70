package gate_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// A salesperson's order counts in the budgets of the customer's unit and salesperson; only those above single salespeople name others.
// What submission refuses, the check without effect refuses too.
func TestWhoNamesUnitAndSalesperson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, role, unit, salesperson, validUntil, want, field string
	}{
		{"nobody named", "SALESPERSON", "", "", "", "", ""},
		{"the customer's own", "SALESPERSON", "NORTH", "li", "", "", ""},
		{"another salesperson", "SALESPERSON", "", "wang", "", "SELLER_NOT_ALLOWED", "order.salesperson_id"},
		{"another unit", "SALESPERSON", "SOUTH", "", "", "SELLER_NOT_ALLOWED", "order.unit_id"},
		{"a supervisor", "SALES_SUPERVISOR", "SOUTH", "wang", "", "", ""},
		{"the ERP", "ERP", "SOUTH", "wang", "", "", ""},
		{"a last day that has passed", "ERP", "", "", "2026-06-30", "DATE_PAST", "order.valid_until_date"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, policyCase{})
			w.today = calendar.MustDate("2026-07-01")
			w.run(0, step{Do: "grant", Limit: "100", Term: 30})
			w.account.Profile.UnitID, w.account.Profile.SalespersonID = "NORTH", "li"
			o := order.Order{ID: "O1", CustomerID: "C1", Currency: "CNY", Amount: 100, Terms: order.OpenAccount, UnitID: c.unit, SalespersonID: c.salesperson}
			if c.validUntil != "" {
				o.ValidUntil = calendar.MustDate(c.validUntil)
			}
			if _, err := gate.Check(w.env(c.role), w.account, o); errs.ReasonOf(err) != c.want {
				t.Errorf("checked: %v, want %q", err, c.want)
			}
			_, err := gate.Submit(w.env(c.role), w.account, o)
			if errs.ReasonOf(err) != c.want {
				t.Errorf("submitted: %v, want %q", err, c.want)
			}
			if e, ok := errs.As(err); ok && (len(e.Violations) != 1 || e.Violations[0].Field != c.field) {
				t.Errorf("the error names %+v, want %s", e.Violations, c.field)
			}
		})
	}
}

// Whoever opens an order again has asked for it, as whoever submitted it has, and does not release it. A salesperson of other customers
// is told what is said of an order that does not exist.
func TestWhoReopensDoesNotRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, policyCase{})
	w.today = calendar.MustDate("2026-07-01")
	w.run(0, step{Do: "grant", Limit: "0", Term: 30})
	w.account.Profile.SalespersonID = "li"
	w.run(1, step{Do: "submit", Order: "O1", Amount: "100", Want: "HELD"})
	w.run(2, step{Do: "cancel", Order: "O1", Want: "CANCELLED"})
	o := w.orders["O1"]
	manager := w.env("CREDIT_MANAGER")
	c, err := gate.Reopen(manager, w.account, o, calendar.Date{}, "asked for again")
	if err != nil || len(c.Orders) != 1 || c.Orders[0].State != order.Held {
		t.Fatalf("reopened: %v, %v", c.Orders, err)
	}
	release := func(env gate.Env) error {
		_, err := gate.Act(env, c.Account, c.Orders[0], approval.Approve, "known", nil)
		return err
	}
	if err := release(manager); errs.ReasonOf(err) != "SAME_PERSON" {
		t.Errorf("released by whoever opened it again: %v", err)
	}
	other := w.env("CREDIT_MANAGER")
	other.Actor = "another"
	if err := release(other); err != nil {
		t.Errorf("released by another: %v", err)
	}
	stranger := w.env("SALESPERSON")
	stranger.Sees = func(string) bool { return false }
	if _, err := gate.Reopen(stranger, w.account, o, calendar.Date{}, ""); errs.ReasonOf(err) != "ORDER_UNKNOWN" {
		t.Errorf("opened again by a stranger: %v", err)
	}
}
