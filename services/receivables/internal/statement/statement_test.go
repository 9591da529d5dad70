package statement_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

func day(s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	return calendar.MustDate(s)
}

func draft() statement.Statement {
	return statement.Statement{
		ID: "ST-1", CustomerID: "C-1", Kind: statement.Confirmation, Stage: statement.Drafted,
		Content: statement.Content{AsOf: day("2026-03-31"), Balance: money.New(10_000, "CNY")},
	}
}

func sent(t *testing.T) statement.Statement {
	t.Helper()
	st, err := draft().Send("anna", day("2026-04-02"), []string{"a@b.example"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestStates(t *testing.T) {
	t.Parallel()
	post, err := draft().Send("anna", day("2026-04-02"), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	account := post
	account.Kind = statement.Account
	with := func(d statement.Delivery) statement.Statement {
		st := sent(t)
		st.Delivery = d
		return st
	}
	for name, c := range map[string]struct {
		st    statement.Statement
		today string
		want  statement.State
	}{
		"drafted":                             {draft(), "2026-04-02", "DRAFTED"},
		"its letter waits":                    {sent(t), "2026-06-02", statement.StateQueued},
		"the letter failed":                   {with(statement.Failed), "2026-04-02", statement.StateNotDelivered},
		"taken":                               {with(statement.Arrived), "2026-04-02", "SENT"},
		"on the last day":                     {with(statement.Arrived), "2026-05-02", "SENT"},
		"a day later":                         {with(statement.Arrived), "2026-05-03", statement.StateNoAnswer},
		"by post":                             {post, "2026-05-03", statement.StateNoAnswer},
		"a statement of account asks nothing": {account, "2027-05-03", "SENT"},
	} {
		if got := c.st.State(day(c.today), 30); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func arrived(t *testing.T) statement.Statement {
	st := sent(t)
	st.Delivery = statement.Arrived
	return st
}

func failed(t *testing.T) statement.Statement {
	st := sent(t)
	st.Delivery = statement.Failed
	return st
}

// onPaper is a statement whose letter failed, and which was handed over then.
func onPaper(t *testing.T) statement.Statement {
	t.Helper()
	st, err := failed(t).Send("li", day("2026-04-05"), nil, true)
	if err != nil || !st.ByPost || st.LetterKey != "" || st.SentDate != day("2026-04-05") || st.Delivery != statement.Arrived {
		t.Fatalf("%+v, %v", st, err)
	}
	return st
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	figure := func(minor int64, currency string) *money.Money {
		m := money.New(minor, currency)
		return &m
	}
	differs := statement.Answer{Figure: figure(9_000, "CNY"), Reason: "goods returned", AnsweredBy: "Li"}
	for name, c := range map[string]struct {
		st     statement.Statement
		agrees bool
		answer statement.Answer
		field  string // or the reason
		want   statement.Stage
	}{
		"agrees":                 {st: arrived(t), agrees: true, want: statement.Confirmed},
		"agrees later":           {st: arrived(t), agrees: true, answer: statement.Answer{AnswerDate: day("2026-04-05")}, want: statement.Confirmed},
		"differs":                {st: arrived(t), answer: differs, want: statement.Differs},
		"a draft":                {st: draft(), agrees: true, field: "STATEMENT_STATE"},
		"its letter waits":       {st: sent(t), agrees: true, field: "STATEMENT_STATE"},
		"its letter failed":      {st: failed(t), agrees: true, field: "STATEMENT_STATE"},
		"differs, in the queue":  {st: sent(t), answer: differs, field: "STATEMENT_STATE"},
		"went on paper then":     {st: onPaper(t), agrees: true, want: statement.Confirmed},
		"agrees with a figure":   {st: arrived(t), agrees: true, answer: differs, field: "customer_figure"},
		"differs without figure": {st: arrived(t), field: "customer_figure"},
		"differs by nothing":     {st: arrived(t), answer: statement.Answer{Figure: figure(10_000, "CNY"), Reason: "r"}, field: "customer_figure"},
		"without a reason":       {st: arrived(t), answer: statement.Answer{Figure: figure(1, "CNY")}, field: "reason"},
		"another currency":       {st: arrived(t), answer: statement.Answer{Figure: figure(1, "USD"), Reason: "r"}, field: "customer_figure.currency_code"},
		"before it was sent":     {st: arrived(t), agrees: true, answer: statement.Answer{AnswerDate: day("2026-04-01")}, field: "answer_date"},
		"tomorrow":               {st: arrived(t), agrees: true, answer: statement.Answer{AnswerDate: day("2026-04-11")}, field: "answer_date"},
	} {
		got, err := c.st.Record(c.agrees, c.answer, day("2026-04-10"))
		if c.field != "" {
			e, ok := errs.As(err)
			if !ok || e.Reason != c.field && (len(e.Violations) == 0 || e.Violations[0].Field != c.field) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.Stage != c.want || got.AnswerDate.IsZero() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// What differs may be cleared up; what is agreed is final and cannot be taken back.
	st, err := arrived(t).Record(false, differs, day("2026-04-10"))
	if err != nil || st.Difference().String() != "-10.00" {
		t.Fatalf("%+v, %v", st, err)
	}
	if st, err = st.Record(true, statement.Answer{AnsweredBy: "Li"}, day("2026-04-12")); err != nil || st.Stage != statement.Confirmed || st.Figure != nil {
		t.Fatalf("%+v, %v", st, err)
	}
	if _, err := st.Record(false, differs, day("2026-04-12")); errs.ReasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("answered again: %v", err)
	}
	if _, err := st.Cancel("wrong"); errs.ReasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("taken back: %v", err)
	}
	if _, err := draft().Send("anna", day("2026-04-02"), nil, false); errs.ReasonOf(err) != "CORRESPONDENCE_MISSING" {
		t.Errorf("sent to nobody: %v", err)
	}
	if _, err := sent(t).Send("anna", day("2026-04-03"), []string{"a@b.example"}, false); errs.ReasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("sent twice: %v", err)
	}
	for name, st := range map[string]statement.Statement{"waits": sent(t), "arrived": arrived(t)} {
		if _, err := st.Send("anna", day("2026-04-03"), nil, true); errs.ReasonOf(err) != "STATEMENT_STATE" {
			t.Errorf("on paper while its letter %s: %v", name, err)
		}
	}
	if _, err := failed(t).Send("anna", day("2026-04-03"), []string{"a@b.example"}, false); errs.ReasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("by mail under the same key: %v", err)
	}
}
