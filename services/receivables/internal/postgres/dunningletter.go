package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
)

// Letter is a letter that went out.
type Letter struct {
	ID, RunID, CustomerID, Strategy, DisplayName, SentBy string
	PolicyVersion                                        int64
	Level                                                int
	Date                                                 calendar.Date
	Total                                                money.Money
	CreateTime                                           time.Time
	// Mail is where its mail stands, as the queue says, or MailPrint.
	Mail mail.State `json:"-"`
}

// MailPrint is said of a letter that does not go by mail: it is to be printed.
const MailPrint mail.State = "PRINT"

// letterKeys begins the keys of dunning letters in the mail queue.
const letterKeys = "dunning/"

// Key of the letter in the mail queue; empty: it does not go by mail.
func (l Letter) Key() string {
	if l.Mail == MailPrint {
		return ""
	}
	return letterKeys + l.ID
}

const addLetterSQL = `INSERT INTO dunning_letters (dunning_letter_id, dunning_run_id, customer_id, strategy, policy_version, level, letter_date, currency, total,
    display_name, sent_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// AddLetter numbers a letter and records it. The number is locked until the transaction ends: call it late.
func AddLetter(ctx context.Context, tx pgx.Tx, l Letter) (Letter, error) {
	year := strconv.Itoa(l.Date.Year())
	n, err := serial.Next(ctx, tx, "dunning letters "+year)
	if err != nil {
		return l, err
	}
	digits := strconv.FormatInt(n, 10)
	for len(digits) < 6 {
		digits = "0" + digits
	}
	l.ID = "D" + year + "-" + digits
	_, err = tx.Exec(ctx, addLetterSQL, l.ID, l.RunID, l.CustomerID, l.Strategy, l.PolicyVersion, l.Level, l.Date, l.Total.Currency, l.Total.Minor,
		l.DisplayName, l.SentBy, l.CreateTime)
	return l, pg.Err(err)
}

const (
	takeLevelsSQL = `INSERT INTO dunned_levels (customer_id, dunning_letter_id, item_id, level, fee_id, interest_id)
SELECT $1, $2, unnest($3::text[]), unnest($4::smallint[]), unnest($5::text[]), unnest($6::text[])`
	statesSQL = `INSERT INTO dunning_states (customer_id, letter_date, item_id, level, interest_until, stops_supply)
SELECT $1, $2, unnest($3::text[]), unnest($4::smallint[]), unnest($5::date[]), unnest($6::boolean[])
ON CONFLICT (item_id) DO UPDATE SET level = excluded.level, letter_date = excluded.letter_date, stops_supply = excluded.stops_supply,
    interest_until = coalesce(excluded.interest_until, dunning_states.interest_until)`
	remindedSQL = `INSERT INTO dunning_states (customer_id, item_id, reminded_for, reminded_days)
SELECT $1, unnest($2::text[]), unnest($3::date[]), unnest($4::smallint[])
ON CONFLICT (item_id) DO UPDATE SET reminded_for = excluded.reminded_for, reminded_days = excluded.reminded_days`
	sentSQL = `UPDATE dunning_lines l SET state = 'SENT', open = u.open FROM (SELECT unnest($3::text[]) AS item_id, unnest($4::bigint[]) AS open) u
WHERE l.dunning_run_id = $1 AND l.customer_id = $2 AND l.item_id = u.item_id`
	demandsSQL = `INSERT INTO limitation_events (limitation_event_id, customer_id, item_id, kind, event_date, evidence, source, recorded_by, record_date, created_at)
SELECT $2 || '/' || item, $1, item, 'DEMAND', $3, 'dunning letter ' || $2, 'DUNNING_LETTER', $4, $3, $5 FROM unnest($6::text[]) item`
	letteredSQL = `INSERT INTO dunning_customers (customer_id, letter_date, active) VALUES ($1, $2, $3)
