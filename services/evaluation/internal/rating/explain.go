package rating

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// usualPurchase measures one usual purchase; nil where it cannot be told.
func usualPurchase(in *Inputs, l criteria.Limit) *money.Money {
	rising := in.Payment.InvoiceMinor
	if len(rising) == 0 {
		return in.UsualPurchase
	}
	if !slices.IsSorted(rising) {
		rising = slices.Sorted(slices.Values(rising))
	}
	var minor int64
	switch l.Usual {
	case criteria.Mean:
		minor = mean(rising)
	case criteria.Largest:
		minor = rising[len(rising)-1]
	case criteria.Percentile:
		const hundred = 100
		minor = rising[max(0, (len(rising)*l.Percentile+hundred-1)/hundred-1)]
	default:
		minor = median(rising)
	}
	m := money.New(minor, in.Currency)
	return &m
}

// Usual is one usual purchase as the policy measures it; nil where it cannot be told.
func Usual(in *Inputs, l criteria.Limit) *money.Money { return usualPurchase(in, l) }

// usualText says how the usual purchase was measured.
func usualText(in Inputs, l criteria.Limit) string {
	usual := usualPurchase(&in, l)
	switch {
	case usual == nil:
		return fmt.Sprintf("no invoice within %d months and no usual purchase stated: no limit can be recommended", l.WindowMonths)
	case len(in.Payment.InvoiceMinor) == 0:
		return fmt.Sprintf("usual purchase as stated in the customer file: %s %s", usual, usual.Currency)
	default:
		return fmt.Sprintf("%s of %d invoices within %d months: %s %s", l.Measure(), len(in.Payment.InvoiceMinor), l.WindowMonths, usual, usual.Currency)
	}
}

// mean rounds half up: it computes an amount.
func mean(amounts []int64) int64 {
	sum := new(big.Int)
	for _, a := range amounts {
		sum.Add(sum, big.NewInt(a))
	}
	n := big.NewInt(int64(len(amounts)))
	twice := sum.Lsh(sum, 1)
	return twice.Add(twice, n).Div(twice, n.Lsh(n, 1)).Int64()
}

// times multiplies, rounds half up, and stops at the largest amount there is.
func times(m money.Money, r money.Ratio) money.Money {
	num := new(big.Int).Mul(big.NewInt(m.Minor), big.NewInt(r.Num))
	den := big.NewInt(r.Den)
	num.Lsh(num, 1).Add(num, den).Div(num, den.Lsh(den, 1))
	if most := big.NewInt(money.MaxMinor); num.Cmp(most) > 0 {
		num = most
	}
	return money.New(num.Int64(), m.Currency)
}

// improvements says what would move the grade up: for each figure that holds the
// grade down, the next better threshold; for a cap, the end of its condition.
func improvements(p criteria.Policy, res Result) []string {
	if res.Grade == grade.A {
		return nil
	}
	var out []string
	for _, c := range res.Caps {
		if c.Holds && (c.Grade == res.Grade || c.Grade.WorseThan(res.Grade)) {
			out = append(out, capImprovement(c))
		}
	}
	for i, d := range res.Dimensions {
		for j, ind := range d.Indicators {
			rule := p.Dimensions[i].Rules[j]
			switch {
			case ind.Missing && (res.Grade == grade.None || ind.Grade == res.Grade):
				out = append(out, fmt.Sprintf("%s: make it known (%s)", ind.Name, ind.MissingWhy))
			case ind.Grade != grade.None && ind.Grade == res.Grade:
				if next, ok := nextBetter(rule, ind.Grade); ok {
					out = append(out, fmt.Sprintf("%s %s gives %s (it is %s)", ind.Name, boundText(next), next.Grade, ind.Value))
				}
			}
		}
	}
	return append(out, scoreImprovements(p, res)...)
}

