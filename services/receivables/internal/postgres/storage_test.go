package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/receivables/internal/invoice"
	"github.com/avalcredit/aval/services/receivables/internal/ledger"
	"github.com/avalcredit/aval/services/receivables/internal/notice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
	"github.com/avalcredit/aval/services/receivables/internal/voucher"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// books holds one customer C with invoice I-1 (paid by R-1, under payment notice N-1 of 150), I-2
// reversed, I-3 open and I-4 open in two instalments.
func books(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.New(t, postgres.Schema, postgres.Migrations())
	c := postgres.Customer{ID: "C", Sequence: 1, BusinessDate: calendar.MustDate("2024-01-01"), DisplayName: "C", Currency: "CNY"}
	day, now := calendar.MustDate("2024-01-01"), time.Date(2024, 1, 1, 0, 0, 0, 123456000, time.UTC)
	must(t, pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
		if err := postgres.SaveCustomer(ctx, tx, c, now); err != nil {
			return err
		}
		a, err := postgres.LockAccount(ctx, tx, c, postgres.Act{Actor: "clerk", Today: day, Now: now})
		if err != nil {
			return err
		}
		for i := range 4 {
			d := invoice.Draft{ID: fmt.Sprintf("I-%d", i+1), CustomerID: "C", Amount: money.New(100, "CNY")}
			if i == 3 {
				d.Instalments = []invoice.Part{{Amount: money.New(40, "CNY")}, {Amount: money.New(60, "CNY")}}
			}
			inv, err := invoice.New(d,
				invoice.Defaults{Today: day, TermDays: 30, Currency: "CNY", Now: now})
			must(t, err)
			if err := a.AddInvoice(ctx, inv); err != nil {
				return err
			}
		}
		n, err := notice.New(notice.Draft{ID: "N-1", CustomerID: "C", OrderID: "O", Amount: money.New(150, "CNY"), Expected: day},
			notice.Recording{Currency: "CNY", Today: day, Now: now, Actor: "sales"})
		must(t, err)
		if err := a.AddNotice(ctx, n); err != nil {
			return err
		}
		n, err = n.Confirm("clerk", day)
		must(t, err)
		if err := a.ConfirmNotice(ctx, n); err != nil {
			return err
		}
		r, err := receipt.New(receipt.Draft{ID: "R-1", CustomerID: "C", Amount: money.New(100, "CNY"), NoticeID: "N-1"}, "CNY", day, now)
		must(t, err)
		if err := a.AddReceipt(ctx, r); err != nil {
			return err
		}
		if err := a.Apply(ctx, []invoice.Application{{CreditID: "R-1", ItemID: "I-1", Amount: money.New(100, "CNY"), Date: day}}); err != nil {
			return err
		}
		doc, err := a.Invoice(ctx, "I-2")
		if err != nil {
			return err
		}
		if err := a.ReverseInvoice(ctx, doc, postgres.Reversal{On: day, Reason: "twice"}); err != nil {
			return err
		}
		if err := more(ctx, a, day, now); err != nil {
			return err
		}
		return a.Save(ctx)
	}))
	return pool
}

// more posts a deposit D-1 of 50 with 20 used, a credit note CN-1 and a bill B-1 of 10, all unapplied.
func more(ctx context.Context, a *postgres.Account, day calendar.Date, now time.Time) error {
	def := voucher.Defaults{Today: day, Now: now, Currency: "CNY"}
	for _, d := range []voucher.Draft{
		{ID: "D-1", Kind: ledger.KindDeposit, Amount: money.New(50, "CNY")},
		{ID: "U-1", Kind: ledger.KindDepositUse, Amount: money.New(20, "CNY"), About: "D-1"},
		{ID: "CN-1", Kind: ledger.KindCreditNote, Amount: money.New(10, "CNY"), MemoID: "CM-1"},
	} {
		d.CustomerID = "C"
		v, err := voucher.New(d, def)
		if err != nil {
			return err
		}
		if err := a.AddVoucher(ctx, v, v.Lines(voucher.Context{})); err != nil {
			return err
		}
	}
	if err := a.Draw(ctx, "D-1", money.New(20, "CNY")); err != nil {
		return err
	}
	r, err := receipt.New(receipt.Draft{
		ID: "B-1", CustomerID: "C", Amount: money.New(10, "CNY"), Instrument: receipt.InstrumentBankAcceptance,
		Bill: &receipt.Bill{Number: "1", MaturityDate: day.AddDays(90)},
	}, "CNY", day, now)
	if err != nil {
		return err
	}
	return a.AddReceipt(ctx, r)
}

