// Package gateway serves the contracts as REST: it translates, refuses what is malformed with a reason and a field, and
// describes itself. It decides nothing; who may do what is decided by the services, by the caller's own token.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/avalcredit/aval/pkg/httpserver"
)

// BusinessDateHeader sets the business date of one request where the suite runs in development mode; elsewhere a
// request with it is refused.
const BusinessDateHeader = "Aval-Business-Date"

// Config is what a gateway needs from the program around it.
type Config struct {
	// Backends answer the calls. Their connections must carry no token of their own and keep the status of errors.
	Backends Backends
	// Ready returns nil where requests may be sent here; its text is public.
	Ready func(ctx context.Context) error
	// Metrics serves /metrics; nil serves none.
	Metrics http.Handler
	// Version is the program's, for the OpenAPI document.
	Version string
	// Log gets a line per failed request; nil discards.
	Log *slog.Logger
	// Tracer gets a span per request; nil means none.
	Tracer trace.TracerProvider
	// Meter gets the requests' durations and sizes; nil means none.
	Meter metric.MeterProvider
}

// Gateway is the REST side of the suite, as one handler.
type Gateway struct {
	log       *slog.Logger
	routes    []Route
	byPattern map[string]Route
	handler   http.Handler
}

// New builds a gateway. It calls nobody.
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	if cfg.Backends.Evaluation == nil || cfg.Backends.OrderGate == nil || cfg.Backends.Receivables == nil || cfg.Ready == nil {
		return nil, errors.New("gateway: all backends and the readiness must be set")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Tracer == nil {
		cfg.Tracer = tracenoop.NewTracerProvider()
	}
	if cfg.Meter == nil {
		cfg.Meter = metricnoop.NewMeterProvider()
	}
	routes, err := Routes()
	if err != nil {
		return nil, err
	}
	g := &Gateway{log: cfg.Log, routes: routes, byPattern: make(map[string]Route, len(routes))}
	for _, route := range routes {
		g.byPattern[route.key()] = route
	}
	mux := runtime.NewServeMux(g.muxOptions()...)
	if err := cfg.Backends.register(ctx, mux); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	pages, err := newPages(routes, cfg.Version)
	if err != nil {
		return nil, err
	}
	g.handler = g.assemble(cfg, mux, pages)
	return g, nil
}

// Handler serves everything: the API below /v1/, the probes, the OpenAPI document and the page about it.
func (g *Gateway) Handler() http.Handler { return g.handler }

func (g *Gateway) muxOptions() []runtime.ServeMuxOption {
	none := func(string) (string, bool) { return "", false }
	return []runtime.ServeMuxOption{
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
		}}),
		runtime.WithUnescapingMode(runtime.UnescapingModeAllCharacters),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithIncomingHeaderMatcher(incoming),
		runtime.WithOutgoingHeaderMatcher(outgoing),
		runtime.WithOutgoingTrailerMatcher(none),
		runtime.WithErrorHandler(g.serviceError),
		runtime.WithRoutingErrorHandler(g.routingError),
		runtime.WithMiddlewares(g.check),
		runtime.WithWriteContentLength(),
	}
}

// incoming lets through what the services read. The library passes Authorization on by itself, and the trace context
// goes on from the span of the request.
func incoming(key string) (string, bool) {
	if key == BusinessDateHeader {
		return "aval-business-date", true
	}
	return "", false
}

// outgoing lets through what a browser needs to save a file instead of showing it.
func outgoing(key string) (string, bool) {
	return "Content-Disposition", key == "content-disposition"
}

func (g *Gateway) assemble(cfg Config, api http.Handler, pages *pages) http.Handler {
	probes := httpserver.Probes{Ready: cfg.Ready, Metrics: cfg.Metrics}.Handler()
	admitted := otelhttp.NewHandler(g.admit(api), "http",
		otelhttp.WithServerName("aval:80"), // else each host and port that a Host header invents becomes a label
		otelhttp.WithTracerProvider(cfg.Tracer), otelhttp.WithMeterProvider(cfg.Meter),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "HTTP " + r.Method }),
	)
	// Paths are told apart here and not by http.ServeMux, which redirects those with "//" and ".." in an id.
	return g.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; path {
		case "/healthz", "/readyz", "/metrics":
			probes.ServeHTTP(w, r)
		case "/", "/docs", "/docs/style.css", "/openapi.json":
			pages.ServeHTTP(w, r)
		default:
			admitted.ServeHTTP(w, r)
		}
	}))
}

// guard sets what every answer carries and turns a panic into an answer; the stack goes to the log and nowhere else.
func (g *Gateway) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // the server's own way to cut a connection
			}
			g.log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "path", r.URL.Path,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			g.writeError(w, r, fmt.Errorf("panic: %v", p))
		}()
		next.ServeHTTP(w, r)
	})
}
