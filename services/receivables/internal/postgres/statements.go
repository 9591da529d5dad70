package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// maxStatement bounds the entries and the items of one statement.
const maxStatement = 2000

// Statements writes statements and correspondence in a transaction.
type Statements struct {
	tx  pgx.Tx
	q   *db.Queries
	act Act
}

// NewStatements returns a writer in a transaction.
func NewStatements(tx pgx.Tx, act Act) *Statements {
	return &Statements{tx: tx, q: db.New(tx), act: act}
}

// SaveCorrespondence keeps where letters to a customer go.
func (s *Statements) SaveCorrespondence(ctx context.Context, c statement.Correspondence) error {
	return pg.Err(s.q.SaveCorrespondence(ctx, db.SaveCorrespondenceParams{
		CustomerID: c.CustomerID, Emails: c.Emails, Language: string(c.Language), ChangedBy: s.act.Actor, ChangedAt: s.act.Now,
	}))
}

// Correspondences are those of customers that have one.
func (s *Store) Correspondences(ctx context.Context, ids ...string) (map[string]statement.Correspondence, error) {
	rows, err := s.q.Correspondences(ctx, ids)
	out := make(map[string]statement.Correspondence, len(rows))
	for _, r := range rows {
		out[r.CustomerID] = statement.Correspondence{
			CustomerID: r.CustomerID, Emails: r.Emails, Language: statement.Language(r.Language), ChangedBy: r.ChangedBy, ChangeTime: r.ChangedAt.UTC(),
		}
	}
	return out, pg.Err(err)
}

// CustomersWithoutStatement are customers who need one of a kind and day, by number.
func (s *Store) CustomersWithoutStatement(ctx context.Context, kind statement.Kind, asOf calendar.Date, most int) ([]string, error) {
	ids, err := s.q.CustomersWithoutStatement(ctx, db.CustomersWithoutStatementParams{Kind: string(kind), AsOf: asOf, Most: int32(most)}) //nolint:gosec // a constant of the use case
	return ids, pg.Err(err)
}

// Content reads what a customer's account says of a period, under the account's lock. Errors: FailedPrecondition
// STATEMENT_TOO_LONG.
func (s *Statements) Content(ctx context.Context, c Customer, from, asOf calendar.Date) (statement.Content, error) {
	account, err := LockAccount(ctx, s.tx, c, s.act)
	if err != nil {
		return statement.Content{}, err
	}
	currency := account.Currency()
	out := statement.Content{CustomerName: c.DisplayName, From: from, AsOf: asOf, Entries: []statement.Entry{}, Items: []statement.Item{}}
	opening, err := s.q.StatementOpening(ctx, db.StatementOpeningParams{CustomerID: c.ID, Day: from})
	if err != nil {
		return out, pg.Err(err)
	}
	out.Opening, out.Balance = cash(opening, currency), cash(opening, currency)
	entries, err := s.q.StatementEntries(ctx, db.StatementEntriesParams{CustomerID: c.ID, FromDay: from, ToDay: asOf, Most: maxStatement + 1})
	if err != nil {
		return out, pg.Err(err)
	}
	for _, e := range entries {
		amount := cash(e.Amount, currency)
		out.Balance = out.Balance.Add(amount)
		out.Entries = append(out.Entries, statement.Entry{Date: e.EntryDate, Kind: e.Kind, DocumentID: e.DocumentID, Amount: amount, Balance: out.Balance})
	}
	items, err := s.q.StatementItems(ctx, db.StatementItemsParams{CustomerID: c.ID, Day: asOf, Most: maxStatement + 1})
	if err != nil {
		return out, pg.Err(err)
	}
	for _, i := range items {
		out.Items = append(out.Items, statement.Item{
			ID: i.ItemID, DocumentDate: i.DocumentDate, DueDate: i.DueDate, Amount: cash(i.Amount, currency), Open: cash(i.Open, currency),
		})
	}
	if len(entries) > maxStatement || len(items) > maxStatement {
		return out, errs.New(errs.FailedPrecondition, "STATEMENT_TOO_LONG", "the account of customer %s has more than %d entries or items: choose a shorter period", c.ID, maxStatement).
			With("customer_id", c.ID)
	}
	unapplied, err := s.q.StatementUnapplied(ctx, db.StatementUnappliedParams{CustomerID: c.ID, Day: asOf})
	out.Unapplied = cash(unapplied, currency)
	return out, pg.Err(err)
}

