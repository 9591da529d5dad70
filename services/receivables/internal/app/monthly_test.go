package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// A month is kept once, from the policy's day and hour on, and never changes.
func TestMonthIsKeptOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C", "CNY")
	post := func(id, date string) {
		_, err := h.PostInvoice(on(t, date), h.request(), invoice.Draft{ID: id, CustomerID: "C", Amount: amount(t, "CNY", "100.00")})
		must(t, err)
	}
	post("I-1", "2023-11-10")
	at := func(text string) time.Time {
		now, err := time.Parse("2006-01-02 15", text)
		must(t, err)
		return now
	}
	keep := func(text, want string) {
		t.Helper()
		got, err := h.KeepDueMonth(clerk(t), at(text), "worker")
		must(t, err)
		if got != want {
			t.Errorf("at %s %q is kept, want %q", text, got, want)
		}
	}
	keep("2023-12-01 05", "2023-10") // before the hour the month before is due
	keep("2023-12-01 06", "2023-11")
	keep("2023-12-01 06", "")
	keep("2023-12-31 23", "")
	ctx := on(t, "2023-12-02")
	november := calendar.MustDate("2023-11-01")
	before, err := h.MonthlyReport(ctx, november)
	must(t, err)
	post("I-2", "2023-11-20") // dated back
	after, err := h.MonthlyReport(ctx, november)
	must(t, err)
	if after.Hash == nil || after.Figures[0].Closing != 10_000 || string(asJSON(t, before)) != string(asJSON(t, after)) {
		t.Errorf("the report changed: %+v", after)
	}
	if _, err := h.pool.Exec(t.Context(), `UPDATE monthly_reports SET content = '{}'`); err == nil {
		t.Error("a kept report can be changed")
	}
	list, err := h.MonthlyReports(ctx, 10)
	must(t, err)
	if len(list) != 2 || list[0].Month != "2023-11" {
		t.Errorf("kept %+v", list)
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return text
}
