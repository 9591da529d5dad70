package dunning_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
)

const data = "../../../../../shared/data"

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

func TestInterest(t *testing.T) {
	t.Parallel()
	due := calendar.MustDate("2023-01-01")
	rate := money.Ratio{Num: 85, Den: 1000}
	item := dunning.Item{DueDate: due, Amount: cny(100000), Open: cny(100000)}
	halved := item
	halved.Balances = []dunning.Balance{{From: due, Open: cny(100000)}, {From: due.AddDays(26), Open: cny(50000)}}
	charged := item
	charged.InterestUntil = due.AddDays(40)
	for _, c := range []struct {
		name string
		in   dunning.Interest
		item dunning.Item
		days int
		want int64
	}{
		{"rounded once", dunning.Interest{Rate: rate}, item, 50, 1164},
		{"a day's interest rounded", dunning.Interest{Rate: rate, Daily: true}, item, 50, 1150},
		{"a year of 360 days", dunning.Interest{Rate: rate, YearDays: 360}, item, 360, 8500},
		{"a year", dunning.Interest{Rate: rate}, item, 365, 8500},
		{"half of it paid after 25 days", dunning.Interest{Rate: rate}, halved, 50, 873},
		{"the same where the day of payment counts", dunning.Interest{Rate: rate, PaymentDayCounts: true}, halved, 50, 885},
		{"charged up to day 40", dunning.Interest{Rate: rate}, charged, 50, 233},
		{"on the due date", dunning.Interest{Rate: rate}, item, 0, 0},
		{"no rate", dunning.Interest{}, item, 50, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.in.Of(c.item, due.AddDays(c.days)); got != cny(c.want) {
				t.Errorf("%s, want %s", got, cny(c.want))
			}
		})
	}
}

// The published example of late interest, both ways of rounding, to the digit.
func TestWorkedExampleInterest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(data, "worked-examples", "give.json"))
	if os.IsNotExist(err) {
		t.Skip("no data: the folder ../shared/data/worked-examples, seen from the repository's root, is absent")
	}
	var all []struct {
		ID    string
		Input json.RawMessage
		Check json.RawMessage
	}
	if err = json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	n := slices.IndexFunc(all, func(e struct {
		ID    string
		Input json.RawMessage
		Check json.RawMessage
	}) bool {
		return e.ID == "late-interest-uk-3"
	})
	if n < 0 {
		t.Fatal("no example")
	}
	var in struct {
		Amount string
		Rate   string `json:"annual_rate_%"`
		Days   int
	}
	var out struct {
		Once  string `json:"round_once_at_end"`
		Daily string `json:"daily_amount_rounded_first"`
		Fixed string `json:"fixed_compensation"`
	}
	if json.Unmarshal(all[n].Input, &in) != nil || json.Unmarshal(all[n].Check, &out) != nil {
		t.Fatal(string(all[n].Input))
	}
	due := calendar.MustDate("2023-01-01")
	item := dunning.Item{ID: "I", DueDate: due, Amount: amount(t, "GBP", in.Amount), Open: amount(t, "GBP", in.Amount)}
	for daily, want := range map[bool]string{false: out.Once, true: out.Daily} {
		p := dunning.Policy{Strategies: []dunning.Strategy{{
			Name: "s", Interest: dunning.Interest{Rate: ratio(t, in.Rate+"%"), Daily: daily},
			Levels: []dunning.Level{{DaysPastDue: 1, ChargeInterest: true, Fees: map[string]money.Money{"GBP": amount(t, "GBP", out.Fixed)}}},
		}}}
		plan := p.Next(dunning.Customer{ID: "C", Items: []dunning.Item{item}}, due.AddDays(in.Days))
		if len(plan.Lines) != 1 || plan.Lines[0].Interest.String() != want || plan.Lines[0].Fee != amount(t, "GBP", out.Fixed) {
			t.Errorf("%+v, want interest %s", plan, want)
		}
	}
}

