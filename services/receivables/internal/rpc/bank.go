package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/bankline"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// Bank serves BankService.
type Bank struct {
	receivablesv1.UnsafeBankServiceServer
	App   *app.Service
	Pages *page.Signer
	Clock calendar.Clock
}

var _ receivablesv1.BankServiceServer = (*Bank)(nil)

// SetBankAccount implements BankService.
func (s *Bank) SetBankAccount(ctx context.Context, req *receivablesv1.SetBankAccountRequest) (*receivablesv1.SetBankAccountResponse, error) {
	in := req.GetBankAccount()
	r := idem.FromProto(ctx, receivablesv1.BankService_SetBankAccount_FullMethodName, req.GetRequestId(), req)
	out, err := s.App.SetBankAccount(ctx, r, bankline.Account{
		ID: in.GetBankAccountId(), Name: in.GetDisplayName(), Number: in.GetNumber(), Currency: in.GetCurrencyCode(), Mapping: mappingIn(in.GetCsvMapping()),
	})
	if err != nil {
		return nil, err
	}
	return &receivablesv1.SetBankAccountResponse{BankAccount: bankAccountOf(out)}, nil
}

func mappingIn(m *receivablesv1.BankFileMapping) *bankstatement.Mapping {
	if m == nil {
		return nil
	}
	return &bankstatement.Mapping{
		Encoding: m.GetEncoding(), Delimiter: m.GetDelimiter(), SkipLines: int(m.GetSkipLines()), DateFormat: m.GetDateFormat(), DecimalComma: m.GetDecimalComma(),
		BookingDate: m.GetBookingDateColumn(), ValueDate: m.GetValueDateColumn(), Amount: m.GetAmountColumn(), Credit: m.GetCreditColumn(), Debit: m.GetDebitColumn(),
		Side: m.GetSideColumn(), SideIn: m.GetSideInWords(), Currency: m.GetCurrencyColumn(), BankReference: m.GetBankReferenceColumn(), EndToEnd: m.GetEndToEndColumn(),
		PartyName: m.GetPartyNameColumn(), PartyAccount: m.GetPartyAccountColumn(), PartyBank: m.GetPartyBankColumn(), Texts: m.GetTextColumns(),
	}
}

func bankAccountOf(a bankline.Account) *receivablesv1.BankAccount {
	out := &receivablesv1.BankAccount{
		BankAccountId: a.ID, DisplayName: a.Name, Number: a.Number, CurrencyCode: a.Currency, ChangedBy: a.ChangedBy, ChangeTime: timeOf(a.ChangeTime),
	}
	if m := a.Mapping; m != nil {
		out.CsvMapping = &receivablesv1.BankFileMapping{
			Encoding: m.Encoding, Delimiter: m.Delimiter, SkipLines: int32(m.SkipLines), DateFormat: m.DateFormat, DecimalComma: m.DecimalComma, //nolint:gosec // bounded by the contract
			BookingDateColumn: m.BookingDate, ValueDateColumn: m.ValueDate, AmountColumn: m.Amount, CreditColumn: m.Credit, DebitColumn: m.Debit,
			SideColumn: m.Side, SideInWords: m.SideIn, CurrencyColumn: m.Currency, BankReferenceColumn: m.BankReference, EndToEndColumn: m.EndToEnd,
			PartyNameColumn: m.PartyName, PartyAccountColumn: m.PartyAccount, PartyBankColumn: m.PartyBank, TextColumns: m.Texts,
		}
	}
	return out
}

// ListBankAccounts implements BankService.
func (s *Bank) ListBankAccounts(ctx context.Context, _ *receivablesv1.ListBankAccountsRequest) (*receivablesv1.ListBankAccountsResponse, error) {
	list, err := s.App.BankAccounts(ctx)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ListBankAccountsResponse{}
	for _, a := range list {
		out.BankAccounts = append(out.BankAccounts, bankAccountOf(a))
	}
	return out, nil
}

