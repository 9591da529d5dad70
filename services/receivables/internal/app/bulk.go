package app

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Posted says what a posting of many invoices did.
type Posted struct {
	Invoices  int `json:"invoices"`
	Customers int `json:"customers"`
}

// PostInvoices posts many invoices, of any customers, all of them or none, as sets: each
// customer's in their order, with one event to the gate a customer. It does not wait for the
// gate. Errors are those of PostInvoice, naming the place of the invoice.
func (s *Service) PostInvoices(ctx context.Context, req idem.Request, drafts []invoice.Draft) (Posted, error) {
	customers, err := s.customersFor(ctx, drafts)
	if err != nil {
		return Posted{}, err
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return Posted{}, err
	}
	var out Posted
	err = pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (Posted, error) {
			b := bulk{act: s.act(ctx), tx: tx, customers: maps.Clone(customers), policy: policy}
			return b.post(ctx, drafts)
		})
		if err == nil && onTrial(ctx) {
			return errTrial
		}
		return err
	})
	if err != nil && !errors.Is(err, errTrial) {
		return Posted{}, err
	}
	s.Positions.Nudge()
	return out, nil
}

// customersFor finds the customers of drafts, those not delivered yet in evaluation.
func (s *Service) customersFor(ctx context.Context, drafts []invoice.Draft) (map[string]Customer, error) {
	first := map[string]int{}
	for i, d := range drafts {
		if _, seen := first[d.CustomerID]; !seen {
			first[d.CustomerID] = i
		}
	}
	customers, err := s.store.Customers(ctx, slices.Collect(maps.Keys(first)))
	if err != nil {
		return nil, err
	}
	for id, i := range first {
		if _, known := customers[id]; known {
			continue
		}
		if customers[id], err = s.customerFor(ctx, id, placeOf(i)+".customer_id"); err != nil {
			return nil, err
		}
	}
	return customers, nil
}

func placeOf(i int) string { return "invoices[" + strconv.Itoa(i) + "]" }

// bulk is a posting of many invoices in the course of its transaction.
type bulk struct {
	act       postgres.Act
	tx        pgx.Tx
	customers map[string]Customer
	policy    terms.Policy
}

func (b bulk) post(ctx context.Context, drafts []invoice.Draft) (Posted, error) {
	drafts, err := b.toSurvivors(ctx, drafts)
	if err != nil {
		return Posted{}, err
	}
	ids := slices.Sorted(maps.Keys(b.customers))
	accounts, err := postgres.LockAccounts(ctx, b.tx, ids, b.act)
	if err != nil {
		return Posted{}, err
	}
	for _, id := range ids {
		if accounts.Of(id) == nil {
			return Posted{}, errs.New(errs.Aborted, "CONFLICT", "customer %s was merged in between: try again", id).With("customer_id", id)
		}
	}
	list := make([]invoice.Invoice, len(drafts))
	for i, d := range drafts {
		customer := b.customers[d.CustomerID]
		list[i], err = invoice.New(d, defaults(b.policy, customer, b.act, accounts.Of(d.CustomerID).Currency()))
		if err != nil {
			return Posted{}, at(i, err)
		}
	}
	if i, err := accounts.AddInvoices(ctx, list); err != nil && i >= 0 {
		return Posted{}, at(i, err)
	} else if err != nil {
		return Posted{}, atTaken(list, err)
	}
	if err := postgres.AddInvoiceTerms(ctx, b.tx, list...); err != nil {
		return Posted{}, err
	}
	if err := accounts.Save(ctx); err != nil {
		return Posted{}, err
	}
	return Posted{Invoices: len(list), Customers: len(ids)}, b.tell(ctx, accounts, ids, list)
}

// toSurvivors has documents that name a merged customer be those of the one that stands for it.
func (b bulk) toSurvivors(ctx context.Context, drafts []invoice.Draft) ([]invoice.Draft, error) {
	moved, err := postgres.Moved(ctx, b.tx, slices.Collect(maps.Keys(b.customers)))
	if err != nil || len(moved) == 0 {
		return drafts, err
	}
	for id, into := range moved {
		delete(b.customers, id)
		if b.customers[into], err = postgres.CustomerIn(ctx, b.tx, into); err != nil {
			return nil, err
		}
	}
	drafts = slices.Clone(drafts)
	for i, d := range drafts {
		if into, gone := moved[d.CustomerID]; gone {
			drafts[i].CustomerID = into
		}
	}
	return drafts, nil
}

// at moves an error about "invoice" to its place in the request.
func at(i int, err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	path := func(field string) string {
		if rest, found := strings.CutPrefix(field, "invoice."); found {
			return placeOf(i) + "." + rest
		}
		return field
	}
	moved := slices.Clone(e.Violations)
	for n := range moved {
		moved[n].Field = path(moved[n].Field)
	}
	out := errs.New(e.Kind, e.Reason, "%s: %s", placeOf(i), e.Message).WithViolations(moved...)
	for k, v := range e.Meta {
		if k == "field" {
			v = path(v)
		}
		out = out.With(k, v)
	}
	return out
}

// atTaken finds the place of the invoice whose number is taken.
func atTaken(list []invoice.Invoice, err error) error {
	e, ok := errs.As(err)
	if !ok || e.Reason != "INVOICE_EXISTS" {
		return err
	}
	id := e.Meta["invoice_id"]
	last := -1
	for i, inv := range list { // of two with one number in a request it is the second
		if inv.ID == id || slices.ContainsFunc(inv.Instalments, func(p invoice.Instalment) bool { return p.ItemID == id }) {
			last = i
		}
	}
	if last < 0 {
		return err
	}
	return e.With("field", placeOf(last)+".invoice_id")
}

// tell writes what was done to the audit trail and what the customers owe now to the gate.
func (b bulk) tell(ctx context.Context, accounts *postgres.Accounts, ids []string, list []invoice.Invoice) error {
	movements := make(map[string][]position.Movement, len(ids))
	for _, inv := range list {
		movements[inv.CustomerID] = append(movements[inv.CustomerID], position.Movement{OrderID: inv.OrderID, InvoiceID: inv.ID, Amount: inv.Amount})
	}
	events := make([]audit.Event, len(ids))
	for i, id := range ids {
		detail, err := json.Marshal(movements[id])
		if err != nil {
			return err
		}
		events[i] = audit.Event{
			Stream: "customer/" + id, Actor: b.act.Actor, BusinessDate: b.act.Today, Action: "invoice.post",
			Subject: cause(movements[id]), Detail: detail,
		}
	}
	if err := audit.AppendAll(ctx, b.tx, events); err != nil {
		return err
	}
	standings, err := accounts.Standings(ctx)
	if err != nil {
		return err
	}
	return delivery.AppendAll(ctx, b.tx, StreamPosition, ids, func(id string, seq int64) ([]byte, error) {
		return positionOf(position.Change{
			CustomerID: id, Sequence: seq, BusinessDate: b.act.Today, Movements: movements[id], Cause: cause(movements[id]),
		}, standings[id])
	})
}

// cause names what was posted of one customer.
func cause(list []position.Movement) string {
	if len(list) == 1 {
		return "invoice " + list[0].InvoiceID
	}
	return strconv.Itoa(len(list)) + " invoices, from " + list[0].InvoiceID
}
