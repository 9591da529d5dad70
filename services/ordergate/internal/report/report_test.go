package report_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

var day = calendar.MustDate("2026-07-01")

func acct(id string, limit account.Limit, used int64) account.Account {
	return account.Account{RootID: id, ID: id, Seq: 9, ProfileAt: 1, Buckets: account.Buckets{Order: used}, Profile: account.Profile{
		Name: "Name " + id, Currency: "CNY", Grant: account.Grant{Treatment: account.Credit, Limit: limit},
	}}
}

func amount(minor int64) account.Limit { return account.Limit{Kind: account.LimitAmount, Minor: minor} }

func TestUseOfLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		limit      account.Limit
		used       int64
		over, near bool
		bp, excess int64
	}{
		{"under the ratio", amount(1000), 899, false, false, 0, 0},
		{"at the ratio", amount(1000), 900, false, false, 0, 0},
		{"above the ratio", amount(1000), 901, false, true, 9010, 0},
		{"at the limit", amount(1000), 1000, false, true, 10000, 0},
		{"over the limit", amount(1000), 1001, true, false, 10010, 1},
		{"no credit, something used", amount(0), 1, true, false, 0, 1},
		{"cash customer, something used", account.Limit{Kind: account.LimitUndefined}, 5, true, false, 0, 5},
		{"cash customer, nothing used", account.Limit{Kind: account.LimitUndefined}, 0, false, false, 0, 0},
		{"unlimited", account.Limit{Kind: account.LimitUnlimited}, 1 << 50, false, false, 0, 0},
		{"money on account", amount(1000), -50, false, false, 0, 0},
	} {
		b := report.NewBuilder(day, report.DefaultSettings(1))
		if err := b.Account(report.Day{Account: acct("C1", tt.limit, tt.used)}); err != nil {
			t.Fatal(err)
		}
		d := b.Report(time.Time{})
		if (len(d.OverLimit) == 1) != tt.over || (len(d.NearLimit) == 1) != tt.near {
			t.Errorf("%s: over %v near %v", tt.name, d.OverLimit, d.NearLimit)
			continue
		}
		for _, u := range append(d.OverLimit, d.NearLimit...) {
			if u.BasisPoints != tt.bp || u.Excess != tt.excess || u.Exposure != tt.used {
				t.Errorf("%s: %+v", tt.name, u)
			}
		}
	}
}

func TestGrantsThatEnd(t *testing.T) {
	t.Parallel()
	for until, left := range map[string]int{"2026-06-30": -1, "2026-07-01": 0, "2026-07-31": 30, "2026-08-01": -1, "": -1} {
		a := acct("C1", amount(1000), 0)
		if until != "" {
			a.Profile.Grant.ValidUntil = calendar.MustDate(until)
		}
		b := report.NewBuilder(day, report.DefaultSettings(1))
		if err := b.Account(report.Day{Account: a}); err != nil {
			t.Fatal(err)
		}
		d := b.Report(time.Time{})
		if (left >= 0) != (len(d.Expiring) == 1) || (left >= 0 && d.Expiring[0].DaysLeft != left) {
			t.Errorf("until %q: %+v, want %d days left", until, d.Expiring, left)
		}
	}
}

func entry(kind gate.Kind, decided bool, reason string, orders ...order.Order) gate.Entry {
	detail, err := json.Marshal(gate.Detail{Orders: orders, Reason: reason})
	if err != nil {
		panic(err)
	}
	e := gate.Entry{AccountID: "C1", Kind: kind, Detail: detail, Actor: "person", BusinessDate: day}
	if decided {
		e.Decision = []byte("{}")
	}
	return e
}

func held(id string, excess int64) order.Order {
	o := order.Order{ID: id, CustomerID: "C1", Currency: "CNY", Amount: 500, State: order.Held, SubmitDate: day}
	o.Hold = &order.Hold{Reasons: []string{"limit"}, Excess: excess, Form: approval.Form{Row: 2, Acts: []approval.Act{
		{Subject: "ann", Decision: approval.Approve, Reason: "first"}, {Subject: "ben", Decision: approval.Approve, Reason: "second"},
	}}}
	return o
}

