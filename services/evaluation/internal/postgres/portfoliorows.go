package postgres

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/portfolio"
)

// PortfolioRows are rows of a run in the binary form in which PostgreSQL takes very many.
type PortfolioRows struct {
	run  int64
	data []byte
	n    int
}

// copyHead is the signature, no flags, no extension.
const copyHead = "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000"

const portfolioColumns = `run, customer_id, salesperson_id, unit_id, group_id, currency_code, grade_before, grade_after, treatment_before,
	treatment_after, limit_before, limit_after, unlimited_before, unlimited_after, recommended, term_before, term_after, deciding, rating_id,
	unchanged, problem`

const portfolioWidth = 21

// NewPortfolioRows returns no rows of a run.
func NewPortfolioRows(run int64) *PortfolioRows {
	return &PortfolioRows{run: run, data: append(make([]byte, 0, 1<<16), copyHead...)}
}

// Len is how many there are.
func (p *PortfolioRows) Len() int { return p.n }

// Add adds a row.
func (p *PortfolioRows) Add(r *portfolio.Row) {
	p.n++
	p.data = binary.BigEndian.AppendUint16(p.data, portfolioWidth)
	p.number(&p.run)
	for _, s := range [...]string{
		r.CustomerID, r.Salesperson, r.Unit, r.Group, r.Currency, string(r.GradeBefore), string(r.GradeAfter),
		string(r.TreatmentBefore), string(r.TreatmentAfter),
	} {
		p.text(s)
	}
	p.number(r.LimitBefore)
	p.number(r.LimitAfter)
	p.flag(r.UnlimitedBefore)
	p.flag(r.UnlimitedAfter)
	p.number(r.Recommended)
	p.days(r.TermBefore)
	p.days(r.TermAfter)
	p.text(r.Deciding)
	p.text(r.RatingID)
	p.flag(r.Unchanged)
	p.text(r.Problem)
}

func (p *PortfolioRows) size(n uint32) { p.data = binary.BigEndian.AppendUint32(p.data, n) }

func (p *PortfolioRows) text(s string) {
	p.size(uint32(len(s))) //nolint:gosec // short
	p.data = append(p.data, s...)
}

const null = 0xFFFFFFFF

func (p *PortfolioRows) number(n *int64) {
	if n == nil {
		p.size(null)
		return
	}
	p.size(8)
	p.data = binary.BigEndian.AppendUint64(p.data, uint64(*n)) //nolint:gosec // two's complement
}

func (p *PortfolioRows) days(n int) {
	p.size(4)
	p.size(uint32(n)) //nolint:gosec // days
}

func (p *PortfolioRows) flag(on bool) {
	p.size(1)
	if on {
		p.data = append(p.data, 1)
	} else {
		p.data = append(p.data, 0)
	}
}

// WritePortfolioRows adds rows of a run in a transaction. A customer that has a row of the run already is an error: nothing is done twice.
func WritePortfolioRows(ctx context.Context, tx pgx.Tx, rows *PortfolioRows) error {
	data := binary.BigEndian.AppendUint16(rows.data, 0xFFFF)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(data), "COPY portfolio_rows ("+portfolioColumns+") FROM STDIN (FORMAT binary)")
	return pg.Err(err)
}

const hasRowSQL = `SELECT EXISTS (SELECT FROM portfolio_rows WHERE run = $1 AND customer_id = $2)`

// HasPortfolioRow reports whether a run is done with a customer.
func HasPortfolioRow(ctx context.Context, tx pgx.Tx, run int64, customerID string) (has bool, err error) {
	err = tx.QueryRow(ctx, hasRowSQL, run, customerID).Scan(&has)
	return has, pg.Err(err)
}
