package criteria

import (
	"fmt"

	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// GradeReview is how soon customers of a grade are rated again.
type GradeReview struct {
	Grade grade.Grade
	// Days after which; 0: never.
	Days int
}

// ShortCycle is how customers that buy often are rated again (S1.4).
type ShortCycle struct {
	// PurchaseDays: whoever usually buys again within so many days.
	PurchaseDays int
	// ReviewDays after which such a customer is rated again.
	ReviewDays int
	// InsteadOfTransactions: what was settled by its due date waits for the review.
	InsteadOfTransactions bool
}

// ReviewDays returns the days after which a customer of a grade is rated again; 0: never.
func (p Policy) ReviewDays(g grade.Grade) int {
	for _, r := range p.GradeReviews {
		if r.Grade == g {
			return r.Days
		}
	}
	return p.ReviewIntervalDays
}

// WaitsForReview reports whether a customer with so many days between its purchases (0: not known) is rated when a period is over instead of
// after each transaction.
func (p Policy) WaitsForReview(purchaseDays int) bool {
	c := p.ShortCycle
	return c != nil && c.InsteadOfTransactions && purchaseDays > 0 && purchaseDays <= c.PurchaseDays
}

func (p Policy) checkReviews(bad func(field, rule, message string)) {
	seen := map[grade.Grade]bool{}
	for i, r := range p.GradeReviews {
		if seen[r.Grade] {
			bad(fmt.Sprintf("grade_reviews[%d].grade", i), "unique", "grade "+string(r.Grade)+" stands twice")
		}
		seen[r.Grade] = true
	}
}
