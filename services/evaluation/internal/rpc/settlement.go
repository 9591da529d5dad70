package rpc

import (
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/settlement"
)

const (
	methodPrefix     = "SETTLEMENT_METHOD_"
	instrumentPrefix = "PAYMENT_INSTRUMENT_"
	kindPrefix       = "APPLICATION_KIND_"
)

func (r *reader) settlement(field string, m *typev1.SettlementTerms) *settlement.Terms {
	if m == nil {
		return nil
	}
	return &settlement.Terms{
		Method:     settlement.Method(name(m.GetMethod(), typev1.SettlementMethod_name, methodPrefix)),
		ClosingDay: int(m.GetClosingDay()), Months: int(m.GetClosingMonths()), Days: int(m.GetDays()),
		ContractEnd: r.date(field+".contract_end_date", m.GetContractEndDate()),
	}
}

func settlementOut(t *settlement.Terms) *typev1.SettlementTerms {
	if t == nil {
		return nil
	}
	return &typev1.SettlementTerms{
		Method:     number[typev1.SettlementMethod](string(t.Method), typev1.SettlementMethod_value, methodPrefix),
		ClosingDay: int32(t.ClosingDay), ClosingMonths: int32(t.Months), Days: int32(t.Days), //nolint:gosec // bounded by the contract
		ContractEndDate: t.ContractEnd.String(),
	}
}

func instrumentsIn(all []typev1.PaymentInstrument) []string {
	var out []string
	for _, i := range all {
		out = append(out, name(i, typev1.PaymentInstrument_name, instrumentPrefix))
	}
	return out
}

func instrumentsOut(all []string) []typev1.PaymentInstrument {
	var out []typev1.PaymentInstrument
	for _, i := range all {
		out = append(out, number[typev1.PaymentInstrument](i, typev1.PaymentInstrument_value, instrumentPrefix))
	}
	return out
}

// kindIn reads what an application asks for beside limit and term.
func (r *reader) kindIn(f *application.Application, m *evaluationv1.CreditApplication) {
	f.Kind = application.Kind(name(m.GetKind(), evaluationv1.ApplicationKind_name, kindPrefix))
	f.Settlement, f.Instruments = r.settlement("application.settlement_terms", m.GetSettlementTerms()), instrumentsIn(m.GetInstruments())
	f.KeepAdditions = m.GetKeepAdditions()
	if t := m.GetTemporary(); t != nil {
		f.Temporary = &application.Temporary{
			Mode: name(t.GetMode(), evaluationv1.TemporaryLimitMode_name, temporaryPrefix),
			From: r.date("application.temporary.from_date", t.GetFromDate()), Until: r.date("application.temporary.until_date", t.GetUntilDate()),
		}
	}
	if t := m.GetSeasonal(); t != nil {
		f.Seasonal = &application.Seasonal{
			Mode: name(t.GetMode(), evaluationv1.TemporaryLimitMode_name, temporaryPrefix),
			From: grant.MonthDay(t.GetFromMonthDay()), Until: grant.MonthDay(t.GetUntilMonthDay()),
		}
	}
	if t := m.GetBaseStock(); t != nil {
		f.BaseStock = &application.BaseStockTerms{
			From: r.date("application.base_stock.from_date", t.GetFromDate()), Until: r.date("application.base_stock.until_date", t.GetUntilDate()),
		}
	}
	if t := m.GetOrderBound(); t != nil {
		f.Order = &application.OrderTerms{OrderID: t.GetOrderId(), Until: r.date("application.order_bound.until_date", t.GetUntilDate())}
	}
}

// kindOut adds to a form what it asks for beside limit and term.
func kindOut(m *evaluationv1.CreditApplication, f application.Application) {
	m.Kind = number[evaluationv1.ApplicationKind](string(f.Kind), evaluationv1.ApplicationKind_value, kindPrefix)
	m.SettlementTerms, m.Instruments, m.KeepAdditions = settlementOut(f.Settlement), instrumentsOut(f.Instruments), f.KeepAdditions
	if t := f.Temporary; t != nil {
		m.Temporary = &evaluationv1.TemporaryTerms{
			Mode:     number[evaluationv1.TemporaryLimitMode](t.Mode, evaluationv1.TemporaryLimitMode_value, temporaryPrefix),
			FromDate: t.From.String(), UntilDate: t.Until.String(),
		}
	}
	if t := f.Seasonal; t != nil {
		m.Seasonal = &evaluationv1.SeasonalTerms{
			Mode:         number[evaluationv1.TemporaryLimitMode](t.Mode, evaluationv1.TemporaryLimitMode_value, temporaryPrefix),
			FromMonthDay: string(t.From), UntilMonthDay: string(t.Until),
		}
	}
	if t := f.BaseStock; t != nil {
		m.BaseStock = &evaluationv1.BaseStockTerms{FromDate: t.From.String(), UntilDate: t.Until.String()}
	}
	if t := f.Order; t != nil {
		m.OrderBound = &evaluationv1.OrderTerms{OrderId: t.OrderID, UntilDate: t.Until.String()}
	}
}
