package security_test

import (
	"fmt"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

func day(s string) calendar.Date { return calendar.MustDate(s) }

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func mortgage() security.Security {
	return security.Security{
		ID: "S", CustomerID: "C", Kind: security.Mortgage, From: day("2026-01-01"), Until: day("2026-12-31"), RecordedBy: "li",
		Valuations: []security.Valuation{{Value: cny(100), PriorClaims: cny(30), Date: day("2026-01-01")}},
	}
}

func why(err error) string {
	if e, ok := errs.As(err); ok && e.Reason == errs.ReasonInvalidField {
		return e.Violations[0].Rule
	}
	return errs.ReasonOf(err)
}

func TestWorth(t *testing.T) {
	t.Parallel()
	s, err := mortgage().Revalue(security.Valuation{Value: cny(60), PriorClaims: cny(30), Date: day("2026-06-01")}, calendar.Date{}, day("2026-07-01"))
	if err != nil {
		t.Fatal(err)
	}
	released, err := s.Release("wu", "paid", day("2026-08-01"))
	if err != nil {
		t.Fatal(err)
	}
	third, _ := money.ParseRatio("1/3")
	insurance := mortgage()
	insurance.Kind, insurance.InsuredShare = security.CreditInsurance, third
	for _, c := range []struct {
		name  string
		s     security.Security
		day   string
		state security.State
		worth int64
	}{
		{"before it begins", s, "2025-12-31", security.Ahead, 0},
		{"its first day", s, "2026-01-01", security.InForce, 70},
		{"valued anew", s, "2026-06-01", security.InForce, 30},
		{"its last day", s, "2026-12-31", security.InForce, 30},
		{"the day after is worth nothing", s, "2027-01-01", security.Expired, 0},
		{"before it was given back", released, "2026-07-31", security.InForce, 30},
		{"given back", released, "2026-08-01", security.Released, 0},
		{"a share of a loss, rounded", insurance, "2026-01-01", security.InForce, 23},
	} {
		if got := c.s.State(day(c.day)); got != c.state {
			t.Errorf("%s: %s, want %s", c.name, got, c.state)
		}
		if got := c.s.Worth(day(c.day)); got != cny(c.worth) {
			t.Errorf("%s: %v, want %d", c.name, got, c.worth)
		}
	}
}

func TestWhatCannotBe(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(s *security.Security){
		"":                    func(*security.Security) {},
		"END_BEFORE_START":    func(s *security.Security) { s.Until = day("2025-12-31") },
		"AMOUNT_NOT_POSITIVE": func(s *security.Security) { s.Valuations[0].Value = cny(0) },
		"PRIOR_CLAIMS":        func(s *security.Security) { s.Valuations[0].PriorClaims = cny(101) },
		"INSURANCE_ONLY":      func(s *security.Security) { s.NoticeDays = 30 },
		"INSURANCE_TERMS": func(s *security.Security) {
			s.Kind, s.NoticeDays, s.ClaimDays = security.CreditInsurance, 60, 30
		},
	} {
		s := mortgage()
		change(&s)
		if got := why(s.Check()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	s := mortgage()
	if _, err := s.Release("li", "mine", day("2026-02-01")); why(err) != security.ReasonSamePerson {
		t.Errorf("given back by who recorded it: %v", err)
	}
	if _, err := s.Tell(security.Report{Kind: security.Overdue, ItemID: "I"}, day("2026-02-01")); why(err) != "INSURANCE_ONLY" {
		t.Errorf("a mortgage told to an insurer: %v", err)
	}
	s, _ = s.Release("wu", "paid", day("2026-02-01"))
	if _, err := s.Revalue(s.Valuations[0], calendar.Date{}, day("2026-02-01")); why(err) != "SECURITY_RELEASED" {
		t.Errorf("valued after it was given back: %v", err)
	}
}

func TestInsurerDeadlines(t *testing.T) {
	t.Parallel()
	s := mortgage()
	s.Kind, s.NoticeDays, s.ClaimDays = security.CreditInsurance, 30, 180
	items := []security.Insured{
		{"before", day("2025-12-31"), day("2026-01-31")}, {"in", day("2026-12-31"), day("2027-01-31")}, {"after", day("2027-01-01"), day("2027-02-01")},
	}
	if got := fmt.Sprint(s.Deadlines(items)); got != "[{OVERDUE in 2027-03-02} {CLAIM in 2027-07-30}]" {
		t.Error(got)
	}
	s, err := s.Tell(security.Report{Kind: security.Overdue, ItemID: "in", Date: day("2027-02-10")}, day("2027-02-10"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Deadlines(items)); got != "[{CLAIM in 2027-07-30}]" {
		t.Error(got)
	}
	if _, err := s.Tell(security.Report{Kind: security.Overdue, ItemID: "in", Date: day("2027-02-10")}, day("2027-02-10")); why(err) != "REPORTED_BEFORE" {
		t.Errorf("twice: %v", err)
	}
	s, _ = s.Tell(security.Report{Kind: security.Claim, ItemID: "in", Date: day("2027-03-01")}, day("2027-03-01"))
	if got := s.Deadlines(items); len(got) != 0 {
		t.Errorf("claimed: %v", got)
	}
	s = mortgage()
	s.Kind, s.NoticeDays, s.ItemIDs = security.CreditInsurance, 30, []string{"other"}
	if got := s.Deadlines(items); len(got) != 0 {
		t.Errorf("for another item: %v", got)
	}
}

func TestBacking(t *testing.T) {
	t.Parallel()
	some := mortgage()
	some.ItemIDs = []string{"I"}
	released, err := mortgage().Release("wu", "paid", day("2026-08-01"))
	if err != nil {
		t.Fatal(err)
	}
	endless := mortgage()
	endless.Until = calendar.Date{}
	for _, c := range []struct {
		name, day string
		s         security.Security
		open      int64
		want      string
	}{
		{"ahead it is told with its day", "2025-12-31", mortgage(), 0, "70 2026-01-01 2026-12-31"},
		{"its last day", "2026-12-31", mortgage(), 0, "70 2026-01-01 2026-12-31"},
		{"ended", "2027-01-01", mortgage(), 0, ""},
		{"given back", "2026-08-01", released, 0, ""},
		{"without end", "2030-01-01", endless, 0, "70 2026-01-01 "},
		{"for some items: what is open of them", "2026-02-01", some, 40, "40 2026-01-01 2026-12-31"},
		{"for some items: not more than it is worth", "2026-02-01", some, 400, "70 2026-01-01 2026-12-31"},
		{"for items that are paid", "2026-02-01", some, 0, ""},
	} {
		got := ""
		if b, ok := c.s.Backing(day(c.day), cny(c.open)); ok {
			got = fmt.Sprint(b.Worth.Minor, " ", b.From, " ", b.Until)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, ok := some.Backing(day("2026-02-01"), money.New(40, "USD")); ok {
		t.Error("for items in another currency it is worth something")
	}
}