// ImportBankStatement implements BankService.
func (s *Bank) ImportBankStatement(ctx context.Context, req *receivablesv1.ImportBankStatementRequest) (*receivablesv1.ImportBankStatementResponse, error) {
	content, err := unpacked(req.GetContent())
	if err != nil {
		return nil, err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := idem.FromProto(ctx, receivablesv1.BankService_ImportBankStatement_FullMethodName, req.GetRequestId(), req)
	got, err := s.App.ImportBankStatement(ctx, r, app.BankFile{AccountID: req.GetBankAccountId(), Content: content, FileName: req.GetFileName()})
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ImportBankStatementResponse{Known: got.Known, Proposed: int32(got.Proposed), Confirmed: int32(got.Confirmed)} //nolint:gosec // bounded by bankstatement.MaxLines
	for _, st := range got.Statements {
		out.BankStatements = append(out.BankStatements, bankStatementOf(st))
	}
	return out, nil
}

// unpacked is a file's content, which may be compressed by gzip. Errors: Invalid BANK_STATEMENT_INVALID.
func unpacked(content []byte) ([]byte, error) {
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return content, nil
	}
	bad := func(why string) error {
		return errs.New(errs.Invalid, bankstatement.ReasonInvalid, "the file %s", why).With("place", "file").
			WithViolations(errs.Violation{Field: "content", Rule: "bank_statement", Message: why})
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, bad("cannot be unpacked")
	}
	out, err := io.ReadAll(io.LimitReader(z, bankstatement.MaxBytes+1))
	switch {
	case err != nil:
		return nil, bad("cannot be unpacked")
	case len(out) > bankstatement.MaxBytes:
		return nil, bad("is larger than 64 MiB when unpacked")
	}
	return out, nil
}

func bankStatementOf(st bankline.Statement) *receivablesv1.BankStatement {
	return &receivablesv1.BankStatement{
		BankStatementId: st.ID, BankAccountId: st.AccountID, Format: st.Format, Number: st.Number, FileName: st.FileName,
		FirstDate: st.First.String(), LastDate: st.Last.String(), Lines: int32(st.Lines), NewLines: int32(st.New), Skipped: int32(st.Skipped), //nolint:gosec // bounded by bankstatement.MaxLines
		OpeningBalance: moneyOrNone(st.Opening), ClosingBalance: moneyOrNone(st.Closing), Difference: moneyOrNone(st.Difference),
		Digest: hex.EncodeToString(st.Digest), ImportedBy: st.ImportedBy, ImportDate: st.ImportDate.String(), CreateTime: timeOf(st.CreateTime),
	}
}

func moneyOrNone(m *money.Money) *typev1.Money {
	if m == nil {
		return nil
	}
	return moneyOf(*m)
}

