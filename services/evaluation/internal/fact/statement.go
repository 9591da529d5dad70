package fact

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/money"
)

// Lines are amounts of a statement by the name of their line, as in the contract. A
// line that is not there is unknown, never zero.
type Lines map[string]money.Money

// identity is a sum that must hold to the cent where all its parts are known.
type identity struct {
	// about says it in words.
	about string
	total string
	plus  []string
	minus []string
}

// identities of a statement of a Chinese general enterprise.
var identities = []identity{
	{"assets are liabilities and equity", "total_assets", []string{"total_liabilities", "total_equity"}, nil},
	{"assets are current and non-current ones", "total_assets", []string{"current_assets", "non_current_assets"}, nil},
	{"liabilities are current and non-current ones", "total_liabilities", []string{"current_liabilities", "non_current_liabilities"}, nil},
	{
		"equity is the sum of its lines less own shares", "total_equity",
		[]string{"paid_in_capital", "other_equity_instruments", "capital_reserve", "other_comprehensive_income", "surplus_reserve", "undistributed_profit", "minority_interests"},
		[]string{"treasury_shares"},
	},
	{
		"operating profit is revenue less costs, with the gains", "operating_profit",
		[]string{"revenue", "other_income", "investment_income", "fair_value_gains", "credit_impairment_gains", "asset_impairment_gains", "asset_disposal_gains"},
		[]string{"operating_cost", "taxes_and_surcharges", "selling_expenses", "administrative_expenses", "research_expenses", "finance_expenses"},
	},
	{"profit before tax is operating profit with non-operating income less expenses", "total_profit", []string{"operating_profit", "non_operating_income"}, []string{"non_operating_expenses"}},
	{"net profit is profit before tax less tax", "net_profit", []string{"total_profit"}, []string{"income_tax"}},
	{"retained earnings are surplus reserve and undistributed profit", "retained_earnings", []string{"surplus_reserve", "undistributed_profit"}, nil},
	{"operating cash flow is cash in less cash out", "operating_cash_flow", []string{"operating_inflow"}, []string{"operating_outflow"}},
	{"investing cash flow is cash in less cash out", "investing_cash_flow", []string{"investing_inflow"}, []string{"investing_outflow"}},
	{"financing cash flow is cash in less cash out", "financing_cash_flow", []string{"financing_inflow"}, []string{"financing_outflow"}},
	{"the net increase of cash is the sum of the cash flows", "net_increase_in_cash", []string{"operating_cash_flow", "investing_cash_flow", "financing_cash_flow", "exchange_rate_effect"}, nil},
	{"closing cash is opening cash and the net increase", "closing_cash", []string{"opening_cash", "net_increase_in_cash"}, nil},
}

// parts are lines that together are at most their total: a part is never more than the whole.
var parts = map[string][]string{
	"total_assets":      {"current_assets", "non_current_assets"},
	"total_liabilities": {"current_liabilities", "non_current_liabilities"},
	"current_assets": {
		"monetary_funds", "trading_financial_assets", "notes_receivable", "accounts_receivable", "receivables_financing", "prepayments",
		"other_receivables", "inventories", "contract_assets", "other_current_assets",
	},
	"non_current_assets": {
		"long_term_receivables", "long_term_equity_investments", "investment_property", "fixed_assets", "construction_in_progress",
		"right_of_use_assets", "intangible_assets", "goodwill", "long_term_deferred_expenses", "deferred_tax_assets", "other_non_current_assets",
	},
	"current_liabilities": {
		"short_term_borrowings", "notes_payable", "accounts_payable", "advances_received", "contract_liabilities", "payroll_payable",
		"taxes_payable", "other_payables", "non_current_liabilities_due_within_year", "other_current_liabilities",
	},
	"non_current_liabilities": {
		"long_term_borrowings", "bonds_payable", "lease_liabilities", "long_term_payables", "provisions", "deferred_income",
		"deferred_tax_liabilities", "other_non_current_liabilities",
	},
}

// signed are lines that may be below zero.
func signed(line string) bool {
	switch line {
	case "total_equity", "other_comprehensive_income", "undistributed_profit", "minority_interests", "capital_reserve",
		"finance_expenses", "other_income", "investment_income", "fair_value_gains", "credit_impairment_gains", "asset_impairment_gains",
		"asset_disposal_gains", "total_profit", "income_tax", "investing_cash_flow", "financing_cash_flow", "exchange_rate_effect",
		"net_increase_in_cash":
		return true
	default:
		return false
	}
}

// sections are the statement's lines by their field in the contract.
func (s *Statement) sections() map[string]Lines {
	return map[string]Lines{"balance_sheet": s.BalanceSheet, "income_statement": s.Income, "cash_flow_statement": s.CashFlow}
}

// check looks at the lines and at how everything adds up.
func (s *Statement) check(bad func(field, rule, message string)) {
	const at = "financial_statement."
	known, path := map[string]money.Money{}, map[string]string{}
	for _, a := range s.amounts() {
		if a.amount != nil {
			known[a.field], path[a.field] = *a.amount, at+a.field
		}
	}
	currency := s.currency()
	for _, section := range slices.Sorted(maps.Keys(s.sections())) {
		lines := s.sections()[section]
		for _, line := range slices.Sorted(maps.Keys(lines)) {
			amount, field := lines[line], at+section+"."+line
			if amount.Currency != currency {
				bad(field, "same_currency", "a statement is in one currency")
			}
			if amount.IsNegative() && !signed(line) {
				bad(field, "not_negative", "is below zero")
			}
			known[line], path[line] = amount, field
		}
	}
	wrong := map[string]bool{}
	for _, i := range identities {
		if !i.holds(known) {
			wrong[i.total] = true
			bad(path[i.total], "identity", "does not add up: "+i.about)
		}
	}
	for _, total := range slices.Sorted(maps.Keys(parts)) {
		if whole, ok := known[total]; ok && !wrong[total] && sum(known, parts[total]).Cmp(big.NewInt(whole.Minor)) > 0 {
			bad(path[total], "parts", "is less than its lines together: "+strings.ReplaceAll(total, "_", " "))
		}
	}
}

// holds reports whether an identity holds, or cannot be told.
func (i identity) holds(known map[string]money.Money) bool {
	total, ok := known[i.total]
	for _, line := range slices.Concat(i.plus, i.minus) {
		_, has := known[line]
		ok = ok && has
	}
	if !ok {
		return true
	}
	is := new(big.Int).Sub(sum(known, i.plus), sum(known, i.minus))
	return is.Cmp(big.NewInt(total.Minor)) == 0
}

// sum of the lines that are known.
func sum(known map[string]money.Money, lines []string) *big.Int {
	total := new(big.Int)
	for _, line := range lines {
		total.Add(total, big.NewInt(known[line].Minor))
	}
	return total
}

// currency of the statement: that of its first amount.
func (s *Statement) currency() string {
	for _, a := range s.amounts() {
		if a.amount != nil {
			return a.amount.Currency
		}
	}
	for _, section := range slices.Sorted(maps.Keys(s.sections())) {
		lines := s.sections()[section]
		for _, line := range slices.Sorted(maps.Keys(lines)) {
			return lines[line].Currency
		}
	}
	return ""
}
