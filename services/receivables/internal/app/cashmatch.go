package app

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/bankline"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// Bounds of a search for whose money it is.
const (
	linesAtOnce = 200 // lines whose customers are looked for together
	maxPayers   = 30  // customers that one line is held against
	maxOwed     = 500 // open items of one customer
	prefixOf    = 6   // characters of a name that is looked for by its beginning
	maxReceipt  = 256 // characters of a receipt's reference
)

// ProposeBankLines makes new proposals for lines that wait, oldest first. It returns how many were looked at, have proposals, and
// were confirmed by the policy's score.
func (s *Service) ProposeBankLines(ctx context.Context, accountID string, limit int) (lines, proposed, confirmed int, err error) {
	open, err := s.store.OpenBankLines(ctx, accountID, "", limit)
	if err != nil {
		return 0, 0, 0, err
	}
	proposed, confirmed, err = s.propose(ctx, open)
	return len(open), proposed, confirmed, err
}

// propose holds open lines against customers, keeps the proposals, and confirms those that the policy lets be.
func (s *Service) propose(ctx context.Context, lines []bankline.Line) (proposed, confirmed int, err error) {
	if len(lines) == 0 {
		return 0, 0, nil
	}
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return 0, 0, err
	}
	if err := s.store.NameCustomers(ctx); err != nil {
		return 0, 0, err
	}
	for chunk := range slices.Chunk(lines, linesAtOnce) {
		held, err := s.hold(ctx, chunk)
		if err != nil {
			return proposed, confirmed, err
		}
		for _, l := range chunk {
			l = l.Propose(cashmatch.Propose(l.Payment(), held.of(l)))
			if cashmatch.Certain(l.Proposals, policy.Cash.AutoConfirmScore) && s.confirmAlone(ctx, l) {
				held.paid(l.Proposals[0])
				confirmed++
				continue
			}
			if l.State == bankline.Proposed {
				proposed++
			}
			err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
				return postgres.NewBank(tx, s.act(ctx)).Propose(ctx, l)
			})
			if err != nil {
				return proposed, confirmed, err
			}
		}
	}
	return proposed, confirmed, nil
}

// held are the customers that a chunk of lines is held against.
type held struct {
	clues  postgres.Payers
	owing  map[string]map[string]cashmatch.Customer // by currency, then number
	second map[string][]string                      // what each line's texts name
	terms  map[string]postgres.InvoiceTerms         // of invoices that give a discount
}

// hold finds the customers that lines may be from, with what they owe, as sets.
func (s *Service) hold(ctx context.Context, lines []bankline.Line) (held, error) {
	h := held{owing: map[string]map[string]cashmatch.Customer{}, second: map[string][]string{}}
	var c postgres.Clues
	for _, l := range lines {
		words := cashmatch.Candidates(l.Text + " " + l.EndToEnd)
		h.second[l.ID] = words
		c.Words, c.Amounts = append(c.Words, words...), append(c.Amounts, l.Amount.Minor)
		if l.PartyAccount != "" {
			c.Accounts = append(c.Accounts, l.PartyAccount)
		}
		if name := cashmatch.NormalName(l.PartyName); name != "" {
			c.Names, c.Prefixes = append(c.Names, name), append(c.Prefixes, prefix(name))
		}
	}
	c.Words, c.Accounts, c.Names, c.Prefixes = postgres.Distinct(c.Words), postgres.Distinct(c.Accounts), postgres.Distinct(c.Names), postgres.Distinct(c.Prefixes)
	var err error
	if h.clues, err = s.store.Payers(ctx, c); err != nil {
		return h, err
	}
	ids := map[string][]string{}
	for _, l := range lines {
		ids[l.Amount.Currency] = append(ids[l.Amount.Currency], h.candidates(l)...)
	}
	for currency, list := range ids {
		if h.owing[currency], err = s.store.OwedBy(ctx, postgres.Distinct(list), currency, maxOwed); err != nil {
			return h, err
		}
	}
	h.terms, err = s.store.InvoiceTerms(ctx, documentsOf(h.owing)...)
	return h, err
}