// ListBankStatements implements BankService.
func (s *Bank) ListBankStatements(ctx context.Context, req *receivablesv1.ListBankStatementsRequest) (*receivablesv1.ListBankStatementsResponse, error) {
	checksum := page.Checksum("bankStatements", req.GetBankAccountId())
	after, err := place(s.Pages, req.GetPageToken(), checksum)
	if err != nil {
		return nil, err
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := bankline.StatementQuery{AccountID: req.GetBankAccountId(), Limit: size + 1}
	if after != nil {
		q.AfterTime, q.AfterID = after.CreateTime, after.ID
	}
	list, err := s.App.BankStatements(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ListBankStatementsResponse{}
	if len(list) > size {
		list = list[:size]
		out.NextPageToken = placeToken(s.Pages, checksum, list[size-1].CreateTime, list[size-1].ID)
	}
	for _, st := range list {
		out.BankStatements = append(out.BankStatements, bankStatementOf(st))
	}
	return out, nil
}

// ListBankLines implements BankService.
func (s *Bank) ListBankLines(ctx context.Context, req *receivablesv1.ListBankLinesRequest) (*receivablesv1.ListBankLinesResponse, error) {
	checksum := page.Checksum("bankLines", req.GetBankAccountId(), req.GetState().String(), req.GetBankStatementId(), req.GetCustomerId())
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := bankline.Query{
		AccountID: req.GetBankAccountId(), StatementID: req.GetBankStatementId(), CustomerID: req.GetCustomerId(), State: lineStateIn(req.GetState()), Limit: size + 1,
	}
	var err error
	if q.AfterDate, q.AfterID, err = datedPlace(s.Pages, req.GetPageToken(), checksum); err != nil {
		return nil, err
	}
	list, err := s.App.BankLines(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.ListBankLinesResponse{}
	if len(list) > size {
		list = list[:size]
		out.NextPageToken = s.Pages.Encode(checksum, list[size-1].BookingDate.String(), list[size-1].ID)
	}
	for i := range list {
		list[i].Proposals = list[i].Proposals[:min(len(list[i].Proposals), 1)]
	}
	out.BankLines, err = s.lines(ctx, list...)
	return out, err
}

// datedPlace reads a token of a list that goes by days.
func datedPlace(pages *page.Signer, token, checksum string) (calendar.Date, string, error) {
	cursor, err := pages.Decode(token, checksum, 2)
	if err != nil || cursor == nil {
		return calendar.Date{}, "", err
	}
	day, err := calendar.ParseDate(cursor[0])
	if err != nil {
		return day, "", errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
	}
	return day, cursor[1], nil
}

// GetBankLine implements BankService.
func (s *Bank) GetBankLine(ctx context.Context, req *receivablesv1.GetBankLineRequest) (*receivablesv1.GetBankLineResponse, error) {
	out, err := s.line(ctx)(s.App.BankLine(ctx, req.GetBankLineId()))
	return &receivablesv1.GetBankLineResponse{BankLine: out}, err
}

// ProposeBankLines implements BankService.
func (s *Bank) ProposeBankLines(ctx context.Context, req *receivablesv1.ProposeBankLinesRequest) (*receivablesv1.ProposeBankLinesResponse, error) {
	limit := int(req.GetLimit())
	if limit == 0 {
		limit = maxPage
	}
	lines, proposed, confirmed, err := s.App.ProposeBankLines(ctx, req.GetBankAccountId(), limit)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.ProposeBankLinesResponse{Lines: int32(lines), Proposed: int32(proposed), Confirmed: int32(confirmed)}, nil //nolint:gosec // at most a page
}

// ConfirmBankLine implements BankService.
func (s *Bank) ConfirmBankLine(ctx context.Context, req *receivablesv1.ConfirmBankLineRequest) (*receivablesv1.ConfirmBankLineResponse, error) {
	var f fields
	in := app.Confirmation{
		LineID: req.GetBankLineId(), Proposal: int(req.GetProposal()), CustomerID: req.GetCustomerId(), Unapplied: req.GetLeaveUnapplied(), ByAnother: req.GetPaidByAnother(),
	}
	for i, share := range req.GetShares() {
		named := receipt.Named{InvoiceID: share.GetItemId()}
		if share.GetAmount() != nil {
			amount := f.money("shares["+strconv.Itoa(i)+"].amount", share.GetAmount())
			named.Amount = &amount
		}
		in.Named = append(in.Named, named)
		if share.GetDiscount() != nil {
			in.Discounts = append(in.Discounts, app.Taken{ItemID: share.GetItemId(), Amount: f.money("shares["+strconv.Itoa(i)+"].discount", share.GetDiscount())})
		}
	}
	if in.Proposal > 0 && (in.CustomerID != "" || len(in.Named) > 0 || in.Unapplied) {
		return nil, errs.Field("proposal", "either", "take a proposal, or say whose money it is and what it pays, not both")
	}
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.BankService_ConfirmBankLine_FullMethodName, req.GetRequestId(), req)
	out, err := s.line(ctx)(s.App.ConfirmBankLine(ctx, r, in))
	return &receivablesv1.ConfirmBankLineResponse{BankLine: out}, err
}

// IgnoreBankLine implements BankService.
func (s *Bank) IgnoreBankLine(ctx context.Context, req *receivablesv1.IgnoreBankLineRequest) (*receivablesv1.IgnoreBankLineResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.BankService_IgnoreBankLine_FullMethodName, req.GetRequestId(), req)
	out, err := s.line(ctx)(s.App.IgnoreBankLine(ctx, r, req.GetBankLineId(), req.GetReason()))
	return &receivablesv1.IgnoreBankLineResponse{BankLine: out}, err
}

// ReopenBankLine implements BankService.
func (s *Bank) ReopenBankLine(ctx context.Context, req *receivablesv1.ReopenBankLineRequest) (*receivablesv1.ReopenBankLineResponse, error) {
	r := idem.FromProto(ctx, receivablesv1.BankService_ReopenBankLine_FullMethodName, req.GetRequestId(), req)
	out, err := s.line(ctx)(s.App.ReopenBankLine(ctx, r, req.GetBankLineId(), req.GetReason()))
	return &receivablesv1.ReopenBankLineResponse{BankLine: out}, err
}

// ProposeReceipt implements BankService.
func (s *Bank) ProposeReceipt(ctx context.Context, req *receivablesv1.ProposeReceiptRequest) (*receivablesv1.ProposeReceiptResponse, error) {
	list, err := s.App.ProposeReceipt(ctx, req.GetReceiptId())
	if err != nil {
		return nil, err
	}
	names, err := s.App.CustomerNames(ctx, customersOf(list))
	return &receivablesv1.ProposeReceiptResponse{Proposals: proposalsOf(list, names)}, err
}

// GetUnappliedMoney implements BankService.
func (s *Bank) GetUnappliedMoney(ctx context.Context, req *receivablesv1.GetUnappliedMoneyRequest) (*receivablesv1.GetUnappliedMoneyResponse, error) {
	checksum := page.Checksum("unappliedMoney", req.GetCustomerId())
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := bankline.UnappliedQuery{CustomerID: req.GetCustomerId(), Limit: size + 1}
	var err error
	if q.AfterDate, q.AfterID, err = datedPlace(s.Pages, req.GetPageToken(), checksum); err != nil {
		return nil, err
	}
	list, totals, err := s.App.Unapplied(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &receivablesv1.GetUnappliedMoneyResponse{}
	if len(list) > size {
		list = list[:size]
		last := list[size-1]
		out.NextPageToken = s.Pages.Encode(checksum, last.Date.String(), last.CreditID+last.LineID)
	}
	today := s.Clock.Today(ctx)
	for _, u := range list {
		out.Money = append(out.Money, &receivablesv1.UnappliedMoney{
			CustomerId: u.CustomerID, DisplayName: u.CustomerName, CreditId: u.CreditID, BankLineId: u.LineID, Date: u.Date.String(), Amount: moneyOf(u.Amount),
			Days: int32(max(0, today.DaysSince(u.Date))), //nolint:gosec // days between two dates of the calendar
		})
	}
	for _, t := range totals {
		out.Totals = append(out.Totals, &receivablesv1.UnappliedTotal{
			CurrencyCode: t.Currency, Credits: t.Credits, CreditAmount: moneyOf(t.CreditAmount), BankLines: t.Lines, BankLineAmount: moneyOf(t.LineAmount),
		})
	}
	return out, nil
}

// line gives an answer of one line its names.
func (s *Bank) line(ctx context.Context) func(bankline.Line, error) (*receivablesv1.BankLine, error) {
	return func(l bankline.Line, err error) (*receivablesv1.BankLine, error) {
		if err != nil {
			return nil, err
		}
		list, err := s.lines(ctx, l)
		if err != nil {
			return nil, err
		}
		return list[0], nil
	}
}

func (s *Bank) lines(ctx context.Context, list ...bankline.Line) ([]*receivablesv1.BankLine, error) {
	var ids []string
	for _, l := range list {
		ids = append(ids, customersOf(l.Proposals)...)
	}
	names, err := s.App.CustomerNames(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*receivablesv1.BankLine, len(list))
	for i, l := range list {
		out[i] = &receivablesv1.BankLine{
			BankLineId: l.ID, BankAccountId: l.AccountID, BankStatementId: l.StatementID, BookingDate: l.BookingDate.String(), ValueDate: l.ValueDate.String(),
			Amount: moneyOf(l.Amount), BankReference: l.BankReference, EndToEndReference: l.EndToEnd, PartyName: l.PartyName, PartyAccount: l.PartyAccount,
			PartyBank: l.PartyBank, Text: l.Text, Reversal: l.Reversal, BatchSize: int32(l.Batch), State: lineStateOf(l.State), //nolint:gosec // bounded by bankstatement.MaxLines
			Proposals: proposalsOf(l.Proposals, names), CustomerId: l.CustomerID, ReceiptId: l.ReceiptID, Reason: l.Reason, AutoConfirmed: l.Auto,
			ChangedBy: l.ChangedBy, ChangeTime: timeOf(l.ChangeTime.Truncate(time.Microsecond)),
		}
	}
	return out, nil
}

func customersOf(list []cashmatch.Proposal) []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.CustomerID
	}
	return ids
}

