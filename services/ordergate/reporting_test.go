package ordergate_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (w *world) submit(id, customer, amount string) *pb.Order {
	w.t.Helper()
	resp, err := w.orders.SubmitOrder(w.as("sales", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{OrderId: id, CustomerId: customer, Amount: cny(amount)}})
	must(w.t, err)
	return resp.GetOrder()
}

func (w *world) approve(id, subject string, roles ...string) error {
	_, err := w.orders.ApproveOrder(w.as(subject, roles...), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: id, Reason: "paid tomorrow"})
	return err
}

func (w *world) customer(id, limit, until string) {
	w.t.Helper()
	must(w.t, w.grant(id, "s-"+id, &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, Limit: limitOf(limit), TermDays: 30, ValidUntilDate: until}))
}

// special is a day with one of everything.
func special(w *world) {
	w.today = "2026-06-30"
	for id, until := range map[string]string{"C1": "", "C2": "2026-07-20", "C3": "2027-01-01", "C4": ""} {
		w.customer(id, "1000", until)
	}
	w.submit("OLD", "C1", "1500") // on hold since the day before
	w.today = "2026-07-01"
	w.submit("NEAR", "C2", "950")
	w.submit("HELD", "C3", "2000")
	w.submit("REL", "C4", "1200")
	for who, reason := range map[string]string{"sales": "SAME_PERSON", "boss": "NOT_YOUR_STEP"} {
		role := map[string]string{"sales": "CREDIT_MANAGER", "boss": "GENERAL_MANAGER"}[who]
		if err := w.approve("REL", who, role); errs.ReasonOf(err) != reason {
			w.t.Fatalf("%s: %v, want %s", who, err, reason)
		}
	}
	must(w.t, w.approve("REL", "cm", "CREDIT_MANAGER"))
}

func TestDailyReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	special(w)
	reports := pb.NewReportServiceClient(w.conn)
	resp, err := reports.GetDailyReport(w.as("fm", "FINANCE_MANAGER"), &pb.GetDailyReportRequest{})
	must(t, err)
	d := resp.GetReport()
	c := d.GetCounts()
	got := fmt.Sprint(c.GetOnHold(), c.GetHeld(), c.GetReleases(), c.GetOverLimit(), c.GetNearLimit(), c.GetExpiringGrants(), c.GetViolations(), c.GetAccounts())
	if got != "2 2 1 1 1 1 2 4" || d.GetKept() || d.GetBusinessDate() != "2026-07-01" {
		t.Errorf("counts %s of %v", got, d)
	}
	var holds []string
	for _, h := range d.GetHolds() {
		holds = append(holds, h.GetOrderId()+" "+h.GetState()+" "+h.GetExcess().GetAmount())
	}
	if want := "[HELD HELD 1000.00 OLD HELD 500.00 REL APPROVED 200.00]"; fmt.Sprint(holds) != want {
		t.Errorf("holds %v, want %s", holds, want)
	}
	if r := d.GetReleases()[0]; r.GetOrderId() != "REL" || r.GetAmount().GetAmount() != "1200.00" || r.GetReason() != "paid tomorrow" || fmt.Sprint(r.GetApprovers()) != "[cm]" {
		t.Errorf("release %v", r)
	}
	if u := d.GetOverLimit()[0]; u.GetCustomerId() != "C4" || u.GetExcess().GetAmount() != "200.00" || u.GetUtilizationBp() != 12000 {
		t.Errorf("over the limit %v", u)
	}
	if u := d.GetNearLimit()[0]; u.GetCustomerId() != "C2" || u.GetUtilizationBp() != 9500 || d.GetExpiringGrants()[0].GetDaysLeft() != 19 {
		t.Errorf("near the limit %v, expiring %v", u, d.GetExpiringGrants())
	}
	tried := map[string]string{}
	for _, v := range d.GetViolations() {
		tried[v.GetActor()] = v.GetReason() + " " + v.GetSubject() + " " + v.GetCustomerId() + " " + v.GetAction()
	}
	if tried["sales"] != "SAME_PERSON REL C4 approval.act" || tried["boss"] != "NOT_YOUR_STEP REL C4 approval.act" {
		t.Errorf("violations %v", tried)
	}
	before, err := reports.GetDailyReport(w.as("fm", "FINANCE_MANAGER"), &pb.GetDailyReportRequest{Date: "2026-06-30"})
	must(t, err)
	if b := before.GetReport(); len(b.GetHolds()) != 1 || b.GetHolds()[0].GetOrderId() != "OLD" || b.GetCounts().GetNearLimit() != 0 || b.GetCounts().GetViolations() != 0 {
		t.Errorf("the day before, as it was: %v", b)
	}
	if _, err := reports.GetDailyReport(w.as("fm", "FINANCE_MANAGER"), &pb.GetDailyReportRequest{Date: "2026-07-02"}); errs.ReasonOf(err) != "DATE_NOT_REACHED" {
		t.Errorf("tomorrow: %v", err)
	}
	if _, err := reports.GetDailyReport(w.as("s", "SALESPERSON"), &pb.GetDailyReportRequest{}); errs.KindOf(err) != errs.PermissionDenied {
		t.Errorf("a salesperson: %v", err)
	}
	w.files(reports, d)
	w.verified()
}

