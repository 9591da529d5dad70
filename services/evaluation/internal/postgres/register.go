package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pg"
)

// Entry is one time that a form changed hands, as a register has it.
type Entry struct {
	Register, SerialNumber                   string
	Entry                                    int
	ApplicationID, CustomerID, Event, Person string
	FiledOn                                  calendar.Date
	Form                                     string
}

// EntryQuery asks for a page of a register, in the order of serial number and entry.
type EntryQuery struct {
	Register string
	// CustomerID and SerialNumber bound the list; empty: all.
	CustomerID, SerialNumber string
	// AfterSerial and AfterEntry are the last row before the page; empty: the first page.
	AfterSerial string
	AfterEntry  int
	Size        int
}

const entriesSQL = `SELECT register, serial_number, entry, application_id, customer_id, event, actor, filed_on, form::text
FROM form_registers
WHERE register = $1 AND ($2 = '' OR customer_id = $2) AND ($3 = '' OR serial_number = $3)
  AND (length(serial_number), serial_number, entry) > (length($4::text), $4::text, $5::int)
ORDER BY length(serial_number), serial_number, entry LIMIT $6`

// Entries returns a page.
func (s Store) Entries(ctx context.Context, q EntryQuery) ([]Entry, error) {
	rows, err := s.raw.Query(ctx, entriesSQL, q.Register, q.CustomerID, q.SerialNumber, q.AfterSerial, q.AfterEntry, q.Size)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		err = row.Scan(&e.Register, &e.SerialNumber, &e.Entry, &e.ApplicationID, &e.CustomerID, &e.Event, &e.Person, &e.FiledOn, &e.Form)
		return e, err
	})
	return found, pg.Err(err)
}

// Difference is a place where the registers, or they and the numbers given out, disagree.
type Difference struct {
	SerialNumber string
	Entry        int
	Problem      string
}

// Comparison is what both registers hold, and where they disagree.
type Comparison struct {
	Serials, SettlementDesk, SalesHead int64
	Differences                        []Difference
}

const (
	countsSQL = `SELECT coalesce((SELECT last_value FROM serials WHERE series = $1), 0),
    count(*) FILTER (WHERE register = 'SETTLEMENT_DESK'), count(*) FILTER (WHERE register = 'SALES_HEAD') FROM form_registers`

	// Both directions at once: what one register lacks, and what both have otherwise.
	differencesSQL = `WITH
desk AS (SELECT * FROM form_registers WHERE register = 'SETTLEMENT_DESK'),
head AS (SELECT * FROM form_registers WHERE register = 'SALES_HEAD'),
given AS (SELECT $2 || CASE WHEN n < 1000000 THEN lpad(n::text, 6, '0') ELSE n::text END AS serial_number
          FROM generate_series(1, (SELECT last_value FROM serials WHERE series = $1)) AS n),
filed AS (SELECT DISTINCT serial_number FROM form_registers)
SELECT * FROM (
    SELECT coalesce(d.serial_number, h.serial_number) AS serial_number, coalesce(d.entry, h.entry) AS entry,
        CASE WHEN d.serial_number IS NULL THEN 'only the sales head has the entry'
             WHEN h.serial_number IS NULL THEN 'only the settlement desk has the entry'
             ELSE 'the registers have the entry differently' END AS problem
    FROM desk d FULL JOIN head h ON h.serial_number = d.serial_number AND h.entry = d.entry
    WHERE d.serial_number IS NULL OR h.serial_number IS NULL
       OR (d.application_id, d.customer_id, d.event, d.actor, d.filed_on, d.form::text)
          IS DISTINCT FROM (h.application_id, h.customer_id, h.event, h.actor, h.filed_on, h.form::text)
    UNION ALL
    SELECT g.serial_number, 0, 'the number was given out, and neither register has the form'
    FROM given g WHERE NOT EXISTS (SELECT FROM filed f WHERE f.serial_number = g.serial_number)
    UNION ALL
    SELECT f.serial_number, 0, 'the number was never given out'
    FROM filed f WHERE NOT EXISTS (SELECT FROM given g WHERE g.serial_number = f.serial_number)
    UNION ALL
    SELECT serial_number, 0, 'entries of ' || register || ' are not numbered 1, 2, 3 ...'
    FROM form_registers GROUP BY register, serial_number HAVING max(entry) <> count(*)
) AS found ORDER BY length(serial_number), serial_number, entry, problem LIMIT $3`
)

// CompareRegisters compares both registers, as of one moment, with each other and with
// the numbers of the series; prefix is how its numbers begin.
func CompareRegisters(ctx context.Context, pool *pgxpool.Pool, series, prefix string, most int) (Comparison, error) {
	var c Comparison
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, opts, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, countsSQL, series).Scan(&c.Serials, &c.SettlementDesk, &c.SalesHead); err != nil {
			return fmt.Errorf("count registers: %w", err)
		}
		rows, err := tx.Query(ctx, differencesSQL, series, prefix, most)
		if err != nil {
			return fmt.Errorf("compare registers: %w", err)
		}
		c.Differences, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Difference, err error) {
			err = row.Scan(&d.SerialNumber, &d.Entry, &d.Problem)
			return d, err
		})
		return err
	})
	return c, pg.Err(err)
}
