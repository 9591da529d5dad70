package demo

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/suite/internal/fakesuite"
)

// trail are the calls that a suite got, as "RejectOrder by GENERAL_MANAGER".
type trail struct {
	mu    sync.Mutex
	calls []string
}

// record has a suite note the calls that it gets and answer them.
func record(t *testing.T, answer fakesuite.Answer) (*books, *trail) {
	t.Helper()
	got := &trail{}
	s := fakesuite.Start(t, func(call fakesuite.Call) (proto.Message, error) {
		got.mu.Lock()
		defer got.mu.Unlock()
		got.calls = append(got.calls, call.Method[strings.LastIndex(call.Method, "/")+1:]+" by "+call.Caller.Roles[0])
		return answer(call)
	})
	return newBooks(s, calendar.MustDate("2026-11-27")), got
}

func saleOf(verdict verdict) *sale {
	part := money.New(100*yuan, currency)
	return &sale{
		firm: &firm{id: firmID(1)}, number: "001-001", amount: part.Add(part), date: calendar.MustDate("2026-11-01"),
		verdict: verdict, parts: []money.Money{part, part},
	}
}

// An order whose customer lost its credit before all of it was shipped ends there, and only what left is paid for; the same
// when the load is run again and the order is closed already.
func TestGoodsThatStayAreNeitherInvoicedNorPaid(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"CREDIT_WITHDRAWN", "CREDIT_STOPPED", "ORDER_NOT_APPROVED"} {
		s := saleOf(release)
		b, got := record(t, func(call fakesuite.Call) (proto.Message, error) {
			if r, ok := call.Request.(*ordergatev1.ShipOrderRequest); ok && r.GetShipmentId() == s.shipment(1) {
				return nil, errs.New(errs.FailedPrecondition, reason, "no")
			}
			return nil, nil
		})
		if err := b.submit(t.Context(), s, onCredit); err != nil {
			t.Fatal(err)
		}
		for i := range s.parts {
			if err := b.ship(t.Context(), s, i, i == 1); err != nil {
				t.Fatalf("%s: part %d: %v", reason, i, err)
			}
		}
		for i := range s.parts {
			if err := b.pay(t.Context(), s, i); err != nil {
				t.Fatalf("%s: part %d: %v", reason, i, err)
			}
		}
		want := []string{
			"SubmitOrder by ERP", "ShipOrder by WAREHOUSE", "PostInvoice by FINANCE_CLERK", "ShipOrder by WAREHOUSE",
			"CloseOrder by ERP", "PostReceipt by FINANCE_CLERK",
		}
		if !slices.Equal(got.calls, want) {
			t.Errorf("%s: %q, want %q", reason, got.calls, want)
		}
	}
}

// Any other refusal ends the load.
func TestOtherRefusalsOfGoodsIssueAreErrors(t *testing.T) {
	t.Parallel()
	s := saleOf(release)
	b, _ := record(t, func(call fakesuite.Call) (proto.Message, error) {
		if _, ok := call.Request.(*ordergatev1.ShipOrderRequest); ok {
			return nil, errs.New(errs.FailedPrecondition, "OVER_SHIPMENT", "no")
		}
		return nil, nil
	})
	if err := b.submit(t.Context(), s, onCredit); err != nil {
		t.Fatal(err)
	}
	if err := b.ship(t.Context(), s, 0, false); errs.ReasonOf(err) != "OVER_SHIPMENT" {
		t.Errorf("shipped: %v", err)
	}
}

// A held order is released by everybody on its form in turn, and rejected by who is asked first.
func TestHeldOrdersGoToThePeopleOnTheirForm(t *testing.T) {
	t.Parallel()
	form := []*typev1.ApprovalStep{
		{Name: "top management", Roles: []optionsv1.Role{optionsv1.Role_ROLE_GENERAL_MANAGER, optionsv1.Role_ROLE_CHAIRMAN}},
		{Name: "approval", AllOf: []optionsv1.Role{optionsv1.Role_ROLE_CREDIT_MANAGER, optionsv1.Role_ROLE_FINANCE_MANAGER}},
	}
	for verdict, want := range map[verdict][]string{
		release: {"SubmitOrder by ERP", "ApproveOrder by GENERAL_MANAGER", "ApproveOrder by CREDIT_MANAGER", "ApproveOrder by FINANCE_MANAGER"},
		reject:  {"SubmitOrder by ERP", "RejectOrder by GENERAL_MANAGER"},
		wait:    {"SubmitOrder by ERP"},
	} {
		b, got := record(t, func(call fakesuite.Call) (proto.Message, error) {
			if _, ok := call.Request.(*ordergatev1.SubmitOrderRequest); ok {
				return &ordergatev1.SubmitOrderResponse{Order: &ordergatev1.Order{
					State: ordergatev1.OrderState_ORDER_STATE_HELD, Approval: &ordergatev1.OrderApproval{Steps: form},
				}}, nil
			}
			return nil, nil
		})
		if err := b.submit(t.Context(), saleOf(verdict), onCredit); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.calls, want) {
			t.Errorf("verdict %d: %q, want %q", verdict, got.calls, want)
		}
	}
}
