package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/settlement"
)

// InvoiceTerms are the terms and the discount that an invoice was posted with.
type InvoiceTerms struct {
	Terms    *settlement.Terms
	Discount settlement.Discount
}

// AddInvoiceTerms keeps those of invoices that have any.
func AddInvoiceTerms(ctx context.Context, tx pgx.Tx, list ...invoice.Invoice) error {
	var p db.AddInvoiceTermsParams
	for _, i := range list {
		if i.Terms == nil && len(i.Discount) == 0 {
			continue
		}
		terms, err := text(i.Terms, i.Terms == nil)
		if err != nil {
			return err
		}
		discount, err := text(i.Discount, len(i.Discount) == 0)
		if err != nil {
			return err
		}
		p.Ids, p.Terms, p.Discounts = append(p.Ids, i.ID), append(p.Terms, terms), append(p.Discounts, discount)
	}
	if len(p.Ids) == 0 {
		return nil
	}
	return pg.Err(db.New(tx).AddInvoiceTerms(ctx, p))
}

// DiscountsWith are the numbers of the discounts that were taken with a receipt and stand.
func (a *Account) DiscountsWith(ctx context.Context, receiptID string) ([]string, error) {
	ids, err := a.q.DiscountsWith(ctx, receiptID)
	return ids, pg.Err(err)
}

// text is a value as JSON, or nothing where it is absent.
func text(v any, absent bool) (string, error) {
	if absent {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// InvoiceTerms returns those of invoices that have any, by number.
func (s *Store) InvoiceTerms(ctx context.Context, ids ...string) (map[string]InvoiceTerms, error) {
	rows, err := s.q.InvoiceTerms(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make(map[string]InvoiceTerms, len(rows))
	for _, r := range rows {
		t := InvoiceTerms{Terms: termsOf(r.Terms)}
		if len(r.Discount) > 0 {
			if err := json.Unmarshal(r.Discount, &t.Discount); err != nil {
				return nil, fmt.Errorf("discount of invoice %s: %w", r.InvoiceID, err)
			}
		}
		out[r.InvoiceID] = t
	}
	return out, nil
}

// termsOf reads terms as they are kept; none, where there are none.
func termsOf(b []byte) *settlement.Terms {
	t := &settlement.Terms{}
	if len(b) == 0 || json.Unmarshal(b, t) != nil {
		return nil
	}
	return t
}