ON CONFLICT (customer_id) DO UPDATE SET letter_date = excluded.letter_date, active = dunning_customers.active OR excluded.active`
)

// Taken is a level that an item takes with a letter.
type Taken struct {
	Line
	FeeID, InterestID string
	StopsSupply       bool // so the letter says
}

// TakeStates records where items stand after a letter, which needs no number for it yet.
func TakeStates(ctx context.Context, tx pgx.Tx, l Letter, list []Taken) error {
	var all, items, reminded []string
	var levels, days []int16
	var opens []int64
	var untils, dues []*calendar.Date
	var stops []bool
	for _, t := range list {
		all, opens = append(all, t.ItemID), append(opens, t.Open.Minor)
		if t.Level == 0 {
			reminded, dues = append(reminded, t.ItemID), append(dues, &t.DueDate)
			days = append(days, int16(t.DueDate.DaysSince(l.Date))) //nolint:gosec // at most 90
			continue
		}
		items, levels = append(items, t.ItemID), append(levels, int16(t.Level)) //nolint:gosec // at most 20
		var until *calendar.Date
		if t.Interest.IsPositive() {
			until = orNoDate(t.InterestUntil)
		}
		untils, stops = append(untils, until), append(stops, t.StopsSupply)
	}
	if len(items) > 0 {
		if _, err := tx.Exec(ctx, statesSQL, l.CustomerID, l.Date, items, levels, untils, stops); err != nil {
			return pg.Err(err)
		}
	}
	if len(reminded) > 0 {
		if _, err := tx.Exec(ctx, remindedSQL, l.CustomerID, reminded, dues, days); err != nil {
			return pg.Err(err)
		}
	}
	_, err := tx.Exec(ctx, sentSQL, l.RunID, l.CustomerID, all, opens)
	return pg.Err(err)
}

// TakeLevels records that items took their levels with a letter, each level once: the database refuses a second time. A
// letter that is a demand has the limitation periods of these items begin anew.
func TakeLevels(ctx context.Context, tx pgx.Tx, l Letter, list []Taken, demand bool) error {
	var items, fees, charges []string
	var levels []int16
	for _, t := range list {
		if t.Level > 0 {
			items, levels = append(items, t.ItemID), append(levels, int16(t.Level)) //nolint:gosec // at most 20
			fees, charges = append(fees, t.FeeID), append(charges, t.InterestID)
		}
	}
	if len(items) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, takeLevelsSQL, l.CustomerID, l.ID, items, levels, fees, charges); err != nil {
		return pg.Err(err)
	}
	if !demand {
		return nil
	}
	_, err := tx.Exec(ctx, demandsSQL, l.CustomerID, l.ID, l.Date, l.SentBy, l.CreateTime, items)
	return pg.Err(err)
}

// Lettered records that a letter went to a customer; level 0 is a reminder, which begins no dunning.
func Lettered(ctx context.Context, tx pgx.Tx, customerID string, day calendar.Date, level int) error {
	_, err := tx.Exec(ctx, letteredSQL, customerID, day, level > 0)
	return pg.Err(err)
}

const finishSQL = `UPDATE dunning_customers d SET active = false WHERE active AND NOT EXISTS (
    SELECT FROM dunning_states s JOIN item_balances b USING (item_id) WHERE s.customer_id = d.customer_id AND s.level > 0 AND b.open > 0)`

// FinishDunning ends the dunning of customers of whom nothing that was dunned is open, and counts them.
func FinishDunning(ctx context.Context, tx pgx.Tx) (int64, error) {
	tag, err := tx.Exec(ctx, finishSQL)
	return tag.RowsAffected(), pg.Err(err)
}

const readLetter = `SELECT l.dunning_letter_id, l.dunning_run_id, l.customer_id, l.strategy, l.policy_version, l.level, l.letter_date, l.currency, l.total, l.display_name, l.sent_by, l.created_at,
    coalesce(m.state, 'PRINT') FROM dunning_letters l LEFT JOIN mail_queue m ON m.message_key = '` + letterKeys + `' || l.dunning_letter_id`

func scanLetter(row pgx.CollectableRow) (Letter, error) {
	var l Letter
	var currency string
	var total int64
	err := row.Scan(&l.ID, &l.RunID, &l.CustomerID, &l.Strategy, &l.PolicyVersion, &l.Level, &l.Date, &currency, &total, &l.DisplayName, &l.SentBy, &l.CreateTime, &l.Mail)
	l.Total, l.CreateTime = cash(total, currency), l.CreateTime.UTC()
	return l, err
}

const lettersSQL = readLetter + `
WHERE ($1 = '' OR l.customer_id = ANY (accounts_under($1))) AND ($2 = '' OR l.dunning_run_id = $2) AND ($3 = '' OR l.dunning_letter_id = $3)
  AND ($4 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = l.customer_id AND c.salesperson = $4))
  AND ($5::timestamptz IS NULL OR (l.created_at, l.dunning_letter_id) < ($5, $6))
  AND ($8 = '' OR coalesce(m.state, 'PRINT') = $8)
