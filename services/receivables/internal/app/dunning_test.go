package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// dying is progress that is lost with its process the n-th time it is kept, and all of its transaction; 0: never.
func dying(n int) operation.Progress {
	return func(context.Context, pg.Querier, operation.Operation) (bool, error) {
		if n--; n == 0 {
			return false, operation.ErrLost
		}
		return false, nil
	}
}

func person(t testing.TB, subject, date string) context.Context {
	t.Helper()
	ctx := authn.WithPrincipal(t.Context(), authn.Principal{Subject: subject, Roles: []string{"CREDIT_MANAGER"}})
	return calendar.WithBusinessDate(ctx, calendar.MustDate(date))
}

// A run whose process dies again and again, in the proposal and between letters: it goes on, nobody is left out, and no
// item takes a level twice, no fee is charged twice.
func TestDunningRunSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const customers, each = 260, 24
	p := shipped()
	fee := map[string]money.Money{"CNY": money.New(500, "CNY")}
	p.Collection.Dunning = dunning.Policy{Strategies: []dunning.Strategy{
		{Name: "with a fee", Segment: dunning.Segment{Customers: []string{"C-0000", "C-0100", "C-0259"}}, Levels: []dunning.Level{{DaysPastDue: 5, Fees: fee}, {WaitDays: 10}}},
		{Name: "others", Levels: []dunning.Level{{DaysPastDue: 5}, {WaitDays: 10}}},
	}}
	h.Policies = inForce{p}
	var drafts []invoice.Draft
	for c := range customers {
		id := fmt.Sprintf("C-%04d", c)
		h.customer(t, id, "CNY")
		for n := range each {
			drafts = append(drafts, invoice.Draft{ID: fmt.Sprintf("%s-%d", id, n), CustomerID: id, DueDate: calendar.MustDate("2024-01-10"), Amount: money.New(10000, "CNY")})
		}
	}
	_, err := h.PostInvoices(on(t, "2024-01-05"), h.request(), drafts)
	must(t, err)

	run, err := h.ProposeRun(person(t, "a", "2024-02-01"), h.request())
	must(t, err)
	op := operation.Operation{ID: run.OperationID, Spec: []byte(`{"dunning_run_id":"` + run.ID + `"}`)}
	work := func(fn func(context.Context, operation.Operation, operation.Progress) (operation.Operation, error), after int) error {
		_, err := fn(person(t, "worker", "2024-02-01"), op, dying(after))
		return err
	}
	// The second batch is lost with its process, the first stays.
	if err := died(work(h.ProposeWork, 2)); err != nil {
		t.Fatal(err)
	}
	half, _, err := h.Run(t.Context(), run.ID)
	must(t, err)
	if half.Lines == 0 || half.Lines >= customers*each || half.Done == 0 || half.State != dunning.RunProposing {
		t.Fatalf("after the first death: %+v", half)
	}
	must(t, work(h.ProposeWork, 0))
	must(t, work(h.ProposeWork, 0)) // a run that is proposed is not proposed again
	whole, sums, err := h.Run(t.Context(), run.ID)
	must(t, err)
	if whole.Lines != customers*each || whole.Customers != customers || sums.Open[0] != money.New(customers*each*10000, "CNY") || sums.Fees[0] != money.New(3*each*500, "CNY") {
		t.Fatalf("%+v %+v", whole, sums)
	}

	// Every second customer is written to by mail, where documents can be made.
	mails := 0
	if _, err := paper.FindFont(h.FontFile); err == nil {
		for c := 0; c < customers; c += 2 {
			_, err := h.SetCorrespondence(on(t, "2024-02-01"), h.request(), statement.Correspondence{
				CustomerID: fmt.Sprintf("C-%04d", c), Emails: []string{"accounts@buyer.example"}, Language: statement.Chinese,
			})
			must(t, err)
			mails++
		}
	}
	_, err = h.ApproveRun(person(t, "b", "2024-02-02"), h.request(), run.ID, "")
	must(t, err)
	for range 3 { // each time letters went out whose place was not kept
		if err := died(work(h.SendWork, 1)); err != nil {
			t.Fatal(err)
		}
		// Nor was their mail queued yet: a process may die between the two.
		must(t, pg.InTx(t.Context(), h.pool, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica")
			for _, table := range []string{"mail_queue", "mail_attachments", "mail_messages"} {
				if err == nil {
					_, err = tx.Exec(ctx, "DELETE FROM "+table+" WHERE message_key IN (SELECT 'dunning/' || dunning_letter_id FROM dunning_letters l WHERE customer_id > (SELECT cursor FROM dunning_runs r WHERE r.dunning_run_id = l.dunning_run_id))")
				}
			}
			return err
		}))
	}
	must(t, work(h.SendWork, 0))
	sent, _, err := h.Run(t.Context(), run.ID)
	must(t, err)
	if sent.Letters != customers || sent.State != dunning.RunSent {
		t.Fatalf("%+v", sent)
	}
	h.count(t, customers*each, `SELECT count(*) FROM dunned_levels WHERE level = 1`)
	h.count(t, 3*each, `SELECT count(*) FROM items WHERE document_kind = 'FEE'`)
	h.count(t, customers, `SELECT count(*) FROM dunning_letters WHERE letter_date = '2024-02-02'`)
	h.count(t, customers, `SELECT count(DISTINCT split_part(dunning_letter_id, '-', 2)::int) FROM dunning_letters WHERE split_part(dunning_letter_id, '-', 2)::int <= 260`)
	h.count(t, mails, `SELECT count(*) FROM mail_queue WHERE state = 'QUEUED'`)
	h.count(t, mails, `SELECT count(*) FROM dunning_letters l JOIN mail_attachments a ON a.message_key = 'dunning/' || l.dunning_letter_id
		WHERE substr(l.customer_id, 3)::int % 2 = 0 AND a.name = l.dunning_letter_id || '.pdf'`)
	report, err := h.Verify(clerk(t))
	must(t, err)
	if len(report.Breaks) > 0 {
		t.Errorf("%+v", report.Breaks)
	}
}

