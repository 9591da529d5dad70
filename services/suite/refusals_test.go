package suite_test

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/violation"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

type badInput struct {
	Name   string   `yaml:"name"`
	Role   string   `yaml:"role"`
	Token  string   `yaml:"token"`
	Method string   `yaml:"method"`
	Path   string   `yaml:"path"`
	Body   string   `yaml:"body"`
	Pad    int      `yaml:"pad"`
	Status int      `yaml:"status"`
	Reason string   `yaml:"reason"`
	Fields []string `yaml:"fields"`
}

// Bad input has the right status, a reason that programs read and the field at fault, and changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/bad_input.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []badInput
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	s := oneProcess(t)
	seed(t, s)
	before := snapshot(t, s)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { //nolint:paralleltest // what each leaves behind is looked at
			c.check(t, s)
			if after := snapshot(t, s); !reflect.DeepEqual(before, after) {
				t.Errorf("something changed:\n%v\nwas\n%v", after, before)
			}
		})
	}
}

func (c badInput) check(t *testing.T, s *system) {
	t.Helper()
	role, method := c.Role, c.Method
	if role == "" {
		role = "ERP"
	}
	if method == "" {
		method = http.MethodPost
	}
	p := s.as(t, role, "somebody")
	switch c.Token {
	case "none":
		p.token = ""
	case "foreign":
		p.token = foreignToken(t)
	case "damaged":
		p.token = p.token[:len(p.token)-8] + "AAAAAAAA"
	}
	body := strings.ReplaceAll(c.Body, "PAD", strings.Repeat("x", c.Pad))
	got := p.refusedRaw(t, method, c.Path, []byte(body))
	if got.status != c.Status || got.reason() == "" || (c.Reason != "" && got.reason() != c.Reason) {
		t.Errorf("%d %q (%s), want %d %q", got.status, got.reason(), got.Message, c.Status, c.Reason)
	}
	for _, field := range c.Fields {
		if !slices.ContainsFunc(got.fields(), func(f string) bool { return f == field || strings.HasPrefix(f, field+".") }) {
			t.Errorf("fields at fault %q, want %q: %s", got.fields(), field, got.Message)
		}
	}
	if got.status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}
}

// foreignToken is sound in all but the key.
func foreignToken(t *testing.T) string {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Token([]string{"ERP"}, "somebody", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// seed gives the customer C-1 something to lose.
func seed(t *testing.T, s *system) {
	t.Helper()
	operator, erp := s.as(t, "OPERATOR", "operator"), s.as(t, "ERP", "erp")
	operator.call(t, "POST", "/v1/customers", &evaluationv1.CreateCustomerRequest{RequestId: "customer", Customer: &evaluationv1.Customer{
		CustomerId: "C-1", DisplayName: "Example", CurrencyCode: "CNY",
	}}, &evaluationv1.CreateCustomerResponse{})
	operator.call(t, "POST", "/v1/customers/C-1/grants:takeOver", &evaluationv1.TakeOverGrantRequest{
		RequestId: "grant", Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: cny("80000.00")}},
		TermDays: 30, PaperFormReference: "file 1",
	}, &evaluationv1.TakeOverGrantResponse{})
	erp.call(t, "POST", "/v1/orders", &ordergatev1.SubmitOrderRequest{RequestId: "order-O-1", Order: &ordergatev1.Order{
		OrderId: "O-1", CustomerId: "C-1", Amount: cny("50000.00"),
	}}, &ordergatev1.SubmitOrderResponse{})
	erp.call(t, "POST", "/v1/invoices", &receivablesv1.PostInvoiceRequest{RequestId: "invoice-I-1", Invoice: &receivablesv1.Invoice{
		InvoiceId: "I-1", CustomerId: "C-1", OrderId: "O-1", Amount: cny("20000.00"),
	}}, &receivablesv1.PostInvoiceResponse{})
	erp.call(t, "POST", "/v1/receipts", &receivablesv1.PostReceiptRequest{RequestId: "receipt-R-1", Receipt: &receivablesv1.Receipt{
		ReceiptId: "R-1", CustomerId: "C-1", Amount: cny("5000.00"),
	}}, &receivablesv1.PostReceiptResponse{})
	eventually(t, "all of it is at the gate", func() bool {
		var got ordergatev1.GetCreditAccountResponse
		erp.call(t, "GET", "/v1/creditAccounts/C-1", nil, &got)
		b := got.GetAccount().GetBuckets()
		return b.GetReceivable().GetAmount() == "15000.00" && b.GetOrder().GetAmount() == "30000.00"
	})
}

// snapshot is everything that can be read of the business, but for the register of violations: what somebody may not do is refused
// and kept there.
func snapshot(t *testing.T, s *system) map[string]any {
	t.Helper()
	auditor := s.as(t, "AUDITOR", "auditor")
	all := map[string]any{}
	for _, path := range []string{
		"/v1/customers", "/v1/customers/C-1/facts", "/v1/customers/C-1/ratings", "/v1/customers/C-1/grants",
		"/v1/creditApplications", "/v1/orders", "/v1/creditAccounts", "/v1/creditAccounts/C-1/journal",
		"/v1/creditAccounts/C-1/decisions", "/v1/invoices", "/v1/receipts", "/v1/customers/C-1/ledger",
		"/v1/aging?group_by=customer", "/v1/evaluationPolicies", "/v1/orderPolicies", "/v1/receivablesPolicies",
		"/v1/evaluation/delivery", "/v1/ordergate/delivery", "/v1/receivables/delivery",
	} {
		status, _, text := auditor.raw(t, http.MethodGet, path, nil)
		var value any
		if err := json.Unmarshal(text, &value); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %s %s", path, strconv.Itoa(status), text)
		}
		all[path] = withoutRegister(value)
	}
	return all
}

// withoutRegister leaves the stream of the register out of what waits for delivery.
func withoutRegister(answer any) any {
	fields, ok := answer.(map[string]any)
	if !ok {
		return answer
	}
	if streams, ok := fields["streams"].([]any); ok {
		fields["streams"] = slices.DeleteFunc(streams, func(s any) bool {
			row, ok := s.(map[string]any)
			return ok && row["stream"] == violation.Stream
		})
	}
	return answer
}
