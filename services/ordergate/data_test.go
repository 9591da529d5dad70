package ordergate_test

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
)

// data opens a set of test data beside the project.
func data(t *testing.T, name string) fs.FS {
	t.Helper()
	dir := filepath.Join("../../../shared/data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no data: the folder ../shared/data/%s, seen from the repository's root, is absent", name)
	}
	return os.DirFS(dir)
}

// table reads a CSV file with a header.
func table(t *testing.T, from fs.FS, name string) []map[string]string {
	t.Helper()
	f, err := from.Open(name)
	must(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	must(t, err)
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func reference(t *testing.T, from fs.FS, into any) {
	t.Helper()
	text, err := fs.ReadFile(from, "reference.json")
	must(t, err)
	must(t, json.Unmarshal(text, into))
}

// everybody releases: one step of the credit manager, whatever the excess.
func everybodyReleases() []*typev1.AuthorityRow {
	return []*typev1.AuthorityRow{{Steps: []*typev1.ApprovalStep{{Name: "approval", Roles: []optionsv1.Role{optionsv1.Role_ROLE_CREDIT_MANAGER}}}}}
}

// 319 customers with the limits they had, and their 105 orders in the order they came. The rule of the reference: an order is blocked if
// the exposure after it is over the limit; blocked orders count as exposure too; cancelled and paid ones do not.
func TestOrdersWithLimits(t *testing.T) {
	t.Parallel()
	from := data(t, "orders-with-limits")
	var want struct {
		Pass      []int  `json:"advisory_pass"`
		Blocked   int    `json:"advisory_blocked"`
		Exposure  string `json:"exposure_end_total"`
		OverLimit int    `json:"customers_over_limit_end"`
		Top       []struct {
			Customer int
			Exposure string
		} `json:"top10_exposure"`
	}
	reference(t, from, &want)
	w := newWorld(t)
	w.sign(&pb.OrderPolicy{
		Name: "only the limit", BaseCurrency: "CNY", HeldOrdersReserve: true, ReleaseMemory: &pb.ReleaseMemory{TolerancePercent: "0"},
		Rules:            policyOf(casefile.Policy{}).GetRules()[:3], // treatment, grant validity, limit
		ReleaseAuthority: everybodyReleases(),
	})
	w.today = "2004-01-01"
	customers := table(t, from, "customers.csv")
	for _, c := range customers {
		must(t, w.grant(c["customer_id"], "sales", credit(c["credit_limit"])))
	}
	var pass []int
	blocked := 0
	for _, o := range inTime(table(t, from, "orders.csv")) {
		if w.replay(o) {
			n, err := strconv.Atoi(o["order_id"])
			must(t, err)
			pass = append(pass, n)
		} else {
			blocked++
		}
	}
	slices.Sort(want.Pass)
	slices.Sort(pass)
	if !slices.Equal(pass, want.Pass) || blocked != want.Blocked {
		t.Errorf("passed %v, blocked %d; want %v, %d", pass, blocked, want.Pass, want.Blocked)
	}
	var total int64
	over := 0
	for _, c := range customers {
		a := w.account(c["customer_id"])
		total += w.minor(a.GetExposure().GetAmount())
		if a.GetStatus() == pb.AccountStatus_ACCOUNT_STATUS_OVER_LIMIT {
			over++
		}
	}
	if total != w.minor(want.Exposure) || over != want.OverLimit {
		t.Errorf("exposure %d, %d customers over the limit; want %s, %d", total, over, want.Exposure, want.OverLimit)
	}
	for _, top := range want.Top {
		if got := w.account(strconv.Itoa(top.Customer)).GetExposure().GetAmount(); got != top.Exposure {
			t.Errorf("customer %d: exposure %s, want %s", top.Customer, got, top.Exposure)
		}
	}
	w.verified()
}

// inTime sorts orders by when they came, then by number.
func inTime(orders []map[string]string) []map[string]string {
	slices.SortFunc(orders, func(x, y map[string]string) int {
		return cmp.Or(strings.Compare(x["order_date"], y["order_date"]), strings.Compare(x["order_id"], y["order_id"]))
	})
	return orders
}

// replay submits an order and reports whether it passed. One that was cancelled is cancelled; one that was paid is released where it is
// held, shipped, invoiced and paid.
func (w *world) replay(o map[string]string) bool {
	w.t.Helper()
	w.today, _, _ = strings.Cut(o["order_date"], " ")
	id, customer, erp := o["order_id"], o["customer_id"], w.as("erp", "ERP")
	r, err := w.orders.SubmitOrder(erp, &pb.SubmitOrderRequest{RequestId: w.request(), Order: &pb.Order{OrderId: id, CustomerId: customer, Amount: cny(o["order_total"])}})
	must(w.t, err)
	passed := r.GetOrder().GetState() == pb.OrderState_ORDER_STATE_APPROVED
	switch o["order_status"] {
	case "2", "3":
		_, err = w.orders.CancelOrder(erp, &pb.CancelOrderRequest{RequestId: w.request(), OrderId: id})
	case "10":
		if !passed {
			_, err = w.orders.ApproveOrder(w.as("manager", "CREDIT_MANAGER"), &pb.ApproveOrderRequest{RequestId: w.request(), OrderId: id, Reason: "as it happened"})
			must(w.t, err)
		}
		_, err = w.orders.ShipOrder(erp, &pb.ShipOrderRequest{RequestId: w.request(), OrderId: id})
		must(w.t, err)
		err = w.position(&receivablesv1.Position{
			CustomerId: customer, Receivable: cny("0"), Unapplied: cny("0"),
			Movements: []*receivablesv1.Movement{{OrderId: id, InvoiceId: "I" + id, Amount: cny(o["order_total"])}},
		})
	}
	must(w.t, err)
	return passed
}

// A small company's rule at goods issue: a customer on hold gets nothing, nor one who owes anything shipped more than 60 days ago.
func TestShipHoldRule(t *testing.T) {
	t.Parallel()
	from := data(t, "ship-hold-rule")
	var want map[string]json.RawMessage
	reference(t, from, &want)
	dates := 0
	for key, text := range want {
		date, ok := strings.CutPrefix(key, "gate_")
		if !ok {
			continue
		}
		dates++
		var expected struct {
			Orders map[string]struct{ Decision string }
		}
		must(t, json.Unmarshal(text, &expected))
		t.Run(date, func(t *testing.T) {
			t.Parallel()
			got := shipHold(t, from, date)
			if len(got) != len(expected.Orders) || len(got) == 0 {
				t.Errorf("%d orders decided, want %d", len(got), len(expected.Orders))
			}
			for id, e := range expected.Orders {
				decision, _, _ := strings.Cut(e.Decision, ":")
				if got[id] != decision {
					t.Errorf("order %s: %s, want %s", id, got[id], decision)
				}
			}
		})
	}
	if dates != 3 {
		t.Errorf("the reference has %d dates, want 3", dates)
	}
}

// shipHold judges each order that is not shipped yet, by itself, on a date.
func shipHold(t *testing.T, from fs.FS, date string) map[string]string {
	t.Helper()
	w := newWorld(t)
	sixty := 60
	w.sign(policyOf(casefile.Policy{MaxOverdueDays: &sixty}))
	w.today = date
	owed := map[string][]*receivablesv1.DueAmount{}
	var waiting []map[string]string
	for _, s := range table(t, from, "sales.csv") {
		switch {
		case s["order_status"] != "shipped":
			waiting = append(waiting, s)
		case s["paid"] == "n":
			owed[s["cust_no"]] = append(owed[s["cust_no"]], &receivablesv1.DueAmount{DueDate: s["ship_date"], Amount: cny(s["total_value"])})
		}
	}
	for _, c := range table(t, from, "customers.csv") {
		id := c["cust_no"]
		g := &evaluationv1.Grant{
			Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30,
			Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Unlimited{Unlimited: true}},
		}
		must(t, w.grant(id, "sales", g))
		if c["on_hold"] == "*" {
			must(t, w.block(id, pb.BlockKind_BLOCK_KIND_HOLD, ""))
		}
		slices.SortFunc(owed[id], func(x, y *receivablesv1.DueAmount) int { return strings.Compare(x.GetDueDate(), y.GetDueDate()) })
		var open int64
		for _, d := range owed[id] {
			open += w.minor(d.GetAmount().GetAmount())
		}
		must(t, w.position(&receivablesv1.Position{CustomerId: id, Receivable: cny(decimal(open)), Unapplied: cny("0"), Ladder: owed[id]}))
	}
	decisions := map[string]string{}
	for _, s := range waiting {
		r, err := w.orders.SubmitOrder(w.as("erp", "ERP"), &pb.SubmitOrderRequest{RequestId: w.request(),
			Order: &pb.Order{OrderId: s["po_number"], CustomerId: s["cust_no"], Amount: cny(s["total_value"])}})
		must(t, err)
		reasons := r.GetOrder().GetHoldReasons()
		switch {
		case slices.Contains(reasons, "block"):
			decisions[s["po_number"]] = "REJECT_ON_HOLD"
		case slices.Contains(reasons, "days_overdue"):
			decisions[s["po_number"]] = "REJECT_OVERDUE"
		case r.GetOrder().GetState() == pb.OrderState_ORDER_STATE_APPROVED:
			decisions[s["po_number"]] = "SHIP"
		default:
			decisions[s["po_number"]] = strings.Join(reasons, " ")
		}
	}
	w.verified()
	return decisions
}

func decimal(minor int64) string {
	return strconv.FormatInt(minor/100, 10) + "." + strconv.FormatInt(100+minor%100, 10)[1:]
}