func prefix(name string) string {
	if r := []rune(name); len(r) > prefixOf {
		return string(r[:prefixOf])
	}
	return name
}

// candidates are the customers that a line's clues lead to, the strongest clues first.
func (h held) candidates(l bankline.Line) []string {
	name := cashmatch.NormalName(l.PartyName)
	out := slices.Concat(h.clues.ByAccount[l.PartyAccount], h.clues.ByName[name])
	for _, w := range h.second[l.ID] {
		out = append(out, h.clues.ByWord[w]...)
	}
	out = slices.Concat(out, h.clues.ByAmount[l.Amount.Minor], h.clues.ByPrefix[prefix(name)])
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(id string) bool {
		twice := seen[id]
		seen[id] = true
		return twice
	})
	return out[:min(len(out), maxPayers)]
}

// of are a line's candidates with what they owe now.
func (h held) of(l bankline.Line) []cashmatch.Customer {
	var out []cashmatch.Customer
	for _, id := range h.candidates(l) {
		if c, ok := h.owing[l.Amount.Currency][id]; ok {
			out = append(out, h.discounted(c, l.ValueDate))
		}
	}
	return out
}

// paid takes off what a proposal paid, for the lines after it.
func (h held) paid(p cashmatch.Proposal) {
	owing := h.owing[p.Rest.Currency]
	c := owing[p.CustomerID]
	for _, share := range p.Shares {
		at := slices.IndexFunc(c.Items, func(i cashmatch.Item) bool { return i.ID == share.ItemID })
		if at >= 0 {
			c.Items[at].Open = c.Items[at].Open.Sub(share.Amount).Sub(share.Discount)
		}
	}
	c.Items = slices.DeleteFunc(c.Items, func(i cashmatch.Item) bool { return !i.Open.IsPositive() })
	owing[p.CustomerID] = c
}

// Confirmation is whose money a line is and what it pays.
type Confirmation struct {
	LineID string
	// Proposal is the number of the proposal that is taken, from 1; 0: as said here.
	Proposal   int
	CustomerID string
	Named      []receipt.Named
	// Unapplied leaves all of it unapplied.
	Unapplied bool
	// ByAnother keeps the payer from being remembered as the customer.
	ByAnother bool
	// Discounts for paying early that are taken beside the money.
	Discounts []Taken
}

// ConfirmBankLine posts the receipt of a line and applies it. Errors: NotFound BANK_LINE_UNKNOWN and CUSTOMER_UNKNOWN,
// FailedPrecondition BANK_LINE_DONE, BANK_LINE_OUTGOING and NO_PROPOSAL, those of PostReceipt.
func (s *Service) ConfirmBankLine(ctx context.Context, req idem.Request, c Confirmation) (bankline.Line, error) {
	return s.confirm(ctx, req, c, false)
}

// confirmAlone confirms a line's best proposal without a person; what cannot be is left to one.
func (s *Service) confirmAlone(ctx context.Context, l bankline.Line) bool {
	id := "bank-auto/" + l.ID + "/" + strconv.Itoa(l.Attempt)
	sum := sha256.Sum256([]byte(id))
	best := l.Proposals[0]
	_, err := s.confirm(ctx, idem.Request{ID: id, Method: "bank.auto_confirm", Hash: sum[:]},
		Confirmation{LineID: l.ID, CustomerID: best.CustomerID, Named: namedBy(best), Discounts: discountsBy(best)}, true)
	if err != nil {
		s.Log.WarnContext(ctx, "a bank line was not confirmed by itself; a person has to", "bank_line", l.ID, "error", err)
	}
	return err == nil
}

func namedBy(p cashmatch.Proposal) []receipt.Named {
	out := make([]receipt.Named, len(p.Shares))
	for i, share := range p.Shares {
		amount := share.Amount
		out[i] = receipt.Named{InvoiceID: share.ItemID, Amount: &amount}
	}
	return out
}

