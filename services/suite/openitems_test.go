package suite_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/rpcerr"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
)

// openItemsData is what one company's customers owe it: 526 customers under 664 spellings of their numbers.
const openItemsData = "../../../shared/data/open-items"

// openItem is one row of the file.
type openItem struct {
	id, customer, name, posted, due string
	amount                          *typev1.Money
}

// openReference is what was computed independently of this project.
type openReference struct {
	Rows      int
	Customers int
	Merged    int `json:"customers_after_stripping_leading_zeros"`
	days      map[string]map[string]openDay
}

// openDay is a day in one currency.
type openDay struct {
	referenceDay
	Top       []openTop `json:"top10_overdue"`
	TopMerged []openTop `json:"top10_overdue_after_normalising"`
}

type openTop struct {
	Number  string `json:"cust_number"`
	Cust    string
	Overdue string
}

func openItems(t *testing.T) ([]openItem, openReference) {
	t.Helper()
	file, err := os.Open(filepath.Join(openItemsData, "open_items.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no data: the folder ../shared/data/open-items, seen from the repository's root, is absent")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	items := make([]openItem, 0, len(lines))
	for i, line := range lines[1:] {
		row := map[string]string{}
		for c, name := range lines[0] {
			row[name] = line[c]
		}
		items = append(items, openItem{
			id: fmt.Sprintf("%s/%d", row["doc_id"], i), customer: row["cust_number"], name: strings.TrimSpace(row["name_customer"]),
			posted: row["posting_date"], due: row["due_in_date"],
			amount: &typev1.Money{CurrencyCode: row["invoice_currency"], Amount: row["total_open_amount"]},
		})
	}
	return items, readOpenReference(t)
}

func readOpenReference(t *testing.T) openReference {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(openItemsData, "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	ref := openReference{days: map[string]map[string]openDay{}}
	var parts map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(text, &ref), json.Unmarshal(text, &parts)); err != nil {
		t.Fatal(err)
	}
	for name, part := range parts {
		if day, ok := strings.CutPrefix(name, "as_of_2"); ok {
			var of map[string]openDay
			if err := json.Unmarshal(part, &of); err == nil {
				ref.days["2"+day] = of
			}
		}
	}
	return ref
}

// openBooks is a suite with the open items in it.
type openBooks struct {
	system   *system
	items    []openItem
	requests atomic.Int64
	// survivors are, by the spelling that is given up, the one that stands for both.
	survivors map[string]string
}

// TestDuplicateCustomers takes over a company's open items under 664 spellings of customers' numbers, finds who is there
// twice, merges the files to 526 customers while their accounts are open, and ages what they owe before and after.
func TestDuplicateCustomers(t *testing.T) {
	t.Parallel()
	items, ref := openItems(t)
	system, s := operated(t, pgtest.Database(t))
	b := &openBooks{system: system, items: items, survivors: map[string]string{}}
	b.createFiles(t, ref)
	b.postItems(t, ref)
	before := map[string][]*receivablesv1.AgingRow{}
	for day, want := range ref.days {
		before[day] = b.agesAs(t, day, want)
	}
	b.merge(t)
	b.eventuallyMerged(t, ref)
	for day, want := range ref.days {
		sameUnderSurvivors(t, day, b.survivors, before[day], b.agesAs(t, day, want))
	}
	b.gateHasThem(t)
	b.paidUnderEither(t)
	(&lateBooks{system: system, suite: s}).verify(t, 0)
}

// owes is what is open under who stands for a customer, by number.
func (b *openBooks) owes(t *testing.T) map[string]money.Money {
	t.Helper()
	owed := map[string]money.Money{}
	for _, i := range b.items {
		m, err := money.Parse(i.amount.GetCurrencyCode(), i.amount.GetAmount())
		if err != nil {
			t.Fatal(err)
		}
		id := i.customer
		if s, ok := b.survivors[id]; ok {
			id = s
		}
		if have, ok := owed[id]; ok {
			m = m.Add(have)
		}
		owed[id] = m
	}
	return owed
}

// gateHasThem holds the gate's accounts to what is owed: all of both under the survivor's number, nothing under the other.
func (b *openBooks) gateHasThem(t *testing.T) {
	t.Helper()
	auditor, owed := b.system.as(t, "AUDITOR", "auditor-1"), b.owes(t)
	account := func(id string) *ordergatev1.CreditAccount {
		var got ordergatev1.GetCreditAccountResponse
		auditor.invoke(t, "ordergate", ordergatev1.CreditAccountService_GetCreditAccount_FullMethodName, &ordergatev1.GetCreditAccountRequest{CustomerId: id}, &got)
		return got.GetAccount()
	}
	for _, given := range b.given() {
		stays := b.survivors[given]
		eventually(t, "the gate has taken over the account of "+given, func() bool { return account(given).GetMergedIntoId() == stays })
		if a := account(given); a.GetExposure().GetAmount() != owed[stays].Sub(owed[stays]).String() {
			t.Errorf("%s still has %v", given, a.GetExposure())
		}
		if a := account(stays); a.GetBuckets().GetReceivable().GetAmount() != owed[stays].String() {
			t.Errorf("%s has %v at the gate, owes %s", stays, a.GetBuckets().GetReceivable(), owed[stays])
		}
	}
}

// paidUnderEither has all of one customer paid at once, under the number that was given up.
func (b *openBooks) paidUnderEither(t *testing.T) {
	t.Helper()
	given := b.given()[0]
	sum := b.owes(t)[b.survivors[given]]
	var got receivablesv1.PostReceiptResponse
	b.system.as(t, "FINANCE_CLERK", "clerk-1").invoke(t, "receivables", receivablesv1.ReceiptService_PostReceipt_FullMethodName, &receivablesv1.PostReceiptRequest{
		RequestId: b.request(), ApplicationMode: receivablesv1.ApplicationMode_APPLICATION_MODE_OLDEST_DUE_FIRST,
		Receipt: &receivablesv1.Receipt{
			ReceiptId: "R-" + given, CustomerId: given, ReceiptDate: "2020-07-31", Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE,
			Amount: &typev1.Money{CurrencyCode: sum.Currency, Amount: sum.String()},
		},
	}, &got)
	numbers := map[string]bool{}
	for _, a := range got.GetReceipt().GetApplications() {
		i := slices.IndexFunc(b.items, func(i openItem) bool { return i.id == a.GetInvoiceId() })
		numbers[b.items[i].customer] = true
	}
	if !numbers[given] || !numbers[b.survivors[given]] || got.GetReceipt().GetUnappliedAmount().GetAmount() != sum.Sub(sum).String() {
		t.Errorf("%s paid items of %v: %v left", given, numbers, got.GetReceipt().GetUnappliedAmount())
	}
}

// each does something for every key, several at a time.
func (b *openBooks) each(t *testing.T, keys []string, do func(ctx context.Context, key string) error) {
	t.Helper()
	err := lanes.Run(t.Context(), 4, keys, func(ctx context.Context, i int) error {
		if err := do(ctx, keys[i]); err != nil {
			return fmt.Errorf("%s: %w", keys[i], err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *openBooks) request() string { return fmt.Sprintf("open-items-%d", b.requests.Add(1)) }

// ask makes a call over gRPC.
func (p person) ask(ctx context.Context, phase, method string, request, response proto.Message) error {
	return p.conn(phase).Invoke(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+p.token), method, request, response)
}

// createFiles makes a file of every spelling: first those with zeros in front, then the others, of which each is told
// what it is the same as.
func (b *openBooks) createFiles(t *testing.T, ref openReference) {
	t.Helper()
	named, currency := map[string]string{}, map[string]string{}
	var first, second []string
	for _, i := range b.items {
		if _, ok := named[i.customer]; ok {
			continue
		}
		named[i.customer], currency[i.customer] = i.name, i.amount.GetCurrencyCode()
		if strings.HasPrefix(i.customer, "0") {
			first = append(first, i.customer)
		} else {
			second = append(second, i.customer)
		}
	}
	if len(named) != ref.Customers {
		t.Fatalf("%d spellings, the reference has %d", len(named), ref.Customers)
	}
	erp := b.system.as(t, "ERP", "erp")
	var twice [2]atomic.Int64
	for n, spellings := range [][]string{first, second} {
		found := make(chan [2]string, len(spellings))
		b.each(t, spellings, func(ctx context.Context, id string) error {
			var created evaluationv1.CreateCustomerResponse
			err := erp.ask(ctx, "evaluation", evaluationv1.CustomerService_CreateCustomer_FullMethodName, &evaluationv1.CreateCustomerRequest{
				RequestId: b.request(), Customer: &evaluationv1.Customer{CustomerId: id, DisplayName: named[id], CurrencyCode: currency[id]},
			}, &created)
			for _, d := range created.GetPossibleDuplicates() {
				if slices.Contains(d.GetLikenesses(), evaluationv1.Likeness_LIKENESS_SAME_NUMBER) {
					twice[n].Add(1)
					found <- [2]string{id, d.GetCustomerId()}
				}
			}
			return err
		})
		close(found)
		for pair := range found {
			b.survivors[pair[0]] = pair[1]
		}
	}
	if n := ref.Customers - ref.Merged; twice[0].Load() != 0 || int(twice[1].Load()) != n || len(b.survivors) != n {
		t.Fatalf("%d and %d duplicates were found, of %d files; want none and %d", twice[0].Load(), twice[1].Load(), len(b.survivors), n)
	}
	for given, stays := range b.survivors {
		if strings.TrimLeft(stays, "0") != given {
			t.Errorf("%s was found to be %s", given, stays)
		}
	}
}

func (b *openBooks) postItems(t *testing.T, ref openReference) {
	t.Helper()
	if len(b.items) != ref.Rows {
		t.Fatalf("%d items, the reference has %d", len(b.items), ref.Rows)
	}
	clerk := b.system.as(t, "FINANCE_CLERK", "clerk-1")
	for chunk := range slices.Chunk(b.items, 2500) {
		req := &receivablesv1.PostInvoicesRequest{RequestId: b.request()}
		for _, i := range chunk {
			req.Invoices = append(req.Invoices, &receivablesv1.Invoice{InvoiceId: i.id, CustomerId: i.customer, InvoiceDate: i.posted, DueDate: i.due, Amount: i.amount})
		}
		clerk.invoke(t, "receivables", receivablesv1.InvoiceService_PostInvoices_FullMethodName, req, &receivablesv1.PostInvoicesResponse{})
	}
}

// agesAs reads the aging by customer and compares its totals with the reference, to the cent.
func (b *openBooks) agesAs(t *testing.T, day string, want map[string]openDay) []*receivablesv1.AgingRow {
	t.Helper()
	var aged receivablesv1.GetAgingResponse
	b.system.as(t, "AUDITOR", "auditor-1").invoke(t, "receivables", receivablesv1.AgingService_GetAging_FullMethodName,
		&receivablesv1.GetAgingRequest{AsOf: day, GroupBy: "customer", PageSize: 1000}, &aged)
	if len(aged.GetTotals()) != len(want) || aged.GetNextPageToken() != "" {
		t.Errorf("%s: totals %v", day, aged.GetTotals())
	}
	for _, total := range aged.GetTotals() {
		of := want[total.GetCurrencyCode()]
		of.Customers = 0
		one := &lateDay{date: day + " " + total.GetCurrencyCode(), total: &receivablesv1.GetAgingResponse{Totals: []*receivablesv1.AgingRow{total}}, customer: &receivablesv1.GetAgingResponse{}}
		one.agesAs(t, of.referenceDay)
	}
	return aged.GetRows()
}

func (b *openBooks) closing(ctx context.Context, manager person, id string) error {
	return manager.ask(ctx, "evaluation", evaluationv1.CustomerService_UpdateCustomer_FullMethodName, &evaluationv1.UpdateCustomerRequest{
		RequestId: b.request(), Customer: &evaluationv1.Customer{CustomerId: id, LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_CLOSED},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"life_cycle"}},
	}, &evaluationv1.UpdateCustomerResponse{})
}

func (b *openBooks) mergeOne(ctx context.Context, manager person, id string) error {
	var res evaluationv1.MergeCustomerResponse
	err := manager.ask(ctx, "evaluation", evaluationv1.CustomerService_MergeCustomer_FullMethodName, &evaluationv1.MergeCustomerRequest{
		RequestId: b.request(), CustomerId: id, SurvivorId: b.survivors[id], Reason: "the same number, written without its zeros",
	}, &res)
	if err == nil && res.GetMerged().GetMergedIntoId() != b.survivors[id] {
		return fmt.Errorf("merged into %q", res.GetMerged().GetMergedIntoId())
	}
	return err
}

// given are the spellings that are given up.
func (b *openBooks) given() []string {
	var ids []string
	for id := range b.survivors {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (b *openBooks) merge(t *testing.T) {
	t.Helper()
	manager := b.system.as(t, "CREDIT_MANAGER", "manager-1")
	b.each(t, b.given(), func(ctx context.Context, id string) error {
		return b.closing(ctx, manager, id)
	})
	b.each(t, b.given(), func(ctx context.Context, id string) error { return b.mergeOne(ctx, manager, id) })
	err := b.mergeOne(t.Context(), manager, b.given()[0])
	if reason := errs.ReasonOf(rpcerr.FromError(err)); reason != "CUSTOMER_MERGED" {
		t.Errorf("merged twice: %v", err)
	}
}

// eventuallyMerged waits until receivables has heard of all merges.
func (b *openBooks) eventuallyMerged(t *testing.T, ref openReference) {
	t.Helper()
	last := "2020-06-30"
	var rows []*receivablesv1.AgingRow
	eventually(t, "receivables ages 526 customers", func() bool {
		rows = b.agesAs(t, last, ref.days[last])
		return len(rows) == ref.Merged
	})
	b.mostOverdue(t, ref, "2020-05-31")
}

// mostOverdue compares who is most overdue after the merges with the reference.
func (b *openBooks) mostOverdue(t *testing.T, ref openReference, day string) {
	t.Helper()
	for currency, want := range ref.days[day] {
		var rows []*receivablesv1.AgingRow
		for _, r := range b.agesAs(t, day, ref.days[day]) {
			if r.GetCurrencyCode() == currency {
				rows = append(rows, r)
			}
		}
		slices.SortFunc(rows, func(x, y *receivablesv1.AgingRow) int { return int(overdueOf(t, y).Minor - overdueOf(t, x).Minor) })
		if len(want.TopMerged) != 10 {
			t.Fatalf("the reference has %d in %s", len(want.TopMerged), currency)
		}
		for i, w := range want.TopMerged {
			if got := strings.TrimLeft(rows[i].GetKey(), "0"); got != w.Cust || rows[i].GetOverdueAmount().GetAmount() != w.Overdue {
				t.Errorf("%s, place %d in %s: %s with %s, want %s with %s", day, i+1, currency, got, rows[i].GetOverdueAmount().GetAmount(), w.Cust, w.Overdue)
			}
		}
	}
}

func overdueOf(t *testing.T, r *receivablesv1.AgingRow) money.Money {
	t.Helper()
	m, err := money.Parse(r.GetCurrencyCode(), r.GetOverdueAmount().GetAmount())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sameUnderSurvivors wants the rows of before, added up under who stands for them, to be the rows of after.
func sameUnderSurvivors(t *testing.T, day string, survivors map[string]string, before, after []*receivablesv1.AgingRow) {
	t.Helper()
	fold := func(rows []*receivablesv1.AgingRow) map[string]money.Money {
		sums := map[string]money.Money{}
		for _, r := range rows {
			key := r.GetKey()
			if s, ok := survivors[key]; ok {
				key = s
			}
			for _, b := range r.GetBuckets() {
				m, err := money.Parse(r.GetCurrencyCode(), b.GetAmount().GetAmount())
				if err != nil {
					t.Fatal(err)
				}
				at := key + " " + b.GetName()
				if have, ok := sums[at]; ok {
					m = m.Add(have)
				}
				sums[at] = m
			}
		}
		return sums
	}
	want, got := fold(before), fold(after)
	if len(want) != len(got) {
		t.Errorf("%s: %d figures after the merges, want %d", day, len(got), len(want))
	}
	for at, w := range want {
		if got[at] != w {
			t.Errorf("%s: %s is %s after the merges, want %s", day, at, got[at], w)
		}
	}
	for _, r := range after {
		if s, ok := survivors[r.GetKey()]; ok {
			t.Errorf("%s: %s is still aged beside %s", day, r.GetKey(), s)
		}
	}
	t.Logf("%s: %d customers before, %d after", day, len(before), len(after))
}