func (h *house) count(t *testing.T, want int, sql string) {
	t.Helper()
	var got int
	must(t, h.pool.QueryRow(t.Context(), sql).Scan(&got))
	if got != want {
		t.Errorf("%d, want %d: %s", got, want, sql)
	}
}

func died(err error) error {
	if !errors.Is(err, operation.ErrLost) {
		return fmt.Errorf("work ended with %w, not with its process", err)
	}
	return nil
}

// Whatever program writes, an item takes a level once, and what went out is not changed.
func TestDatabaseRefusesALevelTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.customer(t, "C", "CNY")
	err := pg.InTx(t.Context(), h.pool, func(ctx context.Context, tx pgx.Tx) error {
		l, err := postgres.AddLetter(ctx, tx, postgres.Letter{
			RunID: "r", CustomerID: "C", Strategy: "s", Level: 1, Date: calendar.MustDate("2024-01-01"), Total: money.New(1, "CNY"), SentBy: "a",
		})
		if err != nil {
			return err
		}
		line := app.DunningLine{CustomerID: "C"}
		line.ItemID, line.Level = "I", 1
		taken := []postgres.Taken{{Line: line}}
		if err := postgres.TakeStates(ctx, tx, l, taken); err != nil {
			return err
		}
		return postgres.TakeLevels(ctx, tx, l, taken, true)
	})
	must(t, err)
	for _, sql := range []string{
		`INSERT INTO dunned_levels SELECT * FROM dunned_levels`, `DELETE FROM dunned_levels`, `UPDATE dunning_letters SET total = 2`,
		`DELETE FROM dunning_states`, `TRUNCATE collection_versions`,
	} {
		if _, err := h.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database lets this pass: %s", sql)
		}
	}
}
