// Package serial hands out gap-free numbers, for documents whose numbers must
// have no holes (vouchers, certificates, policy versions).
package serial

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const nextSQL = `INSERT INTO serials (series, last_value) VALUES ($1, 1)
	ON CONFLICT (series) DO UPDATE SET last_value = serials.last_value + 1
	RETURNING last_value`

// Next returns the next number of a series, beginning with 1. The series stays
// locked until tx ends: a rollback gives the number back, and others wait. So
// ask late in a transaction, and use a database sequence where holes are allowed.
func Next(ctx context.Context, tx pgx.Tx, series string) (int64, error) {
	if series == "" {
		return 0, errs.Field("series", "required", "a series needs a name")
	}
	var n int64
	if err := tx.QueryRow(ctx, nextSQL, series).Scan(&n); err != nil {
		return 0, pg.Err(err)
	}
	return n, nil
}
