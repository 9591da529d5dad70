// Package letter makes the documents that go to customers (PDF, A4, "page n of m"), in Chinese and English, and the letters that
// carry them.
package letter

import (
	"fmt"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Statement is the document of a statement: the same bytes for the same statement and letterhead.
func Statement(st statement.Statement, head terms.Letterhead, font paper.Font) ([]byte, error) {
	w := wordsOf(st.Language)
	d := paper.New(paper.Options{
		Font: font, Title: w.title(st) + " " + st.ID, Made: st.CreateTime, Left: company(head, st.Language) + "  " + st.ID, PageOf: w.pageOf,
	})
	d.Title(w.title(st))
	d.Text(sender(head, st.Language, w))
	d.Text(fmt.Sprintf("%s%s (%s)\n%s%s    %s%s", w.to, st.CustomerName, st.CustomerID, w.number, st.ID, w.date, day(st.DraftDate, w)))
	if st.Kind == statement.Confirmation {
		d.Text(fmt.Sprintf(w.ask, day(st.AsOf, w), shown(st.Balance)))
	} else {
		d.Text(fmt.Sprintf(w.say, day(st.From, w), day(st.AsOf, w), shown(st.Balance)))
	}
	d.Table(sums(st, w))
	if st.Kind == statement.Account {
		d.Heading(w.movements)
		d.Table(movements(st, w))
	}
	d.Heading(w.open)
	d.Table(items(st, w))
	if len(head.PaymentDetails) > 0 {
		d.Heading(w.payTo)
		d.Text(strings.Join(head.PaymentDetails, "\n"))
	}
	if st.Kind == statement.Confirmation {
		d.Heading(w.reply)
		d.Text(fmt.Sprintf(w.replyText, day(st.AsOf, w), shown(st.Balance)))
	} else {
		d.Text(w.objections)
	}
	return d.Bytes()
}

// Message is the letter that carries a statement to the customer.
func Message(st statement.Statement, head terms.Letterhead, document []byte) mail.Message {
	w := wordsOf(st.Language)
	text := fmt.Sprintf(w.letterSay, day(st.AsOf, w), shown(st.Balance))
	if st.Kind == statement.Confirmation {
		text = fmt.Sprintf(w.letterAsk, day(st.AsOf, w), shown(st.Balance))
	}
	return Cover{
		Key: st.LetterKey, To: st.Recipients, Language: st.Language, Subject: fmt.Sprintf("%s %s %s", w.title(st), st.AsOf, st.ID),
		Text: fmt.Sprintf(w.dear, st.CustomerName) + "\n\n" + text, Name: Name(st), Document: document,
	}.Message(head)
}

// Cover is a letter that carries a document to a customer. Its text begins with the salutation; who writes is added to it.
type Cover struct {
	Key           string
	To            []string
	Language      statement.Language
	Subject, Text string
	Name          string // of the document's file
	Document      []byte
}

// Message is the mail of it.
func (c Cover) Message(head terms.Letterhead) mail.Message {
	w := wordsOf(c.Language)
	return mail.Message{
		Key: c.Key, To: c.To, ReplyTo: head.Email, Subject: c.Subject,
		Text:        c.Text + "\n\n" + w.regards + "\n" + strings.TrimSpace(sender(head, c.Language, w)) + "\n",
		Attachments: []mail.Attachment{{Name: c.Name, ContentType: paper.ContentType, Content: c.Document}},
	}
}

// Name is the file name of a statement's document.
func Name(st statement.Statement) string {
	return strings.ToLower(string(st.Kind)) + "-" + st.ID + "-" + st.AsOf.String() + ".pdf"
}

func company(head terms.Letterhead, language statement.Language) string {
	if language == statement.English && head.CompanyEN != "" {
		return head.CompanyEN
	}
	return head.Company
}

func sender(head terms.Letterhead, language statement.Language, w words) string {
	lines := []string{company(head, language), head.Address}
	if head.Phone != "" {
		lines = append(lines, w.phone+head.Phone)
	}
	if head.Email != "" {
		lines = append(lines, w.email+head.Email)
	}
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func sums(st statement.Statement, w words) paper.Table {
	open := money.Zero(st.Balance.Currency)
	overdue := open
	for _, i := range st.Items {
		open = open.Add(i.Open)
		if i.DueDate.Before(st.AsOf) {
			overdue = overdue.Add(i.Open)
		}
	}
	t := paper.Table{Columns: []paper.Column{{Title: "", Weight: 3}, {Title: st.Balance.Currency, Weight: 2, Align: paper.Right}}, Share: 0.6}
	if st.Kind == statement.Account {
		t.Rows = append(t.Rows, []string{w.opening, grouped(st.Opening)})
	}
	t.Rows = append(t.Rows, []string{w.openItems, grouped(open)}, []string{w.overdue, grouped(overdue)},
		[]string{w.unapplied, grouped(st.Unapplied)}, []string{w.balance, grouped(st.Balance)})
	return t
}

func movements(st statement.Statement, w words) paper.Table {
	t := paper.Table{Empty: w.none, Columns: []paper.Column{
		{Title: w.dateHead, Weight: 2}, {Title: w.documentHead, Weight: 3}, {Title: w.kindHead, Weight: 3},
		{Title: w.amountHead, Weight: 3, Align: paper.Right}, {Title: w.balanceHead, Weight: 3, Align: paper.Right},
	}}
	for _, e := range st.Entries {
		t.Rows = append(t.Rows, []string{e.Date.String(), e.DocumentID, w.kind(e.Kind), grouped(e.Amount), grouped(e.Balance)})
	}
	return t
}

func items(st statement.Statement, w words) paper.Table {
	t := paper.Table{Empty: w.none, Columns: []paper.Column{
		{Title: w.documentHead, Weight: 3}, {Title: w.dateHead, Weight: 2}, {Title: w.dueHead, Weight: 2}, {Title: w.daysHead, Weight: 1.5, Align: paper.Right},
		{Title: w.amountHead, Weight: 3, Align: paper.Right}, {Title: w.openHead, Weight: 3, Align: paper.Right},
	}}
	for _, i := range st.Items {
		days := ""
		if n := st.AsOf.DaysSince(i.DueDate); n > 0 {
			days = fmt.Sprint(n)
		}
		t.Rows = append(t.Rows, []string{i.ID, i.DocumentDate.String(), i.DueDate.String(), days, grouped(i.Amount), grouped(i.Open)})
	}
	return t
}

func shown(m money.Money) string { return m.Currency + " " + grouped(m) }

// grouped is an amount with its thousands apart.
func grouped(m money.Money) string {
	s := m.String()
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, point := strings.Cut(s, ".")
	const group = 3
	for at := len(whole) - group; at > 0; at -= group {
		whole = whole[:at] + "," + whole[at:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}

func day(d calendar.Date, w words) string {
	if d.IsZero() {
		return ""
	}
	return w.day(d)
}
