package gate

import (
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

// noticesOf are the payment notices that name an order, with what its goods have used up of them.
func noticesOf(a account.Account, o order.Order) []check.NoticeFacts {
	var found []check.NoticeFacts
	for _, n := range a.Standing.NoticesFor(o.ID) {
		found = append(found, check.NoticeFacts{Notice: n, Used: o.UsedOf(n.ID)})
	}
	return found
}

// onNotice reports whether confirmed payment notices cover goods about to leave, where they may go on them.
func onNotice(env Env, a account.Account, o order.Order, minor int64) bool {
	if !check.TakesNotice(a.Profile.Grant, o.Terms, env.Today) {
		return false
	}
	var worth int64
	for _, n := range noticesOf(a, o) {
		worth += n.Worth(env.Today)
	}
	return worth > 0 && worth >= unpaid(a, o, minor)
}

// paysFor keeps what goods that leave use up of their order's notices, so that none is worth its amount twice. What the notices do not
// cover leaves against free money, which is set aside for these goods from then on. Goods sold on credit, or released by people, use up
// neither.
func paysFor(env Env, a account.Account, before order.Order, after *order.Order, minor int64) {
	if before.Prepaid || before.Amount <= 0 || before.Terms == order.OpenAccount && a.Profile.Grant.Treatment == account.Credit {
		return
	}
	takes := check.TakesNotice(a.Profile.Grant, before.Terms, env.Today)
	left := unpaid(a, before, minor)
	for _, n := range noticesOf(a, before) {
		worth := n.Here()
		if takes {
			worth = n.Worth(env.Today)
		}
		if used := min(left, worth); used > 0 {
			after.UseNotice(n.ID, used)
			left -= used
		}
	}
	if left > 0 && moneyHere(a, before, minor) {
		after.Against = min(after.Against+left, after.Delivered)
	}
}

// outstanding is an order whose goods left on a notice that stands no longer. What they used up of it and is not invoiced yet is still to
// be paid: money that comes for no notice is set aside for it first, before it pays for other goods. It reports false where nothing is.
func outstanding(o order.Order, noticeID string) (order.Order, bool) {
	used := min(o.UsedOf(noticeID), o.Delivered-min(o.Against, o.Delivered))
	if o.Prepaid || used <= 0 {
		return o, false
	}
	after := o.Clone()
	after.Against = min(after.Against, after.Delivered) + used
	after.DropNotice(noticeID)
	return after, true
}
