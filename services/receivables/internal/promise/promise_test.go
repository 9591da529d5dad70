package promise_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
)

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func d(s string) calendar.Date { return calendar.MustDate(s) }

func TestJudge(t *testing.T) {
	t.Parallel()
	plan := []promise.Part{{Date: d("2024-03-31"), Amount: cny(6000)}, {Date: d("2024-04-30"), Amount: cny(4000)}}
	for _, c := range []struct {
		name     string
		grace    int
		came     []promise.Money
		day      string
		state    promise.State
		unpaid   int64
		brokenOn string
		next     string
	}{
		{"nothing yet", 0, nil, "2024-03-31", promise.StateOpen, 0, "", "2024-03-31"},
		{"the day after", 0, nil, "2024-04-01", promise.StateBroken, 6000, "2024-04-01", "2024-04-30"},
		{"within the grace", 2, nil, "2024-04-02", promise.StateOpen, 0, "", "2024-03-31"},
		{"after the grace", 2, nil, "2024-04-03", promise.StateBroken, 6000, "2024-04-03", "2024-04-30"},
		{"came within the grace", 2, []promise.Money{{d("2024-04-02"), cny(6000)}}, "2024-04-03", promise.StateOpen, 0, "", "2024-04-30"},
		{"a part came", 0, []promise.Money{{d("2024-03-30"), cny(2000)}}, "2024-04-01", promise.StatePartlyKept, 4000, "2024-04-01", "2024-04-30"},
		{"first date kept", 0, []promise.Money{{d("2024-03-30"), cny(6000)}}, "2024-04-15", promise.StateOpen, 0, "", "2024-04-30"},
		{"first kept, second not", 0, []promise.Money{{d("2024-03-30"), cny(6000)}}, "2024-05-01", promise.StatePartlyKept, 4000, "2024-05-01", ""},
		{"all at once", 0, []promise.Money{{d("2024-03-15"), cny(10000)}}, "2024-03-15", promise.StateKept, 0, "", ""},
		{"late money does not mend", 0, []promise.Money{{d("2024-04-02"), cny(10000)}}, "2024-05-01", promise.StatePartlyKept, 0, "2024-04-01", ""},
		{"more than promised", 0, []promise.Money{{d("2024-03-15"), cny(99900)}}, "2024-06-01", promise.StateKept, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := promise.Promise{Parts: plan, GraceDays: c.grace}.Judge(c.came, d(c.day))
			if j.State != c.state || j.Unpaid != cny(c.unpaid) || j.BrokenOn.String() != c.brokenOn || j.NextDate.String() != c.next {
				t.Errorf("%+v", j)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	at := promise.Recording{Currency: "CNY", Open: cny(10000), Today: d("2024-03-01"), Actor: "a"}
	for rule, parts := range map[string][]promise.Part{
		"count":               nil,
		"CURRENCY_MISMATCH":   {{d("2024-03-02"), money.New(1, "USD")}},
		"AMOUNT_NOT_POSITIVE": {{d("2024-03-02"), cny(0)}},
		"DATE_PAST":           {{d("2024-02-29"), cny(1)}},
		"DATE_TOO_FAR":        {{d("2034-02-28"), cny(1)}},
		"rising":              {{d("2024-03-05"), cny(1)}, {d("2024-03-05"), cny(1)}},
		"PROMISE_TOO_MUCH":    {{d("2024-03-05"), cny(10001)}},
	} {
		_, err := promise.New(promise.Draft{Parts: parts}, at)
		e, ok := errs.As(err)
		if !ok || len(e.Violations) == 0 || e.Violations[0].Rule != rule {
			t.Errorf("%s: %v", rule, err)
		}
	}
	p, err := promise.New(promise.Draft{Parts: []promise.Part{{d("2024-03-05"), cny(10000)}}}, at)
	if err != nil {
		t.Fatal(err)
	}
	p, err = p.Withdraw("b", "wrong customer", at.Today)
	if err != nil || p.Judge(nil, d("2024-04-01")).State != promise.StateWithdrawn {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := p.Withdraw("b", "again", at.Today); errs.ReasonOf(err) != "PROMISE_WITHDRAWN" {
		t.Error(err)
	}
}

// A promise fails where it was missed, or put off before its date; what was mistyped, kept, or forgiven by a manager does not.
func TestFailed(t *testing.T) {
	t.Parallel()
	p := promise.Promise{ID: "P", RecordDate: d("2024-03-01"), Parts: []promise.Part{{Date: d("2024-03-10"), Amount: cny(100)}}, GraceDays: 1}
	for name, c := range map[string]struct {
		withdrawn string
		came      []promise.Money
		day       string
		want      bool
	}{
		"open":                    {"", nil, "2024-03-11", false},
		"missed":                  {"", nil, "2024-03-12", true},
		"paid too late":           {"", []promise.Money{{d("2024-03-12"), cny(100)}}, "2024-03-13", true},
		"kept":                    {"", []promise.Money{{d("2024-03-11"), cny(100)}}, "2024-06-01", false},
		"mistyped":                {"2024-03-01", nil, "2024-06-01", false},
		"put off":                 {"2024-03-02", nil, "2024-03-02", true},
		"put off on its last day": {"2024-03-11", nil, "2024-06-01", true},
		"forgiven":                {"2024-03-12", nil, "2024-06-01", false},
		"kept and taken back":     {"2024-03-05", []promise.Money{{d("2024-03-04"), cny(100)}}, "2024-06-01", false},
		"paid after it":           {"2024-03-05", []promise.Money{{d("2024-03-06"), cny(100)}}, "2024-06-01", true},
	} {
		q := p
		if c.withdrawn != "" {
			q.WithdrawDate = d(c.withdrawn)
		}
		if got := q.Failed(c.came, d(c.day)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFurther(t *testing.T) {
	t.Parallel()
	failed := []promise.Promise{{ItemIDs: []string{"A", "B"}, RecordedBy: "li"}, {ItemIDs: []string{"A"}, RecordedBy: "wu"}}
	for name, c := range map[string]struct {
		items []string
		most  int
		by    promise.Recorder
		ok    bool
	}{
		"without a bound":            {[]string{"A"}, 0, promise.Recorder{Subject: "li"}, true},
		"below it":                   {[]string{"A"}, 3, promise.Recorder{Subject: "li"}, true},
		"at it":                      {[]string{"A"}, 2, promise.Recorder{Subject: "mo"}, false},
		"of another item":            {[]string{"B"}, 2, promise.Recorder{Subject: "li"}, true},
		"one of several":             {[]string{"B", "A"}, 2, promise.Recorder{Subject: "mo"}, false},
		"a manager":                  {[]string{"A"}, 2, promise.Recorder{Subject: "mo", Manager: true}, true},
		"a manager who recorded one": {[]string{"A"}, 2, promise.Recorder{Subject: "wu", Manager: true}, false},
	} {
		if err := promise.Further(c.items, failed, c.most, c.by); (err == nil) != c.ok || err != nil && errs.ReasonOf(err) != "PROMISES_FAILED" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
