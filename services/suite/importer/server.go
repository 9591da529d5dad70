package importer

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
)

// importer's name in the suite's books, in development mode.
const importSubject = "import"

// state is what the suite says of a row before it is sent.
type state uint8

const (
	stateNew state = iota
	stateSame
	stateBad
)

// server asks the suite about rows and sends them.
type server struct {
	suite   *access.Suite
	kind    kind
	create  invoke.Method
	workers int

	mu        sync.Mutex
	customers map[string]customer
}

// customer is what the suite knows of a customer.
type customer struct {
	err      error // NotFound where there is none
	currency string
}

// refusal is why a row cannot be imported. An error of the suite that is no refusal ends the import.
type refusal struct {
	reason, message string
	// at are the fields of the request that are at fault; empty where the row as a whole is.
	at []errs.Violation
}

// refuse names the field of the request that is at fault; empty: the row as a whole.
func refuse(reason, path, format string, args ...any) *refusal {
	no := &refusal{reason: reason, message: fmt.Sprintf(format, args...)}
	if path != "" {
		no.at = []errs.Violation{{Field: path, Message: no.message}}
	}
	return no
}

// refused is the suite's own refusal.
func refused(err error) *refusal {
	e, _ := errs.As(err)
	if len(e.Violations) > 0 {
		return &refusal{reason: e.Reason, message: e.Message, at: e.Violations}
	}
	return refuse(e.Reason, e.Meta["field"], "%s", e.Message)
}

// path is a field of the row's document as the request names it.
func (k kind) path(name string) string {
	key, _ := k.field(k.key)
	return strings.TrimSuffix(key.path, k.key) + name
}

// know asks for all customers of the rows once.
func (s *server) know(ctx context.Context, rows []row) error {
	if s.kind.name == "customers" {
		return nil
	}
	var ids []string
	for _, r := range rows {
		if _, ok := s.customers[r.customer]; !ok {
			s.customers[r.customer] = customer{}
			ids = append(ids, r.customer)
		}
	}
	client := evaluationv1.NewCustomerServiceClient(s.suite.Conn())
	return lanes.Run(ctx, s.workers, ids, func(ctx context.Context, i int) error {
		answer, err := client.GetCustomer(ctx, &evaluationv1.GetCustomerRequest{CustomerId: ids[i]})
		if err != nil && errs.KindOf(err) != errs.NotFound {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.customers[ids[i]] = customer{err: err, currency: answer.GetCustomer().GetCurrencyCode()}
		return nil
	})
}

// check says what would become of a row now.
func (s *server) check(ctx context.Context, r row) (state, *refusal, error) {
	if s.kind.name != "customers" {
		known := s.customers[r.customer]
		switch {
		case errs.KindOf(known.err) == errs.NotFound:
			return stateBad, refuse("CUSTOMER_UNKNOWN", s.kind.path("customer_id"), "the suite has no customer %q; import customers first", r.customer), nil
		case known.err != nil:
			return stateBad, nil, known.err
		case r.amount.Currency != known.currency:
			return stateBad, refuse("CURRENCY_MISMATCH", "currency_code", "is in %s, the customer's account in %s", r.amount.Currency, known.currency), nil
		}
	}
	if s.kind.batched {
		request := proto.Clone(r.request)
		m := request.ProtoReflect()
		m.Set(m.Descriptor().Fields().ByName("validate_only"), protoreflect.ValueOfBool(true))
		// Under the id of a batch that was sent before, the suite would repeat its answer of then.
		id := m.Descriptor().Fields().ByName("request_id")
		m.Set(id, protoreflect.ValueOfString(m.Get(id).String()+"-check"))
		return s.batch(ctx, request)
	}
	st, no, err := s.existing(ctx, r)
	if err != nil || st != stateNew {
		return st, no, err
	}
	if no, err = s.references(ctx, r); no != nil || err != nil {
		return stateBad, no, err
	}
	return s.try(ctx, r)
}

// try has the suite check the row as if it were sent, which it is not.
func (s *server) try(ctx context.Context, r row) (state, *refusal, error) {
	method, request := s.create, proto.Clone(r.request)
	if submitted, ok := request.(*ordergatev1.SubmitOrderRequest); ok {
		if submitted.GetOrder().GetPaymentTerms() > ordergatev1.PaymentTerms_PAYMENT_TERMS_OPEN_ACCOUNT && r.amount.IsNegative() {
			return stateBad, refuse(errs.ReasonInvalidField, "order.payment_terms", "a return (amount below zero) has no payment terms"), nil
		}
		var err error
		if method, err = invoke.Find("aval.ordergate.v1.OrderService/CheckOrder"); err != nil {
			return stateBad, nil, err
		}
		request = &ordergatev1.CheckOrderRequest{Order: submitted.GetOrder()}
	} else {
		m := request.ProtoReflect()
		m.Set(m.Descriptor().Fields().ByName("validate_only"), protoreflect.ValueOfBool(true))
	}
	_, err := invoke.Call(ctx, s.suite.Conn(), method, request)
	return s.judge(ctx, r, err)
}

// existing looks for the row's document and compares it.
func (s *server) existing(ctx context.Context, r row) (state, *refusal, error) {
	if s.kind.get == "" {
		return s.existingGrant(ctx, r)
	}
	get, err := invoke.Find(s.kind.get)
	if err != nil {
		return stateBad, nil, err
	}
	request := get.NewRequest()
	m := request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(s.kind.idPath)), protoreflect.ValueOfString(r.key))
	answer, err := invoke.Call(ctx, s.suite.Conn(), get, request)
	if errs.KindOf(err) == errs.NotFound {
		return stateNew, nil, nil
	}
	if err != nil {
		return stateBad, nil, err
	}
	want, got := document(asKept(r.request)), document(answer)
	if name, a, b := differs(want, got); name != "" {
		return stateBad, refuse("EXISTS_OTHERWISE", s.kind.path(name), "%s %s is in the suite with another %s: %s here, %s there",
			s.kind.key, r.key, name, a, b), nil
	}
	if no := otherInvoices(r.request, answer); no != nil {
		return stateBad, no, nil
	}
	return stateSame, nil, nil
}

