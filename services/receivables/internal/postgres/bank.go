package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/bankline"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
)

// Bank writes bank accounts, statements and lines in a transaction.
type Bank struct {
	q   *db.Queries
	act Act
}

// NewBank returns a writer in a transaction.
func NewBank(tx pgx.Tx, act Act) *Bank { return &Bank{q: db.New(tx), act: act} }

// BankAccount returns an account of the company. Errors: NotFound BANK_ACCOUNT_UNKNOWN.
func (s *Store) BankAccount(ctx context.Context, id string) (bankline.Account, error) {
	row, err := s.q.BankAccount(ctx, id)
	if err != nil {
		return bankline.Account{}, notFound(err, "BANK_ACCOUNT_UNKNOWN", "bank_account", id)
	}
	return bankAccount(row)
}

// BankAccountByNumber finds an account by its number as bankstatement.Number gives it. Errors: NotFound BANK_ACCOUNT_UNKNOWN.
func (s *Store) BankAccountByNumber(ctx context.Context, number string) (bankline.Account, error) {
	row, err := s.q.BankAccountByNumber(ctx, number)
	if err != nil {
		return bankline.Account{}, notFound(err, "BANK_ACCOUNT_UNKNOWN", "bank_account", number)
	}
	return bankAccount(row)
}

// BankAccounts are the accounts of the company.
func (s *Store) BankAccounts(ctx context.Context) ([]bankline.Account, error) {
	rows, err := s.q.BankAccounts(ctx)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]bankline.Account, len(rows))
	for i, r := range rows {
		if out[i], err = bankAccount(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func bankAccount(r db.BankAccount) (bankline.Account, error) {
	a := bankline.Account{ID: r.BankAccountID, Name: r.DisplayName, Number: r.Number, Currency: r.Currency, ChangedBy: r.ChangedBy, ChangeTime: r.ChangedAt.UTC()}
	if len(r.Mapping) == 0 {
		return a, nil
	}
	a.Mapping = &bankstatement.Mapping{}
	if err := json.Unmarshal(r.Mapping, a.Mapping); err != nil {
		return a, fmt.Errorf("mapping of bank account %s: %w", a.ID, err)
	}
	return a, nil
}

// SaveAccount names an account or changes it. Errors: AlreadyExists BANK_NUMBER_TAKEN, FailedPrecondition BANK_ACCOUNT_USED.
func (b *Bank) SaveAccount(ctx context.Context, a bankline.Account) error {
	was, err := b.q.LockBankAccount(ctx, a.ID)
	if err = pg.Err(err); err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	if err == nil && (was.Number != a.Number || was.Currency != a.Currency) {
		used, err := b.q.BankAccountUsed(ctx, a.ID)
		if err != nil {
			return pg.Err(err)
		}
		if used {
			return errs.New(errs.FailedPrecondition, "BANK_ACCOUNT_USED", "bank account %s has statements: its number and currency stay", a.ID).With("bank_account_id", a.ID)
		}
	}
	var mapping []byte
	if a.Mapping != nil {
		if mapping, err = json.Marshal(a.Mapping); err != nil {
			return err
		}
	}
	err = b.q.SaveBankAccount(ctx, db.SaveBankAccountParams{
		BankAccountID: a.ID, DisplayName: a.Name, Number: a.Number, Currency: a.Currency, Mapping: mapping, ChangedBy: b.act.Actor, ChangedAt: b.act.Now,
	})
	if pg.IsUnique(err, "bank_accounts_number_key") {
		return errs.New(errs.AlreadyExists, "BANK_NUMBER_TAKEN", "another bank account has the number %s", a.Number).With("field", "bank_account.number")
	}
	return pg.Err(err)
}

// LockAccount makes imports of one account take turns. Errors: NotFound BANK_ACCOUNT_UNKNOWN.
func (b *Bank) LockAccount(ctx context.Context, id string) error {
	_, err := b.q.LockBankAccount(ctx, id)
	return notFound(err, "BANK_ACCOUNT_UNKNOWN", "bank_account", id)
}

// StatementsOfFile are those that a file gave when it was taken; none: it was not.
func (b *Bank) StatementsOfFile(ctx context.Context, digest []byte) ([]bankline.Statement, error) {
	rows, err := b.q.BankStatementsOfFile(ctx, digest)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]bankline.Statement, len(rows))
	for i, r := range rows {
		out[i] = bankStatement(r)
	}
	return out, nil
}