func (s *Service) confirm(ctx context.Context, req idem.Request, in Confirmation, auto bool) (bankline.Line, error) {
	found, err := s.store.BankLine(ctx, in.LineID)
	if err != nil {
		return found, err
	}
	if in.Proposal > 0 && found.State == bankline.Proposed { // one that was dealt with is refused below, or answered as before
		p, err := found.Proposal(in.Proposal)
		if err != nil {
			return found, err
		}
		in.CustomerID, in.Named, in.Discounts = p.CustomerID, namedBy(p), discountsBy(p)
	} else if in.Proposal > 0 {
		in.CustomerID = found.CustomerID
	}
	if in.CustomerID == "" {
		if err := found.Open(); err != nil {
			return found, err
		}
		if in.Proposal > 0 {
			_, err := found.Proposal(in.Proposal)
			return found, err
		}
		return found, errs.Field("customer_id", "required", "say whose money it is, or which proposal is taken")
	}
	customer, err := s.customerFor(ctx, in.CustomerID, "customer_id")
	if err != nil {
		return found, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (bankline.Line, error) {
		return s.confirmOn(ctx, c, in, auto)
	})
}

// confirmOn posts the receipt of a line, with the discounts that go with it, and records it with the line.
func (s *Service) confirmOn(ctx context.Context, c *change, in Confirmation, auto bool) (bankline.Line, error) {
	bank := postgres.NewBank(c.tx, c.act)
	l, err := bank.Line(ctx, in.LineID)
	if err != nil {
		return l, err
	}
	if err := l.Open(); err != nil {
		return l, err
	}
	order := receipt.Order{Named: in.Named}
	switch {
	case in.Unapplied:
		order = receipt.Order{Mode: receipt.ModeNone}
	case len(in.Named) > 0 || in.Proposal > 0:
		order.Mode = receipt.ModeNone
	}
	r, err := c.receive(ctx, receipt.Draft{
		ID: l.NextReceiptID(), CustomerID: c.customer.ID, Date: l.ValueDate, Amount: l.Amount, Instrument: receipt.InstrumentRemittance, Reference: reference(l),
	}, order)
	if err != nil {
		return l, err
	}
	if err := s.takeDiscounts(ctx, c, r, in.Discounts); err != nil {
		return l, err
	}
	l.State, l.CustomerID, l.ReceiptID, l.Auto, l.Reason = bankline.Applied, c.customer.ID, r.ID, auto, ""
	if err := bank.Save(ctx, l); err != nil {
		return l, err
	}
	if !in.ByAnother {
		if err := bank.Learn(ctx, l); err != nil {
			return l, err
		}
	}
	l.ChangedBy, l.ChangeTime = c.act.Actor, c.act.Now
	err = bankEvent(ctx, c.tx, c.act, ofAccount(l.AccountID, "bank.confirm", "bank line "+l.ID), map[string]any{
		"customer_id": l.CustomerID, "receipt_id": l.ReceiptID, "auto": auto, "paid_by_another": in.ByAnother,
	})
	if err != nil {
		return l, err
	}
	return l, c.tell("receipt.post", "receipt "+r.ID, r)
}

// reference is what a receipt keeps of a line's text.
func reference(l bankline.Line) string {
	text := l.Text
	if text == "" {
		text = l.PartyName
	}
	if utf8.RuneCountInString(text) > maxReceipt {
		text = string([]rune(text)[:maxReceipt])
	}
	return text
}

// ProposeReceipt says what the unapplied money of a receipt may be for. Errors: NotFound RECEIPT_UNKNOWN.
func (s *Service) ProposeReceipt(ctx context.Context, id string) ([]cashmatch.Proposal, error) {
	r, err := s.Receipt(ctx, id)
	if err != nil || !r.Unapplied.IsPositive() {
		return nil, err
	}
	owing, err := s.store.OwedBy(ctx, []string{r.CustomerID}, r.Amount.Currency, maxOwed)
	if err != nil {
		return nil, err
	}
	return cashmatch.ProposeFor(cashmatch.Payment{Amount: r.Unapplied, Date: r.Date, Text: r.Reference}, owing[r.CustomerID]), nil
}

// earliestSet is the earlier of two dates, of which the first may be none.
func earliestSet(a, b calendar.Date) calendar.Date {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
