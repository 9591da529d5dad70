package app_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/security"
)

// Securities that were recorded before the gate was told of any are told once, by the job.
func TestSecuritiesOfBeforeAreTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C", "CNY")
	h.customer(t, "D", "CNY")
	_, err := h.RecordSecurity(person(t, "li", "2024-01-05"), h.request(), security.Security{
		ID: "S", CustomerID: "C", Kind: security.Mortgage, From: calendar.MustDate("2024-01-01"),
		Valuations: []security.Valuation{{Value: money.New(100, "CNY"), PriorClaims: money.Zero("CNY"), Date: calendar.MustDate("2024-01-01")}},
	})
	must(t, err)
	positions := func() (n int) {
		t.Helper()
		must(t, h.Pool.QueryRow(t.Context(), `SELECT coalesce(sum(last_seq), 0) FROM outbox_heads WHERE stream = 'position'`).Scan(&n))
		return n
	}
	at := positions()
	for round, want := range []int{0, 1, 1} {
		if round == 1 {
			_, err := h.Pool.Exec(t.Context(), `DELETE FROM told_securities`) // as it was before there was this table
			must(t, err)
		}
		must(t, h.TellSecurities(person(t, "receivables", "2024-02-01")))
		if got := positions() - at; got != want {
			t.Errorf("round %d: %d positions told, want %d", round, got, want)
		}
	}
}
