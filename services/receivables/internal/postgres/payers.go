package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// namesAtOnce bounds one step of NameCustomers.
const namesAtOnce = 1000

// NameCustomers brings the names that customers are known by up to their own names, which come with their profiles.
func (s *Store) NameCustomers(ctx context.Context) error {
	after := ""
	for {
		rows, err := s.q.CustomersNotNamed(ctx, db.CustomersNotNamedParams{After: after, PageSize: namesAtOnce})
		if err != nil || len(rows) == 0 {
			return pg.Err(err)
		}
		var p db.AddOwnNamesParams
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.CustomerID
			if normal := cashmatch.NormalName(r.DisplayName); normal != "" {
				p.Normals, p.Ids, p.Names = append(p.Normals, normal), append(p.Ids, r.CustomerID), append(p.Names, r.DisplayName)
			}
		}
		err = pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
			q := db.New(tx)
			if err := q.ForgetOwnNames(ctx, ids); err != nil {
				return pg.Err(err)
			}
			return pg.Err(q.AddOwnNames(ctx, p))
		})
		if err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// Clues are what lines say of who paid, and for what.
type Clues struct {
	// Accounts of payers; Names, normal; Prefixes of them; Words of texts; Amounts in minor units.
	Accounts, Names, Prefixes, Words []string
	Amounts                          []int64
}

// Payers are the customers that each clue leads to.
type Payers struct {
	ByAccount, ByName, ByPrefix, ByWord map[string][]string
	ByAmount                            map[int64][]string
}

// Payers finds customers by clues, as sets. An amount that more customers than a few owe leads to none.
func (s *Store) Payers(ctx context.Context, c Clues) (Payers, error) {
	p := Payers{ByAccount: map[string][]string{}, ByName: map[string][]string{}, ByPrefix: map[string][]string{}, ByWord: map[string][]string{}, ByAmount: map[int64][]string{}}
	accounts, err := s.q.PayersByAccount(ctx, c.Accounts)
	if err != nil {
		return p, pg.Err(err)
	}
	for _, r := range accounts {
		p.ByAccount[r.Account] = append(p.ByAccount[r.Account], r.CustomerID)
	}
	names, err := s.q.PayersByName(ctx, c.Names)
	if err != nil {
		return p, pg.Err(err)
	}
	for _, r := range names {
		p.ByName[r.Normal] = append(p.ByName[r.Normal], r.CustomerID)
	}
	prefixes, err := s.q.PayersByPrefix(ctx, c.Prefixes)
	if err != nil {
		return p, pg.Err(err)
	}
	for _, r := range prefixes {
		p.ByPrefix[r.Prefix] = append(p.ByPrefix[r.Prefix], r.CustomerID)
	}
	if err := s.payersByWord(ctx, c.Words, p.ByWord); err != nil {
		return p, err
	}
	amounts, err := s.q.PayersByAmount(ctx, c.Amounts)
	if err != nil {
		return p, pg.Err(err)
	}
	for _, r := range amounts {
		p.ByAmount[r.Open] = append(p.ByAmount[r.Open], r.CustomerID)
	}
	const few = 3
	for amount, ids := range p.ByAmount {
		if len(ids) > few {
			delete(p.ByAmount, amount)
		}
	}
	return p, nil
}

// payersByWord finds customers by their own number and those of their documents and orders.
func (s *Store) payersByWord(ctx context.Context, words []string, out map[string][]string) error {
	customers, err := s.q.PayersByNumber(ctx, words)
	if err != nil {
		return pg.Err(err)
	}
	for _, id := range customers {
		out[id] = append(out[id], id)
	}
	documents, err := s.q.PayersByDocument(ctx, words)
	if err != nil {
		return pg.Err(err)
	}
	for _, r := range documents {
		out[r.DocumentID] = append(out[r.DocumentID], r.CustomerID)
		if r.ItemID != r.DocumentID {
			out[r.ItemID] = append(out[r.ItemID], r.CustomerID)
		}
	}
	orders, err := s.q.PayersByOrder(ctx, words)
	if err != nil {
		return pg.Err(err)
	}
	for _, r := range orders {
		out[r.OrderID] = append(out[r.OrderID], r.CustomerID)
	}
	return nil
}

// OwedBy gives customers with all that they owe in a currency, at most so many items of each, and who they are known as.
func (s *Store) OwedBy(ctx context.Context, ids []string, currency string, most int) (map[string]cashmatch.Customer, error) {
	known, err := s.Customers(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]cashmatch.Customer, len(known))
	for id, k := range known {
		out[id] = cashmatch.Customer{ID: id, Name: k.DisplayName}
	}
	items, err := s.q.OpenItemsOfPayers(ctx, db.OpenItemsOfPayersParams{Ids: ids, Currency: currency, Most: int32(most)}) //nolint:gosec // a constant of the use case
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, r := range items {
		c := out[r.CustomerID]
		c.Items = append(c.Items, cashmatch.Item{
			ID: r.ItemID, DocumentID: r.DocumentID, OrderID: r.OrderID, Reference: r.Reference, Date: r.DocumentDate, DueDate: r.DueDate,
			Open: cash(r.Open, currency), Discount: cash(0, currency),
		})
		out[r.CustomerID] = c
	}
	names, err := s.q.NamesOfPayers(ctx, ids)
	if err != nil {
		return nil, pg.Err(err)
	}
	for _, r := range names {
		c := out[r.CustomerID]
		c.Names = append(c.Names, r.Name)
		out[r.CustomerID] = c
	}
	accounts, err := s.q.AccountsOfPayers(ctx, ids)
	for _, r := range accounts {
		c := out[r.CustomerID]
		c.Accounts = append(c.Accounts, r.Account)
		out[r.CustomerID] = c
	}
	return out, pg.Err(err)
}

// Distinct is a list without what stands in it twice, sorted.
func Distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
