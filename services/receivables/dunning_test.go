package receivables_test

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/dunning/casefile"
)

// The cases of dunning, through the API on PostgreSQL.
func TestDunningCases(t *testing.T) {
	t.Parallel()
	for _, s := range casefile.Load(t, os.DirFS("testdata/dunning")) {
		t.Run(s.File, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.work(t)
			c := &dunningCase{world: w, customers: map[string]string{}}
			w.sign(t, policyOf(s))
			for n, st := range s.Steps {
				c.step(t, n+1, st)
				if t.Failed() {
					t.Fatalf("after step %d of %q", n+1, s.Name)
				}
			}
		})
	}
}

// work runs the phase's background until the test ends.
func (w *world) work(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("background: %v", err)
		}
	})
}

// sign puts a policy in force from the beginning of 2024.
func (w *world) sign(t *testing.T, p *receivablesv1.ReceivablesPolicy) {
	t.Helper()
	created, err := w.policies.CreateReceivablesPolicy(w.as(t, "CREDIT_MANAGER", "2024-01-01"), &receivablesv1.CreateReceivablesPolicyRequest{
		RequestId: "policy", Source: &receivablesv1.CreateReceivablesPolicyRequest_Policy{Policy: p},
	})
	must(t, err)
	_, err = w.policies.SignReceivablesPolicy(w.as(t, "GENERAL_MANAGER", "2024-01-01"), &receivablesv1.SignReceivablesPolicyRequest{
		RequestId: "sign", Version: created.GetVersion().GetVersion(),
	})
	must(t, err)
}

func letter() *receivablesv1.LetterText {
	return &receivablesv1.LetterText{TitleZh: "催款函", BodyZh: "{customer}：请付 {total}", TitleEn: "Reminder", BodyEn: "{customer}: please pay {total} by {pay_by}"}
}

func policyOf(s casefile.Story) *receivablesv1.ReceivablesPolicy {
	st := &receivablesv1.DunningStrategy{Name: "all", GapDays: int32(s.Gap), AnnualInterest: s.AnnualInterest}
	if s.CatchUp == "LEVEL_REACHED" {
		st.CatchUp = receivablesv1.CatchUp_CATCH_UP_LEVEL_REACHED
	}
	if s.Tolerance != "" {
		st.Tolerances = []*typev1.Money{cny(s.Tolerance)}
	}
	for _, currency := range slices.Sorted(maps.Keys(s.Minimums)) {
		st.Minimums = append(st.Minimums, &typev1.Money{CurrencyCode: currency, Amount: s.Minimums[currency]})
	}
	for _, d := range s.RemindBefore {
		st.RemindBeforeDays, st.Reminder = append(st.RemindBeforeDays, int32(d)), letter()
	}
	for _, l := range s.Levels {
		level := &receivablesv1.DunningLevel{
			Name: "level", DaysPastDue: int32(l.PastDue), WaitDays: int32(l.Wait), Letter: letter(), FeeShare: l.FeeShare, ChargeInterest: l.Interest,
		}
		if l.Fee != "" {
			level.Fees = []*typev1.Money{cny(l.Fee)}
		}
		st.Levels = append(st.Levels, level)
	}
	return &receivablesv1.ReceivablesPolicy{
		Name: "case", BaseCurrency: "CNY", AgingBounds: []int32{30, 60, 90}, DefaultTermDays: 30, DefaultAfterDays: 91,
		Collection: &receivablesv1.CollectionPolicy{PromiseRemindDays: int32(s.PromiseRemind), Strategies: []*receivablesv1.DunningStrategy{st}},
	}
}

// dunningCase is a case in its course: one customer a currency.
type dunningCase struct {
	*world
	customers map[string]string // of items
	run       *receivablesv1.DunningRun
	requests  int
}

func (c *dunningCase) request() string {
	c.requests++
	return "request " + strings.Repeat("i", c.requests)
}

