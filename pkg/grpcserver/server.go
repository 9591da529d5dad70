// Package grpcserver builds the gRPC server every service of the suite uses: the same limits, the same interceptors in
// the same order, health, and a shutdown that loses no call.
package grpcserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/calendar"
)

// Names of the health services. The service "" always has the status of Ready.
const (
	// Live says that the process works at all; it is serving from the start until the process ends.
	Live = "live"
	// Ready says that calls may be sent here.
	Ready = "ready"
	// Startup says that starting has come to its end.
	Startup = "startup"
)

// Config sets up a server. The zero value of every field but Addr is a good choice.
type Config struct {
	// Addr is the address to listen on, "127.0.0.1:0" for any free port.
	Addr string `koanf:"addr"`
	// DevClock lets callers set the business date of their call, and serves reflection. For development only.
	DevClock bool `koanf:"dev_clock"`
	// MaxRecvBytes is the largest request, unpacked; 0 means 1 MiB.
	MaxRecvBytes int `koanf:"max_recv_bytes"`
	// CallTimeout bounds unary calls whose caller sets no deadline, or a later one; 0 means 30 s.
	CallTimeout time.Duration `koanf:"call_timeout"`
	// RatePerSecond is how many calls per second each subject may make on average; 0 means any number. Services of the
	// suite are not limited.
	RatePerSecond float64 `koanf:"rate_per_second"`
	// RateBurst is how many calls a subject may make at once; 0 means one second's worth.
	RateBurst int `koanf:"rate_burst"`
	// DrainDelay is how long calls are still taken after the server has said that it is not ready, for those who send
	// them to notice; 0 means 1 s, negative means none.
	DrainDelay time.Duration `koanf:"drain_delay"`
	// DrainTimeout bounds the wait for running calls, which are cut off after it; 0 means 20 s.
	DrainTimeout time.Duration `koanf:"drain_timeout"`
}

// Deps is what a server needs from the program around it.
type Deps struct {
	// Log gets a line for every call that fails and, at debug level, for every other; nil discards.
	Log *slog.Logger
	// Verifier says who is calling. It must be set.
	Verifier authn.Verifier
	// Clock times calls and rates; nil means the system's.
	Clock calendar.Clock
	// Tracer gets a span per call; nil means none.
	Tracer trace.TracerProvider
	// Meter gets the calls' durations and sizes; nil means none.
	Meter metric.MeterProvider
	// Registry gets counters of refusals and panics; nil means none. Servers may share one.
	Registry prometheus.Registerer
	// TLS serves over TLS; nil means plain TCP, for loopback and for meshes that encrypt by themselves.
	TLS *tls.Config
}

// Server is one gRPC server: New, register services, Listen, Run.
type Server struct {
	cfg      Config
	deps     Deps
	grpc     *grpc.Server
	health   *health.Server
	services registrar
	counters counters
	rates    *subjectRates
	text     textCheck
	blank    blankCheck
	draining chan struct{} // closed when long-lived health watches have to end

	mu       sync.Mutex
	listener net.Listener

	// Set by Listen, before the first call can come in.
	rules     authz.Rules
	open      map[string]bool
	validator protovalidate.Validator
}

// New builds a server that has health, and reflection if the configuration says so, but no other services yet.
func New(cfg Config, deps Deps) (*Server, error) {
	if cfg.Addr == "" || deps.Verifier == nil {
		return nil, errors.New("grpcserver: an address and a verifier must be set")
	}
	cfg.complete()
	deps.complete()
	s := &Server{cfg: cfg, deps: deps, health: health.NewServer(), draining: make(chan struct{})}
	var err error
	if s.counters, err = newCounters(deps.Registry); err != nil {
		return nil, fmt.Errorf("grpcserver: %w", err)
	}
	if cfg.RatePerSecond > 0 {
		s.rates = newSubjectRates(cfg.RatePerSecond, cfg.RateBurst)
	}
	s.grpc = grpc.NewServer(s.options()...)
	s.services = registrar{server: s.grpc}
	healthv1.RegisterHealthServer(s.grpc, s.health)
	if cfg.DevClock {
		reflection.Register(s.grpc)
	}
	s.SetServing(Live, true)
	s.SetServing(Startup, false)
	s.SetServing(Ready, false)
	return s, nil
}

// Registrar is where services are registered, before Listen. Registering one twice, or too late, is an error of Listen.
func (s *Server) Registrar() grpc.ServiceRegistrar { return &s.services }

// SetServing sets the health of Live, Ready or Startup.
func (s *Server) SetServing(service string, ok bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if ok {
		status = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(service, status)
	if service == Ready {
		s.health.SetServingStatus("", status)
	}
}

// Listen checks the registered services, whose every method must say who may call it and whose requests' validation
// rules must be sound, and opens the port. It returns the address, with the real port. A second call only returns it.
func (s *Server) Listen() (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return s.listener.Addr(), nil
	}
	if err := s.services.seal(); err != nil {
		return nil, err
	}
	var err error
	if s.rules, err = authz.RulesOfServer(s.grpc, openServices()...); err != nil {
		return nil, err
	}
	s.open = openMethods(s.grpc)
	if s.validator, err = newValidator(s.grpc); err != nil {
		return nil, err
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.cfg.Addr); err != nil {
		return nil, fmt.Errorf("grpcserver: %w", err)
	}
	return s.listener.Addr(), nil
}

// Run serves until ctx ends, after Listen or with one of its own. Then it says that it is not ready, still takes calls
// for the drain delay, waits for the running ones, at most the drain timeout, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	if _, err := s.Listen(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.grpc.Serve(s.listener) }()
	s.deps.Log.InfoContext(ctx, "serving gRPC", "addr", s.listener.Addr().String(), "tls", s.deps.TLS != nil)
	select {
	case err := <-ended:
		s.grpc.Stop()
		return fmt.Errorf("grpcserver: %w", err)
	case <-ctx.Done():
	}
	s.drain(context.WithoutCancel(ctx))
	return nil
}

// drain ends the server without losing calls.
func (s *Server) drain(ctx context.Context) {
	s.SetServing(Ready, false)
	wait(s.cfg.DrainDelay)
	close(s.draining)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	timer := time.NewTimer(s.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-done:
		s.deps.Log.InfoContext(ctx, "gRPC server drained", "addr", s.cfg.Addr)
	case <-timer.C:
		s.deps.Log.WarnContext(ctx, "gRPC calls cut off: not done in the drain timeout", "timeout", s.cfg.DrainTimeout)
		s.grpc.Stop()
		<-done
	}
}

func wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
