package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// Portfolio reads very many customers by sets, each set as of one moment. It may be used by one goroutine at a time.
type Portfolio struct {
	pool *pgxpool.Pool
	// words are texts that stand in very many rows, each kept once.
	words map[string]string
}

// NewPortfolio returns a reader on a pool.
func NewPortfolio(pool *pgxpool.Pool) *Portfolio {
	return &Portfolio{pool: pool, words: map[string]string{}}
}

// PortfolioQuery asks for the next customers of a run.
type PortfolioQuery struct {
	// After is the last customer before the set, Upto its last one.
	After, Upto string
	// Size is about how many there are.
	Size int
	// Day of the ratings: what was recorded later is not known.
	Day calendar.Date
	// WindowStart is the first day of the invoices that a payment record is to name.
	WindowStart calendar.Date
	// AskedSince bounds how old a payment record may be; zero: any of the day will do.
	AskedSince time.Time
	// Invoices: those of the firms are read too.
	Invoices bool
	// MostFacts bounds what is read of a customer: the newest count.
	MostFacts int
}

// subjectCondition is who is rated again: customers with a rating or a grant whose relation is not closed.
const subjectCondition = `life_cycle <> 'CLOSED' AND merged_into_id = '' AND (rating_sequence > 0 OR grant_version > 0)`

const (
	countSubjectsSQL = `SELECT count(*) FROM customers WHERE ` + subjectCondition
	subjectsSQL      = `SELECT customer_id, salesperson_id, unit_id, root_group_id, currency_code, grade, usual_currency, usual_amount,
		granted_version, granted_grade, granted_treatment, granted_amount, granted_unlimited, granted_term, granted_grace, granted_until
		FROM customers WHERE customer_id > $1 AND customer_id <= $2 AND ` + subjectCondition + ` ORDER BY customer_id`
	// By the index alone: those who are not rated again count too.
	setEndSQL     = `SELECT coalesce(max(customer_id), '') FROM (SELECT customer_id FROM customers WHERE customer_id > $1 ORDER BY customer_id LIMIT $2) AS next`
	subjectIDsSQL = `SELECT customer_id FROM customers WHERE customer_id > $1 AND ` + subjectCondition + ` ORDER BY customer_id LIMIT $2`
	// By ranges of the keys: a set's facts lie together.
	subjectFactsSQL = `SELECT customer_id, fact_id, record_date, supersedes, body FROM facts
		WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id, sequence`
	subjectVerificationsSQL = `SELECT customer_id, fact_id, verified_by, verify_date FROM fact_verifications
		WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id`
	subjectRecordsSQL = `SELECT customer_id, currency_code, fallen_due, collected, collected_on_time, settled_items, late_items, late_amount_days,
		settled_amount, longest_days_late, oldest_overdue_days, defaults, first_invoice, open_amount, invoice_minor,
		broken_promises, last_year, year_before
		FROM payment_records WHERE customer_id > $1 AND customer_id <= $2 AND as_of = $3 AND window_start = $4 AND asked_at >= $5
		ORDER BY customer_id`
)

// CountSubjects counts the customers of a run.
func (p *Portfolio) CountSubjects(ctx context.Context) (n int64, err error) {
	err = p.pool.QueryRow(ctx, countSubjectsSQL).Scan(&n)
	return n, pg.Err(err)
}

