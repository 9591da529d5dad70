package rpc

import (
	"math/big"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// What holds where a policy says nothing.
const (
	defaultDSODays    = 90
	defaultPaceDays   = 90
	defaultReportDay  = 1
	defaultReportHour = 6
)

func figureTermsOf(p *receivablesv1.FiguresPolicy) terms.Figures {
	f := terms.Figures{
		DSODays: int(p.GetDsoDays()), PaceDays: int(p.GetPaceDays()), ReportDay: int(p.GetReportDay()), ReportHour: defaultReportHour,
		CostOfCapital: share(p.GetCostOfCapital()), AcceptedOverdue: share(p.GetAcceptedOverdueRatio()), AcceptedBadDebt: share(p.GetAcceptedBadDebtRatio()),
	}
	if f.DSODays == 0 {
		f.DSODays = defaultDSODays
	}
	if f.PaceDays == 0 {
		f.PaceDays = defaultPaceDays
	}
	if f.ReportDay == 0 {
		f.ReportDay = defaultReportDay
	}
	if p != nil && p.ReportHour != nil {
		f.ReportHour = int(p.GetReportHour())
	}
	for _, r := range p.GetLossRates() {
		if f.LossRates == nil {
			f.LossRates = map[string][]*big.Rat{}
		}
		rates := make([]*big.Rat, len(r.GetRates()))
		for i, text := range r.GetRates() {
			rates[i] = share(text)
		}
		f.LossRates[r.GetGrade()] = rates
	}
	return f
}

// share reads a decimal that the contract has checked; nil where there is none.
func share(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return r
}
