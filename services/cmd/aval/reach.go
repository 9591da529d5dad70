package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/avalcredit/aval/services/suite"
	"github.com/avalcredit/aval/services/suite/access"
)

// reach is how a command of the operator finds the suite it works on.
type reach struct {
	Server      string `placeholder:"HOST:PORT" help:"gRPC address of a suite; default: the one that serves from the data folder, else this process runs one on the data folder."`
	Evaluation  string `placeholder:"HOST:PORT" env:"AVAL_EVALUATION_ADDR" help:"Address of evaluation, where the phases run on their own."`
	OrderGate   string `name:"ordergate" placeholder:"HOST:PORT" env:"AVAL_ORDERGATE_ADDR" help:"Address of the order gate, likewise."`
	Receivables string `placeholder:"HOST:PORT" env:"AVAL_RECEIVABLES_ADDR" help:"Address of receivables, likewise."`
	Embedded    bool   `help:"Run a suite on the data folder in this process for as long as the command takes."`
	TokenFile   string `placeholder:"FILE" help:"File with an access token; default: development tokens, made with the key in the data folder."`
	DataDir     string `placeholder:"DIR" help:"Data folder of the suite; default: as serve has it."`
}

// with calls use on a connection to the suite.
func (r *reach) with(ctx context.Context, use func(ctx context.Context, s *access.Suite) error) error {
	phases := r.phases()
	if r.Embedded && (r.Server != "" || len(phases) > 0) {
		return errors.New("--embedded and the address of a suite exclude each other")
	}
	cfg, err := suite.Load()
	if err != nil {
		return err
	}
	if r.DataDir != "" {
		cfg.DataDir = r.DataDir
	}
	if cfg.DataDir == "" {
		if cfg.DataDir, err = suite.DefaultDataDir(); err != nil {
			return err
		}
	}
	addr := r.Server
	if serving, ok := suite.ServingOn(cfg.DataDir); ok && addr == "" && len(phases) == 0 && !r.Embedded {
		addr = serving.GRPC
	}
	if addr == "" && len(phases) == 0 {
		return inProcess(ctx, cfg, use)
	}
	target, err := access.TargetOf(addr, r.TokenFile, cfg.DataDir)
	if err != nil {
		return err
	}
	target.Phases = phases
	return dialed(ctx, target, use)
}

// phases are the addresses of phases that run on their own.
func (r *reach) phases() map[string]string {
	named := map[string]string{access.Evaluation: r.Evaluation, access.OrderGate: r.OrderGate, access.Receivables: r.Receivables}
	maps.DeleteFunc(named, func(_, addr string) bool { return addr == "" })
	return named
}

func dialed(ctx context.Context, target access.Target, use func(ctx context.Context, s *access.Suite) error) error {
	s, err := access.Dial(ctx, target)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // every call was answered or given up
	return use(ctx, s)
}

// inProcess runs a suite on the data folder for as long as it is used.
func inProcess(ctx context.Context, cfg suite.Config, use func(ctx context.Context, s *access.Suite) error) error {
	cfg.HTTP.Addr, cfg.GRPC.Addr = "127.0.0.1:0", "127.0.0.1:0"
	if cfg.Log.Level == "" {
		cfg.Log.Level = "error" // the terminal shows the progress
	}
	s, err := suite.Start(ctx, cfg)
	if err != nil {
		return err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	var failed error
	err = s.Run(ctx, func(ctx context.Context, s *suite.Suite) error {
		defer done()
		if s.Issuer() == nil {
			failed = fmt.Errorf("%w: start the suite and name it with --server and --token-file", suite.ErrNoIssuer)
			return nil
		}
		// What the command has to say is kept apart from how the suite ended.
		failed = dialed(ctx, access.Target{Addr: s.GRPCAddr(), Issuer: s.Issuer()}, use)
		return nil
	})
	return errors.Join(failed, err)
}
