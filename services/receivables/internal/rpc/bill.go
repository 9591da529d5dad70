package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

// Bills serves BillService.
type Bills struct {
	receivablesv1.UnsafeBillServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.BillServiceServer = (*Bills)(nil)

// GetBill implements BillService.
func (s *Bills) GetBill(ctx context.Context, req *receivablesv1.GetBillRequest) (*receivablesv1.GetBillResponse, error) {
	b, err := s.App.Bill(ctx, req.GetBillId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetBillResponse{Bill: billOf(b)}, nil
}

// ListBills implements BillService.
func (s *Bills) ListBills(ctx context.Context, req *receivablesv1.ListBillsRequest) (*receivablesv1.ListBillsResponse, error) {
	var f fields
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := voucher.BillQuery{CustomerID: req.GetCustomerId(), AtRiskOnly: req.GetAtRiskOnly(), DueBy: f.date("due_by_date", req.GetDueByDate()), Limit: size + 1}
	if f.err != nil {
		return nil, f.err
	}
	atRisk := "all"
	if q.AtRiskOnly {
		atRisk = "at risk"
	}
	checksum := page.Checksum("bills", q.CustomerID, atRisk, req.GetDueByDate())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		if q.AfterDate, err = calendar.ParseDate(cursor[0]); err != nil {
			return nil, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token is not one of ours")
		}
		q.AfterID = cursor[1]
	}
	list, err := s.App.Bills(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListBillsResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		resp.NextPageToken = s.Pages.Encode(checksum, last.MaturityDate.String(), last.ID)
	}
	for _, b := range list {
		resp.Bills = append(resp.Bills, billOf(b))
	}
	return resp, nil
}

// EndorseBill implements BillService.
func (s *Bills) EndorseBill(ctx context.Context, req *receivablesv1.EndorseBillRequest) (*receivablesv1.EndorseBillResponse, error) {
	var f fields
	act := app.BillAct{
		BillID: req.GetBillId(), Kind: ledger.KindBillEndorsed, Date: f.date("act_date", req.GetActDate()), DocumentID: req.GetDocumentId(),
		To: req.GetEndorsee(), Recourse: req.GetWithRecourse(),
	}
	b, err := s.act(ctx, f, receivablesv1.BillService_EndorseBill_FullMethodName, req, act)
	return &receivablesv1.EndorseBillResponse{Bill: b}, err
}

// DiscountBill implements BillService.
func (s *Bills) DiscountBill(ctx context.Context, req *receivablesv1.DiscountBillRequest) (*receivablesv1.DiscountBillResponse, error) {
	var f fields
	act := app.BillAct{
		BillID: req.GetBillId(), Kind: ledger.KindBillDiscounted, Date: f.date("act_date", req.GetActDate()), DocumentID: req.GetDocumentId(),
		To: req.GetBank(), Recourse: req.GetWithRecourse(), Cost: f.money("cost", req.GetCost()),
	}
	b, err := s.act(ctx, f, receivablesv1.BillService_DiscountBill_FullMethodName, req, act)
	return &receivablesv1.DiscountBillResponse{Bill: b}, err
}

// HonourBill implements BillService.
func (s *Bills) HonourBill(ctx context.Context, req *receivablesv1.HonourBillRequest) (*receivablesv1.HonourBillResponse, error) {
	var f fields
	act := app.BillAct{BillID: req.GetBillId(), Kind: ledger.KindBillHonoured, Date: f.date("act_date", req.GetActDate()), DocumentID: req.GetDocumentId()}
	b, err := s.act(ctx, f, receivablesv1.BillService_HonourBill_FullMethodName, req, act)
	return &receivablesv1.HonourBillResponse{Bill: b}, err
}

// DishonourBill implements BillService.
func (s *Bills) DishonourBill(ctx context.Context, req *receivablesv1.DishonourBillRequest) (*receivablesv1.DishonourBillResponse, error) {
	var f fields
	act := app.BillAct{
		BillID: req.GetBillId(), Kind: ledger.KindDishonouredBill, Date: f.date("act_date", req.GetActDate()), DocumentID: req.GetDocumentId(),
		Reason: req.GetReason(),
	}
	b, err := s.act(ctx, f, receivablesv1.BillService_DishonourBill_FullMethodName, req, act)
	return &receivablesv1.DishonourBillResponse{Bill: b}, err
}

// act carries out what was read of a request.
func (s *Bills) act(ctx context.Context, f fields, method string, req interface {
	proto.Message
	GetRequestId() string
}, act app.BillAct) (*receivablesv1.Bill, error) {
	if f.err != nil {
		return nil, f.err
	}
	b, err := s.App.ActOnBill(ctx, idem.FromProto(ctx, method, req.GetRequestId(), req), act)
	if err != nil {
		return nil, err
	}
	return billOf(b), nil
}

func billOf(b voucher.Bill) *receivablesv1.Bill {
	return &receivablesv1.Bill{
		BillId: b.ID, CustomerId: b.CustomerID, Instrument: instrumentOf(receipt.Instrument(b.Instrument)), Amount: moneyOf(b.Amount),
		ReceiptDate: b.ReceiptDate.String(), State: receivablesv1.BillState(receivablesv1.BillState_value["BILL_STATE_"+string(b.State())]),
		Details: billDetailsOf(&receipt.Bill{
			Number: b.Number, Drawer: b.Drawer, Acceptor: b.Acceptor, IssueDate: b.IssueDate, MaturityDate: b.MaturityDate,
		}),
		AtRiskAmount: moneyOf(b.AtRisk()), PassedTo: b.PassedTo, WithRecourse: b.Recourse, LastDocumentId: b.LastActID,
	}
}
