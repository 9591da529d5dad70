package receivables_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

func noticeOf(id, order, amount string) *receivablesv1.PaymentNotice {
	return &receivablesv1.PaymentNotice{PaymentNoticeId: id, CustomerId: "C-1", OrderId: order, Amount: cny(amount), ExpectedDate: "2024-01-10"}
}

func (w *world) record(t *testing.T, n *receivablesv1.PaymentNotice) {
	t.Helper()
	_, err := w.notices.RecordPaymentNotice(w.by(t, "anna", "SALESPERSON", "2024-01-02"), &receivablesv1.RecordPaymentNoticeRequest{RequestId: "record " + n.GetPaymentNoticeId(), PaymentNotice: n})
	must(t, err)
}

func (w *world) confirm(t *testing.T, id string) {
	t.Helper()
	_, err := w.notices.ConfirmPaymentNotice(w.as(t, "FINANCE_CLERK", "2024-01-02"), &receivablesv1.ConfirmPaymentNoticeRequest{RequestId: "confirm " + id, PaymentNoticeId: id})
	must(t, err)
}

// noticed is what the gate was told last of the customer's notices: "id order open/received/unapplied last".
func (w *world) noticed(t *testing.T, positions int) string {
	t.Helper()
	var out []string
	w.set(func() {
		all := w.positions["C-1"]
		if len(all) != positions {
			t.Fatalf("%d positions, want %d", len(all), positions)
		}
		for _, n := range all[positions-1].GetPaymentNotices() {
			out = append(out, fmt.Sprintf("%s %s %s/%s/%s %s", n.GetPaymentNoticeId(), n.GetOrderId(), n.GetOpen().GetAmount(),
				n.GetReceived().GetAmount(), n.GetUnapplied().GetAmount(), n.GetLastDate()))
		}
	})
	return strings.Join(out, ", ")
}

func (w *world) state(t *testing.T, id, date string) string {
	t.Helper()
	r, err := w.notices.GetPaymentNotice(w.as(t, "AUDITOR", date), &receivablesv1.GetPaymentNoticeRequest{PaymentNoticeId: id})
	must(t, err)
	n := r.GetPaymentNotice()
	return strings.TrimPrefix(n.GetState().String(), "PAYMENT_NOTICE_STATE_") + " " + n.GetOpenAmount().GetAmount()
}

// Invariant 13: the gate learns of a notice once it is confirmed; its money goes to its order, settles it in parts, and is
// owed again when it comes back.
func TestNoticeFromRecordToReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2023-01-01", &receivablesv1.Invoice{InvoiceId: "I-0", CustomerId: "C-1", OrderId: "O-0", Amount: cny("500")})
	w.record(t, noticeOf("N-1", "O-1", "100"))
	equal(t, "not confirmed", w.noticed(t, 1), "")
	w.confirm(t, "N-1")
	equal(t, "confirmed", w.noticed(t, 2), "N-1 O-1 100.00/0.00/0.00 2024-01-13")
	first := w.pay(t, "2024-01-03", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("40"), PaymentNoticeId: "N-1"})
	equal(t, "kept for the order, though another invoice is overdue", first.GetUnappliedAmount().GetAmount(), "40.00")
	equal(t, "in part", w.noticed(t, 3), "N-1 O-1 60.00/40.00/40.00 2024-01-13")
	w.post(t, "2024-01-04", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", OrderId: "O-1", Amount: cny("100")})
	second := w.pay(t, "2024-01-05", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "C-1", Amount: cny("60"), PaymentNoticeId: "N-1"})
	if a := second.GetApplications(); len(a) != 1 || a[0].GetInvoiceId() != "I-1" {
		t.Errorf("applied to %v, want to the order's invoice", a)
	}
	equal(t, "settled", w.state(t, "N-1", "2024-01-20"), "SETTLED 0.00")
	equal(t, "all came, a part is to be applied", w.noticed(t, 5), "N-1 O-1 0.00/100.00/40.00 2024-01-13")
	_, err := w.receipts.ApplyReceipt(w.as(t, "FINANCE_CLERK", "2024-01-05"), &receivablesv1.ApplyReceiptRequest{
		RequestId: "apply", ReceiptId: "R-1", Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: "I-0"}},
	})
	must(t, err)
	equal(t, "nothing is left to say", w.noticed(t, 6), "")
	_, err = w.receipts.ReverseReceipt(w.as(t, "FINANCE_MANAGER", "2024-01-06"), &receivablesv1.ReverseReceiptRequest{RequestId: "back", ReceiptId: "R-2", Reason: "returned"})
	must(t, err)
	equal(t, "came back", w.state(t, "N-1", "2024-01-06"), "CONFIRMED 60.00")
	equal(t, "money for another order's invoice is not there for this one", w.noticed(t, 7), "N-1 O-1 60.00/0.00/0.00 2024-01-13")
	equal(t, "the last day", w.state(t, "N-1", "2024-01-13"), "CONFIRMED 60.00")
	equal(t, "the day after", w.state(t, "N-1", "2024-01-14"), "LAPSED 60.00")
	w.post(t, "2024-01-14", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("1")})
	equal(t, "lapsed", w.noticed(t, 8), "")
	v, err := w.ops.VerifyChains(w.as(t, "OPERATOR", ""), &receivablesv1.VerifyChainsRequest{})
	must(t, err)
	if len(v.GetBreaks()) > 0 {
		t.Errorf("verification %v", v.GetBreaks())
	}
}

