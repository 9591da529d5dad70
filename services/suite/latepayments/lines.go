package latepayments

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// object is a request as JSON.
type object map[string]any

// line is one line of the replay file.
type line struct {
	Date    calendar.Date `json:"business_date"`
	Call    string        `json:"call"`
	As      caller        `json:"as"`
	Accept  []string      `json:"accept,omitempty"`
	Request object        `json:"request"`

	// The lines are sorted by date, customer and phase of the day, then as they were made.
	customer string
	phase    int
}

type caller struct {
	Role    string `json:"role"`
	Subject string `json:"subject"`
}

// Phases of a day: payments before orders, reads at its end.
const (
	phaseSetUp = iota
	phasePayment
	phaseOrder
	phaseRead
)

// afterAll sorts behind every customer.
const afterAll = "\U0010FFFF"

// The people of the company. Each act of a form is another person's.
var (
	analyst       = caller{"CREDIT_ANALYST", "analyst-1"}
	creditManager = caller{"CREDIT_MANAGER", "credit-manager-1"}
	clerk         = caller{"FINANCE_CLERK", "clerk-1"}
	supervisor    = caller{"SALES_SUPERVISOR", "supervisor-1"}
	salesManager  = caller{"SALES_MANAGER", "sales-manager-1"}
	finance       = caller{"FINANCE_MANAGER", "finance-manager-1"}
	general       = caller{"GENERAL_MANAGER", "general-manager-1"}
	erp           = caller{"ERP", "erp"}
	warehouse     = caller{"WAREHOUSE", "warehouse-1"}
	auditor       = caller{"AUDITOR", "auditor-1"}
)

// releasers are the people who release a held order, in the order of the steps of the default policy's rows: each row
// is the beginning of this list. What is released after fewer steps answers the others that it is not held.
var releasers = []caller{creditManager, finance, general}

const (
	// notHeld is the reason with which an order that is not held (any more) refuses to be approved.
	notHeld = "ORDER_NOT_HELD"
	// notTheirs is the reason with which a form refuses people whose step is not the next.
	notTheirs = "NOT_YOUR_STEP"
)

