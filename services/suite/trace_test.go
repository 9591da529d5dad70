package suite_test

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/suite"
)

// collector keeps the names of spans by their trace.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer
	mu    sync.Mutex
	names map[string][]string
}

// Export implements the collector's service.
func (c *collector) Export(_ context.Context, r *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				trace := hex.EncodeToString(span.GetTraceId())
				c.names[trace] = append(c.names[trace], span.GetName())
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// One request is one trace, the caller's, from the gateway through the service to the statements in the database.
func TestOneTraceThroughAll(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with its server
	if err != nil {
		t.Fatal(err)
	}
	received := &collector{names: map[string][]string{}}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, received)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	cfg := suite.Config{Database: hostDatabase(pgtest.Database(t))}
	cfg.OTLP.Endpoint = "http://" + listener.Addr().String()
	s := serve(t, cfg)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	token := s.token(t, "OPERATOR", "operator")
	for path, body := range map[string]string{
		"/v1/customers":          `{"request_id":"1","customer":{"customer_id":"C-1","display_name":"Example"}}`,
		"/v1/customers/C-2:rate": `{"request_id":"2"}`, // asks receivables for the payment record
	} {
		if path != "/v1/customers" {
			post(t, s.http+"/v1/customers", token, "", `{"request_id":"0","customer":{"customer_id":"C-2","display_name":"Example"}}`)
		}
		post(t, s.http+path, token, "00-"+trace+"-b7ad6b7169203331-01", body)
	}
	s.stop(t) // which sends what has not been sent
	received.mu.Lock()
	defer received.mu.Unlock()
	all := strings.Join(received.names[trace], "\n")
	for _, part := range []string{"HTTP POST", "aval.evaluation.v1.CustomerService/CreateCustomer", "INSERT", "aval.receivables.v1.FeedService/GetPaymentRecord"} {
		if !strings.Contains(strings.ToUpper(all), strings.ToUpper(part)) {
			t.Errorf("no span %s in the trace:\n%s", part, all)
		}
	}
}

func post(t *testing.T, url, token, traceparent, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "Traceparent": {traceparent}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", url, resp.Status)
	}
}
