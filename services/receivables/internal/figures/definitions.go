package figures

// Unit of a figure.
type Unit string

// The units.
const (
	Days    Unit = "days"
	Percent Unit = "percent"
	Ratio   Unit = "ratio"  // a share: 0.25 is a quarter
	Points  Unit = "points" // of 10,000
	Amount  Unit = "amount"
)

// Digits after the point with which figures of a unit are shown.
func (u Unit) Digits() int {
	switch u {
	case Ratio:
		return 6
	case Days, Percent, Points, Amount:
	}
	return 4
}

// Definition is what a figure means; there is one for each, here.
type Definition struct {
	Name    string
	Title   string
	Unit    Unit
	Formula string
	// Source says who defines it so.
	Source string
	value  func(Period) Value
}

// Definitions of the figures of a period, in the order in which they are shown. The
// README's table is held to them by a test.
var Definitions = []Definition{
	{"dso", "DSO, closing balance", Days, "closing / credit sales x days", "CRF (Credit Research Foundation), standard DSO", Period.DSO},
	{"dso_average", "DSO, average balance", Days, "(opening + closing) / 2 / credit sales x days", "financial analysis: receivables turnover in days", Period.DSOAverage},
	{"dso_count_back", "DSO, count-back", Days, "days of the newest months whose credit sales add up to closing, the last one in part", "CRF, count-back (exhaustion) method", Period.DSOCountBack},
	{"best_possible_dso", "Best possible DSO", Days, "closing not due / credit sales x days", "CRF, best possible DSO", Period.BestPossibleDSO},
	{"average_days_delinquent", "Average days delinquent", Days, "dso - best_possible_dso", "CRF, average days delinquent", Period.AverageDaysDelinquent},
	{"cei", "Collection effectiveness index", Percent, "(opening + credit sales - closing) / (opening + credit sales - closing not due) x 100", "CRF, CEI", Period.CEI},
	{"collection_rate", "Collection rate", Ratio, "collected of what fell due / fell due", "S2.1: cash collected / receivables fallen due", Period.CollectionRate},
	{"overdue_ratio", "Overdue ratio", Ratio, "closing overdue / closing", "share of open receivables", Period.OverdueRatio},
	{"bad_debt_ratio", "Bad-debt ratio", Ratio, "(written off - recovered) / credit sales", "bad debt to sales", Period.BadDebtRatio},
}

// Figure is a figure of a period.
type Figure struct {
	Definition
	Value Value
}

// All computes every figure of a period.
func (p Period) All() []Figure {
	out := make([]Figure, len(Definitions))
	for i, d := range Definitions {
		out[i] = Figure{Definition: d, Value: d.value(p)}
	}
	return out
}

// Others are the definitions of what is not a figure of a period.
var Others = []Definition{
	{Name: "roll_rate", Title: "Roll rate", Unit: Ratio, Formula: "of what was open in a bucket at the start, open in a later one at the end / open in it at the start", Source: "credit risk: net flow between delinquency buckets"},
	{Name: "top_share", Title: "Share of the greatest debtors", Unit: Ratio, Formula: "open of the greatest n / open", Source: "concentration ratio CRn"},
	{Name: "hhi", Title: "Herfindahl-Hirschman index", Unit: Points, Formula: "sum of (customer's open / open)^2 x 10,000", Source: "Herfindahl-Hirschman"},
	{Name: "expected_credit_loss", Title: "Lifetime expected credit loss", Unit: Amount, Formula: "sum by bucket of open x loss rate, each rounded half up", Source: "IFRS 9 5.5.15, B5.5.35; CAS 22, simplified approach"},
	{Name: "provision_expense", Title: "Charge of the period", Unit: Amount, Formula: "allowance at the end - allowance at the start + written off", Source: "allowance account"},
	{Name: "cost_of_capital", Title: "Cost of capital tied up", Unit: Amount, Formula: "sum of each day's open x yearly rate / 365", Source: "S1.16"},
	{Name: "pace", Title: "Day on which a level is reached", Unit: Days, Formula: "(level - total) x days measured / rise of open within them, rounded up", Source: "S1.11"},
	{Name: "expected_cash", Title: "Expected cash of a week", Unit: Amount, Formula: "open by promised date, else by due date + the customer's days late (sum of amount x days late / amount, of what was settled in 365 days)", Source: "S1.12"},
}

// Definition of one of Others.
func definition(name string) Definition {
	for _, d := range Others {
		if d.Name == name {
			return d
		}
	}
	panic("figures: no definition of " + name)
}
