package receivables_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (w *world) limits() receivablesv1.LimitationServiceClient {
	return receivablesv1.NewLimitationServiceClient(w.conn)
}

func (w *world) warnings() receivablesv1.WarningServiceClient {
	return receivablesv1.NewWarningServiceClient(w.conn)
}

// period is "STATE last day" of an item on a day.
func (w *world) period(t *testing.T, item, date string) string {
	t.Helper()
	r, err := w.limits().GetLimitation(w.as(t, "COLLECTOR", date), &receivablesv1.GetLimitationRequest{ItemId: item})
	must(t, err)
	l := r.GetLimitation()
	return strings.TrimPrefix(l.GetState().String(), "LIMITATION_STATE_") + " " + l.GetLastDate()
}

func (w *world) limitationEvent(t *testing.T, date string, e *receivablesv1.LimitationEvent) error {
	t.Helper()
	_, err := w.limits().RecordLimitationEvent(w.as(t, "COLLECTOR", date), &receivablesv1.RecordLimitationEventRequest{RequestId: "event " + e.GetLimitationEventId(), LimitationEvent: e})
	return err
}

// give gives the warnings of a day and returns "given late".
func (w *world) give(t *testing.T, date string) string {
	t.Helper()
	r, err := w.warnings().GiveWarnings(w.as(t, "OPERATOR", date), &receivablesv1.GiveWarningsRequest{})
	must(t, err)
	return fmt.Sprintf("%d given, %d late", r.GetWarnings(), r.GetLate())
}

func (w *world) warned(t *testing.T, q *receivablesv1.ListWarningsRequest) []*receivablesv1.Warning {
	t.Helper()
	r, err := w.warnings().ListWarnings(w.as(t, "AUDITOR", ""), q)
	must(t, err)
	return r.GetWarnings()
}

