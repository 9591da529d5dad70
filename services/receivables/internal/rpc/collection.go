package rpc

import (
	"context"
	"fmt"
	"strconv"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/dispute"
	"github.com/avalcredit/aval/services/receivables/internal/promise"
	"github.com/avalcredit/aval/services/receivables/internal/worklist"
)

// Collection serves CollectionService.
type Collection struct {
	receivablesv1.UnsafeCollectionServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.CollectionServiceServer = (*Collection)(nil)

const (
	prefixPromise = "PROMISE_STATE"
	prefixBadge   = "PROMISE_BADGE"
	prefixReason  = "DISPUTE_REASON"
	prefixOutcome = "DISPUTE_OUTCOME"
	prefixChannel = "CONTACT_CHANNEL"
	prefixResult  = "CONTACT_RESULT"
)

// RecordPromise implements CollectionService.
func (s *Collection) RecordPromise(ctx context.Context, req *receivablesv1.RecordPromiseRequest) (*receivablesv1.RecordPromiseResponse, error) {
	var f fields
	in := req.GetPromise()
	d := promise.Draft{ID: in.GetPromiseId(), CustomerID: in.GetCustomerId(), ItemIDs: in.GetItemIds(), PromisedBy: in.GetPromisedBy(), Note: in.GetNote()}
	for n, p := range in.GetParts() {
		at := fmt.Sprintf("promise.parts[%d]", n)
		d.Parts = append(d.Parts, promise.Part{Date: f.date(at+".date", p.GetDate()), Amount: f.money(at+".amount", p.GetAmount())})
	}
	if f.err != nil {
		return nil, f.err
	}
	out, err := s.App.RecordPromise(ctx, idem.FromProto(ctx, receivablesv1.CollectionService_RecordPromise_FullMethodName, req.GetRequestId(), req), d)
	if err != nil {
		return nil, err
	}
	p, err := s.promiseOf(ctx, out)
	return &receivablesv1.RecordPromiseResponse{Promise: p}, err
}

// WithdrawPromise implements CollectionService.
func (s *Collection) WithdrawPromise(ctx context.Context, req *receivablesv1.WithdrawPromiseRequest) (*receivablesv1.WithdrawPromiseResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CollectionService_WithdrawPromise_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.WithdrawPromise(ctx, r, req.GetPromiseId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	p, err := s.promiseOf(ctx, out)
	return &receivablesv1.WithdrawPromiseResponse{Promise: p}, err
}

// GetPromise implements CollectionService.
func (s *Collection) GetPromise(ctx context.Context, req *receivablesv1.GetPromiseRequest) (*receivablesv1.GetPromiseResponse, error) {
	out, err := s.App.Promise(ctx, req.GetPromiseId())
	if err != nil {
		return nil, err
	}
	p, err := s.promiseOf(ctx, out)
	return &receivablesv1.GetPromiseResponse{Promise: p}, err
}

// ListPromises implements CollectionService.
func (s *Collection) ListPromises(ctx context.Context, req *receivablesv1.ListPromisesRequest) (*receivablesv1.ListPromisesResponse, error) {
	checksum := page.Checksum("promises", req.GetCustomerId(), req.GetState().String(), req.GetBadge().String())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, next, err := s.App.Promises(ctx, app.CollectionQuery{CustomerID: req.GetCustomerId(), After: after, Limit: size})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListPromisesResponse{NextPageToken: tokenAfter(s.Pages, checksum, next)}
	for _, j := range list {
		p, err := s.promiseOf(ctx, j)
		if err != nil {
			return nil, err
		}
		if (req.GetState() == 0 || p.GetState() == req.GetState()) && (req.GetBadge() == 0 || p.GetBadge() == req.GetBadge()) {
			resp.Promises = append(resp.Promises, p)
		}
	}
	return resp, nil
}

func (s *Collection) promiseOf(ctx context.Context, j app.Promise) (*receivablesv1.Promise, error) {
	remind, err := s.App.RemindDays(ctx)
	if err != nil {
		return nil, err
	}
	p := j.Promise
	out := &receivablesv1.Promise{
		PromiseId: p.ID, CustomerId: p.CustomerID, ItemIds: p.ItemIDs, PromisedBy: p.PromisedBy, Note: p.Note,
		State:  enumOf[receivablesv1.PromiseState](receivablesv1.PromiseState_value, prefixPromise, string(j.State)),
		Amount: moneyOf(p.Amount()), ReceivedAmount: moneyOf(j.Received), UnpaidAmount: moneyOf(j.Unpaid), BrokenDate: j.BrokenOn.String(),
		NextDate: j.NextDate.String(), GraceDays: int32(p.GraceDays), RecordedBy: p.RecordedBy, RecordDate: p.RecordDate.String(), //nolint:gosec // at most 60
		Badge: enumOf[receivablesv1.PromiseBadge](receivablesv1.PromiseBadge_value, prefixBadge,
			string(j.Judgement.Badge(remind, s.App.Clock.Today(ctx)))),
		CreateTime: timeOf(p.CreateTime), WithdrawnBy: p.WithdrawnBy, WithdrawReason: p.WithdrawReason,
	}
	for _, part := range p.Parts {
		out.Parts = append(out.Parts, &receivablesv1.PromisePart{Date: part.Date.String(), Amount: moneyOf(part.Amount)})
	}
	return out, nil
}

// OpenDispute implements CollectionService.
func (s *Collection) OpenDispute(ctx context.Context, req *receivablesv1.OpenDisputeRequest) (*receivablesv1.OpenDisputeResponse, error) {
	var f fields
	in := req.GetDispute()
	d := dispute.Dispute{
		ID: in.GetDisputeId(), CustomerID: in.GetCustomerId(), ItemID: in.GetItemId(), Reason: dispute.Reason(wordOf(in.GetReason(), prefixReason)),
		Text: in.GetText(), Owner: in.GetOwner(), DueDate: f.date("dispute.due_date", in.GetDueDate()),
	}
	if in.GetAmount() != nil {
		m := f.money("dispute.amount", in.GetAmount())
		d.Amount = &m
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.CollectionService_OpenDispute_FullMethodName, req.GetRequestId(), req)
	if _, err := s.App.OpenDispute(ctx, r, d); err != nil {
		return nil, err
	}
	out, err := s.dispute(ctx, d.ID)
	return &receivablesv1.OpenDisputeResponse{Dispute: out}, err
}

// AssignDispute implements CollectionService.
func (s *Collection) AssignDispute(ctx context.Context, req *receivablesv1.AssignDisputeRequest) (*receivablesv1.AssignDisputeResponse, error) {
	var f fields
	due := f.date("due_date", req.GetDueDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.CollectionService_AssignDispute_FullMethodName, req.GetRequestId(), req)
	if _, err := s.App.AssignDispute(ctx, r, req.GetDisputeId(), req.GetOwner(), due, req.GetReason()); err != nil {
		return nil, err
	}
	out, err := s.dispute(ctx, req.GetDisputeId())
	return &receivablesv1.AssignDisputeResponse{Dispute: out}, err
}

// CloseDispute implements CollectionService.
func (s *Collection) CloseDispute(ctx context.Context, req *receivablesv1.CloseDisputeRequest) (*receivablesv1.CloseDisputeResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CollectionService_CloseDispute_FullMethodName, req.GetRequestId(), req)
	closing := dispute.Closing{Outcome: dispute.Outcome(wordOf(req.GetOutcome(), prefixOutcome)), DocumentID: req.GetDocumentId(), Text: req.GetText()}
	if _, err := s.App.CloseDispute(ctx, r, req.GetDisputeId(), closing); err != nil {
		return nil, err
	}
	out, err := s.dispute(ctx, req.GetDisputeId())
	return &receivablesv1.CloseDisputeResponse{Dispute: out}, err
}

// GetDispute implements CollectionService.
func (s *Collection) GetDispute(ctx context.Context, req *receivablesv1.GetDisputeRequest) (*receivablesv1.GetDisputeResponse, error) {
	out, err := s.dispute(ctx, req.GetDisputeId())
	return &receivablesv1.GetDisputeResponse{Dispute: out}, err
}

func (s *Collection) dispute(ctx context.Context, id string) (*receivablesv1.Dispute, error) {
	d, err := s.App.Dispute(ctx, id)
	if err != nil {
		return nil, err
	}
	return disputeOf(d, s.App.Clock.Today(ctx)), nil
}

// ListDisputes implements CollectionService.
func (s *Collection) ListDisputes(ctx context.Context, req *receivablesv1.ListDisputesRequest) (*receivablesv1.ListDisputesResponse, error) {
	open := ""
	if req.GetOpen() {
		open = "open"
	}
	checksum := page.Checksum("disputes", req.GetCustomerId(), req.GetOwner(), open)
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, next, err := s.App.Disputes(ctx, app.CollectionQuery{
		CustomerID: req.GetCustomerId(), Owner: req.GetOwner(), Live: req.GetOpen(), After: after, Limit: size,
	})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListDisputesResponse{NextPageToken: tokenAfter(s.Pages, checksum, next)}
	for _, d := range list {
		resp.Disputes = append(resp.Disputes, disputeOf(d, s.App.Clock.Today(ctx)))
	}
	return resp, nil
}

func disputeOf(d app.Disputed, today calendar.Date) *receivablesv1.Dispute {
	out := &receivablesv1.Dispute{
		DisputeId: d.Dispute.ID, CustomerId: d.CustomerID, ItemId: d.ItemID,
		Reason: enumOf[receivablesv1.DisputeReason](receivablesv1.DisputeReason_value, prefixReason, string(d.Reason)),
		Text:   d.Text, Owner: d.Owner, DueDate: d.Dispute.DueDate.String(),
		Outcome:    enumOf[receivablesv1.DisputeOutcome](receivablesv1.DisputeOutcome_value, prefixOutcome, string(d.Outcome)),
		DocumentId: d.DocumentID, OutcomeText: d.OutcomeText, OpenedBy: d.OpenedBy, OpenDate: d.OpenDate.String(), CreateTime: timeOf(d.CreateTime),
		ClosedBy: d.ClosedBy, CloseDate: d.CloseDate.String(), Late: d.Late(today), DisputedAmount: moneyOf(d.Of(d.Open)),
	}
	if d.Amount != nil {
		out.Amount = moneyOf(*d.Amount)
	}
	return out
}

// LogContact implements CollectionService.
func (s *Collection) LogContact(ctx context.Context, req *receivablesv1.LogContactRequest) (*receivablesv1.LogContactResponse, error) {
	var f fields
	in := req.GetContact()
	d := worklist.Contact{
		ID: in.GetContactId(), CustomerID: in.GetCustomerId(), Channel: wordOf(in.GetChannel(), prefixChannel), Result: wordOf(in.GetResult(), prefixResult),
		Person: in.GetPerson(), Text: in.GetText(), ItemIDs: in.GetItemIds(), NextDate: f.date("contact.next_action_date", in.GetNextActionDate()),
		NextAction: in.GetNextAction(),
	}
	if f.err != nil {
		return nil, f.err
	}
	out, err := s.App.LogContact(ctx, idem.FromProto(ctx, receivablesv1.CollectionService_LogContact_FullMethodName, req.GetRequestId(), req), d)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.LogContactResponse{Contact: contactOf(out)}, nil
}

// ListContacts implements CollectionService.
func (s *Collection) ListContacts(ctx context.Context, req *receivablesv1.ListContactsRequest) (*receivablesv1.ListContactsResponse, error) {
	checksum := page.Checksum("contacts", req.GetCustomerId())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, next, err := s.App.Contacts(ctx, app.CollectionQuery{CustomerID: req.GetCustomerId(), After: after, Limit: size})
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListContactsResponse{NextPageToken: tokenAfter(s.Pages, checksum, next)}
	for _, c := range list {
		resp.Contacts = append(resp.Contacts, contactOf(c))
	}
	return resp, nil
}

func contactOf(c worklist.Contact) *receivablesv1.Contact {
	return &receivablesv1.Contact{
		ContactId: c.ID, CustomerId: c.CustomerID, Channel: enumOf[receivablesv1.ContactChannel](receivablesv1.ContactChannel_value, prefixChannel, c.Channel),
		Result: enumOf[receivablesv1.ContactResult](receivablesv1.ContactResult_value, prefixResult, c.Result), Person: c.Person, Text: c.Text,
		ItemIds: c.ItemIDs, NextActionDate: c.NextDate.String(), NextAction: c.NextAction, LoggedBy: c.LoggedBy, ContactDate: c.Date.String(),
		CreateTime: timeOf(c.CreateTime),
	}
}

// AssignCollector implements CollectionService.
func (s *Collection) AssignCollector(ctx context.Context, req *receivablesv1.AssignCollectorRequest) (*receivablesv1.AssignCollectorResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CollectionService_AssignCollector_FullMethodName, req.GetRequestId(), req)
	n, err := s.App.AssignCollector(ctx, r, req.GetCollector(), req.GetCustomerIds())
	return &receivablesv1.AssignCollectorResponse{Changed: int32(n)}, err //nolint:gosec // at most 1,000
}