func (c *dunningCase) step(t *testing.T, n int, st casefile.Step) {
	t.Helper()
	collector := c.as(t, "COLLECTOR", st.On)
	switch {
	case st.Invoice != nil:
		c.invoice(t, st)
	case st.Pay != nil:
		c.pays(t, st.On, *st.Pay)
	case st.CreditNote != nil:
		c.creditNote(t, st.On, *st.CreditNote)
	case st.Undo != "":
		c.undo(t, st.On, st.Undo)
	case st.Run != nil:
		c.propose(t, n, st)
	case st.Send:
		c.send(t, st.On)
	case st.Block != "":
		_, err := c.dunning.HoldDunning(collector, &receivablesv1.HoldDunningRequest{RequestId: c.request(), Hold: &receivablesv1.DunningHold{
			DunningHoldId: "hold " + st.Block, CustomerId: c.customers[st.Block], ItemId: st.Block, Reason: "case",
		}})
		must(t, err)
	case st.Lift != "":
		_, err := c.dunning.LiftDunningHold(collector, &receivablesv1.LiftDunningHoldRequest{RequestId: c.request(), DunningHoldId: "hold " + st.Lift, Reason: "case"})
		must(t, err)
	case st.Extend != nil:
		_, err := c.dunning.HoldDunning(collector, &receivablesv1.HoldDunningRequest{RequestId: c.request(), Hold: &receivablesv1.DunningHold{
			DunningHoldId: "defer " + st.Extend.Item, Kind: receivablesv1.DunningHoldKind_DUNNING_HOLD_KIND_DEFER, CustomerId: c.customers[st.Extend.Item],
			ItemId: st.Extend.Item, UntilDate: st.Extend.Due, Reason: "agreed",
		}})
		must(t, err)
	case st.Dispute != nil:
		_, err := c.collection.OpenDispute(collector, &receivablesv1.OpenDisputeRequest{RequestId: c.request(), Dispute: &receivablesv1.Dispute{
			DisputeId: st.Dispute.ID, CustomerId: c.customers[st.Dispute.Item], ItemId: st.Dispute.Item, Owner: "collector", Text: "short",
			Reason: receivablesv1.DisputeReason_DISPUTE_REASON_QUANTITY, DueDate: st.On,
		}})
		must(t, err)
	case st.Close != "":
		_, err := c.collection.CloseDispute(collector, &receivablesv1.CloseDisputeRequest{
			RequestId: c.request(), DisputeId: st.Close, Outcome: receivablesv1.DisputeOutcome_DISPUTE_OUTCOME_WITHDRAWN, Text: "case",
		})
		must(t, err)
	case st.Promise != nil:
		p := st.Promise
		_, err := c.collection.RecordPromise(collector, &receivablesv1.RecordPromiseRequest{RequestId: c.request(), Promise: &receivablesv1.Promise{
			PromiseId: p.ID, CustomerId: c.customers[p.Item], ItemIds: []string{p.Item},
			Parts: []*receivablesv1.PromisePart{{Date: p.By, Amount: cny(p.Amount)}},
		}})
		must(t, err)
	}
	c.expect(t, n, st)
}

func (c *dunningCase) invoice(t *testing.T, st casefile.Step) {
	t.Helper()
	i := st.Invoice
	currency := i.Currency
	if currency == "" {
		currency = "CNY"
	}
	customer := "C-" + currency
	if !slices.Contains(slices.Collect(maps.Values(c.customers)), customer) {
		c.deliver(t, &evaluationv1.CreditProfile{
			CustomerId: customer, Sequence: 1, BusinessDate: "2024-01-01", DisplayName: "Customer in " + currency, CurrencyCode: currency, SalespersonId: "S",
		})
	}
	inv := &receivablesv1.Invoice{
		InvoiceId: i.ID, CustomerId: customer, InvoiceDate: st.On, DueDate: i.Due, Amount: &typev1.Money{CurrencyCode: currency, Amount: i.Amount},
	}
	c.customers[i.ID] = customer
	for n, p := range i.Instalments {
		inv.Instalments = append(inv.Instalments, &receivablesv1.Instalment{DueDate: p.Due, Amount: &typev1.Money{CurrencyCode: currency, Amount: p.Amount}})
		c.customers[i.ID+"/"+string(rune('1'+n))] = customer
	}
	c.post(t, st.On, inv)
}

func (c *dunningCase) currencyOf(item string) string {
	return strings.TrimPrefix(c.customers[item], "C-")
}

func (c *dunningCase) pays(t *testing.T, date string, p casefile.Payment) {
	t.Helper()
	m := &typev1.Money{CurrencyCode: c.currencyOf(p.Item), Amount: p.Amount}
	_, err := c.receipts.PostReceipt(c.as(t, "FINANCE_CLERK", date), &receivablesv1.PostReceiptRequest{
		RequestId: c.request(), Receipt: &receivablesv1.Receipt{ReceiptId: p.ID, CustomerId: c.customers[p.Item], Amount: m},
		Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: p.Item, Amount: m}},
	})
	must(t, err)
}

// creditNote goes by a credit memo that finance approves; without an item it stands alone.
func (c *dunningCase) creditNote(t *testing.T, date string, p casefile.Payment) {
	t.Helper()
	m := &receivablesv1.CreditMemo{
		CustomerId: "C-CNY", Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_CREDIT_NOTE, ReasonCode: "RETURN", Text: "case", Amount: cny(p.Amount), DocumentId: p.ID,
	}
	if p.Item != "" {
		m.Invoices = []*receivablesv1.InvoiceAmount{{InvoiceId: p.Item, Amount: cny(p.Amount)}}
	}
	c.memo(t, date, m)
}