// Invariant 2: what is posted stays as it was posted.
func TestPostedRowsRefuseChange(t *testing.T) {
	t.Parallel()
	pool := books(t)
	for _, table := range []string{"ledger_entries", "invoices", "items", "receipts", "credits", "item_reversals", "applications", "payment_notices", "payment_notice_confirmations", "vouchers", "bills"} {
		for _, sql := range []string{
			"UPDATE " + table + " SET customer_id = customer_id", "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE",
		} {
			switch sql {
			case "UPDATE item_reversals SET customer_id = customer_id":
				sql = "UPDATE item_reversals SET reason = 'other'"
			case "UPDATE payment_notice_confirmations SET customer_id = customer_id":
				sql = "UPDATE payment_notice_confirmations SET confirmed_by = 'other'"
			}
			_, err := pool.Exec(t.Context(), sql)
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
	for _, sql := range []string{"DELETE FROM accounts", "DELETE FROM item_balances", "TRUNCATE credit_balances", "DELETE FROM payment_notice_balances"} {
		if _, err := pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was let through", sql)
		}
	}
}

// Invariants 1 and 3: the database itself refuses entries that do not balance or follow.
func TestDatabaseRefusesBadEntries(t *testing.T) {
	t.Parallel()
	pool := books(t)
	const entry = `INSERT INTO ledger_entries SELECT 'C', %d, 'INVOICE', '2024-01-01', '2024-01-01', 'X', 'CNY', 5, %s, NULL, '', 'me', now(),
		document_digest, %s, hash, %s, %s FROM ledger_entries WHERE customer_id = 'C' AND sequence = 10`
	const accounts, amounts = "'{RECEIVABLE,SALES}'", "'{5,-5}'"
	must(t, pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error { // the entry that the others spoil
		return rolledBack(ctx, tx, fmt.Sprintf(entry, 11, "balance + 5", "hash", accounts, amounts))
	}))
	for name, sql := range map[string]string{
		"no lines":               fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{}'", "'{}'"),
		"one line":               fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{RECEIVABLE}'", "'{5}'"),
		"lines do not sum to 0":  fmt.Sprintf(entry, 11, "balance + 5", "hash", accounts, "'{5,-4}'"),
		"three do not sum to 0":  fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{RECEIVABLE,SALES,FINANCE_COST}'", "'{5,-4,-2}'"),
		"another amount":         fmt.Sprintf(entry, 11, "balance + 5", "hash", accounts, "'{4,-4}'"),
		"receivable twice":       fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{RECEIVABLE,RECEIVABLE,SALES}'", "'{5,1,-6}'"),
		"an unknown account":     fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{RECEIVABLE,POCKET}'", amounts),
		"an account without sum": fmt.Sprintf(entry, 11, "balance + 5", "hash", "'{RECEIVABLE,SALES}'", "'{5,-5,0}'"),
		"a gap":                  fmt.Sprintf(entry, 12, "balance + 5", "hash", accounts, amounts),
		"not linked":             fmt.Sprintf(entry, 11, "balance + 5", "prev", accounts, amounts),
		"wrong balance":          fmt.Sprintf(entry, 11, "balance + 6", "hash", accounts, amounts),
		"of no account":          strings.Replace(fmt.Sprintf(entry, 1, "5", "prev", accounts, amounts), "'C'", "'D'", 1),
		"a reversal of nothing": `INSERT INTO ledger_entries SELECT 'C', 11, 'REVERSAL', entry_date, post_date, document_id, currency, 5, balance + 5, 0, '', 'me', now(),
			document_digest, hash, hash, '{RECEIVABLE,SALES}', '{5,-5}' FROM ledger_entries WHERE customer_id = 'C' AND sequence = 10`,
		"over-applied": `UPDATE item_balances SET open = open - 101 WHERE item_id = 'I-3'`,
		"written off without a memo": `INSERT INTO vouchers SELECT 'W-1', customer_id, 'WRITE_OFF', voucher_date, NULL, currency, amount, 0, false, '', '', '', '', '', '', '',
			'', '', post_date, created_at, ledger_sequence FROM vouchers WHERE voucher_id = 'D-1'`,
		"paid back without a memo": `INSERT INTO vouchers SELECT 'B-1', customer_id, 'DEPOSIT_RETURN', voucher_date, NULL, currency, amount, 0, false, '', 'D-1', '', '', '', '', '',
			'', '', post_date, created_at, ledger_sequence FROM vouchers WHERE voucher_id = 'D-1'`,
		"an invoice that was paid taken back without a memo": `INSERT INTO item_reversals SELECT 'I-1', customer_id, reverse_date, reason, reversed_by, created_at, ledger_sequence FROM item_reversals`,
		"more than is left":   `UPDATE voucher_balances SET amount_left = amount_left - 31 WHERE document_id = 'D-1'`,
		"in a closed period":  `INSERT INTO period_acts VALUES (1, 'CLOSE', '2024-01-01', '', 'me', '2024-02-01', now()); ` + fmt.Sprintf(entry, 11, "balance + 5", "hash", accounts, amounts),
		"opened without why":  `INSERT INTO period_acts VALUES (1, 'CLOSE', '2024-01-01', '', 'me', '2024-02-01', now()), (2, 'OPEN', '2023-12-01', '', 'me', '2024-02-01', now())`,
		"closed backwards":    `INSERT INTO period_acts VALUES (1, 'CLOSE', '2024-01-01', '', 'me', '2024-02-01', now()), (2, 'CLOSE', '2023-12-01', '', 'me', '2024-02-01', now())`,
		"a memo that is over": `INSERT INTO credit_memos VALUES ('CM-1', 'C', 'WRITE_OFF', 'REJECTED', '{}', 'me', '{}', now()); UPDATE credit_memos SET state = 'POSTED'`,
		"a memo of another":   `INSERT INTO credit_memos VALUES ('CM-1', 'C', 'WRITE_OFF', 'PROPOSED', '{}', 'me', '{}', now()); UPDATE credit_memos SET proposed_by = 'you'`,
		"reversed twice":      `INSERT INTO item_reversals SELECT * FROM item_reversals`,
		"confirmed by one person": `INSERT INTO payment_notices SELECT 'N-2', customer_id, order_id, '', currency, amount, instrument, expected_date, last_date,
			'', 'sales', record_date, created_at FROM payment_notices; INSERT INTO payment_notice_confirmations VALUES ('N-2', 'sales', '2024-01-01', now())`,
	} {
		t.Run(name, func(t *testing.T) {
			err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
				return err
			})
			if err == nil {
				t.Error("was let through")
			}
		})
	}
}

