package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/gateway"
)

// backend stands for a service: it keeps what it was called with and answers what it was told.
type backend struct {
	mu       sync.Mutex
	method   string
	request  proto.Message
	metadata metadata.MD
	calls    int
	err      error
}

func (b *backend) Invoke(ctx context.Context, method string, args, _ any, _ ...grpc.CallOption) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.method, b.request = method, proto.Clone(args.(proto.Message))
	b.metadata, _ = metadata.FromOutgoingContext(ctx)
	return b.err
}

func (b *backend) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no streams here")
}

func newGateway(t *testing.T, b *backend) *httptest.Server {
	t.Helper()
	g, err := gateway.New(t.Context(), gateway.Config{
		Backends: gateway.Backends{Evaluation: b, OrderGate: b, Receivables: b},
		Ready:    func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Handler())
	t.Cleanup(server.Close)
	return server
}

// answer is google.rpc.Status as it comes.
type answer struct {
	status  int
	header  http.Header
	Code    int    `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type       string            `json:"@type"`
		Reason     string            `json:"reason"`
		Domain     string            `json:"domain"`
		Metadata   map[string]string `json:"metadata"`
		Violations []struct {
			Field       string `json:"field"`
			Description string `json:"description"`
			Reason      string `json:"reason"`
		} `json:"field_violations"`
	} `json:"details"`
}

func (a answer) reason() string {
	for _, d := range a.Details {
		if d.Type == "type.googleapis.com/google.rpc.ErrorInfo" && d.Domain == "aval" {
			return d.Reason
		}
	}
	return ""
}

func (a answer) fields() []string {
	var fields []string
	for _, d := range a.Details {
		for _, v := range d.Violations {
			fields = append(fields, v.Field)
		}
	}
	return fields
}

func send(t *testing.T, method, url, body string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer t"}}
	for name, values := range header {
		req.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if len(text) == 0 && resp.StatusCode == http.StatusOK {
		return a // a file, of a backend that gives an empty one
	}
	if err := json.Unmarshal(text, &a); err != nil && resp.StatusCode < 500 && strings.HasPrefix(req.URL.Path, "/v1") {
		t.Fatalf("%s %s: %d %q is not JSON: %v", method, url, resp.StatusCode, text, err)
	}
	return a
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const order = `{"request_id":"r","order":{"order_id":"o","customer_id":"c","amount":{"currency_code":"CNY","amount":"1"}}}`
	for name, c := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		reason             string
		fields             []string
		says               string
	}{
		"not JSON":            {body: "{\n  \"request_id\": oops}", status: 400, reason: "MALFORMED_JSON", says: "line 2, column 17"},
		"cut off":             {body: `{"request_id":"r"`, status: 400, reason: "MALFORMED_JSON", says: "line 1"},
		"two values":          {body: `{} {}`, status: 400, reason: "MALFORMED_JSON", says: "column 4"},
		"not UTF-8":           {body: "{\"request_id\":\"\xff\"}", status: 400, reason: "MALFORMED_JSON", says: "column 16"},
		"no object":           {body: `[1]`, status: 400, reason: "INVALID_VALUE", fields: []string{"body"}},
		"unknown field":       {body: `{"request_id":"r","ordre":{}}`, status: 400, reason: "UNKNOWN_FIELD", fields: []string{"ordre"}},
		"unknown inner field": {body: `{"order":{"amount":{"currency":"CNY"}}}`, status: 400, reason: "UNKNOWN_FIELD", fields: []string{"order.amount.currency"}},
		"field twice":         {body: `{"request_id":"a","request_id":"b"}`, status: 400, reason: "DUPLICATE_FIELD", fields: []string{"request_id"}},
		"number for string":   {body: `{"request_id":1}`, status: 400, reason: "INVALID_VALUE", fields: []string{"request_id"}},
		"number for money":    {body: `{"order":{"amount":12.5}}`, status: 400, reason: "INVALID_VALUE", fields: []string{"order.amount"}},
		"number for amount":   {body: `{"order":{"amount":{"amount":12.5}}}`, status: 400, reason: "INVALID_VALUE", fields: []string{"order.amount.amount"}},
		"unknown enum value":  {body: `{"order":{"payment_terms":"LATER"}}`, status: 400, reason: "INVALID_VALUE", fields: []string{"order.payment_terms"}},
		"fraction of a day":   {body: `{"order":{"requested_term_days":1.5}}`, status: 400, reason: "INVALID_VALUE"},
		"days out of range":   {body: `{"order":{"requested_term_days":4294967296}}`, status: 400, reason: "INVALID_VALUE", fields: []string{"order.requested_term_days"}},
		"too large":           {body: `{"request_id":"` + strings.Repeat("x", gateway.MaxBody) + `"}`, status: 413, reason: "BODY_TOO_LARGE"},
		"no token":            {body: order, header: http.Header{"Authorization": nil}, status: 401, reason: "TOKEN_MISSING"},
		"a form":              {body: "a=b", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, status: 415, reason: "MEDIA_TYPE_NOT_SUPPORTED"},
		"another charset":     {body: order, header: http.Header{"Content-Type": {"application/json; charset=gbk"}}, status: 415, reason: "MEDIA_TYPE_NOT_SUPPORTED"},
		"compressed":          {body: order, header: http.Header{"Content-Encoding": {"gzip"}}, status: 415, reason: "MEDIA_TYPE_NOT_SUPPORTED"},
		"parameter on a post": {path: "/v1/orders?dry_run=true", body: order, status: 400, reason: "UNKNOWN_PARAMETER", fields: []string{"dry_run"}},
		"unknown parameter":   {method: "GET", path: "/v1/orders?custmer_id=c", status: 400, reason: "UNKNOWN_PARAMETER", fields: []string{"custmer_id"}},
		"no number":           {method: "GET", path: "/v1/orders?page_size=many", status: 400, reason: "INVALID_PARAMETER", fields: []string{"page_size"}},
		"parameter twice":     {method: "GET", path: "/v1/orders?page_size=1&page_size=2", status: 400, reason: "INVALID_PARAMETER", fields: []string{"page_size"}},
		"unknown state":       {method: "GET", path: "/v1/orders?state=LOST", status: 400, reason: "INVALID_PARAMETER", fields: []string{"state"}, says: `"LOST" is none of ORDER_STATE_`},
		"malformed query":     {method: "GET", path: "/v1/orders?page_size=%zz", status: 400, reason: "INVALID_PARAMETER"},
		"path no number":      {method: "GET", path: "/v1/orderPolicies/first", status: 400, reason: "INVALID_PARAMETER", fields: []string{"version"}},
		"path not UTF-8":      {method: "GET", path: "/v1/orders/o%ff", status: 400, reason: "INVALID_PARAMETER", fields: []string{"order_id"}},
		"path with NUL":       {method: "GET", path: "/v1/orders/o%00", status: 400, reason: "INVALID_PARAMETER", fields: []string{"order_id"}},
		"query not UTF-8":     {method: "GET", path: "/v1/orders?customer_id=%c3%28", status: 400, reason: "INVALID_PARAMETER", fields: []string{"customer_id"}},
		"query with NUL":      {method: "GET", path: "/v1/orders?customer_id=c%00", status: 400, reason: "INVALID_PARAMETER", fields: []string{"customer_id"}},
		"name not UTF-8":      {method: "GET", path: "/v1/orders?%ff=c", status: 400, reason: "UNKNOWN_PARAMETER"},
		"path in the query":   {method: "GET", path: "/v1/orders/o?order_id=p", status: 400, reason: "UNKNOWN_PARAMETER", fields: []string{"order_id"}},
		"body on a get":       {method: "GET", path: "/v1/orders", body: "{}", status: 400, reason: "MALFORMED_JSON"},
		"unknown path":        {method: "GET", path: "/v1/nothing", status: 404, reason: "ROUTE_UNKNOWN"},
		"beside the API":      {method: "GET", path: "/v2/orders", status: 404, reason: "ROUTE_UNKNOWN"},
		"unknown verb":        {path: "/v1/orders/o:explode", body: "{}", status: 405, reason: "METHOD_NOT_ALLOWED"},
		"wrong method":        {method: "DELETE", path: "/v1/orders/o", status: 405, reason: "METHOD_NOT_ALLOWED"},
		"method override":     {method: "POST", path: "/v1/orders/o", header: http.Header{"X-Http-Method-Override": {"GET"}}, status: 405, reason: "METHOD_NOT_ALLOWED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &backend{}
			server := newGateway(t, b)
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.path == "" {
				c.path = "/v1/orders"
			}
			got := send(t, c.method, server.URL+c.path, c.body, c.header)
			if got.status != c.status || got.reason() != c.reason || !strings.Contains(got.Message, c.says) {
				t.Errorf("%d %s %q, want %d %s %q", got.status, got.reason(), got.Message, c.status, c.reason, c.says)
			}
			if c.fields != nil && !slices.Equal(got.fields(), c.fields) {
				t.Errorf("fields %q, want %q", got.fields(), c.fields)
			}
			if b.calls != 0 {
				t.Errorf("a service was called: %s", b.method)
			}
			for _, header := range []string{"X-Content-Type-Options", "Content-Security-Policy", "X-Frame-Options"} {
				if got.header.Get(header) == "" {
					t.Errorf("no header %s", header)
				}
			}
			if got.status == 401 && got.header.Get("WWW-Authenticate") != `Bearer realm="aval"` {
				t.Errorf("WWW-Authenticate: %q", got.header.Get("WWW-Authenticate"))
			}
			if c.status == 405 && got.header.Get("Allow") != "GET" {
				t.Errorf("Allow: %q", got.header.Get("Allow"))
			}
		})
	}
}

// What the services answer comes through with its reason; what they did not mean for callers does not.
func TestErrorsOfServices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err                error
		status             int
		reason, retryAfter string
		hidden             string
	}{
		"precondition": {err: errs.New(errs.FailedPrecondition, "ORDER_NOT_HELD", "no"), status: 400, reason: "ORDER_NOT_HELD"},
		"exists":       {err: errs.New(errs.AlreadyExists, "REQUEST_ID_REUSED", "no"), status: 409, reason: "REQUEST_ID_REUSED"},
		"aborted":      {err: errs.New(errs.Aborted, "REVISION_CONFLICT", "no"), status: 409, reason: "REVISION_CONFLICT"},
		"not found":    {err: errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "no"), status: 404, reason: "CUSTOMER_UNKNOWN"},
		"denied":       {err: errs.New(errs.PermissionDenied, "ROLE_REQUIRED", "no"), status: 403, reason: "ROLE_REQUIRED"},
		"overloaded": {err: errs.New(errs.ResourceExhausted, "OVERLOADED", "no").WithRetryAfter(1500 * time.Millisecond),
			status: 429, reason: "OVERLOADED", retryAfter: "2"},
		"bad token": {err: errs.New(errs.Unauthenticated, "TOKEN_INVALID", "no"), status: 401, reason: "TOKEN_INVALID"},
		"down": {err: status.Error(codes.Unavailable, "dial tcp 10.9.8.7:9090: refused"), status: 503,
			reason: "UNAVAILABLE", retryAfter: "1", hidden: "10.9.8.7"},
		"defect": {err: status.Error(codes.Unknown, "nil map in line 12"), status: 500, reason: "INTERNAL", hidden: "nil map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := c.err
			if _, own := errs.As(c.err); own {
				wire = rpcerr.ToStatus(c.err).Err()
			}
			server := newGateway(t, &backend{err: wire})
			got := send(t, http.MethodGet, server.URL+"/v1/orders/o", "", nil)
			if got.status != c.status || got.reason() != c.reason {
				t.Errorf("%d %s, want %d %s", got.status, got.reason(), c.status, c.reason)
			}
			if got.header.Get("Retry-After") != c.retryAfter {
				t.Errorf("Retry-After %q, want %q", got.header.Get("Retry-After"), c.retryAfter)
			}
			if c.hidden != "" && strings.Contains(got.Message, c.hidden) {
				t.Errorf("the answer shows internals: %q", got.Message)
			}
		})
	}
}

// Ids are the ERP's own strings, whatever is in them, and come through as they are.
func TestIDsInPaths(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{
		"INV/2012 #1":  "INV%2F2012%20%231",
		"a%2Fb":        "a%252Fb",
		"100%":         "100%25",
		"甲-1":          "%E7%94%B2-1",
		"a:b":          "a:b",
		"a//b":         "a%2f%2Fb",
		"..":           "%2E%2E",
		"x?y=1;z":      "x%3Fy=1%3Bz",
		"plain":        "plain",
		"with+plus":    "with+plus",
		"semi;colon=1": "semi;colon=1",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			b := &backend{}
			server := newGateway(t, b)
			if got := send(t, http.MethodGet, server.URL+"/v1/orders/"+path, "", nil); got.status != 200 {
				t.Fatalf("%d %s %s", got.status, got.reason(), got.Message)
			}
			if got := b.request.(*ordergatev1.GetOrderRequest).GetOrderId(); got != id {
				t.Errorf("the service got %q, want %q", got, id)
			}
		})
	}
}

// The token and the business date go to the service, once each; what else a caller sends does not.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := &backend{}
	server := newGateway(t, b)
	send(t, http.MethodGet, server.URL+"/v1/orders/o", "", http.Header{
		"Aval-Business-Date": {"2012-01-30"}, "Grpc-Metadata-Secret": {"x"}, "Cookie": {"a=b"},
	})
	for key, want := range map[string][]string{
		"authorization": {"Bearer t"}, "aval-business-date": {"2012-01-30"}, "secret": nil, "cookie": nil, "grpcgateway-cookie": nil,
	} {
		if got := b.metadata.Get(key); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}
