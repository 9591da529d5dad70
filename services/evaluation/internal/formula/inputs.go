package formula

import "slices"

// Meaning says what an input is.
type Meaning struct {
	Name string
	Type Type
	// Unit is what a number counts: money (in units of the account's currency), ratio,
	// days, months, count or points.
	Unit string
	// Formula says how it is computed and from what.
	Formula string
	// Term: only formulas of the term may look at it.
	Term bool
}

// Inputs are what a formula may look at beside the indicators, which go by their names.
func Inputs() []Meaning {
	const cash = "money"
	return []Meaning{
		{"grade", Text, "", "grade of this rating, A to D", false},
		{"currency", Text, "", "currency of the account, ISO 4217", false},
		{"score", Number, "points", "score of the policy's scorecard", false},
		{"usual_purchase", Number, cash, "one usual purchase, as `limit.usual_purchase` and `limit.window_months` say; what sales stated where there is no invoice", false},
		{"largest_purchase", Number, cash, "largest invoice of the window", false},
		{"purchases", Number, cash, "sum of the invoices of the window", false},
		{"invoices", Number, "count", "number of invoices of the window", false},
		{"monthly_purchases", Number, cash, "purchases / `limit.window_months`", false},
		{"open_amount", Number, cash, "open amount of the account", false},
		{"max_term_days", Number, "days", "longest term of the grade's treatment", false},
		{"total_assets", Number, cash, "total assets, newest statement in the account's currency", false},
		{"equity", Number, cash, "total assets - total liabilities, newest statement in the account's currency", false},
		{"working_capital", Number, cash, "current assets - current liabilities, newest statement in the account's currency", false},
		{"revenue", Number, cash, "revenue, newest statement in the account's currency", false},
		{"net_profit", Number, cash, "net profit, newest statement in the account's currency", false},
		{"operating_cash_flow", Number, cash, "operating cash flow, newest statement in the account's currency", false},
		{"guarantees", Number, cash, "sum of guarantees that have not run out, in the account's currency", false},
		{"bureau_limit", Number, cash, "limit that the newest credit report recommends, in the account's currency", false},
		{"bank_credit_line", Number, cash, "sum of credit lines of the newest reference of each bank, in the account's currency", false},
		{"reference_highest_credit", Number, cash, "highest credit that any trade reference gave, in the account's currency", false},
		{"limit", Number, cash, "recommended limit of this rating", true},
	}
}

// InputNamed returns the input of a name.
func InputNamed(name string) (Meaning, bool) {
	all := Inputs()
	i := slices.IndexFunc(all, func(m Meaning) bool { return m.Name == name })
	if i < 0 {
		return Meaning{}, false
	}
	return all[i], true
}
