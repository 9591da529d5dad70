package rpc

import (
	"context"
	"encoding/hex"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/policy"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/app/reportfile"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// Reports implements ReportService.
type Reports struct {
	pb.UnsafeReportServiceServer
	Reports  *app.Reports
	Zone     *time.Location // in which files show times
	FontFile string         // of documents; empty: the usual places are looked through
}

var _ pb.ReportServiceServer = (*Reports)(nil)

// disposition is the header that tells a browser to save what comes; the gateway passes it on.
const disposition = "content-disposition"

// GetDailyReport implements the contract.
func (s *Reports) GetDailyReport(ctx context.Context, r *pb.GetDailyReportRequest) (*pb.GetDailyReportResponse, error) {
	d, err := s.get(ctx, r.GetDate())
	if err != nil {
		return nil, err
	}
	return &pb.GetDailyReportResponse{Report: dailyOf(d)}, nil
}

func (s *Reports) get(ctx context.Context, text string) (app.Daily, error) {
	date, err := parseDate("date", text)
	if err != nil {
		return app.Daily{}, err
	}
	return s.Reports.Get(ctx, date)
}

// DownloadDailyReport implements the contract.
func (s *Reports) DownloadDailyReport(ctx context.Context, r *pb.DownloadDailyReportRequest) (*httpbody.HttpBody, error) {
	d, err := s.get(ctx, r.GetDate())
	if err != nil {
		return nil, err
	}
	o := reportfile.Options{Language: reportfile.Chinese, Zone: s.Zone, Kept: d.Hash != nil, Hash: d.Hash}
	if r.GetLanguage() == pb.ReportLanguage_REPORT_LANGUAGE_EN {
		o.Language = reportfile.English
	}
	var file reportfile.File
	if r.GetFormat() == pb.ReportFormat_REPORT_FORMAT_XLSX {
		file, err = reportfile.XLSX(d.Daily, o)
	} else {
		font, fontErr := paper.FindFont(s.FontFile)
		if fontErr != nil {
			return nil, fontErr
		}
		file, err = reportfile.PDF(d.Daily, o, font)
	}
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the file could not be made").WithCause(err)
	}
	// The name is made of a date and fixed words, so that it needs no quoting.
	if err := grpc.SetHeader(ctx, metadata.Pairs(disposition, `attachment; filename="`+file.Name+`"`)); err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: file.ContentType, Data: file.Data}, nil
}

