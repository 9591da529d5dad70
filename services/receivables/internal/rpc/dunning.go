package rpc

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// Dunning serves DunningService.
type Dunning struct {
	receivablesv1.UnsafeDunningServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.DunningServiceServer = (*Dunning)(nil)

// The prefixes of enums.
const (
	prefixRunState  = "DUNNING_RUN_STATE"
	prefixLineState = "DUNNING_LINE_STATE"
	prefixEdit      = "DUNNING_EDIT"
	prefixHoldKind  = "DUNNING_HOLD_KIND"
)

// ProposeDunningRun implements DunningService.
func (s *Dunning) ProposeDunningRun(ctx context.Context, req *receivablesv1.ProposeDunningRunRequest) (*receivablesv1.ProposeDunningRunResponse, error) {
	r, err := s.App.ProposeRun(ctx, idem.FromProto(ctx, receivablesv1.DunningService_ProposeDunningRun_FullMethodName, req.GetRequestId(), req))
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ProposeDunningRunResponse{Run: runOf(r, app.RunSums{})}, nil
}

// GetDunningRun implements DunningService.
func (s *Dunning) GetDunningRun(ctx context.Context, req *receivablesv1.GetDunningRunRequest) (*receivablesv1.GetDunningRunResponse, error) {
	out, err := s.run(ctx, req.GetDunningRunId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetDunningRunResponse{Run: out}, nil
}

func (s *Dunning) run(ctx context.Context, id string) (*receivablesv1.DunningRun, error) {
	r, sums, err := s.App.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	return runOf(r, sums), nil
}

// ListDunningRuns implements DunningService.
func (s *Dunning) ListDunningRuns(ctx context.Context, req *receivablesv1.ListDunningRunsRequest) (*receivablesv1.ListDunningRunsResponse, error) {
	checksum := page.Checksum("dunningRuns")
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.Runs(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDunningRunsResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = placeToken(s.Pages, checksum, list[size-1].CreateTime, list[size-1].ID)
	}
	for _, r := range list {
		resp.Runs = append(resp.Runs, runOf(r, app.RunSums{}))
	}
	return resp, nil
}

// ListDunningLines implements DunningService.
func (s *Dunning) ListDunningLines(ctx context.Context, req *receivablesv1.ListDunningLinesRequest) (*receivablesv1.ListDunningLinesResponse, error) {
	if (req.GetDunningRunId() == "") == (req.GetItemId() == "") {
		return nil, errs.Field("dunning_run_id", "required", "name a run or an item")
	}
	checksum := page.Checksum("dunningLines", req.GetDunningRunId(), req.GetCustomerId(), req.GetItemId())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 2)
	if err != nil {
		return nil, err
	}
	after := [2]string{}
	if cursor != nil {
		after = [2]string(cursor)
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	var list []app.DunningLine
	if req.GetItemId() != "" {
		list, err = s.App.LinesOfItem(ctx, req.GetItemId(), after[0], size+1)
	} else {
		list, err = s.App.LinesOfRun(ctx, req.GetDunningRunId(), req.GetCustomerId(), after, size+1)
	}
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDunningLinesResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		if req.GetItemId() != "" {
			resp.NextPageToken = s.Pages.Encode(checksum, last.RunID, "")
		} else {
			resp.NextPageToken = s.Pages.Encode(checksum, last.CustomerID, last.ItemID)
		}
	}
	for _, l := range list {
		resp.Lines = append(resp.Lines, lineOf(l))
	}
	return resp, nil
}

// EditDunningLines implements DunningService.
func (s *Dunning) EditDunningLines(ctx context.Context, req *receivablesv1.EditDunningLinesRequest) (*receivablesv1.EditDunningLinesResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.DunningService_EditDunningLines_FullMethodName, req.GetRequestId(), req)
	edit := dunning.Edit(wordOf(req.GetEdit(), prefixEdit))
	if _, err := s.App.EditLines(ctx, r, req.GetDunningRunId(), edit, req.GetItemIds(), req.GetReason()); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, req.GetDunningRunId())
	return &receivablesv1.EditDunningLinesResponse{Run: out}, err
}

