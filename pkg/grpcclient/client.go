// Package grpcclient dials the services of the suite: tokens, deadlines, retries and errors are the same for all of them.
package grpcclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/avalcredit/aval/pkg/authn"
)

const (
	// shave is what is taken off a deadline per hop, so that the callee gives up first and says which hop it was.
	shave = 20 * time.Millisecond
	// defaultTimeout is the deadline of unary calls that come without one.
	defaultTimeout = 10 * time.Second

	defaultMaxRecv = 16 << 20 // what our servers send at most
	maxHeaderList  = 64 << 10
	pingEvery      = time.Minute // servers allow every 30 s
	pingTimeout    = 10 * time.Second
	maxBackoff     = 5 * time.Second
	minConnect     = 5 * time.Second
)

// Every write carries a request id, so a call that may or may not have been executed can be sent again.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 4, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
}`

// Options sets up a connection. The zero value is good but for a caller without a token, which only health answers.
type Options struct {
	// Token gives the token of each call that does not carry one in its outgoing metadata already; nil adds none.
	Token authn.TokenSource
	// Log gets a line per failed call at debug level; nil discards.
	Log *slog.Logger
	// ForwardBusinessDate passes on the business date set for the call in hand.
	ForwardBusinessDate bool
	// Timeout is the deadline of unary calls whose context has none; 0 means 10 s.
	Timeout time.Duration
	// MaxRecvBytes is the largest answer; 0 means 16 MiB.
	MaxRecvBytes int
	// KeepStatus leaves errors as they came over the wire, for those who pass them on; else they are *errs.Error.
	KeepStatus bool
	// Tracer gets a span per call; nil means none.
	Tracer trace.TracerProvider
	// Meter gets the calls' durations and sizes; nil means none.
	Meter metric.MeterProvider
	// TLS dials with TLS; nil means plain TCP.
	TLS *tls.Config
}

// Dial returns a connection to the target, "host:port" or any gRPC name as "dns:///host:port". It does not wait for
// the other side to be there: calls fail with Unavailable, after some retries, as long as it is not.
func Dial(ctx context.Context, target string, opts Options) (*grpc.ClientConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opts.complete()
	conn, err := grpc.NewClient(target, opts.dialOptions()...)
	if err != nil {
		return nil, fmt.Errorf("grpcclient: %w", err)
	}
	conn.Connect()
	return conn, nil
}

func (o *Options) complete() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxRecvBytes <= 0 {
		o.MaxRecvBytes = defaultMaxRecv
	}
	if o.Tracer == nil {
		o.Tracer = tracenoop.NewTracerProvider()
	}
	if o.Meter == nil {
		o.Meter = metricnoop.NewMeterProvider()
	}
}

func (o *Options) dialOptions() []grpc.DialOption {
	transport := insecure.NewCredentials()
	if o.TLS != nil {
		transport = credentials.NewTLS(o.TLS)
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // what a name server says must not switch our policy off
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.MaxRecvBytes)),
		grpc.WithMaxHeaderListSize(maxHeaderList),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: pingEvery, Timeout: pingTimeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff,
			},
			MinConnectTimeout: minConnect,
		}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(
			otelgrpc.WithTracerProvider(o.Tracer),
			otelgrpc.WithMeterProvider(o.Meter),
			otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator(
				propagation.TraceContext{}, propagation.Baggage{})),
		)),
		grpc.WithChainUnaryInterceptor(o.unary()),
		grpc.WithChainStreamInterceptor(o.stream()),
	}
}
