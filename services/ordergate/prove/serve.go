package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/pkg/telemetry"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// serveEnv asks this program to be a gate; it holds an order.
const serveEnv = "AVAL_PROVE_SERVE"

// serveOrder tells a gate process what to be.
type serveOrder struct {
	DSN, Addr, Keys string
	Gate            string // empty: the product
	Evaluation      string // its address; empty: there is none
	File            string // of evaluation: where it keeps what it takes
}

// Gate is what a gate process runs.
type Gate interface {
	Register(r grpc.ServiceRegistrar)
	Run(ctx context.Context) error
}

// NewGate makes a gate on a database.
type NewGate func(ctx context.Context, pool *pgxpool.Pool, clock calendar.Clock, tel *telemetry.Telemetry) (Gate, error)

// product is the order gate itself, as its own process runs it. All customers come through the feed.
func product(ctx context.Context, pool *pgxpool.Pool, clock calendar.Clock, tel *telemetry.Telemetry, evaluation grpc.ClientConnInterface) (Gate, error) {
	if err := plainPolicy(ctx, pool); err != nil {
		return nil, err
	}
	s, err := ordergate.New(ctx, ordergate.Deps{Pool: pool, Clock: clock, Log: tel.Log, PageKey: []byte("prove"), Evaluation: evaluation})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// plainPolicy makes the shipped policy the built-in one, without severity, and with a stop that only those who are a hundredfold over
// their limit come to: the model knows limits, terms and releases, and a stop in the midst of random limits would be an entry that it does
// not expect.
func plainPolicy(ctx context.Context, pool *pgxpool.Pool) error {
	if err := ordergate.Migrate(ctx, pool); err != nil {
		return err
	}
	spec := &pb.OrderPolicy{}
	if err := policy.ParseYAML("default.yaml", []byte(defaults.Default), spec); err != nil {
		return err
	}
	spec.Controls = &pb.OrderControls{CreditStop: &pb.CreditStopRule{OverLimitPercent: "9900", OverdueDays: 3650, ReleasesCount: true}}
	return policy.NewStore(pool).EnsureBuiltIn(ctx, spec, "")
}

// ServeIfAsked turns this process into a gate where the rig started it as one, and ends it; else it returns. Programs and tests that run
// the rig call it first. Others are gates beside the product, by name.
func ServeIfAsked(others map[string]NewGate) {
	text := os.Getenv(serveEnv)
	if text == "" {
		return
	}
	var o serveOrder
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = serve(o, others)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(o serveOrder, others map[string]NewGate) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it, the rig is gone
		cancel()
	}()
	tel, err := telemetry.New(ctx, telemetry.Config{Service: "ordergated", LogLevel: "error", LogWriter: os.Stderr})
	if err != nil {
		return err
	}
	loc, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		return err
	}
	clock := calendar.SystemClock(loc)
	issuer, err := authn.NewIssuer(o.Keys)
	if err != nil {
		return err
	}
	srv, err := grpcserver.New(grpcserver.Config{Addr: o.Addr},
		grpcserver.Deps{Log: tel.Log, Verifier: issuer, Clock: clock, Tracer: tel.Tracer, Meter: tel.Meter, Registry: tel.Registry})
	if err != nil {
		return err
	}
	gate, err := build(ctx, o, others, clock, tel, issuer)
	if err != nil {
		return err
	}
	gate.Register(srv.Registrar())
	if _, err := srv.Listen(); err != nil {
		return err
	}
	return lifecycle.Run(ctx, tel.Log, lifecycle.Task{Name: "gate", Run: gate.Run}, lifecycle.Task{Name: "grpc", Run: srv.Run})
}

// build makes what the order asks for.
func build(ctx context.Context, o serveOrder, others map[string]NewGate, clock calendar.Clock, tel *telemetry.Telemetry, issuer *authn.Issuer) (Gate, error) {
	if o.Gate == evaluationGate {
		return newEvaluation(o.File)
	}
	pool, err := pg.Open(ctx, pg.Config{URL: o.DSN, Schema: ordergate.Schema, MaxConns: 16, Tracer: tel.Tracer})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, pool.Close)
	if o.Gate != "" {
		other, ok := others[o.Gate]
		if !ok {
			return nil, fmt.Errorf("no gate is called %q", o.Gate)
		}
		return other(ctx, pool, clock, tel)
	}
	if o.Evaluation == "" {
		return product(ctx, pool, clock, tel, absent{})
	}
	conn, err := grpcclient.Dial(ctx, o.Evaluation, grpcclient.Options{Token: issuer.Source("ordergate", "SERVICE"), Log: tel.Log})
	if err != nil {
		return nil, err
	}
	return product(ctx, pool, clock, tel, conn)
}

// absent stands for evaluation.
type absent struct{}

// Invoke implements grpc.ClientConnInterface.
func (absent) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return status.Error(codes.Unavailable, "evaluation is not part of this proof")
}

// NewStream implements grpc.ClientConnInterface.
func (absent) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unavailable, "evaluation is not part of this proof")
}
