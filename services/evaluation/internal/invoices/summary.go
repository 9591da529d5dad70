package invoices

import (
	"cmp"
	"maps"
	"math/big"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Group is invoices alike in side, month, other party and validity, added up.
type Group struct {
	Direction Direction
	// Month is YYYY-MM.
	Month        string
	Counterparty string
	Void         bool
	Invoices     int64
	// Negatives counts those below zero, NegativeTotal is what they are together.
	Negatives, NegativeTotal int64
	Net, Tax, Total          int64
	// Mismatched counts those whose net and tax are not their total.
	Mismatched  int64
	First, Last calendar.Date
}

// Of is the group of one invoice.
func Of(d Direction, v Invoice) Group {
	g := Group{
		Direction: d, Month: MonthOf(v.Date), Counterparty: v.Counterparty, Void: v.Void, Invoices: 1,
		Net: v.Net, Tax: v.Tax, Total: v.Total, First: v.Date, Last: v.Date,
	}
	if v.Total < 0 {
		g.Negatives, g.NegativeTotal = 1, v.Total
	}
	if v.Net+v.Tax != v.Total {
		g.Mismatched = 1
	}
	return g
}

// Totals adds up one side over everything that is known, amounts in minor units.
type Totals struct {
	Invoices   int64 `json:"invoices"`
	Valid      int64 `json:"valid_invoices"`
	Void       int64 `json:"void_invoices"`
	Negatives  int64 `json:"negative_invoices"`
	Total      int64 `json:"total_minor"`
	Negative   int64 `json:"negative_total_minor"`
	Net        int64 `json:"net_total_minor"`
	Tax        int64 `json:"tax_total_minor"`
	Mismatched int64 `json:"mismatched"`
	// First and Last are the days of the first and the last valid invoice.
	First calendar.Date `json:"first_date,omitzero"`
	Last  calendar.Date `json:"last_date,omitzero"`
}

func (t *Totals) add(g Group) {
	t.Invoices += g.Invoices
	t.Mismatched += g.Mismatched
	if g.Void {
		t.Void += g.Invoices
		return
	}
	t.Valid += g.Invoices
	t.Negatives += g.Negatives
	t.Total += g.Total
	t.Negative += g.NegativeTotal
	t.Net += g.Net
	t.Tax += g.Tax
	if t.First.IsZero() || g.First.Before(t.First) {
		t.First = g.First
	}
	if t.Last.IsZero() || g.Last.After(t.Last) {
		t.Last = g.Last
	}
}

// Month is the valid sales of a month, returns taken off, in minor units.
type Month struct {
	Month string `json:"month"`
	Sales int64  `json:"sales_minor"`
}

// Summary is what a firm's invoices say together; amounts in minor units of Currency.
type Summary struct {
	Currency string `json:"currency_code"`
	// AsOf is the latest day that any batch speaks of.
	AsOf calendar.Date `json:"as_of_date"`
	// LastBatch is the number of the newest batch read: it names what the summary rests on.
	LastBatch int64  `json:"last_batch_sequence"`
	Sales     Totals `json:"sales"`
	Purchases Totals `json:"purchases"`
	// Months with a valid sale, rising.
	Months []Month `json:"months"`
	Buyers int64   `json:"buyers"`
	// TopBuyer bought the most, TopBuyerTotal in all.
	TopBuyer      string `json:"top_buyer,omitempty"`
	TopBuyerTotal int64  `json:"top_buyer_total_minor"`
}

// Sum adds groups up to a summary without a name for what it rests on.
func Sum(groups []Group) Summary {
	s := Summary{Months: []Month{}}
	months, buyers := map[string]int64{}, map[string]int64{}
	for _, g := range groups {
		if g.Direction == Purchase {
			s.Purchases.add(g)
			continue
		}
		s.Sales.add(g)
		if g.Void {
			continue
		}
		months[g.Month] += g.Total
		if g.Counterparty != "" {
			buyers[g.Counterparty] += g.Total
		}
	}
	for _, m := range slices.Sorted(maps.Keys(months)) {
		s.Months = append(s.Months, Month{Month: m, Sales: months[m]})
	}
	s.Buyers = int64(len(buyers))
	for i, b := range slices.Sorted(maps.Keys(buyers)) {
		if i == 0 || buyers[b] > s.TopBuyerTotal {
			s.TopBuyer, s.TopBuyerTotal = b, buyers[b]
		}
	}
	return s
}

// yearMonths is the window of yearly figures.
const yearMonths = 12

// window returns the sales of the 12 whole calendar months that end so many years before
// the last whole month as of the summary's day; a month without a sale is zero. ok is
// false where the firm's first valid sale is after the window's first month: what was
// before the first invoice is unknown, not zero.
func (s Summary) window(yearsBack int) (sales []int64, ok bool) {
	if s.Sales.Valid == 0 {
		return nil, false
	}
	end := calendar.New(s.AsOf.Year(), s.AsOf.Month(), 1)
	if s.AsOf == s.AsOf.EndOfMonth() {
		end = end.AddMonths(1, 0)
	}
	start := end.AddMonths(-yearMonths*(yearsBack+1), 0)
	sales = make([]int64, yearMonths)
	for i := range sales {
		month := MonthOf(start.AddMonths(i, 0))
		at, found := slices.BinarySearchFunc(s.Months, month, func(m Month, month string) int { return cmp.Compare(m.Month, month) })
		if found {
			sales[i] = s.Months[at].Sales
		}
	}
	return sales, MonthOf(s.Sales.First) <= MonthOf(start)
}

func sum(amounts []int64) *big.Int {
	total := new(big.Int)
	for _, a := range amounts {
		total.Add(total, big.NewInt(a))
	}
	return total
}

// YearlySales is the sales of the last 12 whole months, in minor units; nil where the
// firm is not known from its invoices for so long.
func (s Summary) YearlySales() *big.Rat {
	sales, ok := s.window(0)
	if !ok {
		return nil
	}
	return new(big.Rat).SetInt(sum(sales))
}

// Growth is the sales of the last 12 whole months over those of the 12 before, less 1;
// nil where either is not known, or the earlier are not above zero.
func (s Summary) Growth() *big.Rat {
	now, _ := s.window(0)
	before, ok := s.window(1)
	if !ok || sum(before).Sign() <= 0 {
		return nil
	}
	r := new(big.Rat).SetFrac(sum(now), sum(before))
	return r.Sub(r, big.NewRat(1, 1))
}

// Volatility is the sum of the distances of the last 12 whole months from their mean,
// over their sum; nil where they are not known or their sum is not above zero.
func (s Summary) Volatility() *big.Rat {
	sales, ok := s.window(0)
	total := sum(sales)
	if !ok || total.Sign() <= 0 {
		return nil
	}
	// |x - total/12| summed, in twelfths.
	apart := new(big.Int)
	for _, x := range sales {
		d := new(big.Int).Mul(big.NewInt(x), big.NewInt(yearMonths))
		apart.Add(apart, d.Sub(d, total).Abs(d))
	}
	return new(big.Rat).SetFrac(apart, total.Mul(total, big.NewInt(yearMonths)))
}

// VoidShare is void / all sales invoices; nil without any.
func (s Summary) VoidShare() *big.Rat { return share(s.Sales.Void, s.Sales.Invoices) }

// ReturnsShare is the amount of sales invoices below zero over that of those above zero,
// as a positive figure; nil without sales above zero.
func (s Summary) ReturnsShare() *big.Rat {
	return share(-s.Sales.Negative, s.Sales.Total-s.Sales.Negative)
}

// TopBuyerShare is what the largest buyer bought over all sales; nil where no buyer is
// known or the sales are not above zero.
func (s Summary) TopBuyerShare() *big.Rat {
	if s.Buyers == 0 {
		return nil
	}
	return share(s.TopBuyerTotal, s.Sales.Total)
}

// NumberOfBuyers is nil where no buyer is known.
func (s Summary) NumberOfBuyers() *big.Rat {
	if s.Buyers == 0 {
		return nil
	}
	return big.NewRat(s.Buyers, 1)
}

// ActivityGap is days from the last valid sale to the day the invoices are known up to;
// nil without a sale.
func (s Summary) ActivityGap() *big.Rat {
	if s.Sales.Valid == 0 {
		return nil
	}
	return big.NewRat(int64(s.AsOf.DaysSince(s.Sales.Last)), 1)
}

// SalesMonths counts months with a valid sale; nil without any sales invoice.
func (s Summary) SalesMonths() *big.Rat {
	if s.Sales.Invoices == 0 {
		return nil
	}
	return big.NewRat(int64(len(s.Months)), 1)
}

// PurchasesToSales is purchases over sales; nil where no purchase invoice is known or the
// sales are not above zero.
func (s Summary) PurchasesToSales() *big.Rat {
	if s.Purchases.Invoices == 0 {
		return nil
	}
	return share(s.Purchases.Total, s.Sales.Total)
}

// share is nil where there is nothing to divide by.
func share(part, whole int64) *big.Rat {
	if whole <= 0 {
		return nil
	}
	return big.NewRat(part, whole)
}
