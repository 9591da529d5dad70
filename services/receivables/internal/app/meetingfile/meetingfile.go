// Package meetingfile makes files of the pack on the overdue: a document (PDF) and a spreadsheet (XLSX), in Chinese and
// English. Both say the same.
package meetingfile

import (
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/sheet"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/meeting"
)

type words struct {
	title, asOf, nobody, overdue, history, actions, minutes, none string
	customers, events, items                                      []string // heads of columns
	steps                                                         map[string]string
	kinds                                                         map[string]string
	pageOf                                                        func(page, total int) string
}

var chinese = words{ // constant
	title: "逾期应收账款月度会议", asOf: "截至 ", nobody: "（未指定）", overdue: "逾期", history: "经过", actions: "待办事项", minutes: "会议纪要", none: "无",
	customers: []string{"客户", "名称", "币种", "逾期金额", "上月末", "笔数", "最长逾期天数", "催收级别", "下一步", "日期"},
	events:    []string{"客户", "日期", "类别", "内容", "人员"},
	items:     []string{"编号", "内容", "负责人", "期限", "客户", "结果"},
	steps: map[string]string{
		"PROMISE_BROKEN": "承诺未兑现，立即联系", "ACTION_DUE": "按计划跟进", "HAND_TO_LEGAL": "移交法务", "CALL": "电话催收",
		"PROMISE_NEAR": "提醒承诺到期", "DISPUTE_LATE": "争议处理超期", "WATCH": "继续关注",
	},
	kinds: map[string]string{"LETTER": "催款函", "PROMISE": "付款承诺", "DISPUTE": "争议", "CONTACT": "联系", "HOLD": "暂停催收"},
	pageOf: func(page, total int) string {
		return "第 " + strconv.Itoa(page) + " 页，共 " + strconv.Itoa(total) + " 页"
	},
}

var english = words{ // constant
	title: "Monthly meeting on overdue receivables", asOf: "as of ", nobody: "(nobody)", overdue: "Overdue", history: "History", actions: "Action items", minutes: "Minutes", none: "none",
	customers: []string{"Customer", "Name", "Currency", "Overdue", "A month before", "Items", "Oldest, days", "Level", "Next step", "Date"},
	events:    []string{"Customer", "Date", "What", "In words", "By"},
	items:     []string{"Number", "What", "Owner", "Due", "Customer", "Result"},
	steps: map[string]string{
		"PROMISE_BROKEN": "promise broken: contact at once", "ACTION_DUE": "follow up as planned", "HAND_TO_LEGAL": "hand over to the lawyers", "CALL": "call",
		"PROMISE_NEAR": "remind of the promise", "DISPUTE_LATE": "settle the late dispute", "WATCH": "watch",
	},
	kinds:  map[string]string{"LETTER": "letter", "PROMISE": "promise", "DISPUTE": "dispute", "CONTACT": "contact", "HOLD": "hold"},
	pageOf: func(page, total int) string { return "page " + strconv.Itoa(page) + " of " + strconv.Itoa(total) },
}

func in(isEnglish bool) words {
	if isEnglish {
		return english
	}
	return chinese
}

