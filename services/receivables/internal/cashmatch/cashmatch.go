// Package cashmatch says whose money it is and what it pays: it holds a payment against the customers and open items that it
// may belong to, and makes proposals, each with a score in points and the reasons for them. A person confirms one. The package
// is pure.
package cashmatch

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Payment is money that came in.
type Payment struct {
	Amount money.Money
	Date   calendar.Date
	// Text is what the payer and the bank wrote, with the payer's own number.
	Text                    string
	PayerName, PayerAccount string
}

// Item is what a customer owes.
type Item struct {
	ID string
	// DocumentID is the document's number; an instalment's item has a number of its own.
	DocumentID, OrderID, Reference string
	Date, DueDate                  calendar.Date
	Open                           money.Money
	// Discount is what paying all of it on the payment's day would earn.
	Discount money.Money
}

// Customer is one that the money may be from, with all that it owes in the payment's currency.
type Customer struct {
	ID, Name string
	// Names it is known by beside its own: former ones, those it paid under before.
	Names []string
	// Accounts that it paid from before.
	Accounts []string
	Items    []Item
}

// Kind is the kind of a reason.
type Kind string

// The reasons, strongest first in each group: who paid, what is named, how the amount fits.
const (
	PayerAccount   Kind = "PAYER_ACCOUNT"    // the payer's bank account is the customer's
	PayerName      Kind = "PAYER_NAME"       // the payer's name is one of the customer's
	NameInText     Kind = "NAME_IN_TEXT"     // one of the customer's names stands in the text
	SimilarName    Kind = "SIMILAR_NAME"     // nearly
	CustomerNumber Kind = "CUSTOMER_NUMBER"  // the text has the customer's number
	ItemNamed      Kind = "ITEM_NAMED"       // the text has the numbers of all items
	SomeNamed      Kind = "SOME_NAMED"       // the text has the numbers of some of the items
	OrderNamed     Kind = "ORDER_NAMED"      // the text has the number of their order, or what the invoice refers to
	SimilarNumber  Kind = "SIMILAR_NUMBER"   // the text has a number that differs by a character, or the end of one
	AmountOfNamed  Kind = "AMOUNT_OF_NAMED"  // what is named is the amount
	OneAmount      Kind = "ONE_AMOUNT"       // one open item only has the amount
	WholeBalance   Kind = "WHOLE_BALANCE"    // the amount is all that is open
	OldestAmount   Kind = "OLDEST_AMOUNT"    // the amount is that of the oldest due, in a row
	OneSum         Kind = "ONE_SUM"          // one sum of open items only is the amount
	AmountAlone    Kind = "AMOUNT_ALONE"     // one open item has the amount, and nothing says who paid
	SeveralAmounts Kind = "SEVERAL_AMOUNTS"  // several open items have the amount
	LessDiscount   Kind = "LESS_DISCOUNT"    // with the discount for paying early
	OldestDueFirst Kind = "OLDEST_DUE_FIRST" // nothing else is known: the oldest due first
	PartOfNamed    Kind = "PART_OF_NAMED"    // less than what is named
	MoreThanNamed  Kind = "MORE_THAN_NAMED"  // more than what is named; the rest stays unapplied
)

// points of each reason. A proposal has their sum, at most maxScore. Only who paid together with what for reaches the top.
func (k Kind) points() int {
	switch k {
	case PayerAccount, OneAmount, WholeBalance, OldestAmount:
		return 35
	case PayerName, OrderNamed:
		return 30
	case OneSum:
		return 25
	case CustomerNumber:
		return 25
	case ItemNamed:
		return 45
	case AmountOfNamed:
		return 40
	case NameInText, SomeNamed, SimilarNumber:
		return 20
	case AmountAlone:
		return 15
	case SimilarName, SeveralAmounts:
		return 10
	case OldestDueFirst, PartOfNamed, MoreThanNamed, LessDiscount:
		return 5
	default:
		return 0
	}
}

const (
	maxScore = 100
	// maxProposals is how many a payment gets.
	maxProposals = 5
)