// detail is what states keep beside the stage.
type detail struct {
	Recipients []string      `json:"recipients,omitempty"`
	ByPost     bool          `json:"by_post,omitempty"`
	SentBy     string        `json:"sent_by,omitempty"`
	SentDate   calendar.Date `json:"sent_date"`
	statement.Answer
}

func detailOf(st statement.Statement) ([]byte, error) {
	return json.Marshal(detail{Recipients: st.Recipients, ByPost: st.ByPost, SentBy: st.SentBy, SentDate: st.SentDate, Answer: st.Answer})
}

// Add keeps a draft; added is false where the customer has one of the kind and day.
func (s *Statements) Add(ctx context.Context, st statement.Statement) error {
	content, err := json.Marshal(st.Content)
	if err != nil {
		return err
	}
	err = s.q.AddAccountStatement(ctx, db.AddAccountStatementParams{
		StatementID: st.ID, CustomerID: st.CustomerID, Kind: string(st.Kind), Language: string(st.Language), AsOfDate: st.AsOf, Content: content,
		DraftedBy: st.DraftedBy, DraftDate: st.DraftDate, CreatedAt: st.CreateTime,
	})
	if err != nil {
		return pg.Err(err)
	}
	d, err := detailOf(st)
	if err != nil {
		return err
	}
	return pg.Err(s.q.AddAccountStatementState(ctx, db.AddAccountStatementStateParams{
		StatementID: st.ID, CustomerID: st.CustomerID, Kind: string(st.Kind), AsOfDate: st.AsOf, Stage: string(st.Stage), Detail: d, ChangedAt: s.act.Now,
	}))
}

// Save keeps where a statement stands.
func (s *Statements) Save(ctx context.Context, st statement.Statement) error {
	d, err := detailOf(st)
	if err != nil {
		return err
	}
	return pg.Err(s.q.SaveAccountStatementState(ctx, db.SaveAccountStatementStateParams{
		StatementID: st.ID, Stage: string(st.Stage), Detail: d, LetterKey: st.LetterKey, ChangedAt: s.act.Now,
	}))
}

// Confirmed keeps the balance that a customer agreed to.
func (s *Statements) Confirmed(ctx context.Context, st statement.Statement) error {
	return pg.Err(s.q.AddBalanceConfirmation(ctx, db.AddBalanceConfirmationParams{
		StatementID: st.ID, CustomerID: st.CustomerID, AsOfDate: st.AsOf, AgreedDate: st.AnswerDate, Currency: st.Balance.Currency,
		AgreedBalance: st.Balance.Minor, AnsweredBy: st.AnsweredBy, RecordedBy: st.RecordedBy, CreatedAt: s.act.Now,
	}))
}

// Statement returns one, locked. Errors: NotFound STATEMENT_UNKNOWN.
func (s *Statements) Statement(ctx context.Context, id string) (statement.Statement, error) {
	if _, err := s.q.LockAccountStatement(ctx, id); err != nil {
		return statement.Statement{}, notFound(err, "STATEMENT_UNKNOWN", "statement", id)
	}
	return one(ctx, s.tx, id)
}

// Of returns the customer's statement of a kind and day that is not cancelled; ok is false where there is none.
func (s *Statements) Of(ctx context.Context, customerID string, kind statement.Kind, asOf calendar.Date) (st statement.Statement, ok bool, err error) {
	list, err := statements(ctx, s.tx, statementsSQL+` AND st.stage <> 'CANCELLED'`, "", customerID, string(kind), &asOf)
	if err != nil || len(list) == 0 {
		return statement.Statement{}, false, err
	}
	return list[0], true, nil
}

// AccountStatement returns one. Errors: NotFound STATEMENT_UNKNOWN.
func (s *Store) AccountStatement(ctx context.Context, id string) (statement.Statement, error) {
	return one(ctx, s.pool, id)
}

