package rating

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// fromFindings computes an indicator from what courts, agencies, banks and suppliers say of
// the customer, and from what was seen at its place. That nothing is recorded does not say
// that there is nothing.
func fromFindings(in *Inputs, rule criteria.Rule) figure {
	switch rule.Indicator {
	case criteria.OpenSuits:
		return count(in, rule, of(fact.KindLitigation), openSuit, "nothing is recorded of suits")
	case criteria.OpenEnforcements:
		return count(in, rule, of(fact.KindEnforcement), enforced, "nothing is recorded of enforcement")
	case criteria.BanksOverdue:
		return count(in, rule, newestOfEach(of(fact.KindBank), byBank), overdueWithBank, "no bank reference is recorded")
	case criteria.ReferencesAsAgreed:
		refs := newestOfEach(of(fact.KindReference), byReferee)
		f := count(in, rule, refs, func(c fact.Content) bool { return c.Reference.PaysAsAgreed }, "no trade reference is recorded")
		if f.value != nil {
			f.value.Quo(f.value, whole(int64(len(f.facts))))
		}
		return f
	case criteria.ReferenceDaysLate:
		return worst(in, rule, newestOfEach(of(fact.KindReference), byReferee), func(c fact.Content) *big.Rat {
			return whole(-int64(c.Reference.AverageDaysLate))
		}, "no trade reference is recorded").negated()
	case criteria.OperatingAtVisit:
		visits := newestOfEach(of(fact.KindVisit), func(fact.Content) string { return "" })
		return count(in, rule, visits, func(c fact.Content) bool { return c.Visit.Operating }, "no site visit is recorded")
	default:
		return externalRating(in, rule)
	}
}

// externalRating is the lowest of the agencies' newest ratings.
func externalRating(in *Inputs, rule criteria.Rule) figure {
	f := worst(in, rule, newestOfEach(withRating, byAgency), func(c fact.Content) *big.Rat {
		return criteria.PointsOf(rule.Scales, byAgency(c), ratingIn(c))
	}, "no rating by an agency or bureau is recorded")
	if f.value == nil && len(f.facts) > 0 {
		return missing("the policy's scales do not know the rating of " + f.facts[len(f.facts)-1])
	}
	return f
}

// choice picks the facts that an indicator is of.
type choice func(facts []*fact.Fact) []*fact.Fact

func of(kind fact.Kind) choice {
	return func(facts []*fact.Fact) []*fact.Fact {
		return slices.DeleteFunc(facts, func(f *fact.Fact) bool { return f.Content.Kind() != kind })
	}
}

func withRating(facts []*fact.Fact) []*fact.Fact {
	return slices.DeleteFunc(facts, func(f *fact.Fact) bool { return ratingIn(f.Content) == "" })
}

// newestOfEach picks, of those that speak for the same, the one of the latest day, and of
// one day the one recorded last.
func newestOfEach(from choice, same func(fact.Content) string) choice {
	return func(facts []*fact.Fact) []*fact.Fact {
		found := from(facts)
		slices.SortStableFunc(found, func(a, b *fact.Fact) int {
			return cmp.Or(b.AsOf.Compare(a.AsOf), cmp.Compare(b.Sequence, a.Sequence))
		})
		seen := map[string]bool{}
		return slices.DeleteFunc(found, func(f *fact.Fact) bool {
			key := same(f.Content)
			old := seen[key]
			seen[key] = true
			return old
		})
	}
}

func byBank(c fact.Content) string    { return c.Bank.Bank }
func byReferee(c fact.Content) string { return c.Reference.Referee }

func byAgency(c fact.Content) string {
	if c.ExternalRating != nil {
		return c.ExternalRating.Agency
	}
	return c.Report.Agency
}

func ratingIn(c fact.Content) string {
	switch {
	case c.ExternalRating != nil:
		return c.ExternalRating.Rating
	case c.Report != nil:
		return c.Report.Rating
	default:
		return ""
	}
}

func openSuit(c fact.Content) bool        { return c.Litigation.Open }
func enforced(c fact.Content) bool        { return c.Enforcement.Open || c.Enforcement.Dishonest }
func dishonest(c fact.Content) bool       { return c.Enforcement.Dishonest }
func overdueWithBank(c fact.Content) bool { return c.Bank.Overdue }
func notOperating(c fact.Content) bool    { return !c.Visit.Operating }

// chosen are the facts of a choice that may be used and are not too old.
func chosen(in *Inputs, rule criteria.Rule, from choice) []*fact.Fact {
	found := from(usable(in, rule, func(fact.Content) bool { return true }))
	return slices.DeleteFunc(found, func(f *fact.Fact) bool { return tooOld(f.AsOf, in.Date, rule) })
}

// count counts the facts that hold something, of all that there are.
func count(in *Inputs, rule criteria.Rule, from choice, holds func(fact.Content) bool, none string) figure {
	return worstOf(chosen(in, rule, from), none, func(found []*fact.Fact) *big.Rat {
		n := int64(0)
		for _, f := range found {
			if holds(f.Content) {
				n++
			}
		}
		return whole(n)
	})
}

// worst is the lowest value of the facts; one without a value makes the whole unknown.
func worst(in *Inputs, rule criteria.Rule, from choice, value func(fact.Content) *big.Rat, none string) figure {
	return worstOf(chosen(in, rule, from), none, func(found []*fact.Fact) *big.Rat {
		var lowest *big.Rat
		for _, f := range found {
			v := value(f.Content)
			if v == nil {
				return nil
			}
			if lowest == nil || v.Cmp(lowest) < 0 {
				lowest = v
			}
		}
		return new(big.Rat).Set(lowest)
	})
}

func worstOf(found []*fact.Fact, none string, value func([]*fact.Fact) *big.Rat) figure {
	if len(found) == 0 {
		return missing(none)
	}
	f := figure{}
	for _, x := range found {
		f.facts = append(f.facts, x.ID)
		if x.AsOf.After(f.asOf) {
			f.asOf = x.AsOf
		}
	}
	f.value = value(found)
	return f
}

func (f figure) negated() figure {
	if f.value != nil {
		f.value.Neg(f.value)
	}
	return f
}

// capFacts are the facts that a cap rests on. They count before anybody has verified them:
// a cap tightens, and tightening does not wait.
func capFacts(in *Inputs, c criteria.Condition) []string {
	var from choice
	var holds func(fact.Content) bool
	switch c {
	case criteria.SuedByOthers:
		from, holds = of(fact.KindLitigation), openSuit
	case criteria.Enforced:
		from, holds = of(fact.KindEnforcement), enforced
	case criteria.DishonestDebtor:
		from, holds = of(fact.KindEnforcement), dishonest
	case criteria.OverdueWithBank:
		from, holds = newestOfEach(of(fact.KindBank), byBank), overdueWithBank
	case criteria.NotOperating:
		from, holds = newestOfEach(of(fact.KindVisit), func(fact.Content) string { return "" }), notOperating
	default:
		return nil
	}
	var ids []string
	for _, f := range chosen(in, criteria.Rule{}, from) {
		if holds(f.Content) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
