package rpc

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/avalcredit/aval/pkg/page"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// Ledger serves LedgerService.
type Ledger struct {
	receivablesv1.UnsafeLedgerServiceServer
	App   *app.Service
	Pages *page.Signer
}

var _ receivablesv1.LedgerServiceServer = (*Ledger)(nil)

// GetLedger implements LedgerService.
func (s *Ledger) GetLedger(ctx context.Context, req *receivablesv1.GetLedgerRequest) (*receivablesv1.GetLedgerResponse, error) {
	var f fields
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	q := ledger.Query{
		CustomerID: req.GetCustomerId(), From: f.date("from_date", req.GetFromDate()), To: f.date("to_date", req.GetToDate()),
		KnownOn: f.date("known_on_date", req.GetKnownOnDate()), Limit: size + 1,
	}
	if f.err != nil {
		return nil, f.err
	}
	checksum := page.Checksum("ledger", req.GetCustomerId(), req.GetFromDate(), req.GetToDate(), req.GetKnownOnDate())
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 1)
	if err != nil {
		return nil, err
	}
	if cursor != nil {
		if q.After, err = number(cursor[0]); err != nil {
			return nil, err
		}
	}
	entries, balances, err := s.App.Ledger(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.GetLedgerResponse{}
	if len(entries) > size {
		entries = entries[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, strconv.FormatInt(entries[size-1].Sequence, 10))
	}
	for _, e := range entries {
		resp.Entries = append(resp.Entries, entryOf(e))
	}
	for _, b := range balances {
		resp.Balances = append(resp.Balances, moneyOf(b))
	}
	return resp, nil
}

// GetAccount implements LedgerService.
func (s *Ledger) GetAccount(ctx context.Context, req *receivablesv1.GetAccountRequest) (*receivablesv1.GetAccountResponse, error) {
	var f fields
	q := ledger.Statement{CustomerID: req.GetCustomerId(), AsOf: f.date("as_of_date", req.GetAsOfDate()), KnownOn: f.date("known_on_date", req.GetKnownOnDate())}
	if f.err != nil {
		return nil, f.err
	}
	out, err := s.App.Statement(ctx, q)
	if err != nil {
		return nil, err
	}
	return &receivablesv1.GetAccountResponse{Account: statementOf(out)}, nil
}

func statementOf(s ledger.Statement) *receivablesv1.CustomerAccount {
	out := &receivablesv1.CustomerAccount{
		CustomerId: s.CustomerID, AsOfDate: s.AsOf.String(), KnownOnDate: s.KnownOn.String(), CurrencyCode: s.Currency,
		OpenAmount: moneyOf(s.Open), OverdueAmount: moneyOf(s.Overdue), OpenItems: s.OpenItems, UnappliedAmount: moneyOf(s.Unapplied),
		Balance: moneyOf(s.Balance()), FuturePaymentAmount: moneyOf(s.Future), RemainingAmount: moneyOf(s.Remaining()),
		DepositAmount: moneyOf(s.Account(ledger.AccountDeposits).Neg()), BankBillAmount: moneyOf(s.BankBill),
		CommercialBillAmount: moneyOf(s.CommercialBill), WrittenOffAmount: moneyOf(s.Account(ledger.AccountAllowance)),
		Accounts: linesOf(s.Accounts),
	}
	for _, a := range s.Advances {
		out.Advances = append(out.Advances, &receivablesv1.AdvanceAmount{OrderId: a.OrderID, Amount: moneyOf(a.Amount)})
	}
	return out
}

func linesOf(lines []ledger.Line) []*receivablesv1.LedgerLine {
	out := make([]*receivablesv1.LedgerLine, len(lines))
	for i, l := range lines {
		out[i] = &receivablesv1.LedgerLine{Account: string(l.Account), Amount: moneyOf(l.Amount)}
	}
	return out
}

func entryOf(e ledger.Entry) *receivablesv1.LedgerEntry {
	return &receivablesv1.LedgerEntry{
		Sequence: e.Sequence, Kind: kindOf(e.Kind), EntryDate: e.EntryDate.String(), PostDate: e.PostDate.String(),
		DocumentId: e.DocumentID, Amount: moneyOf(e.Amount), Balance: moneyOf(e.Balance), ReversesSequence: e.Reverses,
		Text: e.Text, PostedBy: e.PostedBy, CreateTime: timeOf(e.CreateTime), Hash: hex.EncodeToString(e.Hash), Lines: linesOf(e.Lines),
	}
}

// kindOf is the contract's value of the same name.
func kindOf(k ledger.Kind) receivablesv1.LedgerEntryKind {
	return receivablesv1.LedgerEntryKind(receivablesv1.LedgerEntryKind_value["LEDGER_ENTRY_KIND_"+string(k)])
}