// asKept is the request as the suite keeps it: of an invoice the due date, not the term that led to it.
func asKept(request proto.Message) proto.Message {
	posted, ok := request.(*receivablesv1.PostInvoiceRequest)
	if !ok || posted.GetInvoice().TermDays == nil {
		return request
	}
	kept := proto.CloneOf(posted)
	i := kept.GetInvoice()
	if date, err := calendar.ParseDate(i.GetInvoiceDate()); err == nil && i.GetDueDate() == "" {
		i.DueDate = date.AddDays(int(i.GetTermDays())).String()
	}
	i.TermDays = nil
	return kept
}

// document is the message that stands for the row in a request or an answer.
func document(m proto.Message) protoreflect.Message {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Message() != nil && !f.IsList() && !f.IsMap() {
			return m.ProtoReflect().Get(f).Message()
		}
	}
	return m.ProtoReflect()
}

// differs compares what is set in want with got, and names the first field that is another, with both values.
func differs(want, got protoreflect.Message) (name, here, there string) {
	want.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() != nil && !f.IsList() && !f.IsMap() {
			if inner, a, b := differs(v.Message(), got.Get(f).Message()); inner != "" {
				name, here, there = string(f.Name())+"."+inner, a, b
			}
		} else if !v.Equal(got.Get(f)) {
			name, here, there = string(f.Name()), v.String(), got.Get(f).String()
		}
		return name == ""
	})
	return name, here, there
}

// otherInvoices compares what a receipt names with what it was applied to.
func otherInvoices(request, answer proto.Message) *refusal {
	posted, ok := request.(*receivablesv1.PostReceiptRequest)
	if !ok || len(posted.GetInvoices()) == 0 {
		return nil
	}
	there, ok := answer.(*receivablesv1.GetReceiptResponse)
	if !ok || len(there.GetReceipt().GetApplications()) == 0 {
		return nil
	}
	named := posted.GetInvoices()[0].GetInvoiceId()
	for _, a := range there.GetReceipt().GetApplications() {
		if a.GetInvoiceId() == named {
			return nil
		}
	}
	return refuse("EXISTS_OTHERWISE", "invoices[0].invoice_id", "receipt %s is in the suite and was applied to other invoices than %s",
		posted.GetReceipt().GetReceiptId(), named)
}

// existingGrant looks for a grant that was taken over from the same paper form, and for one of the suite's own.
func (s *server) existingGrant(ctx context.Context, r row) (state, *refusal, error) {
	want, ok := r.request.(*evaluationv1.TakeOverGrantRequest)
	if !ok {
		return stateBad, nil, errs.New(errs.Internal, "", "a limit that is no TakeOverGrant")
	}
	client := evaluationv1.NewCreditGrantServiceClient(s.suite.Conn())
	answer, err := client.ListGrants(ctx, &evaluationv1.ListGrantsRequest{CustomerId: r.customer, PageSize: 1000})
	if err != nil {
		return stateBad, nil, err
	}
	for _, g := range answer.GetGrants() {
		if g.GetOrigin() != evaluationv1.GrantOrigin_GRANT_ORIGIN_TAKEN_OVER ||
			g.GetPaperFormReference() != want.GetPaperFormReference() {
			continue
		}
		if sameGrant(want, g) {
			return stateSame, nil, nil
		}
		return stateBad, refuse("EXISTS_OTHERWISE", "paper_form_reference", "paper form %s was taken over with another limit, term or date",
			want.GetPaperFormReference()), nil
	}
	for _, g := range answer.GetGrants() {
		if g.GetOrigin() == evaluationv1.GrantOrigin_GRANT_ORIGIN_APPLICATION {
			return stateBad, refuse("GRANT_EXISTS", "customer_id", "the customer has a grant of the suite's own, form %s", g.GetSerialNumber()), nil
		}
	}
	return stateNew, nil, nil
}

