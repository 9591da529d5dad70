package app

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Bounds of a page, and of the rows read to fill one where a filter leaves many out.
const (
	pageDefault = 50
	pageMax     = 1000
	maxScan     = 20
)

// Queries reads what the gate knows.
type Queries struct {
	Store    *postgres.Store
	Policies *policy.Cache[check.Policy]
	Clock    calendar.Clock
	Pages    *page.Signer
}

// Page is one page of a list and the token of the next; empty at the end. Currency is that of the account, where a list has one.
type Page[T any] struct {
	Items    []T
	Next     string
	Currency string
}

// DecisionID is the name of a decision: its account and its place in the account's journal.
func DecisionID(customerID string, seq int64) string {
	return customerID + "." + strconv.FormatInt(seq, 10)
}

func parseDecisionID(id string) (customerID string, seq int64, err error) {
	i := strings.LastIndexByte(id, '.')
	if i > 0 {
		seq, err = strconv.ParseInt(id[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || seq <= 0 {
		return "", 0, unknownDecision(id)
	}
	return id[:i], seq, nil
}

func unknownDecision(id string) error {
	return errs.New(errs.NotFound, "DECISION_UNKNOWN", "decision %s is not known", id).With("decision_id", id)
}

// head reads an account that the caller may see.
func (q *Queries) head(ctx context.Context, c Caller, customerID string) (account.Account, error) {
	a, err := follow(ctx, q.Store, rootOf(customerID))
	if err != nil {
		return account.Account{}, err
	}
	if a.Seq == 0 || !c.Sees(a.Profile.SalespersonID) {
		return account.Account{}, errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "customer %s has no credit account", customerID).With("customer_id", customerID)
	}
	return a, nil
}

// follow reads an account where it lives now.
func follow(ctx context.Context, store *postgres.Store, k postgres.Key) (account.Account, error) {
	for {
		heads, err := store.Heads(ctx, []postgres.Key{k})
		if err != nil || heads[k].MovedTo == "" {
			return heads[k], err
		}
		k.RootID = heads[k].MovedTo // each goes to a later entry of the account, so this ends
	}
}

// Order reads one order.
func (q *Queries) Order(ctx context.Context, c Caller, orderID string) (order.Order, error) {
	k, found, err := q.Store.Locate(ctx, orderID)
	if err != nil {
		return order.Order{}, err
	}
	if !found {
		return order.Order{}, gate.UnknownOrder(orderID)
	}
	if _, err := q.head(ctx, c, k.AccountID); errs.KindOf(err) == errs.NotFound {
		return order.Order{}, gate.UnknownOrder(orderID)
	} else if err != nil {
		return order.Order{}, err
	}
	key := postgres.OrderKey{Key: k, OrderID: orderID}
	orders, err := q.Store.Orders(ctx, []postgres.OrderKey{key})
	if err != nil {
		return order.Order{}, err
	}
	o, ok := orders[key]
	if !ok {
		return order.Order{}, gate.UnknownOrder(orderID)
	}
	return o.Order, nil
}

// OrderFilter says which orders to list; empty fields leave open.
type OrderFilter struct {
	CustomerID, State string
	Passed            bool // only those on hold that were passed over
	Waiting           bool // only those on hold whose next step the caller may take today
	Size              int32
	Token             string
}

// Orders lists orders by account and number.
func (q *Queries) Orders(ctx context.Context, c Caller, f OrderFilter) (Page[order.Order], error) {
	if f.Waiting || f.Passed {
		if f.State != "" && f.State != string(order.Held) {
			return Page[order.Order]{}, nil
		}
		f.State = string(order.Held)
	}
	waits, err := q.waiting(ctx, c, f.Waiting)
	if err != nil {
		return Page[order.Order]{}, err
	}
	sum := page.Checksum("orders", f.CustomerID, f.State, strconv.FormatBool(f.Waiting), strconv.FormatBool(f.Passed))
	cur, err := q.Pages.Decode(f.Token, sum, 3)
	if err != nil {
		return Page[order.Order]{}, err
	}
	var last postgres.OrderKey
	if cur != nil {
		last = postgres.OrderKey{Key: postgres.Key{RootID: cur[0], AccountID: cur[1]}, OrderID: cur[2]}
	}
	token := func() string { return q.Pages.Encode(sum, last.RootID, last.AccountID, last.OrderID) }
	var only account.Account
	if f.CustomerID != "" {
		if only, err = q.head(ctx, c, f.CustomerID); err != nil {
			return Page[order.Order]{}, err
		}
	}
	size := page.Size(f.Size, pageDefault, pageMax)
	sees := sight{q: q, c: c, seen: map[string]bool{}}
	var out Page[order.Order]
	for range maxScan {
		var rows []postgres.StoredOrder
		if f.CustomerID != "" {
			rows, err = q.Store.ListAccountOrders(ctx, postgres.Key{RootID: only.RootID, AccountID: only.ID}, last.OrderID, f.State, size+1)
		} else {
			rows, err = q.Store.ListOrders(ctx, last, f.State, size+1)
		}
		if err != nil {
			return Page[order.Order]{}, err
		}
		if err := sees.look(ctx, rows); err != nil {
			return Page[order.Order]{}, err
		}
		passed, err := q.passed(ctx, rows, f.Passed)
		if err != nil {
			return Page[order.Order]{}, err
		}
		for i, o := range rows {
			if len(out.Items) == size {
				out.Next = token()
				return out, nil
			}
			if i == size {
				break // one row more than asked for: there is another page
			}
			last = o.Key()
			if sees.seen[o.Order.CustomerID] && waits(o.Order) && passed(o.Order) {
				out.Items = append(out.Items, o.Order)
			}
		}
		if len(rows) <= size {
			return out, nil
		}
	}
	out.Next = token()
	return out, nil
}

// waiting tells orders whose next step the caller may take today; all, where that is not asked for.
func (q *Queries) waiting(ctx context.Context, c Caller, asked bool) (func(order.Order) bool, error) {
	if !asked {
		return func(order.Order) bool { return true }, nil
	}
	today := q.Clock.Today(ctx)
	p, err := q.Policies.InForce(ctx, today)
	return func(o order.Order) bool {
		return o.Hold != nil && p.Escalated(o.Hold.Form, o.Hold.Opened, today).May(c.Subject, c.Roles)
	}, err
}

// Due is the last day on which a held order is decided in time, and whether that has passed today; zero where the policy sets none.
func (q *Queries) Due(ctx context.Context, o order.Order) (due calendar.Date, late bool, err error) {
	if o.State != order.Held || o.Hold == nil {
		return calendar.Date{}, false, nil
	}
	today := q.Clock.Today(ctx)
	p, err := q.Policies.InForce(ctx, today)
	due = p.Due(o.Hold.Opened)
	return due, !due.IsZero() && today.After(due), err
}

// sight remembers which customers a caller may see, so that a list asks once for each.
type sight struct {
	q    *Queries
	c    Caller
	seen map[string]bool
}

// look reads the customers of orders that are not known yet, all at once.
func (s *sight) look(ctx context.Context, orders []postgres.StoredOrder) error {
	var keys []postgres.Key
	for _, o := range orders {
		if _, done := s.seen[o.Order.CustomerID]; !done {
			s.seen[o.Order.CustomerID] = false
			keys = append(keys, rootOf(o.Order.CustomerID))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	heads, err := s.q.Store.Heads(ctx, keys)
	if err != nil {
		return err
	}
	for k, a := range heads {
		s.seen[k.AccountID] = a.Seq > 0 && s.c.Sees(a.Profile.SalespersonID)
	}
	return nil
}

// AccountSheet is an account with what is computed from dates: overdue as of today, status.
type AccountSheet struct {
	Account       account.Account
	Today         calendar.Date
	Overdue       int64 // minor units
	DaysOverdue   int
	Status        account.Status
	Exposure      int64         // as the policy's weights count it; minor units
	Limit         account.Limit // of today: limits for a time and a season count, and base stock owed within what was granted
	UtilizationBP int64         // exposure in basis points of the limit, rounded down; 0 without one
	Security      int64         // what counts of security today, minor units; not part of Limit
	CapsExceeded  []string      // category caps that the account is over
}

func (q *Queries) sheet(ctx context.Context, a account.Account) (AccountSheet, error) {
	today := q.Clock.Today(ctx)
	p, err := q.Policies.InForce(ctx, today)
	if err != nil {
		return AccountSheet{}, err
	}
	a.Profile.Grant = a.Profile.Grant.On(today)
	exposure, limit := p.Exposure(a.Buckets, &a.Standing), a.Profile.Grant.LimitOn(today)
	if limit.Kind == account.LimitAmount {
		limit.Minor += p.StockWithin(&a.Profile.Grant, &a.Standing, today)
	}
	s := AccountSheet{
		Account: a, Today: today, Overdue: a.Ladder.Overdue(today).Amount(), DaysOverdue: a.Ladder.OldestDays(today),
		Status: limit.StatusAt(exposure, p.WatchRatio()), Exposure: exposure, Limit: limit,
	}
	facts := check.AccountFacts{
		CustomerID: a.ID, GroupID: a.Profile.GroupID, Grade: a.Profile.Grade, Currency: a.Profile.Currency, Buckets: a.Buckets, Overdue: a.Ladder.Overdue(today),
		Grant: a.Profile.Grant, Standing: a.Standing,
	}
	s.CapsExceeded = p.CapsExceeded(&facts, today)
	s.Security, _ = p.Secured(&facts, today)
	s.UtilizationBP = limit.BasisPoints(exposure)
	return s, nil
}

// Account reads one account.
func (q *Queries) Account(ctx context.Context, c Caller, customerID string) (AccountSheet, error) {
	a, err := q.head(ctx, c, customerID)
	if err != nil {
		return AccountSheet{}, err
	}
	return q.sheet(ctx, a)
}

// Accounts lists accounts by customer; status "" is any.
func (q *Queries) Accounts(ctx context.Context, c Caller, status account.Status, size32 int32, token string) (Page[AccountSheet], error) {
	sum := page.Checksum("accounts", string(status))
	cur, err := q.Pages.Decode(token, sum, 2)
	if err != nil {
		return Page[AccountSheet]{}, err
	}
	var after postgres.Key
	if cur != nil {
		after = postgres.Key{RootID: cur[0], AccountID: cur[1]}
	}
	size := page.Size(size32, pageDefault, pageMax)
	var out Page[AccountSheet]
	for range maxScan {
		keys, err := q.Store.Accounts(ctx, after, size+1)
		if err != nil {
			return Page[AccountSheet]{}, err
		}
		more := len(keys) > size
		keys = keys[:min(len(keys), size)]
		heads, err := q.Store.Heads(ctx, keys)
		if err != nil {
			return Page[AccountSheet]{}, err
		}
		for i, k := range keys {
			if len(out.Items) == size {
				more = more || i < len(keys)
				break
			}
			after = k
			a := heads[k]
			if a.MovedTo != "" {
				if a, err = follow(ctx, q.Store, postgres.Key{RootID: a.MovedTo, AccountID: a.ID}); err != nil {
					return Page[AccountSheet]{}, err
				}
			}
			s, err := q.sheet(ctx, a)
			if err != nil {
				return Page[AccountSheet]{}, err
			}
			if c.Sees(a.Profile.SalespersonID) && (status == "" || s.Status == status) {
				out.Items = append(out.Items, s)
			}
		}
		if !more || len(out.Items) == size {
			if more {
				out.Next = q.Pages.Encode(sum, after.RootID, after.AccountID)
			}
			return out, nil
		}
	}
	out.Next = q.Pages.Encode(sum, after.RootID, after.AccountID)
	return out, nil
}

// Journal lists the entries of an account, newest first.
func (q *Queries) Journal(ctx context.Context, c Caller, customerID string, size int32, token string) (Page[gate.Entry], error) {
	return q.journal(ctx, c, customerID, size, token, false)
}

func (q *Queries) journal(ctx context.Context, c Caller, customerID string, size int32, token string, decisions bool) (Page[gate.Entry], error) {
	a, err := q.head(ctx, c, customerID)
	if err != nil {
		return Page[gate.Entry]{}, err
	}
	return q.entries(ctx, a, journalPage{what: "journal", currency: a.Profile.Currency, decisions: decisions, size: size, token: token})
}

// journalPage says which page of a journal to read.
type journalPage struct {
	what, currency string
	decisions      bool
	size           int32
	token          string
}

// entries lists the entries of an account, under all roots that it has lived under, newest first.
func (q *Queries) entries(ctx context.Context, a account.Account, p journalPage) (Page[gate.Entry], error) {
	sum := page.Checksum(p.what, a.ID, strconv.FormatBool(p.decisions))
	if account.KindOf(a.ID) != account.Customer {
		sum = page.Checksum(p.what, a.RootID, a.ID)
	}
	cur, err := q.Pages.Decode(p.token, sum, 1)
	if err != nil {
		return Page[gate.Entry]{}, err
	}
	before := int64(math.MaxInt64)
	if cur != nil {
		if before, err = strconv.ParseInt(cur[0], 10, 64); err != nil {
			return Page[gate.Entry]{}, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token is not valid")
		}
	}
	size := page.Size(p.size, pageDefault, pageMax)
	entries, err := q.Store.Journal(ctx, a.Roots(), a.ID, before, p.decisions, size+1)
	if err != nil {
		return Page[gate.Entry]{}, err
	}
	out := Page[gate.Entry]{Items: entries, Currency: p.currency}
	if len(entries) > size {
		out.Items = entries[:size]
		out.Next = q.Pages.Encode(sum, strconv.FormatInt(entries[size-1].Seq, 10))
	}
	return out, nil
}

// Decisions lists the decisions of an account, newest first.
func (q *Queries) Decisions(ctx context.Context, c Caller, customerID string, size int32, token string) (Page[Answer], error) {
	entries, err := q.journal(ctx, c, customerID, size, token, true)
	if err != nil {
		return Page[Answer]{}, err
	}
	out := Page[Answer]{Next: entries.Next}
	for _, e := range entries.Items {
		a, err := answerOf(e)
		if err != nil {
			return Page[Answer]{}, err
		}
		out.Items = append(out.Items, a)
	}
	return out, nil
}

// Decision reads one decision. Errors: DECISION_UNKNOWN.
func (q *Queries) Decision(ctx context.Context, c Caller, id string) (Answer, error) {
	customerID, seq, err := parseDecisionID(id)
	if err != nil {
		return Answer{}, err
	}
	a, err := q.head(ctx, c, customerID)
	if errs.KindOf(err) == errs.NotFound {
		return Answer{}, unknownDecision(id)
	} else if err != nil {
		return Answer{}, err
	}
	e, found, err := q.Store.Entry(ctx, a.Roots(), a.ID, seq)
	if err != nil {
		return Answer{}, err
	}
	if !found || e.Decision == nil {
		return Answer{}, unknownDecision(id)
	}
	return answerOf(e)
}

// Replay decides again from the stored record, under the policy version that it names, and returns both records.
func (q *Queries) Replay(ctx context.Context, c Caller, id string) (recorded, recomputed string, err error) {
	a, err := q.Decision(ctx, c, id)
	if err != nil {
		return "", "", err
	}
	p, err := q.Policies.ByVersion(ctx, a.Record.Input.PolicyVersion)
	if err != nil {
		return "", "", err
	}
	again, err := check.Replay(a.Entry.Decision, p)
	return string(a.Entry.Decision), string(again), err
}
