package app

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// charge posts the fee and the interest of a line, each as a document of its own that names the item and the level: what
// is owed for paying late stays apart from what is owed for goods.
func (s *Service) charge(ctx context.Context, c *change, l DunningLine) (feeID, interestID string, err error) {
	at, draft := chargeID(l.ItemID, l.Level), voucher.Draft{CustomerID: l.CustomerID, DueDate: c.act.Today, About: l.ItemID}
	if l.Fee.IsPositive() {
		fee := draft
		fee.ID, fee.Kind, fee.Amount, fee.Reason = at+"-FEE", ledger.KindFee, l.Fee, "dunning level "+strconv.Itoa(l.Level)
		if _, err := s.post(ctx, c, fee, receipt.Order{}); err != nil {
			return "", "", err
		}
		feeID = fee.ID
	}
	if l.Interest.IsPositive() {
		late := draft
		late.ID, late.Kind, late.Amount, late.Reason = at+"-INT", ledger.KindLateInterest, l.Interest, "late up to "+l.InterestUntil.String()
		if _, err := s.post(ctx, c, late, receipt.Order{}); err != nil {
			return "", "", err
		}
		interestID = late.ID
	}
	return feeID, interestID, nil
}

// chargeID begins the numbers of what an item is charged at a level; numbers of documents have an end.
func chargeID(itemID string, level int) string {
	at := "-L" + strconv.Itoa(level)
	if len([]rune(itemID)) > maxItemID {
		itemID = "DUN-" + digestOf(itemID)[:24]
	}
	return itemID + at
}

// maxItemID is the longest number of an item that a charge's number may begin with.
const maxItemID = 56
