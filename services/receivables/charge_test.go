package receivables_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

func (w *world) charges() receivablesv1.ChargeServiceClient {
	return receivablesv1.NewChargeServiceClient(w.conn)
}

// charging signs a policy that charges 0.5 per mille a day for what is over its term, to the unit, and 3 per mille a month for
// what is over the limit, to the person; all of it goes back when the customer has paid.
func (w *world) charging(t *testing.T) {
	t.Helper()
	draft, err := w.policies.CreateReceivablesPolicy(w.as(t, "CREDIT_MANAGER", "2024-01-01"), &receivablesv1.CreateReceivablesPolicyRequest{
		RequestId: "policy", Source: &receivablesv1.CreateReceivablesPolicyRequest_Yaml{Yaml: `
name: charges
base_currency: CNY
aging_bounds: [30, 60, 90]
default_term_days: 30
default_after_days: 91
responsibility:
  over_term: {per_mille: "0.5", basis: CHARGE_BASIS_DAY, charged_to: CHARGE_TO_UNIT}
  over_limit: {per_mille: "3", basis: CHARGE_BASIS_MONTH, charged_to: CHARGE_TO_PERSON}
  return_share: "1"
`},
	})
	must(t, err)
	_, err = w.policies.SignReceivablesPolicy(w.as(t, "GENERAL_MANAGER", "2024-01-01"), &receivablesv1.SignReceivablesPolicyRequest{RequestId: "sign", Version: draft.GetVersion().GetVersion()})
	must(t, err)
}

func (w *world) runCharges(t *testing.T, month, date string) (string, error) {
	t.Helper()
	r, err := w.charges().RunCharges(w.as(t, "FINANCE_MANAGER", date), &receivablesv1.RunChargesRequest{RequestId: "run " + month + date, Month: month})
	if err != nil {
		return "", err
	}
	var out []string
	for _, s := range r.GetChargeRun().GetSums() {
		out = append(out, fmt.Sprintf("%s %s %s+%s%s=%s", strings.TrimPrefix(s.GetChargedTo().String(), "CHARGE_TO_"), s.GetBearer(),
			s.GetOverTerm().GetAmount(), s.GetOverLimit().GetAmount(), s.GetCorrections().GetAmount(), s.GetTotal().GetAmount()))
	}
	return strings.Join(out, "; "), nil
}

// Invariant: what is over its term or over the limit is charged once a month to those who answer for it, to the item, and goes
// back when the customer has paid (S2.6).
func TestChargesMonthByMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.charging(t)
	limited := profile("C-1", "anna", 1)
	limited.UnitId = "north"
	limited.Grant = &evaluationv1.Grant{Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("120000")}}}
	w.deliver(t, limited)
	w.post(t, "2024-01-01", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100000"), DueDate: "2024-01-31"})
	w.post(t, "2024-02-10", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", Amount: cny("50000"), DueDate: "2024-06-30"})
	_, err := w.runCharges(t, "2024-02", "2024-02-29")
	want(t, err, errs.FailedPrecondition, "MONTH_NOT_OVER")
	_, err = w.charges().GetChargeRun(w.as(t, "AUDITOR", ""), &receivablesv1.GetChargeRunRequest{Month: "2024-02"})
	want(t, err, errs.NotFound, "MONTH_NOT_CHARGED")
	// 29 days of 100,000 at 0.5 per mille; 30,000 over the limit on the last day at 3 per mille.
	got, err := w.runCharges(t, "2024-02", "2024-03-01")
	must(t, err)
	equal(t, "February", got, "PERSON anna 0.00+90.000.00=90.00; UNIT north 1450.00+0.000.00=1450.00")
	_, err = w.runCharges(t, "2024-02", "2024-03-02")
	want(t, err, errs.AlreadyExists, "MONTH_CHARGED")
	_, err = w.runCharges(t, "2024-01", "2024-03-02")
	want(t, err, errs.FailedPrecondition, "MONTH_OUT_OF_ORDER")
	w.pay(t, "2024-03-11", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("100000")})
	// 10 days at 0.5 per mille, and all that I-1 was charged goes back; I-2 is within the limit but not paid.
	got, err = w.runCharges(t, "2024-03", "2024-04-01")
	must(t, err)
	equal(t, "March", got, "UNIT north 500.00+0.00-1950.00=-1450.00")
	// Money dated back into a month that was charged is corrected in the next run.
	w.pay(t, "2024-04-05", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "C-1", Amount: cny("50000"), ReceiptDate: "2024-02-28"})
	got, err = w.runCharges(t, "2024-04", "2024-05-01")
	must(t, err)
	equal(t, "April", got, "PERSON anna 0.00+0.00-90.00=-90.00")
	list, err := w.charges().ListCharges(w.by(t, "anna", "SALESPERSON", ""), &receivablesv1.ListChargesRequest{PageSize: 3})
	must(t, err)
	var lines []string
	for range 2 {
		for _, l := range list.GetCharges() {
			lines = append(lines, fmt.Sprintf("%s %s %s %d %s %s", l.GetMonth(), l.GetItemId(), strings.TrimPrefix(l.GetKind().String(), "CHARGE_KIND_"), l.GetDays(), l.GetPerMille(), l.GetAmount().GetAmount()))
		}
		if list.GetNextPageToken() == "" {
			break
		}
		list, err = w.charges().ListCharges(w.by(t, "anna", "SALESPERSON", ""), &receivablesv1.ListChargesRequest{PageSize: 3, PageToken: list.GetNextPageToken()})
		must(t, err)
	}
	equal(t, "lines", strings.Join(lines, "; "), "2024-04 I-2 CORRECTION 0  -90.00; 2024-03 I-1 CORRECTION 0  -1950.00; 2024-03 I-1 OVER_TERM 10 0.5 500.00; "+
		"2024-02 I-1 OVER_TERM 29 0.5 1450.00; 2024-02 I-2 OVER_LIMIT 1 3 90.00")
	other, err := w.charges().ListCharges(w.by(t, "ben", "SALESPERSON", ""), &receivablesv1.ListChargesRequest{})
	must(t, err)
	equal(t, "another's", len(other.GetCharges()), 0)
	for _, sql := range []string{"UPDATE charge_lines SET amount = 1", "DELETE FROM charge_runs", "TRUNCATE charge_lines"} {
		if _, err := w.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s went through", sql)
		}
	}
}