// HandOverCollection implements CollectionService.
func (s *Collection) HandOverCollection(ctx context.Context, req *receivablesv1.HandOverCollectionRequest) (*receivablesv1.HandOverCollectionResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.CollectionService_HandOverCollection_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.HandOverCollection(ctx, r, req.GetCollector(), req.GetToCollector(), req.GetReason())
	return &receivablesv1.HandOverCollectionResponse{Customers: int32(out.Customers), Disputes: int32(out.Disputes)}, err //nolint:gosec // customers of one person
}

// GetWorklist implements CollectionService.
func (s *Collection) GetWorklist(ctx context.Context, req *receivablesv1.GetWorklistRequest) (*receivablesv1.GetWorklistResponse, error) {
	checksum := page.Checksum("worklist", req.GetCollector())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 1)
	if err != nil {
		return nil, err
	}
	var skip int64
	if cursor != nil {
		if skip, err = number(cursor[0]); err != nil {
			return nil, err
		}
	}
	list, err := s.App.Worklist(ctx, req.GetCollector())
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetWorklistResponse{PromisesBadge: int32(list.Badge), Customers: int32(len(list.Cases))} //nolint:gosec // customers of one person
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	rest := list.Cases[min(int(skip), len(list.Cases)):]
	if len(rest) > size {
		rest = rest[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, strconv.FormatInt(skip+int64(size), 10))
	}
	for _, c := range rest {
		resp.Items = append(resp.Items, workItemOf(c))
	}
	return resp, nil
}