// ListDailyReports implements the contract.
func (s *Reports) ListDailyReports(ctx context.Context, r *pb.ListDailyReportsRequest) (*pb.ListDailyReportsResponse, error) {
	page, err := s.Reports.Kept(ctx, r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListDailyReportsResponse{NextPageToken: page.Next}
	for _, d := range page.Items {
		resp.Reports = append(resp.Reports, headOf(d))
	}
	return resp, nil
}

// headOf is a report without its parts.
func headOf(d app.Daily) *pb.DailyReport {
	c := d.Counts
	return &pb.DailyReport{
		BusinessDate: d.Date.String(), MakeTime: timeOf(d.MadeAt), Kept: d.Hash != nil, PolicyVersion: d.Settings.Version, Hash: hex.EncodeToString(d.Hash),
		Counts: &pb.DailyReportCounts{
			OnHold: c.OnHold, Held: c.Held, Releases: c.Releases, Stops: c.Stops, OverLimit: c.OverLimit, NearLimit: c.NearLimit,
			ExpiringGrants: c.Expiring, Violations: c.Violations, Accounts: c.Accounts,
		},
	}
}

func dailyOf(d app.Daily) *pb.DailyReport {
	out := headOf(d)
	out.Settings = &pb.DailyReportSettings{
		Hour: int32(d.Settings.Hour), UtilizationRatio: d.Settings.Utilization.String(), ExpiringDays: int32(d.Settings.ExpiringDays), //nolint:gosec // bounded by the contract
	}
	for _, h := range d.Holds {
		out.Holds = append(out.Holds, &pb.HeldOrderRow{
			OrderId: h.OrderID, CustomerId: h.ID, CustomerName: h.Name, SalespersonId: h.Salesperson, Amount: minorOf(h.Amount, h.Currency),
			Excess: minorOf(h.Excess, h.Currency), DaysOverdue: int32(h.DaysOverdue), Reasons: h.Reasons, SubmitDate: h.SubmitDate.String(), State: string(h.State), //nolint:gosec // days
		})
	}
	for _, x := range d.Releases {
		out.Releases = append(out.Releases, &pb.ReleasedOrderRow{
			OrderId: x.OrderID, CustomerId: x.ID, CustomerName: x.Name, Amount: minorOf(x.Amount, x.Currency), Excess: minorOf(x.Excess, x.Currency),
			DaysOverdue: int32(x.DaysOverdue), Reasons: x.Reasons, AuthorityRow: int32(x.Row), Approvers: x.Approvers, Reason: x.Reason, //nolint:gosec // days and rows are small
		})
	}
	for _, x := range d.Stops {
		out.Stops = append(out.Stops, &pb.StopRow{
			Kind: x.Kind, CustomerId: x.ID, CustomerName: x.Name, OrderId: x.OrderID, Actor: x.Actor, Reason: x.Reason, RecordTime: timestamppb.New(x.At),
		})
	}
	out.OverLimit, out.NearLimit = usesOf(d.OverLimit), usesOf(d.NearLimit)
	for _, x := range d.Expiring {
		out.ExpiringGrants = append(out.ExpiringGrants, &pb.ExpiringGrantRow{
			CustomerId: x.ID, CustomerName: x.Name, SalespersonId: x.Salesperson, ValidUntilDate: x.Until.String(), DaysLeft: int32(x.DaysLeft), //nolint:gosec // days
			LimitKind: limitKindOf(x.LimitKind), Limit: minorOf(x.Limit, x.Currency), Exposure: minorOf(x.Exposure, x.Currency),
		})
	}
	for _, v := range d.Violations {
		out.Violations = append(out.Violations, &pb.ViolationRow{
			AttemptTime: timestamppb.New(v.At), Actor: v.Actor, Roles: v.Roles, Action: v.Action, Subject: v.Subject, CustomerId: v.CustomerID, Reason: v.Reason,
		})
	}
	return out
}

func usesOf(uses []report.Use) []*pb.AccountUseRow {
	var out []*pb.AccountUseRow
	for _, u := range uses {
		out = append(out, &pb.AccountUseRow{
			CustomerId: u.ID, CustomerName: u.Name, SalespersonId: u.Salesperson, Grade: u.Grade, LimitKind: limitKindOf(u.LimitKind),
			Limit: minorOf(u.Limit, u.Currency), Exposure: minorOf(u.Exposure, u.Currency), Excess: minorOf(u.Excess, u.Currency),
			UtilizationBp: u.BasisPoints, OverdueAmount: minorOf(u.Overdue, u.Currency), DaysOverdue: int32(u.DaysOverdue), //nolint:gosec // days
		})
	}
	return out
}

func limitKindOf(k account.LimitKind) pb.LimitKind {
	return enum[pb.LimitKind](pb.LimitKind_value, "LIMIT_KIND_", string(k))
}

// amountsOf are sums by currency.
func amountsOf(sums map[string]int64, currencies []string) []*typev1.Money {
	var out []*typev1.Money
	for _, c := range currencies {
		out = append(out, moneyOf(money.New(sums[c], c)))
	}
	return out
}

// DecodeReportSettings reads what a stored policy version says of the daily report.
func DecodeReportSettings(v policy.Version) (report.Settings, error) {
	spec := &pb.OrderPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return report.Settings{}, errs.New(errs.Internal, "POLICY_UNREADABLE", "policy version %d cannot be read", v.Version).WithCause(err)
	}
	s := report.DefaultSettings(v.Version)
	for _, r := range spec.GetRules() {
		if r.GetNameZh() == "" {
			continue
		}
		if s.RuleNames == nil {
			s.RuleNames = map[string]string{}
		}
		s.RuleNames[r.GetName()] = r.GetNameZh()
	}
	d := spec.GetDailyReport()
	if d == nil {
		return s, nil
	}
	s.Hour, s.ExpiringDays = int(d.GetHour()), int(d.GetExpiringDays())
	var err error
	s.Utilization, err = money.ParseRatio(d.GetUtilizationRatio())
	return s, err
}
