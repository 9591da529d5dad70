package handover_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/handover"
)

var day = calendar.MustDate("2026-03-02")

func proposed() handover.HandOver {
	return handover.HandOver{ID: "CH-000001", CustomerID: "C-1", From: "li", To: "wu", State: handover.Proposed}
}

func TestBothSidesConfirm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acts   [][2]string // person, role
		state  handover.State
		reason string
	}{
		"giver, taker":               {[][2]string{{"li", ""}, {"wu", ""}}, handover.Confirmed, ""},
		"taker, giver":               {[][2]string{{"wu", ""}, {"li", ""}}, handover.Confirmed, ""},
		"in the giver's stead":       {[][2]string{{"ma", "SALES_MANAGER"}, {"wu", ""}}, handover.Confirmed, ""},
		"nobody takes in a stead":    {[][2]string{{"li", ""}, {"ma", "SALES_MANAGER"}}, handover.Proposed, "HAND_OVER_CONFIRMED"},
		"a stranger":                 {[][2]string{{"hu", "SALES_SUPERVISOR"}}, handover.Proposed, "NOT_YOUR_HAND_OVER"},
		"the taker twice":            {[][2]string{{"wu", "SALES_MANAGER"}, {"wu", "SALES_MANAGER"}}, handover.Proposed, "HAND_OVER_CONFIRMED"},
		"after it is done":           {[][2]string{{"li", ""}, {"wu", ""}, {"li", ""}}, handover.Confirmed, "HAND_OVER_CLOSED"},
		"one side is not enough":     {[][2]string{{"li", ""}}, handover.Proposed, ""},
		"the giver twice is no pair": {[][2]string{{"li", "SALES_DIRECTOR"}, {"li", "SALES_DIRECTOR"}}, handover.Proposed, "HAND_OVER_CONFIRMED"},
	} {
		h := proposed()
		var last error
		for _, a := range c.acts {
			var next handover.HandOver
			if next, last = h.Confirm(a[0], []string{a[1]}, day); last == nil {
				h = next
			}
		}
		if h.State != c.state || errs.ReasonOf(last) != c.reason {
			t.Errorf("%s: %s, %v", name, h.State, last)
		}
	}
}

// A customer changes hands with the word of the taker and of another person, whatever
// is tried.
func TestTwoPeopleConfirm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := proposed()
		for range rapid.IntRange(0, 12).Draw(t, "acts") {
			who := rapid.SampledFrom([]string{"li", "wu", "ma", "hu"}).Draw(t, "who")
			roles := []string{rapid.SampledFrom([]string{"SALESPERSON", "SALES_MANAGER", "SALES_DIRECTOR"}).Draw(t, "role")}
			var err error
			var next handover.HandOver
			if rapid.IntRange(0, 9).Draw(t, "what") == 0 {
				next, err = h.Decline(who, roles, "no")
			} else {
				next, err = h.Confirm(who, roles, day)
			}
			if err == nil {
				h = next
			}
		}
		if h.State == handover.Confirmed && (h.TakenBy != "wu" || h.GivenBy == "" || h.GivenBy == "wu") {
			t.Fatalf("%+v", h)
		}
	})
}
