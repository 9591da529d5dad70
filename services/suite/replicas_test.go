package suite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

// TestTwoGatesApproveOne: of two orders of 60 against a limit of 100, submitted at once through two programs on one
// database, exactly one is approved, 1,000 times in a row. Customers have nothing to do with each other, so several
// rounds go on at a time.
func TestTwoGatesApproveOne(t *testing.T) {
	t.Parallel()
	const rounds, atOnce = 1000, 8
	s := processes(t, "ordergate", "ordergate")
	service := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.token(t, authn.RoleService, "aval-services"))
	feed := ordergatev1.NewFeedServiceClient(s.conns["ordergate"])
	erp := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.token(t, "ERP", "erp"))
	gates := []ordergatev1.OrderServiceClient{
		ordergatev1.NewOrderServiceClient(s.conns["ordergate"]), ordergatev1.NewOrderServiceClient(s.conns["ordergate 2"]),
	}
	started := time.Now()
	var workers sync.WaitGroup
	for first := range atOnce {
		workers.Go(func() {
			for i := first; i < rounds; i += atOnce {
				customer := fmt.Sprintf("C%04d", i)
				if _, err := feed.ApplyCreditProfiles(service, limitOf100(customer)); err != nil {
					t.Errorf("customer %s: %v", customer, err)
					return
				}
				states, ok := submitAtOnce(erp, t, gates, customer)
				const approved, held = ordergatev1.OrderState_ORDER_STATE_APPROVED, ordergatev1.OrderState_ORDER_STATE_HELD
				if !ok || (states != [2]ordergatev1.OrderState{approved, held} && states != [2]ordergatev1.OrderState{held, approved}) {
					t.Errorf("customer %s: %v, want one approved and one held", customer, states)
					return
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d rounds in %v", rounds, time.Since(started))
}

// submitAtOnce submits an order of 60 through each gate at the same time.
func submitAtOnce(ctx context.Context, t *testing.T, gates []ordergatev1.OrderServiceClient, customer string) (states [2]ordergatev1.OrderState, ok bool) {
	t.Helper()
	var errs [2]error
	var both sync.WaitGroup
	for n, gate := range gates {
		both.Go(func() {
			id := fmt.Sprintf("%s-%d", customer, n)
			answer, err := gate.SubmitOrder(ctx, &ordergatev1.SubmitOrderRequest{RequestId: id, Order: &ordergatev1.Order{
				OrderId: id, CustomerId: customer, Amount: cny("60.00"),
			}})
			states[n], errs[n] = answer.GetOrder().GetState(), err
		})
	}
	both.Wait()
	for _, err := range errs {
		if err != nil {
			t.Errorf("customer %s: %v", customer, err)
			return states, false
		}
	}
	return states, true
}

// limitOf100 is a customer whose grant is 100.
func limitOf100(customer string) *ordergatev1.ApplyCreditProfilesRequest {
	const day = "2026-01-05"
	return &ordergatev1.ApplyCreditProfilesRequest{Profiles: []*evaluationv1.CreditProfile{{
		CustomerId: customer, Sequence: 1, BusinessDate: day, DisplayName: customer, CurrencyCode: "CNY",
		LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_ACTIVE, Grade: evaluationv1.Grade_GRADE_A,
		Grant: &evaluationv1.Grant{
			CustomerId: customer, Version: 1, Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, ValidFromDate: day,
			Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("100.00")}},
		},
	}}}
}
