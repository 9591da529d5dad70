// Package portfoliofile makes the spreadsheet of a portfolio run, in Chinese or English.
package portfoliofile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/sheet"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// XLSX makes the spreadsheet of a run: a sheet each for the whole, the migration matrix, salespeople, units, groups, and who is affected most.
func XLSX(spec portfolio.Spec, res portfolio.Result, english bool) ([]byte, error) {
	w := chinese()
	if english {
		w = inEnglish()
	}
	return sheet.Write(w.whole(spec, res), w.matrix(res), w.tallies(w.salespeople, res.Salespeople), w.tallies(w.units, res.Units),
		w.tallies(w.groups, res.Groups), w.affected(res.MostAffected))
}

// words are the texts of one language.
type words struct {
	title, dryRun, real, summary, migration, salespeople, units, groups, most                                 string
	item, value, customers, failed, down, up, tightened, lost, unchanged                                      string
	currency, before, after, recommended, change, from, to, none, customer, salesperson, unit, group          string
	gradeBefore, gradeAfter, treatmentBefore, treatmentAfter, termBefore, termAfter, deciding, unlimited, why string
	treatments                                                                                                map[grade.Treatment]string
}

func chinese() words {
	return words{
		title: "评估政策第 %d 版 · %s · %s", dryRun: "试算（未生效）", real: "重新评级", summary: "汇总", migration: "等级迁移矩阵", salespeople: "按业务员", units: "按销售单位",
		groups: "按集团", most: "受影响最大的客户", item: "项目", value: "数量", customers: "客户数", failed: "未能评级", down: "等级下调", up: "等级上调（放宽须经审批）",
		tightened: "授信收紧", lost: "失去赊销", unchanged: "事实与政策未变", currency: "币种", before: "原额度", after: "现额度", recommended: "建议额度", change: "变动",
		from: "原等级", to: "现等级", none: "无", customer: "客户编号", salesperson: "业务员", unit: "销售单位", group: "集团", gradeBefore: "原等级", gradeAfter: "现等级",
		treatmentBefore: "原结算方式", treatmentAfter: "现结算方式", termBefore: "原信用期限（天）", termAfter: "现信用期限（天）", deciding: "决定因素", unlimited: "不限额", why: "未能评级的原因",
		treatments: map[grade.Treatment]string{
			grade.CashCustomer: "现金客户", grade.Credit: "赊销", grade.CashOnDelivery: "现款现货", grade.PaymentBeforeDelivery: "先款后货", grade.PhasedOut: "逐步退出",
		},
	}
}

func inEnglish() words {
	return words{
		title: "Evaluation policy version %d · %s · %s", dryRun: "dry run (no effect)", real: "rated again", summary: "Summary", migration: "Grade migration", salespeople: "By salesperson",
		units: "By sales unit", groups: "By group", most: "Most affected", item: "Item", value: "Number", customers: "Customers", failed: "Not rated", down: "Moved down",
		up: "Moved up (loosening waits for a form)", tightened: "Grant tightens", lost: "Credit lost", unchanged: "Same facts and policy", currency: "Currency", before: "Limit before",
		after: "Limit after", recommended: "Recommended limit", change: "Change", from: "Grade before", to: "Grade after", none: "none", customer: "Customer", salesperson: "Salesperson",
		unit: "Sales unit", group: "Group", gradeBefore: "Grade before", gradeAfter: "Grade after", treatmentBefore: "Treatment before", treatmentAfter: "Treatment after",
		termBefore: "Term before (days)", termAfter: "Term after (days)", deciding: "Deciding", unlimited: "unlimited", why: "Why not rated",
		treatments: map[grade.Treatment]string{
			grade.CashCustomer: "cash customer", grade.Credit: "credit", grade.CashOnDelivery: "cash on delivery", grade.PaymentBeforeDelivery: "payment before delivery", grade.PhasedOut: "phased out",
		},
	}
}

func columns(titles ...string) []sheet.Column {
	all := make([]sheet.Column, len(titles))
	for i, t := range titles {
		all[i] = sheet.Column{Title: t, Width: 20}
	}
	return all
}

func amount(minor int64, currency string) sheet.Cell {
	digits, ok := money.Digits(currency)
	if !ok {
		digits = 2
	}
	return sheet.Amount(minor, digits)
}

func (w words) grade(g grade.Grade) sheet.Cell { return sheet.Text(cmp.Or(string(g), w.none)) }