func proposalsOf(list []cashmatch.Proposal, names map[string]string) []*receivablesv1.CashProposal {
	out := make([]*receivablesv1.CashProposal, len(list))
	for i, p := range list {
		m := &receivablesv1.CashProposal{
			CustomerId: p.CustomerID, DisplayName: names[p.CustomerID], UnappliedAmount: moneyOf(p.Rest), Score: int32(p.Score), //nolint:gosec // at most 100
		}
		for _, share := range p.Shares {
			one := &receivablesv1.CashShare{ItemId: share.ItemID, Amount: moneyOf(share.Amount)}
			if share.Discount.IsPositive() {
				one.Discount = moneyOf(share.Discount)
			}
			m.Shares = append(m.Shares, one)
		}
		for _, r := range p.Reasons {
			m.Reasons = append(m.Reasons, &receivablesv1.CashReason{Kind: string(r.Kind), Points: int32(r.Points), Found: r.On}) //nolint:gosec // at most 100
		}
		out[i] = m
	}
	return out
}

func lineStateOf(s bankline.State) receivablesv1.BankLineState {
	switch s {
	case bankline.New:
		return receivablesv1.BankLineState_BANK_LINE_STATE_NEW
	case bankline.Proposed:
		return receivablesv1.BankLineState_BANK_LINE_STATE_PROPOSED
	case bankline.Applied:
		return receivablesv1.BankLineState_BANK_LINE_STATE_APPLIED
	case bankline.Ignored:
		return receivablesv1.BankLineState_BANK_LINE_STATE_IGNORED
	case bankline.Outgoing:
		return receivablesv1.BankLineState_BANK_LINE_STATE_OUTGOING
	default:
		return receivablesv1.BankLineState_BANK_LINE_STATE_UNSPECIFIED
	}
}

func lineStateIn(s receivablesv1.BankLineState) bankline.State {
	for _, state := range []bankline.State{bankline.New, bankline.Proposed, bankline.Applied, bankline.Ignored, bankline.Outgoing} {
		if lineStateOf(state) == s {
			return state
		}
	}
	return ""
}