func TestWhatHappenedOnTheDate(t *testing.T) {
	t.Parallel()
	released := held("O1", 10)
	released.State, released.Release = order.Approved, &order.Release{Minor: 500, Date: day}
	passed := held("O3", 30)
	passed.State = order.Approved
	b := report.NewBuilder(day, report.DefaultSettings(7))
	err := b.Account(report.Day{
		Account: acct("C1", amount(1000), 0),
		Entries: []gate.Entry{
			entry(gate.OrderSubmitted, true, "", held("O1", 10)), entry(gate.OrderSubmitted, true, "", held("O2", 20)),
			entry(gate.OrderActed, false, "", held("O0", 5)), // on hold since an earlier day
			entry(gate.OrderSubmitted, true, "", held("O3", 30)), entry(gate.OrderRechecked, true, "", held("O3", 30)),
			entry(gate.OrderReleased, false, "", released), entry(gate.OrderRechecked, true, "", passed),
			entry("SHIPPING_STOPPED", false, "over limit"), entry("CUSTOMER_BLOCKED", false, "fraud"),
		},
		OnHold: []order.Order{held("O0", 5), held("O2", 20)},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Violation(report.Violation{Actor: "ann", Reason: "SAME_PERSON"})
	d := b.Report(time.Date(2026, 7, 2, 6, 0, 0, 0, time.UTC))
	want := report.Counts{OnHold: 2, Held: 3, Releases: 1, Stops: 2, Violations: 1, Accounts: 1}
	if d.Counts != want {
		t.Errorf("counts %+v, want %+v", d.Counts, want)
	}
	got := ""
	for _, h := range d.Holds {
		got += h.OrderID + " " + string(h.State) + "; "
	}
	if got != "O3 APPROVED; O2 HELD; O1 APPROVED; O0 HELD; " {
		t.Errorf("holds %s", got)
	}
	if r := d.Releases[0]; r.OrderID != "O1" || r.Reason != "second" || fmt.Sprint(r.Approvers) != "[ann ben]" || r.Row != 2 || r.Amount != 500 {
		t.Errorf("release %+v", r)
	}
	if d.Stops[0].Reason != "over limit" || d.Stops[1].Kind != "CUSTOMER_BLOCKED" || d.Settings.Version != 7 {
		t.Errorf("%+v", d)
	}
	if err := b.Account(report.Day{Account: acct("C2", amount(1), 0), Entries: []gate.Entry{{Detail: []byte("{")}}}); err == nil {
		t.Error("an unreadable entry passed")
	}
}

// However many there are, the gravest are listed and all are counted.
func TestTheGravestAreListed(t *testing.T) {
	t.Parallel()
	b := report.NewBuilder(day, report.DefaultSettings(1))
	for i := range int64(3*report.MaxRows + 7) {
		if err := b.Account(report.Day{Account: acct(fmt.Sprintf("C%06d", i), amount(1000), 1001+(i*7919)%6007)}); err != nil {
			t.Fatal(err)
		}
	}
	d := b.Report(time.Time{})
	if d.Counts.OverLimit != 3*report.MaxRows+7 || len(d.OverLimit) != report.MaxRows {
		t.Fatalf("%d of %d", len(d.OverLimit), d.Counts.OverLimit)
	}
	for i, u := range d.OverLimit {
		if i > 0 && u.Excess > d.OverLimit[i-1].Excess {
			t.Fatalf("row %d is out of order", i)
		}
	}
	if d.OverLimit[0].Excess != 6007 || d.OverLimit[report.MaxRows-1].Excess < 6007-report.MaxRows-1 {
		t.Errorf("from %d to %d", d.OverLimit[0].Excess, d.OverLimit[report.MaxRows-1].Excess)
	}
	empty := report.NewBuilder(day, report.DefaultSettings(1))
	if err := empty.Account(report.Day{Account: account.New("B", "B")}); err != nil || empty.Report(time.Time{}).Counts.Accounts != 0 {
		t.Error("an account that is no customer's was counted")
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	zone, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-07-02T05:59:59+08:00": "2026-06-30", "2026-07-02T06:00:00+08:00": "2026-07-01", "2026-07-01T22:00:00Z": "2026-07-01",
		"2026-07-01T15:59:59Z": "2026-06-30", "2026-07-01T16:00:00Z": "2026-06-30",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Due(now.In(zone), 6).String(); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
