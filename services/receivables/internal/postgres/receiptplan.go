package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/postgres/db"
	"github.com/avalcredit/aval/services/receivables/internal/receiptplan"
)

// AddReceiptPlan keeps a plan. Errors: AlreadyExists RECEIPT_PLAN_EXISTS.
func (a *Account) AddReceiptPlan(ctx context.Context, p receiptplan.Plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	err = a.q.AddReceiptPlan(ctx, db.AddReceiptPlanParams{
		PlanID: p.ID, CustomerID: p.CustomerID, Currency: p.Amount.Currency, Amount: p.Amount.Minor, Body: body, CreatedAt: p.CreateTime,
	})
	if pg.IsUnique(err, "receipt_plans_pkey") {
		return errs.New(errs.AlreadyExists, "RECEIPT_PLAN_EXISTS", "receipt plan %s was made before", p.ID).With("receipt_plan_id", p.ID)
	}
	return pg.Err(err)
}

// AddRegistration keeps the draft of a receipt under a plan. Errors: AlreadyExists RECEIPT_REGISTRATION_EXISTS.
func (a *Account) AddRegistration(ctx context.Context, r receiptplan.Registration) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	err = a.q.AddReceiptRegistration(ctx, db.AddReceiptRegistrationParams{
		RegistrationID: r.ID, PlanID: r.PlanID, ReceiptID: r.Receipt.ID, Amount: r.Receipt.Amount.Minor, State: string(r.State), Body: body,
	})
	if pg.IsUnique(err, "receipt_registrations_pkey") {
		return errs.New(errs.AlreadyExists, "RECEIPT_REGISTRATION_EXISTS", "receipt %s was registered before", r.ID).With("receipt_registration_id", r.ID)
	}
	return pg.Err(err)
}

// SaveRegistration keeps one that moved on.
func (a *Account) SaveRegistration(ctx context.Context, r receiptplan.Registration) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return pg.Err(a.q.SaveReceiptRegistration(ctx, db.SaveReceiptRegistrationParams{RegistrationID: r.ID, State: string(r.State), Body: body}))
}

// ReceiptPlan reads a plan under the account's lock. Errors: NotFound RECEIPT_PLAN_UNKNOWN.
func (a *Account) ReceiptPlan(ctx context.Context, id string) (receiptplan.Plan, error) {
	return receiptPlanByID(ctx, a.q, id)
}

// ReceiptPlan reads a plan. Errors: NotFound RECEIPT_PLAN_UNKNOWN.
func (s *Store) ReceiptPlan(ctx context.Context, id string) (receiptplan.Plan, error) {
	return receiptPlanByID(ctx, s.q, id)
}

func receiptPlanByID(ctx context.Context, q *db.Queries, id string) (receiptplan.Plan, error) {
	row, err := q.ReceiptPlanByID(ctx, id)
	if err != nil {
		err = pg.Err(err)
		if errs.KindOf(err) == errs.NotFound {
			err = errs.New(errs.NotFound, "RECEIPT_PLAN_UNKNOWN", "there is no receipt plan %s", id).With("receipt_plan_id", id)
		}
		return receiptplan.Plan{}, err
	}
	return receiptPlanOf(row.Body, row.Currency, row.Received, row.InApproval)
}

func receiptPlanOf(body []byte, currency string, received, inApproval int64) (receiptplan.Plan, error) {
	var p receiptplan.Plan
	err := json.Unmarshal(body, &p)
	p.Received, p.InApproval, p.CreateTime = cash(received, currency), cash(inApproval, currency), p.CreateTime.UTC()
	return p, err
}

const receiptPlansSQL = `SELECT p.body, p.currency, d.received, d.in_approval
FROM receipt_plans p CROSS JOIN LATERAL (SELECT received, in_approval FROM receipt_plan_documents v WHERE v.plan_id = p.plan_id) d
WHERE ($1 = '' OR p.customer_id = ANY (accounts_under($1)))
  AND ($2 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = p.customer_id AND c.salesperson = $2))
  AND ($3 = '' OR EXISTS (SELECT FROM account_owners c WHERE c.customer_id = p.customer_id AND c.salesperson = $3))
  AND ($4::text[] IS NULL OR CASE WHEN d.received >= p.amount THEN 'DONE' WHEN d.received > 0 THEN 'PARTIAL' ELSE 'OPEN' END = ANY ($4))
  AND ($5 = '' OR p.body ->> 'due_date' >= $5) AND ($6 = '' OR p.body ->> 'due_date' <= $6)
  AND ($7 = '' OR (p.body ->> 'due_date', p.plan_id) > ($7, $8))
ORDER BY p.body ->> 'due_date', p.plan_id LIMIT $9`

// ReceiptPlans lists plans, those due first first.
func (s *Store) ReceiptPlans(ctx context.Context, q receiptplan.Query) ([]receiptplan.Plan, error) {
	var after receiptplan.Place
	if q.After != nil {
		after = *q.After
	}
	var states []string
	for _, s := range q.States {
		states = append(states, string(s))
	}
	rows, err := s.pool.Query(ctx, receiptPlansSQL, q.CustomerID, q.Salesperson, q.Scope, states, q.From.String(), q.To.String(), after.DueDate.String(), after.ID, q.Limit)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (receiptplan.Plan, error) {
		var body []byte
		var currency string
		var received, inApproval int64
		if err := row.Scan(&body, &currency, &received, &inApproval); err != nil {
			return receiptplan.Plan{}, err
		}
		return receiptPlanOf(body, currency, received, inApproval)
	})
	return out, pg.Err(err)
}

// Registration reads a registered receipt. Errors: NotFound RECEIPT_REGISTRATION_UNKNOWN.
func (s *Store) Registration(ctx context.Context, id string) (receiptplan.Registration, error) {
	return registrationByID(ctx, s.q, id)
}

// Registration is the same under the account's lock.
func (a *Account) Registration(ctx context.Context, id string) (receiptplan.Registration, error) {
	return registrationByID(ctx, a.q, id)
}

func registrationByID(ctx context.Context, q *db.Queries, id string) (receiptplan.Registration, error) {
	body, err := q.ReceiptRegistrationByID(ctx, id)
	if err != nil {
		err = pg.Err(err)
		if errs.KindOf(err) == errs.NotFound {
			err = errs.New(errs.NotFound, "RECEIPT_REGISTRATION_UNKNOWN", "there is no receipt registration %s", id).With("receipt_registration_id", id)
		}
		return receiptplan.Registration{}, err
	}
	return registrationOf(body)
}

func registrationOf(body []byte) (receiptplan.Registration, error) {
	var r receiptplan.Registration
	err := json.Unmarshal(body, &r)
	return r, err
}

// Registrations lists those of a plan, by number.
func (s *Store) Registrations(ctx context.Context, planID string) ([]receiptplan.Registration, error) {
	rows, err := s.q.ReceiptRegistrationsOf(ctx, planID)
	if err != nil {
		return nil, pg.Err(err)
	}
	out := make([]receiptplan.Registration, len(rows))
	for i, body := range rows {
		if out[i], err = registrationOf(body); err != nil {
			return nil, err
		}
	}
	return out, nil
}