func or(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func (w words) person(p meeting.Person) string {
	text := or(p.ID, w.nobody)
	for _, m := range p.Overdue {
		text += "  " + m.Currency + " " + m.String()
	}
	return text
}

func dateOf(d calendar.Date) string { return d.String() }

func digits(m money.Money) int {
	n, ok := money.Digits(m.Currency)
	if !ok {
		return 2
	}
	return n
}

// XLSX makes the spreadsheet: what is overdue, the history, the action items and the minutes, a sheet each.
func XLSX(p meeting.Pack, isEnglish bool) (reportfile.File, error) {
	w := in(isEnglish)
	overdue := sheet.Sheet{Name: w.overdue, Title: w.title + " " + p.Month + ", " + w.asOf + p.Day.String(), Columns: columns(append([]string{"业务员 / Salesperson"}, w.customers...))}
	history := sheet.Sheet{Name: w.history, Title: w.history, Columns: columns(w.events)}
	for _, person := range p.People {
		for _, c := range person.Customers {
			overdue.Rows = append(overdue.Rows, []sheet.Cell{
				sheet.Text(or(person.ID, w.nobody)), sheet.Text(c.ID), sheet.Text(c.DisplayName), sheet.Text(c.Overdue.Currency),
				sheet.Amount(c.Overdue.Minor, digits(c.Overdue)), sheet.Amount(c.Before.Minor, digits(c.Before)), sheet.Integer(int64(c.Items)),
				sheet.Integer(int64(c.OldestDays)), sheet.Integer(int64(c.Level)), sheet.Text(w.steps[c.NextStep]), sheet.Text(dateOf(c.NextDate)),
			})
			for _, l := range c.History {
				history.Rows = append(history.Rows, []sheet.Cell{
					sheet.Text(c.ID), sheet.Text(l.Date.String()), sheet.Text(w.kinds[l.Kind]), sheet.Text(l.Text), sheet.Text(l.By),
				})
			}
		}
	}
	actions := sheet.Sheet{Name: w.actions, Title: w.actions, Columns: columns(w.items)}
	for _, a := range p.Actions {
		row := make([]sheet.Cell, 0, len(w.items))
		for _, text := range actionRow(a) {
			row = append(row, sheet.Text(text))
		}
		actions.Rows = append(actions.Rows, row)
	}
	minutes := sheet.Sheet{Name: w.minutes, Title: w.minutes, Columns: []sheet.Column{{Title: w.minutes, Width: 100}}}
	for _, m := range p.Minutes {
		minutes.Rows = append(minutes.Rows, []sheet.Cell{sheet.Text(m.Date.String() + "  " + m.WrittenBy + "  " + m.Text)})
	}
	data, err := sheet.Write(overdue, history, actions, minutes)
	return reportfile.File{Name: "overdue-" + p.Month + ".xlsx", ContentType: sheet.ContentType, Data: data}, err
}

func columns(titles []string) []sheet.Column {
	out := make([]sheet.Column, len(titles))
	for i, t := range titles {
		out[i] = sheet.Column{Title: t, Width: 18}
	}
	return out
}

func actionRow(a meeting.Action) []string {
	result := a.Result
	if a.ClosedBy != "" {
		result = a.CloseDate.String() + " " + a.ClosedBy + ": " + result
	}
	return []string{a.ID, a.Text, a.Owner, a.DueDate.String(), a.CustomerID, result}
}

// PDF makes the document.
func PDF(p meeting.Pack, isEnglish bool, font paper.Font, made time.Time) (reportfile.File, error) {
	w := in(isEnglish)
	title := w.title + " " + p.Month
	d := paper.New(paper.Options{Font: font, Landscape: true, Title: title, Made: made, Left: title, PageOf: w.pageOf})
	d.Title(title)
	d.Text(w.asOf + p.Day.String())
	d.Heading(w.actions)
	actions := paper.Table{Columns: paperColumns(w.items, []float64{1, 4, 1.2, 1, 1.2, 3}), Empty: w.none}
	for _, a := range p.Actions {
		actions.Rows = append(actions.Rows, actionRow(a))
	}
	d.Table(actions)
	for _, person := range p.People {
		d.Heading(w.person(person))
		d.Table(w.customerTable(person))
		events := paper.Table{Columns: paperColumns(w.events, []float64{1.2, 1, 1, 6, 1.2}), Empty: w.none}
		for _, c := range person.Customers {
			for _, l := range c.History {
				events.Rows = append(events.Rows, []string{c.ID, l.Date.String(), w.kinds[l.Kind], l.Text, l.By})
			}
		}
		d.Table(events)
	}
	d.Heading(w.minutes)
	if len(p.Minutes) == 0 {
		d.Text(w.none)
	}
	for _, m := range p.Minutes {
		d.Text(m.Date.String() + "  " + m.WrittenBy)
		d.Text(m.Text)
	}
	data, err := d.Bytes()
	return reportfile.File{Name: "overdue-" + p.Month + ".pdf", ContentType: paper.ContentType, Data: data}, err
}

func (w words) customerTable(person meeting.Person) paper.Table {
	t := paper.Table{Columns: paperColumns(w.customers, []float64{1.2, 2, 0.7, 1.4, 1.4, 0.7, 1, 0.8, 2, 1}), Empty: w.none}
	for _, i := range []int{3, 4, 5, 6, 7} {
		t.Columns[i].Align = paper.Right
	}
	for _, c := range person.Customers {
		t.Rows = append(t.Rows, []string{
			c.ID, c.DisplayName, c.Overdue.Currency, c.Overdue.String(), c.Before.String(), strconv.Itoa(c.Items), strconv.Itoa(c.OldestDays),
			strconv.Itoa(c.Level), w.steps[c.NextStep], dateOf(c.NextDate),
		})
	}
	return t
}

func paperColumns(titles []string, weights []float64) []paper.Column {
	out := make([]paper.Column, len(titles))
	for i, t := range titles {
		out[i] = paper.Column{Title: t, Weight: weights[i], Align: paper.Left}
	}
	return out
}
