package app_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// since has a schedule in force from a day on.
type since struct {
	day      calendar.Date
	schedule statement.Schedule
}

func (p since) InForce(_ context.Context, day calendar.Date) (terms.Policy, error) {
	out := shipped()
	if !day.Before(p.day) {
		out.Cash.Schedule = p.schedule
	}
	return out, nil
}

func (p since) ByVersion(ctx context.Context, _ int64) (terms.Policy, error) {
	return p.InForce(ctx, p.day)
}

// scheduled lets the job look at an hour, as several replicas do at once, and adds up what they did.
func (h *house) scheduled(t *testing.T, hour string) map[statement.Kind]app.SentStatements {
	t.Helper()
	now, err := time.Parse("2006-01-02 15", hour)
	must(t, err)
	ctx := calendar.WithBusinessDate(authn.WithPrincipal(t.Context(), authn.Principal{Subject: "job", Roles: []string{authn.RoleService}}), calendar.FromTime(now, time.UTC))
	var all sync.WaitGroup
	var mu sync.Mutex
	out := map[statement.Kind]app.SentStatements{}
	for _, worker := range []string{"a", "b", "c"} {
		all.Go(func() {
			sent, err := h.SendDueStatements(ctx, now, worker)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: %v", worker, err)
			}
			for _, s := range sent {
				if _, twice := out[s.Kind]; twice {
					t.Errorf("two replicas sent %s", s.Kind)
				}
				out[s.Kind] = s
			}
		})
	}
	all.Wait()
	return out
}

// Statements go out on the policy's days, once to each customer who owed something at the end of the month before; who has no address
// stays a draft, and what a person took back or drew up is theirs.
func TestStatementsBySchedule(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := paper.FindFont(h.FontFile); err != nil {
		t.Skipf("documents are not made: %v", err)
	}
	yuan := func(n int64) money.Money { return money.New(n*100, "CNY") }
	owes := func(id, day string) {
		t.Helper()
		h.customer(t, id, "CNY")
		_, err := h.PostInvoices(on(t, day), h.request(), []invoice.Draft{{ID: "I-" + id, CustomerID: id, Date: calendar.MustDate(day), Amount: yuan(100)}})
		must(t, err)
	}
	pays := func(id, day string) {
		t.Helper()
		_, err := h.PostReceipt(on(t, day), h.request(), receipt.Draft{ID: "R-" + id, CustomerID: id, Date: calendar.MustDate(day), Amount: yuan(100)}, receipt.Order{})
		must(t, err)
	}
	writes := func(id string) {
		t.Helper()
		_, err := h.SetCorrespondence(on(t, "2024-02-01"), h.request(), statement.Correspondence{CustomerID: id, Emails: []string{"accounts@buyer.example"}, Language: statement.English})
		must(t, err)
	}
	for _, id := range []string{"OWES", "PAID-SINCE", "PAID-BEFORE", "TAKEN-BACK"} {
		owes(id, "2024-02-10")
		writes(id)
	}
	owes("NO-ADDRESS", "2024-02-10")
	owes("SINCE", "2024-03-02")
	h.customer(t, "HAS-MONEY", "CNY")
	pays("HAS-MONEY", "2024-02-10")
	writes("HAS-MONEY")
	pays("PAID-BEFORE", "2024-02-20")
	pays("PAID-SINCE", "2024-03-03")
	person := on(t, "2024-03-04")
	taken, err := h.DraftStatements(person, h.request(), app.Drafting{Kind: statement.Account, AsOf: calendar.MustDate("2024-02-29"), CustomerIDs: []string{"TAKEN-BACK"}})
	must(t, err)
	_, err = h.CancelStatement(person, h.request(), taken.Statements[0].ID, "it was wrong")
	must(t, err)

	want := func(hour string, kind statement.Kind, sent, toPost int) {
		t.Helper()
		got := h.scheduled(t, hour)
		if s := got[kind]; s.Sent != sent || s.ToPost != toPost || s.Left != 0 {
			t.Errorf("at %s: %+v, want %d sent, %d to post", hour, got, sent, toPost)
		}
	}
	// Without a schedule, before its day and hour, and of days before it was in force: nothing.
	want("2024-03-05 09", statement.Account, 0, 0)
	h.Policies = since{calendar.MustDate("2024-03-06"), statement.Schedule{AccountDay: 5}}
	want("2024-03-06 09", statement.Account, 0, 0)
	h.Policies = since{calendar.MustDate("2024-03-01"), statement.Schedule{AccountDay: 5, ConfirmationMonth: 3, ConfirmationDay: 31, Hour: 9, Credits: true}}
	want("2024-03-05 08", statement.Account, 0, 0)
	// Made up for on the next day; once.
	want("2024-03-06 00", statement.Account, 3, 1)
	want("2024-03-06 01", statement.Account, 0, 0)
	want("2024-03-31 09", statement.Confirmation, 4, 1)
	want("2024-04-01 09", statement.Confirmation, 0, 0)

	list, err := h.Statements(person, statement.Query{Limit: 100})
	must(t, err)
	got := map[string]int{}
	for _, s := range list {
		got[s.CustomerID+" "+string(s.Kind)+" "+string(s.Stage)]++
		if s.AsOf != calendar.MustDate("2024-02-29") {
			t.Errorf("as of %s", s.AsOf)
		}
	}
	for _, id := range []string{"OWES", "PAID-SINCE", "HAS-MONEY"} {
		for _, kind := range []string{" ACCOUNT SENT", " CONFIRMATION SENT"} {
			if got[id+kind] != 1 {
				t.Errorf("%s: %d", id+kind, got[id+kind])
			}
		}
	}
	for key, n := range map[string]int{"NO-ADDRESS ACCOUNT DRAFTED": 1, "TAKEN-BACK ACCOUNT CANCELLED": 1, "TAKEN-BACK CONFIRMATION SENT": 1} {
		if got[key] != n {
			t.Errorf("%s: %d, want %d", key, got[key], n)
		}
	}
	if len(list) != 10 {
		t.Errorf("%d statements: %v", len(list), got)
	}
	h.count(t, 7, "SELECT count(*) FROM mail_queue WHERE state = 'QUEUED'")

	// A worker that died between drawing up and sending: another sends what it drew up.
	h.Policies = since{calendar.MustDate("2024-03-01"), statement.Schedule{AccountDay: 5}}
	owes("LATE", "2024-03-10")
	job := calendar.WithBusinessDate(authn.WithPrincipal(t.Context(), authn.Principal{Subject: "job"}), calendar.MustDate("2024-04-05"))
	_, err = h.DraftStatements(job, h.request(), app.Drafting{Kind: statement.Account, AsOf: calendar.MustDate("2024-03-31"), CustomerIDs: []string{"OWES"}})
	must(t, err)
	want("2024-04-05 00", statement.Account, 2, 3) // OWES, TAKEN-BACK; NO-ADDRESS, SINCE, LATE
}

func TestScheduleContradicts(t *testing.T) {
	t.Parallel()
	p := shipped()
	p.Cash.Schedule.ConfirmationMonth = 3
	if err := p.Check(); errs.ReasonOf(err) != "POLICY_INVALID" {
		t.Errorf("a month without a day: %v", err)
	}
}
