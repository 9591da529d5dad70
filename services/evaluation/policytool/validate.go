// Package policytool is what people do with an evaluation policy before they sign it:
// check its text, compare it with another, and see whether its grades tell good customers
// from bad ones. It needs no suite.
package policytool

import (
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
)

// Rated is a customer under a policy, and what became of it.
type Rated struct {
	CustomerID string
	// Grade is A to D; empty: the policy gave none.
	Grade string
	// Score of the policy's scorecard, higher is better; nil: none.
	Score *big.Rat
	// Bad: the customer defaulted.
	Bad bool
}

// GradeRow is the customers of a grade.
type GradeRow struct {
	Grade     string
	Customers int64
	Bad       int64
}

// Rate is the share of bad ones; zero where there is no customer.
func (r GradeRow) Rate() *big.Rat {
	if r.Customers == 0 {
		return new(big.Rat)
	}
	return big.NewRat(r.Bad, r.Customers)
}

// Power is how well an order tells bad customers from good ones.
type Power struct {
	// AUC is the probability that a bad customer ranks worse than a good one, ties counting half.
	AUC *big.Rat
	// KS is the largest distance between the shares of bad and of good customers up to a rank.
	KS *big.Rat
}

// Validation is what outcomes say of a policy.
type Validation struct {
	Customers, Bad int64
	// Ungraded customers are left out of all that follows.
	Ungraded int64
	Grades   []GradeRow
	// ByGrade ranks by grade alone; nil where there is no bad or no good customer.
	ByGrade *Power
	// ByScore ranks by the score of those that have one; nil likewise, or without a scorecard.
	ByScore *Power
	// Warnings name grades that default more than a worse one.
	Warnings []string
}

// Validate compares grades and scores with what became of the customers. Everything is computed exactly.
func Validate(all []Rated) Validation {
	v := Validation{}
	for _, g := range []string{"A", "B", "C", "D"} {
		v.Grades = append(v.Grades, GradeRow{Grade: g})
	}
	var grades, scores []ranked
	for _, r := range all {
		v.Customers++
		if r.Bad {
			v.Bad++
		}
		i := slices.IndexFunc(v.Grades, func(g GradeRow) bool { return g.Grade == r.Grade })
		if i < 0 {
			v.Ungraded++
			continue
		}
		v.Grades[i].Customers++
		if r.Bad {
			v.Grades[i].Bad++
		}
		grades = append(grades, ranked{value: big.NewRat(int64(-i), 1), bad: r.Bad})
		if r.Score != nil {
			scores = append(scores, ranked{value: r.Score, bad: r.Bad})
		}
	}
	v.ByGrade, v.ByScore = power(grades), power(scores)
	v.Warnings = warnings(v.Grades)
	return v
}

// warnings compares each grade with the next worse one that has customers.
func warnings(rows []GradeRow) []string {
	var out []string
	var before *GradeRow
	for i, r := range rows {
		if r.Customers == 0 {
			continue
		}
		if before != nil && before.Rate().Cmp(r.Rate()) > 0 {
			out = append(out, fmt.Sprintf("grade %s defaults more (%s) than grade %s (%s)", before.Grade, percent(before.Rate()), r.Grade, percent(r.Rate())))
		}
		before = &rows[i]
	}
	return out
}

// ranked is a customer's place: a higher value is better.
type ranked struct {
	value *big.Rat
	bad   bool
}

// power is nil where there is no bad or no good one.
func power(all []ranked) *Power {
	var bad, good int64
	for _, r := range all {
		if r.bad {
			bad++
		} else {
			good++
		}
	}
	if bad == 0 || good == 0 {
		return nil
	}
	worstFirst := slices.Clone(all)
	slices.SortFunc(worstFirst, func(a, b ranked) int { return a.value.Cmp(b.value) })
	var badSoFar, goodSoFar int64
	halves := new(big.Int) // twice the pairs in which the bad one ranks worse
	ks := new(big.Rat)
	for i := 0; i < len(worstFirst); {
		var b, g int64
		for at := worstFirst[i].value; i < len(worstFirst) && worstFirst[i].value.Cmp(at) == 0; i++ {
			if worstFirst[i].bad {
				b++
			} else {
				g++
			}
		}
		halves.Add(halves, new(big.Int).Mul(big.NewInt(b), big.NewInt(2*(good-goodSoFar-g)+g)))
		badSoFar, goodSoFar = badSoFar+b, goodSoFar+g
		apart := new(big.Rat).Sub(big.NewRat(badSoFar, bad), big.NewRat(goodSoFar, good))
		if apart.Abs(apart).Cmp(ks) > 0 {
			ks = apart
		}
	}
	pairs := new(big.Int).Mul(big.NewInt(2*bad), big.NewInt(good))
	return &Power{AUC: new(big.Rat).SetFrac(halves, pairs), KS: ks}
}

// printed are the places of a share on the screen.
const printed = 4

func percent(r *big.Rat) string {
	return new(big.Rat).Mul(r, big.NewRat(100, 1)).FloatString(1) + " %"
}

// Print writes the validation for people.
func (v Validation) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d customers, %d defaulted", v.Customers, v.Bad)
	if v.Ungraded > 0 {
		fmt.Fprintf(&b, ", %d not graded and left out", v.Ungraded)
	}
	b.WriteString("\n\ngrade  customers  defaulted  default rate\n")
	for _, r := range v.Grades {
		rate := "-"
		if r.Customers > 0 {
			rate = percent(r.Rate())
		}
		fmt.Fprintf(&b, "%-5s  %9d  %9d  %12s\n", r.Grade, r.Customers, r.Bad, rate)
	}
	b.WriteString("\n")
	for _, p := range []struct {
		by    string
		power *Power
	}{{"grade", v.ByGrade}, {"score", v.ByScore}} {
		if p.power != nil {
			fmt.Fprintf(&b, "by %s: AUC %s, Kolmogorov-Smirnov %s\n", p.by, p.power.AUC.FloatString(printed), p.power.KS.FloatString(printed))
		}
	}
	if v.ByGrade == nil {
		b.WriteString("AUC and Kolmogorov-Smirnov need both customers that defaulted and customers that did not\n")
	}
	for _, text := range v.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
