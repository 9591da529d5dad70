package importer

import (
	"slices"

	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

// form is how the text of a field is read.
type form uint8

const (
	formText form = iota
	formDate
	formDays
	formAmount
	formEnum
	// formCurrency is the currency of the row's amounts; where it has a path it is a field of its own too.
	formCurrency
)

// field is one field that a row of a kind may have.
type field struct {
	name     string
	path     string // of the field in the request, as in violations
	form     form
	required bool
}

// kind is one kind of rows: the call that a row becomes, and how it is found again.
type kind struct {
	name   string
	create string // full name of the method
	get    string // full name of the method that finds the document
	idPath string // field of the get request
	key    string // target field that identifies the row within the file; empty: rows alike are different rows
	// batched: rows of one customer and month go together in one call.
	batched bool
	// credit: the row gives a customer credit, which the gate holds against what the customer owes as soon as it hears of it.
	credit bool
	fields []field
}

func kinds() []kind {
	return []kind{customers(), limits(), invoices(), receipts(), orders(), firmInvoices()}
}

// Kinds are the names of what can be imported.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func kindOf(name string) (kind, bool) {
	for _, k := range kinds() {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

func (k kind) field(name string) (field, bool) {
	i := slices.IndexFunc(k.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return k.fields[i], true
}

func (k kind) names() []string {
	var names []string
	for _, f := range k.fields {
		names = append(names, f.name)
	}
	return names
}

func (k kind) method() (invoke.Method, error) { return invoke.Find(k.create) }

func customers() kind {
	return kind{
		name:   "customers",
		create: "aval.evaluation.v1.CustomerService/CreateCustomer",
		get:    "aval.evaluation.v1.CustomerService/GetCustomer",
		idPath: "customer_id", key: "customer_id",
		fields: []field{
			{name: "customer_id", path: "customer.customer_id", required: true},
			{name: "display_name", path: "customer.display_name", required: true},
			{name: "legal_name", path: "customer.legal_name"},
			{name: "uscc", path: "customer.uscc"},
			{name: "registration_number", path: "customer.registration_number"},
			{name: "country_code", path: "customer.country_code"},
			{name: "legal_form", path: "customer.legal_form"},
			{name: "founding_date", path: "customer.founding_date", form: formDate},
			{name: "industry", path: "customer.industry"},
			{name: "region", path: "customer.region"},
			{name: "group_id", path: "customer.group_id"},
			{name: "legal_representative", path: "customer.legal_representative"},
			{name: "currency_code", path: "customer.currency_code", form: formCurrency},
			{name: "salesperson_id", path: "customer.salesperson_id"},
			{name: "credit_analyst_id", path: "customer.credit_analyst_id"},
			{name: "settlement_method", path: "customer.settlement_method", form: formEnum},
			{name: "usual_purchase", path: "customer.usual_purchase", form: formAmount},
			{name: "address", path: "customer.address"},
			{name: "life_cycle", path: "customer.life_cycle", form: formEnum},
		},
	}
}

func limits() kind {
	return kind{
		name:   "limits",
		create: "aval.evaluation.v1.CreditGrantService/TakeOverGrant",
		key:    "customer_id",
		credit: true,
		fields: []field{
			{name: "customer_id", path: "customer_id", required: true},
			{name: "limit", path: "limit.amount", form: formAmount, required: true},
			{name: "currency_code", form: formCurrency},
			{name: "term_days", path: "term_days", form: formDays, required: true},
			{name: "valid_from_date", path: "valid_from_date", form: formDate},
			{name: "valid_until_date", path: "valid_until_date", form: formDate},
			{name: "paper_form_reference", path: "paper_form_reference", required: true},
		},
	}
}

func invoices() kind {
	return kind{
		name:   "invoices",
		create: "aval.receivables.v1.InvoiceService/PostInvoice",
		get:    "aval.receivables.v1.InvoiceService/GetInvoice",
		idPath: "invoice_id", key: "invoice_id",
		fields: []field{
			{name: "invoice_id", path: "invoice.invoice_id", required: true},
			{name: "customer_id", path: "invoice.customer_id", required: true},
			{name: "order_id", path: "invoice.order_id"},
			{name: "invoice_date", path: "invoice.invoice_date", form: formDate, required: true},
			{name: "due_date", path: "invoice.due_date", form: formDate},
			{name: "term_days", path: "invoice.term_days", form: formDays},
			{name: "amount", path: "invoice.amount", form: formAmount, required: true},
			{name: "currency_code", form: formCurrency},
			{name: "salesperson_id", path: "invoice.salesperson_id"},
			{name: "reference", path: "invoice.reference"},
		},
	}
}

func receipts() kind {
	return kind{
		name:   "receipts",
		create: "aval.receivables.v1.ReceiptService/PostReceipt",
		get:    "aval.receivables.v1.ReceiptService/GetReceipt",
		idPath: "receipt_id", key: "receipt_id",
		fields: []field{
			{name: "receipt_id", path: "receipt.receipt_id", required: true},
			{name: "customer_id", path: "receipt.customer_id", required: true},
			{name: "receipt_date", path: "receipt.receipt_date", form: formDate, required: true},
			{name: "amount", path: "receipt.amount", form: formAmount, required: true},
			{name: "currency_code", form: formCurrency},
			{name: "instrument", path: "receipt.instrument", form: formEnum},
			{name: "reference", path: "receipt.reference"},
			{name: "invoice_id", path: "invoices[0].invoice_id"},
			{name: "application_mode", path: "application_mode", form: formEnum},
		},
	}
}

func orders() kind {
	return kind{
		name:   "orders",
		create: "aval.ordergate.v1.OrderService/SubmitOrder",
		get:    "aval.ordergate.v1.OrderService/GetOrder",
		idPath: "order_id", key: "order_id",
		fields: []field{
			{name: "order_id", path: "order.order_id", required: true},
			{name: "customer_id", path: "order.customer_id", required: true},
			{name: "amount", path: "order.amount", form: formAmount, required: true},
			{name: "currency_code", form: formCurrency},
			{name: "requested_term_days", path: "order.requested_term_days", form: formDays},
			{name: "payment_terms", path: "order.payment_terms", form: formEnum},
			{name: "order_date", path: "order.order_date", form: formDate, required: true},
			{name: "requested_delivery_date", path: "order.requested_delivery_date", form: formDate},
			{name: "buyer_id", path: "order.buyer_id"},
			{name: "reference", path: "order.reference"},
		},
	}
}

// firmInvoices are the invoices of a firm with third parties, which the firm is rated by.
func firmInvoices() kind {
	const invoice = "batch.invoices[0]."
	return kind{
		name:    "firm-invoices",
		create:  "aval.evaluation.v1.InvoiceFactService/RecordInvoiceBatch",
		batched: true,
		fields: []field{
			{name: "customer_id", path: "customer_id", required: true},
			{name: "direction", path: "batch.direction", form: formEnum, required: true},
			{name: "source", path: "batch.source", required: true},
			{name: "as_of_date", path: "batch.as_of_date", form: formDate, required: true},
			{name: "invoice_number", path: invoice + "invoice_number", required: true},
			{name: "invoice_date", path: invoice + "invoice_date", form: formDate, required: true},
			{name: "counterparty", path: invoice + "counterparty"},
			{name: "net_amount", path: invoice + "net_amount", form: formAmount},
			{name: "tax_amount", path: invoice + "tax_amount", form: formAmount},
			{name: "total_amount", path: invoice + "total_amount", form: formAmount, required: true},
			{name: "currency_code", form: formCurrency},
			{name: "status", path: invoice + "status", form: formEnum},
		},
	}
}