// The log of 2,000 orders: a calendar of 20 days asks whoever has not paid when the day comes, 549 times. The log has 514
// of these and no other; the 35 orders whose last reminder it lacks are listed in testdata.
func TestOrderToCashLog(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join(data, "order-to-cash-log", "order_events.csv"))
	if os.IsNotExist(err) {
		t.Skip("no data: the folder ../shared/data/order-to-cash-log, seen from the repository's root, is absent")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type order struct {
		confirmed, paid time.Time
		reminders       []time.Time
	}
	orders := map[string]*order{}
	var numbers []string
	for _, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05.000Z", row[2])
		if err != nil {
			t.Fatal(err)
		}
		o := orders[row[0]]
		if o == nil {
			o = &order{}
			orders[row[0]], numbers = o, append(numbers, row[0])
		}
		switch row[1] {
		case "confirm order":
			o.confirmed = at
		case "pay order":
			o.paid = at
		case "payment reminder":
			o.reminders = append(o.reminders, at)
		}
	}
	strategy := dunning.Strategy{Name: "20 days"}
	for range 12 {
		strategy.Levels = append(strategy.Levels, dunning.Level{WaitDays: 20})
	}
	p := dunning.Policy{Strategies: []dunning.Strategy{strategy}}
	var sent, inLog int
	var differ []string
	for _, number := range numbers {
		o := orders[number]
		day := calendar.FromTime(o.confirmed, time.UTC)
		c := dunning.Customer{ID: number, Items: []dunning.Item{{ID: number, DueDate: day, Amount: cny(100), Open: cny(100)}}}
		var letters []time.Time
		// A run each day, at the hour at which the order was confirmed.
		for n := 1; n <= 240; n++ {
			at := o.confirmed.AddDate(0, 0, n)
			if !o.paid.After(at) {
				c.Items[0].Open = cny(0)
			}
			if plan := p.Next(c, day.AddDays(n)); len(plan.Lines) > 0 {
				letters = append(letters, at)
				c.Items[0].Level, c.Items[0].LetterDate, c.LetterDate, c.Active = plan.Lines[0].Level, day.AddDays(n), day.AddDays(n), true
			}
		}
		sent, inLog = sent+len(letters), inLog+len(o.reminders)
		if len(letters) < len(o.reminders) || !slices.EqualFunc(letters[:len(o.reminders)], o.reminders, time.Time.Equal) {
			t.Errorf("order %s: letters %v, the log has %v", number, letters, o.reminders)
		}
		if len(letters) > len(o.reminders) {
			differ = append(differ, number)
		}
	}
	listed, err := os.ReadFile("testdata/order-to-cash-differs.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(listed)); !slices.Equal(slices.Sorted(slices.Values(differ)), got) || len(got) != 35 {
		t.Errorf("%d orders differ: %v", len(differ), slices.Sorted(slices.Values(differ)))
	}
	if sent != 549 || inLog != 514 {
		t.Errorf("%d letters, %d in the log", sent, inLog)
	}
}

// Whatever happens, no item gets a letter of one level twice, no customer two letters closer than the gap, levels rise, and
// what is paused gets none.
func TestNothingTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := dunning.Strategy{Name: "s", GapDays: rapid.IntRange(0, 5).Draw(t, "gap")}
		if rapid.Bool().Draw(t, "reached") {
			s.CatchUp = dunning.CatchUpLevelReached
		}
		past := 0
		for range rapid.IntRange(1, 5).Draw(t, "levels") {
			past += rapid.IntRange(1, 10).Draw(t, "past due")
			s.Levels = append(s.Levels, dunning.Level{DaysPastDue: past, WaitDays: rapid.IntRange(0, 8).Draw(t, "wait")})
		}
		p := dunning.Policy{Strategies: []dunning.Strategy{s}}
		day := calendar.MustDate("2024-01-01")
		c := dunning.Customer{ID: "C"}
		for n := range rapid.IntRange(1, 4).Draw(t, "items") {
			c.Items = append(c.Items, dunning.Item{ID: string(rune('A' + n)), DueDate: day.AddDays(rapid.IntRange(-5, 20).Draw(t, "due")), Amount: cny(100), Open: cny(100)})
		}
		seen := map[string]int{}
		for range 60 {
			day = day.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))
			for n := range c.Items {
				i := &c.Items[n]
				i.Disputed, i.Promised = rapid.IntRange(0, 3).Draw(t, "dispute") == 0, rapid.IntRange(0, 3).Draw(t, "promise") == 0
				i.Open = cny(int64(rapid.IntRange(0, 1).Draw(t, "open") * 100))
			}
			plan := p.Next(c, day)
			if again := p.Next(c, day); !slices.Equal(again.Lines, plan.Lines) {
				t.Fatalf("two answers: %v %v", plan.Lines, again.Lines)
			}
			if len(plan.Lines) > 0 && !c.LetterDate.IsZero() && day.DaysSince(c.LetterDate) < s.Gap() {
				t.Fatalf("letters on %s and %s", c.LetterDate, day)
			}
			if len(plan.Lines)+len(plan.Skipped) != len(c.Items) {
				t.Fatalf("%d items, %+v", len(c.Items), plan)
			}
			send := rapid.Bool().Draw(t, "send")
			for _, l := range plan.Lines {
				n := slices.IndexFunc(c.Items, func(i dunning.Item) bool { return i.ID == l.ItemID })
				i := &c.Items[n]
				if i.Disputed || i.Promised || i.Open.IsZero() || !day.After(i.DueDate) {
					t.Fatalf("%+v is dunned on %s", *i, day)
				}
				if s.CatchUp == "" && l.Level != i.Level+1 || l.Level <= seen[l.ItemID] || l.Level > len(s.Levels) {
					t.Fatalf("level %d follows %d", l.Level, seen[l.ItemID])
				}
				if send {
					seen[l.ItemID], i.Level, i.LetterDate, c.LetterDate = l.Level, l.Level, day, day
				}
			}
		}
	})
}

