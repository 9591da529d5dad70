// Package rpc turns the gate's contract into its domain and back, and nothing else.
package rpc

import (
	"context"
	"encoding/hex"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// caller is who asks, as its token says, and what it may see.
func caller(ctx context.Context) app.Caller {
	p, _ := authn.FromContext(ctx)
	return app.Caller{Subject: p.Subject, Roles: p.Roles, Sees: authz.ScopeOf(ctx).Allows}
}

// request identifies a write: its id and the hash of its caller and its whole body.
func request(ctx context.Context, method, id string, m proto.Message) app.Request {
	return app.Request{ID: id, Hash: idem.FromProto(ctx, method, id, m).Hash}
}

// parseMoney reads an amount; field names it in an error.
func parseMoney(field string, m *typev1.Money) (money.Money, error) {
	v, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
	if err != nil {
		e, _ := errs.As(err)
		return money.Money{}, errs.New(errs.Invalid, "MONEY_INVALID", "%s: %s", field, e.Message).
			WithViolations(errs.Violation{Field: field, Rule: "MONEY_INVALID", Message: e.Message})
	}
	return v, nil
}

func parseDate(field, s string) (calendar.Date, error) {
	if s == "" {
		return calendar.Date{}, nil
	}
	d, err := calendar.ParseDate(s)
	if err != nil {
		return calendar.Date{}, errs.Field(field, "DATE_INVALID", "%q is not a date (YYYY-MM-DD)", s)
	}
	return d, nil
}

func moneyOf(m money.Money) *typev1.Money {
	return &typev1.Money{CurrencyCode: m.Currency, Amount: m.String()}
}

// amounts makes the amounts of one answer, in one currency, in one piece of memory.
type amounts struct {
	currency string
	room     []typev1.Money
}

func (a *amounts) of(minor int64) *typev1.Money {
	if len(a.room) == 0 {
		a.room = make([]typev1.Money, 8)
	}
	m := &a.room[0]
	a.room = a.room[1:]
	m.CurrencyCode, m.Amount = a.currency, money.New(minor, a.currency).String()
	return m
}

func minorOf(minor int64, currency string) *typev1.Money { return moneyOf(money.New(minor, currency)) }

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// enum finds the number of a name in a generated enum, whose names carry a prefix; unknown names are unspecified.
func enum[E ~int32](values map[string]int32, prefix, name string) E { return E(values[prefix+name]) }

// word is the name of a generated enum value without its prefix; unspecified gives the default.
func word(name, prefix, unspecified string) string {
	w := strings.TrimPrefix(name, prefix)
	if w == "UNSPECIFIED" {
		return unspecified
	}
	return w
}

func rolesOf(names []string) []optionsv1.Role {
	roles := make([]optionsv1.Role, 0, len(names))
	for _, n := range names {
		roles = append(roles, enum[optionsv1.Role](optionsv1.Role_value, "ROLE_", n))
	}
	return roles
}

func dayCount(d *int32) *int {
	if d == nil {
		return nil
	}
	n := int(*d)
	return &n
}

func int32Of(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n) //nolint:gosec // at most 3650 by the contract
	return &v
}

func stateName(s pb.OrderState) string { return word(s.String(), "ORDER_STATE_", "") }