func one(ctx context.Context, q pg.Querier, id string) (statement.Statement, error) {
	list, err := statements(ctx, q, statementsSQL, id, "", "", nil)
	if err == nil && len(list) == 0 {
		err = Unknown("STATEMENT_UNKNOWN", "statement", id)
	}
	if err != nil {
		return statement.Statement{}, err
	}
	return list[0], nil
}

const (
	statementsSQL = `
SELECT s.statement_id, s.customer_id, s.kind, s.language, s.content, s.drafted_by, s.draft_date, s.created_at, st.stage, st.detail, st.letter_key,
       coalesce(q.state, '')
FROM account_statements s JOIN account_statement_states st USING (statement_id)
LEFT JOIN mail_queue q ON q.message_key = st.letter_key AND st.letter_key <> ''
WHERE ($1 = '' OR s.statement_id = $1) AND ($2 = '' OR s.customer_id = ANY (accounts_under($2))) AND ($3 = '' OR s.kind = $3) AND ($4::date IS NULL OR s.as_of_date = $4)`
	// The state as statement.State has it.
	statementsListSQL = statementsSQL + `
  AND ($5 = '' OR $5 = CASE
        WHEN st.stage <> 'SENT' THEN st.stage
        WHEN q.state IN ('QUEUED', 'SENDING') THEN 'QUEUED'
        WHEN q.state IN ('FAILED', 'UNCERTAIN', 'CANCELLED') THEN 'NOT_DELIVERED'
        WHEN s.kind = 'CONFIRMATION' AND $6::date - (st.detail->>'sent_date')::date > $7 THEN 'NO_ANSWER'
        ELSE 'SENT' END)
  AND ($8 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = s.customer_id AND c.salesperson = $8))
  AND ($9::timestamptz IS NULL OR (s.created_at, s.statement_id) < ($9, $10))
ORDER BY s.created_at DESC, s.statement_id DESC LIMIT $11`
)

// Statements lists statements, newest first.
func (s *Store) Statements(ctx context.Context, q statement.Query) ([]statement.Statement, error) {
	var after *time.Time
	if q.AfterID != "" {
		after = &q.AfterTime
	}
	return statements(ctx, s.pool, statementsListSQL, "", q.CustomerID, string(q.Kind), orNoDate(q.AsOf), string(q.State), q.Today, q.Wait, q.Salesperson,
		after, q.AfterID, q.Limit)
}

func statements(ctx context.Context, q pg.Querier, query string, args ...any) ([]statement.Statement, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (statement.Statement, error) {
		var st statement.Statement
		var content, state []byte
		var letter mail.State
		err := row.Scan(&st.ID, &st.CustomerID, &st.Kind, &st.Language, &content, &st.DraftedBy, &st.DraftDate, &st.CreateTime, &st.Stage, &state, &st.LetterKey, &letter)
		if err != nil {
			return st, err
		}
		if err := json.Unmarshal(content, &st.Content); err != nil {
			return st, fmt.Errorf("content of statement %s: %w", st.ID, err)
		}
		var d detail
		if err := json.Unmarshal(state, &d); err != nil {
			return st, fmt.Errorf("state of statement %s: %w", st.ID, err)
		}
		st.Recipients, st.ByPost, st.SentBy, st.SentDate, st.Answer = d.Recipients, d.ByPost, d.SentBy, d.SentDate, d.Answer
		st.CreateTime, st.Delivery = st.CreateTime.UTC(), delivery(letter)
		return st, nil
	})
	return out, pg.Err(err)
}

// delivery is what the state of a letter means for the statement.
func delivery(s mail.State) statement.Delivery {
	switch s {
	case mail.Queued, mail.Sending:
		return statement.Waiting
	case mail.Failed, mail.Uncertain, mail.Cancelled:
		return statement.Failed
	default:
		return statement.Arrived
	}
}

// Letters lists letters by key.
func (s *Store) Letters(ctx context.Context, state mail.State, after string, limit int) ([]mail.Status, error) {
	return mail.List(ctx, s.pool, state, after, limit)
}