// What is not met is shown to whoever supervises the unit (S2.10).
func TestSupervision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north, south := profile("C-1", "anna", 1), profile("C-2", "", 1)
	north.UnitId, south.UnitId = "north", "south"
	w.deliver(t, north, south)
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", Amount: cny("100"), InvoiceDate: "2021-01-01", DueDate: "2021-01-10"})
	w.post(t, "2024-01-02", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-2", Amount: cny("100")})
	for unit, subject := range map[string]string{"": "gao", "north": "nan"} {
		_, err := w.charges().NameSupervisor(w.as(t, "GENERAL_MANAGER", "2024-01-01"), &receivablesv1.NameSupervisorRequest{RequestId: "name " + unit, UnitId: unit, Person: subject})
		must(t, err)
	}
	equal(t, "warned", w.give(t, "2024-01-03"), "1 given, 1 late")
	_, err := w.duties().ProposeHandOver(w.by(t, "anna", "SALESPERSON", "2024-01-03"), &receivablesv1.ProposeHandOverRequest{
		RequestId: "h", HandOver: &receivablesv1.HandOver{HandOverId: "H", FromPerson: "anna", ToPerson: "ben", Everything: true, Reason: "leaves"},
	})
	must(t, err)
	look := func(date string) string {
		r, err := w.charges().GetSupervision(w.as(t, "AUDITOR", date), &receivablesv1.GetSupervisionRequest{})
		must(t, err)
		var out []string
		for _, u := range r.GetUnits() {
			out = append(out, fmt.Sprintf("%s by %s: %d %d %d %d", u.GetUnitId(), u.GetSupervisor(), u.GetNobodysItems(), u.GetLeftItems(), u.GetUnansweredWarnings(), u.GetUnfinishedHandOvers()))
		}
		return strings.Join(out, "; ")
	}
	equal(t, "in time", look("2024-01-10"), "north by nan: 0 0 0 0; south by gao: 1 0 0 0")
	equal(t, "a week is over", look("2024-01-11"), "north by nan: 0 0 1 1; south by gao: 1 0 0 0")
	_, err = w.charges().NameSupervisor(w.as(t, "GENERAL_MANAGER", "2024-01-12"), &receivablesv1.NameSupervisorRequest{RequestId: "again", UnitId: "north", Person: "bei"})
	must(t, err)
	equal(t, "another is named", look("2024-01-12"), "north by bei: 0 0 1 1; south by gao: 1 0 0 0")
}
