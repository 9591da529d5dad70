package fact

// Ratios of a period as a bureau or bank reports them, without the statement behind them.
// Each is a decimal; an empty one is unknown, never zero.
type Ratios struct {
	DebtToAssets             string `json:"debt_to_assets,omitempty"`
	CurrentRatio             string `json:"current_ratio,omitempty"`
	WorkingCapitalToAssets   string `json:"working_capital_to_assets,omitempty"`
	RetainedEarningsToAssets string `json:"retained_earnings_to_assets,omitempty"`
	OperatingProfitToAssets  string `json:"operating_profit_to_assets,omitempty"`
	EquityToDebt             string `json:"equity_to_debt,omitempty"`
	SalesToAssets            string `json:"sales_to_assets,omitempty"`
	NetProfitToAssets        string `json:"net_profit_to_assets,omitempty"`
	CashFlowToDebt           string `json:"cash_flow_to_debt,omitempty"`
	InterestCover            string `json:"interest_cover,omitempty"`
}
