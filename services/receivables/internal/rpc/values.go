// Package rpc maps the contract to the domain and back, and nothing else.
package rpc

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// Sizes of pages: 0 asked for gives the first, more than the second gives the second.
const (
	defaultPage = 50
	maxPage     = 1000
)

// fields reads the fields of one request and keeps the first error.
type fields struct{ err error }

// date reads a date; empty is none.
func (f *fields) date(path, s string) calendar.Date {
	if s == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(s)
	f.keep(path, "date", err)
	return d
}

// money reads an amount; absent is the zero value.
func (f *fields) money(path string, m *typev1.Money) money.Money {
	if m == nil {
		return money.Money{}
	}
	out, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
	f.keep(path, "money", err)
	return out
}

// keep names the field in the error; the reason stays the value's own.
func (f *fields) keep(path, rule string, err error) {
	if err == nil || f.err != nil {
		return
	}
	f.err = err
	if e, ok := errs.As(err); ok {
		f.err = e.With("field", path).WithViolations(errs.Violation{Field: path, Rule: rule, Message: e.Message})
	}
}

// placeIn is the path of an element of a list.
func placeIn(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func moneyOf(m money.Money) *typev1.Money {
	return &typev1.Money{CurrencyCode: m.Currency, Amount: m.String()}
}

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func applicationsOf(list []invoice.Application) []*receivablesv1.Application {
	out := make([]*receivablesv1.Application, len(list))
	for i, a := range list {
		out[i] = &receivablesv1.Application{
			ReceiptId: a.CreditID, InvoiceId: a.ItemID, Amount: moneyOf(a.Amount), ApplicationDate: a.Date.String(),
		}
	}
	return out
}
