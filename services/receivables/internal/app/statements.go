package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/app/letter"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// draftsAtOnce bounds how many statements one request draws up.
const draftsAtOnce = 200

// SetCorrespondence says where letters to a customer go. Errors: NotFound CUSTOMER_UNKNOWN, Invalid for an address.
func (s *Service) SetCorrespondence(ctx context.Context, req idem.Request, c statement.Correspondence) (statement.Correspondence, error) {
	for i, address := range c.Emails {
		if err := mail.CheckAddress("correspondence.emails["+strconv.Itoa(i)+"]", address); err != nil {
			return c, err
		}
	}
	if _, err := s.customerFor(ctx, c.CustomerID, "correspondence.customer_id"); err != nil {
		return c, err
	}
	return onStatements(ctx, s, req, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) (statement.Correspondence, error) {
		c.ChangedBy, c.ChangeTime = act.Actor, act.Now
		if err := w.SaveCorrespondence(ctx, c); err != nil {
			return c, err
		}
		return c, trail(ctx, tx, act, told{stream: "customer/" + c.CustomerID, action: "correspondence.set", subject: "correspondence " + c.CustomerID, detail: c})
	})
}

// onStatements runs a change of statements once per request.
func onStatements[T any](ctx context.Context, s *Service, req idem.Request, fn func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) (T, error)) (T, error) {
	var out T
	err := pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		out, _, err = idem.Do(ctx, tx, req, func() (T, error) {
			act := s.act(ctx)
			return fn(ctx, postgres.NewStatements(tx, act), tx, act)
		})
		return err
	})
	return out, err
}

// Correspondence says where letters to a customer go. Errors: NotFound CUSTOMER_UNKNOWN and CORRESPONDENCE_UNKNOWN.
func (s *Service) Correspondence(ctx context.Context, customerID string) (statement.Correspondence, error) {
	if err := s.visible(ctx, customerID); err != nil {
		return statement.Correspondence{}, err
	}
	found, err := s.store.Correspondences(ctx, customerID)
	if err != nil {
		return statement.Correspondence{}, err
	}
	c, ok := found[customerID]
	if !ok {
		return c, postgres.Unknown("CORRESPONDENCE_UNKNOWN", "correspondence", customerID)
	}
	return c, nil
}

// Drafting asks for statements.
type Drafting struct {
	Kind        statement.Kind
	AsOf, From  calendar.Date
	CustomerIDs []string // empty: those who need one
	Language    statement.Language
}

// Drafts are statements that were drawn up, or were there.
type Drafts struct {
	Statements []statement.Statement `json:"statements"`
	// More says that more customers need one.
	More bool `json:"more"`
}

// DraftStatements draws up statements, one a customer, kind and day. Errors: NotFound CUSTOMER_UNKNOWN, FailedPrecondition
// STATEMENT_TOO_LONG.
func (s *Service) DraftStatements(ctx context.Context, req idem.Request, d Drafting) (Drafts, error) {
	today := s.Clock.Today(ctx)
	if d.AsOf.IsZero() {
		d.AsOf = today
	}
	if d.From.IsZero() {
		d.From = d.AsOf.AddMonths(0, 1)
	}
	if d.Kind == statement.Confirmation {
		d.From = d.AsOf
	}
	switch {
	case d.AsOf.After(today):
		return Drafts{}, errs.Field("as_of_date", "not_ahead", "%s lies ahead: the account may change until then", d.AsOf)
	case d.From.After(d.AsOf):
		return Drafts{}, errs.Field("from_date", "range", "%s is after %s", d.From, d.AsOf)
	}
	more := false
	if len(d.CustomerIDs) == 0 {
		ids, err := s.store.CustomersWithoutStatement(ctx, d.Kind, d.AsOf, draftsAtOnce+1)
		if err != nil {
			return Drafts{}, err
		}
		more = len(ids) > draftsAtOnce
		d.CustomerIDs = ids[:min(len(ids), draftsAtOnce)]
	}
	ids := postgres.Distinct(slices.Clone(d.CustomerIDs)) // locked in one order
	languages, err := s.store.Correspondences(ctx, ids...)
	if err != nil {
		return Drafts{}, err
	}
	customers := make([]Customer, len(ids))
	for i, id := range ids {
		if customers[i], err = s.customerFor(ctx, id, "customer_ids"); err != nil {
			return Drafts{}, err
		}
	}
	return onStatements(ctx, s, req, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) (Drafts, error) {
		out := Drafts{More: more, Statements: []statement.Statement{}}
		for _, c := range customers {
			st, err := draft(ctx, w, tx, act, drafted{Drafting: d, customer: c, language: languages[c.ID].Language})
			if err != nil {
				return out, err
			}
			out.Statements = append(out.Statements, brief(st))
		}
		return out, nil
	})
}

