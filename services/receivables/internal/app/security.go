package app

import (
	"context"
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/security"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
	"github.com/avalcredit/aval/services/receivables/internal/warning"
)

// RecordSecurity records a security. Errors: NotFound CUSTOMER_UNKNOWN and ITEM_UNKNOWN, AlreadyExists SECURITY_EXISTS, those
// of Security.Check.
func (s *Service) RecordSecurity(ctx context.Context, req idem.Request, d security.Security) (security.Security, error) {
	customer, err := s.customerFor(ctx, d.CustomerID, "security.customer_id")
	if err != nil {
		return d, err
	}
	if err := d.Check(); err != nil {
		return d, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (security.Security, error) {
		claims := postgres.NewClaims(c.tx, c.act)
		for _, id := range d.ItemIDs {
			if err := claims.CheckItem(ctx, d.CustomerID, id, "security.item_ids"); err != nil {
				return d, err
			}
		}
		d.RecordedBy, d.RecordDate = c.act.Actor, c.act.Today
		d.Valuations[0].RecordedBy = c.act.Actor
		return c.putSecurity(ctx, claims, d, 1, "security.record")
	})
}

// putSecurity writes a version of a security of the account; the gate is told with the change.
func (c *change) putSecurity(ctx context.Context, claims *postgres.Claims, d security.Security, version int, action string) (security.Security, error) {
	if err := putSecurity(ctx, claims, d, version); err != nil {
		return d, err
	}
	if err := postgres.ToldSecurities(ctx, c.tx, d.CustomerID); err != nil {
		return d, err
	}
	return d, c.tell(action, "security "+d.ID, d)
}

func putSecurity(ctx context.Context, c *postgres.Claims, d security.Security, version int) error {
	next := d.Until
	if d.ReleasedBy != "" {
		next = calendar.Date{}
	}
	return c.Put(ctx, postgres.Record{
		Kind: postgres.Securities, ID: d.ID, Version: version, CustomerID: d.CustomerID, State: string(d.Kind), ItemIDs: d.ItemIDs, Next: next, Body: d,
	})
}

// onSecurity changes what a security is worth, or how long.
func (s *Service) onSecurity(ctx context.Context, req idem.Request, id, action string, fn func(d security.Security, act postgres.Act) (security.Security, error)) (security.Security, error) {
	var d security.Security
	if err := s.store.Record(ctx, postgres.Securities, id, &d); err != nil {
		return d, err
	}
	customer, err := s.store.Customer(ctx, d.CustomerID)
	if err != nil {
		return d, err
	}
	return write(ctx, s, req, customer, func(ctx context.Context, c *change) (security.Security, error) {
		claims := postgres.NewClaims(c.tx, c.act)
		var d security.Security
		version, err := claims.Take(ctx, postgres.Securities, id, &d)
		if err != nil {
			return d, err
		}
		if d, err = fn(d, c.act); err != nil {
			return d, err
		}
		return c.putSecurity(ctx, claims, d, version+1, action)
	})
}

// untoldBatch is how many customers are looked up at a time.
const untoldBatch = 100

// TellSecurities tells the gate of securities that were recorded before it was told of any, customer by customer, once.
func (s *Service) TellSecurities(ctx context.Context) error {
	for {
		ids, err := postgres.UntoldSecurities(ctx, s.Pool, untoldBatch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.tellSecurities(ctx, id); err != nil {
				return err
			}
		}
		if len(ids) < untoldBatch {
			return nil
		}
	}
}

func (s *Service) tellSecurities(ctx context.Context, customerID string) error {
	customer, err := s.store.Customer(ctx, customerID)
	if err != nil {
		return err
	}
	id := "securities-" + customerID
	_, err = write(ctx, s, idem.Request{ID: digestOf(id), Method: "securities.tell", Hash: []byte(id)}, customer, func(ctx context.Context, c *change) (bool, error) {
		if err := postgres.ToldSecurities(ctx, c.tx, customerID); err != nil {
			return false, err
		}
		return true, c.tell("security.tell", "securities of "+customerID, nil)
	})
	return err
}

