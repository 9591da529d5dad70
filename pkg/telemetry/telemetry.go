// Package telemetry gives a program its log, traces and metrics. It sets nothing global: what is made here is passed to
// those who need it.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says what is logged and where traces go. The zero value logs from level info on to standard error and keeps
// traces to itself.
type Config struct {
	// Service names the program in logs, traces and metrics.
	Service string `koanf:"service"`
	// LogLevel is debug, info, warn or error; empty means info.
	LogLevel string `koanf:"log_level"`
	// LogWriter gets the log, one JSON object per line; nil means standard error.
	LogWriter io.Writer `koanf:"-"`
	// OTLPEndpoint is the URL of a collector that takes OTLP over gRPC, "http://collector:4317"; https encrypts.
	// Empty sends no traces; their ids are made, logged and passed on all the same.
	OTLPEndpoint string `koanf:"otlp_endpoint"`
}

// Telemetry is the log, traces and metrics of one program.
type Telemetry struct {
	// Log writes JSON lines, with trace ids, without secrets.
	Log *slog.Logger
	// Registry holds all metrics.
	Registry *prometheus.Registry
	// Tracer makes spans.
	Tracer trace.TracerProvider
	// Meter makes instruments whose values appear in Registry.
	Meter metric.MeterProvider
	// Propagator carries trace context in W3C's headers.
	Propagator propagation.TextMapPropagator

	shutdown []func(context.Context) error
}

// New sets up telemetry. It fails for an unknown level or a malformed endpoint, not because a collector is away.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	log, err := newLog(cfg)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{
		Log:        log,
		Registry:   prometheus.NewRegistry(),
		Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	}
	about := resource.NewSchemaless(attribute.String("service.name", cfg.Service))
	if err := t.addMetrics(about); err != nil {
		return nil, fmt.Errorf("telemetry: metrics: %w", err)
	}
	if err := t.addTraces(ctx, cfg.OTLPEndpoint, about); err != nil {
		return nil, errors.Join(fmt.Errorf("telemetry: traces: %w", err), t.Shutdown(ctx))
	}
	return t, nil
}

func (t *Telemetry) addMetrics(about *resource.Resource) error {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(t.Registry))
	if err != nil {
		return err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(about))
	t.Meter = provider
	t.shutdown = append(t.shutdown, provider.Shutdown)
	return errors.Join(
		t.Registry.Register(collectors.NewGoCollector()),
		t.Registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	)
}

func (t *Telemetry) addTraces(ctx context.Context, endpoint string, about *resource.Resource) error {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(about)}
	if endpoint == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
			return fmt.Errorf("the endpoint %q must begin with http:// or https://", endpoint)
		}
		exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
		if err != nil {
			return err
		}
		options = append(options, sdktrace.WithBatcher(exporter),
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())))
	}
	provider := sdktrace.NewTracerProvider(options...)
	t.Tracer = provider
	t.shutdown = append(t.shutdown, provider.Shutdown)
	return nil
}

// Handler serves the metrics in Prometheus' format, for /metrics on a port that is not public.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{Registry: t.Registry})
}

// Shutdown sends what has not been sent yet and ends the providers. It is the last step of a shutdown.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var failures []error
	for i := len(t.shutdown) - 1; i >= 0; i-- {
		failures = append(failures, t.shutdown[i](ctx))
	}
	t.shutdown = nil
	return errors.Join(failures...)
}

func newLog(cfg Config) (*slog.Logger, error) {
	var level slog.Level
	if cfg.LogLevel != "" {
		if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
			return nil, fmt.Errorf("telemetry: log level %q: use debug, info, warn or error", cfg.LogLevel)
		}
	}
	writer := cfg.LogWriter
	if writer == nil {
		writer = os.Stderr
	}
	return slog.New(NewHandler(writer, level)).With("service", cfg.Service), nil
}
