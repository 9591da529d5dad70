package terms

import "github.com/avalcredit/aval/services/receivables/internal/dunning"

// Collection decides who is asked to pay, when and how. The zero value duns nobody and gives promises no grace.
type Collection struct {
	Dunning dunning.Policy
	// PromiseGraceDays after a promised date money still keeps the promise.
	PromiseGraceDays int
	// PromiseRemindDays before a promised date the collector is reminded; 0: not.
	PromiseRemindDays int
	// FailedPromises after which a further one for the same item needs a manager; 0: not bounded.
	FailedPromises int
	Points         WorklistPoints
}

// WorklistPoints is how many points each part of a priority brings at most.
type WorklistPoints struct {
	Amount, Lateness, Behaviour, BrokenPromise, LimitUse, ExpectedEffect int
}

// ShippedPoints are the points where the policy gives none.
func ShippedPoints() WorklistPoints {
	return WorklistPoints{Amount: 30, Lateness: 20, Behaviour: 10, BrokenPromise: 25, LimitUse: 10, ExpectedEffect: 15}
}
