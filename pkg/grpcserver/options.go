package grpcserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Limits of the transport; the library's own are meant for callers one trusts.
const (
	defaultMaxRecv    = 1 << 20
	maxSend           = 16 << 20
	maxStreams        = 250 // per connection
	maxHeaderList     = 16 << 10
	ioBuffer          = 64 << 10
	streamWorkers     = 512 // goroutines that are kept: a new one would grow its stack anew for every call
	connectionTimeout = 5 * time.Second

	minPingInterval = 30 * time.Second // of clients; more often ends their connection
	pingEvery       = 30 * time.Second
	pingTimeout     = 10 * time.Second
	maxIdle         = 15 * time.Minute
	maxAge          = 5 * time.Minute // so that clients meet new replicas
	maxAgeGrace     = 30 * time.Second

	defaultCallTimeout  = 30 * time.Second
	defaultDrainDelay   = time.Second
	defaultDrainTimeout = 20 * time.Second
)

func (c *Config) complete() {
	if c.MaxRecvBytes <= 0 {
		c.MaxRecvBytes = defaultMaxRecv
	}
	if c.CallTimeout <= 0 {
		c.CallTimeout = defaultCallTimeout
	}
	if c.DrainDelay == 0 {
		c.DrainDelay = defaultDrainDelay
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = defaultDrainTimeout
	}
}

func (d *Deps) complete() {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Clock == nil {
		d.Clock = calendar.SystemClock(time.UTC)
	}
	if d.Tracer == nil {
		d.Tracer = tracenoop.NewTracerProvider()
	}
	if d.Meter == nil {
		d.Meter = metricnoop.NewMeterProvider()
	}
}

func (s *Server) options() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.cfg.MaxRecvBytes),
		grpc.MaxSendMsgSize(maxSend),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderList),
		grpc.ConnectionTimeout(connectionTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: pingEvery, Timeout: pingTimeout,
			MaxConnectionIdle: maxIdle, MaxConnectionAge: maxAge, MaxConnectionAgeGrace: maxAgeGrace,
		}),
		grpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(s.deps.Tracer),
			otelgrpc.WithMeterProvider(s.deps.Meter),
			otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator(
				propagation.TraceContext{}, propagation.Baggage{})),
			otelgrpc.WithFilter(s.measured),
		)),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ReadBufferSize(ioBuffer),
		grpc.WriteBufferSize(ioBuffer),
		// Calls of methods nobody knows go through the chain as well, which refuses them, and first those without a token.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return errs.New(errs.Unimplemented, "METHOD_UNKNOWN", "there is no such method")
		}),
	}
	if s.deps.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.deps.TLS)))
	}
	return options
}

// measured keeps invented method names, which anybody can send without end, out of the metrics' labels.
func (s *Server) measured(info *stats.RPCTagInfo) bool {
	_, known := s.rules[info.FullMethodName]
	return known
}

// registrar turns what the library ends the process for into an error of Listen.
type registrar struct {
	server *grpc.Server
	sealed bool
	failed []error
	// witnesses see what is refused.
	witnesses []func(context.Context, Refusal)
}

// RegisterService implements grpc.ServiceRegistrar.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	_, twice := r.server.GetServiceInfo()[desc.ServiceName]
	switch {
	case r.sealed:
		r.failed = append(r.failed, fmt.Errorf("grpcserver: service %s registered after Listen", desc.ServiceName))
	case twice:
		r.failed = append(r.failed, fmt.Errorf("grpcserver: service %s registered twice", desc.ServiceName))
	default:
		r.server.RegisterService(desc, impl)
	}
}

func (r *registrar) seal() error {
	r.sealed = true
	return errors.Join(r.failed...)
}
