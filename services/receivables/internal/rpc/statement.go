package rpc

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/paper"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// Statements serves StatementService.
type Statements struct {
	receivablesv1.UnsafeStatementServiceServer
	App   *app.Service
	Pages *page.Signer
	Clock calendar.Clock
}

var _ receivablesv1.StatementServiceServer = (*Statements)(nil)

// SetCorrespondence implements StatementService.
func (s *Statements) SetCorrespondence(ctx context.Context, req *receivablesv1.SetCorrespondenceRequest) (*receivablesv1.SetCorrespondenceResponse, error) {
	in := req.GetCorrespondence()
	c := statement.Correspondence{CustomerID: in.GetCustomerId(), Emails: in.GetEmails(), Language: letterLanguage(in.GetLanguage())}
	if c.Language == "" {
		c.Language = statement.Chinese
	}
	r := idem.FromProto(ctx, receivablesv1.StatementService_SetCorrespondence_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SetCorrespondence(ctx, r, c)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.SetCorrespondenceResponse{Correspondence: correspondenceOf(out)}, nil
}

// GetCorrespondence implements StatementService.
func (s *Statements) GetCorrespondence(ctx context.Context, req *receivablesv1.GetCorrespondenceRequest) (*receivablesv1.GetCorrespondenceResponse, error) {
	out, err := s.App.Correspondence(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetCorrespondenceResponse{Correspondence: correspondenceOf(out)}, nil
}

func correspondenceOf(c statement.Correspondence) *receivablesv1.Correspondence {
	return &receivablesv1.Correspondence{
		CustomerId: c.CustomerID, Emails: c.Emails, Language: letterLanguageOf(c.Language), ChangedBy: c.ChangedBy, ChangeTime: timeOf(c.ChangeTime),
	}
}

func letterLanguage(l receivablesv1.LetterLanguage) statement.Language {
	switch l {
	case receivablesv1.LetterLanguage_LETTER_LANGUAGE_ZH:
		return statement.Chinese
	case receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN:
		return statement.English
	default:
		return ""
	}
}

func letterLanguageOf(l statement.Language) receivablesv1.LetterLanguage {
	if l == statement.English {
		return receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN
	}
	return receivablesv1.LetterLanguage_LETTER_LANGUAGE_ZH
}

// DraftStatements implements StatementService.
func (s *Statements) DraftStatements(ctx context.Context, req *receivablesv1.DraftStatementsRequest) (*receivablesv1.DraftStatementsResponse, error) {
	var f fields
	d := app.Drafting{
		Kind: statementKind(req.GetKind()), AsOf: f.date("as_of_date", req.GetAsOfDate()), From: f.date("from_date", req.GetFromDate()),
		CustomerIDs: req.GetCustomerIds(), Language: letterLanguage(req.GetLanguage()),
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.StatementService_DraftStatements_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.DraftStatements(ctx, r, d)
	if err != nil {
		return nil, err
	}
	list, err := s.statements(ctx, out.Statements...)
	return &receivablesv1.DraftStatementsResponse{Statements: list, More: out.More}, err
}

func statementKind(k receivablesv1.StatementKind) statement.Kind {
	switch k {
	case receivablesv1.StatementKind_STATEMENT_KIND_ACCOUNT:
		return statement.Account
	case receivablesv1.StatementKind_STATEMENT_KIND_CONFIRMATION:
		return statement.Confirmation
	default:
		return ""
	}
}

// SendStatements implements StatementService.
func (s *Statements) SendStatements(ctx context.Context, req *receivablesv1.SendStatementsRequest) (*receivablesv1.SendStatementsResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.StatementService_SendStatements_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SendStatements(ctx, r, req.GetStatementIds(), req.GetByPost())
	if err != nil {
		return nil, err
	}
	list, err := s.statements(ctx, out...)
	return &receivablesv1.SendStatementsResponse{Statements: list}, err
}

// GetStatement implements StatementService.
func (s *Statements) GetStatement(ctx context.Context, req *receivablesv1.GetStatementRequest) (*receivablesv1.GetStatementResponse, error) {
	out, err := s.one(ctx)(s.App.AccountStatement(ctx, req.GetStatementId()))
	return &receivablesv1.GetStatementResponse{Statement: out}, err
}

// ListStatements implements StatementService.
func (s *Statements) ListStatements(ctx context.Context, req *receivablesv1.ListStatementsRequest) (*receivablesv1.ListStatementsResponse, error) {
	var f fields
	asOf := f.date("as_of_date", req.GetAsOfDate())
	if f.err != nil {
		return nil, f.err
	}
	checksum := page.Checksum("accountStatements", req.GetCustomerId(), req.GetState().String(), req.GetKind().String(), req.GetAsOfDate())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := statement.Query{CustomerID: req.GetCustomerId(), Kind: statementKind(req.GetKind()), AsOf: asOf, State: statementStateIn(req.GetState()), Limit: size + 1}
	if after != nil {
		q.AfterTime, q.AfterID = after.CreateTime, after.ID
	}
	list, err := s.App.Statements(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ListStatementsResponse{}
	if len(list) > size {
		list = list[:size]
		out.NextPageToken = placeToken(s.Pages, checksum, list[size-1].CreateTime, list[size-1].ID)
	}
	for i := range list {
		list[i].Entries, list[i].Items = nil, nil
	}
	out.Statements, err = s.statements(ctx, list...)
	return out, err
}

// DownloadStatement implements StatementService.
func (s *Statements) DownloadStatement(ctx context.Context, req *receivablesv1.DownloadStatementRequest) (*httpbody.HttpBody, error) {
	name, content, err := s.App.StatementDocument(ctx, req.GetStatementId())
	if err != nil {
		return nil, err
	}
	// The name is made of a number, a date and fixed words, so that it needs no quoting.
	if err := grpc.SetHeader(ctx, metadata.Pairs("content-disposition", `attachment; filename="`+name+`"`)); err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: paper.ContentType, Data: content}, nil
}

// RecordStatementAnswer implements StatementService.
func (s *Statements) RecordStatementAnswer(ctx context.Context, req *receivablesv1.RecordStatementAnswerRequest) (*receivablesv1.RecordStatementAnswerResponse, error) {
	var f fields
	a := statement.Answer{AnswerDate: f.date("answer_date", req.GetAnswerDate()), AnsweredBy: req.GetAnsweredBy(), Reason: req.GetReason()}
	if req.GetCustomerFigure() != nil {
		figure := f.money("customer_figure", req.GetCustomerFigure())
		a.Figure = &figure
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.StatementService_RecordStatementAnswer_FullMethodName, req.GetRequestId(), req)
	out, err := s.one(ctx)(s.App.RecordStatementAnswer(ctx, r, req.GetStatementId(), req.GetAgrees(), a))
	return &receivablesv1.RecordStatementAnswerResponse{Statement: out}, err
}

// CancelStatement implements StatementService.
func (s *Statements) CancelStatement(ctx context.Context, req *receivablesv1.CancelStatementRequest) (*receivablesv1.CancelStatementResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.StatementService_CancelStatement_FullMethodName, req.GetRequestId(), req)
	out, err := s.one(ctx)(s.App.CancelStatement(ctx, r, req.GetStatementId(), req.GetReason()))
	return &receivablesv1.CancelStatementResponse{Statement: out}, err
}

func (s *Statements) one(ctx context.Context) func(statement.Statement, error) (*receivablesv1.AccountStatement, error) {
	return func(st statement.Statement, err error) (*receivablesv1.AccountStatement, error) {
		if err != nil {
			return nil, err
		}
		list, err := s.statements(ctx, st)
		if err != nil {
			return nil, err
		}
		return list[0], nil
	}
}

func (s *Statements) statements(ctx context.Context, list ...statement.Statement) ([]*receivablesv1.AccountStatement, error) {
	wait, err := s.App.AnswerDays(ctx)
	if err != nil {
		return nil, err
	}
	today := s.Clock.Today(ctx)
	out := make([]*receivablesv1.AccountStatement, len(list))
	for i, st := range list {
		out[i] = &receivablesv1.AccountStatement{
			StatementId: st.ID, CustomerId: st.CustomerID, DisplayName: st.CustomerName, Kind: statementKindOf(st.Kind), Language: letterLanguageOf(st.Language),
			FromDate: st.From.String(), AsOfDate: st.AsOf.String(), OpeningBalance: moneyOf(st.Opening), Balance: moneyOf(st.Balance),
			UnappliedAmount: moneyOf(st.Unapplied), State: statementStateOf(st.State(today, wait)), DraftedBy: st.DraftedBy, CreateTime: timeOf(st.CreateTime),
			Recipients: st.Recipients, ByPost: st.ByPost, SentBy: st.SentBy, SentDate: st.SentDate.String(), LetterKey: st.LetterKey,
			AnswerDate: st.AnswerDate.String(), AnsweredBy: st.AnsweredBy, CustomerFigure: moneyOrNone(st.Figure), Difference: moneyOrNone(st.Difference()),
			Reason: st.Reason, RecordedBy: st.RecordedBy,
		}
		for _, e := range st.Entries {
			out[i].Entries = append(out[i].Entries, &receivablesv1.StatementEntry{
				Date: e.Date.String(), Kind: e.Kind, DocumentId: e.DocumentID, Amount: moneyOf(e.Amount), Balance: moneyOf(e.Balance),
			})
		}
		for _, item := range st.Items {
			out[i].Items = append(out[i].Items, &receivablesv1.StatementItem{
				ItemId: item.ID, DocumentDate: item.DocumentDate.String(), DueDate: item.DueDate.String(), Amount: moneyOf(item.Amount), OpenAmount: moneyOf(item.Open),
			})
		}
	}
	return out, nil
}

func statementKindOf(k statement.Kind) receivablesv1.StatementKind {
	if k == statement.Confirmation {
		return receivablesv1.StatementKind_STATEMENT_KIND_CONFIRMATION
	}
	return receivablesv1.StatementKind_STATEMENT_KIND_ACCOUNT
}

// statementStates are the states as the contract has them.
func statementStates() map[statement.State]receivablesv1.StatementState {
	return map[statement.State]receivablesv1.StatementState{
		statement.State(statement.Drafted): receivablesv1.StatementState_STATEMENT_STATE_DRAFTED, statement.StateQueued: receivablesv1.StatementState_STATEMENT_STATE_QUEUED,
		statement.State(statement.Sent): receivablesv1.StatementState_STATEMENT_STATE_SENT, statement.StateNotDelivered: receivablesv1.StatementState_STATEMENT_STATE_NOT_DELIVERED,
		statement.State(statement.Confirmed): receivablesv1.StatementState_STATEMENT_STATE_CONFIRMED, statement.State(statement.Differs): receivablesv1.StatementState_STATEMENT_STATE_DIFFERS,
		statement.StateNoAnswer: receivablesv1.StatementState_STATEMENT_STATE_NO_ANSWER, statement.State(statement.Cancelled): receivablesv1.StatementState_STATEMENT_STATE_CANCELLED,
	}
}

func statementStateOf(s statement.State) receivablesv1.StatementState { return statementStates()[s] }

func statementStateIn(s receivablesv1.StatementState) statement.State {
	for state, m := range statementStates() {
		if m == s {
			return state
		}
	}
	return ""
}

// Letters serves LetterService.
type Letters struct {
	receivablesv1.UnsafeLetterServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.LetterServiceServer = (*Letters)(nil)

// ListLetters implements LetterService.
func (s *Letters) ListLetters(ctx context.Context, req *receivablesv1.ListLettersRequest) (*receivablesv1.ListLettersResponse, error) {
	checksum := page.Checksum("letters", req.GetState())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 1)
	if err != nil {
		return nil, err
	}
	after := ""
	if cursor != nil {
		after = cursor[0]
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	list, err := s.App.MailLetters(ctx, mail.State(req.GetState()), after, size+1)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ListLettersResponse{}
	if len(list) > size {
		list = list[:size]
		out.NextPageToken = s.Pages.Encode(checksum, list[size-1].Key)
	}
	for _, l := range list {
		out.Letters = append(out.Letters, letterOf(l))
	}
	return out, nil
}

// ResendLetter implements LetterService.
func (s *Letters) ResendLetter(ctx context.Context, req *receivablesv1.ResendLetterRequest) (*receivablesv1.ResendLetterResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.LetterService_ResendLetter_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.ResendLetter(ctx, r, req.GetLetterKey())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ResendLetterResponse{Letter: letterOf(out)}, nil
}

// SettleLetter implements LetterService.
func (s *Letters) SettleLetter(ctx context.Context, req *receivablesv1.SettleLetterRequest) (*receivablesv1.SettleLetterResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.LetterService_SettleLetter_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SettleLetter(ctx, r, req.GetLetterKey())
	if err != nil {
		return nil, err
	}
	return &receivablesv1.SettleLetterResponse{Letter: letterOf(out)}, nil
}

func letterOf(l mail.Status) *receivablesv1.Letter {
	return &receivablesv1.Letter{
		LetterKey: l.Key, Recipients: l.To, Subject: l.Subject, State: string(l.State), Attempts: int32(l.Attempts), LastError: l.LastError, //nolint:gosec // a count of attempts
		QueueTime: timeOf(l.QueueTime), SentTime: timeOf(l.SentTime),
	}
}
