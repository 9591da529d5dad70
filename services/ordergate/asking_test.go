package ordergate_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

// An amendment of nothing is a mistake of the caller: the order keeps its form and what people signed on it.
func TestAnAmendmentChangesSomething(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer("C1", "1000", "")
	w.submit("O1", "C1", "3000")
	_, err := w.orders.AmendOrder(w.as("sales", "ERP"), &pb.AmendOrderRequest{RequestId: w.request(), OrderId: "O1", HoldIfNeeded: true})
	if e, ok := errs.As(err); !ok || len(e.Violations) != 1 || e.Violations[0].Rule != "NOTHING_TO_CHANGE" || e.Violations[0].Field != "amount" {
		t.Errorf("an amendment of nothing: %v", err)
	}
	got, err := w.orders.GetOrder(w.as("erp", "ERP"), &pb.GetOrderRequest{OrderId: "O1"})
	must(t, err)
	if o := got.GetOrder(); o.GetRevision() != 1 || o.GetApproval().GetFormNumber() != "C1/1" {
		t.Errorf("revision %d, form %s", o.GetRevision(), o.GetApproval().GetFormNumber())
	}
}

// The warehouse is told no amounts, not by a refusal either.
func TestRefusalsTellTheWarehouseNoAmounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer("C1", "1000", "")
	w.submit("O1", "C1", "777")
	ship := func(role, amount string) error {
		_, err := w.orders.ShipOrder(w.as("dock", role), &pb.ShipOrderRequest{RequestId: w.request(), OrderId: "O1", Amount: cny(amount)})
		return err
	}
	giveBack := func(role, amount string) error {
		_, err := w.orders.ReturnGoods(w.as("dock", role), &pb.ReturnGoodsRequest{RequestId: w.request(), OrderId: "O1", Amount: cny(amount)})
		return err
	}
	for _, c := range []struct {
		role   string
		ask    func(role, amount string) error
		reason string
		tells  bool
	}{
		{"WAREHOUSE", ship, "OVER_SHIPMENT", false},
		{"ERP", ship, "OVER_SHIPMENT", true},
		{"WAREHOUSE", giveBack, "RETURN_EXCEEDS_DELIVERED", false},
		{"ERP", giveBack, "RETURN_EXCEEDS_DELIVERED", true},
	} {
		if c.reason == "RETURN_EXCEEDS_DELIVERED" && c.role == "WAREHOUSE" {
			must(t, ship("WAREHOUSE", "777"))
		}
		err := c.ask(c.role, "778")
		if errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", c.role, err, c.reason)
		}
		if tells := strings.Contains(status.Convert(err).String(), "777"); tells != c.tells {
			t.Errorf("%s is told %v", c.role, err)
		}
	}
}
