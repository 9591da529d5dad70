package suite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pgtest"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/suite"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
	"github.com/avalcredit/aval/services/suite/latepayments"
	"github.com/avalcredit/aval/services/suite/replay"
)

// The data stays outside the repository.
const latePaymentsData = "../../../shared/data/late-payments"

// lastDay is the day of the last payment.
var lastDay = calendar.MustDate("2014-01-09")

// reference is what was computed independently of this project.
type reference struct {
	Rows      int
	Customers int
	AsOf      map[string]referenceDay `json:"as_of"`
}

type referenceDay struct {
	OpenItems     int64                      `json:"open_items"`
	OpenAmount    string                     `json:"open_amount"`
	OverdueItems  int64                      `json:"overdue_items"`
	OverdueAmount string                     `json:"overdue_amount"`
	Customers     int                        `json:"customers_with_balance"`
	Aging         map[string]referenceBucket `json:"aging"`
}

type referenceBucket struct {
	Items  int64
	Amount string
}

func latePayments(t *testing.T) ([]latepayments.Invoice, reference) {
	t.Helper()
	file, err := os.Open(filepath.Join(latePaymentsData, "WA_Fn-UseC_-Accounts-Receivable.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the data is not here: put it into ../shared/data/late-payments beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	invoices, err := latepayments.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(latePaymentsData, "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ref reference
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	return invoices, ref
}

func checkpoints() []calendar.Date {
	var dates []calendar.Date
	for _, d := range []string{"2012-06-30", "2012-12-31", "2013-06-30", "2013-09-30"} {
		dates = append(dates, calendar.MustDate(d))
	}
	return append(dates, lastDay)
}

// TestLatePayments runs two years of a real company's receivables through the whole circle.
func TestLatePayments(t *testing.T) {
	t.Parallel()
	invoices, ref := latePayments(t)
	if len(invoices) != ref.Rows {
		t.Fatalf("%d invoices, the reference has %d", len(invoices), ref.Rows)
	}
	database := pgtest.Database(t)
	system, s := operated(t, database)
	days := runLatePayments(t, s, invoices)
	for _, d := range checkpoints() {
		day := days[d.String()]
		day.gateAgrees(t)
		if want, ok := ref.AsOf[d.String()]; ok {
			day.agesAs(t, want)
		}
	}
	days[lastDay.String()].isOver(t, ref.Customers)
	l := &lateBooks{system: system, suite: s}
	l.gradesMoved(t, days[lastDay.String()])
	l.decisionsReplay(t, days[lastDay.String()])
	l.verify(t, 0)
	changeOneByte(t, database)
	l.verify(t, 1)
}

// lateDay is what was read at the end of a checkpoint.
type lateDay struct {
	date     string
	total    *receivablesv1.GetAgingResponse
	customer *receivablesv1.GetAgingResponse
	accounts *ordergatev1.ListCreditAccountsResponse
}

// runLatePayments replays all invoices and returns the days that it read.
func runLatePayments(t *testing.T, s *access.Suite, invoices []latepayments.Invoice) map[string]*lateDay {
	t.Helper()
	var lines, out bytes.Buffer
	if err := latepayments.Write(&lines, invoices, latepayments.Options{Checkpoints: checkpoints()}); err != nil {
		t.Fatal(err)
	}
	sum, err := replay.Run(t.Context(), bytes.NewReader(lines.Bytes()), replay.Options{Suite: s, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines in %v, %.0f a second: %d done, %d accepted refusals", sum.Lines, sum.Elapsed, sum.Rate, sum.Done, sum.Skipped)
	calls, answers := strings.Split(strings.TrimSpace(lines.String()), "\n"), strings.Split(strings.TrimSpace(out.String()), "\n")
	if sum.Failed > 0 || len(calls) != len(answers) {
		t.Fatalf("%d of %d lines failed, %d answers; the first: %s", sum.Failed, len(calls), len(answers), firstFailure(answers))
	}
	days := map[string]*lateDay{}
	for _, d := range checkpoints() {
		days[d.String()] = &lateDay{date: d.String()}
	}
	for i, call := range calls {
		if strings.Contains(call, `"as":{"role":"AUDITOR"`) {
			readDay(t, days, call, answers[i])
		}
	}
	return days
}

func firstFailure(answers []string) string {
	for _, a := range answers {
		if strings.Contains(a, `"error":`) && !strings.Contains(a, `"accepted":true`) {
			return a
		}
	}
	return ""
}

func readDay(t *testing.T, days map[string]*lateDay, call, answer string) {
	t.Helper()
	var asked struct {
		Date    string `json:"business_date"`
		Call    string
		Request struct {
			GroupBy string `json:"group_by"`
		}
	}
	var got struct{ Response json.RawMessage }
	if err := errors.Join(json.Unmarshal([]byte(call), &asked), json.Unmarshal([]byte(answer), &got)); err != nil {
		t.Fatal(err)
	}
	day := days[asked.Date]
	read := func(into proto.Message) {
		if err := protojson.Unmarshal(got.Response, into); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case strings.HasSuffix(asked.Call, "/ListCreditAccounts"):
		day.accounts = &ordergatev1.ListCreditAccountsResponse{}
		read(day.accounts)
	case asked.Request.GroupBy == "customer":
		day.customer = &receivablesv1.GetAgingResponse{}
		read(day.customer)
	default:
		day.total = &receivablesv1.GetAgingResponse{}
		read(day.total)
	}
}

// agesAs compares the aging with the reference, to the cent.
func (d *lateDay) agesAs(t *testing.T, want referenceDay) {
	t.Helper()
	if len(d.total.GetTotals()) != 1 {
		t.Fatalf("%s: totals %v", d.date, d.total.GetTotals())
	}
	got := d.total.GetTotals()[0]
	have := fmt.Sprintf("%d open %s, %d overdue %s", got.GetOpenItems(), got.GetOpenAmount().GetAmount(),
		got.GetOverdueItems(), got.GetOverdueAmount().GetAmount())
	if w := fmt.Sprintf("%d open %s, %d overdue %s", want.OpenItems, want.OpenAmount, want.OverdueItems, want.OverdueAmount); have != w {
		t.Errorf("%s: %s, the reference has %s", d.date, have, w)
	}
	if len(got.GetBuckets()) != len(want.Aging) {
		t.Errorf("%s: %d buckets, the reference has %d", d.date, len(got.GetBuckets()), len(want.Aging))
	}
	for _, b := range got.GetBuckets() {
		if w := want.Aging[b.GetName()]; b.GetItems() != w.Items || b.GetAmount().GetAmount() != w.Amount {
			t.Errorf("%s: bucket %s has %d items of %s, the reference %d of %s",
				d.date, b.GetName(), b.GetItems(), b.GetAmount().GetAmount(), w.Items, w.Amount)
		}
	}
	owing := 0
	for _, row := range d.customer.GetRows() {
		if row.GetOpenItems() > 0 {
			owing++
		}
	}
	if owing != want.Customers {
		t.Errorf("%s: %d customers owe something, the reference has %d", d.date, owing, want.Customers)
	}
}

// gateAgrees compares the gate's receivable bucket with the balance of receivables, customer by customer.
func (d *lateDay) gateAgrees(t *testing.T) {
	t.Helper()
	balance := map[string]string{}
	for _, row := range d.customer.GetRows() {
		balance[row.GetKey()] = row.GetBalance().GetAmount()
	}
	for _, a := range d.accounts.GetAccounts() {
		want, ok := balance[a.GetCustomerId()]
		if !ok {
			want = "0.00"
		}
		if got := a.GetBuckets().GetReceivable().GetAmount(); got != want {
			t.Errorf("%s: customer %s owes %s at the gate and %s in receivables", d.date, a.GetCustomerId(), got, want)
		}
		delete(balance, a.GetCustomerId())
	}
	if len(balance) > 0 {
		t.Errorf("%s: the gate has no account of %v", d.date, balance)
	}
}

// isOver checks that nothing is left in any bucket: all is shipped, invoiced and paid.
func (d *lateDay) isOver(t *testing.T, customers int) {
	t.Helper()
	if n := len(d.accounts.GetAccounts()); n != customers {
		t.Errorf("%d accounts, want %d", n, customers)
	}
	for _, a := range d.accounts.GetAccounts() {
		b := a.GetBuckets()
		left := []string{b.GetOrder().GetAmount(), b.GetDelivery().GetAmount(), b.GetReceivable().GetAmount(),
			b.GetUnapplied().GetAmount(), a.GetExposure().GetAmount()}
		if got := strings.Join(left, " "); got != "0.00 0.00 0.00 0.00 0.00" {
			t.Errorf("customer %s ends with %s", a.GetCustomerId(), got)
		}
	}
}

// lateBooks asks the suite about what the replay left.
type lateBooks struct {
	system *system
	suite  *access.Suite
}

// each calls do for every account's customer, several at a time, as an auditor.
func (l *lateBooks) each(t *testing.T, d *lateDay, do func(auditor person, customer string)) {
	t.Helper()
	auditor := l.system.as(t, "AUDITOR", "auditor-1")
	var customers []string
	for _, a := range d.accounts.GetAccounts() {
		customers = append(customers, a.GetCustomerId())
	}
	failed := lanes.Run(t.Context(), 4, customers, func(_ context.Context, i int) error {
		do(auditor, customers[i])
		return nil
	})
	if failed != nil {
		t.Fatal(failed)
	}
}

// gradesMoved wants customers rated again after payments, grades that moved for a reason, and ratings that compute to
// the same bytes again.
func (l *lateBooks) gradesMoved(t *testing.T, d *lateDay) {
	t.Helper()
	var again, moved, unexplained atomic.Int64
	l.each(t, d, func(auditor person, customer string) {
		var ratings evaluationv1.ListRatingsResponse
		auditor.invoke(t, "evaluation", evaluationv1.RatingService_ListRatings_FullMethodName,
			&evaluationv1.ListRatingsRequest{CustomerId: customer, PageSize: 1000}, &ratings)
		for _, r := range ratings.GetRatings() {
			if r.GetTrigger() != evaluationv1.RatingTrigger_RATING_TRIGGER_TRANSACTION_COMPLETED {
				continue
			}
			again.Add(1)
			if r.GetGrade() == r.GetPreviousGrade() {
				continue
			}
			moved.Add(1)
			if r.GetReason() == "" || r.GetDeciding() == "" {
				unexplained.Add(1)
			}
			var replayed evaluationv1.ReplayRatingResponse
			auditor.invoke(t, "evaluation", evaluationv1.RatingService_ReplayRating_FullMethodName,
				&evaluationv1.ReplayRatingRequest{RatingId: r.GetRatingId()}, &replayed)
			if !replayed.GetIdentical() {
				t.Errorf("rating %s computes to other bytes", r.GetRatingId())
			}
		}
	})
	t.Logf("%d ratings after payments, %d moved the grade", again.Load(), moved.Load())
	if again.Load() == 0 || moved.Load() == 0 || unexplained.Load() > 0 {
		t.Errorf("%d ratings after payments, %d moved the grade, %d of them without a reason", again.Load(), moved.Load(), unexplained.Load())
	}
}

// decisionsReplay wants every decision to compute to the same bytes again.
func (l *lateBooks) decisionsReplay(t *testing.T, d *lateDay) {
	t.Helper()
	var decisions atomic.Int64
	l.each(t, d, func(auditor person, customer string) {
		var list ordergatev1.ListDecisionsResponse
		auditor.invoke(t, "ordergate", ordergatev1.DecisionService_ListDecisions_FullMethodName,
			&ordergatev1.ListDecisionsRequest{CustomerId: customer, PageSize: 1000}, &list)
		for _, decision := range list.GetDecisions() {
			decisions.Add(1)
			var replayed ordergatev1.ReplayDecisionResponse
			auditor.invoke(t, "ordergate", ordergatev1.DecisionService_ReplayDecision_FullMethodName,
				&ordergatev1.ReplayDecisionRequest{DecisionId: decision.GetDecisionId()}, &replayed)
			if !replayed.GetIdentical() || replayed.GetRecorded() != replayed.GetRecomputed() || replayed.GetRecorded() == "" {
				t.Errorf("decision %s computes to other bytes", decision.GetDecisionId())
			}
		}
	})
	t.Logf("%d decisions replayed", decisions.Load())
	if decisions.Load() < 2466 {
		t.Errorf("%d decisions, fewer than orders", decisions.Load())
	}
}

// verify recomputes all hash chains, as `aval verify` does.
func (l *lateBooks) verify(t *testing.T, breaks int) {
	t.Helper()
	ctx, err := l.suite.As(t.Context(), "operator", "OPERATOR")
	if err != nil {
		t.Fatal(err)
	}
	reports, err := suite.VerifyChains(ctx, host.OneConn(l.suite.Conn()))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range reports {
		if r.Entries == 0 {
			t.Errorf("%s: nothing was verified", r.Phase)
		}
		found += len(r.Breaks)
	}
	if breaks == 0 && found > 0 || breaks > 0 && found < breaks {
		t.Errorf("chains broken in %d places, want %d: %+v", found, breaks, reports)
	}
}

// changeOneByte changes a stored decision as somebody with all rights to the database could.
func changeOneByte(t *testing.T, database string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	const change = `UPDATE ordergate.journal SET decision = overlay(decision placing 'X' from length(decision)/2 for 1)
		WHERE (account_id, seq) = (SELECT account_id, seq FROM ordergate.journal WHERE decision IS NOT NULL ORDER BY account_id, seq LIMIT 1)`
	if _, err := conn.Exec(t.Context(), change); err == nil {
		t.Error("the database let a decision be changed")
	}
	if _, err := conn.Exec(t.Context(), "SET session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	changed, err := conn.Exec(t.Context(), change)
	if err != nil || changed.RowsAffected() != 1 {
		t.Fatalf("changing one byte: %v, %v", changed, err)
	}
}
