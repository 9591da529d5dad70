package voucher

import (
	"slices"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Context is what the lines of a voucher depend on beside it.
type Context struct {
	// PassedOn is whether the bill that an act is about was passed on before, with recourse: its
	// risk is a liability of ours.
	PassedOn bool
	// Interest is how much of a waiver takes back interest; the rest takes back fees.
	Interest money.Money
}

// Lines are what a voucher does to the books, where that is not the receivable account against the
// one account of its kind; nil where it is.
func (v Voucher) Lines(c Context) []ledger.Line {
	full, back := v.Amount, v.Amount.Neg()
	switch v.Kind {
	case ledger.KindDishonouredBill:
		if c.PassedOn { // whoever holds it is paid by us
			return lines(
				ledger.Line{Account: ledger.AccountReceivable, Amount: full}, ledger.Line{Account: ledger.AccountNotesReceivable, Amount: back},
				ledger.Line{Account: ledger.AccountBillObligation, Amount: full}, ledger.Line{Account: ledger.AccountCash, Amount: back})
		}
		return nil
	case ledger.KindChargeWaiver:
		return lines(
			ledger.Line{Account: ledger.AccountReceivable, Amount: back}, ledger.Line{Account: ledger.AccountFinanceIncome, Amount: c.Interest},
			ledger.Line{Account: ledger.AccountFeeIncome, Amount: full.Sub(c.Interest)})
	case ledger.KindBillEndorsed:
		return pair(ledger.AccountPayable, v.givenUp(), full)
	case ledger.KindBillDiscounted:
		return lines(
			ledger.Line{Account: ledger.AccountCash, Amount: full.Sub(v.Cost)}, ledger.Line{Account: ledger.AccountFinanceCost, Amount: v.Cost},
			ledger.Line{Account: v.givenUp(), Amount: back})
	case ledger.KindBillHonoured:
		if c.PassedOn {
			return pair(ledger.AccountBillObligation, ledger.AccountNotesReceivable, full)
		}
		return pair(ledger.AccountCash, ledger.AccountNotesReceivable, full)
	case ledger.KindDeposit:
		return pair(ledger.AccountCash, ledger.AccountDeposits, full)
	case ledger.KindDepositReturn:
		return pair(ledger.AccountDeposits, ledger.AccountCash, full)
	case ledger.KindRecovery:
		return pair(ledger.AccountCash, ledger.AccountAllowance, full)
	default:
		return nil
	}
}

// givenUp is the account that a bill leaves: with recourse it stays ours, against a liability.
func (v Voucher) givenUp() ledger.Account {
	if v.Recourse {
		return ledger.AccountBillObligation
	}
	return ledger.AccountNotesReceivable
}

// pair debits one account and credits another.
func pair(debit, credit ledger.Account, amount money.Money) []ledger.Line {
	return []ledger.Line{{Account: debit, Amount: amount}, {Account: credit, Amount: amount.Neg()}}
}

// lines leaves out what is zero.
func lines(all ...ledger.Line) []ledger.Line {
	return slices.DeleteFunc(all, func(l ledger.Line) bool { return l.Amount.IsZero() })
}