// A limitation period from the due date on: what the customer pays and what is recorded starts it anew, what comes back or is
// taken back does not.
func TestLimitationPeriodOfAnItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100"), DueDate: "2024-01-15"})
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("300"), Instalments: []*receivablesv1.Instalment{
		{DueDate: "2024-01-15", Amount: cny("100")}, {DueDate: "2024-06-15", Amount: cny("200")},
	}})
	equal(t, "not due", w.period(t, "I-1", "2024-01-15"), "NOT_BEGUN ")
	equal(t, "three years", w.period(t, "I-1", "2024-01-16"), "RUNNING 2027-01-15")
	equal(t, "an instalment, from the last one", w.period(t, "I-2/1", "2024-07-01"), "RUNNING 2027-06-15")
	w.pay(t, "2025-03-01", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("40")})
	equal(t, "a part payment", w.period(t, "I-1", "2025-03-02"), "RUNNING 2028-03-01")
	_, err := w.receipts.ReverseReceipt(w.as(t, "FINANCE_MANAGER", "2025-03-06"), &receivablesv1.ReverseReceiptRequest{RequestId: "back", ReceiptId: "R-1", Reason: "returned"})
	must(t, err)
	equal(t, "the money went back", w.period(t, "I-1", "2025-03-07"), "RUNNING 2027-01-15")
	demand := receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_DEMAND
	must(t, w.limitationEvent(t, "2025-04-01", &receivablesv1.LimitationEvent{LimitationEventId: "E-1", CustomerId: "C-1", Kind: demand, EventDate: "2025-04-01", Evidence: "registered letter 7"}))
	equal(t, "a demand for all", w.period(t, "I-1", "2025-04-01"), "RUNNING 2028-04-01")
	equal(t, "for the instalments too", w.period(t, "I-2/2", "2025-04-01"), "RUNNING 2028-04-01")
	w.post(t, "2025-04-02", &receivablesv1.Invoice{InvoiceId: "I-3", CustomerId: "C-1", Amount: cny("100"), DueDate: "2025-04-02"})
	equal(t, "not for what came later", w.period(t, "I-3", "2025-04-03"), "RUNNING 2028-04-02")
	_, err = w.limits().WithdrawLimitationEvent(w.as(t, "CREDIT_MANAGER", "2025-04-05"), &receivablesv1.WithdrawLimitationEventRequest{RequestId: "w", LimitationEventId: "E-1", Reason: "it came back unopened"})
	must(t, err)
	equal(t, "taken back", w.period(t, "I-1", "2025-04-05"), "RUNNING 2027-01-15")
	suit := &receivablesv1.LimitationEvent{
		LimitationEventId: "E-2", CustomerId: "C-1", ItemId: "I-1", Kind: receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_PROCEEDING,
		EventDate: "2026-12-01", Evidence: "file 4711",
	}
	must(t, w.limitationEvent(t, "2026-12-02", suit))
	equal(t, "at court", w.period(t, "I-1", "2027-05-01"), "STOPPED ")
	_, err = w.limits().EndLimitationEvent(w.as(t, "COLLECTOR", "2027-06-02"), &receivablesv1.EndLimitationEventRequest{RequestId: "end", LimitationEventId: "E-2", EndDate: "2027-06-01"})
	must(t, err)
	equal(t, "anew from its end", w.period(t, "I-1", "2027-06-02"), "RUNNING 2030-06-01")
	r, err := w.limits().GetLimitation(w.as(t, "COLLECTOR", "2027-06-02"), &receivablesv1.GetLimitationRequest{ItemId: "I-1"})
	must(t, err)
	if steps := r.GetLimitation().GetSteps(); len(steps) != 1 || steps[0].GetLastDate() != "2030-06-01" || steps[0].GetEvent().GetRecordedBy() != "COLLECTOR" {
		t.Errorf("steps %v", steps)
	}
	for name, c := range map[string]struct {
		e            *receivablesv1.LimitationEvent
		kind         errs.Kind
		reason, path string
	}{
		"ahead":         {&receivablesv1.LimitationEvent{EventDate: "2027-06-03"}, errs.Invalid, errs.ReasonInvalidField, "limitation_event.event_date"},
		"no end":        {&receivablesv1.LimitationEvent{EventDate: "2027-06-01", EndDate: "2027-06-02"}, errs.Invalid, errs.ReasonInvalidField, "limitation_event.end_date"},
		"no such item":  {&receivablesv1.LimitationEvent{EventDate: "2027-06-01", ItemId: "I-9"}, errs.NotFound, "ITEM_UNKNOWN", "limitation_event.item_id"},
		"recorded once": {&receivablesv1.LimitationEvent{EventDate: "2027-06-01", LimitationEventId: "E-1"}, errs.AlreadyExists, "LIMITATION_EVENT_EXISTS", ""},
	} {
		e := c.e
		e.CustomerId, e.Kind, e.Evidence = "C-1", demand, "x"
		if e.GetLimitationEventId() == "" {
			e.LimitationEventId = "E-9"
		}
		_, err := w.limits().RecordLimitationEvent(w.as(t, "COLLECTOR", "2027-06-02"), &receivablesv1.RecordLimitationEventRequest{RequestId: name, LimitationEvent: e})
		if got := refusal(t, err, c.kind, c.reason); c.path != "" && !names(got, c.path) {
			t.Errorf("%s: %+v does not name %s", name, got, c.path)
		}
	}
	_, err = w.limits().GetLimitation(w.by(t, "ben", "SALESPERSON", "2027-06-02"), &receivablesv1.GetLimitationRequest{ItemId: "I-1"})
	want(t, err, errs.NotFound, "ITEM_UNKNOWN")
}

