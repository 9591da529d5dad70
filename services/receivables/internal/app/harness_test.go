package app_test

import (
	"context"
	"io/fs"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// quiet is an outlet whose receiver is somewhere else.
type quiet struct{}

func (quiet) Flush(context.Context, string)                                    {}
func (quiet) Nudge()                                                           {}
func (quiet) Pending(context.Context) (int64, error)                           { return 0, nil }
func (quiet) InForce(_ context.Context, _ calendar.Date) (terms.Policy, error) { return shipped(), nil }

func (quiet) ByVersion(context.Context, int64) (terms.Policy, error) { return shipped(), nil }

func shipped() terms.Policy {
	return terms.Policy{
		Version: 1, AgingBounds: []int32{30, 60, 90, 180, 360}, DefaultTermDays: 30, DefaultAfterDays: 91, BaseCurrency: "CNY",
		Figures: terms.Figures{DSODays: 90, PaceDays: 90, ReportDay: 1, ReportHour: 6},
		Ledger: terms.Ledger{
			MemoReasons:   []string{"RETURN"},
			MemoAuthority: approval.Table{{Steps: []approval.Step{{Name: "approval", AnyOf: []string{"FINANCE_MANAGER"}}}}},
		},
	}
}

// house is the phase on a database of its own.
type house struct {
	*app.Service
	pool     *pgxpool.Pool
	requests atomic.Int64
}

func migrations() fs.FS { return postgres.Migrations() }

func newHouse(t testing.TB) *house {
	t.Helper()
	pool := pgtest.New(t, postgres.Schema, migrations())
	clock := calendar.FixedClock(time.Date(2024, 1, 1, 4, 0, 0, 0, time.UTC), time.UTC)
	return &house{pool: pool, Service: app.New(app.Deps{
		Pool: pool, Clock: clock, Log: slog.New(slog.DiscardHandler), Policies: quiet{}, Positions: quiet{}, Settlements: quiet{},
	})}
}

// on is a call by a clerk on a business date.
func on(t testing.TB, date string) context.Context {
	t.Helper()
	return calendar.WithBusinessDate(clerk(t), calendar.MustDate(date))
}

func clerk(t testing.TB) context.Context {
	return authn.WithPrincipal(t.Context(), authn.Principal{Subject: "clerk", Roles: []string{"FINANCE_CLERK"}})
}

// request is a new request each time.
func (h *house) request() idem.Request {
	id := strconv.FormatInt(h.requests.Add(1), 10)
	return idem.Request{ID: "r-" + id, Method: "test", Hash: []byte(id)}
}

func (h *house) customer(t testing.TB, id, currency string) {
	t.Helper()
	_, err := h.ApplyCustomers(clerk(t), []app.Customer{{
		ID: id, Sequence: 1, BusinessDate: calendar.MustDate("2010-01-01"), DisplayName: "Customer " + id, Currency: currency, Salesperson: "S-1",
	}})
	must(t, err)
}

// tb is what *testing.T and *rapid.T have in common here.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReasonOf(t tb, err error, reason string) {
	t.Helper()
	if got := errs.ReasonOf(err); got != reason {
		t.Fatalf("reason %q (%v), want %q", got, err, reason)
	}
}

func wantReason(t testing.TB, err error, reason string) {
	t.Helper()
	if got := errs.ReasonOf(err); got != reason {
		t.Fatalf("reason %q (%v), want %q", got, err, reason)
	}
}

func amount(t testing.TB, currency, s string) money.Money {
	t.Helper()
	m, err := money.Parse(currency, s)
	must(t, err)
	return m
}

func dateOf(s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	return calendar.MustDate(s)
}

// manager is a call of a finance manager, on the business date of another call.
func manager(ctx context.Context) context.Context {
	return authn.WithPrincipal(ctx, authn.Principal{Subject: "manager", Roles: []string{"FINANCE_MANAGER"}})
}

// byMemo proposes a credit memo and has another person approve it.
func (h *house) byMemo(ctx context.Context, d memo.Draft) error {
	d.ReasonCode, d.Text = "RETURN", "test"
	m, err := h.ProposeMemo(ctx, h.request(), d)
	if err != nil {
		return err
	}
	_, err = h.DecideMemo(manager(ctx), h.request(), m.ID, approval.Approve, "")
	return err
}

// takeBack has a document taken back, by two people.
func (h *house) takeBack(ctx context.Context, customer, id string) error {
	return h.byMemo(ctx, memo.Draft{CustomerID: customer, Kind: ledger.KindReversal, About: id})
}