func (c *dunningCase) memo(t *testing.T, date string, m *receivablesv1.CreditMemo) {
	t.Helper()
	proposed, err := c.memos.ProposeCreditMemo(c.as(t, "FINANCE_CLERK", date), &receivablesv1.ProposeCreditMemoRequest{RequestId: c.request(), CreditMemo: m})
	must(t, err)
	decided, err := c.memos.DecideCreditMemo(c.as(t, "FINANCE_MANAGER", date), &receivablesv1.DecideCreditMemoRequest{
		RequestId: c.request(), CreditMemoId: proposed.GetCreditMemo().GetCreditMemoId(), Decision: "APPROVE",
	})
	must(t, err)
	equal(t, "memo", decided.GetCreditMemo().GetState(), receivablesv1.CreditMemoState_CREDIT_MEMO_STATE_POSTED)
}

func (c *dunningCase) undo(t *testing.T, date, id string) {
	t.Helper()
	if strings.HasPrefix(id, "N") { // a credit note
		c.memo(t, date, &receivablesv1.CreditMemo{
			CustomerId: "C-CNY", Kind: receivablesv1.CreditMemoKind_CREDIT_MEMO_KIND_REVERSAL, ReasonCode: "RETURN", Text: "case", ReversedDocumentId: id,
		})
		return
	}
	_, err := c.receipts.ReverseReceipt(c.as(t, "FINANCE_MANAGER", date), &receivablesv1.ReverseReceiptRequest{RequestId: c.request(), ReceiptId: id, Reason: "case"})
	must(t, err)
}

// until waits for a run to reach a state.
func (w *world) until(t *testing.T, id string, state receivablesv1.DunningRunState) *receivablesv1.DunningRun {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got, err := w.dunning.GetDunningRun(w.as(t, "COLLECTOR", ""), &receivablesv1.GetDunningRunRequest{DunningRunId: id})
		must(t, err)
		if got.GetRun().GetState() == state {
			return got.GetRun()
		}
		if got.GetRun().GetState() == receivablesv1.DunningRunState_DUNNING_RUN_STATE_FAILED {
			t.Fatalf("run failed: %v", got)
		}
	}
	t.Fatalf("run %s does not reach %s", id, state)
	return nil
}

