// Package peers calls the other phases: it reads the payment record from receivables
// and sends profiles to receivables and to the order gate.
package peers

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/rpcerr"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/growth"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc"
)

// ReasonPaymentRecord: receivables did not tell how the customer paid.
const ReasonPaymentRecord = "PAYMENT_RECORD_UNAVAILABLE"

// ToOrderGate sends profiles to the order gate.
func ToOrderGate(conn grpc.ClientConnInterface) delivery.Send {
	client := ordergatev1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		profiles, err := profilesOf(events)
		if err != nil {
			return 0, err
		}
		res, err := client.ApplyCreditProfiles(ctx, &ordergatev1.ApplyCreditProfilesRequest{Profiles: profiles})
		return res.GetLastSequence(), rpcerr.FromError(err)
	}
}

// ToReceivables sends profiles to receivables.
func ToReceivables(conn grpc.ClientConnInterface) delivery.Send {
	client := receivablesv1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		profiles, err := profilesOf(events)
		if err != nil {
			return 0, err
		}
		res, err := client.ApplyCustomers(ctx, &receivablesv1.ApplyCustomersRequest{Profiles: profiles})
		return res.GetLastSequence(), rpcerr.FromError(err)
	}
}

func profilesOf(events []delivery.Event) ([]*evaluationv1.CreditProfile, error) {
	out := make([]*evaluationv1.CreditProfile, len(events))
	for i, e := range events {
		var p profile.Profile
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			return nil, err
		}
		out[i] = rpc.ProfileOut(p)
	}
	return out, nil
}

// Payments reads payment records from receivables.
type Payments struct {
	client receivablesv1.FeedServiceClient
}

// NewPayments returns a reader over a connection to receivables.
func NewPayments(conn grpc.ClientConnInterface) Payments {
	return Payments{client: receivablesv1.NewFeedServiceClient(conn)}
}

// PaymentRecord returns the record as of a day, with the amounts of invoices from
// windowStart on. Errors: Unavailable PAYMENT_RECORD_UNAVAILABLE, whatever kept
// receivables from answering: without the record nothing can be rated.
func (p Payments) PaymentRecord(ctx context.Context, customerID string, asOf, windowStart calendar.Date) (payment.Record, error) {
	res, err := p.client.GetPaymentRecord(ctx, &receivablesv1.GetPaymentRecordRequest{
		CustomerId: customerID, AsOfDate: asOf.String(), WindowStartDate: windowStart.String(),
	})
	if err != nil {
		return payment.Record{}, unavailable(err)
	}
	r, err := recordOf(res.GetRecord())
	if err != nil {
		return payment.Record{}, unavailable(err)
	}
	r.CustomerID, r.AsOf = customerID, asOf
	return r, nil
}

// Volumes returns what customers bought in each period, as known on a day. Errors: Unavailable PAYMENT_RECORD_UNAVAILABLE.
func (p Payments) Volumes(ctx context.Context, ids []string, periods []growth.Period, asOf calendar.Date) (map[string][]int64, error) {
	req := &receivablesv1.ListVolumesRequest{CustomerIds: ids, AsOfDate: asOf.String()}
	for _, period := range periods {
		req.Periods = append(req.Periods, &receivablesv1.VolumePeriod{FromDate: period.From.String(), ToDate: period.To.String()})
	}
	res, err := p.client.ListVolumes(ctx, req)
	if err != nil {
		return nil, unavailable(err)
	}
	found := make(map[string][]int64, len(ids))
	for _, v := range res.GetVolumes() {
		for _, a := range v.GetAmounts() {
			m, err := money.Parse(a.GetCurrencyCode(), a.GetAmount())
			if err != nil {
				return nil, err
			}
			found[v.GetCustomerId()] = append(found[v.GetCustomerId()], m.Minor)
		}
	}
	return found, nil
}

// unavailable says whether receivables answered: then asking again gives the same.
func unavailable(err error) error {
	e := errs.New(errs.Unavailable, ReasonPaymentRecord, "receivables did not give the payment record: try again").WithCause(err)
	answer := rpcerr.FromError(err)
	switch errs.KindOf(answer) {
	case errs.NotFound, errs.Invalid, errs.FailedPrecondition:
		return e.With(app.PeerAnswered, errs.ReasonOf(answer))
	default:
		return e
	}
}

func recordOf(m *receivablesv1.PaymentRecord) (payment.Record, error) {
	var first error
	amount := func(a *typev1.Money) money.Money {
		if a == nil {
			return money.Zero(m.GetCurrencyCode())
		}
		v, err := money.Parse(a.GetCurrencyCode(), a.GetAmount())
		if err != nil && first == nil {
			first = err
		}
		return v
	}
	r := payment.Record{
		Currency: m.GetCurrencyCode(), FallenDue: amount(m.GetFallenDue()), Collected: amount(m.GetCollected()),
		CollectedOnTime: amount(m.GetCollectedOnTime()), SettledItems: m.GetSettledItems(), LateItems: m.GetLateItems(),
		LateAmountDays: m.GetLateAmountDays(), SettledAmount: amount(m.GetSettledAmount()),
		LongestDaysLate: int(m.GetLongestDaysLate()), OldestOverdueDays: int(m.GetOldestOverdueDays()),
		Defaults: m.GetDefaults(), Open: amount(m.GetOpenAmount()),
	}
	if r.LateAmountDays == "" {
		r.LateAmountDays = "0"
	}
	if m.BrokenPromises != nil { //nolint:protogetter // absent is not zero
		n := m.GetBrokenPromises()
		r.BrokenPromises = &n
	}
	if m.GetLastYear() != nil && m.GetYearBefore() != nil {
		last, before := amount(m.GetLastYear()), amount(m.GetYearBefore())
		r.LastYear, r.YearBefore = &last, &before
	}
	if text := m.GetFirstInvoiceDate(); text != "" {
		d, err := calendar.ParseDate(text)
		if err != nil {
			return r, err
		}
		r.FirstInvoice = d
	}
	for _, a := range m.GetInvoiceAmounts() {
		r.InvoiceMinor = append(r.InvoiceMinor, amount(a).Minor)
	}
	return r, first
}
