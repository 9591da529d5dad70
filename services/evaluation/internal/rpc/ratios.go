package rpc

import (
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

func ratiosIn(m *evaluationv1.ReportedRatios) *fact.Ratios {
	return &fact.Ratios{
		DebtToAssets:             m.GetDebtToAssets(),
		CurrentRatio:             m.GetCurrentRatio(),
		WorkingCapitalToAssets:   m.GetWorkingCapitalToAssets(),
		RetainedEarningsToAssets: m.GetRetainedEarningsToAssets(),
		OperatingProfitToAssets:  m.GetOperatingProfitToAssets(),
		EquityToDebt:             m.GetEquityToDebt(),
		SalesToAssets:            m.GetSalesToAssets(),
		NetProfitToAssets:        m.GetNetProfitToAssets(),
		CashFlowToDebt:           m.GetCashFlowToDebt(),
		InterestCover:            m.GetInterestCover(),
	}
}

func ratiosOut(r *fact.Ratios) *evaluationv1.ReportedRatios {
	return &evaluationv1.ReportedRatios{
		DebtToAssets:             r.DebtToAssets,
		CurrentRatio:             r.CurrentRatio,
		WorkingCapitalToAssets:   r.WorkingCapitalToAssets,
		RetainedEarningsToAssets: r.RetainedEarningsToAssets,
		OperatingProfitToAssets:  r.OperatingProfitToAssets,
		EquityToDebt:             r.EquityToDebt,
		SalesToAssets:            r.SalesToAssets,
		NetProfitToAssets:        r.NetProfitToAssets,
		CashFlowToDebt:           r.CashFlowToDebt,
		InterestCover:            r.InterestCover,
	}
}