// files compares what is downloaded with the data.
func (w *world) files(reports pb.ReportServiceClient, d *pb.DailyReport) {
	t := w.t
	var header metadata.MD
	file, err := reports.DownloadDailyReport(w.as("a", "AUDITOR"), &pb.DownloadDailyReportRequest{Format: pb.ReportFormat_REPORT_FORMAT_XLSX, Language: pb.ReportLanguage_REPORT_LANGUAGE_EN}, grpc.Header(&header))
	must(t, err)
	if got := header.Get("content-disposition"); len(got) != 1 || got[0] != `attachment; filename="daily-credit-report-2026-07-01-en.xlsx"` {
		t.Errorf("content-disposition %q", got)
	}
	f, err := excelize.OpenReader(bytes.NewReader(file.GetData()))
	must(t, err)
	rows, err := f.GetRows("Holds", excelize.Options{RawCellValue: true})
	must(t, err)
	if len(rows) != 2+len(d.GetHolds()) {
		t.Fatalf("%d rows of holds", len(rows))
	}
	for i, h := range d.GetHolds() {
		want := []string{h.GetOrderId(), h.GetCustomerId(), h.GetCustomerName(), h.GetSalespersonId(), "CNY", strings.TrimSuffix(h.GetAmount().GetAmount(), ".00"), strings.TrimSuffix(h.GetExcess().GetAmount(), ".00")}
		if got := rows[i+2][:7]; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("row %q, want %q", got, want)
		}
	}
	file, err = reports.DownloadDailyReport(w.as("a", "AUDITOR"), &pb.DownloadDailyReportRequest{})
	if errs.ReasonOf(err) == "FONT_MISSING" {
		t.Logf("documents are not tested: %v", err)
		return
	}
	must(t, err)
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("documents are not read back: pdftotext is missing (package poppler-utils)")
		return
	}
	path := filepath.Join(t.TempDir(), "a.pdf")
	must(t, os.WriteFile(path, file.GetData(), 0o600))
	text, err := exec.CommandContext(t.Context(), program, "-layout", path, "-").Output()
	must(t, err)
	for _, want := range []string{"信用特殊情况日报", "HELD", "2,000.00", "REL", "C2", "95%", "自批", "第 1 页，共"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document lacks %q:\n%s", want, text)
		}
	}
}

func TestCheckOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer("C1", "1000", "")
	var list []*pb.Order
	for i := range 1000 {
		list = append(list, &pb.Order{OrderId: fmt.Sprintf("O%04d", i), CustomerId: "C1", Amount: cny("3")})
	}
	list[10].CustomerId, list[11].Amount = "nobody", cny("1.001")
	resp, err := w.orders.CheckOrders(w.as("sales", "ERP"), &pb.CheckOrdersRequest{Orders: list})
	must(t, err)
	if resp.GetApproved() != 333 || resp.GetHeld() != 665 || resp.GetRefused() != 2 || len(resp.GetResults()) != 1000 {
		t.Errorf("%d approved, %d held, %d refused", resp.GetApproved(), resp.GetHeld(), resp.GetRefused())
	}
	if r := resp.GetResults(); r[10].GetErrorReason() != "CUSTOMER_UNKNOWN" || r[11].GetErrorReason() != "MONEY_INVALID" || r[999].GetDecision().GetVerdict() != pb.Verdict_VERDICT_HOLD || r[0].GetDecision().GetDecisionId() != "" {
		t.Errorf("%v %v %v", r[10], r[11], r[999])
	}
	if a := w.account("C1"); a.GetBuckets().GetOrder().GetAmount() != "0.00" || a.GetSequence() != 1 {
		t.Errorf("the list left something behind: %v", a)
	}
	if _, err := w.orders.CheckOrders(w.as("sales", "ERP"), &pb.CheckOrdersRequest{Orders: append(list, list[0])}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("1,001 orders: %v", err)
	}
}

// stricter is a draft under which half the limit may be used.
const stricter = `
name: stricter
base_currency: CNY
rules: [{name: limit, enforcement: RULE_ENFORCEMENT_HOLD, limit: {threshold: "0.5"}}]
release_memory: {tolerance_percent: "0", days: 1}
release_authority: [{steps: [{name: a, roles: [ROLE_CREDIT_MANAGER]}]}]
daily_report: {hour: 7, utilization_ratio: "0.8", expiring_days: 10}
`

func TestSimulationOfADraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer("C1", "1000", "")
	w.customer("C2", "1000", "")
	w.submit("SMALL", "C1", "400")
	w.submit("LATE", "C1", "500")
	w.submit("BIG", "C2", "3000")
	must(t, w.position(&receivablesv1.Position{
		CustomerId: "C1", Receivable: cny("500"), Unapplied: cny("0"), Ladder: []*receivablesv1.DueAmount{{DueDate: "2026-07-31", Amount: cny("500")}},
		Movements: []*receivablesv1.Movement{{OrderId: "LATE", InvoiceId: "I1", Amount: cny("500")}},
	}))
	w.today = "2026-08-10"
	draft, err := w.policies.CreateOrderPolicy(w.as("writer", "CREDIT_MANAGER"), &pb.CreateOrderPolicyRequest{RequestId: w.request(), Source: &pb.CreateOrderPolicyRequest_Yaml{Yaml: stricter}})
	must(t, err)
	simulations, operations := pb.NewPolicySimulationServiceClient(w.conn), pb.NewOperationServiceClient(w.conn)
	req := &pb.SimulateOrderPolicyRequest{RequestId: "sim", Version: draft.GetVersion().GetVersion(), FromDate: "2026-07-01", ToDate: "2026-07-31"}
	before := w.account("C1")
	started, err := simulations.SimulateOrderPolicy(w.as("cm", "CREDIT_MANAGER"), req)
	must(t, err)
	again, err := simulations.SimulateOrderPolicy(w.as("cm", "CREDIT_MANAGER"), req)
	must(t, err)
	id := started.GetOperation().GetOperationId()
	if again.GetOperation().GetOperationId() != id {
		t.Errorf("the same request began another operation")
	}
	op := w.ended(operations, id)
	r := op.GetSimulationResult()
	o := r.GetOrders()
	if op.GetState() != pb.OperationState_OPERATION_STATE_SUCCEEDED || op.GetDone() != 2 || op.GetTotal() != 2 || r.GetAccounts() != 2 || r.GetDecisions() != 3 {
		t.Fatalf("%v", op)
	}
	if o.GetPassBoth() != 1 || o.GetNewlyHeld() != 1 || o.GetHeldBoth() != 1 || o.GetNewlyHeldAmounts()[0].GetAmount() != "500.00" {
		t.Errorf("orders %v", o)
	}
	if x := r.GetNewlyHeld(); x.GetBecameOverdue() != 1 || x.GetMaxDaysOverdue() != 10 || r.GetChangedOrders()[0].GetOrderId() != "LATE" || !r.GetChangedOrders()[0].GetBecameOverdue() {
		t.Errorf("newly held %v %v", x, r.GetChangedOrders())
	}
	if after := w.account("C1"); after.GetSequence() != before.GetSequence() || after.GetExposure().GetAmount() != before.GetExposure().GetAmount() {
		t.Errorf("the simulation changed something: %v", after)
	}
	list, err := operations.ListOperations(w.as("a", "AUDITOR"), &pb.ListOperationsRequest{State: pb.OperationState_OPERATION_STATE_SUCCEEDED})
	must(t, err)
	if len(list.GetOperations()) != 1 || list.GetOperations()[0].GetSimulationResult() != nil {
		t.Errorf("list %v", list)
	}
	if cancelled, err := operations.CancelOperation(w.as("cm", "CREDIT_MANAGER"), &pb.CancelOperationRequest{OperationId: id}); err != nil || cancelled.GetOperation().GetState() != pb.OperationState_OPERATION_STATE_SUCCEEDED {
		t.Errorf("cancelling what has ended: %v %v", cancelled, err)
	}
	for reason, bad := range map[string]*pb.SimulateOrderPolicyRequest{
		"POLICY_NOT_FOUND": {RequestId: "x1", Version: 99, FromDate: "2026-07-01"}, "PERIOD_INVALID": {RequestId: "x2", Version: 1, FromDate: "2026-08-11"},
	} {
		_, err := simulations.SimulateOrderPolicy(w.as("cm", "CREDIT_MANAGER"), bad)
		if e, ok := errs.As(err); !ok || (e.Reason != reason && (len(e.Violations) == 0 || e.Violations[0].Rule != reason)) {
			t.Errorf("%v, want %s", err, reason)
		}
	}
	if _, err := operations.GetOperation(w.as("a", "AUDITOR"), &pb.GetOperationRequest{OperationId: "none"}); errs.ReasonOf(err) != "OPERATION_UNKNOWN" {
		t.Errorf("%v", err)
	}
}

func (w *world) ended(operations pb.OperationServiceClient, id string) *pb.Operation {
	w.t.Helper()
	for range 600 {
		resp, err := operations.GetOperation(w.as("a", "AUDITOR"), &pb.GetOperationRequest{OperationId: id})
		must(w.t, err)
		if resp.GetOperation().GetEndTime() != nil {
			return resp.GetOperation()
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // waits for a process
	}
	w.t.Fatalf("operation %s does not end", id)
	return nil
}
