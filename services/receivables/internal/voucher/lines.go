package voucher

import (
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
	full := v.Amount
	switch v.Kind {
	case ledger.KindDishonouredBill:
		if c.PassedOn { // whoever holds it is paid by us
			return lines(ledger.AccountReceivable, full, ledger.AccountNotesReceivable, full.Neg(),
				ledger.AccountBillObligation, full, ledger.AccountCash, full.Neg())
		}
		return nil
	case ledger.KindChargeWaiver:
		return lines(ledger.AccountReceivable, full.Neg(), ledger.AccountFinanceIncome, c.Interest,
			ledger.AccountFeeIncome, full.Sub(c.Interest))
	case ledger.KindBillEndorsed:
		return lines(ledger.AccountPayable, full, v.givenUp(), full.Neg())
	case ledger.KindBillDiscounted:
		return lines(ledger.AccountCash, full.Sub(v.Cost), ledger.AccountFinanceCost, v.Cost, v.givenUp(), full.Neg())
	case ledger.KindBillHonoured:
		if c.PassedOn {
			return lines(ledger.AccountBillObligation, full, ledger.AccountNotesReceivable, full.Neg())
		}
		return lines(ledger.AccountCash, full, ledger.AccountNotesReceivable, full.Neg())
	case ledger.KindDeposit:
		return lines(ledger.AccountCash, full, ledger.AccountDeposits, full.Neg())
	case ledger.KindDepositReturn:
		return lines(ledger.AccountDeposits, full, ledger.AccountCash, full.Neg())
	case ledger.KindRecovery:
		return lines(ledger.AccountCash, full, ledger.AccountAllowance, full.Neg())
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

// lines pairs accounts and amounts, leaving out what is zero.
func lines(pairs ...any) []ledger.Line {
	var out []ledger.Line
	for i := 0; i < len(pairs); i += 2 {
		account, _ := pairs[i].(ledger.Account)
		amount, _ := pairs[i+1].(money.Money)
		if !amount.IsZero() {
			out = append(out, ledger.Line{Account: account, Amount: amount})
		}
	}
	return out
}
