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
		CustomerID: req.GetCustomerId(), From: f.date("from_date", req.GetFromDate()), To: f.date("to_date", req.GetToDate()), Limit: size + 1,
	}
	if f.err != nil {
		return nil, f.err
	}
	checksum := page.Checksum("ledger", req.GetCustomerId(), req.GetFromDate(), req.GetToDate())
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

func entryOf(e ledger.Entry) *receivablesv1.LedgerEntry {
	return &receivablesv1.LedgerEntry{
		Sequence: e.Sequence, Kind: kindOf(e.Kind), EntryDate: e.EntryDate.String(), PostDate: e.PostDate.String(),
		DocumentId: e.DocumentID, Amount: moneyOf(e.Amount), Balance: moneyOf(e.Balance), ReversesSequence: e.Reverses,
		Text: e.Text, PostedBy: e.PostedBy, CreateTime: timeOf(e.CreateTime), Hash: hex.EncodeToString(e.Hash),
	}
}

func kindOf(k ledger.Kind) receivablesv1.LedgerEntryKind {
	switch k {
	case ledger.KindInvoice:
		return receivablesv1.LedgerEntryKind_LEDGER_ENTRY_KIND_INVOICE
	case ledger.KindReceipt:
		return receivablesv1.LedgerEntryKind_LEDGER_ENTRY_KIND_RECEIPT
	case ledger.KindReversal:
		return receivablesv1.LedgerEntryKind_LEDGER_ENTRY_KIND_REVERSAL
	default:
		return receivablesv1.LedgerEntryKind_LEDGER_ENTRY_KIND_UNSPECIFIED
	}
}
