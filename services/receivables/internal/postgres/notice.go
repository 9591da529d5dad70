package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/notice"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receipt"
)

// AddNotice records a payment notice. Errors: AlreadyExists PAYMENT_NOTICE_EXISTS.
func (a *Account) AddNotice(ctx context.Context, n notice.Notice) error {
	err := a.q.AddPaymentNotice(ctx, db.AddPaymentNoticeParams{
		PaymentNoticeID: n.ID, CustomerID: n.CustomerID, OrderID: n.OrderID, InvoiceID: n.InvoiceID,
		Currency: n.Amount.Currency, Amount: n.Amount.Minor, Instrument: string(n.Instrument),
		ExpectedDate: n.Expected, LastDate: n.LastDay, Reference: n.Reference,
		RecordedBy: n.RecordedBy, RecordDate: n.RecordDate, CreatedAt: n.CreateTime,
	})
	if pg.IsUnique(err, "payment_notices_pkey") {
		return errs.New(errs.AlreadyExists, "PAYMENT_NOTICE_EXISTS", "payment notice %s was recorded before", n.ID).With("payment_notice_id", n.ID)
	}
	if err != nil {
		return pg.Err(err)
	}
	return pg.Err(a.q.AddPaymentNoticeBalance(ctx, db.AddPaymentNoticeBalanceParams{
		PaymentNoticeID: n.ID, CustomerID: n.CustomerID, LastDate: n.LastDay,
	}))
}

// ConfirmNotice records the confirmation of a notice.
func (a *Account) ConfirmNotice(ctx context.Context, n notice.Notice) error {
	err := a.q.AddPaymentNoticeConfirmation(ctx, db.AddPaymentNoticeConfirmationParams{
		PaymentNoticeID: n.ID, ConfirmedBy: n.ConfirmedBy, ConfirmDate: n.ConfirmDate, CreatedAt: a.act.Now,
	})
	if err != nil {
		return pg.Err(err)
	}
	return a.foldNotice(ctx, n.ID)
}

// WithdrawNotice records that a notice was taken back.
func (a *Account) WithdrawNotice(ctx context.Context, n notice.Notice) error {
	err := a.q.AddPaymentNoticeWithdrawal(ctx, db.AddPaymentNoticeWithdrawalParams{
		PaymentNoticeID: n.ID, WithdrawnBy: n.WithdrawnBy, WithdrawDate: n.WithdrawDate, Reason: n.WithdrawReason, CreatedAt: a.act.Now,
	})
	if err != nil {
		return pg.Err(err)
	}
	return a.foldNotice(ctx, n.ID)
}

// foldNotice brings the kept balance of a notice up to its acts and receipts; an empty id is none.
func (a *Account) foldNotice(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	return pg.Err(a.q.FoldPaymentNotice(ctx, id))
}

// OpenItemsOfOrder are the customer's open items of an order, oldest due first, with the
// documents they belong to.
func (a *Account) OpenItemsOfOrder(ctx context.Context, orderID string) ([]db.OpenItemsOfOrderRow, error) {
	items, err := a.q.OpenItemsOfOrder(ctx, db.OpenItemsOfOrderParams{CustomerID: a.customerID, OrderID: orderID})
	return items, pg.Err(err)
}

// Notice returns a payment notice. Errors: NotFound PAYMENT_NOTICE_UNKNOWN.
func (s *Store) Notice(ctx context.Context, id string) (notice.Notice, error) {
	return noticeByID(ctx, s.q, id)
}

// Notice reads a payment notice under the account's lock.
func (a *Account) Notice(ctx context.Context, id string) (notice.Notice, error) {
	return noticeByID(ctx, a.q, id)
}

func noticeByID(ctx context.Context, q *db.Queries, id string) (notice.Notice, error) {
	row, err := q.PaymentNoticeByID(ctx, id)
	if err = pg.Err(err); errs.KindOf(err) == errs.NotFound {
		return notice.Notice{}, errs.New(errs.NotFound, "PAYMENT_NOTICE_UNKNOWN", "there is no payment notice %s", id).With("payment_notice_id", id)
	}
	return noticeDocument(row), err
}

func noticeDocument(d db.PaymentNoticeDocument) notice.Notice {
	return notice.Notice{
		ID: d.PaymentNoticeID, CustomerID: d.CustomerID, OrderID: d.OrderID, InvoiceID: d.InvoiceID,
		Amount: cash(d.Amount, d.Currency), Instrument: receipt.Instrument(d.Instrument), Expected: d.ExpectedDate,
		LastDay: d.LastDate, Reference: d.Reference, RecordedBy: d.RecordedBy, RecordDate: d.RecordDate,
		CreateTime: d.CreatedAt.UTC(), Received: cash(d.Received, d.Currency), ConfirmedBy: d.ConfirmedBy,
		ConfirmDate: d.ConfirmDate, WithdrawnBy: d.WithdrawnBy, WithdrawDate: d.WithdrawDate, WithdrawReason: d.WithdrawReason,
	}
}

const noticesSQL = `
SELECT d.* FROM payment_notice_documents d
WHERE ($1 = '' OR d.customer_id = ANY (accounts_under($1)))
  AND ($2 = '' OR d.order_id = $2)
  AND ($3 = '' OR $3 = CASE WHEN d.withdraw_date IS NOT NULL THEN 'WITHDRAWN' WHEN d.received >= d.amount THEN 'SETTLED'
                            WHEN d.last_date < $4 THEN 'LAPSED' WHEN d.confirm_date IS NOT NULL THEN 'CONFIRMED' ELSE 'RECORDED' END)
  AND ($5 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = d.customer_id AND c.salesperson = $5))
  AND ($6::timestamptz IS NULL OR (d.created_at, d.payment_notice_id) < ($6, $7))
ORDER BY d.created_at DESC, d.payment_notice_id DESC
LIMIT $8`

// Notices lists payment notices, newest first.
func (s *Store) Notices(ctx context.Context, q notice.Query) ([]notice.Notice, error) {
	at, id := bounds(q.After)
	rows, err := s.pool.Query(ctx, noticesSQL, q.CustomerID, q.OrderID, string(q.State), q.Today, q.Salesperson, at, id, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[db.PaymentNoticeDocument])
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]notice.Notice, len(docs))
	for i, d := range docs {
		out[i] = noticeDocument(d)
	}
	return out, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
