package gate

import (
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Why goods may not leave.
const (
	NotApproved     = "ORDER_NOT_APPROVED"
	OrderOver       = "ORDER_EXPIRED"
	ReleaseOver     = "RELEASE_EXPIRED"
	NothingToShip   = "NOTHING_TO_SHIP"
	OverShipment    = "OVER_SHIPMENT"
	Stopped         = "CUSTOMER_STOPPED"
	OnHold          = "CUSTOMER_ON_HOLD"
	StoppedByRule   = "CREDIT_STOPPED"
	CreditWithdrawn = "CREDIT_WITHDRAWN"
	PaymentMissing  = "PAYMENT_MISSING"
)

// leaving is the amount that a goods issue is about; nil is all that is reserved or invoiced ahead.
func leaving(o order.Order, amount *money.Money) (int64, error) {
	if amount == nil {
		return o.Reserved + o.Ahead, nil
	}
	return inAccount(o, "amount.currency_code", *amount, false)
}

// Authorize says why goods of an order may not leave now, in codes; none: they may. Returns are never refused.
// Errors: CURRENCY_MISMATCH.
func Authorize(env Env, a account.Account, o order.Order, amount *money.Money) ([]string, error) {
	minor, err := leaving(o, amount)
	if err != nil {
		return nil, err
	}
	var why []string
	switch left := o.Reserved + o.Ahead; {
	case !o.Live() || o.State == order.Closed:
		why = append(why, NotApproved)
	case minor <= 0:
		why = append(why, NothingToShip)
	case minor > left && o.Over+minor-left > percentOf(o.Amount, env.Policy.OverShipmentPercent):
		why = append(why, OverShipment)
	}
	return append(why, refusals(env, a, o, minor)...), nil
}

// refusals are the reasons beside the state of the order: its dates, blocks and stops, and money that is asked for first.
func refusals(env Env, a account.Account, o order.Order, minor int64) []string {
	if o.Amount <= 0 {
		return nil // a return lowers what is owed
	}
	var why []string
	add := func(is bool, code string) {
		if is {
			why = append(why, code)
		}
	}
	rel := o.Release
	add(!o.ValidUntil.IsZero() && env.Today.After(o.ValidUntil), OrderOver)
	add(rel != nil && !rel.Until.IsZero() && env.Today.After(rel.Until), ReleaseOver)
	if b := a.Control.BlockOn(env.Today); b != nil {
		add(b.Kind == account.BlockStop, Stopped)
		add(b.Kind == account.BlockHold && (rel == nil || rel.Block != b.Number), OnHold)
	}
	if moneyHere(a, o, minor) {
		return why // whatever is owed beside it, this is paid for
	}
	noticed := onNotice(env, a, o, minor)
	if o.Terms != order.OpenAccount && !noticed {
		return append(why, PaymentMissing)
	}
	counted := minor
	if rel != nil {
		counted = 0 // people approved of these goods in writing
	}
	add(a.Control.Stop != nil || len(breachOf(env, a, counted).reasons) > 0, StoppedByRule)
	add(a.Profile.Grant.Treatment != account.Credit && rel == nil && !noticed, CreditWithdrawn)
	return why
}

// moneyHere reports whether money that no other order has claimed covers the goods.
func moneyHere(a account.Account, o order.Order, minor int64) bool {
	minor = unpaid(a, o, minor)
	if minor <= 0 {
		return true
	}
	free := a.Buckets.Unapplied - a.Buckets.Prepaid - a.Buckets.Billed - a.Standing.Kept()
	if o.Prepaid {
		free += o.Reserved + min(o.Ahead, a.Buckets.Billed) // set aside for these goods
	}
	free = max(0, free)
	for _, n := range noticesOf(a, o) {
		free += n.Here()
	}
	return free >= minor
}

// unpaid is what goods about to leave are still to be paid for: those invoiced ahead are paid once nothing is owed.
func unpaid(a account.Account, o order.Order, minor int64) int64 {
	if a.Buckets.Receivable <= 0 {
		minor -= min(minor, o.Ahead)
	}
	return minor
}

// mayShip is the error for goods that may not leave for a reason beside the state of their order.
func mayShip(env Env, a account.Account, o order.Order, minor int64) error {
	why := refusals(env, a, o, minor)
	if len(why) == 0 {
		return nil
	}
	return errs.New(errs.FailedPrecondition, why[0], "order %s may not ship: %s", o.ID, strings.Join(why, ", ")).With("reason_codes", strings.Join(why, ","))
}