// rolledBack runs a statement that the database takes, without effect.
func rolledBack(ctx context.Context, tx pgx.Tx, sql string) error {
	nested, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := nested.Exec(ctx, sql); err != nil {
		return err
	}
	return nested.Rollback(ctx)
}

// Invariant 3: whoever goes around the triggers leaves a break that verification names.
func TestVerifyNamesWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	pool := books(t)
	store := postgres.NewStore(pool)
	report, err := store.Verify(t.Context())
	must(t, err)
	if len(report.Breaks) != 0 || report.Chains != 2 || report.Entries != 11 {
		t.Fatalf("untouched books: %+v", report)
	}
	for _, c := range []struct{ sql, chain string }{
		{`UPDATE ledger_entries SET text = 'invoice I-X' WHERE sequence = 1`, "ledger/C"},
		{`UPDATE ledger_entries SET posted_by = 'other' WHERE sequence = 2`, "ledger/C"},
		{`UPDATE ledger_entries SET entry_date = '2023-12-31' WHERE sequence = 3`, "ledger/C"},
		{`UPDATE ledger_entries SET accounts = '{RECEIVABLE,CASH}' WHERE sequence = 1`, "ledger/C"},
		{`UPDATE invoices SET due_date = '2030-01-01' WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`UPDATE invoices SET amount = 101 WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`UPDATE receipts SET receipt_date = '2023-01-01'`, "ledger/C"},
		{`UPDATE applications SET application_date = '2023-01-01'`, "application/C"},
		{`UPDATE applications SET applied_by = 'other'`, "application/C"},
		{`UPDATE item_balances SET open = 1 WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE item_balances SET due_date = '2030-01-01' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE item_balances SET last_undo = '2023-01-01' WHERE item_id = 'I-3'`, "ledger/C"},
		{`DELETE FROM item_balances WHERE item_id = 'I-3'`, "ledger/C"},
		{`DELETE FROM items WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET amount = 99 WHERE item_id = 'I-3'`, "ledger/C"},
		{`INSERT INTO items SELECT 'I-9', customer_id, document_kind, 'I-9', 1, '', document_date, due_date, currency, amount, '', '', post_date, ledger_sequence FROM items WHERE item_id = 'I-3'`, "ledger/C"},
		{`INSERT INTO items SELECT 'I-9', customer_id, document_kind, 'I-9', 1, '', document_date, due_date, currency, amount, '', '', post_date, 99 FROM items WHERE item_id = 'I-3'`, "ledger/C"},
		{`INSERT INTO invoices SELECT 'I-9', customer_id, order_id, invoice_date, due_date, currency, amount, '', '', post_date, created_at, ledger_sequence FROM invoices WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`INSERT INTO invoices SELECT 'I-9', 'D', order_id, invoice_date, due_date, currency, amount, '', '', post_date, created_at, 1 FROM invoices WHERE invoice_id = 'I-3'`, "ledger/D"},
		{`UPDATE invoices SET customer_id = 'D' WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`UPDATE invoices SET ledger_sequence = 1 WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`DELETE FROM invoices WHERE invoice_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET due_date = '2030-01-01' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET salesperson = 'other' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET unit_id = 'other' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET document_kind = 'FEE' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET document_date = '2023-01-01' WHERE item_id = 'I-3'`, "ledger/C"},
		{`UPDATE items SET amount = amount + 1 WHERE item_id = 'I-4/1'; UPDATE items SET amount = amount - 1 WHERE item_id = 'I-4/2'`, "ledger/C"},
		{`UPDATE vouchers SET amount = 51 WHERE voucher_id = 'D-1'`, "ledger/C"},
		{`UPDATE vouchers SET about = '' WHERE voucher_id = 'U-1'`, "ledger/C"},
		{`UPDATE vouchers SET memo_id = 'CM-2' WHERE voucher_id = 'CN-1'`, "ledger/C"},
		{`UPDATE vouchers SET reason = 'other' WHERE voucher_id = 'CN-1'`, "ledger/C"},
		{`DELETE FROM vouchers WHERE voucher_id = 'CN-1'`, "ledger/C"},
		{`UPDATE voucher_balances SET amount_left = 31 WHERE document_id = 'D-1'`, "ledger/C"},
		{`UPDATE voucher_balances SET amount_left = 0 WHERE document_id = 'B-1'`, "ledger/C"},
		{`DELETE FROM voucher_balances WHERE document_id = 'B-1'`, "ledger/C"},
		{`UPDATE bills SET maturity_date = '2030-01-01'`, "ledger/C"},
		{`DELETE FROM bills`, "ledger/C"},
		{`INSERT INTO voucher_reversals SELECT voucher_id, customer_id, '2024-01-01', 'r', 'me', now(), ledger_sequence FROM vouchers WHERE voucher_id = 'CN-1'`, "ledger/C"},
		{`UPDATE credits SET amount = 99 WHERE credit_id = 'R-1'`, "ledger/C"},
		{`UPDATE credits SET kind = 'ADVANCE' WHERE credit_id = 'R-1'`, "ledger/C"},
		{`UPDATE credits SET credit_date = '2023-01-01'`, "ledger/C"},
		{`DELETE FROM credit_balances`, "ledger/C"},
		{`UPDATE due_ladders SET opens[1] = opens[1] + 1`, "ledger/C"},
		{`UPDATE due_ladders SET items[1] = items[1] + 1`, "ledger/C"},
		{`UPDATE due_ladders SET newest = newest - 1`, "ledger/C"},
		{`UPDATE due_ladders SET oldest = oldest + 1`, "ledger/C"},
		{`DELETE FROM due_ladders`, "ledger/C"},
		{`UPDATE open_moves SET amount = amount + 1 WHERE items > 0`, "aging/CNY"},
		{`UPDATE open_moves SET items = items + 1 WHERE items > 0`, "aging/CNY"},
		{`UPDATE open_moves SET unapplied = unapplied + 1 WHERE unapplied > 0`, "aging/CNY"},
		{`UPDATE open_moves SET on_date = on_date + 1 WHERE items > 0`, "aging/CNY"},
		{`DELETE FROM open_moves WHERE items > 0`, "aging/CNY"},
		{`INSERT INTO open_moves VALUES ('USD', '2024-01-01', '2024-02-01', 1, 1, 0)`, "aging/USD"},
		{`UPDATE receipts SET payment_notice_id = NULL`, "ledger/C"},
		{`UPDATE payment_notice_balances SET received = 99`, "ledger/C"},
		{`UPDATE payment_notice_balances SET open = 51`, "ledger/C"},
		{`DELETE FROM payment_notice_confirmations`, "ledger/C"},
		{`UPDATE accounts SET balance = balance + 1`, "ledger/C"},
		{`UPDATE accounts SET application_sequence = 2`, "application/C"},
		{`DELETE FROM item_reversals; DELETE FROM ledger_entries WHERE sequence = 6`, "ledger/C"},
	} {
		t.Run(c.sql, func(t *testing.T) { tampered(t, pool, c.sql, c.chain) })
	}
}

// tampered verifies in the transaction of the tampering, which is then rolled back.
func tampered(t *testing.T, pool *pgxpool.Pool, sql, chain string) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	must(t, err)
	defer func() { must(t, tx.Rollback(context.WithoutCancel(t.Context()))) }()
	_, err = tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; `+sql, pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	report, err := postgres.VerifyIn(t.Context(), tx)
	must(t, err)
	for _, b := range report.Breaks {
		if b.Chain == chain {
			return
		}
	}
	t.Errorf("breaks %+v, want one in %s", report.Breaks, chain)
}
