package rpc

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
)

// Aging serves AgingService.
type Aging struct {
	receivablesv1.UnsafeAgingServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.AgingServiceServer = (*Aging)(nil)

// agingRequest is what all requests for an aging have.
type agingRequest interface {
	GetAsOf() string
	GetBy() string
	GetCustomerId() string
	GetGroupId() string
	GetSalespersonId() string
	GetUnitId() string
	GetGrade() string
	GetCurrencyCode() string
}

func agingQuery(req agingRequest) (aging.Query, error) {
	var f fields
	q := aging.Query{
		AsOf: f.date("as_of", req.GetAsOf()), By: aging.By(req.GetBy()), CustomerID: req.GetCustomerId(), GroupID: req.GetGroupId(),
		Salesperson: req.GetSalespersonId(), UnitID: req.GetUnitId(), Grade: req.GetGrade(), Currency: req.GetCurrencyCode(),
	}
	if q.By == "" {
		q.By = aging.ByDueDate
	}
	return q, f.err
}

// checksumOf binds a page token to the request.
func checksumOf(name string, q aging.Query, more ...string) string {
	return page.Checksum(append([]string{name, q.AsOf.String(), string(q.By), q.CustomerID, q.GroupID, q.Salesperson, q.UnitID, q.Grade, q.Currency}, more...)...)
}

func groupBy(s string) aging.GroupBy {
	if s == "" {
		return aging.GroupTotal
	}
	return aging.GroupBy(s)
}

// GetAging implements AgingService.
func (s *Aging) GetAging(ctx context.Context, req *receivablesv1.GetAgingRequest) (*receivablesv1.GetAgingResponse, error) {
	q, err := agingQuery(req)
	if err != nil {
		return nil, err
	}
	q.GroupBy, q.Limit = groupBy(req.GetGroupBy()), page.Size(req.GetPageSize(), defaultPage, maxPage)
	checksum := checksumOf("aging", q, string(q.GroupBy))
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
			DisputedAmount: moneyOf(r.Disputed), PromisedAmount: moneyOf(r.Promised),
		}
		for b, cell := range r.Cells {
			out[i].Buckets = append(out[i].Buckets, &receivablesv1.AgingBucket{
				Name: q.Buckets.Names[b], Amount: moneyOf(cell.Amount), Items: cell.Items,
			})
		}
	}
	return out
}

// ListAgingItems implements AgingService.
func (s *Aging) ListAgingItems(ctx context.Context, req *receivablesv1.ListAgingItemsRequest) (*receivablesv1.ListAgingItemsResponse, error) {
	q, err := agingQuery(req)
	if err != nil {
		return nil, err
	}
	checksum := checksumOf("agingItems", q, req.GetBucket())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	p := aging.ItemsPage{Limit: size + 1}
	if cursor != nil {
		if p.AfterDue, err = calendar.ParseDate(cursor[0]); err != nil {
			return nil, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
		}
		p.AfterItem = cursor[1]
	}
	items, q, err := s.App.AgingItems(ctx, q, req.GetBucket(), p)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListAgingItemsResponse{AsOf: q.AsOf.String()}
	if len(items) > size {
		items = items[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, items[size-1].DueDate.String(), items[size-1].ID)
	}
	for _, i := range items {
		resp.Items = append(resp.Items, agingItemOf(i, q))
	}
	return resp, nil
}

func agingItemOf(i aging.Item, q aging.Query) *receivablesv1.AgingItem {
	return &receivablesv1.AgingItem{
		ItemId: i.ID, CustomerId: i.CustomerID, DisplayName: i.DisplayName, DocumentKind: i.Kind, DocumentId: i.DocumentID,
		Instalment: int32(i.Instalment), DocumentDate: i.Date.String(), DueDate: i.DueDate.String(), DaysOverdue: int32(i.DaysOverdue), //nolint:gosec // bounded by the tables and the calendar
		Amount: moneyOf(i.Amount), OpenAmount: moneyOf(i.Open), Bucket: q.Buckets.Names[i.Bucket], SalespersonId: i.Salesperson, UnitId: i.UnitID,
		DisputedAmount: moneyOf(i.Disputed), PromisedAmount: moneyOf(i.Promised), PromisedDate: i.PromisedDate.String(),
	}
}

// DownloadAging implements AgingService.
func (s *Aging) DownloadAging(ctx context.Context, req *receivablesv1.DownloadAgingRequest) (*httpbody.HttpBody, error) {
	q, err := agingQuery(req)
	if err != nil {
		return nil, err
	}
	q.GroupBy = groupBy(req.GetGroupBy())
	a, err := s.App.AgingFile(ctx, q)
	if err != nil {
		return nil, err
	}
	language := reportfile.Chinese
	if req.GetLanguage() == receivablesv1.AgingLanguage_AGING_LANGUAGE_EN {
		language = reportfile.English
	}
	file, err := reportfile.AgingXLSX(a, language)
	return download(ctx, file, err)
}

// disposition is the header that tells a browser to save what comes; the gateway passes it on.
const disposition = "content-disposition"

// download answers with a file, or with the mistake in making it.
func download(ctx context.Context, file reportfile.File, err error) (*httpbody.HttpBody, error) {
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the file could not be made").WithCause(err)
	}
	// The name is made of dates and fixed words, so that it needs no quoting.
	if err := grpc.SetHeader(ctx, metadata.Pairs(disposition, `attachment; filename="`+file.Name+`"`)); err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: file.ContentType, Data: file.Data}, nil
}
