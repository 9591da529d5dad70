package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/telemetry"
	"github.com/avalcredit/aval/services/gateway"
)

// Requests are measured by route; nothing that callers invent (hosts, paths, methods) becomes a label.
func TestMetricsHaveBoundedLabels(t *testing.T) {
	t.Parallel()
	measured, err := telemetry.New(t.Context(), telemetry.Config{Service: "test", LogWriter: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{}
	g, err := gateway.New(t.Context(), gateway.Config{
		Backends: gateway.Backends{Evaluation: b, OrderGate: b, Receivables: b},
		Ready:    func(context.Context) error { return nil },
		Metrics:  measured.Handler(), Meter: measured.Meter, Tracer: measured.Tracer,
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path string) string {
		r := httptest.NewRequest(method, path, nil)
		r.Host = "invented-host.example:4711"
		r.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		return w.Body.String()
	}
	send(http.MethodGet, "/v1/orders/invented-id")
	send(http.MethodGet, "/v1/invented-path")
	send("INVENTED", "/v1/orders")
	metrics := send(http.MethodGet, "/metrics")
	if !strings.Contains(metrics, `http_route="/v1/orders/{order_id}"`) {
		t.Error("no duration by route")
	}
	for _, line := range strings.Split(metrics, "\n") {
		if strings.Contains(strings.ToLower(line), "invented") || strings.Contains(line, "4711") {
			t.Errorf("a caller's word is a label: %s", line)
			break
		}
	}
}
