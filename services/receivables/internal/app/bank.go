package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/bankline"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// SetBankAccount names an account of the company, or changes it. Errors: those of bankline.Account.Check, AlreadyExists
// BANK_NUMBER_TAKEN, FailedPrecondition BANK_ACCOUNT_USED.
func (s *Service) SetBankAccount(ctx context.Context, req idem.Request, a bankline.Account) (bankline.Account, error) {
	a.Number = bankstatement.Number(a.Number)
	if err := a.Check(); err != nil {
		return a, err
	}
	return bankChange(ctx, s, req, func(ctx context.Context, tx pgx.Tx, b *postgres.Bank, act postgres.Act) (bankline.Account, error) {
		if err := b.SaveAccount(ctx, a); err != nil {
			return a, err
		}
		a.ChangedBy, a.ChangeTime = act.Actor, act.Now
		return a, bankEvent(ctx, tx, act, ofAccount(a.ID, "bank.account", "bank account "+a.ID), a)
	})
}

// bankChange runs a change around bank accounts once per request.
func bankChange[T any](ctx context.Context, s *Service, req idem.Request, fn func(ctx context.Context, tx pgx.Tx, b *postgres.Bank, act postgres.Act) (T, error)) (T, error) {
	var out T
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (T, error) {
			act := s.act(ctx)
			return fn(ctx, tx, postgres.NewBank(tx, act), act)
		})
		if err == nil && onTrial(ctx) {
			return errTrial
		}
		return err
	})
	if errors.Is(err, errTrial) {
		err = nil
	}
	return out, err
}

// bankEvent writes what was done around a bank account to the audit trail.
func bankEvent(ctx context.Context, tx pgx.Tx, act postgres.Act, e audit.Event, detail any) error {
	var err error
	if e.Detail, err = json.Marshal(detail); err != nil {
		return err
	}
	e.Actor, e.BusinessDate = act.Actor, act.Today
	return audit.Append(ctx, tx, e)
}

// ofAccount is an event around a bank account.
func ofAccount(accountID, action, subject string) audit.Event {
	return audit.Event{Stream: "bank/" + accountID, Action: action, Subject: subject}
}

// BankAccounts are the accounts of the company.
func (s *Service) BankAccounts(ctx context.Context) ([]bankline.Account, error) {
	return s.store.BankAccounts(ctx)
}

// BankFile is a file of a bank.
type BankFile struct {
	AccountID string // empty: the account that the file names
	Content   []byte // unpacked
	FileName  string
}

// Imported says what became of a file.
type Imported struct {
	Statements []bankline.Statement `json:"statements"`
	// Known says that the same file was taken before.
	Known               bool `json:"known"`
	Proposed, Confirmed int  `json:"-"`
}

// ImportBankStatement takes a file: statements with lines that are not known yet. New money gets proposals after that. Errors: Invalid
// BANK_STATEMENT_INVALID and BANK_ACCOUNT_DIFFERS, NotFound BANK_ACCOUNT_UNKNOWN.
func (s *Service) ImportBankStatement(ctx context.Context, req idem.Request, f BankFile) (Imported, error) {
	parts, err := s.readBankFile(ctx, f)
	if err != nil {
		return Imported{}, err
	}
	digest := sha256.Sum256(f.Content)
	out, err := bankChange(ctx, s, req, func(ctx context.Context, tx pgx.Tx, b *postgres.Bank, act postgres.Act) (Imported, error) {
		for _, id := range accountsOf(parts) { // in one order, so that two imports never wait for each other
			if err := b.LockAccount(ctx, id); err != nil {
				return Imported{}, err
			}
		}
		known, err := b.StatementsOfFile(ctx, digest[:])
		if err != nil || len(known) > 0 {
			return Imported{Statements: known, Known: true}, err
		}
		var out Imported
		for _, p := range parts {
			st, err := p.keep(ctx, tx, b, act, bankline.Statement{FileName: f.FileName, Digest: digest[:]})
			if err != nil {
				return out, err
			}
			out.Statements = append(out.Statements, st)
		}
		return out, nil
	})
	if err != nil || onTrial(ctx) {
		return out, err
	}
	for _, st := range out.Statements {
		lines, err := s.store.OpenBankLines(ctx, "", st.ID, bankstatement.MaxLines)
		if err != nil {
			return out, err
		}
		proposed, confirmed, err := s.propose(ctx, lines)
		if err != nil {
			return out, err
		}
		out.Proposed, out.Confirmed = out.Proposed+proposed, out.Confirmed+confirmed
	}
	return out, nil
}

