package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/httpserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

// Exit codes of the programs.
const (
	exitOK     = 0
	exitFailed = 1
)

// Main is a program: it parses nothing, runs until the work is done or SIGINT or SIGTERM ends it, and returns the exit
// code. A second signal ends the process at once.
func Main(name string, stderr io.Writer, run func(ctx context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	tuneCollector()
	if err := run(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return exitFailed
	}
	return exitOK
}

// tuneCollector lets the heap grow to five times what lives before it is collected: little lives in these programs, and collecting it
// often took a fifth of the gate's time under load. GOGC and GOMEMLIMIT of the environment count as always.
func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// PhaseMain is the main function of a program that runs one phase; it ends the process.
func PhaseMain(program string, phase Phase) {
	var cli struct {
		Migrate bool             `help:"Bring the database schema to this build's tables and exit."`
		Version kong.VersionFlag `help:"Print the version and exit."`
	}
	kong.Parse(&cli, kong.Name(program), kong.Vars{"version": Version()},
		kong.Description("Runs one phase of Aval. Settings come from the environment, AVAL_..., and the file AVAL_CONFIG names."))
	os.Exit(Main(program, os.Stderr, func(ctx context.Context) error {
		var cfg PhaseConfig
		if err := config.Load(Prefix, &cfg); err != nil {
			return err
		}
		if cli.Migrate {
			return migrate(ctx, program, phase, cfg)
		}
		return RunPhase(ctx, program, phase, cfg)
	}))
}

func migrate(ctx context.Context, program string, phase Phase, cfg PhaseConfig) error {
	if err := cfg.needDatabase(); err != nil {
		return err
	}
	base, err := cfg.NewBase(ctx, program)
	if err != nil {
		return err
	}
	err = phase.MigrateOnly(ctx, cfg.Database, base)
	return errors.Join(err, base.Telemetry.Shutdown(context.WithoutCancel(ctx)))
}

// RunPhase runs one phase as a program of its own until ctx ends. It needs the schema to be there and does not wait
// for other services.
func RunPhase(ctx context.Context, program string, phase Phase, cfg PhaseConfig) (err error) {
	if err := cfg.complete(); err != nil {
		return err
	}
	base, err := cfg.NewBase(ctx, program)
	if err != nil {
		return err
	}
	closers := &lifecycle.Closers{}
	defer func() { err = errors.Join(err, closers.Close(ctx)) }()
	closers.Add("telemetry", base.Telemetry.Shutdown)
	verifier, err := cfg.OIDC.Verifier(ctx, base.Clock)
	if err != nil {
		return err
	}
	conns, err := cfg.dial(ctx, base, closers)
	if err != nil {
		return err
	}
	node, err := NewNode(ctx, NodeConfig{
		Base: base, GRPC: cfg.GRPC, Verifier: verifier, Database: cfg.Database, WebhookHosts: cfg.Webhooks.Hosts,
		PageKey: []byte(cfg.Page.Key.Reveal()), Conns: func(string) Conns { return conns },
	}, phase)
	if err != nil {
		return err
	}
	closers.Add(phase.Name, node.Close)
	tasks := []lifecycle.Task{{Name: "node", Run: node.Run}}
	if cfg.Admin.Addr != "" {
		admin, err := NewAdmin(base, cfg.Admin, node.Ready)
		if err != nil {
			return err
		}
		tasks = append(tasks, lifecycle.Task{Name: "admin", Run: admin.Run})
	}
	return lifecycle.Run(ctx, base.Log(), tasks...)
}

// NewAdmin serves probes and metrics on a port of their own.
func NewAdmin(base Base, at Listen, ready func(context.Context) error) (*httpserver.Server, error) {
	probes := httpserver.Probes{Ready: ready, Metrics: base.Telemetry.Handler()}
	return httpserver.New(httpserver.Config{Addr: at.Addr, DrainTimeout: time.Second}, probes.Handler(), base.Log())
}

// dial connects to the other services, all with the token of the file.
func (c *PhaseConfig) dial(ctx context.Context, base Base, closers *lifecycle.Closers) (Conns, error) {
	token := authn.FileToken(c.Service.TokenFile)
	var made [3]*grpc.ClientConn
	for i, target := range []string{c.Peers.Evaluation.Addr, c.Peers.OrderGate.Addr, c.Peers.Receivables.Addr} {
		conn, err := DialService(ctx, base, target, token)
		if err != nil {
			return Conns{}, err
		}
		closers.Add("connection to "+target, func(context.Context) error { return conn.Close() })
		made[i] = conn
	}
	return Conns{Evaluation: made[0], OrderGate: made[1], Receivables: made[2]}, nil
}
