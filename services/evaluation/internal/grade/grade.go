// Package grade holds the words of a rating's outcome: the grade of a customer and
// the treatment that a grade has.
package grade

// Grade is the result of a rating, A is best. The empty grade means that nothing
// could be graded.
type Grade string

// The grades (S2.4).
const (
	// None: not rated, or nothing is known that could be graded.
	None Grade = ""
	// A gets credit within limit and term.
	A Grade = "A"
	// B pays on delivery.
	B Grade = "B"
	// C pays before delivery.
	C Grade = "C"
	// D pays before delivery and is phased out.
	D Grade = "D"
)

// All lists the grades, best first.
func All() []Grade { return []Grade{A, B, C, D} }

// Known reports whether the grade is one of A to D.
func (g Grade) Known() bool { return g == A || g == B || g == C || g == D }

// WorseThan reports whether g is strictly worse than o. The empty grade is neither
// worse nor better than any other.
func (g Grade) WorseThan(o Grade) bool { return g.Known() && o.Known() && g > o }

// Worst returns the worse of two grades; an empty one does not count.
func Worst(a, b Grade) Grade {
	if a == None || b.WorseThan(a) {
		return b
	}
	return a
}

// Treatment is how a customer may buy.
type Treatment string

// The treatments (S2.4, S2.17).
const (
	// CashCustomer has no approved form: no credit.
	CashCustomer Treatment = "CASH_CUSTOMER"
	// Credit buys within limit and term.
	Credit Treatment = "CREDIT"
	// CashOnDelivery gets the goods once the money is confirmed.
	CashOnDelivery Treatment = "CASH_ON_DELIVERY"
	// PaymentBeforeDelivery pays first, without exception.
	PaymentBeforeDelivery Treatment = "PAYMENT_BEFORE_DELIVERY"
	// PhasedOut pays first while the relation is being ended.
	PhasedOut Treatment = "PHASED_OUT"
)

// Known reports whether the treatment is one of those above.
func (t Treatment) Known() bool { return t.strictness() > 0 }

// TighterThan reports whether t leaves the customer less room than o.
func (t Treatment) TighterThan(o Treatment) bool { return t.strictness() > o.strictness() }

func (t Treatment) strictness() int {
	switch t {
	case Credit:
		return 1
	case CashOnDelivery, CashCustomer:
		return 2
	case PaymentBeforeDelivery:
		return 3
	case PhasedOut:
		return 4
	default:
		return 0
	}
}
