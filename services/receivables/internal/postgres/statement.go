package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
)

// $1 customer, $2 as of, $3 known on. A reversal is known by the entry that makes it.
const (
	statementItemsSQL = `
SELECT coalesce(sum(open), 0)::bigint, coalesce(sum(open) FILTER (WHERE due_date < $2), 0)::bigint, count(*)
FROM (SELECT i.due_date, i.amount - coalesce((SELECT sum(a.amount) FROM applications a
                 WHERE a.item_id = i.item_id AND a.application_date <= $2 AND a.post_date <= $3), 0) AS open
      FROM items i
      WHERE i.customer_id = ANY (accounts_under($1)) AND i.document_date <= $2 AND i.post_date <= $3
        AND NOT EXISTS (SELECT FROM item_reversals r JOIN ledger_entries e ON e.customer_id = r.customer_id AND e.sequence = r.ledger_sequence
                        WHERE r.item_id = i.item_id AND r.reverse_date <= $2 AND e.post_date <= $3)) x
WHERE open > 0`

	statementMoneySQL = `
SELECT order_id, sum(unapplied)::bigint
FROM (SELECT CASE WHEN c.kind = 'ADVANCE' THEN c.order_id ELSE '' END AS order_id,
             c.amount - coalesce((SELECT sum(a.amount) FROM applications a
                 WHERE a.credit_id = c.credit_id AND a.application_date <= $2 AND a.post_date <= $3), 0) AS unapplied
      FROM credits c
      WHERE c.customer_id = ANY (accounts_under($1)) AND c.credit_date <= $2 AND c.post_date <= $3
        AND NOT EXISTS (SELECT FROM credit_reversals r JOIN ledger_entries e ON e.customer_id = r.customer_id AND e.sequence = r.ledger_sequence
                        WHERE r.credit_id = c.credit_id AND r.reverse_date <= $2 AND e.post_date <= $3)) x
WHERE unapplied > 0 GROUP BY order_id ORDER BY order_id COLLATE "C"`

	statementFutureSQL = `
SELECT coalesce(sum(c.amount), 0)::bigint FROM credits c
WHERE c.customer_id = ANY (accounts_under($1)) AND c.credit_date > $2 AND c.post_date <= $3
  AND NOT EXISTS (SELECT FROM credit_reversals r JOIN ledger_entries e ON e.customer_id = r.customer_id AND e.sequence = r.ledger_sequence
                  WHERE r.credit_id = c.credit_id AND e.post_date <= $3)`

	// Bills by what was done with the account of bills; instruments are those of the receipt or of the act.
	statementAccountsSQL = `
SELECT l.account, CASE WHEN l.account = 'NOTES_RECEIVABLE' THEN coalesce(p.instrument, v.instrument, '') ELSE '' END, sum(l.amount)::bigint
FROM ledger_entries e
CROSS JOIN LATERAL unnest(e.accounts, e.amounts) AS l(account, amount)
LEFT JOIN receipts p ON l.account = 'NOTES_RECEIVABLE' AND p.receipt_id = e.document_id AND p.customer_id = e.customer_id
LEFT JOIN vouchers v ON l.account = 'NOTES_RECEIVABLE' AND v.voucher_id = e.document_id AND v.customer_id = e.customer_id
WHERE e.customer_id = ANY (accounts_under($1)) AND e.entry_date <= $2 AND e.post_date <= $3
GROUP BY 1, 2 HAVING sum(l.amount) <> 0 ORDER BY 1, 2`
)

// lastKnown is later than any posting.
var lastKnown = calendar.MustDate("9999-12-31")

// Statement computes a customer's account as of a day, as it was known on another (none: now), from one
// snapshot.
func (s *Store) Statement(ctx context.Context, out ledger.Statement) (ledger.Statement, error) {
	known := out.KnownOn
	if known.IsZero() {
		known = lastKnown
	}
	for _, m := range []*money.Money{&out.Open, &out.Overdue, &out.Unapplied, &out.Future, &out.BankBill, &out.CommercialBill} {
		*m = money.Zero(out.Currency)
	}
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		args := []any{out.CustomerID, out.AsOf, known}
		if err := tx.QueryRow(ctx, statementItemsSQL, args...).Scan(&out.Open.Minor, &out.Overdue.Minor, &out.OpenItems); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, statementFutureSQL, args...).Scan(&out.Future.Minor); err != nil {
			return err
		}
		if err := statementMoney(ctx, tx, &out, args); err != nil {
			return err
		}
		return statementAccounts(ctx, tx, &out, args)
	})
	return out, pg.Err(err)
}

func statementMoney(ctx context.Context, tx pgx.Tx, out *ledger.Statement, args []any) error {
	rows, err := tx.Query(ctx, statementMoneySQL, args...)
	if err != nil {
		return err
	}
	var order string
	var minor int64
	_, err = pgx.ForEachRow(rows, []any{&order, &minor}, func() error {
		if order == "" {
			out.Unapplied = cash(minor, out.Currency)
		} else {
			out.Advances = append(out.Advances, ledger.Advance{OrderID: order, Amount: cash(minor, out.Currency)})
		}
		return nil
	})
	return err
}

func statementAccounts(ctx context.Context, tx pgx.Tx, out *ledger.Statement, args []any) error {
	rows, err := tx.Query(ctx, statementAccountsSQL, args...)
	if err != nil {
		return err
	}
	var account, instrument string
	var minor int64
	_, err = pgx.ForEachRow(rows, []any{&account, &instrument, &minor}, func() error {
		amount := cash(minor, out.Currency)
		switch instrument {
		case "BANK_ACCEPTANCE":
			out.BankBill = amount
		case "COMMERCIAL_ACCEPTANCE":
			out.CommercialBill = amount
		}
		if n := len(out.Accounts); n > 0 && out.Accounts[n-1].Account == ledger.Account(account) {
			out.Accounts[n-1].Amount = out.Accounts[n-1].Amount.Add(amount)
			return nil
		}
		out.Accounts = append(out.Accounts, ledger.Line{Account: ledger.Account(account), Amount: amount})
		return nil
	})
	return err
}