// RevalueSecurity values a security anew. Errors: NotFound SECURITY_UNKNOWN, those of Security.Revalue.
func (s *Service) RevalueSecurity(ctx context.Context, req idem.Request, id string, v security.Valuation, until calendar.Date) (security.Security, error) {
	return s.onSecurity(ctx, req, id, "security.revalue", func(d security.Security, act postgres.Act) (security.Security, error) {
		v.RecordedBy = act.Actor
		return d.Revalue(v, until, act.Today)
	})
}

// ReleaseSecurity gives a security back. Errors: NotFound SECURITY_UNKNOWN, those of Security.Release.
func (s *Service) ReleaseSecurity(ctx context.Context, req idem.Request, id, reason string) (security.Security, error) {
	return s.onSecurity(ctx, req, id, "security.release", func(d security.Security, act postgres.Act) (security.Security, error) {
		return d.Release(act.Actor, reason, act.Today)
	})
}

// ReportToInsurer records what an insurer was told of an item. Errors: NotFound SECURITY_UNKNOWN and ITEM_UNKNOWN, those of
// Security.Tell.
func (s *Service) ReportToInsurer(ctx context.Context, req idem.Request, id string, r security.Report) (security.Security, error) {
	return record(ctx, s, req, func(ctx context.Context, c *postgres.Claims, act postgres.Act) (security.Security, told, error) {
		var d security.Security
		version, err := c.Take(ctx, postgres.Securities, id, &d)
		if err != nil {
			return d, told{}, err
		}
		if err := c.CheckItem(ctx, d.CustomerID, r.ItemID, "report.item_id"); err != nil {
			return d, told{}, err
		}
		r.RecordedBy = act.Actor
		if d, err = d.Tell(r, act.Today); err != nil {
			return d, told{}, err
		}
		t := told{stream: "customer/" + d.CustomerID, action: "security.report", subject: "security " + d.ID, detail: d}
		return d, t, putSecurity(ctx, c, d, version+1)
	})
}

// Security returns a security of a customer within the caller's scope. Errors: NotFound SECURITY_UNKNOWN.
func (s *Service) Security(ctx context.Context, id string) (security.Security, error) {
	var d security.Security
	if err := s.store.Record(ctx, postgres.Securities, id, &d); err != nil {
		return d, err
	}
	if err := s.visible(ctx, d.CustomerID); errs.KindOf(err) == errs.NotFound {
		return security.Security{}, postgres.Securities.Unknown(id)
	} else if err != nil {
		return security.Security{}, err
	}
	return d, nil
}

// Securities lists securities within the caller's scope, newest first, and the number after which the next page begins.
func (s *Service) Securities(ctx context.Context, q RecordQuery) ([]security.Security, int64, error) {
	q.Kind, q.Salesperson = postgres.Securities, scoped(ctx)
	return pageOf[security.Security](ctx, s, q)
}

// mostSecurities bounds the securities of one customer that count.
const mostSecurities = 1000

// Cover is what the securities of a customer are worth on a day, and what it owes.
type Cover struct {
	Date       calendar.Date
	Worths     []money.Money
	Open       money.Money
	Securities []security.Security
}