func capImprovement(c CapResult) string {
	if len(c.FactIDs) == 0 {
		return fmt.Sprintf("cap %s: its condition ends", c.Name)
	}
	return fmt.Sprintf("cap %s: facts %s no longer hold", c.Name, strings.Join(c.FactIDs, ", "))
}

// nextBetter is the last threshold that gives a better grade.
func nextBetter(rule criteria.Rule, than grade.Grade) (criteria.Threshold, bool) {
	for _, t := range slices.Backward(rule.Thresholds) {
		if than.WorseThan(t.Grade) {
			return t, true
		}
	}
	return criteria.Threshold{}, false
}

// reason says why the grade is what it is, and why it moved.
func reason(in Inputs, p criteria.Policy, res Result) string {
	var b strings.Builder
	switch {
	case res.Grade == grade.None:
		b.WriteString("Not graded: nothing is known that the policy grades.")
	case strings.HasPrefix(res.Deciding, "cap "):
		fmt.Fprintf(&b, "Grade %s, set by %s.", res.Grade, res.Deciding)
	default:
		fmt.Fprintf(&b, "Grade %s, set by %s.", res.Grade, describe(res))
	}
	if prev := in.Previous; prev != nil {
		if prev.Grade == res.Grade {
			fmt.Fprintf(&b, " Unchanged since %s.", prev.RatingID)
		} else {
			fmt.Fprintf(&b, " Moved from %s to %s: %s.", name(prev.Grade), name(res.Grade), strings.Join(moves(in, p, res), "; "))
		}
	}
	if in.Cause != "" {
		fmt.Fprintf(&b, " Rated because %s.", in.Cause)
	}
	return b.String()
}

func describe(res Result) string {
	if res.Deciding == scorecard {
		return fmt.Sprintf("scorecard = %s points (%s)", res.Scorecard.Score, res.Scorecard.Threshold)
	}
	for _, d := range res.Dimensions {
		for _, i := range d.Indicators {
			if d.Name+"/"+i.Name != res.Deciding {
				continue
			}
			if i.Missing {
				return fmt.Sprintf("%s (missing: %s; %s)", res.Deciding, i.MissingWhy, i.MissingRule)
			}
			return fmt.Sprintf("%s = %s (%s)", res.Deciding, i.Value, i.Threshold)
		}
	}
	return res.Deciding
}

// moves lists what differs from the rating before and bears on the grade.
func moves(in Inputs, p criteria.Policy, res Result) []string {
	prev := in.Previous
	var out []string
	for _, c := range res.Caps {
		if had := slices.Contains(prev.Caps, c.Name); had != c.Holds {
			out = append(out, fmt.Sprintf("cap %s %s", c.Name, map[bool]string{true: "holds now", false: "holds no more"}[c.Holds]))
		}
	}
	for _, d := range res.Dimensions {
		for _, i := range d.Indicators {
			k := slices.IndexFunc(prev.Indicators, func(f PreviousFigure) bool { return f.Dimension == d.Name && f.Name == i.Name })
			if k < 0 || prev.Indicators[k].Grade == i.Grade {
				continue
			}
			before := prev.Indicators[k]
			out = append(out, fmt.Sprintf("%s from %s (%s) to %s (%s)",
				i.Name, value(before.Value), name(before.Grade), value(i.Value), name(i.Grade)))
		}
	}
	if card := res.Scorecard; card != nil && prev.Score != card.Score {
		out = append(out, fmt.Sprintf("scorecard from %s to %s points", value(prev.Score), value(card.Score)))
	}
	if prev.PolicyVersion != p.Version {
		out = append(out, fmt.Sprintf("policy version %d instead of %d", p.Version, prev.PolicyVersion))
	}
	if len(out) == 0 {
		out = append(out, "other figures count")
	}
	return out
}

func name(g grade.Grade) string {
	if g == grade.None {
		return "not graded"
	}
	return string(g)
}

func value(v string) string {
	if v == "" {
		return "unknown"
	}
	return v
}
