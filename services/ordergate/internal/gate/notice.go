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

// useNotices keeps what goods that leave use up of their order's notices, so that none is worth its amount twice. Goods of an order that
// free money is set aside for use up none, nor do goods sold on credit.
func useNotices(env Env, a account.Account, before order.Order, after *order.Order, minor int64) {
	if before.Prepaid || before.Terms == order.OpenAccount && a.Profile.Grant.Treatment == account.Credit {
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
}
