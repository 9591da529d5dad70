package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
)

const (
	// watchEvery is how often the database is asked whether it is there.
	watchEvery   = 2 * time.Second
	watchTimeout = time.Second
	// closeGrace bounds each step of closing a node.
	closeGrace = 2 * time.Second

	// Of programs on their own; the suite, which a person waits for, sets shorter ones.
	drainDelay   = time.Second
	drainTimeout = 20 * time.Second
)

// NodeConfig is what a node needs from the program around it.
type NodeConfig struct {
	// Base is the program's.
	Base Base
	// GRPC is the address to serve on.
	GRPC Listen
	// DevClock lets callers set the business date of their call. For development only.
	DevClock bool
	// WebhookHosts are the names to which stops and releases may be posted.
	WebhookHosts []string
	// DrainDelay is how long calls are still taken after the node has said that it is not ready; 0 means 1 s.
	DrainDelay time.Duration
	// DrainTimeout bounds the wait for running calls after that; 0 means 20 s.
	DrainTimeout time.Duration
	// Verifier says who is calling.
	Verifier authn.Verifier
	// Database holds the phases' schemas.
	Database Database
	// Migrate brings the schemas to this build's tables first.
	Migrate bool
	// PageKey signs page tokens.
	PageKey []byte
	// Conns gives the connections that the named phase calls others by.
	Conns func(phase string) Conns
}

// Node is one gRPC server and the phases that run on it: one in a program of its own, all in the suite.
type Node struct {
	base    Base
	server  *grpcserver.Server
	phases  []running
	closers lifecycle.Closers
	serving atomic.Bool
}

type running struct {
	name    string
	service Service
	pool    *pgxpool.Pool
}

// NewNode opens the database, migrates if told so, and builds server and phases. It calls no other service.
func NewNode(ctx context.Context, cfg NodeConfig, phases ...Phase) (_ *Node, err error) {
	if cfg.DrainDelay == 0 {
		cfg.DrainDelay = drainDelay
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = drainTimeout
	}
	n := &Node{base: cfg.Base, closers: lifecycle.Closers{Grace: closeGrace}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close(ctx))
		}
	}()
	t := cfg.Base.Telemetry
	n.server, err = grpcserver.New(
		grpcserver.Config{Addr: cfg.GRPC.Addr, DevClock: cfg.DevClock, DrainDelay: cfg.DrainDelay, DrainTimeout: cfg.DrainTimeout},
		grpcserver.Deps{
			Log: t.Log, Verifier: cfg.Verifier, Clock: cfg.Base.Clock, Tracer: t.Tracer, Meter: t.Meter, Registry: t.Registry,
		})
	if err != nil {
		return nil, err
	}
	for _, phase := range phases {
		if err := n.add(ctx, cfg, phase); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) add(ctx context.Context, cfg NodeConfig, phase Phase) error {
	if cfg.Database.RequestDays < 0 {
		return fmt.Errorf("database.request_days is %d: requests are remembered for one day at least", cfg.Database.RequestDays)
	}
	pool, err := phase.open(ctx, cfg.Database, cfg.Base)
	if err != nil {
		return err
	}
	n.closers.Add(phase.Name+" database", func(context.Context) error {
		pool.Close()
		return nil
	})
	service, err := phase.build(ctx, Parts{
		Conns: cfg.Conns(phase.Name), Pool: pool, Clock: cfg.Base.Clock, Zone: cfg.Base.Zone, FontFile: cfg.Base.FontFile, Mail: cfg.Base.Mail, Log: cfg.Base.Log(),
		PageKey: cfg.PageKey, Migrate: cfg.Migrate, DevClock: cfg.DevClock, RequestDays: cfg.Database.RequestDays,
		WebhookHosts: cfg.WebhookHosts,
	})
	if err != nil {
		return err
	}
	n.closers.Add(phase.Name, service.Close)
	service.Register(n.server.Registrar())
	n.phases = append(n.phases, running{phase.Name, service, pool})
	return nil
}

// Listen opens the port and returns the address, with the real port.
func (n *Node) Listen() (net.Addr, error) { return n.server.Listen() }

// Run serves until ctx ends. The phases' own work ends after the last call has got its answer.
func (n *Node) Run(ctx context.Context) error {
	work, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	tasks := []lifecycle.Task{
		{Name: "gRPC", Run: func(ctx context.Context) error {
			defer done()
			return n.server.Run(ctx)
		}},
		{Name: "readiness", Run: n.watch},
	}
	for _, phase := range n.phases {
		tasks = append(tasks, lifecycle.Task{Name: phase.name, Run: func(context.Context) error { return phase.service.Run(work) }})
	}
	return lifecycle.Run(ctx, n.base.Log(), tasks...)
}

// watch says that the node is ready while its database answers, and that it is not when it does not.
func (n *Node) watch(ctx context.Context) error {
	n.server.SetServing(grpcserver.Startup, true)
	defer n.serving.Store(false)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		err := n.ping(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if was := n.serving.Swap(err == nil); was != (err == nil) {
			n.server.SetServing(grpcserver.Ready, err == nil)
			n.base.Log().InfoContext(ctx, "readiness changed", "ready", err == nil, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (n *Node) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	for _, phase := range n.phases {
		if err := phase.pool.Ping(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ready returns nil while calls may be sent here.
func (n *Node) Ready(context.Context) error {
	if !n.serving.Load() {
		return errors.New("not ready")
	}
	return nil
}

// Close closes the phases and then their pools, after Run has returned.
func (n *Node) Close(ctx context.Context) error { return n.closers.Close(ctx) }
