package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// InvoiceDocument is an invoice with what reversing and applying need to know.
type InvoiceDocument struct {
	invoice.Invoice
	LedgerSequence            int64
	LastApplication, LastUndo calendar.Date
}

// ReceiptDocument is a receipt with what reversing and applying need to know.
type ReceiptDocument struct {
	receipt.Receipt
	LedgerSequence            int64
	LastApplication, LastUndo calendar.Date
}

// ItemIDs are the numbers of the invoice's items.
func (d InvoiceDocument) ItemIDs() []string {
	ids := make([]string, len(d.Instalments))
	for i, p := range d.Instalments {
		ids[i] = p.ItemID
	}
	return ids
}

// itemDocument is a row as far as applying money is concerned.
func itemDocument(d db.ItemDocument) receipt.Item {
	return receipt.Item{
		ID: d.ItemID, DocumentKind: ledger.Kind(d.DocumentKind), DocumentID: d.DocumentID, OrderID: d.OrderID,
		Salesperson: d.Salesperson, UnitID: d.UnitID, Date: d.DocumentDate, DueDate: d.DueDate, Amount: cash(d.Amount, d.Currency), Open: cash(d.Open, d.Currency),
		LastApplication: d.LastApplication, LastUndo: d.LastUndo, Reversed: !d.ReverseDate.IsZero(),
	}
}

func instalment(d db.ItemDocument) invoice.Instalment {
	out := invoice.Instalment{
		ItemID: d.ItemID, DueDate: d.DueDate, Amount: cash(d.Amount, d.Currency), Open: cash(d.Open, d.Currency),
	}
	if d.Open == 0 && d.ReverseDate.IsZero() {
		out.SettleDate = d.LastApplication
	}
	return out
}

// withInstalments gives invoices the instalments they are in.
func withInstalments(ctx context.Context, q *db.Queries, docs []InvoiceDocument) error {
	if len(docs) == 0 {
		return nil
	}
	ids, index := make([]string, len(docs)), make(map[string]int, len(docs))
	for i, d := range docs {
		ids[i], index[d.ID] = d.ID, i
	}
	rows, err := q.ItemsOfDocuments(ctx, ids)
	if err != nil {
		return pg.Err(err)
	}
	for _, r := range rows {
		d := &docs[index[r.DocumentID]]
		d.Instalments = append(d.Instalments, instalment(r))
	}
	return nil
}

func invoiceDocument(d db.InvoiceDocument) InvoiceDocument {
	out := InvoiceDocument{
		LedgerSequence: d.LedgerSequence, LastApplication: d.LastApplication, LastUndo: d.LastUndo,
		Invoice: invoice.Invoice{
			ID: d.InvoiceID, CustomerID: d.CustomerID, OrderID: d.OrderID, Date: d.InvoiceDate, DueDate: d.DueDate,
			Amount: cash(d.Amount, d.Currency), Salesperson: d.Salesperson, UnitID: d.UnitID, Reference: d.Reference, PostDate: d.PostDate,
			CreateTime: d.CreatedAt.UTC(), Open: cash(d.Open, d.Currency), ReverseDate: d.ReverseDate,
		},
	}
	if out.State() == invoice.StateSettled {
		out.SettleDate = d.LastApplication
	}
	return out
}

func receiptDocument(d db.ReceiptDocument) ReceiptDocument {
	out := ReceiptDocument{
		LedgerSequence: d.LedgerSequence, LastApplication: d.LastApplication, LastUndo: d.LastUndo,
		Receipt: receipt.Receipt{
			ID: d.ReceiptID, CustomerID: d.CustomerID, Date: d.ReceiptDate, Amount: cash(d.Amount, d.Currency),
			Instrument: receipt.Instrument(d.Instrument), Reference: d.Reference, PostDate: d.PostDate,
			CreateTime: d.CreatedAt.UTC(), Unapplied: cash(d.Unapplied, d.Currency), ReverseDate: d.ReverseDate,
			NoticeID: d.PaymentNoticeID, OrderID: d.OrderID,
		},
	}
	if d.BillNumber != "" {
		out.Bill = &receipt.Bill{
			Number: d.BillNumber, Drawer: d.Drawer, Acceptor: d.Acceptor, IssueDate: d.IssueDate, MaturityDate: d.MaturityDate,
		}
	}
	return out
}