// SecurityCover says what stands behind a customer's debts on a day (none: today). Errors: NotFound CUSTOMER_UNKNOWN.
func (s *Service) SecurityCover(ctx context.Context, customerID string, day calendar.Date) (Cover, error) {
	out := Cover{Date: day}
	if err := s.visible(ctx, customerID); err != nil {
		return out, err
	}
	if day.IsZero() {
		out.Date = s.Clock.Today(ctx)
	}
	found, err := postgres.Records[security.Security](ctx, s.store, RecordQuery{Kind: postgres.Securities, CustomerID: customerID, Before: postgres.Newest, Limit: mostSecurities})
	if err != nil {
		return out, err
	}
	sums := map[string]money.Money{}
	for _, f := range found {
		if f.Body.State(out.Date) != security.InForce {
			continue
		}
		worth := f.Body.Worth(out.Date)
		sum, ok := sums[worth.Currency]
		if !ok {
			sum = money.Zero(worth.Currency)
		}
		sums[worth.Currency] = sum.Add(worth)
		out.Securities = append(out.Securities, f.Body)
	}
	out.Worths = sorted(sums)
	out.Open, err = s.store.OpenOf(ctx, customerID)
	return out, err
}

// securityWatches watch the last days of securities, and what insurers must be told of open items.
func (s *Service) securityWatches(p terms.Policy, today calendar.Date) []watch {
	return []watch{
		{kind: warning.Security, ahead: p.Claims.SecurityDays, days: func(ctx context.Context, give func(context.Context, []warning.Deadline) error) error {
			return eachDue(ctx, s, postgres.Securities, today.AddDays(farthest(p.Claims.SecurityDays)), func(ctx context.Context, d security.Security) error {
				return give(ctx, []warning.Deadline{{
					Kind: warning.Security, ObjectID: d.ID, CustomerID: d.CustomerID, LastDay: d.Until, Owner: s.owner(ctx, d.CustomerID),
					Amount: d.Worth(d.Until), Text: fmt.Sprintf("security %s of %s ends with %s", d.ID, d.Provider, d.Until),
				}})
			})
		}},
		s.insurerWatch(p.Claims.InsuranceDays, today, security.Overdue, warning.InsuranceNotice),
		s.insurerWatch(p.Claims.InsuranceDays, today, security.Claim, warning.InsuranceClaim),
	}
}

// insurerWatch watches until when insurers must be told of open items, whether the insurance still holds or not: what was
// delivered in its time is insured.
func (s *Service) insurerWatch(ahead []int, today calendar.Date, kind security.ReportKind, as warning.Kind) watch {
	return watch{kind: as, ahead: ahead, days: func(ctx context.Context, give func(context.Context, []warning.Deadline) error) error {
		return eachRecord(ctx, s, RecordQuery{Kind: postgres.Securities, State: string(security.CreditInsurance)}, func(ctx context.Context, d security.Security) error {
			var days []warning.Deadline
			err := s.eachOpenClaim(ctx, d.CustomerID, func(c postgres.OpenClaim) {
				item := security.Insured{ItemID: c.ID, DocumentDate: c.DocumentDate, DueDate: c.OwnDue}
				for _, dl := range d.Deadlines([]security.Insured{item}) {
					if dl.Kind != kind || today.Before(dl.LastDay.AddDays(-farthest(ahead))) {
						continue
					}
					days = append(days, warning.Deadline{
						Kind: as, ObjectID: dl.ItemID, CustomerID: d.CustomerID, LastDay: dl.LastDay, Owner: c.Responsible, Amount: c.Open,
						Text: fmt.Sprintf("insurance %s: %s of item %s must reach %s by %s", d.ID, dl.Kind, dl.ItemID, d.Provider, dl.LastDay),
					})
				}
			})
			if err != nil {
				return err
			}
			return give(ctx, days)
		})
	}}
}

// eachOpenClaim calls fn with every open item of a customer.
func (s *Service) eachOpenClaim(ctx context.Context, customerID string, fn func(c postgres.OpenClaim)) error {
	q := limitation.Query{CustomerID: customerID, Limit: claimsAPage}
	for {
		claims, err := s.store.OpenClaims(ctx, q)
		if err != nil || len(claims) == 0 {
			return err
		}
		for _, c := range claims {
			fn(c)
		}
		last := claims[len(claims)-1]
		q.AfterDue, q.AfterID = last.OwnDue, last.ID
	}
}