// brief is a statement without its rows, as lists and answers have it.
func brief(st statement.Statement) statement.Statement {
	st.Entries, st.Items = nil, nil
	return st
}

type drafted struct {
	Drafting
	customer Customer
	language statement.Language // of the customer's correspondence
	// wanted says by what it would say whether one is drawn up; nil: it is.
	wanted func(statement.Content) bool
}

func draft(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act, d drafted) (statement.Statement, error) {
	content, err := w.Content(ctx, d.customer, d.From, d.AsOf)
	if err != nil {
		return statement.Statement{}, err
	}
	// Under the account's lock: nobody draws up another of the kind and day meanwhile.
	if st, there, err := w.Of(ctx, d.customer.ID, d.Kind, d.AsOf); err != nil || there {
		return st, err
	}
	if d.wanted != nil && !d.wanted(content) {
		return statement.Statement{}, nil
	}
	n, err := serial.Next(ctx, tx, "account_statement")
	if err != nil {
		return statement.Statement{}, err
	}
	st := statement.Statement{
		ID: "ST-" + strconv.FormatInt(n, 10), CustomerID: d.customer.ID, Kind: d.Kind, Language: statement.Chinese, Content: content,
		DraftedBy: act.Actor, DraftDate: act.Today, CreateTime: act.Now, Stage: statement.Drafted,
	}
	if d.language != "" {
		st.Language = d.language
	}
	if d.Language != "" {
		st.Language = d.Language
	}
	if err := w.Add(ctx, st); err != nil {
		return st, err
	}
	return st, trail(ctx, tx, act, statementTold("statement.draft", st))
}

func statementTold(action string, st statement.Statement) told {
	return told{stream: "customer/" + st.CustomerID, action: action, subject: "statement " + st.ID, detail: brief(st)}
}

// SendStatements sends drafts, all of them or none: by mail a letter is queued for each, once. Errors: NotFound STATEMENT_UNKNOWN,
// FailedPrecondition STATEMENT_STATE, CORRESPONDENCE_MISSING and FONT_MISSING.
func (s *Service) SendStatements(ctx context.Context, req idem.Request, ids []string, byPost bool) ([]statement.Statement, error) {
	out, err := onStatements(ctx, s, req, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) ([]statement.Statement, error) {
		out := []statement.Statement{}
		for _, id := range postgres.Distinct(slices.Clone(ids)) {
			st, err := s.send(ctx, w, tx, act, sending{id, byPost})
			if err != nil {
				return nil, err
			}
			out = append(out, brief(st))
		}
		return out, nil
	})
	if s.Letters != nil && err == nil {
		s.Letters.Nudge()
	}
	return out, err
}

type sending struct {
	id     string
	byPost bool
}

