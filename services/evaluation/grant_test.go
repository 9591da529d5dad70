package evaluation_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) takeOver(customerID string, limit *evaluationv1.CreditLimit) (*evaluationv1.Grant, error) {
	res, err := s.grants().TakeOverGrant(as(operator), &evaluationv1.TakeOverGrantRequest{
		RequestId: s.rid(), CustomerId: customerID, Limit: limit, TermDays: 30, ValidFromDate: "2025-01-01", PaperFormReference: "binder 7",
	})
	return res.GetGrant(), err
}

func amount(text string) *evaluationv1.CreditLimit {
	return &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny(text)}}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	_, err := s.takeOver("C-1", &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Unlimited{Unlimited: true}})
	refused(t, err, errs.Invalid, "INVALID_FIELD")
	g, err := s.takeOver("C-1", amount("5000"))
	must(t, err)
	if g.GetVersion() != 1 || g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_TAKEN_OVER || g.GetLimit().GetAmount().GetAmount() != "5000.00" {
		t.Fatalf("%v", g)
	}
	// A correction of the same paper is another version; zero is no credit, not unlimited.
	g, err = s.takeOver("C-1", amount("0"))
	must(t, err)
	if g.GetVersion() != 2 || g.GetLimit().GetUnlimited() || g.GetLimit().GetAmount().GetAmount() != "0.00" {
		t.Fatalf("%v", g)
	}
	for day, version := range map[string]int64{"2024-12-31": 0, "2025-01-01": 2, "": 2} {
		res, err := s.grants().GetGrant(as(credit), &evaluationv1.GetGrantRequest{CustomerId: "C-1", AsOfDate: day})
		must(t, err)
		if res.GetGrant().GetVersion() != version {
			t.Errorf("on %q: %v", day, res.GetGrant())
		}
	}
	s.granted("C-2")
	_, err = s.takeOver("C-2", amount("5000"))
	refused(t, err, errs.FailedPrecondition, "GRANT_EXISTS")
}

// Invariant 12: the database refuses to change what was decided.
func TestDecidedThingsStay(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	for _, table := range []string{"facts", "fact_verifications", "ratings", "grants", "form_registers"} {
		for _, sql := range []string{"UPDATE " + table + " SET customer_id = 'X'", "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if _, err := s.pool.Exec(t.Context(), sql); err == nil {
				t.Errorf("%s went through", sql)
			}
		}
	}
	s.ask("C-1", 1)
	s.decide(director, "WR-000001", evaluationv1.WithdrawalDecision_WITHDRAWAL_DECISION_KEEP)
	for _, sql := range []string{
		"DELETE FROM applications", "TRUNCATE applications CASCADE",
		"UPDATE withdrawal_requests SET state = 'OPEN'", "DELETE FROM withdrawal_requests", "TRUNCATE withdrawal_requests",
	} {
		if _, err := s.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s went through", sql)
		}
	}
}

// Invariant 13: one changed byte, a changed column, a cut tail: each is found.
func TestBrokenChainsAreFound(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"rating/C-1": `UPDATE ratings SET record = set_byte(record, 40, get_byte(record, 40) # 1)`,
		"grant/C-1":  `UPDATE grants SET record = set_byte(record, 40, get_byte(record, 40) # 1)`,
		"column":     `UPDATE ratings SET grade = 'B'`,
		"tail":       `DELETE FROM grants`,
		"audit":      `UPDATE audit_events SET actor = 'nobody' WHERE seq = 1`,
	}
	for name, sql := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.granted("C-1")
			s.chainsHold()
			// Somebody with the rights of a superuser goes around the triggers.
			_, err := s.pool.Exec(t.Context(), "BEGIN; SET LOCAL session_replication_role = replica; "+sql+"; COMMIT")
			must(t, err)
			report, err := s.operations().VerifyChains(as(operator), &evaluationv1.VerifyChainsRequest{})
			must(t, err)
			if len(report.GetBreaks()) == 0 {
				t.Fatal("not found")
			}
			t.Log(report.GetBreaks()[0])
		})
	}
}

func TestDeliveryWaitsForTheReceiver(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	res, err := s.operations().GetDelivery(as(operator), &evaluationv1.GetDeliveryRequest{})
	must(t, err)
	if len(res.GetStreams()) != 2 || res.GetStreams()[0].GetPending() != 0 || res.GetStreams()[1].GetPending() != 0 {
		t.Fatalf("%v", res)
	}
}
