package reportfile

import (
	"github.com/avalcredit/aval/services/receivables/internal/aging"
)

// Aging is what a file of an aging is made of.
type Aging struct {
	Query        aging.Query
	Rows, Totals []aging.Row
	Items        []aging.Item
}

// agingWords of one language.
type agingWords struct {
	title, rows, totals, items, empty                              string
	key, name, currency, open, overdue, unapplied, balance         string
	disputed, promised, count, asOf                                string
	item, kind, date, due, days, amount, bucket, person, unit, day string
	firstDue, firstInvoice                                         string
}

func agingWordsOf(l Language) agingWords {
	if l == English {
		return agingWords{
			title: "Aging of receivables", rows: "Aging", totals: "Totals", items: "Items", empty: "nothing is open",
			key: "Key", name: "Customer", currency: "Currency", open: "Open", overdue: "Overdue", unapplied: "Unapplied", balance: "Balance",
			disputed: "Disputed", promised: "Promised", count: "Items", asOf: "as of",
			item: "Item", kind: "Kind", date: "Document date", due: "Due date", days: "Days overdue", amount: "Amount", bucket: "Bucket",
			person: "Responsible", unit: "Unit", day: "Promised for", firstDue: "not due", firstInvoice: "0",
		}
	}
	return agingWords{
		title: "应收账款账龄表", rows: "账龄", totals: "合计", items: "明细", empty: "无未清项",
		key: "分组", name: "客户", currency: "币种", open: "未清金额", overdue: "逾期金额", unapplied: "未核销收款", balance: "余额",
		disputed: "争议金额", promised: "承诺付款", count: "笔数", asOf: "截至",
		item: "项目", kind: "类型", date: "单据日期", due: "到期日", days: "逾期天数", amount: "金额", bucket: "账龄段",
		person: "责任人", unit: "销售单位", day: "承诺日期", firstDue: "未到期", firstInvoice: "0",
	}
}

// bucketTitle is the name of a bucket for people.
func (w agingWords) bucketTitle(i int, q aging.Query) string {
	if i == 0 && q.By != aging.ByInvoiceDate {
		return w.firstDue
	}
	return q.Buckets.Names[i]
}

// AgingXLSX makes the spreadsheet of an aging: rows, totals by currency, and items.
func AgingXLSX(a Aging, l Language) (File, error) {
	w := agingWordsOf(l)
	day := w.asOf + " " + a.Query.AsOf.String()
	rows, totals := w.agingPart(a, a.Rows, w.rows), w.agingPart(a, a.Totals, w.totals)
	return book("aging-"+a.Query.AsOf.String()+"-"+string(l), w.title+"  "+day, []part{rows, totals, w.itemsPart(a)}, w.empty)
}

func (w agingWords) agingPart(a Aging, list []aging.Row, name string) part {
	p := part{title: name, tab: name, columns: []column{{title: w.key, weight: 2}, {title: w.name, weight: 3}, {title: w.currency, weight: 1}}}
	for i := range a.Query.Buckets.Names {
		p.columns = append(p.columns, column{title: w.bucketTitle(i, a.Query), weight: 2, right: true})
	}
	for _, title := range []string{w.open, w.count, w.overdue, w.disputed, w.promised, w.unapplied, w.balance} {
		p.columns = append(p.columns, column{title: title, weight: 2, right: true})
	}
	for _, r := range list {
		cells := []cell{text(r.Key), text(r.DisplayName), text(r.Currency)}
		for _, c := range r.Cells {
			cells = append(cells, amount(c.Amount))
		}
		open := r.Open()
		p.add(append(cells, amount(open.Amount), number(open.Items), amount(r.Overdue.Amount), amount(r.Disputed), amount(r.Promised),
			amount(r.Unapplied), amount(r.Balance()))...)
	}
	return p
}

func (w agingWords) itemsPart(a Aging) part {
	p := part{title: w.items, tab: w.items, columns: []column{
		{title: w.item, weight: 2}, {title: w.kind, weight: 2}, {title: w.key, weight: 2}, {title: w.name, weight: 3}, {title: w.date, weight: 2},
		{title: w.due, weight: 2}, {title: w.days, weight: 1.5, right: true}, {title: w.bucket, weight: 1.5}, {title: w.currency, weight: 1},
		{title: w.amount, weight: 2, right: true}, {title: w.open, weight: 2, right: true}, {title: w.disputed, weight: 2, right: true},
		{title: w.promised, weight: 2, right: true}, {title: w.day, weight: 2}, {title: w.person, weight: 2}, {title: w.unit, weight: 2},
	}}
	for _, i := range a.Items {
		p.add(text(i.ID), text(i.Kind), text(i.CustomerID), text(i.DisplayName), text(i.Date.String()), text(i.DueDate.String()),
			number(int64(i.DaysOverdue)), text(w.bucketTitle(i.Bucket, a.Query)), text(i.Open.Currency), amount(i.Amount), amount(i.Open),
			amount(i.Disputed), amount(i.Promised), text(i.PromisedDate.String()), text(i.Salesperson), text(i.UnitID))
	}
	return p
}