// A notice that is withdrawn is worth nothing, and what came under it is free for anything.
func TestNoticeWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1))
	for _, id := range []string{"N-1", "N-2", "N-3"} {
		w.record(t, noticeOf(id, "O-"+id, "100"))
	}
	withdraw := func(id string) error {
		_, err := w.notices.WithdrawPaymentNotice(w.by(t, "anna", "SALESPERSON", "2024-01-03"), &receivablesv1.WithdrawPaymentNoticeRequest{
			RequestId: "withdraw " + id, PaymentNoticeId: id, Reason: "cancelled",
		})
		return err
	}
	must(t, withdraw("N-3")) // never confirmed: the gate has nothing to learn
	w.confirm(t, "N-1")
	w.pay(t, "2024-01-03", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "C-1", Amount: cny("100"), PaymentNoticeId: "N-2"})
	equal(t, "money is money, confirmed or not", w.noticed(t, 2), "N-1 O-N-1 100.00/0.00/0.00 2024-01-13, N-2 O-N-2 0.00/100.00/100.00 2024-01-13")
	must(t, withdraw("N-1"))
	must(t, withdraw("N-1")) // the same request again
	must(t, withdraw("N-2"))
	equal(t, "withdrawn", w.noticed(t, 4), "")
	equal(t, "state", w.state(t, "N-2", "2024-01-03"), "WITHDRAWN 0.00")
	_, err := w.receipts.PostReceipt(w.as(t, "FINANCE_CLERK", "2024-01-04"), &receivablesv1.PostReceiptRequest{
		RequestId: "late", Receipt: &receivablesv1.Receipt{ReceiptId: "R-3", CustomerId: "C-1", Amount: cny("1"), PaymentNoticeId: "N-1"},
	})
	if e := refusal(t, err, errs.FailedPrecondition, "PAYMENT_NOTICE_WITHDRAWN"); !names(e, "receipt.payment_notice_id") {
		t.Errorf("%+v does not name the field", e)
	}
	for state, n := range map[receivablesv1.PaymentNoticeState]int{
		receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_UNSPECIFIED: 3, receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_WITHDRAWN: 3,
		receivablesv1.PaymentNoticeState_PAYMENT_NOTICE_STATE_CONFIRMED: 0,
	} {
		l, err := w.notices.ListPaymentNotices(w.as(t, "AUDITOR", "2024-01-04"), &receivablesv1.ListPaymentNoticesRequest{State: state, PageSize: 2})
		must(t, err)
		got := len(l.GetPaymentNotices())
		if l.GetNextPageToken() != "" {
			l, err = w.notices.ListPaymentNotices(w.as(t, "AUDITOR", "2024-01-04"), &receivablesv1.ListPaymentNoticesRequest{State: state, PageSize: 2, PageToken: l.GetNextPageToken()})
			must(t, err)
			got += len(l.GetPaymentNotices())
		}
		equal(t, state.String(), got, n)
	}
}