func sameGrant(want *evaluationv1.TakeOverGrantRequest, g *evaluationv1.Grant) bool {
	return proto.Equal(want.GetLimit(), g.GetLimit()) && want.GetTermDays() == g.GetTermDays() &&
		(want.GetValidFromDate() == "" || want.GetValidFromDate() == g.GetValidFromDate()) &&
		(want.GetValidUntilDate() == "" || want.GetValidUntilDate() == g.GetValidUntilDate())
}

// stopped is why the withdrawal of a customer's credit is asked; empty: it is not.
func (s *server) stopped(ctx context.Context, customerID string) (string, error) {
	answer, err := evaluationv1.NewWithdrawalServiceClient(s.suite.Conn()).ListWithdrawalRequests(ctx, &evaluationv1.ListWithdrawalRequestsRequest{
		CustomerId: customerID, State: evaluationv1.WithdrawalState_WITHDRAWAL_STATE_OPEN, PageSize: 1,
	})
	if err != nil || len(answer.GetWithdrawalRequests()) == 0 {
		return "", err
	}
	asks := answer.GetWithdrawalRequests()[0].GetAsks()
	return asks[len(asks)-1].GetReason(), nil
}

// references checks the documents that a row names.
func (s *server) references(ctx context.Context, r row) (*refusal, error) {
	switch request := r.request.(type) {
	case *receivablesv1.PostInvoiceRequest:
		return s.orderOf(ctx, request.GetInvoice().GetOrderId(), r.customer)
	case *receivablesv1.PostReceiptRequest:
		for _, i := range request.GetInvoices() {
			if no, err := s.invoiceOf(ctx, i.GetInvoiceId(), r.customer); no != nil || err != nil {
				return no, err
			}
		}
	}
	return nil, nil
}

func (s *server) orderOf(ctx context.Context, id, customer string) (*refusal, error) {
	if id == "" {
		return nil, nil
	}
	answer, err := ordergatev1.NewOrderServiceClient(s.suite.Conn()).GetOrder(ctx, &ordergatev1.GetOrderRequest{OrderId: id})
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return refuse("ORDER_UNKNOWN", "invoice.order_id", "the suite has no order %s", id), nil
	case err == nil && answer.GetOrder().GetCustomerId() != customer:
		return refuse("ORDER_OF_ANOTHER", "invoice.order_id", "order %s is of customer %s", id, answer.GetOrder().GetCustomerId()), nil
	default:
		return nil, err
	}
}

func (s *server) invoiceOf(ctx context.Context, id, customer string) (*refusal, error) {
	answer, err := receivablesv1.NewInvoiceServiceClient(s.suite.Conn()).GetInvoice(ctx, &receivablesv1.GetInvoiceRequest{InvoiceId: id})
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return refuse("INVOICE_UNKNOWN", "invoices[0].invoice_id", "the suite has no invoice %s", id), nil
	case err == nil && answer.GetInvoice().GetCustomerId() != customer:
		return refuse("INVOICE_OF_ANOTHER", "invoices[0].invoice_id", "invoice %s is of customer %s", id, answer.GetInvoice().GetCustomerId()), nil
	default:
		return nil, err
	}
}

// send makes the row's call.
func (s *server) send(ctx context.Context, r row) (state, *refusal, error) {
	if s.kind.batched {
		return s.batch(ctx, r.request)
	}
	_, err := invoke.Call(ctx, s.suite.Conn(), s.create, r.request)
	return s.judge(ctx, r, err)
}

// judge says what the suite's answer means for the row. A document that came into being since it was looked for counts as
// the same where it is.
func (s *server) judge(ctx context.Context, r row, err error) (state, *refusal, error) {
	switch errs.KindOf(err) {
	case 0:
		return stateNew, nil, nil
	case errs.AlreadyExists:
		st, no, err := s.existing(ctx, r)
		if err == nil && st == stateNew {
			return stateBad, refuse("ALREADY_EXISTS", s.kind.path(s.kind.key), "the suite has it, but does not show it"), nil
		}
		return st, no, err
	case errs.Invalid, errs.NotFound, errs.FailedPrecondition, errs.PermissionDenied:
		return stateBad, refused(err), nil
	default:
		return stateBad, nil, err
	}
}
