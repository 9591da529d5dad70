package interest_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
)

func gbp(t testing.TB, s string) money.Money {
	t.Helper()
	m, err := money.Parse("GBP", s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func rate(t testing.TB, s string) money.Ratio {
	t.Helper()
	r, err := money.ParseRatio(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func day(n int) calendar.Date { return calendar.MustDate("2024-01-01").AddDays(n) }

// The worked example of statutory interest, to the penny, by both ways of rounding, with its compensation.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	const file = "../../../../../shared/data/worked-examples/give.json"
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		t.Skip("no data: the folder ../shared/data/worked-examples, seen from the repository's root, is absent")
	}
	var examples []struct {
		ID    string          `json:"id"`
		Input json.RawMessage `json:"input"`
		Check json.RawMessage `json:"check"`
	}
	if err != nil || json.Unmarshal(text, &examples) != nil {
		t.Fatal("examples", err)
	}
	for _, e := range examples {
		if e.ID != "late-interest-uk-3" {
			continue
		}
		var in struct {
			Amount string `json:"amount"`
			Rate   string `json:"annual_rate_%"`
			Days   int    `json:"days"`
		}
		var want struct {
			Once  string `json:"round_once_at_end"`
			Daily string `json:"daily_amount_rounded_first"`
			Fixed string `json:"fixed_compensation"`
		}
		if json.Unmarshal(e.Input, &in) != nil || json.Unmarshal(e.Check, &want) != nil {
			t.Fatal("example", string(e.Input), string(e.Check))
		}
		terms := interest.Terms{AnnualRate: rate(t, in.Rate+"%"), DaysInYear: 365, Compensation: []interest.Tier{
			{From: gbp(t, "0.01"), Fee: gbp(t, "40")}, {From: gbp(t, "1000"), Fee: gbp(t, "70")}, {From: gbp(t, "10000"), Fee: gbp(t, "100")},
		}}
		if got := terms.Accrue(gbp(t, in.Amount), day(0), day(in.Days), nil); got != gbp(t, want.Once) {
			t.Errorf("rounded once %s, want %s", got, want.Once)
		}
		terms.DailyRounding = true
		if got := terms.Accrue(gbp(t, in.Amount), day(0), day(in.Days), nil); got != gbp(t, want.Daily) {
			t.Errorf("rounded daily %s, want %s", got, want.Daily)
		}
		if fee, _ := terms.Fee(gbp(t, in.Amount)); fee != gbp(t, want.Fixed) {
			t.Errorf("compensation %s, want %s", fee, want.Fixed)
		}
		if fee, _ := terms.Fee(gbp(t, "999.99")); fee != gbp(t, "40") {
			t.Errorf("compensation of a penny less is %s", fee)
		}
		return
	}
	t.Fatal("the example is not in the file")
}

// Part payments lower the interest from their day on; what is paid before the beginning is not owed,
// what comes after the end does not count.
func TestAccrueByDays(t *testing.T) {
	t.Parallel()
	terms := interest.Terms{AnnualRate: rate(t, "36.5%"), DaysInYear: 365} // a thousandth a day
	for name, c := range map[string]struct {
		payments []interest.Payment
		want     string
	}{
		"nothing paid":        {nil, "100.00"},
		"half after 40 days":  {[]interest.Payment{{day(40), gbp(t, "500")}}, "70.00"},
		"in any order":        {[]interest.Payment{{day(60), gbp(t, "250")}, {day(40), gbp(t, "500")}}, "60.00"},
		"paid on its day":     {[]interest.Payment{{day(0), gbp(t, "1000")}}, "0.00"},
		"paid at the end":     {[]interest.Payment{{day(100), gbp(t, "1000")}}, "100.00"},
		"paid after the end":  {[]interest.Payment{{day(200), gbp(t, "1000")}}, "100.00"},
		"paid and owed again": {[]interest.Payment{{day(40), gbp(t, "1000")}, {day(50), gbp(t, "-1000")}}, "90.00"},
		"paid before":         {[]interest.Payment{{day(-10), gbp(t, "400")}}, "60.00"},
	} {
		if got := terms.Accrue(gbp(t, "1000"), day(0), day(100), c.payments); got.String() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	terms.PaymentDayFree = true
	for want, payments := range map[string][]interest.Payment{
		"69.50":  {{day(40), gbp(t, "500")}},
		"99.00":  {{day(100), gbp(t, "1000")}},
		"100.00": {{day(101), gbp(t, "1000")}},
		"0.00":   {{day(1), gbp(t, "1000")}},
		"90.00":  {{day(40), gbp(t, "1000")}, {day(50), gbp(t, "-1000")}},
	} {
		if got := terms.Accrue(gbp(t, "1000"), day(0), day(100), payments); got.String() != want {
			t.Errorf("the day of payment is free: %s, want %s", got, want)
		}
	}
}

// Interest of two stretches is that of the whole, within the rounding of each.
func TestStretchesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		terms := interest.Terms{AnnualRate: rate(t, strconv.Itoa(rapid.IntRange(1, 40).Draw(rt, "rate"))+"%"), DaysInYear: 360}
		amount := money.New(rapid.Int64Range(1, 1_000_000_000_000).Draw(rt, "amount"), "GBP")
		all := rapid.IntRange(1, 2000).Draw(rt, "days")
		cut := rapid.IntRange(0, all).Draw(rt, "cut")
		whole := terms.Accrue(amount, day(0), day(all), nil).Minor
		parts := terms.Accrue(amount, day(0), day(cut), nil).Minor + terms.Accrue(amount, day(cut), day(all), nil).Minor
		if parts < whole-1 || parts > whole+1 {
			rt.Fatalf("%d in two, %d in one", parts, whole)
		}
	})
}