// Invoice returns an invoice. Errors: NotFound INVOICE_UNKNOWN.
func (s *Store) Invoice(ctx context.Context, id string) (InvoiceDocument, error) {
	return invoiceByID(ctx, s.q, id)
}

// Receipt returns a receipt. Errors: NotFound RECEIPT_UNKNOWN.
func (s *Store) Receipt(ctx context.Context, id string) (ReceiptDocument, error) {
	return receiptByID(ctx, s.q, id)
}

// Invoice reads an invoice under the account's lock.
func (a *Account) Invoice(ctx context.Context, id string) (InvoiceDocument, error) {
	return invoiceByID(ctx, a.q, id)
}

// Receipt reads a receipt under the account's lock.
func (a *Account) Receipt(ctx context.Context, id string) (ReceiptDocument, error) {
	return receiptByID(ctx, a.q, id)
}

func invoiceByID(ctx context.Context, q *db.Queries, id string) (InvoiceDocument, error) {
	row, err := q.InvoiceByID(ctx, id)
	if err != nil {
		return InvoiceDocument{}, notFound(err, "INVOICE_UNKNOWN", "invoice", id)
	}
	docs := []InvoiceDocument{invoiceDocument(row)}
	err = withInstalments(ctx, q, docs)
	return docs[0], err
}

func receiptByID(ctx context.Context, q *db.Queries, id string) (ReceiptDocument, error) {
	row, err := q.ReceiptByID(ctx, id)
	if err != nil {
		return ReceiptDocument{}, notFound(err, "RECEIPT_UNKNOWN", "receipt", id)
	}
	return receiptDocument(row), nil
}

// Items returns the customer's items that money may go to: those named, by their own
// number or that of their document, and all that are open where open is set.
func (a *Account) Items(ctx context.Context, named []string, open bool) ([]receipt.Item, error) {
	byID := map[string]receipt.Item{}
	if open {
		rows, err := a.q.OpenItems(ctx, a.customerID)
		if err != nil {
			return nil, pg.Err(err)
		}
		for _, r := range rows {
			byID[r.ItemID] = itemDocument(r)
		}
	}
	if len(named) > 0 {
		rows, err := a.q.ItemsNamed(ctx, db.ItemsNamedParams{CustomerID: a.customerID, Ids: named})
		if err != nil {
			return nil, pg.Err(err)
		}
		for _, r := range rows {
			byID[r.ItemID] = itemDocument(r)
		}
	}
	out := make([]receipt.Item, 0, len(byID))
	for _, item := range byID {
		out = append(out, item)
	}
	return out, nil
}

// ItemApplications returns what was applied to items, oldest first.
func (s *Store) ItemApplications(ctx context.Context, ids ...string) ([]invoice.Application, error) {
	return itemApplications(ctx, s.q, ids)
}

// ItemApplications is the same under the account's lock.
func (a *Account) ItemApplications(ctx context.Context, ids ...string) ([]invoice.Application, error) {
	return itemApplications(ctx, a.q, ids)
}

// CreditApplications returns what a credit was applied to, oldest first.
func (s *Store) CreditApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return creditApplications(ctx, s.q, id)
}

// CreditApplications is the same under the account's lock.
func (a *Account) CreditApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return creditApplications(ctx, a.q, id)
}

func itemApplications(ctx context.Context, q *db.Queries, ids []string) ([]invoice.Application, error) {
	rows, err := q.ApplicationsOfItems(ctx, ids)
	out := make([]invoice.Application, len(rows))
	for i, r := range rows {
		out[i] = application(r)
	}
	return out, pg.Err(err)
}

func creditApplications(ctx context.Context, q *db.Queries, id string) ([]invoice.Application, error) {
	rows, err := q.ApplicationsOfCredits(ctx, []string{id})
	out := make([]invoice.Application, len(rows))
	for i, r := range rows {
		out[i] = application(db.ApplicationsOfItemsRow(r))
	}
	return out, pg.Err(err)
}

func application(r db.ApplicationsOfItemsRow) invoice.Application {
	return invoice.Application{CreditID: r.CreditID, ItemID: r.ItemID, Amount: cash(r.Amount, r.Currency), Date: r.ApplicationDate}
}
