package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/paymentrecord"
	"github.com/avalcredit/aval/services/receivables/internal/peers"
)

// Feed serves FeedService.
type Feed struct {
	receivablesv1.UnsafeFeedServiceServer
	App *app.Service
}

var _ receivablesv1.FeedServiceServer = (*Feed)(nil)

// ApplyCustomers implements FeedService.
func (s *Feed) ApplyCustomers(ctx context.Context, req *receivablesv1.ApplyCustomersRequest) (*receivablesv1.ApplyCustomersResponse, error) {
	customers := make([]app.Customer, len(req.GetProfiles()))
	for i, p := range req.GetProfiles() {
		var err error
		if customers[i], err = peers.Customer(p); err != nil {
			return nil, err
		}
		if customers[i].ID != customers[0].ID {
			return nil, errs.Field("profiles["+strconv.Itoa(i)+"].customer_id", "same", "profiles of one call are of one customer")
		}
	}
	last, err := s.App.ApplyCustomers(ctx, customers)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ApplyCustomersResponse{LastSequence: last}, nil
}

// GetPaymentRecord implements FeedService.
func (s *Feed) GetPaymentRecord(ctx context.Context, req *receivablesv1.GetPaymentRecordRequest) (*receivablesv1.GetPaymentRecordResponse, error) {
	var f fields
	q := paymentrecord.Query{
		CustomerID: req.GetCustomerId(), AsOf: f.date("as_of_date", req.GetAsOfDate()),
		WindowStart: f.date("window_start_date", req.GetWindowStartDate()),
	}
	if f.err != nil {
		return nil, f.err
	}
	r, err := s.App.PaymentRecord(ctx, q)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetPaymentRecordResponse{Record: recordOf(r)}, nil
}

// ListVolumes implements FeedService.
func (s *Feed) ListVolumes(ctx context.Context, req *receivablesv1.ListVolumesRequest) (*receivablesv1.ListVolumesResponse, error) {
	var f fields
	periods := make([]paymentrecord.Period, len(req.GetPeriods()))
	for i, p := range req.GetPeriods() {
		at := "periods[" + strconv.Itoa(i) + "]."
		periods[i] = paymentrecord.Period{From: f.date(at+"from_date", p.GetFromDate()), To: f.date(at+"to_date", p.GetToDate())}
	}
	asOf := f.date("as_of_date", req.GetAsOfDate())
	if f.err != nil {
		return nil, f.err
	}
	found, err := s.App.Volumes(ctx, req.GetCustomerIds(), periods, asOf)
	if err != nil {
		return nil, err
	}
	res := &receivablesv1.ListVolumesResponse{Volumes: make([]*receivablesv1.CustomerVolumes, len(found))}
	for i, v := range found {
		m := &receivablesv1.CustomerVolumes{CustomerId: v.CustomerID, CurrencyCode: v.Currency}
		for _, minor := range v.Minor {
			m.Amounts = append(m.Amounts, moneyOf(money.New(minor, v.Currency)))
		}
		res.Volumes[i] = m
	}
	return res, nil
}

func recordOf(r paymentrecord.Record) *receivablesv1.PaymentRecord {
	currency := r.Open.Currency
	amounts := make([]*typev1.Money, len(r.InvoiceAmounts))
	for i, a := range r.InvoiceAmounts {
		amounts[i] = moneyOf(money.New(a, currency))
	}
	broken := r.BrokenPromises
	return &receivablesv1.PaymentRecord{
		CustomerId: r.CustomerID, AsOfDate: r.AsOf.String(), CurrencyCode: currency, FallenDue: moneyOf(r.FallenDue),
		Collected: moneyOf(r.Collected), CollectedOnTime: moneyOf(r.CollectedOnTime), SettledItems: r.SettledItems,
		LateItems: r.LateItems, LateAmountDays: r.LateAmountDays.String(), SettledAmount: moneyOf(r.SettledAmount),
		LongestDaysLate: int32(r.LongestDaysLate), OldestOverdueDays: int32(r.OldestOverdueDays), //nolint:gosec // days
		Defaults: r.Defaults, FirstInvoiceDate: r.FirstInvoiceDate.String(), OpenAmount: moneyOf(r.Open), InvoiceAmounts: amounts,
		LastYear: moneyOf(r.LastYear), YearBefore: moneyOf(r.YearBefore), BrokenPromises: &broken,
	}
}
