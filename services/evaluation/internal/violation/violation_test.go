package violation_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/violation"
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
	first := violation.Of(attempt())
	if again := violation.Of(attempt()); again.ID != first.ID || len(first.ID) != 26 {
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
		if violation.Of(a).ID == first.ID {
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
		v := violation.Of(a)
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
