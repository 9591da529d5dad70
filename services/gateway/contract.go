package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Route is one REST call as the contracts declare it.
type Route struct {
	// Method is the HTTP method.
	Method string
	// Template is the path as declared, "/v1/orders/{order_id}:amend".
	Template string
	// RPC is the method that answers.
	RPC protoreflect.MethodDescriptor
	// Body is "*" where the body is the whole request, the name of a field where it is that field, empty where there
	// is no body.
	Body string

	pathFields []string
	shape      *regexp.Regexp
}

// FullMethod is the RPC's name as gRPC writes it, "/aval.ordergate.v1.OrderService/SubmitOrder".
func (r Route) FullMethod() string {
	return fmt.Sprintf("/%s/%s", r.RPC.Parent().FullName(), r.RPC.Name())
}

// packages are the contracts that are served, in the order of a credit sale.
func packages() []protoreflect.FullName {
	return []protoreflect.FullName{"aval.evaluation.v1", "aval.ordergate.v1", "aval.receivables.v1"}
}

// place is where a reader of the API looks for a service: what a sale goes through first, policies and operations last.
func place(service protoreflect.ServiceDescriptor) int {
	sale := []protoreflect.Name{
		"CustomerService", "CreditFactService", "InvoiceFactService", "RatingService", "CreditApplicationService", "CreditGrantService",
		"WithdrawalService",
		"OrderService", "DecisionService", "CreditAccountService",
		"InvoiceService", "PaymentNoticeService", "ReceiptService", "BankService", "StatementService", "LetterService", "DocumentService", "BillService", "CreditMemoService", "LedgerService", "AgingService", "FiguresService",
		"LimitationService", "WarningService", "SecurityService", "LegalCaseService", "RestructuringService", "WrittenOffService", "ResponsibilityService", "ChargeService",
		"DunningService", "CollectionService", "OverdueMeetingService",
	}
	if i := slices.Index(sale, service.Name()); i >= 0 {
		return i
	}
	return len(sale)
}

// Services are the descriptors of every service of the suite, those without REST calls included, in the order of a
// credit sale.
func Services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	for _, name := range packages() {
		var found []protoreflect.ServiceDescriptor
		protoregistry.GlobalFiles.RangeFilesByPackage(name, func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				found = append(found, file.Services().Get(i))
			}
			return true
		})
		slices.SortFunc(found, func(a, b protoreflect.ServiceDescriptor) int {
			return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(string(a.Name()), string(b.Name())))
		})
		all = append(all, found...)
	}
	return all
}

// Routes are the REST calls that the contracts declare.
func Routes() ([]Route, error) {
	var routes []Route
	for _, service := range Services() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			options, ok := method.Options().(*descriptorpb.MethodOptions)
			if !ok || !proto.HasExtension(options, annotations.E_Http) {
				continue
			}
			rule, ok := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
			if !ok {
				return nil, fmt.Errorf("gateway: %s: its HTTP rule cannot be read", method.FullName())
			}
			route, err := routeOf(method, rule)
			if err != nil {
				return nil, err
			}
			routes = append(routes, route)
		}
	}
	return routes, nil
}

func routeOf(method protoreflect.MethodDescriptor, rule *annotations.HttpRule) (Route, error) {
	r := Route{RPC: method, Body: rule.GetBody()}
	switch rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		r.Method, r.Template = http.MethodGet, rule.GetGet()
	case *annotations.HttpRule_Post:
		r.Method, r.Template = http.MethodPost, rule.GetPost()
	case *annotations.HttpRule_Patch:
		r.Method, r.Template = http.MethodPatch, rule.GetPatch()
	case *annotations.HttpRule_Put:
		r.Method, r.Template = http.MethodPut, rule.GetPut()
	case *annotations.HttpRule_Delete:
		r.Method, r.Template = http.MethodDelete, rule.GetDelete()
	default:
		return Route{}, fmt.Errorf("gateway: %s: its HTTP method is not one we serve", method.FullName())
	}
	shape := "^" + regexp.QuoteMeta(r.Template) + "$"
	for _, variable := range regexp.MustCompile(`\{([a-z0-9_.]+)\}`).FindAllStringSubmatch(r.Template, -1) {
		r.pathFields = append(r.pathFields, variable[1])
		shape = strings.Replace(shape, regexp.QuoteMeta(variable[0]), "[^/]+", 1)
	}
	var err error
	r.shape, err = regexp.Compile(shape)
	return r, err
}

// key is how the library prints the pattern of the route, after its method.
func (r Route) key() string {
	return r.Method + " " + regexp.MustCompile(`\{([a-z0-9_.]+)\}`).ReplaceAllString(r.Template, "{$1=*}")
}

// bodyMessage is the message that the body of a call stands for, nil where it has none.
func (r Route) bodyMessage() protoreflect.MessageDescriptor {
	switch r.Body {
	case "":
		return nil
	case "*":
		return r.RPC.Input()
	}
	return r.RPC.Input().Fields().ByName(protoreflect.Name(r.Body)).Message()
}

// parameter finds the field that a query parameter sets: not one that the path or the body sets.
func (r Route) parameter(name string) (protoreflect.FieldDescriptor, bool) {
	if r.Body == "*" || slices.Contains(r.pathFields, name) {
		return nil, false
	}
	head, _, _ := strings.Cut(name, ".")
	if r.Body != "" && head == r.Body {
		return nil, false
	}
	return fieldAt(r.RPC.Input(), name)
}

// fieldAt follows a dotted path of field names, which may be those of the contract or of JSON.
func fieldAt(message protoreflect.MessageDescriptor, path string) (protoreflect.FieldDescriptor, bool) {
	head, rest, deeper := strings.Cut(path, ".")
	field := fieldNamed(message, head)
	switch {
	case field == nil:
		return nil, false
	case !deeper:
		return field, true
	case field.Message() == nil || field.IsList() || field.IsMap():
		return nil, false
	}
	return fieldAt(field.Message(), rest)
}

func fieldNamed(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return message.Fields().ByJSONName(name)
}