// Write writes the invoices' history as NDJSON.
func Write(w io.Writer, invoices []Invoice, o Options) error {
	part := Select(invoices, o)
	if len(part) == 0 {
		return nil
	}
	first := slices.MinFunc(part, func(a, b Invoice) int { return a.Date.Compare(b.Date) }).Date
	b := &book{}
	for rest := part; len(rest) > 0; {
		n := 0
		for n < len(rest) && rest[n].CustomerID == rest[0].CustomerID {
			n++
		}
		b.customer(first.AddDays(-1), rest[:n])
		rest = rest[n:]
	}
	for _, d := range o.Checkpoints {
		b.read(d)
	}
	slices.SortStableFunc(b.lines, func(a, b line) int {
		if c := a.Date.Compare(b.Date); c != 0 {
			return c
		}
		if c := strings.Compare(a.customer, b.customer); c != 0 {
			return c
		}
		return a.phase - b.phase
	})
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, l := range b.lines {
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

type book struct {
	lines []line
	date  calendar.Date
	owner string
	phase int
}

func (b *book) add(as caller, call string, request object, accept ...string) {
	b.lines = append(b.lines, line{
		Date: b.date, Call: call, As: as, Accept: accept, Request: request, customer: b.owner, phase: b.phase,
	})
}

func (b *book) customer(start calendar.Date, invoices []Invoice) {
	b.owner, b.date, b.phase = invoices[0].CustomerID, start, phaseSetUp
	limit := usualPurchase(invoices)
	seller := caller{"SALESPERSON", "seller-" + invoices[0].Country}
	b.open(seller, invoices[0], limit)
	b.apply(seller, limit)
	for n, i := range invoices {
		b.order(i, severelyOver(limit, invoices, n))
		b.payment(i)
	}
}

// severelyOver reports whether the n-th invoice takes its customer as far over the limit as the limit itself, which is
// where the default policy's form begins with top management. All that was invoiced before it and is unpaid counts.
func severelyOver(limit money.Money, invoices []Invoice, n int) bool {
	this, exposure := invoices[n], invoices[n].Amount
	for m, i := range invoices {
		earlier := i.Date.Before(this.Date) || i.Date == this.Date && m < n
		if earlier && i.Settled.After(this.Date) {
			exposure = exposure.Add(i.Amount)
		}
	}
	return exposure.Minor >= 2*limit.Minor
}

// open writes the customer file, what is known of the customer, and its first rating.
func (b *book) open(seller caller, i Invoice, usual money.Money) {
	b.add(seller, "aval.evaluation.v1.CustomerService/CreateCustomer", object{
		"request_id": "lp-customer-" + b.owner,
		"customer": object{
			"customer_id": b.owner, "display_name": "Customer " + b.owner, "region": i.Country, "currency_code": currency,
			"salesperson_id": seller.Subject, "usual_purchase": usual, "life_cycle": "LIFE_CYCLE_ACTIVE",
		},
	})
	b.add(analyst, "aval.evaluation.v1.CreditFactService/RecordCreditFact", object{
		"request_id": "lp-fact-" + b.owner, "customer_id": b.owner,
		"fact": object{
			"fact_id": "lp-" + b.owner, "source": "annual report of the year before", "as_of_date": b.endOfYearBefore(),
			"financial_statement": object{
				"period_start_date": calendar.New(b.date.Year()-1, 1, 1), "period_end_date": b.endOfYearBefore(),
				"total_assets": cny("1000000"), "total_liabilities": cny("400000"), "net_profit": cny("50000"),
			},
		},
	})
	b.add(creditManager, "aval.evaluation.v1.CreditFactService/VerifyCreditFact", object{
		"request_id": "lp-verify-" + b.owner, "customer_id": b.owner, "fact_id": "lp-" + b.owner,
	})
	b.add(analyst, "aval.evaluation.v1.RatingService/RateCustomer", object{
		"request_id": "lp-rate-" + b.owner, "customer_id": b.owner,
	})
}

func (b *book) endOfYearBefore() calendar.Date { return calendar.New(b.date.Year()-1, 12, 31) }

func cny(amount string) object { return object{"currency_code": currency, "amount": amount} }

// apply asks for one usual purchase at thirty days: the first row of the default policy's authority table.
func (b *book) apply(applicant caller, limit money.Money) {
	const service = "aval.evaluation.v1.CreditApplicationService/"
	id := "LP-" + b.owner
	b.add(applicant, service+"CreateCreditApplication", object{
		"request_id": "lp-draft-" + b.owner,
		"application": object{
			"application_id": id, "customer_id": b.owner, "requested_limit": limit, "requested_term_days": 30,
			"requested_valid_until_date": calendar.New(b.date.Year()+3, 12, 31), "purpose": "regular trade",
		},
	})
	b.add(applicant, service+"SubmitCreditApplication", object{"request_id": "lp-submit-" + b.owner, "application_id": id})
	for n, as := range []caller{clerk, supervisor, salesManager} {
		b.add(as, service+"ApproveCreditApplication", object{
			"request_id": fmt.Sprintf("lp-grant-%d-%s", n+1, b.owner), "application_id": id,
		})
	}
}

// order is the order of an invoice, its release where it is held, its shipment and the invoice itself.
func (b *book) order(i Invoice, severe bool) {
	const service = "aval.ordergate.v1.OrderService/"
	b.date, b.phase = i.Date, phaseOrder
	id := "SO-" + i.ID
	b.add(erp, service+"SubmitOrder", object{
		"request_id": "lp-order-" + i.ID,
		"order":      object{"order_id": id, "customer_id": i.CustomerID, "amount": i.Amount, "requested_term_days": i.Due.DaysSince(i.Date)},
	})
	release := func(n int, as caller, accept ...string) {
		b.add(as, service+"ApproveOrder", object{
			"request_id": fmt.Sprintf("lp-release-%d-%s", n, i.ID), "order_id": id, "reason": "known customer; released on the day",
		}, accept...)
	}
	if severe {
		// A customer that is on credit no longer has no limit to be over: its form begins as any other.
		release(0, general, notHeld, notTheirs)
	}
	for n, as := range releasers {
		release(n+1, as, notHeld)
	}
	b.add(warehouse, service+"ShipOrder", object{
		"request_id": "lp-ship-" + i.ID, "order_id": id, "shipment_id": "DN-" + i.ID, "final": true,
	})
	b.add(clerk, "aval.receivables.v1.InvoiceService/PostInvoice", object{
		"request_id": "lp-invoice-" + i.ID,
		"invoice": object{
			"invoice_id": i.ID, "customer_id": i.CustomerID, "order_id": id, "invoice_date": i.Date, "due_date": i.Due, "amount": i.Amount,
		},
	})
}

func (b *book) payment(i Invoice) {
	b.date, b.phase = i.Settled, phasePayment
	if i.Settled == i.Date {
		b.phase = phaseOrder // behind the invoice itself
	}
	b.add(clerk, "aval.receivables.v1.ReceiptService/PostReceipt", object{
		"request_id": "lp-receipt-" + i.ID,
		"receipt":    object{"receipt_id": "RC-" + i.ID, "customer_id": i.CustomerID, "receipt_date": i.Settled, "amount": i.Amount},
		"invoices":   []object{{"invoice_id": i.ID}},
	})
}

// read reads aging and accounts at the end of a day.
func (b *book) read(d calendar.Date) {
	b.date, b.owner, b.phase = d, afterAll, phaseRead
	for _, by := range []string{"total", "customer"} {
		b.add(auditor, "aval.receivables.v1.AgingService/GetAging", object{"as_of": d, "group_by": by, "page_size": 1000})
	}
	b.add(auditor, "aval.ordergate.v1.CreditAccountService/ListCreditAccounts", object{"page_size": 1000})
}
