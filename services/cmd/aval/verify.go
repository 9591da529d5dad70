package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/suite"
	"github.com/avalcredit/aval/services/suite/access"
)

type verifyCommand struct {
	Server      string `placeholder:"HOST:PORT" help:"gRPC address of the suite; default: the one that serves from the data folder, else the data folder itself."`
	Evaluation  string `placeholder:"HOST:PORT" env:"AVAL_EVALUATION_ADDR" help:"Address of evaluation, where the phases run on their own."`
	OrderGate   string `name:"ordergate" placeholder:"HOST:PORT" env:"AVAL_ORDERGATE_ADDR" help:"Address of the order gate, likewise."`
	Receivables string `placeholder:"HOST:PORT" env:"AVAL_RECEIVABLES_ADDR" help:"Address of receivables, likewise."`
	TokenFile   string `placeholder:"FILE" help:"File with an access token of an OPERATOR, AUDITOR or CREDIT_MANAGER; default: a development token."`
	DataDir     string `placeholder:"DIR" help:"Data folder of the suite; default: as serve has it."`
}

// errBroken ends the program with exit code 1.
var errBroken = errors.New("hash chains do not hold")

// Run verifies and prints a table.
func (c *verifyCommand) Run(ctx context.Context) error {
	cfg, err := suite.Load()
	if err != nil {
		return err
	}
	if c.DataDir != "" {
		cfg.DataDir = c.DataDir
	}
	if cfg.DataDir == "" {
		if cfg.DataDir, err = suite.DefaultDataDir(); err != nil {
			return err
		}
	}
	if serving, ok := suite.ServingOn(cfg.DataDir); ok && c.Server == "" {
		c.Server = serving.GRPC
	}
	targets := []string{c.Evaluation, c.OrderGate, c.Receivables}
	for i := range targets {
		if targets[i] == "" {
			targets[i] = c.Server
		}
	}
	if slices.Contains(targets, "") {
		return embedded(ctx, cfg)
	}
	return c.remote(ctx, targets, cfg.DataDir)
}

// remote verifies services that run, at the addresses in the order of a credit sale.
func (c *verifyCommand) remote(ctx context.Context, addrs []string, dataDir string) error {
	var conns []grpc.ClientConnInterface
	for _, addr := range addrs {
		target, err := access.TargetOf(addr, c.TokenFile, dataDir)
		if err != nil {
			return err
		}
		s, err := access.Dial(ctx, target)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }() // nothing is lost with it
		if ctx, err = operator(ctx, s); err != nil {
			return err
		}
		conns = append(conns, s.Conn())
	}
	return report(ctx, host.Conns{Evaluation: conns[0], OrderGate: conns[1], Receivables: conns[2]})
}

// operator is the caller where development tokens are at hand; once is enough for all connections.
func operator(ctx context.Context, s *access.Suite) (context.Context, error) {
	if set, ok := metadata.FromOutgoingContext(ctx); ok && len(set.Get("authorization")) > 0 {
		return ctx, nil
	}
	return s.As(ctx, suite.SubjectOf("OPERATOR"), "OPERATOR")
}

// embedded starts the suite on the data folder for as long as it takes.
func embedded(ctx context.Context, cfg suite.Config) error {
	cfg.HTTP.Addr, cfg.GRPC.Addr = "127.0.0.1:0", "127.0.0.1:0"
	if cfg.Log.Level == "" {
		cfg.Log.Level = "error"
	}
	s, err := suite.Start(ctx, cfg)
	if err != nil {
		return err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	return s.Run(ctx, func(ctx context.Context, s *suite.Suite) error {
		defer done()
		issuer := s.Issuer()
		if issuer == nil {
			return fmt.Errorf("%w: start the suite and name it with --server and --token-file", suite.ErrNoIssuer)
		}
		conn, err := s.Dial(ctx, issuer.Source(suite.SubjectOf("OPERATOR"), "OPERATOR"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // nothing is lost with it
		return report(ctx, host.OneConn(conn))
	})
}

func report(ctx context.Context, conns host.Conns) error {
	results, err := suite.VerifyChains(ctx, conns)
	if err != nil {
		return err
	}
	fmt.Printf("%-12s %10s %12s %8s\n", "phase", "chains", "entries", "breaks")
	broken := false
	for _, r := range results {
		fmt.Printf("%-12s %10d %12d %8d\n", r.Phase, r.Chains, r.Entries, len(r.Breaks))
		broken = broken || len(r.Breaks) > 0
	}
	for _, r := range results {
		for _, b := range r.Breaks {
			fmt.Fprintf(os.Stderr, "%s: %s, entry %d: %s\n", r.Phase, b.Chain, b.Sequence, b.Problem)
		}
	}
	if broken {
		return errBroken
	}
	return nil
}
