package rpc

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/paper"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/app/meetingfile"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/meeting"
)

// Meetings serves OverdueMeetingService.
type Meetings struct {
	receivablesv1.UnsafeOverdueMeetingServiceServer
	App      *app.Service
	FontFile string // of documents; empty: the usual places are looked through
}

var _ receivablesv1.OverdueMeetingServiceServer = (*Meetings)(nil)

// GetOverdueMeeting implements OverdueMeetingService.
func (s *Meetings) GetOverdueMeeting(ctx context.Context, req *receivablesv1.GetOverdueMeetingRequest) (*receivablesv1.GetOverdueMeetingResponse, error) {
	p, err := s.App.Meeting(ctx, req.GetMonth())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetOverdueMeetingResponse{Meeting: packOf(p, s.App.Today(ctx))}, nil
}

// DownloadOverdueMeeting implements OverdueMeetingService.
func (s *Meetings) DownloadOverdueMeeting(ctx context.Context, req *receivablesv1.DownloadOverdueMeetingRequest) (*httpbody.HttpBody, error) {
	p, err := s.App.Meeting(ctx, req.GetMonth())
	if err != nil {
		return nil, err
	}
	english := req.GetLanguage() == receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH
	var file reportfile.File
	if req.GetFormat() == receivablesv1.MeetingFormat_MEETING_FORMAT_XLSX {
		file, err = meetingfile.XLSX(p, english)
	} else {
		font, fontErr := paper.FindFont(s.FontFile)
		if fontErr != nil {
			return nil, fontErr
		}
		file, err = meetingfile.PDF(p, english, font, s.App.Clock.Now())
	}
	return download(ctx, file, err)
}

// RecordMinutes implements OverdueMeetingService.
func (s *Meetings) RecordMinutes(ctx context.Context, req *receivablesv1.RecordMinutesRequest) (*receivablesv1.RecordMinutesResponse, error) {
	var f fields
	var actions []meeting.Action
	for n, a := range req.GetActionItems() {
		actions = append(actions, meeting.Action{
			Text: a.GetText(), Owner: a.GetOwner(), DueDate: f.date(fmt.Sprintf("action_items[%d].due_date", n), a.GetDueDate()), CustomerID: a.GetCustomerId(),
		})
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.OverdueMeetingService_RecordMinutes_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.RecordMinutes(ctx, r, meeting.Minutes{Month: req.GetMonth(), Text: req.GetText(), Present: req.GetPresent()}, actions)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.RecordMinutesResponse{}
	for _, a := range out {
		resp.ActionItems = append(resp.ActionItems, actionOf(a, s.App.Today(ctx)))
	}
	return resp, nil
}

// CloseActionItem implements OverdueMeetingService.
func (s *Meetings) CloseActionItem(ctx context.Context, req *receivablesv1.CloseActionItemRequest) (*receivablesv1.CloseActionItemResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.OverdueMeetingService_CloseActionItem_FullMethodName, req.GetRequestId(), req)
	a, err := s.App.CloseAction(ctx, r, req.GetActionItemId(), req.GetResult())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.CloseActionItemResponse{ActionItem: actionOf(a, s.App.Today(ctx))}, nil
}

func actionOf(a meeting.Action, today calendar.Date) *receivablesv1.ActionItem {
	return &receivablesv1.ActionItem{
		ActionItemId: a.ID, Month: a.Month, Text: a.Text, Owner: a.Owner, DueDate: a.DueDate.String(), CustomerId: a.CustomerID,
		ClosedBy: a.ClosedBy, CloseDate: a.CloseDate.String(), Result: a.Result, Late: a.Late(today),
	}
}

func packOf(p meeting.Pack, today calendar.Date) *receivablesv1.OverdueMeeting {
	out := &receivablesv1.OverdueMeeting{Month: p.Month, AsOfDate: p.Day.String()}
	for _, person := range p.People {
		row := &receivablesv1.ResponsibleOverdue{SalespersonId: person.ID, Overdue: moneys(person.Overdue)}
		for _, c := range person.Customers {
			row.Customers = append(row.Customers, overdueOf(c))
		}
		out.People = append(out.People, row)
	}
	for _, m := range p.Minutes {
		out.Minutes = append(out.Minutes, &receivablesv1.Minutes{
			Text: m.Text, Present: m.Present, WrittenBy: m.WrittenBy, Date: m.Date.String(), CreateTime: timeOf(m.CreateTime),
		})
	}
	for _, a := range p.Actions {
		out.ActionItems = append(out.ActionItems, actionOf(a, today))
	}
	return out
}

func overdueOf(c meeting.Customer) *receivablesv1.OverdueCustomer {
	out := &receivablesv1.OverdueCustomer{
		CustomerId: c.ID, DisplayName: c.DisplayName, Overdue: moneyOf(c.Overdue), OverdueBefore: moneyOf(c.Before), Items: int32(c.Items), //nolint:gosec // items of one customer
		OldestDays: int32(c.OldestDays), DunningLevel: int32(c.Level), NextStep: c.NextStep, NextDate: c.NextDate.String(), //nolint:gosec // days
	}
	for _, l := range c.History {
		out.History = append(out.History, &receivablesv1.HistoryLine{Date: l.Date.String(), Kind: l.Kind, Text: l.Text, By: l.By})
	}
	return out
}