// What is refused names the field and changes nothing; two people are needed, and each sees its own customers.
func TestNoticeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, profile("C-1", "anna", 1), profile("C-2", "ben", 1))
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", OrderId: "O-1", Amount: cny("100")})
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-2", OrderId: "O-1", Amount: cny("100")})
	w.record(t, noticeOf("N-1", "O-1", "100"))
	before := w.rows(t)
	for name, c := range map[string]struct {
		change        func(*receivablesv1.PaymentNotice)
		kind          errs.Kind
		reason, field string
	}{
		"again":                   {func(n *receivablesv1.PaymentNotice) { n.PaymentNoticeId = "N-1" }, errs.AlreadyExists, "PAYMENT_NOTICE_EXISTS", ""},
		"another's customer":      {func(n *receivablesv1.PaymentNotice) { n.CustomerId = "C-2" }, errs.NotFound, "CUSTOMER_UNKNOWN", "payment_notice.customer_id"},
		"no customer":             {func(n *receivablesv1.PaymentNotice) { n.CustomerId = "C-9" }, errs.NotFound, "CUSTOMER_UNKNOWN", "payment_notice.customer_id"},
		"no order":                {func(n *receivablesv1.PaymentNotice) { n.OrderId = "" }, errs.Invalid, "INVALID_FIELD", "payment_notice.order_id"},
		"no amount":               {func(n *receivablesv1.PaymentNotice) { n.Amount = nil }, errs.Invalid, "INVALID_FIELD", "payment_notice.amount"},
		"zero":                    {func(n *receivablesv1.PaymentNotice) { n.Amount = cny("0") }, errs.Invalid, "AMOUNT_NOT_POSITIVE", "payment_notice.amount.amount"},
		"currency":                {func(n *receivablesv1.PaymentNotice) { n.Amount = &typev1.Money{CurrencyCode: "USD", Amount: "1"} }, errs.Invalid, "CURRENCY_MISMATCH", "payment_notice.amount.currency_code"},
		"yesterday":               {func(n *receivablesv1.PaymentNotice) { n.ExpectedDate = "2024-01-01" }, errs.Invalid, "INVALID_FIELD", "payment_notice.expected_date"},
		"no such invoice":         {func(n *receivablesv1.PaymentNotice) { n.InvoiceId = "I-9" }, errs.NotFound, "INVOICE_UNKNOWN", "payment_notice.invoice_id"},
		"another's invoice":       {func(n *receivablesv1.PaymentNotice) { n.InvoiceId = "I-2" }, errs.NotFound, "INVOICE_UNKNOWN", "payment_notice.invoice_id"},
		"another order's invoice": {func(n *receivablesv1.PaymentNotice) { n.InvoiceId, n.OrderId = "I-1", "O-2" }, errs.Invalid, "INVALID_FIELD", "payment_notice.invoice_id"},
	} {
		t.Run(name, func(t *testing.T) {
			n := noticeOf("N-2", "O-1", "1")
			c.change(n)
			_, err := w.notices.RecordPaymentNotice(w.by(t, "anna", "SALESPERSON", "2024-01-02"), &receivablesv1.RecordPaymentNoticeRequest{RequestId: "x", PaymentNotice: n})
			if e := refusal(t, err, c.kind, c.reason); c.field != "" && !names(e, c.field) {
				t.Errorf("%+v does not name %s", e, c.field)
			}
		})
	}
	confirm := &receivablesv1.ConfirmPaymentNoticeRequest{RequestId: "x", PaymentNoticeId: "N-1"}
	_, err := w.notices.ConfirmPaymentNotice(w.by(t, "anna", "FINANCE_CLERK", "2024-01-02"), confirm)
	want(t, err, errs.PermissionDenied, "SAME_PERSON")
	_, err = w.notices.ConfirmPaymentNotice(w.by(t, "carl", "SALESPERSON", "2024-01-02"), confirm)
	want(t, err, errs.PermissionDenied, "ROLE_REQUIRED")
	_, err = w.notices.ConfirmPaymentNotice(w.by(t, "carl", "FINANCE_CLERK", "2024-01-14"), confirm)
	want(t, err, errs.FailedPrecondition, "PAYMENT_NOTICE_LAPSED")
	_, err = w.notices.WithdrawPaymentNotice(w.by(t, "ben", "SALESPERSON", "2024-01-02"), &receivablesv1.WithdrawPaymentNoticeRequest{RequestId: "x", PaymentNoticeId: "N-1", Reason: "x"})
	want(t, err, errs.NotFound, "PAYMENT_NOTICE_UNKNOWN")
	_, err = w.notices.GetPaymentNotice(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.GetPaymentNoticeRequest{PaymentNoticeId: "N-1"})
	want(t, err, errs.NotFound, "PAYMENT_NOTICE_UNKNOWN")
	l, err := w.notices.ListPaymentNotices(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.ListPaymentNoticesRequest{})
	must(t, err)
	equal(t, "another's notices", len(l.GetPaymentNotices()), 0)
	for name, r := range map[string]*receivablesv1.Receipt{
		"another customer's notice": {ReceiptId: "R-1", CustomerId: "C-2", Amount: cny("1"), PaymentNoticeId: "N-1"},
		"no such notice":            {ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("1"), PaymentNoticeId: "N-9"},
	} {
		_, err := w.receipts.PostReceipt(w.as(t, "FINANCE_CLERK", "2024-01-02"), &receivablesv1.PostReceiptRequest{RequestId: "x", Receipt: r})
		if e := refusal(t, err, errs.NotFound, "PAYMENT_NOTICE_UNKNOWN"); !names(e, "receipt.payment_notice_id") {
			t.Errorf("%s: %+v does not name the field", name, e)
		}
	}
	tried := &receivablesv1.RecordPaymentNoticeRequest{RequestId: "x", ValidateOnly: true, PaymentNotice: noticeOf("N-3", "O-1", "1")}
	r, err := w.notices.RecordPaymentNotice(w.by(t, "anna", "SALESPERSON", "2024-01-02"), proto.CloneOf(tried))
	must(t, err)
	equal(t, "only tried", r.GetPaymentNotice().GetLastDate(), "2024-01-13")
	if after := w.rows(t); after != before {
		t.Errorf("rows after refusals %s, before %s", after, before)
	}
}
