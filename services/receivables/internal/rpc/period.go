package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/period"
)

// Periods serves PeriodService.
type Periods struct {
	receivablesv1.UnsafePeriodServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.PeriodServiceServer = (*Periods)(nil)

// ClosePeriod implements PeriodService.
func (s *Periods) ClosePeriod(ctx context.Context, req *receivablesv1.ClosePeriodRequest) (*receivablesv1.ClosePeriodResponse, error) {
	var f fields
	until := f.date("closed_until_date", req.GetClosedUntilDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.PeriodService_ClosePeriod_FullMethodName, req.GetRequestId(), req)
	a, err := s.App.ClosePeriod(ctx, r, until, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ClosePeriodResponse{Act: periodActOf(a)}, nil
}

// OpenPeriod implements PeriodService.
func (s *Periods) OpenPeriod(ctx context.Context, req *receivablesv1.OpenPeriodRequest) (*receivablesv1.OpenPeriodResponse, error) {
	var f fields
	from := f.date("open_from_date", req.GetOpenFromDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.PeriodService_OpenPeriod_FullMethodName, req.GetRequestId(), req)
	a, err := s.App.OpenPeriod(ctx, r, from, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.OpenPeriodResponse{Act: periodActOf(a)}, nil
}

// ListPeriodActs implements PeriodService.
func (s *Periods) ListPeriodActs(ctx context.Context, req *receivablesv1.ListPeriodActsRequest) (*receivablesv1.ListPeriodActsResponse, error) {
	checksum := page.Checksum("periodActs")
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 1)
	if err != nil {
		return nil, err
	}
	var before int64
	if cursor != nil {
		if before, err = number(cursor[0]); err != nil {
			return nil, err
		}
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Periods(ctx, before, size+1)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListPeriodActsResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, strconv.FormatInt(list[size-1].Number, 10))
	}
	for _, a := range list {
		resp.Acts = append(resp.Acts, periodActOf(a))
	}
	return resp, nil
}

func periodActOf(a period.Act) *receivablesv1.PeriodAct {
	return &receivablesv1.PeriodAct{
		ActNumber: a.Number, Act: string(a.Kind), ClosedUntilDate: a.ClosedUntil.String(), Reason: a.Reason, ActedBy: a.Actor,
		BusinessDate: a.Date.String(), CreateTime: timeOf(a.CreateTime),
	}
}
