package rpc

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// Warnings serves WarningService.
type Warnings struct {
	receivablesv1.UnsafeWarningServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.WarningServiceServer = (*Warnings)(nil)

// ListWarnings implements WarningService.
func (s *Warnings) ListWarnings(ctx context.Context, req *receivablesv1.ListWarningsRequest) (*receivablesv1.ListWarningsResponse, error) {
	checksum := page.Checksum("warnings", req.GetCustomerId(), req.GetObjectId(), req.GetKind().String(), req.GetOwner(), strconv.FormatBool(req.GetOpenOnly()))
	before, err := numberToken(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := warning.Query{
		CustomerID: req.GetCustomerId(), ObjectID: req.GetObjectId(), Owner: req.GetOwner(), OpenOnly: req.GetOpenOnly(), Before: before, Limit: size + 1,
	}
	if k := req.GetKind(); k != receivablesv1.WarningKind_WARNING_KIND_UNSPECIFIED {
		q.Kind = warning.Kind(strings.TrimPrefix(k.String(), "WARNING_KIND_"))
	}
	list, err := s.App.Warnings(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListWarningsResponse{}
	if len(list) > size {
		list = list[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, strconv.FormatInt(list[size-1].Number, 10))
	}
	for _, w := range list {
		resp.Warnings = append(resp.Warnings, warningMessage(w))
	}
	return resp, nil
}

// AcknowledgeWarning implements WarningService.
func (s *Warnings) AcknowledgeWarning(ctx context.Context, req *receivablesv1.AcknowledgeWarningRequest) (*receivablesv1.AcknowledgeWarningResponse, error) {
	// The contract's pattern has at most 18 digits.
	n, err := strconv.ParseInt(strings.TrimPrefix(req.GetWarningId(), "W-"), 10, 64)
	if err != nil {
		return nil, err
	}
	r := idem.FromProto(ctx, receivablesv1.WarningService_AcknowledgeWarning_FullMethodName, req.GetRequestId(), req)
	w, err := s.App.AcknowledgeWarning(ctx, r, n, req.GetNote())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.AcknowledgeWarningResponse{Warning: warningMessage(w)}, nil
}

// GiveWarnings implements WarningService.
func (s *Warnings) GiveWarnings(ctx context.Context, _ *receivablesv1.GiveWarningsRequest) (*receivablesv1.GiveWarningsResponse, error) {
	sweep, err := s.App.GiveWarnings(ctx)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GiveWarningsResponse{Warnings: sweep.Given, Late: sweep.Late}, nil
}

func warningMessage(w warning.Warning) *receivablesv1.Warning {
	out := &receivablesv1.Warning{
		WarningId: w.ID(), ObjectId: w.ObjectID, CustomerId: w.CustomerID, LastDate: w.LastDay.String(), WarningDate: w.GivenDate.String(),
		Kind:     receivablesv1.WarningKind(receivablesv1.WarningKind_value["WARNING_KIND_"+string(w.Kind)]),
		LateDays: int32(w.LateDays), Owner: w.Owner, Text: w.Text, CreateTime: timeOf(w.CreateTime), //nolint:gosec // days
		AcknowledgedBy: w.AcknowledgedBy, AcknowledgeDate: w.AcknowledgedOn.String(), Note: w.Note,
	}
	if w.DaysAhead != warning.Passed {
		ahead := int32(w.DaysAhead) //nolint:gosec // days
		out.DaysAhead = &ahead
	}
	if w.Amount.Currency != "" {
		out.Amount = moneyOf(w.Amount)
	}
	return out
}

// numberToken reads a token of a list by falling numbers; an empty one begins with the greatest.
func numberToken(s *page.Signer, token, checksum string) (int64, error) {
	cursor, err := s.Decode(token, checksum, 1)
	if err != nil || cursor == nil {
		return math.MaxInt64, err
	}
	return number(cursor[0])
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
