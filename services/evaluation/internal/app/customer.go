package app

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/handover"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
	"github.com/avalcredit/aval/services/evaluation/internal/profile"
)

// ReasonCurrencyFixed: the currency of an account is not changed.
const ReasonCurrencyFixed = "CURRENCY_FIXED"

// Created is a new customer file and others that may be of the same firm.
type Created struct {
	Customer   customer.Customer    `json:"customer"`
	Duplicates []customer.Duplicate `json:"possible_duplicates"`
}

// CreateCustomer writes a new file and tells the other phases. A salesperson's new
// customer is its own, and it is told of its own that may be of the same firm only.
func (a *App) CreateCustomer(ctx context.Context, r idem.Request, c customer.Customer) (Created, error) {
	scope := authz.ScopeOf(ctx)
	if !scope.All {
		if c.SalespersonID == "" {
			c.SalespersonID = scope.Salesperson
		}
		if !scope.Allows(c.SalespersonID) {
			return Created{}, errs.Field("customer.salesperson_id", "own", "a salesperson's new customer is its own")
		}
	}
	day := a.Clock.Today(ctx)
	c = c.Complete()
	c.Revision, c.Grade, c.MergedIntoID = 1, grade.None, ""
	if err := c.Validate(day); err != nil {
		return Created{}, err
	}
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (Created, error) {
		store := postgres.New(tx)
		c.CreateTime = a.now()
		c.UpdateTime = c.CreateTime
		var err error
		if c.RootGroupID, err = rootOf(ctx, store, c.GroupID); err != nil {
			return Created{}, err
		}
		duplicates, err := store.Duplicates(ctx, c, scope)
		if err != nil {
			return Created{}, err
		}
		p, err := announce(ctx, tx, profile.Profile{}, profile.Of(c, nil, ""), day)
		if err != nil {
			return Created{}, err
		}
		if err := store.InsertCustomer(ctx, c, p); err != nil {
			return Created{}, err
		}
		return Created{Customer: c, Duplicates: duplicates}, note(ctx, tx, noted{customer: c.ID, action: "customer.create", subject: c.ID, day: day, detail: c})
	})
	if err != nil {
		return Created{}, err
	}
	a.flush(ctx, c.ID)
	return res, nil
}

// UpdateCustomer changes the named fields of a file.
func (a *App) UpdateCustomer(ctx context.Context, r idem.Request, p customer.Patch) (customer.Customer, error) {
	day := a.Clock.Today(ctx)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (customer.Customer, error) {
		store := postgres.New(tx)
		root, err := rootOf(ctx, store, p.Values.GroupID)
		if err != nil {
			return customer.Customer{}, err
		}
		st, err := visible(ctx, store.Lock, p.Values.ID)
		if err != nil {
			return customer.Customer{}, err
		}
		if err := st.File.Changeable(); err != nil {
			return customer.Customer{}, err
		}
		next, err := st.File.Apply(p)
		if err != nil {
			return customer.Customer{}, err
		}
		if had := st.File.SalespersonID; had != "" && next.SalespersonID != had {
			return customer.Customer{}, errs.New(errs.FailedPrecondition, handover.ReasonNeeded,
				"%s has customer %s: it changes hands by a hand-over that both sides confirm", had, next.ID)
		}
		if next.GroupID != st.File.GroupID {
			next.RootGroupID = root
		}
		if err := next.Validate(day); err != nil {
			return customer.Customer{}, err
		}
		if next.Currency != st.File.Currency {
			return customer.Customer{}, currencyFixed(st.File)
		}
		next.UpdateTime = a.now()
		if err := save(ctx, tx, st, change{file: next, day: day}); err != nil {
			return customer.Customer{}, err
		}
		detail := struct {
			Fields []string          `json:"fields"`
			Before customer.Customer `json:"before"`
			After  customer.Customer `json:"after"`
		}{p.Fields, st.File, next}
		return next, note(ctx, tx, noted{customer: next.ID, action: "customer.update", subject: next.ID, day: day, detail: detail})
	})
	if err != nil {
		return customer.Customer{}, err
	}
	a.flush(ctx, res.ID)
	return res, nil
}