func bankStatement(r db.BankStatement) bankline.Statement {
	amount := func(n *int64) *money.Money {
		if n == nil {
			return nil
		}
		m := cash(*n, r.Currency)
		return &m
	}
	return bankline.Statement{
		ID: r.BankStatementID, AccountID: r.BankAccountID, Format: r.Format, Number: r.Number, FileName: r.FileName, Digest: r.Digest,
		First: r.FirstDate, Last: r.LastDate, Lines: int(r.Lines), New: int(r.NewLines), Skipped: int(r.Skipped), Currency: r.Currency,
		Opening: amount(r.Opening), Closing: amount(r.Closing), Difference: amount(r.Difference),
		ImportedBy: r.ImportedBy, ImportDate: r.ImportDate, CreateTime: r.CreatedAt.UTC(),
	}
}

// Known are those of some lines that are there already.
func (b *Bank) Known(ctx context.Context, ids []string) (map[string]bool, error) {
	rows, err := b.q.KnownBankLines(ctx, ids)
	out := make(map[string]bool, len(rows))
	for _, id := range rows {
		out[id] = true
	}
	return out, pg.Err(err)
}

// AddStatement keeps a statement with its new lines, which are NEW or OUTGOING.
func (b *Bank) AddStatement(ctx context.Context, s bankline.Statement, ids []string, lines []bankstatement.Line) error {
	minor := func(m *money.Money) *int64 {
		if m == nil {
			return nil
		}
		return &m.Minor
	}
	err := b.q.AddBankStatement(ctx, db.AddBankStatementParams{
		BankStatementID: s.ID, BankAccountID: s.AccountID, Format: s.Format, Number: s.Number, FileName: s.FileName, Digest: s.Digest,
		FirstDate: s.First, LastDate: s.Last, Lines: int32(s.Lines), NewLines: int32(s.New), Skipped: int32(s.Skipped), //nolint:gosec // bounded by bankstatement.MaxLines
		Currency: s.Currency, Opening: minor(s.Opening), Closing: minor(s.Closing), Difference: minor(s.Difference),
		ImportedBy: s.ImportedBy, ImportDate: s.ImportDate, CreatedAt: s.CreateTime,
	})
	if err != nil || len(lines) == 0 {
		return pg.Err(err)
	}
	p := db.AddBankLinesParams{BankAccountID: s.AccountID, BankStatementID: s.ID, Currency: s.Currency, Ids: ids}
	for _, l := range lines {
		p.BookingDates, p.ValueDates = append(p.BookingDates, l.BookingDate), append(p.ValueDates, l.ValueDate)
		p.Amounts, p.BankReferences = append(p.Amounts, l.Amount.Minor), append(p.BankReferences, l.BankReference)
		p.EndToEnds, p.PartyNames = append(p.EndToEnds, l.EndToEnd), append(p.PartyNames, l.PartyName)
		p.PartyAccounts, p.PartyBanks = append(p.PartyAccounts, l.PartyAccount), append(p.PartyBanks, l.PartyBank)
		p.Texts, p.Reversals = append(p.Texts, l.Text), append(p.Reversals, l.Reversal)
		p.Batches = append(p.Batches, int32(l.Batch)) //nolint:gosec // bounded by bankstatement.MaxLines
	}
	if err := b.q.AddBankLines(ctx, p); err != nil {
		return pg.Err(err)
	}
	return pg.Err(b.q.AddBankLineStates(ctx, db.AddBankLineStatesParams{Ids: ids, ChangedBy: b.act.Actor, ChangedAt: b.act.Now}))
}

// BankLine returns a line. Errors: NotFound BANK_LINE_UNKNOWN.
func (s *Store) BankLine(ctx context.Context, id string) (bankline.Line, error) {
	return bankLineByID(ctx, s.q, id)
}

// Line returns a line, locked. Errors: NotFound BANK_LINE_UNKNOWN.
func (b *Bank) Line(ctx context.Context, id string) (bankline.Line, error) {
	if _, err := b.q.LockBankLine(ctx, id); err != nil {
		return bankline.Line{}, notFound(err, "BANK_LINE_UNKNOWN", "bank_line", id)
	}
	return bankLineByID(ctx, b.q, id)
}

func bankLineByID(ctx context.Context, q *db.Queries, id string) (bankline.Line, error) {
	row, err := q.BankLine(ctx, id)
	if err != nil {
		return bankline.Line{}, notFound(err, "BANK_LINE_UNKNOWN", "bank_line", id)
	}
	return bankLine(row)
}