func (s *Service) send(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act, what sending) (statement.Statement, error) {
	st, err := w.Statement(ctx, what.id)
	if err != nil {
		return st, err
	}
	to, err := s.store.Correspondences(ctx, st.CustomerID)
	if err != nil {
		return st, err
	}
	if st, err = st.Send(act.Actor, act.Today, to[st.CustomerID].Emails, what.byPost); err != nil {
		return st, err
	}
	if !what.byPost {
		policy, err := s.Policies.InForce(ctx, act.Today)
		if err != nil {
			return st, err
		}
		document, err := s.document(ctx, st)
		if err != nil {
			return st, err
		}
		if _, err := mail.Enqueue(ctx, tx, letter.Message(st, policy.Cash.Letterhead, document), act.Now); err != nil {
			return st, err
		}
	}
	if err := w.Save(ctx, st); err != nil {
		return st, err
	}
	return st, trail(ctx, tx, act, statementTold("statement.send", st))
}

// document makes the document of a statement, with the letterhead of its day. Errors: FailedPrecondition FONT_MISSING.
func (s *Service) document(ctx context.Context, st statement.Statement) ([]byte, error) {
	policy, err := s.Policies.InForce(ctx, st.DraftDate)
	if err != nil {
		return nil, err
	}
	font, err := paper.FindFont(s.FontFile)
	if err != nil {
		return nil, err
	}
	out, err := letter.Statement(st, policy.Cash.Letterhead, font)
	if err != nil {
		return nil, errs.New(errs.Internal, "INTERNAL", "the document could not be made").WithCause(err)
	}
	return out, nil
}

// StatementDocument is the document of a statement with its file name. Errors: NotFound STATEMENT_UNKNOWN, FailedPrecondition
// FONT_MISSING.
func (s *Service) StatementDocument(ctx context.Context, id string) (name string, content []byte, err error) {
	st, err := s.AccountStatement(ctx, id)
	if err != nil {
		return "", nil, err
	}
	content, err = s.document(ctx, st)
	return letter.Name(st), content, err
}

// AccountStatement returns a statement of a customer within the caller's scope. Errors: NotFound STATEMENT_UNKNOWN.
func (s *Service) AccountStatement(ctx context.Context, id string) (statement.Statement, error) {
	st, err := s.store.AccountStatement(ctx, id)
	if err != nil {
		return st, err
	}
	if err := s.visible(ctx, st.CustomerID); err != nil {
		return statement.Statement{}, hidden(err, "STATEMENT_UNKNOWN", "statement", id)
	}
	return st, nil
}

// Statements lists statements within the caller's scope, newest first, as they stand today.
func (s *Service) Statements(ctx context.Context, q statement.Query) ([]statement.Statement, error) {
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	if err != nil {
		return nil, err
	}
	q.Salesperson, q.Today, q.Wait = scoped(ctx), s.Clock.Today(ctx), policy.Cash.Wait()
	return s.store.Statements(ctx, q)
}

// AnswerDays is after how many days a letter counts as not answered.
func (s *Service) AnswerDays(ctx context.Context) (int, error) {
	policy, err := s.Policies.InForce(ctx, s.Clock.Today(ctx))
	return policy.Cash.Wait(), err
}

// RecordStatementAnswer records what a customer answered. Agreement is an acknowledgement of each item of the statement, from which
// its limitation period begins anew. Errors: NotFound STATEMENT_UNKNOWN, those of statement.Record.
func (s *Service) RecordStatementAnswer(ctx context.Context, req idem.Request, id string, agrees bool, a statement.Answer) (statement.Statement, error) {
	return s.onStatement(ctx, req, id, "statement.answer", func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act, st statement.Statement) (statement.Statement, error) {
		a.RecordedBy = act.Actor
		st, err := st.Record(agrees, a, act.Today)
		if err != nil || !agrees {
			return st, err
		}
		if err := w.Confirmed(ctx, st); err != nil {
			return st, err
		}
		return st, acknowledge(ctx, postgres.NewClaims(tx, act), act, st)
	})
}