// Reason is one reason with what it rests on.
type Reason struct {
	Kind   Kind `json:"kind"`
	Points int  `json:"points"`
	// On is what was found: an account, a name, numbers.
	On string `json:"on,omitempty"`
}

// Share is how much of the money is for one item.
type Share struct {
	ItemID string      `json:"item_id"`
	Amount money.Money `json:"amount"`
	// Discount taken beside it.
	Discount money.Money `json:"discount"`
}

// Proposal is one answer to whose money it is and what for.
type Proposal struct {
	CustomerID string  `json:"customer_id"`
	Shares     []Share `json:"shares,omitempty"`
	// Rest stays unapplied.
	Rest    money.Money `json:"rest"`
	Score   int         `json:"score"`
	Reasons []Reason    `json:"reasons"`
}

// Propose holds a payment against customers and gives the best proposals, best first: for each customer the best that its items
// give. Customers of whom nothing speaks for the payment get none.
func Propose(p Payment, customers []Customer) []Proposal {
	text := newText(p.Text + " " + p.PayerName)
	var out []Proposal
	for _, c := range customers {
		if best, ok := forCustomer(p, text, c); ok {
			out = append(out, best)
		}
	}
	slices.SortStableFunc(out, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.CustomerID, b.CustomerID))
	})
	return out[:min(len(out), maxProposals)]
}

// ProposeFor holds money of which the customer is known against what it owes, and gives the ways in which it may be applied, best
// first.
func ProposeFor(p Payment, c Customer) []Proposal {
	text := newText(p.Text + " " + p.PayerName)
	var out []Proposal
	for _, fit := range fits(p, text, c.Items, true) {
		if next := fit.proposal(p, c.ID, nil); len(next.Shares) > 0 {
			out = append(out, next)
		}
	}
	slices.SortStableFunc(out, func(a, b Proposal) int { return cmp.Compare(b.Score, a.Score) })
	return out[:min(len(out), maxProposals)]
}

// Certain says whether the best proposal may be confirmed without a person: it reaches the score, the next best customer stays
// far behind, it does not rest on a number that is only nearly one, and the money is not more than what is named, nor less than several
// items that are: which of them it was not for, or what else for, a person finds out.
func Certain(proposals []Proposal, score int) bool {
	const far = 20
	if score <= 0 || len(proposals) == 0 || proposals[0].Score < score {
		return false
	}
	doubtful := func(r Reason) bool {
		return r.Kind == SimilarNumber || r.Kind == MoreThanNamed || r.Kind == PartOfNamed && len(proposals[0].Shares) > 1
	}
	if slices.ContainsFunc(proposals[0].Reasons, doubtful) {
		return false
	}
	return len(proposals) == 1 || proposals[0].Score-proposals[1].Score >= far
}

func forCustomer(p Payment, text text, c Customer) (Proposal, bool) {
	who := identify(p, text, c)
	best, found := Proposal{}, false
	for _, fit := range fits(p, text, c.Items, who != nil) {
		if who == nil {
			var ok bool
			if fit, ok = fit.alone(); !ok {
				continue
			}
		}
		next := fit.proposal(p, c.ID, who)
		if !found || next.Score > best.Score {
			best, found = next, true
		}
	}
	return best, found
}

// alone is a fit of an amount where nothing says who paid.
func (f fit) alone() (fit, bool) {
	if f.speaks {
		return f, true
	}
	if f.reasons[0].Kind != OneAmount || len(f.reasons) > 1 {
		return f, false
	}
	f.reasons = []Reason{reason(AmountAlone, f.reasons[0].On)}
	return f, true
}

// identify says what speaks for the customer whatever it owes.
func identify(p Payment, text text, c Customer) []Reason {
	var out []Reason
	for _, a := range c.Accounts {
		if p.PayerAccount != "" && a == p.PayerAccount {
			out = append(out, reason(PayerAccount, a))
			break
		}
	}
	if kind, name := nameOf(p, text, c); kind != "" {
		out = append(out, reason(kind, name))
	}
	if number := Normal(c.ID); len(number) >= minNumber && text.numbers[number] {
		out = append(out, reason(CustomerNumber, c.ID))
	}
	return out
}