// Invariant: each warning once, to whoever is responsible, on time; after a time in which nobody looked the most urgent one
// at the first look, which says how late it is; a day that passed unseen is told too.
func TestWarningsOfLimitationPeriods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	for id, due := range map[string]string{"I-1": "2024-01-15", "I-2": "2024-02-15", "I-3": "2020-05-05", "I-4": "2024-01-15"} {
		w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C-1", Amount: cny("100"), InvoiceDate: "2020-01-01", DueDate: due})
	}
	w.pay(t, "2024-03-01", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("100")}) // settles I-3
	equal(t, "too early", w.give(t, "2026-07-18"), "0 given, 0 late")
	equal(t, "180 days ahead", w.give(t, "2026-07-19"), "2 given, 0 late")
	equal(t, "not twice", w.give(t, "2026-07-19"), "0 given, 0 late")
	must(t, w.limitationEvent(t, "2026-08-01", &receivablesv1.LimitationEvent{
		LimitationEventId: "E-1", CustomerId: "C-1", ItemId: "I-4", Kind: receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_ACKNOWLEDGEMENT,
		EventDate: "2026-08-01", Evidence: "signed balance",
	}))
	// Nothing runs for months: the first look gives the most urgent of each, late, and not those that were left out.
	equal(t, "after a time without a look", w.give(t, "2026-12-20"), "2 given, 2 late")
	got := w.warned(t, &receivablesv1.ListWarningsRequest{Kind: receivablesv1.WarningKind_WARNING_KIND_LIMITATION})
	var lines []string
	for _, g := range got {
		lines = append(lines, fmt.Sprintf("%s %s %d +%d %s %s", g.GetObjectId(), g.GetLastDate(), g.GetDaysAhead(), g.GetLateDays(), g.GetOwner(), g.GetAmount().GetAmount()))
	}
	// I-1: 30 days ahead is due on 16 December, but 90 days ahead (17 October) was left out; I-2: 180 days ahead was 19 August.
	equal(t, "warnings", strings.Join(lines[:2], "; "), "I-2 2027-02-15 90 +123 anna 100.00; I-1 2027-01-15 30 +64 anna 100.00")
	equal(t, "the day has passed", w.give(t, "2027-01-16"), "2 given, 0 late") // I-1 passed, I-2 30 days ahead
	if p := w.warned(t, &receivablesv1.ListWarningsRequest{ObjectId: "I-1"})[0]; p.DaysAhead != nil || p.GetLastDate() != "2027-01-15" {
		t.Errorf("passed: %v", p)
	}
	id := w.warned(t, &receivablesv1.ListWarningsRequest{ObjectId: "I-2"})[0].GetWarningId()
	answer := func(subject, role, request string) error {
		_, err := w.warnings().AcknowledgeWarning(w.by(t, subject, role, "2027-01-17"), &receivablesv1.AcknowledgeWarningRequest{RequestId: request, WarningId: id, Note: "lawyer's letter goes out today"})
		return err
	}
	want(t, answer("ben", "SALESPERSON", "a-1"), errs.NotFound, "WARNING_UNKNOWN")
	must(t, answer("anna", "SALESPERSON", "a-2"))
	want(t, answer("anna", "SALESPERSON", "a-3"), errs.FailedPrecondition, "WARNING_ACKNOWLEDGED")
	open := w.warned(t, &receivablesv1.ListWarningsRequest{Owner: "anna", OpenOnly: true, ObjectId: "I-2"})
	if len(open) != 1 {
		t.Errorf("not answered: %v", open)
	}
	list, err := w.limits().ListLimitations(w.as(t, "AUDITOR", "2027-01-17"), &receivablesv1.ListLimitationsRequest{WithinDays: 30})
	must(t, err)
	if l := list.GetLimitations(); len(l) != 2 || l[0].GetItemId() != "I-1" || l[0].GetDaysLeft() != -2 || l[1].GetDaysLeft() != 29 {
		t.Errorf("ending: %v", l)
	}
	for _, sql := range []string{"UPDATE warnings SET owner = 'x'", "DELETE FROM warnings", "TRUNCATE limitation_events CASCADE", "UPDATE claim_versions SET body = '{}'"} {
		if tag, err := w.pool.Exec(t.Context(), sql); err == nil && tag.RowsAffected() > 0 {
			t.Errorf("%s went through", sql)
		}
	}
}

// Letters below the policy's level change nothing, those from it on are demands, for the items that were asked for; one that came
// back is taken back.
func TestLettersAreDemandsFromALevelOn(t *testing.T) {
	t.Parallel()
	w := shopWith(t, 2)
	w.approve(t, w.propose(t, "a", "2024-03-06"), "2024-03-06")
	w.hearsLevel(t, "C", 1)
	equal(t, "is no demand", w.period(t, "I1", "2024-03-07"), "RUNNING 2027-03-01")
	w.approve(t, w.propose(t, "a", "2024-03-21"), "2024-03-21")
	w.hearsLevel(t, "C", 2)
	equal(t, "is a demand", w.period(t, "I1", "2024-03-22"), "RUNNING 2027-03-21")
	equal(t, "not of what it did not ask for", w.period(t, "I2", "2024-03-22"), "RUNNING 2027-03-20")
	r, err := w.limits().GetLimitation(w.as(t, collector, "2024-03-22"), &receivablesv1.GetLimitationRequest{ItemId: "I1"})
	must(t, err)
	e := r.GetLimitation().GetSteps()[0].GetEvent()
	equal(t, "kind", e.GetKind(), receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_DEMAND)
	equal(t, "evidence", e.GetEvidence(), "dunning letter D2024-000002")
	_, err = w.limits().WithdrawLimitationEvent(w.as(t, manager, "2024-03-25"), &receivablesv1.WithdrawLimitationEventRequest{
		RequestId: "w", LimitationEventId: e.GetLimitationEventId(), Reason: "it came back unopened",
	})
	must(t, err)
	equal(t, "came back", w.period(t, "I1", "2024-03-25"), "RUNNING 2027-03-01")
}

