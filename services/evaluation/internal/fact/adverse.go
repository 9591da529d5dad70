package fact

import (
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
)

// MayMatter reports whether a fact is of a kind that can be bad news on its own.
func (f Fact) MayMatter() bool {
	c := f.Content
	return c.Litigation != nil || c.Enforcement != nil || c.Venture != nil || c.ExternalRating != nil ||
		c.Report != nil || c.Bank != nil || c.Statement != nil
}

// BadNews says why a fact calls for a rating at once, given what was known before; empty
// where it does not. Good news waits for the next occasion: nothing loosens by itself.
func (f Fact) BadNews(before []Fact, day calendar.Date) string {
	if !f.UsableOn(day) {
		return ""
	}
	c := f.Content
	switch {
	case c.Litigation != nil && c.Litigation.Open:
		return "a suit is open against the customer"
	case c.Enforcement != nil && (c.Enforcement.Open || c.Enforcement.Dishonest):
		return "a judgement is enforced against the customer"
	case c.Venture != nil:
		return "a risky venture became known"
	case c.Bank != nil && c.Bank.Overdue:
		return "the customer is overdue with a bank"
	case c.Statement != nil && c.Statement.weak():
		return "a statement shows a loss, or more debts than assets"
	default:
		return f.downgrade(before, day)
	}
}

// weak reports whether a statement by itself speaks against the customer.
func (s *Statement) weak() bool {
	return (s.NetProfit != nil && s.NetProfit.IsNegative()) ||
		(s.TotalAssets != nil && s.TotalLiabilities != nil && s.TotalLiabilities.Minor > s.TotalAssets.Minor)
}

// downgrade compares a rating by others with the one that the same agency gave last.
func (f Fact) downgrade(before []Fact, day calendar.Date) string {
	agency, now := f.Content.ratedBy()
	rank, ok := rankOf(now)
	if !ok {
		return ""
	}
	var last Fact
	for _, o := range before {
		a, text := o.Content.ratedBy()
		if _, known := rankOf(text); !known || a != agency || o.ID == f.ID || o.AsOf.After(f.AsOf) {
			continue
		}
		// What this fact corrects was the agency's word until now.
		if !o.UsableOn(day) && o.ID != f.Supersedes {
			continue
		}
		if last.ID == "" || o.AsOf.After(last.AsOf) || (o.AsOf == last.AsOf && o.Sequence > last.Sequence) {
			last = o
		}
	}
	_, text := last.Content.ratedBy()
	if was, known := rankOf(text); !known || was >= rank {
		return ""
	}
	return agency + " lowered its rating from " + text + " to " + now
}

func (c Content) ratedBy() (agency, rating string) {
	switch {
	case c.ExternalRating != nil:
		return c.ExternalRating.Agency, c.ExternalRating.Rating
	case c.Report != nil:
		return c.Report.Agency, c.Report.Rating
	default:
		return "", ""
	}
}

// rankOf is the place of a rating in its scale, 0 the best. A text of no known scale has none.
func rankOf(rating string) (int, bool) {
	text := strings.TrimSpace(rating)
	for _, scale := range []string{
		"AAA AA+ AA AA- A+ A A- BBB+ BBB BBB- BB+ BB BB- B+ B B- CCC+ CCC CCC- CC C D",
		"Aaa Aa1 Aa2 Aa3 A1 A2 A3 Baa1 Baa2 Baa3 Ba1 Ba2 Ba3 B1 B2 B3 Caa1 Caa2 Caa3 Ca C",
	} {
		if at := slices.Index(strings.Fields(scale), text); at >= 0 {
			return at, true
		}
	}
	return 0, false
}
