// Package letterfile makes the document of a dunning letter, in Chinese or English.
package letterfile

import (
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
)

// payByDays is how many days after a letter payment is asked for.
const payByDays = 7

// Letter is what a document says.
type Letter struct {
	Number, Customer string
	Date             calendar.Date
	Level            int
	Total            money.Money
	Text             dunning.Letter
	Lines            []dunning.Line
	Made             time.Time
	English          bool
}

type words struct {
	number, date, item, due, days, open, fee, interest, total string
	pageOf                                                    func(page, total int) string
}

var chinese = words{ // constant
	number: "编号：", date: "日期：", item: "单据", due: "到期日", days: "逾期天数", open: "未付金额", fee: "催款费用", interest: "逾期利息", total: "合计",
	pageOf: func(page, total int) string {
		return "第 " + strconv.Itoa(page) + " 页，共 " + strconv.Itoa(total) + " 页"
	},
}

var english = words{ // constant
	number: "No. ", date: "Date: ", item: "Document", due: "Due", days: "Days overdue", open: "Open", fee: "Fee", interest: "Late interest", total: "Total",
	pageOf: func(page, total int) string { return "page " + strconv.Itoa(page) + " of " + strconv.Itoa(total) },
}

// PDF makes the document.
func PDF(l Letter, font paper.Font) (reportfile.File, error) {
	w := chinese
	if l.English {
		w = english
	}
	title, body := l.Words()
	d := paper.New(paper.Options{Font: font, Title: title, Made: l.Made, Left: l.Number, PageOf: w.pageOf})
	d.Title(title)
	d.Text(w.number + l.Number + "    " + w.date + l.Date.String())
	for p := range strings.SplitSeq(body, "\n\n") {
		d.Text(strings.TrimSpace(p))
	}
	d.Table(l.table(w))
	data, err := d.Bytes()
	return reportfile.File{Name: l.Number + ".pdf", ContentType: paper.ContentType, Data: data}, err
}

func (l Letter) table(w words) paper.Table {
	t := paper.Table{Columns: []paper.Column{
		{Title: w.item, Weight: 3, Align: paper.Left}, {Title: w.due, Weight: 1.5, Align: paper.Left}, {Title: w.days, Weight: 1.2, Align: paper.Right},
		{Title: w.open + " " + l.Total.Currency, Weight: 2, Align: paper.Right},
		{Title: w.fee, Weight: 1.3, Align: paper.Right}, {Title: w.interest, Weight: 1.3, Align: paper.Right},
	}}
	fees, interest := money.Zero(l.Total.Currency), money.Zero(l.Total.Currency)
	for _, i := range l.Lines {
		fees, interest = fees.Add(i.Fee), interest.Add(i.Interest)
		t.Rows = append(t.Rows, []string{i.ItemID, i.DueDate.String(), strconv.Itoa(max(0, i.Days)), i.Open.String(), i.Fee.String(), i.Interest.String()})
	}
	t.Rows = append(t.Rows, []string{w.total, "", "", l.Total.String(), fees.String(), interest.String()})
	return t
}

// Words are the heading and the text of the letter in its language.
func (l Letter) Words() (title, body string) {
	if l.English {
		return l.fill(l.Text.TitleEN), l.fill(l.Text.BodyEN)
	}
	return l.fill(l.Text.TitleZH), l.fill(l.Text.BodyZH)
}

// fill puts what is so into the places of a text.
func (l Letter) fill(text string) string {
	days := 0
	for _, i := range l.Lines {
		days = max(days, i.Days)
	}
	return strings.NewReplacer(
		"{customer}", l.Customer, "{date}", l.Date.String(), "{total}", l.Total.String(), "{currency}", l.Total.Currency,
		"{items}", strconv.Itoa(len(l.Lines)), "{days}", strconv.Itoa(days), "{level}", strconv.Itoa(l.Level),
		"{pay_by}", l.Date.AddDays(payByDays).String(),
	).Replace(text)
}
