package violation_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/violation"
)

func attempt() violation.Attempt {
	return violation.Attempt{
		Subject: "li", Roles: []string{"SALESPERSON"}, Act: "CreditApplicationService.ApproveCreditApplication",
		ObjectKind: "application", ObjectID: "A-1", ReasonCode: "SAME_PERSON", Message: "no",
		Date: calendar.MustDate("2026-03-02"), Sent: []byte("r-1 A-1"), Readable: `{"requestId":"r-1"}`,
	}
}

// The same request again is the same attempt; anything else is another.
func TestARetryIsNoSecondAttempt(t *testing.T) {
	t.Parallel()
	first := violation.Of("evaluation", attempt())
	if again := violation.Of("evaluation", attempt()); again.ID != first.ID || len(first.ID) != 26 {
		t.Fatalf("%s, again %s", first.ID, again.ID)
	}
	for name, change := range map[string]func(*violation.Attempt){
		"another person":  func(a *violation.Attempt) { a.Subject = "wu" },
		"another act":     func(a *violation.Attempt) { a.Act = "x" },
		"another request": func(a *violation.Attempt) { a.Sent = []byte("r-2 A-1") },
		"another reason":  func(a *violation.Attempt) { a.ReasonCode = "NOT_YOUR_STEP" },
		"another day":     func(a *violation.Attempt) { a.Date = a.Date.AddDays(1) },
	} {
		a := attempt()
		change(&a)
		if violation.Of("evaluation", a).ID == first.ID {
			t.Errorf("%s makes the same attempt", name)
		}
	}
}

// Whatever was sent can be stored, and does not fill the register.
func TestWhatWasSentCanBeStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := attempt()
		piece := rapid.SampledFrom([]string{"a", "\x00", "票", "\xff"}).Draw(t, "piece")
		a.ObjectID = strings.Repeat(piece, rapid.IntRange(0, 300).Draw(t, "name"))
		a.Readable = strings.Repeat(piece, rapid.IntRange(0, 10000).Draw(t, "text"))
		v := violation.Of("evaluation", a)
		for _, text := range []string{v.ObjectID, v.Evidence} {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Fatalf("%q", text)
			}
		}
		if len(v.ObjectID) > 128 || len(v.Evidence) > 8192 || len(v.EvidenceHash) != 64 {
			t.Fatalf("%d, %d, %q", len(v.ObjectID), len(v.Evidence), v.EvidenceHash)
		}
	})
}

// What is found altered stays one finding, on whatever day it is found again.
func TestAFindingIsOne(t *testing.T) {
	t.Parallel()
	a := attempt()
	a.Kind = violation.Alteration
	first := violation.Of("ordergate", a)
	a.Date = a.Date.AddDays(1)
	if again := violation.Of("ordergate", a); again.ID != first.ID || first.ID == violation.Of("ordergate", attempt()).ID {
		t.Errorf("%s, the next day %s", first.ID, again.ID)
	}
}

func TestWhoDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ of, actor, role, want string }{
		{"SALESPERSON", "boss", "SALES_SUPERVISOR", ""}, {"SALESPERSON", "boss", "SALES_MANAGER", ""}, {"SALESPERSON", "boss", "CHAIRMAN", ""},
		{"SALESPERSON", "boss", "CREDIT_MANAGER", violation.ReasonNotTheSupervisor}, {"SALESPERSON", "li", "SALES_MANAGER", violation.ReasonSamePerson},
		{"FINANCE_CLERK", "boss", "FINANCE_MANAGER", ""}, {"FINANCE_DIRECTOR", "boss", "FINANCE_DIRECTOR", violation.ReasonNotTheSupervisor},
		{"GENERAL_MANAGER", "boss", "CHAIRMAN", ""}, {"WAREHOUSE", "boss", "FINANCE_DIRECTOR", ""},
	} {
		a := attempt()
		a.Roles = []string{c.of}
		v, err := violation.Of("evaluation", a).Decide(c.actor, []string{c.role}, "CONFIRMED", "warned", a.Date)
		if errs.ReasonOf(err) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			if _, err := v.Decide("boss", []string{"CHAIRMAN"}, "MISTAKE", "no", a.Date); errs.ReasonOf(err) != "VIOLATION_DECIDED" {
				t.Errorf("decided twice: %v", err)
			}
		}
	}
	if got := violation.Supervisors([]string{"SALESPERSON", "FINANCE_CLERK"}); got[0] != "FINANCE_MANAGER" {
		t.Errorf("of two roles: %v", got)
	}
}
