package receivables_test

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const (
	collector = "COLLECTOR"
	manager   = "CREDIT_MANAGER"
)

// shop is a world with one customer that owes 100 due on 2024-03-01 and 50 due on 2024-03-20, under the shipped policy
// without its minimum.
func shop(t *testing.T) *world {
	t.Helper()
	return shopWith(t, 1)
}

// shopWith is shop where letters are demands from a level on; 0: none is.
func shopWith(t *testing.T, demandFrom int32) *world {
	t.Helper()
	w := newWorld(t)
	w.work(t)
	level := func(past int32, stop bool) *receivablesv1.DunningLevel {
		return &receivablesv1.DunningLevel{Name: "l", DaysPastDue: past, Letter: letter(), StopSupply: stop, Call: true}
	}
	w.sign(t, &receivablesv1.ReceivablesPolicy{
		Name: "shop", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultTermDays: 30, DefaultAfterDays: 91,
		Collection: &receivablesv1.CollectionPolicy{PromiseRemindDays: 3, PromiseGraceDays: 1, Strategies: []*receivablesv1.DunningStrategy{
			{Name: "s", Levels: []*receivablesv1.DunningLevel{level(5, false), level(20, true)}},
		}},
		Claims: &receivablesv1.ClaimsPolicy{DemandFromLevel: demandFrom},
	})
	w.deliver(t, profile("C", "S", 1), profile("D", "T", 1))
	w.post(t, "2024-02-01", &receivablesv1.Invoice{InvoiceId: "I1", CustomerId: "C", DueDate: "2024-03-01", Amount: cny("100")})
	w.post(t, "2024-02-01", &receivablesv1.Invoice{InvoiceId: "I2", CustomerId: "C", DueDate: "2024-03-20", Amount: cny("50")})
	return w
}

