// Package front runs the REST gateway as a server: alone in gatewayd, next to the phases in the all-in-one program.
package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/httpserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/services/gateway"
	"github.com/avalcredit/aval/services/host"
)

const (
	// callTimeout bounds a call; walking all hash chains takes the longest.
	callTimeout = 60 * time.Second
	closeGrace  = time.Second

	drainTimeout = 20 * time.Second // of a program on its own
)

// Config is what a front needs from the program around it.
type Config struct {
	// Base is the program's.
	Base host.Base
	// HTTP is the address to serve on.
	HTTP host.Listen
	// Peers are the services' addresses; those that are equal share a connection.
	Peers host.Peers
	// Metrics serves /metrics here; unset where they have a port of their own.
	Metrics bool
	// DrainTimeout bounds the wait for running requests at the end; 0 means 20 s.
	DrainTimeout time.Duration
}

// Front is the gateway and its server.
type Front struct {
	server  *httpserver.Server
	conns   []*grpc.ClientConn
	closers lifecycle.Closers
}

// New connects to the services, without waiting for them, and opens the port.
func New(ctx context.Context, cfg Config) (_ *Front, err error) {
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = drainTimeout
	}
	f := &Front{closers: lifecycle.Closers{Grace: closeGrace}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(ctx))
		}
	}()
	backends, err := f.dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t := cfg.Base.Telemetry
	var metrics http.Handler
	if cfg.Metrics {
		metrics = t.Handler()
	}
	g, err := gateway.New(ctx, gateway.Config{
		Backends: backends, Ready: f.Ready, Metrics: metrics, Version: host.Version(), Log: t.Log, Tracer: t.Tracer, Meter: t.Meter,
	})
	if err != nil {
		return nil, err
	}
	f.server, err = httpserver.New(httpserver.Config{Addr: cfg.HTTP.Addr, DrainTimeout: cfg.DrainTimeout}, g.Handler(), t.Log)
	if err != nil {
		return nil, err
	}
	if _, err := f.server.Listen(); err != nil {
		return nil, err
	}
	f.closers.Add("HTTP", func(context.Context) error { return f.server.Close() })
	return f, nil
}

// dial makes connections without a token of their own: the caller's goes through, and errors go back as they came.
func (f *Front) dial(ctx context.Context, cfg Config) (gateway.Backends, error) {
	made := map[string]*grpc.ClientConn{}
	to := func(target string) (*grpc.ClientConn, error) {
		if conn, ok := made[target]; ok {
			return conn, nil
		}
		t := cfg.Base.Telemetry
		conn, err := grpcclient.Dial(ctx, target, grpcclient.Options{
			Log: t.Log, Timeout: callTimeout, KeepStatus: true, Tracer: t.Tracer, Meter: t.Meter,
		})
		if err != nil {
			return nil, err
		}
		f.closers.Add("connection to "+target, func(context.Context) error { return conn.Close() })
		f.conns = append(f.conns, conn)
		made[target] = conn
		return conn, nil
	}
	evaluation, err := to(cfg.Peers.Evaluation.Addr)
	if err != nil {
		return gateway.Backends{}, err
	}
	orderGate, err := to(cfg.Peers.OrderGate.Addr)
	if err != nil {
		return gateway.Backends{}, err
	}
	receivables, err := to(cfg.Peers.Receivables.Addr)
	if err != nil {
		return gateway.Backends{}, err
	}
	return gateway.Backends{Evaluation: evaluation, OrderGate: orderGate, Receivables: receivables}, nil
}

// Addr is where it serves, with the real port.
func (f *Front) Addr() (net.Addr, error) { return f.server.Listen() }

// Run serves until ctx ends.
func (f *Front) Run(ctx context.Context) error { return f.server.Run(ctx) }

// Ready returns nil where at least one service is ready: one that is down must not take the others out of reach.
func (f *Front) Ready(ctx context.Context) error {
	for _, conn := range f.conns {
		answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: grpcserver.Ready})
		if err == nil && answer.GetStatus() == healthv1.HealthCheckResponse_SERVING {
			return nil
		}
	}
	return fmt.Errorf("none of %d services is ready", len(f.conns))
}

// Close ends the connections, after Run has returned.
func (f *Front) Close(ctx context.Context) error { return f.closers.Close(ctx) }
