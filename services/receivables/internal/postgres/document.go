package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
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

// Item is the invoice as far as applying money is concerned.
func (d InvoiceDocument) Item() receipt.Item {
	return receipt.Item{
		InvoiceID: d.ID, Date: d.Date, DueDate: d.DueDate, Amount: d.Amount, Open: d.Open,
		LastApplication: d.LastApplication, LastUndo: d.LastUndo, Reversed: d.State() == invoice.StateReversed,
	}
}

func invoiceDocument(d db.InvoiceDocument) InvoiceDocument {
	out := InvoiceDocument{
		LedgerSequence: d.LedgerSequence, LastApplication: d.LastApplication, LastUndo: d.LastUndo,
		Invoice: invoice.Invoice{
			ID: d.InvoiceID, CustomerID: d.CustomerID, OrderID: d.OrderID, Date: d.InvoiceDate, DueDate: d.DueDate,
			Amount: cash(d.Amount, d.Currency), Salesperson: d.Salesperson, Reference: d.Reference, PostDate: d.PostDate,
			CreateTime: d.CreatedAt.UTC(), Open: cash(d.Open, d.Currency), ReverseDate: d.ReverseDate,
		},
	}
	if out.State() == invoice.StateSettled {
		out.SettleDate = d.LastApplication
	}
	return out
}

func receiptDocument(d db.ReceiptDocument) ReceiptDocument {
	return ReceiptDocument{
		LedgerSequence: d.LedgerSequence, LastApplication: d.LastApplication, LastUndo: d.LastUndo,
		Receipt: receipt.Receipt{
			ID: d.ReceiptID, CustomerID: d.CustomerID, Date: d.ReceiptDate, Amount: cash(d.Amount, d.Currency),
			Instrument: receipt.Instrument(d.Instrument), Reference: d.Reference, PostDate: d.PostDate,
			CreateTime: d.CreatedAt.UTC(), Unapplied: cash(d.Unapplied, d.Currency), ReverseDate: d.ReverseDate,
			NoticeID: d.PaymentNoticeID,
		},
	}
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
	return invoiceDocument(row), nil
}

func receiptByID(ctx context.Context, q *db.Queries, id string) (ReceiptDocument, error) {
	row, err := q.ReceiptByID(ctx, id)
	if err != nil {
		return ReceiptDocument{}, notFound(err, "RECEIPT_UNKNOWN", "receipt", id)
	}
	return receiptDocument(row), nil
}

// Items returns the customer's invoices that money may go to: those named, and all
// that are open where open is set.
func (a *Account) Items(ctx context.Context, named []string, open bool) ([]receipt.Item, error) {
	byID := map[string]receipt.Item{}
	if open {
		rows, err := a.q.OpenInvoices(ctx, a.customerID)
		if err != nil {
			return nil, pg.Err(err)
		}
		for _, r := range rows {
			byID[r.InvoiceID] = invoiceDocument(r).Item()
		}
	}
	if len(named) > 0 {
		rows, err := a.q.InvoicesByID(ctx, db.InvoicesByIDParams{CustomerID: a.customerID, Ids: named})
		if err != nil {
			return nil, pg.Err(err)
		}
		for _, r := range rows {
			byID[r.InvoiceID] = invoiceDocument(r).Item()
		}
	}
	out := make([]receipt.Item, 0, len(byID))
	for _, item := range byID {
		out = append(out, item)
	}
	return out, nil
}

// InvoiceApplications returns what was applied to an invoice, oldest first.
func (s *Store) InvoiceApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return invoiceApplications(ctx, s.q, id)
}

// InvoiceApplications is the same under the account's lock.
func (a *Account) InvoiceApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return invoiceApplications(ctx, a.q, id)
}

// ReceiptApplications returns what a receipt was applied to, oldest first.
func (s *Store) ReceiptApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return receiptApplications(ctx, s.q, id)
}

// ReceiptApplications is the same under the account's lock.
func (a *Account) ReceiptApplications(ctx context.Context, id string) ([]invoice.Application, error) {
	return receiptApplications(ctx, a.q, id)
}

func invoiceApplications(ctx context.Context, q *db.Queries, id string) ([]invoice.Application, error) {
	rows, err := q.ApplicationsOfInvoice(ctx, id)
	out := make([]invoice.Application, len(rows))
	for i, r := range rows {
		out[i] = application(r)
	}
	return out, pg.Err(err)
}

func receiptApplications(ctx context.Context, q *db.Queries, id string) ([]invoice.Application, error) {
	rows, err := q.ApplicationsOfReceipt(ctx, id)
	out := make([]invoice.Application, len(rows))
	for i, r := range rows {
		out[i] = application(db.ApplicationsOfInvoiceRow(r))
	}
	return out, pg.Err(err)
}

func application(r db.ApplicationsOfInvoiceRow) invoice.Application {
	return invoice.Application{ReceiptID: r.ReceiptID, InvoiceID: r.InvoiceID, Amount: cash(r.Amount, r.Currency), Date: r.ApplicationDate}
}
