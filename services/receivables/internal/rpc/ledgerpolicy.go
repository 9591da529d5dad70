package rpc

import (
	"strings"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// shippedReasons are the reasons for credit memos where the policy names none.
func shippedReasons() []string {
	return []string{
		"RETURN", "PRICE", "QUANTITY", "QUALITY", "REBATE", "BILLING_ERROR", "SET_OFF", "UNCOLLECTABLE", "INSOLVENCY", "SETTLEMENT", "GOODWILL",
		"OVERPAYMENT", "CANCELLED",
	}
}

// shippedAuthority is who approves credit memos where the policy does not say.
func shippedAuthority(currency string) approval.Table {
	bound := func(s string) *int64 {
		m, err := money.Parse(currency, s)
		if err != nil {
			return nil // a currency without minor units that fit: the first row holds for all
		}
		return &m.Minor
	}
	manager := approval.Step{Name: "approval", AnyOf: []string{"FINANCE_MANAGER"}}
	director := approval.Step{Name: "second approval", AnyOf: []string{"FINANCE_DIRECTOR"}}
	general := approval.Step{Name: "release", AnyOf: []string{"GENERAL_MANAGER"}}
	return approval.Table{
		{MaxAmount: bound("100000"), Steps: []approval.Step{manager}},
		{MaxAmount: bound("1000000"), Steps: []approval.Step{manager, director}},
		{Steps: []approval.Step{manager, director, general}},
	}
}

// ledgerOf makes the domain's ledger policy. Its errors name the field, with reason POLICY_INVALID.
func ledgerOf(p *receivablesv1.LedgerPolicy, currency string) (terms.Ledger, error) {
	out := terms.Ledger{MemoReasons: p.GetMemoReasons(), MemoAuthority: shippedAuthority(currency)}
	if len(out.MemoReasons) == 0 {
		out.MemoReasons = shippedReasons()
	}
	var f fields
	if len(p.GetMemoAuthority()) > 0 {
		out.MemoAuthority = f.authority("policy.ledger.memo_authority", p.GetMemoAuthority(), currency)
	}
	if late := p.GetLatePayment(); late != nil {
		out.Interest = f.latePayment("policy.ledger.late_payment", late, currency)
	}
	if e, ok := errs.As(f.err); ok {
		return out, errs.New(errs.Invalid, "POLICY_INVALID", "%s", e.Message).WithViolations(e.Violations...)
	}
	return out, f.err
}

// authority reads an authority table; amounts are in one currency.
func (f *fields) authority(path string, rows []*typev1.AuthorityRow, currency string) approval.Table {
	out := make(approval.Table, len(rows))
	for i, r := range rows {
		at := placeIn(path, i)
		if r.GetMaxAmount() != "" {
			m, err := money.Parse(currency, r.GetMaxAmount())
			f.keep(at+".max_amount", "money", err)
			out[i].MaxAmount = &m.Minor
		}
		out[i].MaxDays = days(r.MaxDays)
		f.steps(at, r, &out[i])
	}
	return out
}

// steps reads who signs. What only credit applications have is refused, not passed over: a row or a step would be worth less than it says.
func (f *fields) steps(at string, r *typev1.AuthorityRow, into *approval.Row) {
	if r.GetWhen() != nil {
		f.keep(at+".when", "credit_applications_only", errs.New(errs.Invalid, "POLICY_INVALID", "conditions of a row are for credit applications"))
	}
	for _, s := range r.GetSteps() {
		if s.GetDueDays() != 0 || s.GetEscalateTo() != 0 || s.GetInWriting() {
			f.keep(at+".steps", "credit_applications_only", errs.New(errs.Invalid, "POLICY_INVALID", "due days and writing of a step are for credit applications"))
		}
		step := approval.Step{Name: s.GetName()}
		for _, role := range s.GetRoles() {
			step.AnyOf = append(step.AnyOf, strings.TrimPrefix(role.String(), rolePrefix))
		}
		for _, role := range s.GetAllOf() {
			step.AllOf = append(step.AllOf, strings.TrimPrefix(role.String(), rolePrefix))
		}
		into.Steps = append(into.Steps, step)
	}
}

func (f *fields) latePayment(path string, p *receivablesv1.LatePayment, currency string) interest.Terms {
	out := interest.Terms{
		DaysInYear: int64(p.GetDaysInYear()), DailyRounding: p.GetRoundDaily(),
		PaymentDayFree: p.GetPaymentDay() == receivablesv1.PaymentDay_PAYMENT_DAY_FREE,
	}
	if out.DaysInYear == 0 {
		out.DaysInYear = 365
	}
	if p.GetAnnualRate() != "" {
		rate, err := money.ParseRatio(p.GetAnnualRate())
		f.keep(path+".annual_rate", "ratio", err)
		out.AnnualRate = rate
	}
	for i, c := range p.GetCompensation() {
		at := placeIn(path+".compensation", i)
		from, err := money.Parse(currency, c.GetFromAmount())
		f.keep(at+".from_amount", "money", err)
		fee, err := money.Parse(currency, c.GetFee())
		f.keep(at+".fee", "money", err)
		if n := len(out.Compensation); f.err == nil && n > 0 && from.Cmp(out.Compensation[n-1].From) <= 0 {
			f.keep(at+".from_amount", "rising", errs.Field(at+".from_amount", "rising", "bounds must rise"))
		}
		out.Compensation = append(out.Compensation, interest.Tier{From: from, Fee: fee})
	}
	return out
}