func (w *world) propose(t *testing.T, subject, date string) *receivablesv1.DunningRun {
	t.Helper()
	resp, err := w.dunning.ProposeDunningRun(w.by(t, subject, collector, date), &receivablesv1.ProposeDunningRunRequest{RequestId: "propose " + subject + date})
	must(t, err)
	return w.until(t, resp.GetRun().GetDunningRunId(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_PROPOSED)
}

func (w *world) approve(t *testing.T, run *receivablesv1.DunningRun, date string) *receivablesv1.DunningRun {
	t.Helper()
	_, err := w.dunning.ApproveDunningRun(w.as(t, manager, date), &receivablesv1.ApproveDunningRunRequest{RequestId: "approve " + date, DunningRunId: run.GetDunningRunId()})
	must(t, err)
	return w.until(t, run.GetDunningRunId(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_SENT)
}

// position is the newest that the gate was told, once it was told all.
func (w *world) position(t *testing.T, customer string) *receivablesv1.Position {
	t.Helper()
	for waiting, left := int64(1), 200; waiting > 0; left-- {
		must(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox_heads WHERE stream = 'position' AND acked_seq < last_seq`).Scan(&waiting))
		if waiting > 0 && left == 0 {
			t.Fatal("the gate is not told what changed")
		}
		if waiting > 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}
	var last *receivablesv1.Position
	w.set(func() {
		if list := w.positions[customer]; len(list) > 0 {
			last = list[len(list)-1]
		}
	})
	return last
}

// hearsLevel waits until the gate has heard of a dunning level: letters are told once they are out.
func (w *world) hearsLevel(t *testing.T, customer string, level int32) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); w.position(t, customer).GetDunningLevel() != level; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the gate does not hear of level %d: %v", level, w.position(t, customer))
		}
	}
}

func (w *world) promise(t *testing.T, date string, p *receivablesv1.Promise) (*receivablesv1.Promise, error) {
	t.Helper()
	resp, err := w.collection.RecordPromise(w.as(t, collector, date), &receivablesv1.RecordPromiseRequest{RequestId: "promise " + p.GetPromiseId() + date, Promise: p})
	return resp.GetPromise(), err
}

// brokenBy is how many broken promises the payment record of C, which ratings read, counts on a day.
func (w *world) brokenBy(t *testing.T, date string) int64 {
	t.Helper()
	r, err := w.feed.GetPaymentRecord(w.as(t, authn.RoleService, date), &receivablesv1.GetPaymentRecordRequest{CustomerId: "C", AsOfDate: date})
	must(t, err)
	if r.GetRecord().BrokenPromises == nil {
		t.Fatal("the record does not tell of promises")
	}
	return r.GetRecord().GetBrokenPromises()
}

// The payment record counts a promise from the day on which it is broken, paid since or not, until it is taken back; before that
// day, and before it was made, there is none.
func TestBrokenPromisesInThePaymentRecord(t *testing.T) {
	t.Parallel()
	w := shop(t)
	equal(t, "none was made", w.brokenBy(t, "2024-03-10"), 0)
	part := func(date, amount string) *receivablesv1.PromisePart {
		return &receivablesv1.PromisePart{Date: date, Amount: cny(amount)}
	}
	_, err := w.promise(t, "2024-03-10", &receivablesv1.Promise{PromiseId: "P1", CustomerId: "C", ItemIds: []string{"I1"}, Parts: []*receivablesv1.PromisePart{part("2024-03-15", "60"), part("2024-03-20", "40")}})
	must(t, err)
	_, err = w.promise(t, "2024-03-21", &receivablesv1.Promise{PromiseId: "P2", CustomerId: "C", ItemIds: []string{"I2"}, Parts: []*receivablesv1.PromisePart{part("2024-03-25", "50")}})
	must(t, err)
	equal(t, "within the grace", w.brokenBy(t, "2024-03-16"), 0)
	equal(t, "broken", w.brokenBy(t, "2024-03-17"), 1)
	equal(t, "once, whatever its parts", w.brokenBy(t, "2024-03-26"), 1)
	equal(t, "the second too", w.brokenBy(t, "2024-03-27"), 2)
	w.pay(t, "2024-03-28", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("150")})
	equal(t, "paid late, broken all the same", w.brokenBy(t, "2024-03-28"), 2)
	equal(t, "as of a day before", w.brokenBy(t, "2024-03-16"), 0)
	_, err = w.collection.WithdrawPromise(w.as(t, manager, "2024-03-29"), &receivablesv1.WithdrawPromiseRequest{RequestId: "w", PromiseId: "P2", Reason: "entered for the wrong customer"})
	must(t, err)
	equal(t, "taken back", w.brokenBy(t, "2024-03-29"), 1)
}

// A promise in two parts: broken, told to the gate when the run of the day judges it, mended by money, broken again when the
// money goes back; the worklist puts the customer first at once.
func TestPromiseFromRecordToGate(t *testing.T) {
	t.Parallel()
	w := shop(t)
	p, err := w.promise(t, "2024-03-25", &receivablesv1.Promise{PromiseId: "P", CustomerId: "C", PromisedBy: "their accountant", Parts: []*receivablesv1.PromisePart{
		{Date: "2024-03-28", Amount: cny("80")}, {Date: "2024-04-10", Amount: cny("70")},
	}})
	must(t, err)
	equal(t, "items", len(p.GetItemIds()), 2)
	equal(t, "grace", p.GetGraceDays(), 1)
	before, err := w.collection.GetWorklist(w.as(t, collector, "2024-03-29"), &receivablesv1.GetWorklistRequest{Collector: "S"})
	must(t, err)
	equal(t, "badge", before.GetPromisesBadge(), 1)
	after, err := w.collection.GetWorklist(w.as(t, collector, "2024-03-30"), &receivablesv1.GetWorklistRequest{Collector: "S"})
	must(t, err)
	equal(t, "step", after.GetItems()[0].GetNextStep(), "PROMISE_BROKEN")
	if after.GetItems()[0].GetTenths() <= before.GetItems()[0].GetTenths() {
		t.Errorf("points %d, then %d", before.GetItems()[0].GetTenths(), after.GetItems()[0].GetTenths())
	}
	w.propose(t, "a", "2024-03-30")
	heard := w.position(t, "C")
	equal(t, "broken", heard.GetBrokenPromises(), 1)
	equal(t, "unpaid", heard.GetBrokenPromiseAmount().GetAmount(), "80.00")
	equal(t, "day", heard.GetLastBrokenPromiseDate(), "2024-03-30")

	w.pay(t, "2024-04-01", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("80")})
	equal(t, "broken after the money came", w.position(t, "C").GetBrokenPromises(), 0)
	got, err := w.collection.GetPromise(w.as(t, collector, "2024-04-01"), &receivablesv1.GetPromiseRequest{PromiseId: "P"})
	must(t, err)
	equal(t, "state", got.GetPromise().GetState(), receivablesv1.PromiseState_PROMISE_STATE_BROKEN)
	equal(t, "received", got.GetPromise().GetReceivedAmount().GetAmount(), "80.00")
	_, err = w.receipts.ReverseReceipt(w.as(t, "FINANCE_MANAGER", "2024-04-02"), &receivablesv1.ReverseReceiptRequest{RequestId: "back", ReceiptId: "R", Reason: "returned by the bank"})
	must(t, err)
	equal(t, "broken after it went back", w.position(t, "C").GetBrokenPromises(), 1)

	_, err = w.collection.WithdrawPromise(w.as(t, collector, "2024-04-03"), &receivablesv1.WithdrawPromiseRequest{RequestId: "w0", PromiseId: "P", Reason: "replaced"})
	want(t, err, errs.PermissionDenied, "PROMISE_MISSED")
	_, err = w.collection.WithdrawPromise(w.by(t, "S", "SALESPERSON", "2024-04-03"), &receivablesv1.WithdrawPromiseRequest{RequestId: "w1", PromiseId: "P", Reason: "replaced"})
	want(t, err, errs.PermissionDenied, "PROMISE_MISSED")
	equal(t, "broken as before", w.position(t, "C").GetBrokenPromises(), 1)
	_, err = w.collection.WithdrawPromise(w.as(t, manager, "2024-04-03"), &receivablesv1.WithdrawPromiseRequest{RequestId: "blank", PromiseId: "P", Reason: " \t"})
	if e := refusal(t, err, errs.Invalid, "INVALID_FIELD"); !names(e, "reason") {
		t.Error(e)
	}
	_, err = w.collection.WithdrawPromise(w.as(t, manager, "2024-04-03"), &receivablesv1.WithdrawPromiseRequest{RequestId: "w", PromiseId: "P", Reason: "replaced"})
	must(t, err)
	equal(t, "broken after it was withdrawn", w.position(t, "C").GetBrokenPromises(), 0)
	_, err = w.collection.WithdrawPromise(w.as(t, collector, "2024-04-03"), &receivablesv1.WithdrawPromiseRequest{RequestId: "w2", PromiseId: "P", Reason: "again"})
	want(t, err, errs.FailedPrecondition, "PROMISE_WITHDRAWN")
}

func TestPromiseRefusals(t *testing.T) {
	t.Parallel()
	w := shop(t)
	part := func(date, amount string) []*receivablesv1.PromisePart {
		return []*receivablesv1.PromisePart{{Date: date, Amount: cny(amount)}}
	}
	_, err := w.promise(t, "2024-02-20", &receivablesv1.Promise{PromiseId: "P0", CustomerId: "C", Parts: part("2024-03-05", "1")})
	want(t, err, errs.FailedPrecondition, "NOTHING_OPEN")
	_, err = w.promise(t, "2024-03-05", &receivablesv1.Promise{PromiseId: "P0", CustomerId: "C", ItemIds: []string{"X"}, Parts: part("2024-03-05", "1")})
	want(t, err, errs.NotFound, "ITEM_UNKNOWN")
	_, err = w.promise(t, "2024-03-05", &receivablesv1.Promise{PromiseId: "P0", CustomerId: "D", ItemIds: []string{"I1"}, Parts: part("2024-03-05", "1")})
	want(t, err, errs.NotFound, "ITEM_UNKNOWN")
	_, err = w.promise(t, "2024-03-05", &receivablesv1.Promise{PromiseId: "P0", CustomerId: "C", ItemIds: []string{"I1"}, Parts: part("2024-03-06", "100.01")})
	if e := refusal(t, err, errs.Invalid, "INVALID_FIELD"); !names(e, "promise.parts") {
		t.Error(e)
	}
	_, err = w.promise(t, "2024-03-05", &receivablesv1.Promise{PromiseId: "P1", CustomerId: "C", ItemIds: []string{"I1"}, Parts: part("2024-03-20", "60")})
	must(t, err)
	_, err = w.promise(t, "2024-03-06", &receivablesv1.Promise{PromiseId: "P2", CustomerId: "C", ItemIds: []string{"I1"}, Parts: part("2024-03-20", "40")})
	want(t, err, errs.FailedPrecondition, "PROMISE_OPEN")
	_, err = w.promise(t, "2024-03-07", &receivablesv1.Promise{PromiseId: "P1", CustomerId: "C", ItemIds: []string{"I2"}, Parts: part("2024-03-20", "40")})
	want(t, err, errs.AlreadyExists, "PROMISE_EXISTS")
	_, err = w.collection.GetPromise(w.by(t, "T", "SALESPERSON", "2024-03-07"), &receivablesv1.GetPromiseRequest{PromiseId: "P1"})
	want(t, err, errs.NotFound, "PROMISE_UNKNOWN")
	_, err = w.collection.GetPromise(w.by(t, "S", "SALESPERSON", "2024-03-07"), &receivablesv1.GetPromiseRequest{PromiseId: "P1"})
	must(t, err)
}

func TestDisputeFromOpenToGate(t *testing.T) {
	t.Parallel()
	w := shop(t)
	open := func(id, item, amount string) error {
		d := &receivablesv1.Dispute{
			DisputeId: id, CustomerId: "C", ItemId: item, Owner: "quality", DueDate: "2024-03-15", Text: "two broken",
			Reason: receivablesv1.DisputeReason_DISPUTE_REASON_QUALITY,
		}
		if amount != "" {
			d.Amount = cny(amount)
		}
		_, err := w.collection.OpenDispute(w.as(t, collector, "2024-03-10"), &receivablesv1.OpenDisputeRequest{RequestId: "open " + id + item, Dispute: d})
		return err
	}
	want(t, open("X", "I9", ""), errs.NotFound, "ITEM_UNKNOWN")
	must(t, open("X", "I1", "30"))
	want(t, open("Y", "I1", ""), errs.FailedPrecondition, "DISPUTE_OPEN")
	heard := w.position(t, "C")
	equal(t, "disputed days", len(heard.GetDisputed()), 1)
	equal(t, "disputed", heard.GetDisputed()[0].GetAmount().GetAmount(), "30.00")
	equal(t, "due", heard.GetDisputed()[0].GetDueDate(), "2024-03-01")

	late, err := w.collection.ListDisputes(w.as(t, collector, "2024-03-16"), &receivablesv1.ListDisputesRequest{Owner: "quality", Open: true})
	must(t, err)
	equal(t, "late", late.GetDisputes()[0].GetLate(), true)
	moved, err := w.collection.AssignDispute(w.as(t, collector, "2024-03-16"), &receivablesv1.AssignDisputeRequest{
		RequestId: "assign", DisputeId: "X", Owner: "sales", DueDate: "2024-03-30", Reason: "not ours",
	})
	must(t, err)
	equal(t, "late after it", moved.GetDispute().GetLate(), false)
	closing := &receivablesv1.CloseDisputeRequest{RequestId: "close", DisputeId: "X", Outcome: receivablesv1.DisputeOutcome_DISPUTE_OUTCOME_CREDIT_MEMO, Text: "half"}
	_, err = w.collection.CloseDispute(w.as(t, collector, "2024-03-17"), closing)
	if e := refusal(t, err, errs.Invalid, "INVALID_FIELD"); !names(e, "document_id") {
		t.Error(e)
	}
	closing.DocumentId = "M1"
	_, err = w.collection.CloseDispute(w.by(t, "S", "SALESPERSON", "2024-03-17"), closing)
	want(t, err, errs.NotFound, "CREDIT_MEMO_UNKNOWN")
	proposed, err := w.memos.ProposeCreditMemo(w.as(t, "FINANCE_CLERK", "2024-03-17"), &receivablesv1.ProposeCreditMemoRequest{RequestId: "memo", CreditMemo: &receivablesv1.CreditMemo{
		CustomerId: "C", Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_CREDIT_NOTE, ReasonCode: "QUALITY", Text: "half", Amount: cny("15"),
		Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I1"}},
	}})
	must(t, err)
	closing.DocumentId = proposed.GetCreditMemo().GetCreditMemoId()
	_, err = w.collection.CloseDispute(w.as(t, collector, "2024-03-17"), closing)
	want(t, err, errs.FailedPrecondition, "CREDIT_MEMO_NOT_POSTED")
	_, err = w.memos.DecideCreditMemo(w.as(t, "FINANCE_MANAGER", "2024-03-17"), &receivablesv1.DecideCreditMemoRequest{RequestId: "decide", CreditMemoId: closing.DocumentId, Decision: "APPROVE"})
	must(t, err)
	closed, err := w.collection.CloseDispute(w.as(t, collector, "2024-03-17"), closing)
	must(t, err)
	equal(t, "disputed after it", closed.GetDispute().GetDisputedAmount().GetAmount(), "0.00")
	equal(t, "told", len(w.position(t, "C").GetDisputed()), 0)
	_, err = w.collection.CloseDispute(w.as(t, collector, "2024-03-18"), &receivablesv1.CloseDisputeRequest{RequestId: "close2", DisputeId: "X", Outcome: receivablesv1.DisputeOutcome_DISPUTE_OUTCOME_PAID, Text: "x"})
	want(t, err, errs.FailedPrecondition, "DISPUTE_CLOSED")
	w.pay(t, "2024-03-18", &receivablesv1.Receipt{ReceiptId: "before", CustomerId: "C", Amount: cny("20")})
	must(t, open("Y", "I1", "40"))
	paid := &receivablesv1.CloseDisputeRequest{RequestId: "paid", DisputeId: "Y", Outcome: receivablesv1.DisputeOutcome_DISPUTE_OUTCOME_PAID, Text: "they paid"}
	notPaid := func(when string) {
		t.Helper()
		_, err := w.collection.CloseDispute(w.as(t, collector, "2024-03-20"), paid)
		if e := refusal(t, err, errs.FailedPrecondition, "DISPUTE_NOT_PAID"); !names(e, "outcome") {
			t.Errorf("%s: %v", when, e)
		}
	}
	notPaid("nothing came since")
	w.pay(t, "2024-03-19", &receivablesv1.Receipt{ReceiptId: "R-39", CustomerId: "C", Amount: cny("39")})
	notPaid("less came")
	w.pay(t, "2024-03-19", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C", Amount: cny("1")})
	_, err = w.receipts.ReverseReceipt(w.as(t, "FINANCE_MANAGER", "2024-03-19"), &receivablesv1.ReverseReceiptRequest{RequestId: "back", ReceiptId: "R-1", Reason: "bounced"})
	must(t, err)
	notPaid("it went back")
	w.pay(t, "2024-03-20", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "C", Amount: cny("1")})
	done, err := w.collection.CloseDispute(w.as(t, collector, "2024-03-20"), paid)
	must(t, err)
	equal(t, "outcome", done.GetDispute().GetOutcome(), receivablesv1.DisputeOutcome_DISPUTE_OUTCOME_PAID)
}

// Promises do not follow one another without end: after as many as the policy lets fail a manager who recorded none of them decides.
func TestPromisesThatFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(t, &receivablesv1.ReceivablesPolicy{
		Name: "bounded", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultTermDays: 30, DefaultAfterDays: 91,
		Collection: &receivablesv1.CollectionPolicy{FailedPromises: 2},
	})
	w.deliver(t, profile("C", "S", 1))
	for _, id := range []string{"I1", "I2"} {
		w.post(t, "2024-02-01", &receivablesv1.Invoice{InvoiceId: id, CustomerId: "C", DueDate: "2024-03-01", Amount: cny("100")})
	}
	record := func(who, role, id, day, by, item string) error {
		_, err := w.collection.RecordPromise(w.by(t, who, role, day), &receivablesv1.RecordPromiseRequest{RequestId: id + who + role, Promise: &receivablesv1.Promise{
			PromiseId: id, CustomerId: "C", ItemIds: []string{item}, Parts: []*receivablesv1.PromisePart{{Date: by, Amount: cny("100")}},
		}})
		return err
	}
	takeBack := func(id, day string) {
		t.Helper()
		_, err := w.collection.WithdrawPromise(w.as(t, collector, day), &receivablesv1.WithdrawPromiseRequest{RequestId: "w " + id, PromiseId: id, Reason: "put off"})
		must(t, err)
	}
	must(t, record("li", collector, "P1", "2024-03-02", "2024-03-05", "I1")) // missed
	must(t, record("li", collector, "P2", "2024-03-06", "2024-03-10", "I1"))
	takeBack("P2", "2024-03-06") // mistyped
	must(t, record("li", collector, "P3", "2024-03-06", "2024-03-10", "I1"))
	takeBack("P3", "2024-03-09") // put off: the second that failed
	refused := func(err error) {
		t.Helper()
		if e := refusal(t, err, errs.PermissionDenied, "PROMISES_FAILED"); !names(e, "promise.item_ids") || e.Meta["failed"] != "2" {
			t.Error(e)
		}
	}
	refused(record("li", collector, "P4", "2024-03-09", "2024-03-20", "I1"))
	refused(record("wu", "SALES_MANAGER", "P4", "2024-03-09", "2024-03-20", "I1"))
	refused(record("li", manager, "P4", "2024-03-09", "2024-03-20", "I1")) // recorded the others
	must(t, record("li", collector, "other", "2024-03-09", "2024-03-20", "I2"))
	must(t, record("zhou", manager, "P4", "2024-03-09", "2024-03-20", "I1"))
}

// A run from its proposal to its letters: edited, refused to those who had a part in it, sent once, told to the gate.
func TestDunningRunByTwo(t *testing.T) {
	t.Parallel()
	w := shop(t)
	run := w.propose(t, "a", "2024-03-26")
	equal(t, "lines", run.GetLines(), 2)
	equal(t, "customers", run.GetCustomers(), 1)
	equal(t, "asked for", run.GetTotals()[0].GetAmount(), "150.00")
	equal(t, "done", run.GetDone(), run.GetTotal())
	edit := func(subject, item string, e receivablesv1.DunningEdit) error {
		_, err := w.dunning.EditDunningLines(w.by(t, subject, "FINANCE_MANAGER", "2024-03-26"), &receivablesv1.EditDunningLinesRequest{
			RequestId: "edit " + subject + item + e.String(), DunningRunId: run.GetDunningRunId(), ItemIds: []string{item}, Edit: e, Reason: "agreed by phone",
		})
		return err
	}
	want(t, edit("b", "I9", receivablesv1.DunningEdit_DUNNING_EDIT_EXCLUDE), errs.NotFound, "DUNNING_LINE_UNKNOWN")
	must(t, edit("b", "I2", receivablesv1.DunningEdit_DUNNING_EDIT_EXCLUDE))
	must(t, edit("c", "I2", receivablesv1.DunningEdit_DUNNING_EDIT_INCLUDE)) // the line forgets b, the trail does not
	must(t, edit("c", "I2", receivablesv1.DunningEdit_DUNNING_EDIT_EXCLUDE))
	for _, subject := range []string{"a", "b", "c"} {
		_, err := w.dunning.ApproveDunningRun(w.by(t, subject, manager, "2024-03-26"), &receivablesv1.ApproveDunningRunRequest{
			RequestId: "approve " + subject, DunningRunId: run.GetDunningRunId(),
		})
		want(t, err, errs.PermissionDenied, "SAME_PERSON")
	}
	sent := w.approve(t, run, "2024-03-26")
	equal(t, "letters", sent.GetLetters(), 1)
	w.hearsLevel(t, "C", 1)
	want(t, edit("b", "I1", receivablesv1.DunningEdit_DUNNING_EDIT_EXCLUDE), errs.FailedPrecondition, "DUNNING_RUN_STATE")

	letters, err := w.dunning.ListDunningLetters(w.as(t, collector, ""), &receivablesv1.ListDunningLettersRequest{CustomerId: "C"})
	must(t, err)
	equal(t, "letters", len(letters.GetLetters()), 1)
	equal(t, "number", letters.GetLetters()[0].GetDunningLetterId(), "D2024-000001")
	equal(t, "total", letters.GetLetters()[0].GetTotal().GetAmount(), "100.00")
	for _, language := range []receivablesv1.DunningLanguage{receivablesv1.DunningLanguage_DUNNING_LANGUAGE_CHINESE, receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH} {
		var head metadata.MD
		file, err := w.dunning.DownloadDunningLetter(w.by(t, "S", "SALESPERSON", ""), &receivablesv1.DownloadDunningLetterRequest{DunningLetterId: "D2024-000001", Language: language}, grpc.Header(&head))
		must(t, err)
		if !bytes.HasPrefix(file.GetData(), []byte("%PDF")) || head.Get("content-disposition")[0] != `attachment; filename="D2024-000001.pdf"` {
			t.Errorf("%s %v", file.GetContentType(), head)
		}
	}
	_, err = w.dunning.DownloadDunningLetter(w.by(t, "T", "SALESPERSON", ""), &receivablesv1.DownloadDunningLetterRequest{DunningLetterId: "D2024-000001"})
	want(t, err, errs.NotFound, "DUNNING_LETTER_UNKNOWN")

	equal(t, "the letter is a demand: the period begins anew", w.period(t, "I1", "2024-04-01"), "RUNNING 2027-03-26")

	// The level that stops supply is the second: it waits for the letter of the first.
	second := w.approve(t, w.propose(t, "a", "2024-04-10"), "2024-04-10")
	equal(t, "letters of the second run", second.GetLetters(), 1)
	w.hearsLevel(t, "C", 2)
	st, err := w.dunning.GetDunningStanding(w.as(t, collector, "2024-04-10"), &receivablesv1.GetDunningStandingRequest{CustomerId: "C"})
	must(t, err)
	equal(t, "supply stopped", st.GetStanding().GetSupplyStopped(), true)
	equal(t, "so the gate is told", w.position(t, "C").GetSupplyStopped(), true)
	w.pay(t, "2024-04-11", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("100")})
	equal(t, "level after the payment", w.position(t, "C").GetDunningLevel(), 1)
	equal(t, "supplied again", w.position(t, "C").GetSupplyStopped(), false)
}

// What is paid between the proposal and the approval gets no letter.
func TestPaidBeforeTheApproval(t *testing.T) {
	t.Parallel()
	w := shop(t)
	run := w.propose(t, "a", "2024-03-10")
	w.pay(t, "2024-03-10", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("100")})
	sent := w.approve(t, run, "2024-03-10")
	equal(t, "letters", sent.GetLetters(), 0)
	list, err := w.dunning.ListDunningLines(w.as(t, collector, ""), &receivablesv1.ListDunningLinesRequest{ItemId: "I1"})
	must(t, err)
	equal(t, "state", list.GetLines()[0].GetState(), receivablesv1.DunningLineState_DUNNING_LINE_STATE_DROPPED)
	equal(t, "reason", list.GetLines()[0].GetReason(), "SETTLED")
	discarded, err := w.dunning.DiscardDunningRun(w.as(t, collector, "2024-03-11"), &receivablesv1.DiscardDunningRunRequest{
		RequestId: "d", DunningRunId: w.propose(t, "a", "2024-03-11").GetDunningRunId(), Reason: "not today",
	})
	must(t, err)
	equal(t, "state", discarded.GetRun().GetState(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_DISCARDED)
}

// Customers of a unit or a grade are dunned by a strategy of their own: by the unit and the grade that evaluation told last.
func TestStrategyByUnitAndGrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	strategy := func(name string, g *receivablesv1.CustomerSegment) *receivablesv1.DunningStrategy {
		return &receivablesv1.DunningStrategy{Name: name, Segment: g, Levels: []*receivablesv1.DunningLevel{{Name: "l", DaysPastDue: 5, Letter: letter()}}}
	}
	w.sign(t, &receivablesv1.ReceivablesPolicy{
		Name: "segments", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultTermDays: 30, DefaultAfterDays: 91,
		Collection: &receivablesv1.CollectionPolicy{Strategies: []*receivablesv1.DunningStrategy{
			strategy("north", &receivablesv1.CustomerSegment{UnitIds: []string{"North"}}),
			strategy("weak", &receivablesv1.CustomerSegment{Grades: []evaluationv1.Grade{evaluationv1.Grade_GRADE_C, evaluationv1.Grade_GRADE_D}}),
			strategy("others", nil),
		}},
	})
	is := func(id, unit string, grade evaluationv1.Grade, sequence int64, want string) {
		t.Helper()
		p := profile(id, "S", sequence)
		p.UnitId, p.Grade = unit, grade
		w.deliver(t, p)
		if sequence == 1 {
			w.post(t, "2024-02-01", &receivablesv1.Invoice{InvoiceId: "I-" + id, CustomerId: id, DueDate: "2024-03-01", Amount: cny("100")})
		}
		st, err := w.dunning.GetDunningStanding(w.as(t, collector, "2024-03-10"), &receivablesv1.GetDunningStandingRequest{CustomerId: id})
		must(t, err)
		equal(t, id+" is dunned by", st.GetStanding().GetStrategy(), want)
	}
	is("A", "North", evaluationv1.Grade_GRADE_D, 1, "north")
	is("B", "South", evaluationv1.Grade_GRADE_D, 1, "weak")
	is("C", "South", evaluationv1.Grade_GRADE_B, 1, "others")
	is("D", "", evaluationv1.Grade_GRADE_UNSPECIFIED, 1, "others")
	is("C", "South", evaluationv1.Grade_GRADE_C, 2, "weak")
	is("A", "South", evaluationv1.Grade_GRADE_A, 2, "others")
}

// Without a collection policy nobody is dunned, as before there was one.
func TestNoDunningWithoutPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(t, &receivablesv1.ReceivablesPolicy{Name: "old", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultTermDays: 30, DefaultAfterDays: 91})
	_, err := w.dunning.ProposeDunningRun(w.as(t, collector, "2024-03-01"), &receivablesv1.ProposeDunningRunRequest{RequestId: "r"})
	want(t, err, errs.FailedPrecondition, "NO_DUNNING_POLICY")
}

// Contacts, the next action, who collects from whom, and what a supervisor sees of it.
func TestCollectorsWork(t *testing.T) {
	t.Parallel()
	w := shop(t)
	contact := func(id, date, next string) error {
		_, err := w.collection.LogContact(w.by(t, "anna", collector, date), &receivablesv1.LogContactRequest{RequestId: "log " + id + date, Contact: &receivablesv1.Contact{
			ContactId: id, CustomerId: "C", Channel: receivablesv1.ContactChannel_CONTACT_CHANNEL_CALL, Result: receivablesv1.ContactResult_CONTACT_RESULT_REACHED,
			Text: "will look into it", NextActionDate: next, NextAction: "call again",
		}})
		return err
	}
	if e := refusal(t, contact("K1", "2024-03-10", "2024-03-09"), errs.Invalid, "INVALID_FIELD"); !names(e, "contact.next_action_date") {
		t.Error(e)
	}
	must(t, contact("K1", "2024-03-10", "2024-03-12"))
	want(t, contact("K1", "2024-03-11", ""), errs.AlreadyExists, "CONTACT_EXISTS")
	list := func(who, date string) []*receivablesv1.WorkItem {
		got, err := w.collection.GetWorklist(w.as(t, manager, date), &receivablesv1.GetWorklistRequest{Collector: who})
		must(t, err)
		return got.GetItems()
	}
	equal(t, "step before the day", list("S", "2024-03-11")[0].GetNextStep(), "WATCH")
	equal(t, "step on the day", list("S", "2024-03-12")[0].GetNextStep(), "ACTION_DUE")
	sum := int32(0)
	for _, p := range list("S", "2024-03-12")[0].GetParts() {
		sum += p.GetTenths()
	}
	equal(t, "sum of the parts", sum, list("S", "2024-03-12")[0].GetTenths())

	assigned, err := w.collection.AssignCollector(w.as(t, manager, "2024-03-12"), &receivablesv1.AssignCollectorRequest{RequestId: "a", Collector: "anna", CustomerIds: []string{"C"}})
	must(t, err)
	equal(t, "changed", assigned.GetChanged(), 1)
	equal(t, "of the salesperson", len(list("S", "2024-03-12")), 0)
	equal(t, "of the collector", len(list("anna", "2024-03-12")), 1)
	_, err = w.collection.AssignCollector(w.as(t, manager, "2024-03-12"), &receivablesv1.AssignCollectorRequest{RequestId: "b", Collector: "anna", CustomerIds: []string{"Z"}})
	want(t, err, errs.NotFound, "CUSTOMER_UNKNOWN")
	_, err = w.collection.OpenDispute(w.as(t, collector, "2024-03-12"), &receivablesv1.OpenDisputeRequest{RequestId: "d", Dispute: &receivablesv1.Dispute{
		DisputeId: "X", CustomerId: "C", ItemId: "I1", Owner: "anna", DueDate: "2024-03-20", Text: "price", Reason: receivablesv1.DisputeReason_DISPUTE_REASON_PRICE,
	}})
	must(t, err)
	moved, err := w.collection.HandOverCollection(w.as(t, manager, "2024-03-12"), &receivablesv1.HandOverCollectionRequest{RequestId: "h", Collector: "anna", ToCollector: "ben", Reason: "leaves"})
	must(t, err)
	equal(t, "customers", moved.GetCustomers(), 1)
	equal(t, "disputes", moved.GetDisputes(), 1)
	equal(t, "of the new one", list("ben", "2024-03-12")[0].GetDisputed().GetAmount(), "100.00")

	w.pay(t, "2024-03-14", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("40")})
	over, err := w.collection.GetCollectionOverview(w.as(t, manager, "2024-03-15"), &receivablesv1.GetCollectionOverviewRequest{FromDate: "2024-03-05"})
	must(t, err)
	equal(t, "collectors", len(over.GetCollectors()), 1)
	ben := over.GetCollectors()[0]
	equal(t, "who", ben.GetCollector(), "ben")
	equal(t, "overdue", ben.GetOverdue()[0].GetAmount(), "60.00")
	equal(t, "collected", ben.GetCollected()[0].GetAmount(), "40.00")
	equal(t, "contacted", ben.GetContacted(), 1)
	equal(t, "late actions", ben.GetActionsLate(), 1)
	equal(t, "disputes", ben.GetDisputesOpen(), 1)
}