func bankLine(r db.BankLineDocument) (bankline.Line, error) {
	l := bankline.Line{
		ID: r.BankLineID, AccountID: r.BankAccountID, StatementID: r.BankStatementID,
		Line: bankstatement.Line{
			BookingDate: r.BookingDate, ValueDate: r.ValueDate, Amount: cash(r.Amount, r.Currency), BankReference: r.BankReference,
			EndToEnd: r.EndToEnd, PartyName: r.PartyName, PartyAccount: r.PartyAccount, PartyBank: r.PartyBank, Text: r.Text,
			Reversal: r.Reversal, Batch: int(r.Batch),
		},
		State: bankline.State(r.State), CustomerID: r.CustomerID, ReceiptID: r.ReceiptID, Reason: r.Reason, Auto: r.AutoConfirmed,
		Attempt: int(r.Attempt), ChangedBy: r.ChangedBy, ChangeTime: r.ChangedAt.UTC(),
	}
	if err := json.Unmarshal(r.Proposals, &l.Proposals); err != nil {
		return l, fmt.Errorf("proposals of bank line %s: %w", l.ID, err)
	}
	return l, nil
}

func bankLines(rows []db.BankLineDocument, err error) ([]bankline.Line, error) {
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]bankline.Line, len(rows))
	for i, r := range rows {
		if out[i], err = bankLine(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OpenBankLines are lines that wait to be confirmed, oldest first; empty identifiers do not restrict.
func (s *Store) OpenBankLines(ctx context.Context, accountID, statementID string, limit int) ([]bankline.Line, error) {
	return bankLines(s.q.OpenBankLines(ctx, db.OpenBankLinesParams{
		BankAccountID: accountID, BankStatementID: statementID, PageSize: int32(limit), //nolint:gosec // bounded by the contract
	}))
}

// Save keeps where a line stands.
func (b *Bank) Save(ctx context.Context, l bankline.Line) error {
	proposals, err := proposalsText(l.Proposals)
	if err != nil {
		return err
	}
	return pg.Err(b.q.SaveBankLineState(ctx, db.SaveBankLineStateParams{
		BankLineID: l.ID, State: string(l.State), Proposals: proposals, CustomerID: l.CustomerID, ReceiptID: l.ReceiptID, Reason: l.Reason,
		AutoConfirmed: l.Auto, Attempt: int32(l.Attempt), ChangedBy: b.act.Actor, ChangedAt: b.act.Now, //nolint:gosec // a count of receipts of one line
	}))
}

func proposalsText(list []cashmatch.Proposal) ([]byte, error) {
	if len(list) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal(list)
}

// Propose keeps a line's proposals unless somebody has dealt with it meanwhile.
func (b *Bank) Propose(ctx context.Context, l bankline.Line) error {
	proposals, err := proposalsText(l.Proposals)
	if err != nil {
		return err
	}
	_, err = b.q.ProposeBankLine(ctx, db.ProposeBankLineParams{
		BankLineID: l.ID, State: string(l.State), Proposals: proposals, ChangedBy: b.act.Actor, ChangedAt: b.act.Now,
	})
	return pg.Err(err)
}

// Learn remembers the payer of a line as a customer.
func (b *Bank) Learn(ctx context.Context, l bankline.Line) error {
	if l.PartyAccount != "" {
		err := b.q.LearnPayerAccount(ctx, db.LearnPayerAccountParams{
			Account: l.PartyAccount, CustomerID: l.CustomerID, BankLineID: l.ID, LearnedBy: b.act.Actor, LearnedAt: b.act.Now,
		})
		if err != nil {
			return pg.Err(err)
		}
	}
	normal := cashmatch.NormalName(l.PartyName)
	if normal == "" {
		return nil
	}
	return pg.Err(b.q.LearnPayerName(ctx, db.LearnPayerNameParams{Normal: normal, CustomerID: l.CustomerID, Name: l.PartyName, BankLineID: &l.ID}))
}

// Forget takes back what was learned from a line.
func (b *Bank) Forget(ctx context.Context, lineID string) error {
	if err := b.q.ForgetPayerAccounts(ctx, lineID); err != nil {
		return pg.Err(err)
	}
	return pg.Err(b.q.ForgetPayerNames(ctx, &lineID))
}

const bankLinesSQL = `
SELECT d.* FROM bank_line_documents d
WHERE ($1 = '' OR d.bank_account_id = $1) AND ($2 = '' OR d.state = $2) AND ($3 = '' OR d.bank_statement_id = $3)
  AND ($4 = '' OR d.customer_id = ANY (accounts_under($4)))
  AND ($5::date IS NULL OR (d.booking_date, d.bank_line_id) < ($5, $6))
ORDER BY d.booking_date DESC, d.bank_line_id DESC LIMIT $7`

// BankLines lists lines, newest booking date first.
func (s *Store) BankLines(ctx context.Context, q bankline.Query) ([]bankline.Line, error) {
	rows, err := s.pool.Query(ctx, bankLinesSQL, q.AccountID, string(q.State), q.StatementID, q.CustomerID, orNoDate(q.AfterDate), q.AfterID, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	return bankLines(pgx.CollectRows(rows, pgx.RowToStructByPos[db.BankLineDocument]))
}

func orNoDate(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

const bankStatementsSQL = `
SELECT s.* FROM bank_statements s
WHERE ($1 = '' OR s.bank_account_id = $1) AND ($2::timestamptz IS NULL OR (s.created_at, s.bank_statement_id) < ($2, $3))
ORDER BY s.created_at DESC, s.bank_statement_id DESC LIMIT $4`

// BankStatements lists statements, newest first.
func (s *Store) BankStatements(ctx context.Context, q bankline.StatementQuery) ([]bankline.Statement, error) {
	var after *time.Time
	if q.AfterID != "" {
		after = &q.AfterTime
	}
	rows, err := s.pool.Query(ctx, bankStatementsSQL, q.AccountID, after, q.AfterID, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.BankStatement])
	out := make([]bankline.Statement, len(found))
	for i, r := range found {
		out[i] = bankStatement(r)
	}
	return out, pg.Err(err)
}

const (
	unappliedRows = `
SELECT c.customer_id, c.credit_id AS id, c.credit_id, '' AS bank_line_id, c.credit_date AS date, c.currency, b.unapplied AS amount
FROM credit_balances b JOIN credits c USING (credit_id) WHERE b.unapplied > 0 AND ($1 = '' OR c.customer_id = ANY (accounts_under($1)))
UNION ALL
SELECT '', d.bank_line_id, '', d.bank_line_id, d.value_date, d.currency, d.amount
FROM bank_line_documents d WHERE d.state IN ('NEW', 'PROPOSED') AND $1 = ''`
	unappliedSQL = `SELECT u.customer_id, coalesce(k.display_name, ''), u.credit_id, u.bank_line_id, u.date, u.currency, u.amount
FROM (` + unappliedRows + `) u LEFT JOIN customers k USING (customer_id)
WHERE $2::date IS NULL OR (u.date, u.id) > ($2, $3)
ORDER BY u.date, u.id LIMIT $4`
	unappliedTotalsSQL = `SELECT currency, count(*) FILTER (WHERE credit_id <> ''), coalesce(sum(amount) FILTER (WHERE credit_id <> ''), 0)::bigint,
	count(*) FILTER (WHERE credit_id = ''), coalesce(sum(amount) FILTER (WHERE credit_id = ''), 0)::bigint
FROM (` + unappliedRows + `) u GROUP BY currency ORDER BY currency`
)

// Unapplied lists money that is not applied, oldest first.
func (s *Store) Unapplied(ctx context.Context, q bankline.UnappliedQuery) ([]bankline.Unapplied, error) {
	rows, err := s.pool.Query(ctx, unappliedSQL, q.CustomerID, orNoDate(q.AfterDate), q.AfterID, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bankline.Unapplied, error) {
		var u bankline.Unapplied
		err := row.Scan(&u.CustomerID, &u.CustomerName, &u.CreditID, &u.LineID, &u.Date, &u.Amount.Currency, &u.Amount.Minor)
		return u, err
	})
	return out, pg.Err(err)
}

// UnappliedTotals sums it up by currency.
func (s *Store) UnappliedTotals(ctx context.Context, customerID string) ([]bankline.UnappliedTotal, error) {
	rows, err := s.pool.Query(ctx, unappliedTotalsSQL, customerID)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bankline.UnappliedTotal, error) {
		var t bankline.UnappliedTotal
		err := row.Scan(&t.Currency, &t.Credits, &t.CreditAmount.Minor, &t.Lines, &t.LineAmount.Minor)
		t.CreditAmount.Currency, t.LineAmount.Currency = t.Currency, t.Currency
		return t, err
	})
	return out, pg.Err(err)
}