// SubjectIDs returns the numbers of the next customers.
func (p *Portfolio) SubjectIDs(ctx context.Context, after string, size int) ([]string, error) {
	rows, err := p.pool.Query(ctx, subjectIDsSQL, after, size)
	if err != nil {
		return nil, pg.Err(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, pg.Err(err)
}

// SetEnd returns the last of the next customers, size of them or fewer; empty where there is none.
func (p *Portfolio) SetEnd(ctx context.Context, after string, size int) (upto string, err error) {
	err = p.pool.QueryRow(ctx, setEndSQL, after, size).Scan(&upto)
	return upto, pg.Err(err)
}

// Subjects returns the customers of a set that are rated again, with everything that their ratings rest on. Of those without a payment record at
// hand Payment is nil.
func (p *Portfolio) Subjects(ctx context.Context, q PortfolioQuery) (found []portfolio.Subject, err error) {
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, p.pool, opts, func(tx pgx.Tx) error {
		found = make([]portfolio.Subject, 0, q.Size)
		if err := p.scan(ctx, tx, subjectsSQL, []any{q.After, q.Upto}, func(r *record) {
			found = append(found, portfolio.Subject{})
			p.subject(r, &found[len(found)-1])
		}); err != nil || len(found) == 0 {
			return err
		}
		if err := p.facts(ctx, tx, found, q); err != nil {
			return err
		}
		at := cursor{subjects: found}
		err := p.scan(ctx, tx, subjectRecordsSQL, []any{q.After, q.Upto, q.Day, q.WindowStart, q.AskedSince}, func(r *record) {
			if s := at.find(r.bytes()); s != nil {
				s.Payment = p.payment(r, s.ID, q.Day)
			}
		})
		if err != nil || !q.Invoices {
			return err
		}
		return New(tx).subjectInvoices(ctx, found, q.After, q.Day)
	})
	return found, pg.Err(err)
}

func (p *Portfolio) subject(r *record, s *portfolio.Subject) {
	s.ID, s.Salesperson, s.Unit, s.Group = r.text(), p.word(r), p.word(r), r.text()
	s.Currency, s.Grade = p.word(r), grade.Grade(p.word(r))
	if currency, amount := p.word(r), r.text(); amount != "" {
		s.UsualPurchase = r.money(currency, amount)
	}
	g := &s.Grant
	g.CustomerID, g.Version, g.Grade, g.Treatment = s.ID, r.int64(), grade.Grade(p.word(r)), grade.Treatment(p.word(r))
	amount, unlimited := r.text(), r.bool()
	g.TermDays, g.GraceDays = int(r.int32()), int(r.int32())
	g.ValidUntil = r.dateText()
	if amount != "" {
		g.Limit = &grant.Limit{Amount: r.money(s.Currency, amount)}
	} else if unlimited {
		g.Limit = &grant.Limit{Unlimited: true}
	}
}

// facts adds what was known on the day, with who had verified and what had corrected it by then.
func (p *Portfolio) facts(ctx context.Context, tx pgx.Tx, found []portfolio.Subject, q PortfolioQuery) error {
	at := cursor{subjects: found}
	err := p.scan(ctx, tx, subjectFactsSQL, []any{q.After, q.Upto}, func(r *record) {
		s := at.find(r.bytes())
		id, recorded, supersedes, body := r.bytes(), r.date(), r.bytes(), r.bytes()
		if s == nil || recorded.After(q.Day) {
			return
		}
		if s.Facts == nil {
			s.Facts = make([]fact.Fact, 0, 2)
		}
		s.Facts = append(s.Facts, fact.Fact{})
		f := &s.Facts[len(s.Facts)-1]
		r.fail(fact.Decode(body, f))
		f.VerifiedBy, f.VerifyDate, f.SupersededBy = "", calendar.Date{}, ""
		if len(supersedes) > 0 {
			if old := factByID(s.Facts, supersedes); old != nil {
				old.SupersededBy = string(id)
			}
		}
	})
	if err != nil {
		return err
	}
	for i := range found {
		if s := &found[i]; len(s.Facts) > q.MostFacts {
			s.Facts = s.Facts[len(s.Facts)-q.MostFacts:]
		}
	}
	at = cursor{subjects: found}
	return p.scan(ctx, tx, subjectVerificationsSQL, []any{q.After, q.Upto}, func(r *record) {
		s := at.find(r.bytes())
		id, by, day := r.bytes(), p.word(r), r.date()
		if s == nil || day.After(q.Day) {
			return
		}
		if f := factByID(s.Facts, id); f != nil {
			f.VerifiedBy, f.VerifyDate = by, day
		}
	})
}

func factByID(all []fact.Fact, id []byte) *fact.Fact {
	for i := range all {
		if all[i].ID == string(id) {
			return &all[i]
		}
	}
	return nil
}

func (p *Portfolio) payment(r *record, id string, day calendar.Date) *payment.Record {
	currency := p.word(r)
	rec := &payment.Record{CustomerID: id, AsOf: day, Currency: currency}
	rec.FallenDue, rec.Collected, rec.CollectedOnTime = money.New(r.int64(), currency), money.New(r.int64(), currency), money.New(r.int64(), currency)
	rec.SettledItems, rec.LateItems, rec.LateAmountDays = r.int64(), r.int64(), r.text()
	rec.SettledAmount = money.New(r.int64(), currency)
	rec.LongestDaysLate, rec.OldestOverdueDays, rec.Defaults = int(r.int32()), int(r.int32()), r.int64()
	rec.FirstInvoice, rec.Open, rec.InvoiceMinor = r.date(), money.New(r.int64(), currency), r.int64s()
	rec.BrokenPromises, rec.LastYear, rec.YearBefore = r.maybe(), r.sum(currency), r.sum(currency)
	return rec
}

// word is a text of the row, kept once.
func (p *Portfolio) word(r *record) string {
	b := r.bytes()
	if w, ok := p.words[string(b)]; ok {
		return w
	}
	const most = 10_000 // of what turns out to be different in every row
	if len(p.words) >= most {
		clear(p.words)
	}
	w := string(b)
	p.words[w] = w
	return w
}

// cursor finds customers that come in rising order among those of a set, which do too.
type cursor struct {
	subjects []portfolio.Subject
	at       int
}

func (c *cursor) find(id []byte) *portfolio.Subject {
	for c.at < len(c.subjects) && c.subjects[c.at].ID < string(id) {
		c.at++
	}
	if c.at < len(c.subjects) && c.subjects[c.at].ID == string(id) {
		return &c.subjects[c.at]
	}
	return nil
}

// scan reads rows in PostgreSQL's binary form.
func (*Portfolio) scan(ctx context.Context, q pg.Querier, sql string, args []any, row func(r *record)) error {
	rows, err := q.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r record
	for rows.Next() {
		r.values, r.at = rows.RawValues(), 0
		row(&r)
		if r.err != nil {
			return r.err
		}
	}
	return rows.Err()
}

// record is a row in PostgreSQL's binary form, read column by column. What it gives out as bytes holds until the next row.
type record struct {
	values [][]byte
	at     int
	err    error
}

func (r *record) fail(err error) {
	if err != nil && r.err == nil {
		r.err = err
	}
}

func (r *record) bytes() []byte {
	if r.at >= len(r.values) {
		r.fail(fmt.Errorf("portfolio: a row has only %d columns", len(r.values)))
		return nil
	}
	r.at++
	return r.values[r.at-1]
}

// sized is a column of a fixed size; nil: NULL.
func (r *record) sized(n int) []byte {
	b := r.bytes()
	if b != nil && len(b) != n {
		r.fail(fmt.Errorf("portfolio: column %d has %d bytes, not %d", r.at, len(b), n))
		return nil
	}
	return b
}

func (r *record) text() string { return string(r.bytes()) }

func (r *record) bool() bool {
	b := r.sized(1)
	return b != nil && b[0] != 0
}

func (r *record) int32() int32 {
	if b := r.sized(4); b != nil {
		return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // two's complement
	}
	return 0
}

func (r *record) int64() int64 {
	if b := r.sized(8); b != nil {
		return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // two's complement
	}
	return 0
}

// maybe is a number that may be NULL.
func (r *record) maybe() *int64 {
	if r.at < len(r.values) && r.values[r.at] == nil {
		r.at++
		return nil
	}
	n := r.int64()
	return &n
}

// sum is an amount that may be NULL.
func (r *record) sum(currency string) *money.Money {
	n := r.maybe()
	if n == nil {
		return nil
	}
	m := money.New(*n, currency)
	return &m
}

// date counts from 2000-01-01.
func (r *record) date() calendar.Date {
	b := r.sized(4)
	if b == nil {
		return calendar.Date{}
	}
	return calendar.New(2000, time.January, 1).AddDays(int(int32(binary.BigEndian.Uint32(b)))) //nolint:gosec // two's complement
}

func (r *record) dateText() calendar.Date {
	b := r.bytes()
	if len(b) == 0 {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(string(b))
	r.fail(err)
	return d
}

func (r *record) money(currency, amount string) *money.Money {
	m, err := money.Parse(currency, amount)
	r.fail(err)
	return &m
}

// int64s is an array of one dimension: dimensions, flag, type, then length and lower bound, then each value with its size.
func (r *record) int64s() []int64 {
	const head, dimension, value = 12, 8, 12
	b := r.bytes()
	if len(b) <= head {
		return nil
	}
	n := int(binary.BigEndian.Uint32(b[head:]))
	if len(b) != head+dimension+n*value {
		r.fail(fmt.Errorf("portfolio: column %d is no list of %d numbers", r.at, n))
		return nil
	}
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(binary.BigEndian.Uint64(b[head+dimension+i*value+4:])) //nolint:gosec // two's complement
	}
	return all
}