// Where the policy names no level, letters are no demands.
func TestLettersAreNoDemandsWithoutALevel(t *testing.T) {
	t.Parallel()
	w := shopWith(t, 0)
	sent := w.approve(t, w.propose(t, "a", "2024-03-26"), "2024-03-26")
	equal(t, "letters", sent.GetLetters(), 1)
	equal(t, "no demand", w.period(t, "I1", "2024-03-27"), "RUNNING 2027-03-01")
}

// Whoever promises to pay acknowledges the debt: its items' periods begin anew, even of what has expired, until the promise is
// taken back.
func TestPromiseIsAnAcknowledgement(t *testing.T) {
	t.Parallel()
	w := shop(t)
	promised := func(date, id string, items ...string) {
		t.Helper()
		_, err := w.promise(t, date, &receivablesv1.Promise{
			PromiseId: id, CustomerId: "C", ItemIds: items, PromisedBy: "their accountant",
			Parts: []*receivablesv1.PromisePart{{Date: date, Amount: cny("1")}},
		})
		must(t, err)
	}
	withdrawn := func(date, id string) {
		t.Helper()
		_, err := w.collection.WithdrawPromise(w.as(t, manager, date), &receivablesv1.WithdrawPromiseRequest{RequestId: "w " + id, PromiseId: id, Reason: "not what they said"})
		must(t, err)
	}
	long := strings.Repeat("P", 64)
	promised("2024-04-02", long, "I1")
	equal(t, "anew from the promise", w.period(t, "I1", "2024-04-03"), "RUNNING 2027-04-02")
	equal(t, "not of another item", w.period(t, "I2", "2024-04-03"), "RUNNING 2027-03-20")
	r, err := w.limits().GetLimitation(w.as(t, collector, "2024-04-03"), &receivablesv1.GetLimitationRequest{ItemId: "I1"})
	must(t, err)
	e := r.GetLimitation().GetSteps()[0].GetEvent()
	equal(t, "kind", e.GetKind(), receivablesv1.LimitationEventKind_LIMITATION_EVENT_KIND_ACKNOWLEDGEMENT)
	equal(t, "evidence", e.GetEvidence(), "promise "+long+" of their accountant")
	withdrawn("2024-04-04", long)
	equal(t, "taken back", w.period(t, "I1", "2024-04-04"), "RUNNING 2027-03-01")

	promised("2024-05-02", "P2", "I1", "I2")
	equal(t, "of both", w.period(t, "I2", "2024-05-03"), "RUNNING 2027-05-02")
	_, err = w.limits().WithdrawLimitationEvent(w.as(t, manager, "2024-05-03"), &receivablesv1.WithdrawLimitationEventRequest{
		RequestId: "w", LimitationEventId: "promise/P2/1", Reason: "said by somebody who could not",
	})
	must(t, err)
	equal(t, "one taken back", w.period(t, "I1", "2024-05-03"), "RUNNING 2027-03-01")
	equal(t, "the other stays", w.period(t, "I2", "2024-05-03"), "RUNNING 2027-05-02")
	withdrawn("2024-05-04", "P2")
	equal(t, "and goes with its promise", w.period(t, "I2", "2024-05-04"), "RUNNING 2027-03-20")

	equal(t, "expired", w.period(t, "I1", "2027-03-02"), "EXPIRED 2027-03-01")
	promised("2027-03-05", "P3", "I1")
	equal(t, "acknowledged after all", w.period(t, "I1", "2027-03-05"), "RUNNING 2030-03-05")
}
