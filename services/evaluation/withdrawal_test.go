package evaluation_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

const (
	withdrawIt = evaluationv1.WithdrawalDecision_WITHDRAWAL_DECISION_WITHDRAW
	keepIt     = evaluationv1.WithdrawalDecision_WITHDRAWAL_DECISION_KEEP
)

// ask is the gate asking, for its n-th stop of the customer.
func (s *suite) ask(customerID string, n int64) {
	s.Helper()
	res, err := s.feed().ApplyWithdrawals(as(program), &evaluationv1.ApplyWithdrawalsRequest{Withdrawals: []*evaluationv1.Withdrawal{{
		CustomerId: customerID, Sequence: n, BusinessDate: startDay, Reason: "over limit, nobody approved", OrderId: fmt.Sprintf("O-%d", n),
	}}})
	must(s, err)
	if res.GetLastSequence() != n {
		s.Fatalf("%v", res)
	}
}

func (s *suite) decideAs(ctx context.Context, id string, d evaluationv1.WithdrawalDecision) (*evaluationv1.DecideWithdrawalRequestResponse, error) {
	return s.withdrawals().DecideWithdrawalRequest(ctx, &evaluationv1.DecideWithdrawalRequestRequest{
		RequestId: s.rid(), WithdrawalRequestId: id, Decision: d, Reason: "figures looked at",
	})
}

func (s *suite) decide(who, id string, d evaluationv1.WithdrawalDecision) *evaluationv1.DecideWithdrawalRequestResponse {
	s.Helper()
	res, err := s.decideAs(as(who), id, d)
	must(s, err)
	return res
}

func (s *suite) withdrawalsFor(ctx context.Context, l *evaluationv1.ListWithdrawalRequestsRequest) []*evaluationv1.WithdrawalRequest {
	s.Helper()
	res, err := s.withdrawals().ListWithdrawalRequests(ctx, l)
	must(s, err)
	return res.GetWithdrawalRequests()
}

// Invariant 23: the gate asks, the finance director decides, and only then is the credit gone.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	for range 2 { // delivered again: one ask
		s.ask("C-1", 1)
	}
	s.ask("C-1", 2) // stopped again while nobody has decided: the same request
	waiting := &evaluationv1.ListWithdrawalRequestsRequest{WaitingForMe: true}
	all := s.withdrawalsFor(as(director), waiting)
	if len(all) != 1 || len(all[0].GetAsks()) != 2 || all[0].GetWithdrawalRequestId() != "WR-000001" || all[0].GetDueDate() != "2026-03-03" ||
		all[0].GetState() != evaluationv1.WithdrawalState_WITHDRAWAL_STATE_OPEN || all[0].GetEscalated() || all[0].GetGrantVersion() != 1 {
		t.Fatalf("%v", all)
	}
	if g := s.grant("C-1"); g.GetVersion() != 1 || g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CREDIT {
		t.Fatalf("withdrawn before anybody decided: %v", g)
	}
	_, err := s.decideAs(as(boss), "WR-000001", withdrawIt)
	refused(t, err, errs.PermissionDenied, "NOT_YOUR_STEP")
	_, err = s.decideAs(as(chairman), "WR-000001", withdrawIt)
	refused(t, err, errs.PermissionDenied, "ROLE_REQUIRED")

	d := s.decide(director, "WR-000001", withdrawIt)
	g := s.grant("C-1")
	if g.GetVersion() != 2 || g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_WITHDRAWAL || d.GetGrant().GetVersion() != 2 ||
		g.GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER || g.GetLimit() != nil || !strings.Contains(g.GetReason(), "O-2") {
		t.Fatalf("%v", g)
	}
	if w := d.GetWithdrawalRequest(); w.GetDecidedBy() != "qian" || w.GetWithdrawnVersion() != 2 || w.GetDecisionReason() == "" {
		t.Fatalf("%v", w)
	}
	if p := s.gate.newest("C-1"); p.GetGrant().GetVersion() != 2 {
		t.Fatalf("the gate was not told: %v", p)
	}
	_, err = s.decideAs(as(director), "WR-000001", keepIt)
	refused(t, err, errs.FailedPrecondition, "WITHDRAWAL_DECIDED")
	s.ask("C-1", 3) // a cash customer has no credit to lose
	if all := s.withdrawalsFor(as(credit), &evaluationv1.ListWithdrawalRequestsRequest{}); len(all) != 1 || len(all[0].GetAsks()) != 2 {
		t.Fatalf("%v", all)
	}
	_, err = s.feed().ApplyWithdrawals(as(program), &evaluationv1.ApplyWithdrawalsRequest{Withdrawals: []*evaluationv1.Withdrawal{
		{CustomerId: "C-1", Sequence: 5, BusinessDate: startDay, Reason: "over limit"},
	}})
	refused(t, err, errs.FailedPrecondition, "SEQUENCE_GAP")
	s.chainsHold()
}