func workItemOf(c worklist.Ranked) *receivablesv1.WorkItem {
	out := &receivablesv1.WorkItem{
		CustomerId: c.CustomerID, DisplayName: c.DisplayName, Tenths: int32(c.Tenths), Overdue: moneyOf(c.Overdue), Disputed: moneyOf(c.Disputed), //nolint:gosec // points
		Promised: moneyOf(c.Promised), OldestDays: int32(c.OldestDays), DunningLevel: int32(c.Level), BrokenPromises: int32(c.BrokenPromises), //nolint:gosec // days, counts
		PromisesNear: int32(c.PromisesNear), LastContactDate: c.LastContact.String(), NextActionDate: c.NextAction.String(), //nolint:gosec // a count
		NextStep: string(c.Step), SalespersonId: c.Salesperson,
	}
	for _, p := range c.Parts {
		out.Parts = append(out.Parts, &receivablesv1.ScorePart{Part: string(p.Part), Tenths: int32(p.Tenths), MostTenths: int32(p.Most), Why: p.Why}) //nolint:gosec // points
	}
	return out
}

// GetCollectionOverview implements CollectionService.
func (s *Collection) GetCollectionOverview(ctx context.Context, req *receivablesv1.GetCollectionOverviewRequest) (*receivablesv1.GetCollectionOverviewResponse, error) {
	var f fields
	from, to := f.date("from_date", req.GetFromDate()), f.date("to_date", req.GetToDate())
	if f.err != nil {
		return nil, f.err
	}
	list, err := s.App.Overview(ctx, from, to)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetCollectionOverviewResponse{}
	for _, c := range list {
		resp.Collectors = append(resp.Collectors, &receivablesv1.CollectorOverview{
			Collector: c.Collector, Customers: int32(c.Customers), Overdue: moneys(c.Overdue), Contacted: int32(c.Contacted), Contacts: int32(c.Contacts), //nolint:gosec // counts
			ActionsLate: int32(c.ActionsLate), Promises: int32(c.Promises), PromisesBroken: int32(c.Broken), DisputesOpen: int32(c.DisputesOpen), //nolint:gosec // counts
			Collected: moneys(c.Collected),
		})
	}
	return resp, nil
}