// part is what a file says of one account.
type part struct {
	account bankline.Account
	format  string
	bankstatement.Statement
}

func accountsOf(parts []part) []string {
	ids := make([]string, len(parts))
	for i, p := range parts {
		ids[i] = p.account.ID
	}
	return postgres.Distinct(ids)
}

// readBankFile reads a file by what it is, and finds the accounts.
func (s *Service) readBankFile(ctx context.Context, f BankFile) ([]part, error) {
	var named bankline.Account
	if f.AccountID != "" {
		var err error
		if named, err = s.store.BankAccount(ctx, f.AccountID); err != nil {
			return nil, inField(err, "bank_account_id")
		}
	}
	if !looksLikeXML(f.Content) {
		if f.AccountID == "" {
			return nil, errs.Field("bank_account_id", "required", "a file that is not camt.053 does not say whose account it is: name the account")
		}
		if named.Mapping == nil {
			return nil, errs.Field("content", "mapping", "the file is not camt.053, and bank account %s has no mapping for CSV files", named.ID)
		}
		st, err := bankstatement.ParseCSV(f.Content, *named.Mapping, named.Currency)
		return []part{{account: named, format: bankline.FormatCSV, Statement: st}}, err
	}
	statements, err := bankstatement.ParseCAMT(f.Content)
	if err != nil {
		return nil, err
	}
	out := make([]part, len(statements))
	for i, st := range statements {
		account, err := s.accountOf(ctx, st, named)
		if err != nil {
			return nil, err
		}
		out[i] = part{account: account, format: bankline.FormatCAMT, Statement: st}
	}
	return out, nil
}

// looksLikeXML: camt.053 begins with an angle bracket, no CSV file does.
func looksLikeXML(content []byte) bool {
	for _, b := range content {
		switch b {
		case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF:
		default:
			return b == '<'
		}
	}
	return false
}

// accountOf finds the account of a statement and holds the statement to it.
func (s *Service) accountOf(ctx context.Context, st bankstatement.Statement, named bankline.Account) (bankline.Account, error) {
	account := named
	if named.ID == "" {
		var err error
		if account, err = s.store.BankAccountByNumber(ctx, st.Account); err != nil {
			return account, inField(err, "content")
		}
	}
	if account.Number != st.Account || st.Currency != "" && account.Currency != st.Currency {
		return account, errs.New(errs.Invalid, "BANK_ACCOUNT_DIFFERS", "the statement is of account %s in %s, not of %s in %s",
			st.Account, st.Currency, account.Number, account.Currency).With("field", "content")
	}
	return account, nil
}

// keep keeps the statement with its new lines.
func (p part) keep(ctx context.Context, tx pgx.Tx, b *postgres.Bank, act postgres.Act, st bankline.Statement) (bankline.Statement, error) {
	ids := bankstatement.Identities(p.account.ID, p.Lines)
	known, err := b.Known(ctx, ids)
	if err != nil {
		return st, err
	}
	var newIDs []string
	var lines []bankstatement.Line
	for i, l := range p.Lines {
		st.First, st.Last = earliestSet(st.First, l.BookingDate), invoice.Latest(st.Last, l.BookingDate)
		if !known[ids[i]] {
			newIDs, lines = append(newIDs, ids[i]), append(lines, l)
		}
	}
	st.AccountID, st.Format, st.Number, st.Currency = p.account.ID, p.format, p.Number, p.account.Currency
	st.Lines, st.New, st.Skipped, st.Opening, st.Closing = len(p.Lines), len(lines), p.Skipped, p.Opening, p.Closing
	if _, whole, difference := p.Balanced(); whole {
		st.Difference = &difference
	}
	st.ImportedBy, st.ImportDate, st.CreateTime = act.Actor, act.Today, act.Now
	n, err := serial.Next(ctx, tx, "bank_statement")
	if err != nil {
		return st, err
	}
	st.ID = "BS-" + strconv.FormatInt(n, 10)
	if err := b.AddStatement(ctx, st, newIDs, lines); err != nil {
		return st, err
	}
	return st, bankEvent(ctx, tx, act, ofAccount(st.AccountID, "bank.import", "bank statement "+st.ID), map[string]any{
		"digest": hex.EncodeToString(st.Digest), "file": st.FileName, "lines": st.Lines, "new": st.New,
	})
}

