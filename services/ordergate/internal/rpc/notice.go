package rpc

import (
	"github.com/avalcredit/aval/pkg/errs"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
)

// parseNotices reads what a position says of payment notices; amounts that are absent are none.
func parseNotices(m *receivablesv1.Position) ([]account.Notice, error) {
	const field = "position.payment_notices."
	var list []account.Notice
	for _, x := range m.GetPaymentNotices() {
		n := account.Notice{ID: x.GetPaymentNoticeId(), OrderID: x.GetOrderId()}
		for _, v := range []struct {
			name string
			from *typev1.Money
			into *int64
		}{{"open", x.GetOpen(), &n.Open}, {"received", x.GetReceived(), &n.Received}, {"unapplied", x.GetUnapplied(), &n.Unapplied}} {
			if v.from == nil {
				continue
			}
			amount, err := parseMoney(field+v.name, v.from)
			if err != nil {
				return nil, err
			}
			if amount.Currency != m.GetReceivable().GetCurrencyCode() || amount.Minor < 0 {
				return nil, errs.Field(field+v.name, "POSITION_AMOUNT", "an amount of a position is in its currency and not below zero")
			}
			*v.into = amount.Minor
		}
		var err error
		if n.Expected, err = parseDate(field+"expected_date", x.GetExpectedDate()); err != nil {
			return nil, err
		}
		if n.LastDay, err = parseDate(field+"last_date", x.GetLastDate()); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