// acknowledge records that the customer acknowledged the items of a statement.
func acknowledge(ctx context.Context, claims *postgres.Claims, act postgres.Act, st statement.Statement) error {
	for i, item := range st.Items {
		err := claims.AddLimitationEvent(ctx, limitation.Event{
			ID: st.ID + "/" + strconv.Itoa(i+1), CustomerID: st.CustomerID, ItemID: item.ID, Kind: limitation.Acknowledgement, Date: st.AnswerDate,
			Evidence: "statement " + st.ID + " of " + st.AsOf.String() + ", agreed by " + st.AnsweredBy, Source: "STATEMENT",
			RecordedBy: act.Actor, RecordDate: act.Today,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// CancelStatement takes a statement back; a letter that nobody has begun to send is not sent. Errors: NotFound STATEMENT_UNKNOWN,
// FailedPrecondition STATEMENT_STATE.
func (s *Service) CancelStatement(ctx context.Context, req idem.Request, id, reason string) (statement.Statement, error) {
	return s.onStatement(ctx, req, id, "statement.cancel", func(ctx context.Context, _ *postgres.Statements, tx pgx.Tx, act postgres.Act, st statement.Statement) (statement.Statement, error) {
		st, err := st.Cancel(reason)
		if err != nil || st.LetterKey == "" || st.Delivery != statement.Waiting {
			return st, err
		}
		if err := mail.Cancel(ctx, tx, st.LetterKey, act.Now); err != nil && errs.ReasonOf(err) != mail.ReasonState {
			return st, err
		}
		return st, nil
	})
}

func (s *Service) onStatement(ctx context.Context, req idem.Request, id, action string, fn func(context.Context, *postgres.Statements, pgx.Tx, postgres.Act, statement.Statement) (statement.Statement, error)) (statement.Statement, error) {
	return onStatements(ctx, s, req, func(ctx context.Context, w *postgres.Statements, tx pgx.Tx, act postgres.Act) (statement.Statement, error) {
		st, err := w.Statement(ctx, id)
		if err != nil {
			return st, err
		}
		if st, err = fn(ctx, w, tx, act, st); err != nil {
			return st, err
		}
		if err := w.Save(ctx, st); err != nil {
			return st, err
		}
		return st, trail(ctx, tx, act, statementTold(action, st))
	})
}

// MailLetters lists letters by mail, by key.
func (s *Service) MailLetters(ctx context.Context, state mail.State, after string, limit int) ([]mail.Status, error) {
	return s.store.Letters(ctx, state, after, limit)
}

// ResendLetter sends a letter again that failed or of which nobody knows. Errors: those of mail.Resend.
func (s *Service) ResendLetter(ctx context.Context, req idem.Request, key string) (mail.Status, error) {
	st, err := s.onLetter(ctx, req, key, "letter.resend", mail.Resend)
	if s.Letters != nil && err == nil {
		s.Letters.Nudge()
	}
	return st, err
}

// SettleLetter records that a letter of which nobody knew arrived. Errors: those of mail.Settle.
func (s *Service) SettleLetter(ctx context.Context, req idem.Request, key string) (mail.Status, error) {
	return s.onLetter(ctx, req, key, "letter.settle", mail.Settle)
}

func (s *Service) onLetter(ctx context.Context, req idem.Request, key, action string, act func(context.Context, pgx.Tx, string, time.Time) error) (mail.Status, error) {
	return onStatements(ctx, s, req, func(ctx context.Context, _ *postgres.Statements, tx pgx.Tx, a postgres.Act) (mail.Status, error) {
		if err := act(ctx, tx, key, a.Now); err != nil {
			return mail.Status{}, err
		}
		found, err := mail.Statuses(ctx, tx, key)
		if err != nil {
			return mail.Status{}, err
		}
		st, ok := found[key]
		if !ok {
			return st, errors.New("a letter is gone")
		}
		return st, trail(ctx, tx, a, told{stream: "letters", action: action, subject: "letter " + key, detail: map[string]string{"state": string(st.State)}})
	})
}
