package portfoliofile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/sheet"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
)

// growthWords are the texts of one language.
type growthWords struct {
	title, summary, salespeople, customers, item, number, with, grew, notGrown, tooEarly, unknown string
	currency, volume, compared, change, growth, salesperson, none, customer, name, unit           string
	grade, limit, unlimited, since                                                                string
}

func growthIn(english bool) growthWords {
	if english {
		return growthWords{
			title: "Growth of customers with credit · %s to %s compared with %s to %s", summary: "Summary", salespeople: "By salesperson", customers: "Not grown",
			item: "Item", number: "Number", with: "Customers with credit", grew: "Grew", notGrown: "Did not grow", tooEarly: "Credit for too short", unknown: "Not known to receivables",
			currency: "Currency", volume: "Volume", compared: "Volume compared with", change: "Change", growth: "Growth", salesperson: "Salesperson", none: "none",
			customer: "Customer", name: "Name", unit: "Sales unit", grade: "Grade", limit: "Limit", unlimited: "unlimited", since: "Credit since",
		}
	}
	return growthWords{
		title: "授信客户增长评审 · %s 至 %s，对比 %s 至 %s", summary: "汇总", salespeople: "按业务员", customers: "未增长客户", item: "项目", number: "数量", with: "有授信的客户",
		grew: "增长", notGrown: "未增长", tooEarly: "授信时间不足", unknown: "应收系统中无此客户", currency: "币种", volume: "本期销售额", compared: "对比期销售额", change: "变动", growth: "增长率",
		salesperson: "业务员", none: "无", customer: "客户编号", name: "客户名称", unit: "销售单位", grade: "等级", limit: "信用额度", unlimited: "不限额", since: "授信起始日",
	}
}

// GrowthXLSX makes the spreadsheet of a growth review: the sums, salespeople, and the customers that did not grow.
func GrowthXLSX(spec growth.Spec, res growth.Result, notGrown []growth.Row, english bool) ([]byte, error) {
	w, now, compared := growthIn(english), spec.Period(), spec.Compared()
	whole := sheet.Sheet{
		Name: w.summary, Title: fmt.Sprintf(w.title, now.From, now.To, compared.From, compared.To), Columns: columns(w.item, w.number, w.currency, w.volume, w.compared, w.change),
		Rows: [][]sheet.Cell{
			{sheet.Text(w.with), sheet.Integer(res.Customers)}, {sheet.Text(w.grew), sheet.Integer(res.Grew)}, {sheet.Text(w.notGrown), sheet.Integer(res.NotGrown)},
			{sheet.Text(w.tooEarly), sheet.Integer(res.TooEarly)}, {sheet.Text(w.unknown), sheet.Integer(res.Unknown)},
		},
	}
	whole.Rows = append(whole.Rows, volumes([]sheet.Cell{sheet.Empty()}, []sheet.Cell{sheet.Empty()}, res.Sums)...)
	people := sheet.Sheet{Name: w.salespeople, Columns: columns(w.salesperson, w.grew, w.notGrown, w.currency, w.volume, w.compared, w.change)}
	for _, t := range res.Salespeople {
		people.Rows = append(people.Rows, volumes([]sheet.Cell{sheet.Text(cmp.Or(t.Salesperson, w.none))}, []sheet.Cell{sheet.Integer(t.Grew), sheet.Integer(t.NotGrown)}, t.Sums)...)
	}
	list := sheet.Sheet{Name: w.customers, Columns: columns(w.customer, w.name, w.salesperson, w.unit, w.grade, w.currency, w.limit, w.since, w.volume, w.compared, w.change, w.growth)}
	for _, r := range notGrown {
		list.Rows = append(list.Rows, w.row(r))
	}
	return sheet.Write(whole, people, list)
}

// volumes are rows of names and numbers with the sums of each currency; the numbers stand once.
func volumes(names, numbers []sheet.Cell, s growth.Sums) [][]sheet.Cell {
	var rows [][]sheet.Cell
	for _, c := range slices.Sorted(maps.Keys(s.Compared)) {
		now, before := s.Volume[c], s.Compared[c]
		rows = append(rows, slices.Concat(names, numbers, []sheet.Cell{sheet.Text(c), amount(now, c), amount(before, c), amount(now-before, c)}))
		numbers = make([]sheet.Cell, len(numbers))
	}
	return rows
}

func (w growthWords) row(r growth.Row) []sheet.Cell {
	limit := sheet.Text(w.unlimited)
	if r.Limit != nil {
		limit = amount(*r.Limit, r.Currency)
	}
	now, before, change := sheet.Empty(), sheet.Empty(), sheet.Empty()
	if r.Volume != nil && r.Compared != nil {
		now, before, change = amount(*r.Volume, r.Currency), amount(*r.Compared, r.Currency), amount(*r.Volume-*r.Compared, r.Currency)
	}
	return []sheet.Cell{
		sheet.Text(r.CustomerID), sheet.Text(r.DisplayName), sheet.Text(r.Salesperson), sheet.Text(r.Unit), sheet.Text(cmp.Or(string(r.Grade), w.none)), sheet.Text(r.Currency),
		limit, sheet.Text(r.CreditSince.String()), now, before, change, ratio(r.Growth()),
	}
}

// ratio is a decimal of four digits as a number; empty: none.
func ratio(text string) sheet.Cell {
	if text == "" {
		return sheet.Empty()
	}
	const digits = 4
	m, err := money.ParseRatio(text)
	if err != nil || strings.Contains(text, "/") {
		return sheet.Text(text)
	}
	return sheet.Amount(m.Num*(pow10(digits)/m.Den), digits)
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