// What is kept stays kept until the gate stops the customer anew; what is not decided in
// time is the general manager's too.
func TestWithdrawalKeptAndEscalated(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.ask("C-1", 1)
	s.decide(director, "WR-000001", keepIt)
	if g := s.grant("C-1"); g.GetVersion() != 1 {
		t.Fatalf("%v", g)
	}
	s.ask("C-1", 2)
	mine := func(who, day string) int {
		return len(s.withdrawalsFor(as(who, day), &evaluationv1.ListWithdrawalRequestsRequest{WaitingForMe: true}))
	}
	late := &evaluationv1.ListWithdrawalRequestsRequest{Escalated: true}
	if mine(director, "2026-03-03") != 1 || mine(boss, "2026-03-03") != 0 || len(s.withdrawalsFor(as(credit, "2026-03-03"), late)) != 0 {
		t.Fatal("on the due day it is the finance director's alone")
	}
	if mine(director, "2026-03-04") != 1 || mine(boss, "2026-03-04") != 1 || mine(credit, "2026-03-04") != 0 {
		t.Fatal("after the due day it is both directors'")
	}
	if all := s.withdrawalsFor(as(credit, "2026-03-04"), late); len(all) != 1 || !all[0].GetEscalated() {
		t.Fatalf("%v", all)
	}
	got, err := s.withdrawals().GetWithdrawalRequest(as(seller), &evaluationv1.GetWithdrawalRequestRequest{WithdrawalRequestId: "WR-000002"})
	must(t, err)
	if got.GetWithdrawalRequest().GetCustomerId() != "C-1" {
		t.Fatalf("%v", got)
	}
	_, err = s.withdrawals().GetWithdrawalRequest(as(other), &evaluationv1.GetWithdrawalRequestRequest{WithdrawalRequestId: "WR-000002"})
	refused(t, err, errs.NotFound, "WITHDRAWAL_REQUEST_NOT_FOUND")
	_, err = s.decideAs(as(boss, "2026-03-04"), "WR-000002", withdrawIt)
	must(t, err)
	if p := s.gate.newest("C-1"); p.GetGrant().GetTreatment() != evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER {
		t.Fatalf("%v", p)
	}
}

// Of many that decide at once one decides; asks that come meanwhile are lost nowhere.
func TestConcurrentDecisionsAreOne(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.ask("C-1", 1)
	var wg sync.WaitGroup
	failed := make([]error, 8)
	for i := range failed {
		ctx := as(director)
		wg.Go(func() { _, failed[i] = s.decideAs(ctx, "WR-000001", withdrawIt) })
	}
	wg.Wait()
	done := 0
	for _, err := range failed {
		if err == nil {
			done++
			continue
		}
		refused(t, err, errs.FailedPrecondition, "WITHDRAWAL_DECIDED")
	}
	if g := s.grant("C-1"); done != 1 || g.GetVersion() != 2 {
		t.Fatalf("%d decided, %v", done, g)
	}
}