// nameOf says how the payer's name, or one in the text, is one of the customer's.
func nameOf(p Payment, text text, c Customer) (best Kind, on string) {
	payer := NormalName(p.PayerName)
	for _, name := range append([]string{c.Name}, c.Names...) {
		n := NormalName(name)
		switch {
		case n == "":
		case n == payer:
			return PayerName, name
		case len([]rune(n)) >= minContained && text.has(n):
			best, on = NameInText, name
		case best == "" && similar(n, payer):
			best, on = SimilarName, name
		}
	}
	return best, on
}

func reason(k Kind, on string) Reason { return Reason{Kind: k, Points: k.points(), On: on} }

// fit is one way in which items take the money.
type fit struct {
	items   []Item
	reasons []Reason
	// discounted says that the discounts for paying early are taken.
	discounted bool
	// speaks says that it speaks for the customer by itself: something of the customer is named.
	speaks bool
}

func (f fit) proposal(p Payment, customerID string, who []Reason) Proposal {
	zero := money.Zero(p.Amount.Currency)
	out := Proposal{CustomerID: customerID, Rest: p.Amount, Reasons: append(slices.Clone(who), f.reasons...)}
	for _, item := range f.items {
		discount := zero
		if f.discounted {
			discount = item.Discount
		}
		amount := money.Min(out.Rest, item.Open.Sub(discount))
		if !amount.IsPositive() {
			continue
		}
		out.Shares = append(out.Shares, Share{ItemID: item.ID, Amount: amount, Discount: discount})
		out.Rest = out.Rest.Sub(amount)
	}
	for _, r := range out.Reasons {
		out.Score += r.Points
	}
	out.Score = min(out.Score, maxScore)
	return out
}

// fits are the ways in which open items can take the money, those that nothing but their age speaks for included. Sums of items are looked for
// only where something says who paid: for anybody else they are a chance.
func fits(p Payment, text text, items []Item, known bool) []fit {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(a.DueDate.Compare(b.DueDate), a.Date.Compare(b.Date), cmp.Compare(a.ID, b.ID))
	})
	out := byNumber(p, text, items)
	out = append(out, byAmount(p, items, known)...)
	return append(out, fit{items: items, reasons: []Reason{reason(OldestDueFirst, "")}})
}

// byNumber are the fits of what the text names.
func byNumber(p Payment, text text, items []Item) []fit {
	named, kind, on := text.named(items)
	open, less := sums(named, p.Amount.Currency)
	if len(named) == 0 || open != p.Amount && less != p.Amount {
		if f, ok := nearlyNamed(p, text, items); ok {
			return []fit{f}
		}
	}
	if len(named) == 0 {
		return nil
	}
	f := fit{items: named, reasons: []Reason{reason(kind, on)}, speaks: true}
	switch {
	case open == p.Amount:
		f.reasons = append(f.reasons, reason(AmountOfNamed, open.String()))
	case less == p.Amount:
		f.reasons = append(f.reasons, reason(AmountOfNamed, less.String()), reason(LessDiscount, open.Sub(less).String()))
		f.discounted = true
	case p.Amount.Cmp(open) < 0:
		f.reasons = append(f.reasons, reason(PartOfNamed, open.String()))
	default:
		return append(completed(p, f, items, open), f)
	}
	return []fit{f}
}

