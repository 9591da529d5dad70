package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/telemetry"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate"
)

// ready is what a serving process tells the one that measures it.
type ready struct {
	Gate, Echo   string // addresses
	Token, Feeds string // of an order module, of a service
}

// serve runs the gate as it runs in production - tokens, roles, validation, traces, metrics - in a process of its own, and beside it an
// echo: gRPC without any work.
func serve(ctx context.Context, dsn string, out io.Writer) error {
	ctx = endWithParent(ctx, out)
	tel, err := telemetry.New(ctx, telemetry.Config{Service: "ordergated", LogLevel: "warn", LogWriter: os.Stderr})
	if err != nil {
		return err
	}
	pool, err := pg.Open(ctx, pg.Config{URL: dsn, Schema: ordergate.Schema, MaxConns: 16, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	defer pool.Close()
	loc, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		return err
	}
	clock := calendar.SystemClock(loc)
	dir, err := os.MkdirTemp("", "aval-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	issuer, err := authn.NewIssuer(dir)
	if err != nil {
		return err
	}
	srv, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0"},
		grpcserver.Deps{Log: tel.Log, Verifier: issuer, Clock: clock, Tracer: tel.Tracer, Meter: tel.Meter, Registry: tel.Registry})
	if err != nil {
		return err
	}
	gate, err := ordergate.New(ctx, ordergate.Deps{Pool: pool, Clock: clock, Log: tel.Log, PageKey: []byte("bench"), Evaluation: absent{}})
	if err != nil {
		return err
	}
	gate.Register(srv.Registrar())
	addr, err := srv.Listen()
	if err != nil {
		return err
	}
	echo, echoAddr, err := echoServer()
	if err != nil {
		return err
	}
	r := ready{Gate: addr.String(), Echo: echoAddr}
	if r.Token, err = issuer.Token([]string{"ERP"}, "order-module", time.Hour); err != nil {
		return err
	}
	if r.Feeds, err = issuer.Token([]string{"SERVICE"}, "evaluation", time.Hour); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	return lifecycle.Run(ctx, tel.Log,
		lifecycle.Task{Name: "gate", Run: gate.Run},
		lifecycle.Task{Name: "grpc", Run: srv.Run},
		lifecycle.Task{Name: "echo", Run: echo},
	)
}

// endWithParent ends ctx when the process that started this one closes its end of the pipe; until then it answers what it is asked.
func endWithParent(ctx context.Context, out io.Writer) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		answerUsage(bufio.NewScanner(os.Stdin), json.NewEncoder(out))
		cancel()
	}()
	return ctx
}

// absent stands for evaluation, which the gate never asks here: all customers are known.
type absent struct{}

// Invoke implements grpc.ClientConnInterface.
func (absent) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return status.Error(codes.Unavailable, "evaluation is not part of this measurement")
}

// NewStream implements grpc.ClientConnInterface.
func (absent) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unavailable, "evaluation is not part of this measurement")
}

// echo answers a submission with one of the usual size, without work.
type echo struct {
	pb.UnimplementedOrderServiceServer
	answer *pb.SubmitOrderResponse
}

// SubmitOrder implements the contract.
func (e *echo) SubmitOrder(context.Context, *pb.SubmitOrderRequest) (*pb.SubmitOrderResponse, error) {
	return e.answer, nil
}

func echoServer() (run func(context.Context) error, addr string, err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := grpc.NewServer()
	answer := &pb.SubmitOrderResponse{Order: newOrder("customer", "order", 100), Decision: &pb.Decision{DecisionId: "customer.1", Hash: fmt.Sprintf("%064d", 0)}}
	for i := range 6 {
		answer.Decision.Results = append(answer.Decision.Results, &pb.RuleResult{
			Rule: "rule_" + string(rune('a'+i)), Outcome: pb.Outcome_OUTCOME_PASS,
			Figures: []*pb.Figure{{Name: "exposure_before", Value: "12345.67"}, {Name: "exposure_after", Value: "23456.78"}, {Name: "limit", Value: "100000.00"}},
		})
	}
	pb.RegisterOrderServiceServer(s, &echo{answer: answer})
	return func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, s.Stop)
		defer stop()
		return s.Serve(l)
	}, l.Addr().String(), nil
}
