package peers

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

// Gate asks the gate what it alone knows.
type Gate struct {
	ceilings ordergatev1.CeilingServiceClient
	accounts ordergatev1.CreditAccountServiceClient
	orders   ordergatev1.OrderServiceClient
}

var _ app.Gate = (*Gate)(nil)

// NewGate returns a reader on a connection.
func NewGate(conn grpc.ClientConnInterface) *Gate {
	return &Gate{
		ceilings: ordergatev1.NewCeilingServiceClient(conn), accounts: ordergatev1.NewCreditAccountServiceClient(conn),
		orders: ordergatev1.NewOrderServiceClient(conn),
	}
}

// pageSize is how many rows are asked for at a time.
const pageSize = 1000

// Ceilings implements app.Gate.
func (g *Gate) Ceilings(ctx context.Context) ([]app.Ceiling, error) {
	resp, err := g.ceilings.ListCeilings(ctx, &ordergatev1.ListCeilingsRequest{})
	if err != nil {
		return nil, err
	}
	var out []app.Ceiling
	for _, c := range resp.GetCeilings() {
		ceiling := app.Ceiling{UnitID: c.GetUnitId(), Status: strings.TrimPrefix(c.GetStatus().String(), "CEILING_STATUS_")}
		for _, m := range []struct {
			from *typev1.Money
			into *money.Money
		}{{c.GetWarning(), &ceiling.Warning}, {c.GetStop(), &ceiling.Stop}, {c.GetTotal(), &ceiling.Total}} {
			if err := read(m.from, m.into); err != nil {
				return nil, err
			}
		}
		out = append(out, ceiling)
	}
	return out, nil
}

// read is an amount of a peer; absent stays the zero value. Sums may be beyond what a single amount may be.
func read(from *typev1.Money, into *money.Money) error {
	if from == nil {
		return nil
	}
	text := fmt.Sprintf(`{"currency_code":%q,"amount":%q}`, from.GetCurrencyCode(), from.GetAmount())
	return into.UnmarshalJSON([]byte(text))
}

// AccountUses implements app.Gate.
func (g *Gate) AccountUses(ctx context.Context, take func([]app.AccountUse) error) error {
	for token := ""; ; {
		resp, err := g.accounts.ListCreditAccounts(ctx, &ordergatev1.ListCreditAccountsRequest{PageSize: pageSize, PageToken: token})
		if err != nil {
			return err
		}
		var uses []app.AccountUse
		for _, a := range resp.GetAccounts() {
			if a.GetLimitKind() != ordergatev1.LimitKind_LIMIT_KIND_AMOUNT {
				continue
			}
			u := app.AccountUse{CustomerID: a.GetCustomerId()}
			if err := read(a.GetLimit(), &u.Limit); err != nil {
				return err
			}
			if err := read(a.GetExposure(), &u.Exposure); err != nil {
				return err
			}
			uses = append(uses, u)
		}
		if err := take(uses); err != nil {
			return err
		}
		if token = resp.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

// RefusedOrders implements app.Gate.
func (g *Gate) RefusedOrders(ctx context.Context, take func([]app.RefusedOrder) error) error {
	for _, state := range []ordergatev1.OrderState{ordergatev1.OrderState_ORDER_STATE_REJECTED, ordergatev1.OrderState_ORDER_STATE_EXPIRED} {
		for token := ""; ; {
			resp, err := g.orders.ListOrders(ctx, &ordergatev1.ListOrdersRequest{PageSize: pageSize, PageToken: token, State: state})
			if err != nil {
				return err
			}
			var refused []app.RefusedOrder
			for _, o := range resp.GetOrders() {
				r := app.RefusedOrder{CustomerID: o.GetCustomerId(), UnitID: o.GetUnitId()}
				if err := read(o.GetAmount(), &r.Amount); err != nil {
					return err
				}
				if r.Submitted, err = calendar.ParseDate(o.GetSubmitDate()); err != nil {
					return err
				}
				refused = append(refused, r)
			}
			if err := take(refused); err != nil {
				return err
			}
			if token = resp.GetNextPageToken(); token == "" {
				break
			}
		}
	}
	return nil
}