// nearlyNamed are items that are the money together, some of which are named with a mistake: of all that the text may mean, the only ones.
func nearlyNamed(p Payment, text text, items []Item) (fit, bool) {
	is := func(i Item) bool {
		return text.number(i.ID) || text.number(i.DocumentID) || text.number(i.OrderID) || text.number(i.Reference)
	}
	rest := text.without(slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return !is(i) }))
	var may []Item
	mistaken := map[string]bool{}
	for _, i := range items {
		named := is(i)
		if mistaken[i.ID] = !named && rest.nearly(i.DocumentID); named || mistaken[i.ID] {
			may = append(may, i)
		}
	}
	if len(may) > sumItems {
		return fit{}, false
	}
	found, _ := equal(p.Amount, may)
	if sum := onlySum(p.Amount, may); len(found) != 1 {
		found = sum
	} else if sum != nil {
		return fit{}, false
	}
	if !slices.ContainsFunc(found, func(i Item) bool { return mistaken[i.ID] }) {
		return fit{}, false
	}
	ids := make([]string, len(found))
	for n, i := range found {
		ids[n] = i.ID
	}
	on := strings.Join(ids[:min(len(ids), maxNamed)], ", ")
	return fit{items: found, speaks: true, reasons: []Reason{reason(SimilarNumber, on), reason(AmountOfNamed, p.Amount.String())}}, true
}

// completed is what is named with others that make up the rest of the money.
func completed(p Payment, f fit, items []Item, open money.Money) []fit {
	rest := p
	rest.Amount = p.Amount.Sub(open)
	var others []Item
	for _, item := range items {
		if !slices.ContainsFunc(f.items, func(n Item) bool { return n.ID == item.ID }) {
			others = append(others, item)
		}
	}
	var out []fit
	for _, more := range byAmount(rest, others, true) {
		if more.reasons[0].Kind == SeveralAmounts {
			continue
		}
		out = append(out, fit{
			items: append(slices.Clone(f.items), more.items...), discounted: false, speaks: true,
			reasons: append([]Reason{reason(SomeNamed, f.reasons[0].On)}, more.reasons...),
		})
		break
	}
	return append(out, fit{items: f.items, speaks: true, reasons: append(slices.Clone(f.reasons), reason(MoreThanNamed, open.String()))})
}

func sums(items []Item, currency string) (open, less money.Money) {
	open, less = money.Zero(currency), money.Zero(currency)
	for _, item := range items {
		open = open.Add(item.Open)
		less = less.Add(item.Open.Sub(item.Discount))
	}
	return open, less
}

// byAmount are the fits of the amount alone, the strongest first.
func byAmount(p Payment, items []Item, withSums bool) []fit {
	var out []fit
	one, less := equal(p.Amount, items)
	switch {
	case len(one) == 1:
		out = append(out, fit{items: one, reasons: []Reason{reason(OneAmount, one[0].ID)}})
	case len(one) > 1:
		out = append(out, fit{items: one, reasons: []Reason{reason(SeveralAmounts, strconv.Itoa(len(one)))}})
	case len(less) == 1:
		out = append(out, fit{items: less, discounted: true, reasons: []Reason{reason(OneAmount, less[0].ID), reason(LessDiscount, less[0].Discount.String())}})
	}
	if n := row(p.Amount, items); n > 1 {
		kind := OldestAmount
		if n == len(items) {
			kind = WholeBalance
		}
		out = append(out, fit{items: items[:n], reasons: []Reason{reason(kind, strconv.Itoa(n))}})
	}
	if len(out) == 0 && withSums {
		if sum := onlySum(p.Amount, items); sum != nil {
			out = append(out, fit{items: sum, reasons: []Reason{reason(OneSum, strconv.Itoa(len(sum)))}})
		}
	}
	return out
}

// equal are the items whose open amount is the money's, and those where it is with the discount.
func equal(amount money.Money, items []Item) (open, less []Item) {
	for _, item := range items {
		switch {
		case item.Open == amount:
			open = append(open, item)
		case item.Discount.IsPositive() && item.Open.Sub(item.Discount) == amount:
			less = append(less, item)
		}
	}
	return open, less
}

// row is how many of the oldest due are the amount together; 0: none are.
func row(amount money.Money, items []Item) int {
	left := amount
	for i, item := range items {
		switch left.Cmp(item.Open) {
		case 0:
			return i + 1
		case -1:
			return 0
		}
		left = left.Sub(item.Open)
	}
	return 0
}
