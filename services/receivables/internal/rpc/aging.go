package rpc

import (
	"context"

	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

// Aging serves AgingService.
type Aging struct {
	receivablesv1.UnsafeAgingServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.AgingServiceServer = (*Aging)(nil)

// GetAging implements AgingService.
func (s *Aging) GetAging(ctx context.Context, req *receivablesv1.GetAgingRequest) (*receivablesv1.GetAgingResponse, error) {
	var f fields
	q := aging.Query{
		AsOf: f.date("as_of", req.GetAsOf()), GroupBy: aging.GroupBy(req.GetGroupBy()), By: aging.By(req.GetBy()),
		CustomerID: req.GetCustomerId(), Limit: page.Size(req.GetPageSize(), defaultPage, maxPage),
	}
	if f.err != nil {
		return nil, f.err
	}
	if q.GroupBy == "" {
		q.GroupBy = aging.GroupTotal
	}
	if q.By == "" {
		q.By = aging.ByDueDate
	}
	checksum := page.Checksum("aging", req.GetAsOf(), string(q.GroupBy), string(q.By), q.CustomerID)
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		q.After = &aging.Cursor{Key: cursor[0], Currency: cursor[1]}
	}
	p, q, err := s.App.Aging(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetAgingResponse{AsOf: q.AsOf.String(), Rows: rowsOf(p.Rows, q), Totals: rowsOf(p.Totals, q)}
	if p.More {
		last := p.Rows[len(p.Rows)-1]
		resp.NextPageToken = s.Pages.Encode(checksum, last.Key, last.Currency)
	}
	return resp, nil
}

func rowsOf(rows []aging.Row, q aging.Query) []*receivablesv1.AgingRow {
	out := make([]*receivablesv1.AgingRow, len(rows))
	for i, r := range rows {
		open := r.Open()
		out[i] = &receivablesv1.AgingRow{
			Key: r.Key, CurrencyCode: r.Currency, DisplayName: r.DisplayName,
			OpenAmount: moneyOf(open.Amount), OpenItems: open.Items,
			OverdueAmount: moneyOf(r.Overdue.Amount), OverdueItems: r.Overdue.Items,
			UnappliedAmount: moneyOf(r.Unapplied), Balance: moneyOf(r.Balance()),
		}
		for b, cell := range r.Cells {
			out[i].Buckets = append(out[i].Buckets, &receivablesv1.AgingBucket{
				Name: q.Buckets.Names[b], Amount: moneyOf(cell.Amount), Items: cell.Items,
			})
		}
	}
	return out
}
