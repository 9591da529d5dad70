package receivables_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// Plans are listed by customer, salesperson, state and due day, page by page, those due first first, and within the caller's scope.
func TestReceiptPlansList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plans := receivablesv1.NewReceiptPlanServiceClient(w.conn)
	w.deliver(t, profile("C-1", "anna", 1), profile("C-2", "ben", 1))
	for id, due := range map[string]string{"C-1/a": "2024-06-30", "C-1/b": "2024-07-31", "C-2/c": "2024-06-30", "C-1/d": "2024-05-31"} {
		customer, _, _ := strings.Cut(id, "/")
		_, err := plans.CreateReceiptPlan(w.as(t, "FINANCE_CLERK", "2024-05-01"), &receivablesv1.CreateReceiptPlanRequest{
			RequestId: id, ReceiptPlan: &receivablesv1.ReceiptPlan{ReceiptPlanId: id, CustomerId: customer, Amount: cny("100"), DueDate: due},
		})
		must(t, err)
	}
	receive := func(plan, amount string) {
		t.Helper()
		id := "R-" + plan
		_, err := plans.RegisterReceipt(w.by(t, "a", "FINANCE_CLERK", "2024-05-02"), &receivablesv1.RegisterReceiptRequest{
			RequestId: "r" + id, ReceiptPlanId: plan, Receipt: &receivablesv1.Receipt{ReceiptId: id, CustomerId: "C-1", Amount: cny(amount)},
		})
		must(t, err)
		_, err = plans.SubmitReceipt(w.by(t, "a", "FINANCE_CLERK", "2024-05-02"), &receivablesv1.SubmitReceiptRequest{RequestId: "s" + id, ReceiptId: id})
		must(t, err)
		_, err = plans.DecideReceipt(w.by(t, "b", "FINANCE_CLERK", "2024-05-02"), &receivablesv1.DecideReceiptRequest{RequestId: "d" + id, ReceiptId: id, Decision: "APPROVE"})
		must(t, err)
	}
	receive("C-1/d", "100")
	receive("C-1/a", "40")

	list := func(subject, role string, q *receivablesv1.ListReceiptPlansRequest) string {
		t.Helper()
		var ids []string
		for {
			got, err := plans.ListReceiptPlans(w.by(t, subject, role, "2024-06-23"), q)
			must(t, err)
			for _, p := range got.GetReceiptPlans() {
				ids = append(ids, p.GetReceiptPlanId())
			}
			if q.PageToken = got.GetNextPageToken(); q.PageToken == "" {
				return strings.Join(ids, " ")
			}
			if n := len(got.GetReceiptPlans()); n != int(q.GetPageSize()) {
				t.Fatalf("a page of %d", n)
			}
		}
	}
	const open, partial, done = receivablesv1.ReceiptPlanState_RECEIPT_PLAN_STATE_OPEN, receivablesv1.ReceiptPlanState_RECEIPT_PLAN_STATE_PARTIAL, receivablesv1.ReceiptPlanState_RECEIPT_PLAN_STATE_DONE
	unpaid := []receivablesv1.ReceiptPlanState{open, partial}
	for name, c := range map[string]struct {
		subject, role string
		q             *receivablesv1.ListReceiptPlansRequest
		want          string
	}{
		"all, page by page":   {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{PageSize: 1}, "C-1/d C-1/a C-2/c C-1/b"},
		"of a customer":       {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{CustomerId: "C-2"}, "C-2/c"},
		"of a salesperson":    {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{Salesperson: "anna"}, "C-1/d C-1/a C-1/b"},
		"one's own":           {"ben", "SALESPERSON", &receivablesv1.ListReceiptPlansRequest{}, "C-2/c"},
		"another's":           {"ben", "SALESPERSON", &receivablesv1.ListReceiptPlansRequest{Salesperson: "anna"}, ""},
		"done":                {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{States: []receivablesv1.ReceiptPlanState{done}}, "C-1/d"},
		"not done, in a time": {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{States: unpaid, DueFromDate: "2024-06-01", DueToDate: "2024-06-30"}, "C-1/a C-2/c"},
		// D32: of 30 June one is reminded seven days before, from the 23rd on, and not on the 22nd.
		"to be reminded of": {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{States: unpaid, DueToDate: "2024-06-30"}, "C-1/a C-2/c"},
		"on the day before": {"x", "AUDITOR", &receivablesv1.ListReceiptPlansRequest{States: unpaid, DueToDate: "2024-06-29"}, ""},
	} {
		if got := list(c.subject, c.role, c.q); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	first, err := plans.ListReceiptPlans(w.as(t, "AUDITOR", "2024-06-23"), &receivablesv1.ListReceiptPlansRequest{PageSize: 1})
	must(t, err)
	for name, q := range map[string]*receivablesv1.ListReceiptPlansRequest{
		"a token of another list": {PageToken: first.GetNextPageToken(), CustomerId: "C-1"},
		"not a day":               {DueToDate: "2024-02-30"},
		"no state":                {States: []receivablesv1.ReceiptPlanState{0}},
	} {
		if _, err := plans.ListReceiptPlans(w.as(t, "AUDITOR", "2024-06-23"), q); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