ORDER BY l.created_at DESC, l.dunning_letter_id DESC LIMIT $7`

// LetterQuery asks for letters; empty fields do not restrict.
type LetterQuery struct {
	ID, CustomerID, RunID, Salesperson string
	Mail                               mail.State
	After                              *invoice.Place
	Limit                              int
}

// DunningLetters lists letters, newest first.
func (s *Store) DunningLetters(ctx context.Context, q LetterQuery) ([]Letter, error) {
	at, id := bounds(q.After)
	rows, err := s.pool.Query(ctx, lettersSQL, q.CustomerID, q.RunID, q.ID, q.Salesperson, at, id, q.Limit, string(q.Mail))
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, scanLetter)
	return out, pg.Err(err)
}

const sentLinesSQL = `SELECT ` + lineFields + ` FROM dunning_lines l JOIN dunning_runs r USING (dunning_run_id)
WHERE l.dunning_run_id = $1 AND l.customer_id = $2 AND l.state = 'SENT' ORDER BY l.due_date, l.item_id`

// SentLines are the lines of a letter.
func (s *Store) SentLines(ctx context.Context, l Letter) ([]Line, error) {
	return lines(ctx, s.pool, sentLinesSQL, l.RunID, l.CustomerID)
}

const chargesSQL = `SELECT d.item_id, i.currency, sum(b.open)::bigint
FROM dunned_levels d JOIN item_balances b ON b.item_id IN (d.fee_id, d.interest_id) JOIN items i ON i.item_id = b.item_id
WHERE d.customer_id = $1 GROUP BY d.item_id, i.currency`

// OpenCharges is what is open of the fees and interest that a customer's items were charged, by item.
func (s *Store) OpenCharges(ctx context.Context, customerID string) (map[string]money.Money, error) {
	rows, err := s.pool.Query(ctx, chargesSQL, customerID)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := map[string]money.Money{}
	var id, currency string
	var open int64
	_, err = pgx.ForEachRow(rows, []any{&id, &currency, &open}, func() error {
		out[id] = cash(open, currency)
		return nil
	})
	return out, pg.Err(err)
}

const countLettersSQL = `SELECT count(*) FROM dunning_letters WHERE dunning_run_id = $1`

// CountLetters counts the letters of a run.
func CountLetters(ctx context.Context, q pg.Querier, runID string) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, countLettersSQL, runID).Scan(&n)
	return n, pg.Err(err)
}

const anyByMailSQL = `SELECT EXISTS (SELECT FROM dunning_lines l JOIN correspondence USING (customer_id)
WHERE l.dunning_run_id = $1 AND l.state = 'PROPOSED')`

// AnyByMail tells whether a letter of a run goes by mail.
func AnyByMail(ctx context.Context, q pg.Querier, runID string) (bool, error) {
	var yes bool
	err := q.QueryRow(ctx, anyByMailSQL, runID).Scan(&yes)
	return yes, pg.Err(err)
}