func (c *dunningCase) propose(t *testing.T, n int, st casefile.Step) {
	t.Helper()
	resp, err := c.dunning.ProposeDunningRun(c.as(t, "COLLECTOR", st.On), &receivablesv1.ProposeDunningRunRequest{RequestId: c.request()})
	if st.Error != "" {
		want(t, err, errs.FailedPrecondition, st.Error)
		return
	}
	must(t, err)
	c.run = c.until(t, resp.GetRun().GetDunningRunId(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_PROPOSED)
	list, err := c.dunning.ListDunningLines(c.as(t, "COLLECTOR", st.On), &receivablesv1.ListDunningLinesRequest{DunningRunId: c.run.GetDunningRunId()})
	must(t, err)
	lines, got := map[string]int{}, map[string]map[string]string{"fees": {}, "interest": {}, "open": {}}
	for _, l := range list.GetLines() {
		lines[l.GetItemId()] = int(l.GetLevel())
		got["fees"][l.GetItemId()], got["interest"][l.GetItemId()], got["open"][l.GetItemId()] = l.GetFee().GetAmount(), l.GetInterest().GetAmount(), l.GetOpenAmount().GetAmount()
	}
	if !maps.Equal(lines, st.Run.Lines) && len(lines)+len(st.Run.Lines) > 0 {
		t.Errorf("step %d: lines %v, want %v", n, lines, st.Run.Lines)
	}
	for what, wanted := range map[string]map[string]string{"fees": st.Run.Fees, "interest": st.Run.Interest, "open": st.Run.Open} {
		for id, w := range wanted {
			equal(t, what+" of "+id, got[what][id], w)
		}
	}
	for id, reason := range st.Run.Skipped {
		equal(t, "reason of "+id, c.standing(t, st.On, id).GetReason(), reason)
	}
}

func (c *dunningCase) send(t *testing.T, date string) {
	t.Helper()
	_, err := c.dunning.ApproveDunningRun(c.as(t, "CREDIT_MANAGER", date), &receivablesv1.ApproveDunningRunRequest{
		RequestId: c.request(), DunningRunId: c.run.GetDunningRunId(),
	})
	must(t, err)
	c.run = c.until(t, c.run.GetDunningRunId(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_SENT)
}

// standing is where the dunning of an item stands; one that is settled is absent.
func (c *dunningCase) standing(t *testing.T, date, item string) *receivablesv1.DunningItem {
	t.Helper()
	got, err := c.dunning.GetDunningStanding(c.as(t, "COLLECTOR", date), &receivablesv1.GetDunningStandingRequest{CustomerId: c.customers[item]})
	must(t, err)
	for _, i := range got.GetStanding().GetItems() {
		if i.GetItemId() == item {
			return i
		}
	}
	return nil
}

func (c *dunningCase) expect(t *testing.T, n int, st casefile.Step) {
	t.Helper()
	collector := c.as(t, "COLLECTOR", st.On)
	if st.Receivable != "" {
		list, err := c.aging.GetAging(c.as(t, "FINANCE_CLERK", st.On), &receivablesv1.GetAgingRequest{AsOf: st.On})
		must(t, err)
		equal(t, "receivable", list.GetTotals()[0].GetOpenAmount().GetAmount(), st.Receivable)
	}
	for id, level := range st.Levels {
		equal(t, "level of "+id, int(c.standing(t, st.On, id).GetLevel()), level)
	}
	for _, id := range st.Resolved {
		if c.standing(t, st.On, id) != nil {
			t.Errorf("step %d: %s is open", n, id)
		}
	}
	for _, id := range st.Unresolved {
		if c.standing(t, st.On, id) == nil {
			t.Errorf("step %d: %s is settled", n, id)
		}
	}
	if st.Finished != nil {
		// One customer a currency here: the end of each is counted once.
		equal(t, "finished", min(1, int(c.run.GetFinishedCustomers())), *st.Finished)
	}
	for id, states := range st.History {
		list, err := c.dunning.ListDunningLines(collector, &receivablesv1.ListDunningLinesRequest{ItemId: id})
		must(t, err)
		var got []string
		for _, l := range list.GetLines() {
			got = append(got, strings.TrimPrefix(l.GetState().String(), "DUNNING_LINE_STATE_"))
		}
		if !slices.Equal(got, states) {
			t.Errorf("step %d: history of %s = %v, want %v", n, id, got, states)
		}
	}
	for id, amount := range st.Charges {
		equal(t, "charges of "+id, c.charges(t, st.On, id), amount)
	}
	c.expectPromises(collector, t, st)
}

// charges is what is open of the documents that were charged for an item; they are told from it by their numbers.
func (c *dunningCase) charges(t *testing.T, date, item string) string {
	t.Helper()
	got, err := c.dunning.GetDunningStanding(c.as(t, "COLLECTOR", date), &receivablesv1.GetDunningStandingRequest{CustomerId: c.customers[item]})
	must(t, err)
	sum := money.Zero("CNY")
	for _, i := range got.GetStanding().GetItems() {
		if strings.HasPrefix(i.GetItemId(), item+"-L") {
			m, err := money.Parse("CNY", i.GetOpenAmount().GetAmount())
			must(t, err)
			sum = sum.Add(m)
		}
	}
	return sum.String()
}

func (c *dunningCase) expectPromises(ctx context.Context, t *testing.T, st casefile.Step) {
	t.Helper()
	for id, state := range st.Promises {
		got, err := c.collection.GetPromise(ctx, &receivablesv1.GetPromiseRequest{PromiseId: id})
		must(t, err)
		equal(t, "promise "+id, got.GetPromise().GetState().String(), "PROMISE_STATE_"+state)
	}
	for id, badge := range st.Badge {
		got, err := c.collection.GetPromise(ctx, &receivablesv1.GetPromiseRequest{PromiseId: id})
		must(t, err)
		equal(t, "badge of "+id, got.GetPromise().GetBadge().String(), "PROMISE_BADGE_"+badge)
		// The list and the badge of the worklist say the same.
		listed := 0
		for _, b := range []receivablesv1.PromiseBadge{receivablesv1.PromiseBadge_PROMISE_BADGE_REMIND, receivablesv1.PromiseBadge_PROMISE_BADGE_OVERDUE} {
			list, err := c.collection.ListPromises(ctx, &receivablesv1.ListPromisesRequest{Badge: b})
			must(t, err)
			listed += len(list.GetPromises())
		}
		work, err := c.collection.GetWorklist(ctx, &receivablesv1.GetWorklistRequest{Collector: "S"})
		must(t, err)
		equal(t, "badge of the worklist", int(work.GetPromisesBadge()), listed)
		if (badge != "NONE") != (listed == 1) {
			t.Errorf("%d promises are listed with a badge, the promise's is %s", listed, badge)
		}
	}
}