func TestCheckNames(t *testing.T) {
	t.Parallel()
	ok := dunning.Letter{TitleEN: "t", BodyEN: "{total} by {pay_by}"}
	p := dunning.Policy{Strategies: []dunning.Strategy{
		{Name: "a", RemindBefore: []int{3, 7}, Interest: dunning.Interest{Rate: money.Ratio{Num: 3, Den: 1}}, Levels: []dunning.Level{
			{Letter: dunning.Letter{BodyEN: "{sum}"}, DaysPastDue: 9, FeeShare: money.Ratio{Num: 2, Den: 1}},
			{Letter: ok, DaysPastDue: 5},
			{Letter: ok, DaysPastDue: 5, Fees: map[string]money.Money{"CNY": cny(-1)}, WaitDays: 2},
		}},
		{Name: "a", Levels: []dunning.Level{{Letter: ok, ChargeInterest: true}}},
	}}
	var got []string
	for _, v := range p.Check("policy.collection") {
		got = append(got, v.Field+" "+v.Rule)
	}
	want := []string{
		"policy.collection.strategies[0].annual_interest range", "policy.collection.strategies[0].remind_before_days falling",
		"policy.collection.strategies[0].reminder required", "policy.collection.strategies[0].levels[0].letter.body_en place",
		"policy.collection.strategies[0].levels[0].fee_share range", "policy.collection.strategies[0].levels[1].days_past_due rising",
		"policy.collection.strategies[0].levels[1].wait_days required", "policy.collection.strategies[0].levels[2].fees range",
		"policy.collection.strategies[1].name unique", "policy.collection.strategies[1].levels[0].charge_interest rate",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	day := calendar.MustDate("2024-03-10")
	of := func(g dunning.Segment) dunning.Policy {
		return dunning.Policy{Strategies: []dunning.Strategy{{Name: "s", Segment: g, Levels: []dunning.Level{{DaysPastDue: 1}}}}}
	}
	c := dunning.Customer{ID: "C", Salesperson: "S", UnitID: "North", Grade: "B", Items: []dunning.Item{{ID: "I", DueDate: calendar.MustDate("2024-03-01"), Amount: cny(100), Open: cny(100)}}}
	for _, x := range []struct {
		name string
		p    dunning.Policy
		want dunning.Reason
	}{
		{"all", of(dunning.Segment{}), ""},
		{"by number", of(dunning.Segment{Customers: []string{"C"}}), ""},
		{"another number", of(dunning.Segment{Customers: []string{"D"}}), dunning.ReasonNoStrategy},
		{"another salesperson", of(dunning.Segment{Salespeople: []string{"T"}}), dunning.ReasonNoStrategy},
		{"by unit", of(dunning.Segment{Units: []string{"South", "North"}}), ""},
		{"another unit", of(dunning.Segment{Units: []string{"South"}}), dunning.ReasonNoStrategy},
		{"by grade", of(dunning.Segment{Grades: []string{"B"}, Units: []string{"North"}}), ""},
		{"another grade", of(dunning.Segment{Grades: []string{"C", "D"}}), dunning.ReasonNoStrategy},
		{"another currency", of(dunning.Segment{Currencies: []string{"USD"}}), dunning.ReasonNoStrategy},
		{"overdue enough", of(dunning.Segment{OverdueFrom: map[string]money.Money{"CNY": cny(100)}}), ""},
		{"overdue too little", of(dunning.Segment{OverdueFrom: map[string]money.Money{"CNY": cny(101)}}), dunning.ReasonNoStrategy},
		{"excluded", dunning.Policy{Strategies: of(dunning.Segment{}).Strategies, Excluded: []string{"C"}}, dunning.ReasonExcluded},
		{"no policy", dunning.Policy{}, dunning.ReasonNoStrategy},
	} {
		plan := x.p.Next(c, day)
		if x.want == "" && len(plan.Lines) != 1 || x.want != "" && (len(plan.Skipped) != 1 || plan.Skipped[0].Reason != x.want) {
			t.Errorf("%s: %+v", x.name, plan)
		}
	}
	c.Blocked = true
	if plan := of(dunning.Segment{}).Next(c, day); len(plan.Lines) > 0 || plan.Skipped[0].Reason != dunning.ReasonBlocked {
		t.Errorf("blocked: %+v", plan)
	}
}