func (w words) whole(spec portfolio.Spec, res portfolio.Result) sheet.Sheet {
	kind := w.real
	if spec.DryRun {
		kind = w.dryRun
	}
	s := sheet.Sheet{Name: w.summary, Title: fmt.Sprintf(w.title, spec.Version, spec.Date, kind), Columns: columns(w.item, w.value, w.currency, w.before, w.after, w.change, w.recommended)}
	for _, line := range []struct {
		name string
		n    int64
	}{
		{w.customers, res.Customers},
		{w.failed, res.Failed},
		{w.down, res.MovedDown},
		{w.up, res.MovedUp},
		{w.tightened, res.Tightened},
		{w.lost, res.CreditLost},
		{w.unchanged, res.Unchanged},
	} {
		s.Rows = append(s.Rows, []sheet.Cell{sheet.Text(line.name), sheet.Integer(line.n)})
	}
	currencies := maps.Clone(res.Recommended)
	if currencies == nil {
		currencies = map[string]int64{}
	}
	maps.Copy(currencies, res.Before)
	maps.Copy(currencies, res.After)
	for _, c := range slices.Sorted(maps.Keys(currencies)) {
		row := append([]sheet.Cell{sheet.Empty(), sheet.Empty()}, limits(res.Limits, c)...)
		s.Rows = append(s.Rows, append(row, amount(res.Recommended[c], c)))
	}
	return s
}

// limits are the cells of a currency: its code, before, after, change.
func limits(l portfolio.Limits, currency string) []sheet.Cell {
	before, after := l.Before[currency], l.After[currency]
	return []sheet.Cell{sheet.Text(currency), amount(before, currency), amount(after, currency), amount(after-before, currency)}
}

// perCurrency appends a row for each currency of the limits, or one without any. The numbers of customers, behind the names, are of no
// currency: they stand once, so that a column can be added up.
func perCurrency(rows [][]sheet.Cell, names, numbers []sheet.Cell, l portfolio.Limits) [][]sheet.Cell {
	all := maps.Clone(l.Before)
	if all == nil {
		all = map[string]int64{}
	}
	maps.Copy(all, l.After)
	if len(all) == 0 {
		return append(rows, slices.Concat(names, numbers))
	}
	for i, c := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			numbers = make([]sheet.Cell, len(numbers))
		}
		rows = append(rows, slices.Concat(names, numbers, limits(l, c)))
	}
	return rows
}

func (w words) matrix(res portfolio.Result) sheet.Sheet {
	s := sheet.Sheet{Name: w.migration, Columns: columns(w.from, w.to, w.customers, w.currency, w.before, w.after, w.change)}
	for _, c := range res.Migration {
		s.Rows = perCurrency(s.Rows, []sheet.Cell{w.grade(c.From), w.grade(c.To)}, []sheet.Cell{sheet.Integer(c.Customers)}, c.Limits)
	}
	return s
}

func (w words) tallies(name string, all []portfolio.Tally) sheet.Sheet {
	s := sheet.Sheet{Name: name, Columns: columns(name, w.customers, w.down, w.up, w.lost, w.currency, w.before, w.after, w.change)}
	for _, t := range all {
		s.Rows = perCurrency(s.Rows, []sheet.Cell{sheet.Text(cmp.Or(t.ID, w.none))}, []sheet.Cell{
			sheet.Integer(t.Customers), sheet.Integer(t.MovedDown), sheet.Integer(t.MovedUp), sheet.Integer(t.CreditLost),
		}, t.Limits)
	}
	return s
}

func (w words) affected(all []portfolio.Row) sheet.Sheet {
	s := sheet.Sheet{Name: w.most, Columns: columns(w.customer, w.salesperson, w.unit, w.group, w.gradeBefore, w.gradeAfter, w.treatmentBefore, w.treatmentAfter,
		w.currency, w.before, w.after, w.recommended, w.termBefore, w.termAfter, w.deciding, w.why)}
	limit := func(minor *int64, unlimited bool, currency string) sheet.Cell {
		switch {
		case unlimited:
			return sheet.Text(w.unlimited)
		case minor == nil:
			return sheet.Empty()
		default:
			return amount(*minor, currency)
		}
	}
	for _, r := range all {
		s.Rows = append(s.Rows, []sheet.Cell{
			sheet.Text(r.CustomerID), sheet.Text(r.Salesperson), sheet.Text(r.Unit), sheet.Text(r.Group), w.grade(r.GradeBefore), w.grade(r.GradeAfter),
			sheet.Text(w.treatments[r.TreatmentBefore]), sheet.Text(w.treatments[r.TreatmentAfter]), sheet.Text(r.Currency),
			limit(r.LimitBefore, r.UnlimitedBefore, r.Currency), limit(r.LimitAfter, r.UnlimitedAfter, r.Currency), limit(r.Recommended, false, r.Currency),
			sheet.Integer(int64(r.TermBefore)), sheet.Integer(int64(r.TermAfter)), sheet.Text(r.Deciding), sheet.Text(r.Problem),
		})
	}
	return s
}
