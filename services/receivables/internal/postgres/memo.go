package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/memo"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// AddMemo keeps a memo that was proposed.
func (a *Account) AddMemo(ctx context.Context, m memo.Memo) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return pg.Err(a.q.AddCreditMemo(ctx, db.AddCreditMemoParams{
		MemoID: m.ID, CustomerID: m.CustomerID, Kind: string(m.Kind), State: string(m.State), NextRoles: m.NextRoles(),
		ProposedBy: m.ProposedBy, Body: body, CreatedAt: m.CreateTime,
	}))
}

// SaveMemo keeps a memo that moved on.
func (a *Account) SaveMemo(ctx context.Context, m memo.Memo) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return pg.Err(a.q.SaveCreditMemo(ctx, db.SaveCreditMemoParams{MemoID: m.ID, State: string(m.State), NextRoles: m.NextRoles(), Body: body}))
}

// Memo reads a memo under the account's lock. Errors: NotFound CREDIT_MEMO_UNKNOWN.
func (a *Account) Memo(ctx context.Context, id string) (memo.Memo, error) {
	return memoByID(ctx, a.q, id)
}

// Memo reads a memo. Errors: NotFound CREDIT_MEMO_UNKNOWN.
func (s *Store) Memo(ctx context.Context, id string) (memo.Memo, error) {
	return memoByID(ctx, s.q, id)
}

// CreditNotes are the memos of credit notes that name a document or an instalment, and stand or wait, oldest first.
func (a *Account) CreditNotes(ctx context.Context, names []string) ([]memo.Memo, error) {
	rows, err := a.q.CreditNotesNaming(ctx, db.CreditNotesNamingParams{CustomerID: a.customerID, Names: names})
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]memo.Memo, len(rows))
	for i, body := range rows {
		if err := json.Unmarshal(body, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GivenUp is what was written off, waived or let go of items and stands, by their documents.
func (a *Account) GivenUp(ctx context.Context, items []string) (map[string]money.Money, error) {
	rows, err := a.q.GivenUp(ctx, items)
	out := make(map[string]money.Money, len(rows))
	for _, r := range rows {
		out[r.DocumentID] = cash(r.Amount, a.currency)
	}
	return out, pg.Err(err)
}

func memoByID(ctx context.Context, q *db.Queries, id string) (memo.Memo, error) {
	row, err := q.CreditMemoByID(ctx, id)
	if err != nil {
		return memo.Memo{}, notFound(err, "CREDIT_MEMO_UNKNOWN", "credit memo", id)
	}
	return memoOf(row)
}

func memoOf(row db.CreditMemo) (memo.Memo, error) {
	var m memo.Memo
	err := json.Unmarshal(row.Body, &m)
	m.CreateTime = m.CreateTime.UTC()
	return m, err
}

const memosSQL = `
SELECT d.* FROM credit_memos d
WHERE ($1 = '' OR d.customer_id = ANY (accounts_under($1)))
  AND ($2 = '' OR d.state = $2)
  AND (cardinality($3::text[]) = 0 OR d.state = 'PROPOSED' AND d.next_roles && $3)
  AND ($4 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $4))
  AND ($5::timestamptz IS NULL OR (d.created_at, d.memo_id) < ($5, $6))
ORDER BY d.created_at DESC, d.memo_id DESC
LIMIT $7`

// Memos lists memos, newest first.
func (s *Store) Memos(ctx context.Context, q memo.Query) ([]memo.Memo, error) {
	at, id := bounds(q.After)
	if q.WaitingFor == nil {
		q.WaitingFor = []string{}
	}
	rows, err := s.pool.Query(ctx, memosSQL, q.CustomerID, string(q.State), q.WaitingFor, q.Salesperson, at, id, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.CreditMemo])
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]memo.Memo, len(docs))
	for i, d := range docs {
		if out[i], err = memoOf(d); err != nil {
			return nil, err
		}
	}
	return out, nil
}
