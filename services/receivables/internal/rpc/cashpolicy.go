package rpc

import (
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// cashOf reads the part of the policy on due dates, money and letters. Errors: Invalid, naming the field.
func cashOf(p *receivablesv1.CashPolicy) (terms.Cash, error) {
	var f fields
	out := terms.Cash{
		Terms:            f.settlement("policy.cash.settlement_terms", p.GetSettlementTerms()),
		Days:             f.businessDays("policy.cash.business_days", p.GetBusinessDays()),
		Discount:         f.discount("policy.cash.early_payment_discount", p.GetEarlyPaymentDiscount()),
		AutoConfirmScore: int(p.GetAutoConfirmScore()), AnswerDays: int(p.GetAnswerDays()),
	}
	if h := p.GetLetterhead(); h != nil {
		out.Letterhead = terms.Letterhead{
			Company: h.GetCompanyName(), CompanyEN: h.GetCompanyNameEn(), Address: h.GetAddress(), Phone: h.GetPhone(), Email: h.GetEmail(),
			PaymentDetails: h.GetPaymentDetails(),
		}
	}
	if c := p.GetStatementSchedule(); c != nil {
		out.Schedule = statement.Schedule{
			AccountDay: int(c.GetAccountDay()), ConfirmationMonth: int(c.GetConfirmationMonth()), ConfirmationDay: int(c.GetConfirmationDay()),
			Hour: int(c.GetHour()), Credits: c.GetAudience() == receivablesv1.StatementAudience_STATEMENT_AUDIENCE_OPEN_BALANCE,
		}
	}
	return out, f.err
}

// settlement reads settlement terms; absent is none.
func (f *fields) settlement(path string, in *typev1.SettlementTerms) *settlement.Terms {
	if in == nil {
		return nil
	}
	return &settlement.Terms{
		Method: settlementMethod(in.GetMethod()), ClosingDay: int(in.GetClosingDay()), Months: int(in.GetClosingMonths()),
		Days: int(in.GetDays()), ContractEnd: f.date(path+".contract_end_date", in.GetContractEndDate()),
	}
}

func settlementMethod(m typev1.SettlementMethod) settlement.Method {
	switch m {
	case typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY:
		return settlement.Monthly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_QUARTERLY:
		return settlement.Quarterly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_YEARLY:
		return settlement.Yearly
	case typev1.SettlementMethod_SETTLEMENT_METHOD_BASE_STOCK:
		return settlement.BaseStock
	case typev1.SettlementMethod_SETTLEMENT_METHOD_CONSIGNMENT:
		return settlement.Consignment
	default:
		return settlement.Rolling
	}
}

func settlementOf(t *settlement.Terms) *typev1.SettlementTerms {
	if t == nil {
		return nil
	}
	methods := map[settlement.Method]typev1.SettlementMethod{
		settlement.Rolling: typev1.SettlementMethod_SETTLEMENT_METHOD_ROLLING, settlement.Monthly: typev1.SettlementMethod_SETTLEMENT_METHOD_MONTHLY,
		settlement.Quarterly: typev1.SettlementMethod_SETTLEMENT_METHOD_QUARTERLY, settlement.Yearly: typev1.SettlementMethod_SETTLEMENT_METHOD_YEARLY,
		settlement.BaseStock: typev1.SettlementMethod_SETTLEMENT_METHOD_BASE_STOCK, settlement.Consignment: typev1.SettlementMethod_SETTLEMENT_METHOD_CONSIGNMENT,
	}
	return &typev1.SettlementTerms{
		Method: methods[t.Method], ClosingDay: int32(t.ClosingDay), ClosingMonths: int32(t.Months), Days: int32(t.Days), //nolint:gosec // bounded by the contract
		ContractEndDate: t.ContractEnd.String(),
	}
}

// discount reads the steps of a discount.
func (f *fields) discount(path string, in []*receivablesv1.DiscountStep) settlement.Discount {
	var out settlement.Discount
	for i, s := range in {
		rate, err := money.ParseRatio(s.GetRate())
		f.keep(path+"["+strconv.Itoa(i)+"].rate", "ratio", err)
		out = append(out, settlement.Step{Days: int(s.GetDays()), Rate: rate})
	}
	return out
}

func discountOf(d settlement.Discount) []*receivablesv1.DiscountStep {
	var out []*receivablesv1.DiscountStep
	for _, s := range d {
		out = append(out, &receivablesv1.DiscountStep{Days: int32(s.Days), Rate: s.Rate.String()}) //nolint:gosec // bounded by the contract
	}
	return out
}

// businessDays reads the days that the company works; absent is none.
func (f *fields) businessDays(path string, in *receivablesv1.BusinessDays) *settlement.Days {
	if in == nil {
		return nil
	}
	const daysOfWeek = 7
	out := &settlement.Days{Holidays: f.dates(path+".holidays", in.GetHolidays()), Workdays: f.dates(path+".workdays", in.GetWorkdays())}
	for _, d := range in.GetWeekend() {
		out.Weekend = append(out.Weekend, time.Weekday(d%daysOfWeek))
	}
	switch in.GetShift() {
	case receivablesv1.DayShift_DAY_SHIFT_PRECEDING:
		out.Shift = settlement.Preceding
	case receivablesv1.DayShift_DAY_SHIFT_MODIFIED_FOLLOWING:
		out.Shift = settlement.ModifiedFollowing
	default:
		out.Shift = settlement.Following
	}
	return out
}

func (f *fields) dates(path string, in []string) []calendar.Date {
	out := make([]calendar.Date, len(in))
	for i, s := range in {
		out[i] = f.date(path+"["+strconv.Itoa(i)+"]", s)
	}
	return out
}