// currencyFixed refuses another currency. Every phase is told of the account as soon as it
// is there, and may book on it at once; none can be asked, in one step with the change,
// whether it has.
func currencyFixed(c customer.Customer) error {
	const path = "customer.currency_code"
	return errs.New(errs.FailedPrecondition, ReasonCurrencyFixed,
		"%s: the account is in %s for good; another currency needs another customer", path, c.Currency).
		With("field", path).With("account_currency", c.Currency).
		WithViolations(errs.Violation{Field: path, Rule: "fixed", Message: "the account is in " + c.Currency + " for good"})
}

// change is what becomes of a customer.
type change struct {
	file customer.Customer
	// grant is the newest one where it changed, else nil.
	grant *postgres.StoredGrant
	day   calendar.Date
}

// save writes a changed file of a locked customer and tells the other phases what
// they need to know of it.
func save(ctx context.Context, tx pgx.Tx, st postgres.State, c change) error {
	granted, hash := st.Profile.Grant, st.Profile.GrantHash
	if c.grant != nil {
		granted, hash = &c.grant.Grant, c.grant.HashText()
	}
	p, err := announce(ctx, tx, st.Profile, profile.Of(c.file, granted, hash), c.day)
	if err != nil {
		return err
	}
	return postgres.New(tx).UpdateCustomer(ctx, c.file, p)
}

// Customer returns a file that the caller reaches.
func (a *App) Customer(ctx context.Context, id string) (customer.Customer, error) {
	st, err := visible(ctx, a.store().Customer, id)
	return st.File, err
}

// CustomerList asks for a page of files.
type CustomerList struct {
	Size  int32
	Token string
	// FilterText identifies the filter in the page token.
	FilterText string
	Filter     *customer.Filter
	Order      customer.Order
}

// Customers lists files that the caller reaches, and the token of the next page.
func (a *App) Customers(ctx context.Context, l CustomerList) ([]customer.Customer, string, error) {
	scope := authz.ScopeOf(ctx)
	if !scope.All && scope.Salesperson == "" {
		return nil, "", nil
	}
	sum := page.Checksum("customers", l.FilterText, l.Order.Field, strconv.FormatBool(l.Order.Descending), scope.Salesperson)
	after, err := a.pages.Decode(l.Token, sum, 2)
	if err != nil {
		return nil, "", err
	}
	q := postgres.CustomerQuery{
		Filter: l.Filter, Order: l.Order, After: after, Size: page.Size(l.Size, defaultPage, maxPage) + 1,
	}
	if !scope.All {
		q.Salesperson = scope.Salesperson
	}
	found, err := a.store().Customers(ctx, q)
	if err != nil || len(found) < q.Size {
		return found, "", err
	}
	found = found[:q.Size-1]
	return found, a.pages.Encode(sum, sortKey(found[len(found)-1], l.Order.Field)...), nil
}

func sortKey(c customer.Customer, field string) []string {
	switch field {
	case "display_name":
		return []string{c.DisplayName, c.ID}
	case "create_time":
		return []string{c.CreateTime.UTC().Format(time.RFC3339Nano), c.ID}
	default:
		return []string{c.ID, c.ID}
	}
}

// before reads the number in the token of a newest-first list.
func (a *App) before(token, sum string) (int64, error) {
	parts, err := a.pages.Decode(token, sum, 1)
	if err != nil {
		return 0, err
	}
	if parts == nil {
		return postgres.First, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(parts[0]), 10, 64)
	if err != nil {
		return 0, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
	}
	return n, nil
}

// cut makes a page of a newest-first list that was read with one row too many.
func cut[T any](a *App, rows []T, size int, sum string, number func(T) int64) ([]T, string) {
	if len(rows) <= size {
		return rows, ""
	}
	rows = rows[:size]
	return rows, a.pages.Encode(sum, strconv.FormatInt(number(rows[size-1]), 10))
}
