// Package statement holds statements of account and letters that ask customers to confirm their balance: what they say, and where
// they stand from the draft to the answer. The package is pure.
package statement

import (
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Kind is what a statement is for.
type Kind string

// The kinds.
const (
	Account      Kind = "ACCOUNT"      // what moved in a period, and what is open at its end
	Confirmation Kind = "CONFIRMATION" // asks for the balance of a day to be confirmed
)

// Language of a document.
type Language string

// The languages.
const (
	Chinese Language = "zh"
	English Language = "en"
)

// Stage is how far the company and the customer have come with a statement.
type Stage string

// The stages.
const (
	Drafted   Stage = "DRAFTED"
	Sent      Stage = "SENT"
	Confirmed Stage = "CONFIRMED"
	Differs   Stage = "DIFFERS"
	Cancelled Stage = "CANCELLED"
)

// State is where a statement stands on a day: its stage, the fate of its letter, and the days that went by.
type State string

// The states beside the stages.
const (
	StateQueued       State = "QUEUED"
	StateNotDelivered State = "NOT_DELIVERED"
	StateNoAnswer     State = "NO_ANSWER"
)

// Delivery is what became of the letter.
type Delivery string

// What may have become of it.
const (
	Waiting Delivery = "WAITING"
	Arrived Delivery = "ARRIVED" // the mail server took it, or it went by post
	Failed  Delivery = "FAILED"  // refused, or nobody knows
)

// Entry is one movement of the account.
type Entry struct {
	Date       calendar.Date `json:"date"`
	Kind       string        `json:"kind"`
	DocumentID string        `json:"document_id"`
	Amount     money.Money   `json:"amount"`
	Balance    money.Money   `json:"balance"`
}

// Item is one open item.
type Item struct {
	ID           string        `json:"item_id"`
	DocumentDate calendar.Date `json:"document_date"`
	DueDate      calendar.Date `json:"due_date"`
	Amount       money.Money   `json:"amount"`
	Open         money.Money   `json:"open"`
}

// Content is what a statement says. It never changes.
type Content struct {
	CustomerName string        `json:"customer_name"`
	From         calendar.Date `json:"from"`
	AsOf         calendar.Date `json:"as_of"`
	Opening      money.Money   `json:"opening"`
	Balance      money.Money   `json:"balance"`
	Unapplied    money.Money   `json:"unapplied"`
	Entries      []Entry       `json:"entries"`
	Items        []Item        `json:"items"`
}

// Statement is a statement and where it stands.
type Statement struct {
	ID         string   `json:"statement_id"`
	CustomerID string   `json:"customer_id"`
	Kind       Kind     `json:"kind"`
	Language   Language `json:"language"`
	Content
	DraftedBy  string        `json:"drafted_by"`
	DraftDate  calendar.Date `json:"draft_date"`
	CreateTime time.Time     `json:"create_time"`

	Stage Stage `json:"stage"`
	// Recipients and LetterKey, where it went by mail.
	Recipients []string      `json:"recipients,omitempty"`
	LetterKey  string        `json:"letter_key,omitempty"`
	ByPost     bool          `json:"by_post,omitempty"`
	SentBy     string        `json:"sent_by,omitempty"`
	SentDate   calendar.Date `json:"sent_date"`
	Answer
	// Delivery of its letter, where it was asked for.
	Delivery Delivery `json:"delivery,omitempty"`
}

// Answer is what the customer said.
type Answer struct {
	AnswerDate calendar.Date `json:"answer_date"`
	AnsweredBy string        `json:"answered_by,omitempty"`
	// Figure of the customer, where it differs.
	Figure     *money.Money `json:"customer_figure,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	RecordedBy string       `json:"recorded_by,omitempty"`
}

// State is where it stands on a day, where answers are waited for so many days.
func (s Statement) State(today calendar.Date, wait int) State {
	if s.Stage != Sent {
		return State(s.Stage)
	}
	switch {
	case s.Delivery == Waiting:
		return StateQueued
	case s.Delivery == Failed:
		return StateNotDelivered
	case s.Kind == Confirmation && today.DaysSince(s.SentDate) > wait:
		return StateNoAnswer
	default:
		return State(Sent)
	}
}

// Difference is the customer's figure less ours; nil where it has none.
func (s Statement) Difference() *money.Money {
	if s.Figure == nil {
		return nil
	}
	d := s.Figure.Sub(s.Balance)
	return &d
}

func (s Statement) refuse(why string) *errs.Error {
	return errs.New(errs.FailedPrecondition, "STATEMENT_STATE", "statement %s %s", s.ID, why).With("statement_id", s.ID).With("state", string(s.Stage))
}

// Send notes that a draft goes out, to addresses or on paper. Where its letter by mail did not arrive it may still go on paper. Errors: FailedPrecondition STATEMENT_STATE and CORRESPONDENCE_MISSING.
func (s Statement) Send(by string, on calendar.Date, recipients []string, byPost bool) (Statement, error) {
	if s.Stage != Drafted && (s.Stage != Sent || s.Delivery != Failed || !byPost) {
		return s, s.refuse("is no draft, and no letter that did not arrive and goes on paper now")
	}
	if len(recipients) == 0 && !byPost {
		return s, errs.New(errs.FailedPrecondition, "CORRESPONDENCE_MISSING", "nobody said where letters to customer %s go", s.CustomerID).
			With("customer_id", s.CustomerID).With("statement_id", s.ID)
	}
	s.Stage, s.SentBy, s.SentDate, s.ByPost, s.Delivery, s.Recipients, s.LetterKey = Sent, by, on, byPost, Arrived, nil, ""
	if !byPost {
		s.Recipients, s.LetterKey, s.Delivery = recipients, "statement/"+s.ID, Waiting
	}
	return s, nil
}

// Record records what the customer answered. Nobody answers what did not reach it: the letter was handed to the mail server, or it went on
// paper. Agreement is final; a difference may be followed by agreement, or by another figure.
// Errors: FailedPrecondition STATEMENT_STATE, Invalid for an answer that does not fit.
func (s Statement) Record(agrees bool, a Answer, today calendar.Date) (Statement, error) {
	if s.Stage != Sent && s.Stage != Differs {
		return s, s.refuse("waits for no answer")
	}
	if s.Stage == Sent && s.Delivery != Arrived {
		return s, s.refuse("did not reach the customer: its letter waits or failed, and it did not go on paper").WithWitness()
	}
	if a.AnswerDate.IsZero() {
		a.AnswerDate = today
	}
	switch {
	case a.AnswerDate.After(today) || a.AnswerDate.Before(s.SentDate):
		return s, errs.Field("answer_date", "date_range", "%s is not between the sending on %s and today", a.AnswerDate, s.SentDate)
	case agrees && a.Figure != nil:
		return s, errs.Field("customer_figure", "either", "a customer that agrees has no other figure")
	case !agrees && a.Figure == nil:
		return s, errs.Field("customer_figure", "required", "say the customer's own figure")
	case !agrees && a.Figure.Currency != s.Balance.Currency:
		return s, errs.Field("customer_figure.currency_code", "currency", "the account is in %s", s.Balance.Currency)
	case !agrees && *a.Figure == s.Balance:
		return s, errs.Field("customer_figure", "differs", "the customer's figure is ours: it agrees")
	case !agrees && strings.TrimSpace(a.Reason) == "":
		return s, errs.Field("reason", "required", "say why the customer's figure differs")
	}
	s.Answer, s.Stage = a, Differs
	if agrees {
		s.Stage = Confirmed
	}
	return s, nil
}

// Cancel takes it back. What the customer agreed to stays. Errors: FailedPrecondition STATEMENT_STATE.
func (s Statement) Cancel(reason string) (Statement, error) {
	if s.Stage == Confirmed || s.Stage == Cancelled {
		return s, s.refuse("cannot be taken back")
	}
	s.Stage, s.Reason = Cancelled, reason
	return s, nil
}

// Correspondence is where letters to a customer go.
type Correspondence struct {
	CustomerID string
	Emails     []string
	Language   Language
	ChangedBy  string
	ChangeTime time.Time
}

// Query asks for statements, newest first; empty fields do not restrict.
type Query struct {
	CustomerID string
	Kind       Kind
	AsOf       calendar.Date
	State      State
	// Salesperson restricts it to the customers of one.
	Salesperson string
	// Today and Wait decide on states.
	Today     calendar.Date
	Wait      int
	AfterTime time.Time
	AfterID   string
	Limit     int
}