// BankStatements lists statements, newest first.
func (s *Service) BankStatements(ctx context.Context, q bankline.StatementQuery) ([]bankline.Statement, error) {
	return s.store.BankStatements(ctx, q)
}

// BankLines lists lines, newest booking date first.
func (s *Service) BankLines(ctx context.Context, q bankline.Query) ([]bankline.Line, error) {
	return s.store.BankLines(ctx, q)
}

// BankLine returns a line. Errors: NotFound BANK_LINE_UNKNOWN.
func (s *Service) BankLine(ctx context.Context, id string) (bankline.Line, error) {
	return s.store.BankLine(ctx, id)
}

// IgnoreBankLine puts a line aside. Errors: NotFound BANK_LINE_UNKNOWN, FailedPrecondition BANK_LINE_DONE.
func (s *Service) IgnoreBankLine(ctx context.Context, req idem.Request, id, reason string) (bankline.Line, error) {
	return s.onBankLine(ctx, req, id, "bank.ignore", func(_ context.Context, _ *postgres.Bank, l *bankline.Line) error {
		aside, err := l.PutAside(reason)
		*l = aside
		return err
	})
}

// ReopenBankLine takes a line up again; what was learned of its payer is forgotten. Errors: NotFound BANK_LINE_UNKNOWN, those of
// bankline.Line.Reopens.
func (s *Service) ReopenBankLine(ctx context.Context, req idem.Request, id, reason string) (bankline.Line, error) {
	return s.onBankLine(ctx, req, id, "bank.reopen", func(ctx context.Context, b *postgres.Bank, l *bankline.Line) error {
		reversed := false
		if l.ReceiptID != "" {
			r, err := s.store.Receipt(ctx, l.ReceiptID)
			if err != nil {
				return err
			}
			reversed = r.Reversed()
		}
		if err := l.Reopens(reversed); err != nil {
			return err
		}
		if l.State == bankline.Applied {
			l.Attempt++
		}
		l.State, l.Reason, l.CustomerID, l.ReceiptID, l.Auto, l.Proposals = l.Anew(), reason, "", "", false, nil
		return b.Forget(ctx, l.ID)
	})
}

// onBankLine changes where a line stands.
func (s *Service) onBankLine(ctx context.Context, req idem.Request, id, action string, fn func(ctx context.Context, b *postgres.Bank, l *bankline.Line) error) (bankline.Line, error) {
	return bankChange(ctx, s, req, func(ctx context.Context, tx pgx.Tx, b *postgres.Bank, act postgres.Act) (bankline.Line, error) {
		l, err := b.Line(ctx, id)
		if err != nil {
			return l, err
		}
		if err := fn(ctx, b, &l); err != nil {
			return l, err
		}
		if err := b.Save(ctx, l); err != nil {
			return l, err
		}
		l.ChangedBy, l.ChangeTime = act.Actor, act.Now
		return l, bankEvent(ctx, tx, act, ofAccount(l.AccountID, action, "bank line "+l.ID), map[string]string{"state": string(l.State), "reason": l.Reason})
	})
}

// Unapplied lists money that is not applied, oldest first, with totals over all of it.
func (s *Service) Unapplied(ctx context.Context, q bankline.UnappliedQuery) ([]bankline.Unapplied, []bankline.UnappliedTotal, error) {
	list, err := s.store.Unapplied(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	totals, err := s.store.UnappliedTotals(ctx, q.CustomerID)
	return list, totals, err
}

// CustomerNames are the names of customers, by number.
func (s *Service) CustomerNames(ctx context.Context, ids []string) (map[string]string, error) {
	known, err := s.store.Customers(ctx, postgres.Distinct(slices.Clone(ids)))
	out := make(map[string]string, len(known))
	for id, c := range known {
		out[id] = c.DisplayName
	}
	return out, err
}
