package receivables_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// The pack of March: who answers for what, what happened, what is to be done; the action item is in the pack of April too,
// and is not in that of June.
func TestOverdueMeeting(t *testing.T) {
	t.Parallel()
	w := shop(t)
	w.post(t, "2024-02-01", &receivablesv1.Invoice{InvoiceId: "J1", CustomerId: "D", DueDate: "2024-02-20", Amount: cny("70")})
	w.approve(t, w.propose(t, "a", "2024-03-08"), "2024-03-08")
	_, err := w.promise(t, "2024-03-12", &receivablesv1.Promise{PromiseId: "P", CustomerId: "C", ItemIds: []string{"I1"}, Parts: []*receivablesv1.PromisePart{{Date: "2024-03-15", Amount: cny("60")}}})
	must(t, err)
	w.pay(t, "2024-03-14", &receivablesv1.Receipt{ReceiptId: "R", CustomerId: "C", Amount: cny("25")})
	pack := func(month, date string) *receivablesv1.OverdueMeeting {
		got, err := w.meetings.GetOverdueMeeting(w.as(t, manager, date), &receivablesv1.GetOverdueMeetingRequest{Month: month})
		must(t, err)
		return got.GetMeeting()
	}
	march := pack("2024-03", "2024-04-03")
	equal(t, "day", march.GetAsOfDate(), "2024-03-31")
	equal(t, "people", len(march.GetPeople()), 2)
	equal(t, "first", march.GetPeople()[0].GetSalespersonId(), "S")
	c := march.GetPeople()[0].GetCustomers()[0]
	equal(t, "overdue", c.GetOverdue().GetAmount(), "125.00")
	equal(t, "overdue a month before", c.GetOverdueBefore().GetAmount(), "0.00")
	equal(t, "items", c.GetItems(), 2)
	equal(t, "oldest", c.GetOldestDays(), 30)
	equal(t, "step", c.GetNextStep(), "PROMISE_BROKEN")
	kinds := make([]string, len(c.GetHistory()))
	for i, l := range c.GetHistory() {
		kinds[i] = l.GetKind()
	}
	if !slices.Equal(kinds, []string{"PROMISE", "LETTER"}) {
		t.Errorf("history %v", c.GetHistory())
	}
	equal(t, "broken", c.GetHistory()[0].GetText(), "60.00 CNY by 2024-03-15: PARTLY_KEPT, 35.00 unpaid")
	equal(t, "the other's", march.GetPeople()[1].GetCustomers()[0].GetOverdueBefore().GetAmount(), "70.00")
	// What was paid after the day is open on it.
	w.pay(t, "2024-04-02", &receivablesv1.Receipt{ReceiptId: "R2", CustomerId: "C", Amount: cny("125")})
	equal(t, "overdue in March, seen after the payment", pack("2024-03", "2024-04-03").GetPeople()[0].GetCustomers()[0].GetOverdue().GetAmount(), "125.00")
	equal(t, "people in April", len(pack("2024-04", "2024-04-03").GetPeople()), 1)

	minutes := func(id, due, customer string) (*receivablesv1.RecordMinutesResponse, error) {
		return w.meetings.RecordMinutes(w.as(t, manager, "2024-04-03"), &receivablesv1.RecordMinutesRequest{
			RequestId: id, Month: "2024-03", Text: "went through the list", Present: []string{"finance", "sales"},
			ActionItems: []*receivablesv1.ActionItem{{Text: "visit D", Owner: "T", DueDate: due, CustomerId: customer}},
		})
	}
	_, err = minutes("m1", "2024-04-02", "D")
	if e := refusal(t, err, errs.Invalid, "INVALID_FIELD"); !names(e, "action_items[0].due_date") {
		t.Error(e)
	}
	_, err = minutes("m1", "2024-04-20", "Z")
	want(t, err, errs.NotFound, "CUSTOMER_UNKNOWN")
	said, err := minutes("m1", "2024-04-20", "D")
	must(t, err)
	equal(t, "number", said.GetActionItems()[0].GetActionItemId(), "M202403-1")
	equal(t, "minutes", len(pack("2024-03", "2024-04-03").GetMinutes()), 1)
	equal(t, "minutes of April", len(pack("2024-04", "2024-04-03").GetMinutes()), 0)
	april := pack("2024-04", "2024-04-30")
	equal(t, "in the next pack", len(april.GetActionItems()), 1)
	equal(t, "late", april.GetActionItems()[0].GetLate(), true)
	_, err = w.meetings.CloseActionItem(w.as(t, manager, "2024-04-30"), &receivablesv1.CloseActionItemRequest{RequestId: "c", ActionItemId: "M202403-1", Result: "paid"})
	must(t, err)
	equal(t, "shown closed in May", pack("2024-05", "2024-05-30").GetActionItems()[0].GetResult(), "paid")
	equal(t, "gone in June", len(pack("2024-06", "2024-06-30").GetActionItems()), 0)
	_, err = w.meetings.CloseActionItem(w.as(t, manager, "2024-05-01"), &receivablesv1.CloseActionItemRequest{RequestId: "c2", ActionItemId: "M202403-1", Result: "x"})
	want(t, err, errs.FailedPrecondition, "ACTION_ITEM_CLOSED")
	_, err = w.meetings.CloseActionItem(w.as(t, manager, "2024-05-01"), &receivablesv1.CloseActionItemRequest{RequestId: "c3", ActionItemId: "M202403-9", Result: "x"})
	want(t, err, errs.NotFound, "ACTION_ITEM_UNKNOWN")
	w.meetingFiles(t)
}

func (w *world) meetingFiles(t *testing.T) {
	t.Helper()
	get := func(f receivablesv1.MeetingFormat, l receivablesv1.DunningLanguage) []byte {
		got, err := w.meetings.DownloadOverdueMeeting(w.as(t, manager, "2024-04-30"), &receivablesv1.DownloadOverdueMeetingRequest{Month: "2024-03", Format: f, Language: l})
		must(t, err)
		return got.GetData()
	}
	for _, l := range []receivablesv1.DunningLanguage{receivablesv1.DunningLanguage_DUNNING_LANGUAGE_CHINESE, receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH} {
		if !bytes.HasPrefix(get(receivablesv1.MeetingFormat_MEETING_FORMAT_PDF, l), []byte("%PDF")) {
			t.Error("no document")
		}
	}
	book, err := excelize.OpenReader(bytes.NewReader(get(receivablesv1.MeetingFormat_MEETING_FORMAT_XLSX, receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH)))
	must(t, err)
	rows, err := book.GetRows("Overdue")
	must(t, err)
	last := rows[len(rows)-1]
	if last[0] != "T" || last[1] != "D" || last[4] != "70.00" {
		t.Errorf("last row %v", last)
	}
	if got := book.GetSheetList(); !slices.Equal(got, []string{"Overdue", "History", "Action items", "Minutes"}) {
		t.Errorf("sheets %v", got)
	}
}
