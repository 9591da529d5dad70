package voucher

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// BillState is where a bill is.
type BillState string

// The states. With recourse, a bill passed on is still at our risk; without, it is gone.
const (
	BillHeld        BillState = "HELD"
	BillPassedOn    BillState = "PASSED_ON"
	BillGone        BillState = "GONE"
	BillHonoured    BillState = "HONOURED"
	BillDishonoured BillState = "DISHONOURED"
	BillReversed    BillState = "REVERSED"
)

// Bill is an acceptance bill that a customer paid with, and where it is.
type Bill struct {
	ID           string
	CustomerID   string
	ReceiptDate  calendar.Date
	Amount       money.Money
	Instrument   string // BANK_ACCEPTANCE or COMMERCIAL_ACCEPTANCE
	Number       string
	Drawer       string
	Acceptor     string
	IssueDate    calendar.Date
	MaturityDate calendar.Date
	// LastAct is the last thing done with it that stands; empty: none.
	LastAct     ledger.Kind
	LastActID   string
	LastActDate calendar.Date
	// PassedBy is how it was passed on, to whom, and whether it may come back; empty: it was not.
	PassedBy ledger.Kind
	PassedTo string
	Recourse bool
	Reversed bool
}

// State tells where it is.
func (b Bill) State() BillState {
	switch {
	case b.Reversed:
		return BillReversed
	case b.LastAct == ledger.KindBillHonoured:
		return BillHonoured
	case b.LastAct == ledger.KindDishonouredBill:
		return BillDishonoured
	case b.PassedBy == "":
		return BillHeld
	case b.Recourse:
		return BillPassedOn
	default:
		return BillGone
	}
}

// AtRisk is what the customer still owes by it.
func (b Bill) AtRisk() money.Money {
	if s := b.State(); s == BillHeld || s == BillPassedOn {
		return b.Amount
	}
	return money.Zero(b.Amount.Currency)
}

// Take checks that an act is possible on a date. Errors: FailedPrecondition BILL_STATE and
// BILL_NOT_MATURE, Invalid for a date before the one it came or the act before.
func (b Bill) Take(act ledger.Kind, on calendar.Date) error {
	state := b.State()
	possible := state == BillHeld
	if act == ledger.KindBillHonoured || act == ledger.KindDishonouredBill {
		possible = possible || state == BillPassedOn
	}
	if !possible {
		return errs.New(errs.FailedPrecondition, "BILL_STATE", "bill %s is %s: it cannot become %s", b.ID, state, act).
			With("bill_id", b.ID).With("state", string(state))
	}
	if first := latest(b.ReceiptDate, b.LastActDate); on.Before(first) {
		return errs.Field("act_date", "not_before", "%s is before %s, when the bill came or was last moved", on, first)
	}
	if act == ledger.KindBillHonoured && on.Before(b.MaturityDate) {
		return errs.New(errs.FailedPrecondition, "BILL_NOT_MATURE", "bill %s is due on %s: it is not honoured before", b.ID, b.MaturityDate).
			With("bill_id", b.ID).With("maturity_date", b.MaturityDate.String())
	}
	if act != ledger.KindBillHonoured && act != ledger.KindDishonouredBill && !on.Before(b.MaturityDate) {
		return errs.New(errs.FailedPrecondition, "BILL_MATURE", "bill %s was due on %s: it is presented for payment, not passed on", b.ID, b.MaturityDate).
			With("bill_id", b.ID).With("maturity_date", b.MaturityDate.String())
	}
	return nil
}

func latest(a, b calendar.Date) calendar.Date {
	if b.After(a) {
		return b
	}
	return a
}