// ApproveDunningRun implements DunningService.
func (s *Dunning) ApproveDunningRun(ctx context.Context, req *receivablesv1.ApproveDunningRunRequest) (*receivablesv1.ApproveDunningRunResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.DunningService_ApproveDunningRun_FullMethodName, req.GetRequestId(), req)
	if _, err := s.App.ApproveRun(ctx, r, req.GetDunningRunId(), req.GetComment()); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, req.GetDunningRunId())
	return &receivablesv1.ApproveDunningRunResponse{Run: out}, err
}

// DiscardDunningRun implements DunningService.
func (s *Dunning) DiscardDunningRun(ctx context.Context, req *receivablesv1.DiscardDunningRunRequest) (*receivablesv1.DiscardDunningRunResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.DunningService_DiscardDunningRun_FullMethodName, req.GetRequestId(), req)
	if _, err := s.App.DiscardRun(ctx, r, req.GetDunningRunId(), req.GetReason()); err != nil {
		return nil, err
	}
	out, err := s.run(ctx, req.GetDunningRunId())
	return &receivablesv1.DiscardDunningRunResponse{Run: out}, err
}

// ListDunningLetters implements DunningService.
func (s *Dunning) ListDunningLetters(ctx context.Context, req *receivablesv1.ListDunningLettersRequest) (*receivablesv1.ListDunningLettersResponse, error) {
	checksum := page.Checksum("dunningLetters", req.GetCustomerId(), req.GetDunningRunId(), req.GetMailState())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.DunningLetters(ctx, app.LetterQuery{
		CustomerID: req.GetCustomerId(), RunID: req.GetDunningRunId(), Mail: mail.State(req.GetMailState()), After: after, Limit: size + 1,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDunningLettersResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = placeToken(s.Pages, checksum, list[size-1].CreateTime, list[size-1].ID)
	}
	for _, l := range list {
		resp.Letters = append(resp.Letters, &receivablesv1.DunningLetter{
			DunningLetterId: l.ID, DunningRunId: l.RunID, CustomerId: l.CustomerID, Level: int32(l.Level), //nolint:gosec // at most 20
			LetterDate: l.Date.String(), Total: moneyOf(l.Total), MailState: string(l.Mail), LetterKey: l.Key(),
		})
	}
	return resp, nil
}

// DownloadDunningLetter implements DunningService.
func (s *Dunning) DownloadDunningLetter(ctx context.Context, req *receivablesv1.DownloadDunningLetterRequest) (*httpbody.HttpBody, error) {
	language := statement.Chinese
	if req.GetLanguage() == receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH {
		language = statement.English
	}
	file, err := s.App.DunningLetterDocument(ctx, req.GetDunningLetterId(), language)
	if err != nil {
		return nil, err
	}
	return download(ctx, file, nil)
}

// GetDunningStanding implements DunningService.
func (s *Dunning) GetDunningStanding(ctx context.Context, req *receivablesv1.GetDunningStandingRequest) (*receivablesv1.GetDunningStandingResponse, error) {
	st, err := s.App.DunningStanding(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.DunningStanding{
		CustomerId: req.GetCustomerId(), Strategy: st.Strategy, Level: int32(st.Level), LetterDate: st.LetterDate.String(), //nolint:gosec // at most 20
		SupplyStopped: st.SupplyStopped, HandToLegal: st.HandToLegal,
	}
	for _, i := range st.Items {
		out.Items = append(out.Items, &receivablesv1.DunningItem{
			ItemId: i.ID, DueDate: i.DueDate.String(), OpenAmount: moneyOf(i.Open), DaysOverdue: int32(i.Days), //nolint:gosec // days
			Level: int32(i.Level), LetterDate: i.LetterDate.String(), NextLevel: int32(i.NextLevel), //nolint:gosec // at most 20
			NextDate: i.NextDate.String(), Reason: string(i.Reason), OpenCharges: moneyOf(i.OpenCharges),
		})
	}
	return &receivablesv1.GetDunningStandingResponse{Standing: out}, nil
}

// HoldDunning implements DunningService.
func (s *Dunning) HoldDunning(ctx context.Context, req *receivablesv1.HoldDunningRequest) (*receivablesv1.HoldDunningResponse, error) {
	var f fields
	in := req.GetHold()
	h := dunning.Hold{
		ID: in.GetDunningHoldId(), CustomerID: in.GetCustomerId(), ItemID: in.GetItemId(),
		Until: f.date("hold.until_date", in.GetUntilDate()), Reason: in.GetReason(),
	}
	h.Kind = dunning.HoldKind(wordOf(in.GetKind(), prefixHoldKind))
	if h.Kind == "" {
		h.Kind = dunning.HoldBlock
	}
	if f.err != nil {
		return nil, f.err
	}
	out, err := s.App.HoldDunning(ctx, idem.FromProto(ctx, receivablesv1.DunningService_HoldDunning_FullMethodName, req.GetRequestId(), req), h)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.HoldDunningResponse{Hold: holdOf(out)}, nil
}

// LiftDunningHold implements DunningService.
func (s *Dunning) LiftDunningHold(ctx context.Context, req *receivablesv1.LiftDunningHoldRequest) (*receivablesv1.LiftDunningHoldResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.DunningService_LiftDunningHold_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.LiftHold(ctx, r, req.GetDunningHoldId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.LiftDunningHoldResponse{Hold: holdOf(out)}, nil
}

// ListDunningHolds implements DunningService.
func (s *Dunning) ListDunningHolds(ctx context.Context, req *receivablesv1.ListDunningHoldsRequest) (*receivablesv1.ListDunningHoldsResponse, error) {
	inForce := ""
	if req.GetInForce() {
		inForce = "in force"
	}
	checksum := page.Checksum("dunningHolds", req.GetCustomerId(), inForce)
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, next, err := s.App.Holds(ctx, app.CollectionQuery{CustomerID: req.GetCustomerId(), Live: req.GetInForce(), After: after, Limit: size})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDunningHoldsResponse{NextPageToken: tokenAfter(s.Pages, checksum, next)}
	for _, h := range list {
		resp.Holds = append(resp.Holds, holdOf(h))
	}
	return resp, nil
}

func holdOf(h dunning.Hold) *receivablesv1.DunningHold {
	return &receivablesv1.DunningHold{
		DunningHoldId: h.ID, Kind: enumOf[receivablesv1.DunningHoldKind](receivablesv1.DunningHoldKind_value, prefixHoldKind, string(h.Kind)),
		CustomerId: h.CustomerID, ItemId: h.ItemID, UntilDate: h.Until.String(), Reason: h.Reason, SetBy: h.SetBy, SetDate: h.SetDate.String(),
		LiftedBy: h.LiftedBy, LiftDate: h.LiftDate.String(),
	}
}

func moneys(list []money.Money) []*typev1.Money {
	out := make([]*typev1.Money, len(list))
	for i, m := range list {
		out[i] = moneyOf(m)
	}
	return out
}

func runOf(r app.Run, sums app.RunSums) *receivablesv1.DunningRun {
	return &receivablesv1.DunningRun{
		DunningRunId: r.ID, RunDate: r.RunDate.String(), State: enumOf[receivablesv1.DunningRunState](receivablesv1.DunningRunState_value, prefixRunState, string(r.State)),
		PolicyVersion: r.PolicyVersion, Done: r.Done, Total: r.Total, Lines: r.Lines, Customers: r.Customers, Letters: r.Letters,
		FinishedCustomers: r.Finished, ProposedBy: r.ProposedBy, ProposeTime: timeOf(r.CreateTime), DecidedBy: r.DecidedBy,
		DecideDate: r.DecideDate.String(), Totals: moneys(sums.Open), Fees: moneys(sums.Fees), Interest: moneys(sums.Interest),
		ErrorReason: r.ErrorReason, OperationId: r.OperationID,
	}
}

func lineOf(l app.DunningLine) *receivablesv1.DunningLine {
	return &receivablesv1.DunningLine{
		DunningRunId: l.RunID, CustomerId: l.CustomerID, ItemId: l.ItemID, Level: int32(l.Level), LastLevel: int32(l.LastOf), //nolint:gosec // at most 20
		DueDate: l.DueDate.String(), DaysOverdue: int32(l.Days), OpenAmount: moneyOf(l.Open), Fee: moneyOf(l.Fee), Interest: moneyOf(l.Interest), //nolint:gosec // days
		State:  enumOf[receivablesv1.DunningLineState](receivablesv1.DunningLineState_value, prefixLineState, string(l.State)),
		Reason: l.Reason, ChangedBy: l.ChangedBy, RunDate: l.RunDate.String(), Strategy: l.Strategy,
	}
}
