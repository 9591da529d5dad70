// Package memo is the credit memo: without one that is approved, no customer's account is
// adjusted, whatever the reason (S2.19). The package is pure.
package memo

import (
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// State is where a memo stands.
type State string

// The states; only a proposed memo moves on.
const (
	Proposed  State = "PROPOSED"
	Returned  State = "RETURNED"
	Rejected  State = "REJECTED"
	Withdrawn State = "WITHDRAWN"
	Posted    State = "POSTED"
)

// Memo is what somebody proposes to change of a customer's account.
type Memo struct {
	ID         string      `json:"id"`
	CustomerID string      `json:"customer_id"`
	Kind       ledger.Kind `json:"kind"`
	ReasonCode string      `json:"reason_code"`
	Text       string      `json:"text"`
	// Amount of the adjustment; of a reversal that of the document taken back.
	Amount money.Money `json:"amount"`
	// Named are the debit documents that it settles, in order.
	Named []receipt.Named `json:"named,omitempty"`
	// OldestDueFirst applies a credit note that names nothing to the oldest due; else it stands alone.
	OldestDueFirst bool `json:"oldest_due_first,omitempty"`
	// About is the document that a reversal takes back, or whose money is paid back.
	About string `json:"about,omitempty"`
	// Invoice says that what a reversal takes back is an invoice.
	Invoice bool `json:"invoice,omitempty"`
	// Instrument by which money is paid back.
	Instrument string `json:"instrument,omitempty"`
	// Shares are how much of the amount is for which of the documents named.
	Shares []Share `json:"shares,omitempty"`
	// Counterparty is the document of payables that a contra sets off.
	Counterparty string `json:"counterparty,omitempty"`
	// Evidence says where the papers are.
	Evidence string `json:"evidence,omitempty"`
	// DocumentID is the number of the document that it posts.
	DocumentID string `json:"document_id"`
	// DocumentDate from which that counts; none: the day of posting.
	DocumentDate calendar.Date `json:"document_date"`
	ProposedBy   string        `json:"proposed_by"`
	ProposeDate  calendar.Date `json:"propose_date"`
	CreateTime   time.Time     `json:"create_time"`
	// PolicyVersion whose authority table gave the steps.
	PolicyVersion int64         `json:"policy_version"`
	Form          approval.Form `json:"form"`
	State         State         `json:"state"`
	// ClosedBy and CloseReason of a withdrawal.
	ClosedBy    string        `json:"closed_by,omitempty"`
	CloseReason string        `json:"close_reason,omitempty"`
	CloseDate   calendar.Date `json:"close_date"`
}

// Draft is a memo as it is proposed.
type Draft struct {
	CustomerID     string
	Kind           ledger.Kind
	ReasonCode     string
	Text           string
	Amount         money.Money
	Named          []receipt.Named
	OldestDueFirst bool
	About          string
	Invoice        bool // what a reversal takes back is an invoice; found when it is tried
	Instrument     string
	Shares         []Share // found when it is tried
	Counterparty   string
	Evidence       string
	DocumentID     string // empty: the memo's own number
	DocumentDate   calendar.Date
}

// Rules are what the policy says of memos.
type Rules struct {
	Version      int64
	BaseCurrency string
	// Reasons are the codes there are.
	Reasons []string
	// Authority is who approves up to which amount.
	Authority approval.Table
}

// Proposal is who proposes, and when.
type Proposal struct {
	ID    string
	Actor string
	Today calendar.Date
	Now   time.Time
}

// Propose makes a memo of a draft. Errors: Invalid for a reason code that the policy does not have, or
// for what its kind does not know; AUTHORITY_EXCEEDED where nobody may approve as much.
func Propose(d Draft, p Proposal, r Rules) (Memo, error) {
	if !slices.Contains(r.Reasons, d.ReasonCode) {
		return Memo{}, errs.Field("credit_memo.reason_code", "known", "%q is no reason of the policy: %s", d.ReasonCode, strings.Join(r.Reasons, ", "))
	}
	if err := d.Check(); err != nil {
		return Memo{}, err
	}
	row, steps, err := r.route(d.Amount)
	if err != nil {
		return Memo{}, err
	}
	m := Memo{
		ID: p.ID, CustomerID: d.CustomerID, Kind: d.Kind, ReasonCode: d.ReasonCode, Text: d.Text, Amount: d.Amount, Named: d.Named,
		OldestDueFirst: d.OldestDueFirst, About: d.About, Invoice: d.Invoice, Instrument: d.Instrument, Shares: d.Shares, Counterparty: d.Counterparty, Evidence: d.Evidence,
		DocumentID: d.DocumentID, DocumentDate: d.DocumentDate, ProposedBy: p.Actor, ProposeDate: p.Today, CreateTime: p.Now,
		PolicyVersion: r.Version, Form: approval.New(p.Actor, row, steps), State: Proposed,
	}
	if m.DocumentID == "" {
		m.DocumentID = p.ID
	}
	return m, nil
}

// route finds who approves: the level that covers the amount; of another currency than the policy's, the highest.
func (r Rules) route(amount money.Money) (int, []approval.Step, error) {
	if amount.Currency != r.BaseCurrency {
		return r.Authority.Highest()
	}
	return r.Authority.Route(amount.Minor, 0)
}

// PaysBack says whether a memo of a kind pays money back to the customer.
func PaysBack(k ledger.Kind) bool { return k == ledger.KindRefund || k == ledger.KindDepositReturn }

// AboutField is the path of the document that a memo of a kind is about.
func AboutField(k ledger.Kind) string {
	if PaysBack(k) {
		return "credit_memo.paid_back_document_id"
	}
	return "credit_memo.reversed_document_id"
}

// Check holds a draft to what its kind needs. Errors: Invalid, naming the field.
func (d Draft) Check() error {
	about := d.Kind == ledger.KindReversal || PaysBack(d.Kind)
	switch {
	case about && d.About == "":
		return errs.Field(AboutField(d.Kind), "required", "name the document that is taken back, or whose money is paid back")
	case !about && d.About != "":
		return errs.Field(AboutField(d.Kind), "of_reversal", "only a reversal takes a document back")
	case about && len(d.Named) > 0:
		return errs.Field("credit_memo.invoices", "not_of_reversal", "a reversal, a refund, the return of a deposit settle nothing")
	case !PaysBack(d.Kind) && d.Instrument != "":
		return errs.Field("credit_memo.instrument", "of_refund", "only a refund or the return of a deposit is paid")
	case (d.Kind == ledger.KindWriteOff || d.Kind == ledger.KindChargeWaiver) && len(d.Named) == 0:
		return errs.Field("credit_memo.invoices", "required", "name what is written off or waived")
	case (d.Kind == ledger.KindContra) != (d.Counterparty != ""):
		return errs.Field("credit_memo.payable_reference", "of_contra", "a contra names the document of payables that it sets off, and nothing else does")
	case d.OldestDueFirst && d.Kind != ledger.KindCreditNote && d.Kind != ledger.KindContra:
		return errs.Field("credit_memo.oldest_due_first", "of_credit_notes", "only a credit note or a contra may go to the oldest due")
	}
	return nil
}

// Act takes the next step of the form; the last approval makes it ready to be posted. Errors: those of
// approval.Form.Apply.
func (m Memo) Act(a approval.Act) (Memo, error) {
	if m.State != Proposed {
		return m, m.closed()
	}
	form, err := m.Form.Apply(a)
	if err != nil {
		return m, err
	}
	m.Form = form
	switch form.State {
	case approval.Approved:
		m.State = Posted
	case approval.Rejected:
		m.State = Rejected
	case approval.Returned:
		m.State = Returned
	case approval.Pending: // more steps to take
	}
	if m.State != Proposed {
		m.CloseDate = a.Date
	}
	return m, nil
}

// Withdraw takes the proposal back: by who made it, or a finance manager. Errors: PermissionDenied
// NOT_PROPOSER.
func (m Memo) Withdraw(actor string, manager bool, reason string, on calendar.Date) (Memo, error) {
	if m.State != Proposed {
		return m, m.closed()
	}
	if actor != m.ProposedBy && !manager {
		return m, errs.New(errs.PermissionDenied, "NOT_PROPOSER", "credit memo %s is withdrawn by who proposed it or by a finance manager", m.ID)
	}
	m.State, m.ClosedBy, m.CloseReason, m.CloseDate = Withdrawn, actor, reason, on
	return m, nil
}

func (m Memo) closed() error {
	return errs.New(errs.FailedPrecondition, approval.ReasonFormClosed, "credit memo %s is %s", m.ID, m.State).
		With("credit_memo_id", m.ID).With("state", string(m.State))
}

// NextRoles are the roles of which one takes the next step; none of a memo that is closed.
func (m Memo) NextRoles() []string {
	if step, open := m.Form.Next(); open && m.State == Proposed {
		return step.AnyOf
	}
	return []string{}
}

// Query asks for memos; empty fields do not restrict.
type Query struct {
	CustomerID string
	State      State
	// WaitingFor are roles: only memos whose next step one of them takes.
	WaitingFor []string
	// Salesperson restricts it to the customers of one.
	Salesperson string
	After       *invoice.Place
	Limit       int
}
