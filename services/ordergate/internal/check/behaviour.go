package check

import (
	"math/big"
	"strconv"

	"github.com/avalcredit/aval/pkg/money"
)

// overdueRatio: what is overdue by more than MinDays after grace is at most MaxRatio of open invoices; the ratio is never rounded.
func (d *decider) overdueRatio(r *Rule) finding {
	late := d.in.Account.Overdue.OverdueBeyond(d.in.BusinessDate, r.MinDays+d.in.Account.Grant.GraceDays).Amount()
	open := d.in.Account.Buckets.Receivable
	f := finding{outcome: Pass, figures: []Figure{{"overdue_amount", d.money(late)}, {"receivable", d.money(open)}}}
	if open > 0 {
		f.figures = append(f.figures, Figure{"overdue_ratio", d.ratioText(late, open)})
	}
	f.figures = append(f.figures, Figure{"max_ratio", r.MaxRatio.String()}, Figure{"min_days", strconv.Itoa(r.MinDays)})
	if late <= 0 || open > 0 && (money.Ratio{Num: late, Den: open}).Cmp(r.MaxRatio) <= 0 {
		return f
	}
	f.outcome, f.message = Held, "the overdue share of open invoices is more than the policy allows"
	f.cures = []Cure{{Kind: CurePayment, Minor: d.lessOverdue(late, open, r.MaxRatio)}}
	return f
}

// lessOverdue is the least payment of overdue items that brings late / open down to most: (late - p) / (open - p) <= most.
func (d *decider) lessOverdue(late, open int64, most money.Ratio) int64 {
	if most.Num <= 0 || most.Num >= most.Den || open <= 0 {
		return late
	}
	n, den := big.NewInt(most.Num), big.NewInt(most.Den)
	num := new(big.Int).Sub(new(big.Int).Mul(big.NewInt(late), den), new(big.Int).Mul(big.NewInt(open), n))
	div := new(big.Int).Sub(den, n)
	q, rest := new(big.Int).QuoRem(num, div, new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return min(late, q.Int64()) // q <= late, for open >= late
}

// oldestItem: the oldest open item is at most MaxDays past its net due date, less the grace days.
func (d *decider) oldestItem(r *Rule) finding {
	open, grace := d.in.Account.Overdue, d.in.Account.Grant.GraceDays
	if r.ExcludeDisputed {
		open = open.Less(d.in.Account.Standing.Disputed)
	}
	days := open.OldestDays(d.in.BusinessDate)
	f := finding{outcome: Pass, figures: []Figure{
		{"days_overdue", strconv.Itoa(days)}, {"grace_days", strconv.Itoa(grace)}, {"max_days", strconv.Itoa(r.MaxDays)},
	}}
	if days > 0 {
		f.figures = append(f.figures, Figure{"due_date", d.in.BusinessDate.AddDays(-days).String()})
	}
	if r.ExcludeDisputed {
		f.figures = append(f.figures, Figure{"disputed_amount", d.money(d.in.Account.Standing.Disputed.Amount())})
	}
	if counted := max(0, days-grace); counted > r.MaxDays {
		f.outcome, f.message = Held, "the oldest open item is "+strconv.Itoa(counted)+" days past due after grace"
		f.cures = []Cure{{Kind: CurePayment, Minor: open.OverdueBeyond(d.in.BusinessDate, r.MaxDays+grace).Amount()}}
	}
	return f
}

// unpaidBatches: at most MaxCount earlier batches are unpaid.
func (d *decider) unpaidBatches(r *Rule) finding {
	u := d.in.Account.Unpaid
	if u == nil {
		return finding{outcome: Held, message: "it is not known how many batches are unpaid"}
	}
	f := finding{outcome: Pass, figures: []Figure{
		{"open_invoices", strconv.Itoa(u.Invoices)}, {"not_invoiced", strconv.Itoa(u.Deliveries)}, {"max_unpaid", strconv.Itoa(r.MaxCount)},
	}}
	if n := u.Invoices + u.Deliveries; n > r.MaxCount {
		f.outcome, f.message = Held, strconv.Itoa(n)+" earlier batches are unpaid"
	}
	return f
}

// brokenPromise: at most MaxCount promises are broken and still unpaid.
func (d *decider) brokenPromise(r *Rule) finding {
	s := &d.in.Account.Standing
	f := finding{outcome: Pass, figures: []Figure{
		{"broken_promises", strconv.Itoa(s.BrokenPromises)}, {"unpaid", d.money(s.BrokenAmount)}, {"max_broken", strconv.Itoa(r.MaxCount)},
	}}
	if !s.BrokenDate.IsZero() {
		f.figures = append(f.figures, Figure{"last_broken", s.BrokenDate.String()})
	}
	if s.BrokenPromises <= r.MaxCount {
		return f
	}
	bound := r.WithinDays > 0 && !s.BrokenDate.IsZero()
	if bound && d.in.BusinessDate.DaysSince(s.BrokenDate) > r.WithinDays {
		f.message = "the newest broken promise is too long ago to count"
		return f
	}
	f.outcome, f.message = Held, "promises to pay are broken: "+strconv.Itoa(s.BrokenPromises)
	if s.BrokenAmount > 0 {
		f.cures = append(f.cures, Cure{Kind: CurePayment, Minor: s.BrokenAmount})
	}
	if bound {
		f.cures = append(f.cures, Cure{Kind: CureDate, Date: s.BrokenDate.AddDays(r.WithinDays + 1)})
	}
	return f
}

// openDispute: the amount in dispute is at most MaxAmount.
func (d *decider) openDispute(r *Rule) finding {
	most, err := money.Parse(d.in.Account.Currency, r.MaxAmount)
	if err != nil {
		return finding{outcome: Held, message: "the policy's amount does not fit the account's currency: " + r.MaxAmount}
	}
	disputed := d.in.Account.Standing.Disputed.Amount()
	f := finding{outcome: Pass, figures: []Figure{{"disputed_amount", d.money(disputed)}, {"max_amount", most.String()}}}
	if disputed > most.Minor {
		f.outcome, f.message = Held, "in dispute: "+d.money(disputed)
		f.cures = []Cure{{Kind: CurePayment, Minor: disputed - most.Minor}}
	}
	return f
}

// dunningLevel: the highest dunning level of open items is at most MaxCount.
func (d *decider) dunningLevel(r *Rule) finding {
	level := d.in.Account.Standing.DunningLevel
	f := finding{outcome: Pass, figures: []Figure{{"dunning_level", strconv.Itoa(level)}, {"max_level", strconv.Itoa(r.MaxCount)}}}
	if level > r.MaxCount {
		f.outcome, f.message = Held, "open items are dunned at level "+strconv.Itoa(level)
		if late := d.in.Account.Overdue.Amount(); late > 0 {
			f.cures = []Cure{{Kind: CurePayment, Minor: late}}
		}
	}
	return f
}

// supplyStop: no dunning letter about an open item stopped supply on credit.
func (d *decider) supplyStop() finding {
	s := &d.in.Account.Standing
	f := finding{outcome: Pass, figures: []Figure{
		{"supply_stopped", strconv.FormatBool(s.SupplyStopped)}, {"dunning_level", strconv.Itoa(s.DunningLevel)},
	}}
	if s.SupplyStopped {
		f.outcome, f.message = Held, "a dunning letter stopped supply on credit"
		if late := d.in.Account.Overdue.Amount(); late > 0 {
			f.cures = []Cure{{Kind: CurePayment, Minor: late}}
		}
	}
	return f
}
