package rpc

import (
	"context"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/paper"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app/ratingfile"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/rating/report"
)

// GetRatingReport implements the contract.
func (s Ratings) GetRatingReport(ctx context.Context, req *evaluationv1.GetRatingReportRequest) (*evaluationv1.GetRatingReportResponse, error) {
	r, _, err := s.App.RatingReport(ctx, req.GetRatingId(), languageIn(req.GetLanguage()))
	if err != nil {
		return nil, err
	}
	m := &evaluationv1.RatingReport{RatingId: req.GetRatingId(), Language: string(r.Language), Title: r.Title}
	for _, p := range r.Parts {
		part := &evaluationv1.RatingReportPart{Heading: p.Heading, Lines: p.Lines}
		for _, c := range p.Columns {
			part.Columns = append(part.Columns, c.Title)
		}
		for _, row := range p.Rows {
			part.Rows = append(part.Rows, &evaluationv1.RatingReportRow{Cells: row})
		}
		m.Parts = append(m.Parts, part)
	}
	return &evaluationv1.GetRatingReportResponse{Report: m}, nil
}

// DownloadRatingReport implements the contract.
func (s Ratings) DownloadRatingReport(ctx context.Context, req *evaluationv1.DownloadRatingReportRequest) (*httpbody.HttpBody, error) {
	r, day, err := s.App.RatingReport(ctx, req.GetRatingId(), languageIn(req.GetLanguage()))
	if err != nil {
		return nil, err
	}
	font, err := paper.FindFont(s.FontFile)
	if err != nil {
		return nil, err
	}
	made := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	file, err := ratingfile.PDF(r, req.GetRatingId(), made, font)
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the file could not be made").WithCause(err)
	}
	// The name is made of an id without anything that needs quoting.
	if err := grpc.SetHeader(ctx, metadata.Pairs(disposition, `attachment; filename="`+file.Name+`"`)); err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: file.ContentType, Data: file.Data}, nil
}

func languageIn(l evaluationv1.ReportLanguage) report.Language {
	if l == evaluationv1.ReportLanguage_REPORT_LANGUAGE_EN {
		return report.English
	}
	return report.Chinese
}

func raiseOut(r *rating.Raise) *evaluationv1.GradeRaise {
	if r == nil {
		return nil
	}
	m := &evaluationv1.GradeRaise{To: gradeOut(r.To)}
	for _, n := range r.Needs {
		need := &evaluationv1.RaiseNeed{
			Kind: number[evaluationv1.RaiseNeedKind](string(n.Kind), evaluationv1.RaiseNeedKind_value, "RAISE_NEED_KIND_"), Dimension: n.Dimension,
			Name: n.Name, Value: n.Value, Missing: n.Missing, Unit: n.Unit, Grade: gradeOut(n.Grade), Points: n.Points, PointsNow: n.PointsNow,
			WantedFact: strings.ToLower(string(n.Fact)), FactIds: n.FactIDs,
		}
		switch n.Bound {
		case criteria.AtLeast:
			need.Bound = &evaluationv1.RaiseNeed_AtLeast{AtLeast: n.Target}
		case criteria.AtMost:
			need.Bound = &evaluationv1.RaiseNeed_AtMost{AtMost: n.Target}
		case criteria.Otherwise:
		}
		m.Needs = append(m.Needs, need)
	}
	return m
}
