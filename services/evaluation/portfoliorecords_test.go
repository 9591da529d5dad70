package evaluation_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// A payment record that was kept comes back whole: a field that is added to it is looked at too.
func TestKeptPaymentRecordsAreWhole(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := []string{"C-1", "C-2"}
	for _, id := range ids {
		s.customer(id)
		s.rate(id)
	}
	day, from := calendar.MustDate(startDay), calendar.MustDate("2025-03-03")
	full := payment.Record{}
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case money.Money:
			f.Set(reflect.ValueOf(money.New(int64(100+i), "CNY")))
		case *money.Money:
			m := money.New(int64(-i), "CNY")
			f.Set(reflect.ValueOf(&m))
		case calendar.Date:
			f.Set(reflect.ValueOf(day.AddDays(-i)))
		case []int64:
			f.Set(reflect.ValueOf([]int64{1, 2, int64(i)}))
		case *int64:
			n := int64(i)
			f.Set(reflect.ValueOf(&n))
		case string:
			f.SetString("9223372036854775808123")
		default:
			f.SetInt(int64(i + 1))
		}
	}
	full.CustomerID, full.AsOf, full.Currency = "C-1", day, "CNY"
	zero := money.Zero("CNY")
	none := payment.Record{
		CustomerID: "C-2", AsOf: day, Currency: "CNY", LateAmountDays: "0", FallenDue: zero, Collected: zero, CollectedOnTime: zero, SettledAmount: zero, Open: zero,
	}
	p := postgres.NewPortfolio(s.pool)
	must(t, p.PutPaymentRecords(t.Context(), []payment.Record{none, none}, from, time.Unix(1, 0)))
	none.CustomerID = "C-1"
	must(t, p.PutPaymentRecords(t.Context(), []payment.Record{none, full}, from, time.Unix(2, 0)))
	none.CustomerID = "C-2"
	read := func(q postgres.PortfolioQuery) []*payment.Record {
		q.Upto, q.MostFacts = "C-2", 10
		found, err := p.Subjects(t.Context(), q)
		must(t, err)
		if len(found) != 2 || found[0].ID != "C-1" {
			t.Fatalf("%v", found)
		}
		return []*payment.Record{found[0].Payment, found[1].Payment}
	}
	got := read(postgres.PortfolioQuery{Day: day, WindowStart: from})
	if !reflect.DeepEqual(got[0], &full) || !reflect.DeepEqual(got[1], &none) {
		t.Errorf("%+v\n%+v\nwant %+v\n%+v", got[0], got[1], full, none)
	}
	for name, q := range map[string]postgres.PortfolioQuery{
		"of another day": {Day: day.AddDays(1), WindowStart: from}, "of another window": {Day: day, WindowStart: from.AddDays(1)},
		"asked too early": {Day: day, WindowStart: from, AskedSince: time.Unix(3, 0)},
	} {
		if got := read(q); got[0] != nil || got[1] != nil {
			t.Errorf("a record %s is used", name)
		}
	}
}
