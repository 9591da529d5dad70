package criteria

// Growth is how it is told whether a customer with credit buys more for it (S2.13).
type Growth struct {
	// Months of the period, which ends on the day of the review.
	Months int `json:"months"`
	// YearBefore compares with the same period of the year before, else with the one just before.
	YearBefore bool `json:"year_before,omitempty"`
	// Least growth, a decimal: a customer grew where its growth is above it.
	Least string `json:"least,omitempty"`
	// CreditMonths for which a customer must have had credit to be judged.
	CreditMonths int `json:"credit_months"`
}
