package notice_test

import (
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/notice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

var today = calendar.New(2026, time.March, 10)

func cny(minor int64) money.Money { return money.New(minor, "CNY") }

// why is the reason of an error, or the rule that a field breaks.
func why(err error) string {
	if e, ok := errs.As(err); ok && e.Reason == errs.ReasonInvalidField {
		return e.Violations[0].Rule
	}
	return errs.ReasonOf(err)
}

func recorded(t *testing.T) notice.Notice {
	t.Helper()
	n, err := notice.New(
		notice.Draft{ID: "N1", CustomerID: "C1", OrderID: "O1", Amount: cny(10000), Expected: today.AddDays(2)},
		notice.Recording{Currency: "CNY", Days: 3, Today: today, Actor: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewNotice(t *testing.T) {
	n := recorded(t)
	if n.LastDay != today.AddDays(5) || n.Instrument != receipt.InstrumentRemittance || n.Open() != cny(10000) {
		t.Fatalf("completed as %+v", n)
	}
	for name, c := range map[string]struct {
		amount   money.Money
		expected calendar.Date
		reason   string
	}{
		"yesterday":           {cny(1), today.AddDays(-1), "DATE_PAST"},
		"today":               {cny(1), today, ""},
		"a year ahead":        {cny(1), today.AddDays(366), ""},
		"more than that":      {cny(1), today.AddDays(367), "DATE_TOO_FAR"},
		"nothing":             {cny(0), today, "AMOUNT_NOT_POSITIVE"},
		"another's currency":  {money.New(1, "USD"), today, "CURRENCY_MISMATCH"},
		"less than nothing":   {cny(-1), today, "AMOUNT_NOT_POSITIVE"},
		"the least there is ": {cny(1), today.AddDays(1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := notice.New(notice.Draft{Amount: c.amount, Expected: c.expected}, notice.Recording{Currency: "CNY", Today: today})
			if got := why(err); got != c.reason {
				t.Errorf("reason %q, want %q (%v)", got, c.reason, err)
			}
		})
	}
}

func TestNoticeStates(t *testing.T) {
	last := today.AddDays(5)
	confirm := func(n *notice.Notice) { n.ConfirmedBy, n.ConfirmDate = "bob", today }
	withdraw := func(n *notice.Notice) { n.WithdrawnBy, n.WithdrawDate = "ann", today }
	take := func(minor int64) func(n *notice.Notice) { return func(n *notice.Notice) { n.Received = cny(minor) } }
	for name, c := range map[string]struct {
		with []func(*notice.Notice)
		day  calendar.Date
		want notice.State
		open int64
	}{
		"recorded":                         {nil, today, notice.StateRecorded, 10000},
		"recorded, its last day":           {nil, last, notice.StateRecorded, 10000},
		"recorded, past it":                {nil, last.AddDays(1), notice.StateLapsed, 10000},
		"confirmed":                        {[]func(*notice.Notice){confirm}, last, notice.StateConfirmed, 10000},
		"confirmed, past its last day":     {[]func(*notice.Notice){confirm}, last.AddDays(1), notice.StateLapsed, 10000},
		"a part came":                      {[]func(*notice.Notice){confirm, take(4000)}, today, notice.StateConfirmed, 6000},
		"a part came, past its last day":   {[]func(*notice.Notice){confirm, take(4000)}, last.AddDays(1), notice.StateLapsed, 6000},
		"all came":                         {[]func(*notice.Notice){confirm, take(10000)}, last.AddDays(1), notice.StateSettled, 0},
		"all came before it was confirmed": {[]func(*notice.Notice){take(10000)}, today, notice.StateSettled, 0},
		"more came":                        {[]func(*notice.Notice){confirm, take(12000)}, today, notice.StateSettled, 0},
		"withdrawn":                        {[]func(*notice.Notice){confirm, withdraw}, last.AddDays(1), notice.StateWithdrawn, 10000},
		"withdrawn after it was settled":   {[]func(*notice.Notice){confirm, take(10000), withdraw}, today, notice.StateWithdrawn, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := recorded(t)
			for _, f := range c.with {
				f(&n)
			}
			if got := n.State(c.day); got != c.want {
				t.Errorf("state %s, want %s", got, c.want)
			}
			if got := n.Open(); got != cny(c.open) {
				t.Errorf("open %s, want %s", got, cny(c.open))
			}
		})
	}
}

func TestNoticeActs(t *testing.T) {
	confirmed, err := recorded(t).Confirm("bob", today)
	if err != nil || confirmed.ConfirmedBy != "bob" || confirmed.State(today) != notice.StateConfirmed {
		t.Fatalf("confirmed: %+v, %v", confirmed, err)
	}
	settled := confirmed
	settled.Received = cny(10000)
	withdrawn, err := settled.Withdraw("ann", "the order was cancelled", today)
	if err != nil || withdrawn.WithdrawReason == "" || withdrawn.State(today) != notice.StateWithdrawn {
		t.Fatalf("withdrawn: %+v, %v", withdrawn, err)
	}
	late := today.AddDays(6)
	for name, c := range map[string]struct {
		act    func() error
		reason string
	}{
		"confirmed by who recorded it": {func() error { _, err := recorded(t).Confirm("ann", today); return err }, "SAME_PERSON"},
		"confirmed twice":              {func() error { _, err := confirmed.Confirm("carl", today); return err }, "PAYMENT_NOTICE_CONFIRMED"},
		"confirmed when it is over":    {func() error { _, err := recorded(t).Confirm("bob", late); return err }, "PAYMENT_NOTICE_LAPSED"},
		"confirmed when all came":      {func() error { _, err := settled.Confirm("carl", today); return err }, "PAYMENT_NOTICE_SETTLED"},
		"confirmed when withdrawn":     {func() error { _, err := withdrawn.Confirm("carl", today); return err }, "PAYMENT_NOTICE_WITHDRAWN"},
		"withdrawn twice":              {func() error { _, err := withdrawn.Withdraw("ann", "again", today); return err }, "PAYMENT_NOTICE_WITHDRAWN"},
		"money for it":                 {func() error { return confirmed.Take("C1") }, ""},
		"money before it is confirmed": {func() error { return recorded(t).Take("C1") }, ""},
		"money of another customer":    {func() error { return confirmed.Take("C2") }, "PAYMENT_NOTICE_UNKNOWN"},
		"money for a withdrawn one":    {func() error { return withdrawn.Take("C1") }, "PAYMENT_NOTICE_WITHDRAWN"},
		"its invoice":                  {func() error { return confirmed.CheckInvoice(invoice.Invoice{CustomerID: "C1", OrderID: "O1"}) }, ""},
		"another customer's invoice":   {func() error { return confirmed.CheckInvoice(invoice.Invoice{CustomerID: "C2", OrderID: "O1"}) }, "INVOICE_UNKNOWN"},
		"another order's invoice":      {func() error { return confirmed.CheckInvoice(invoice.Invoice{CustomerID: "C1", OrderID: "O2"}) }, "ORDER_MISMATCH"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := why(c.act()); got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
		})
	}
}
