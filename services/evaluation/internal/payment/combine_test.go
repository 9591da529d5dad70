package payment_test

import (
	"reflect"
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
)

func record(first string, minor int64, late int, days string, invoices ...int64) payment.Record {
	m := money.New(minor, "CNY")
	broken := int64(1)
	return payment.Record{
		CustomerID: "C", Currency: "CNY", FallenDue: m, Collected: m, CollectedOnTime: m, SettledItems: 2, LateItems: 1, LateAmountDays: days,
		SettledAmount: m, LongestDaysLate: late, OldestOverdueDays: late, Defaults: 1, FirstInvoice: calendar.MustDate(first), Open: m,
		InvoiceMinor: invoices, BrokenPromises: &broken, LastYear: &m, YearBefore: &m,
	}
}

func TestRecordOfAMergedAccountCounts(t *testing.T) {
	t.Parallel()
	a, b := record("2025-03-01", 100, 10, "7", 5, 9), record("2024-01-01", 50, 90, "9223372036854775807", 2, 7)
	got := a.With(b)
	want := record("2024-01-01", 150, 90, "9223372036854775814", 2, 5, 7, 9)
	want.SettledItems, want.LateItems, want.Defaults, *want.BrokenPromises = 4, 2, 2, 2
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if *a.BrokenPromises != 1 || len(a.InvoiceMinor) != 2 || a.InvoiceMinor[0] != 5 {
		t.Errorf("the record itself changed: %+v", a)
	}
	// Nothing traded, or in another currency: nothing changes.
	if same := a.With(payment.Record{Currency: "CNY"}); !reflect.DeepEqual(same, a) {
		t.Errorf("%+v", same)
	}
	b.Currency = "USD"
	if same := a.With(b); !reflect.DeepEqual(same, a) {
		t.Errorf("%+v", same)
	}
	// The survivor itself may not have traded.
	none := payment.Record{CustomerID: "C", Currency: "CNY", FallenDue: money.Zero("CNY"), Collected: money.Zero("CNY"), CollectedOnTime: money.Zero("CNY"),
		SettledAmount: money.Zero("CNY"), Open: money.Zero("CNY"), LateAmountDays: "0"}
	b.Currency = "CNY"
	if got := none.With(b); got.FirstInvoice != b.FirstInvoice || got.LateAmountDays != b.LateAmountDays || got.LastYear != nil || *got.BrokenPromises != 1 {
		t.Errorf("%+v", got)
	}
}
