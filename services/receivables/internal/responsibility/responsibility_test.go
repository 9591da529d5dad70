package responsibility_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/responsibility"
)

var today = calendar.MustDate("2026-03-10")

func person(s string) responsibility.Person { return responsibility.Person{Subject: s, Only: true} }

func handOver() responsibility.HandOver {
	return responsibility.HandOver{ID: "H", From: "anna", To: "ben", CustomerIDs: []string{"C"}, ProposedBy: "manager"}
}

func TestBothSidesConfirm(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"anna", "ben"}, {"ben", "anna"}} {
		h := handOver()
		for i, who := range order {
			if h.State() != responsibility.Proposed {
				t.Fatalf("%v: %s after %d", order, h.State(), i)
			}
			var err error
			if h, err = h.Confirm(person(who), "", today); err != nil {
				t.Fatal(err)
			}
			if _, err = h.Confirm(person(who), "", today); errs.ReasonOf(err) != "HAND_OVER_CONFIRMED" && errs.ReasonOf(err) != "HAND_OVER_CLOSED" {
				t.Errorf("%s twice: %v", who, err)
			}
		}
		if h.State() != responsibility.Done || h.GivenBy != "anna" {
			t.Errorf("%v: %+v", order, h)
		}
		if _, err := h.Decline(person("ben"), "changed my mind", today); errs.ReasonOf(err) != "HAND_OVER_CLOSED" {
			t.Errorf("declined afterwards: %v", err)
		}
	}
}

func TestWhoActsOnAHandOver(t *testing.T) {
	t.Parallel()
	director := responsibility.Person{Subject: "director", Director: true}
	h := handOver()
	if _, err := h.Confirm(person("carl"), "", today); errs.ReasonOf(err) != responsibility.ReasonNotASide {
		t.Errorf("a third person: %v", err)
	}
	if _, err := h.Confirm(director, "", today); errs.KindOf(err) != errs.Invalid {
		t.Errorf("for the giver without a reason: %v", err)
	}
	if _, err := h.Confirm(director, " \t", today); errs.KindOf(err) != errs.Invalid {
		t.Errorf("for the giver with a blank reason: %v", err)
	}
	given, err := h.Confirm(director, "she is ill", today)
	if err != nil || given.GivenBy != "director" || given.GivenReason != "she is ill" || given.State() != responsibility.Proposed {
		t.Errorf("for the giver: %+v, %v", given, err)
	}
	if _, err := h.Decline(person("carl"), "no", today); errs.ReasonOf(err) != responsibility.ReasonNotASide {
		t.Errorf("declined by a third person: %v", err)
	}
	for _, who := range []string{"anna", "ben", "manager"} {
		d, err := h.Decline(person(who), "no", today)
		if err != nil || d.State() != responsibility.Declined {
			t.Errorf("declined by %s: %v", who, err)
		}
	}
}

func TestProposals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(h *responsibility.HandOver)
		by     responsibility.Person
		kind   errs.Kind
	}{
		"by a side":         {func(*responsibility.HandOver) {}, person("anna"), 0},
		"by a manager":      {func(*responsibility.HandOver) {}, responsibility.Person{Subject: "manager"}, 0},
		"by another":        {func(*responsibility.HandOver) {}, person("carl"), errs.PermissionDenied},
		"to itself":         {func(h *responsibility.HandOver) { h.To = "anna" }, person("anna"), errs.Invalid},
		"of nothing":        {func(h *responsibility.HandOver) { h.CustomerIDs = nil }, person("anna"), errs.Invalid},
		"of all":            {func(h *responsibility.HandOver) { h.CustomerIDs, h.Everything = nil, true }, person("anna"), 0},
		"of all and of one": {func(h *responsibility.HandOver) { h.Everything = true }, person("anna"), errs.Invalid},
	} {
		h := handOver()
		c.change(&h)
		if err := h.Check(c.by); errs.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClearance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left   responsibility.Clearance
		by     string
		reason string
	}{
		"nothing is left":       {responsibility.Clearance{}, "manager", ""},
		"an open item":          {responsibility.Clearance{OpenItems: 1}, "manager", responsibility.ReasonNotCleared},
		"a customer":            {responsibility.Clearance{CustomerIDs: []string{"C"}}, "manager", responsibility.ReasonNotCleared},
		"an unfinished passing": {responsibility.Clearance{HandOverIDs: []string{"H"}}, "manager", responsibility.ReasonNotCleared},
		"by itself":             {responsibility.Clearance{}, "anna", responsibility.ReasonSamePerson},
		"twice":                 {responsibility.Clearance{ClearedBy: "manager"}, "manager", responsibility.ReasonCleared},
	} {
		c.left.Person = "anna"
		got, err := c.left.Grant(c.by, "", today)
		if errs.ReasonOf(err) != c.reason || (err == nil) != (got.ClearedBy == "manager" && got.Date == today) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
