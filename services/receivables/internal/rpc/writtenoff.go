package rpc

import (
	"context"
	"strconv"

	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
)

// WrittenOffs serves WrittenOffService.
type WrittenOffs struct {
	receivablesv1.UnsafeWrittenOffServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.WrittenOffServiceServer = (*WrittenOffs)(nil)

// ListWrittenOffs implements WrittenOffService.
func (s *WrittenOffs) ListWrittenOffs(ctx context.Context, req *receivablesv1.ListWrittenOffsRequest) (*receivablesv1.ListWrittenOffsResponse, error) {
	var f fields
	checksum := page.Checksum("writtenOffs", req.GetCustomerId(), strconv.FormatBool(req.GetAll()))
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 3)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := app.WrittenOffQuery{CustomerID: req.GetCustomerId(), All: req.GetAll(), Limit: size + 1}
	if cursor != nil {
		q.AfterDue, q.AfterID, q.AfterDocument = f.date("page_token", cursor[0]), cursor[1], cursor[2]
		if f.err != nil {
			return nil, f.err
		}
	}
	list, err := s.App.WrittenOffs(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListWrittenOffsResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = s.Pages.Encode(checksum, last.OwnDue.String(), last.ID, last.DocumentID)
	}
	for _, w := range list {
		resp.WrittenOffs = append(resp.WrittenOffs, &receivablesv1.WrittenOff{
			ItemId: w.ID, CustomerId: w.CustomerID, DocumentId: w.DocumentID, CreditMemoId: w.MemoID, WriteOffDate: w.Date.String(),
			DueDate: w.OwnDue.String(), Amount: moneyOf(w.Amount), LeftAmount: moneyOf(w.Left), Reason: w.Reason, Responsible: w.Responsible,
			LimitationState: receivablesv1.LimitationState(receivablesv1.LimitationState_value["LIMITATION_STATE_"+string(w.Period.State)]),
			LastDate:        w.Period.LastDay.String(),
		})
	}
	return resp, nil
}
