package suite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pgdev"
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/host/evaluationphase"
	"github.com/avalcredit/aval/services/host/front"
	"github.com/avalcredit/aval/services/host/ordergatephase"
	"github.com/avalcredit/aval/services/host/receivablesphase"
)

const (
	program = "aval"
	// These bound the steps of ending, so that all of it is over within ten seconds of the signal.
	drainDelay   = 200 * time.Millisecond
	drainTimeout = 2 * time.Second
	closeGrace   = 3 * time.Second
	// tokenTTL is how long development tokens are good for.
	tokenTTL = 30 * 24 * time.Hour
)

// ErrNoIssuer is the error of TokenFor where tokens come from an OIDC provider.
var ErrNoIssuer = errors.New("tokens come from the OIDC provider; the suite makes none")

// Suite is everything in one process: Start, Run.
type Suite struct {
	cfg     Config
	base    host.Base
	folder  *folderLock
	db      *pgdev.Server // nil where another database is named
	issuer  *authn.Issuer // nil outside development mode
	node    *host.Node
	front   *front.Front
	closers lifecycle.Closers

	httpAddr, grpcAddr string
}

// Start opens and migrates the database, builds all services and opens the ports; nothing is served before Run. On an
// error everything is closed again.
func Start(ctx context.Context, cfg Config) (_ *Suite, err error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Suite{cfg: cfg, closers: lifecycle.Closers{Grace: closeGrace}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if s.base, err = cfg.NewBase(ctx, program); err != nil {
		return nil, err
	}
	s.closers.Add("telemetry", s.base.Telemetry.Shutdown)
	if err := s.takeFolder(); err != nil {
		return nil, err
	}
	if err := s.openDatabase(ctx); err != nil {
		return nil, err
	}
	if err := s.buildNode(ctx); err != nil {
		return nil, err
	}
	if err := s.openFront(ctx); err != nil {
		return nil, err
	}
	s.warn(ctx)
	return s, s.folder.announce(Serving{PID: os.Getpid(), HTTP: s.httpAddr, GRPC: s.grpcAddr})
}

// warn speaks up where development mode can be reached by others: whoever can read the data folder is anybody there.
func (s *Suite) warn(ctx context.Context) {
	for _, addr := range []string{s.cfg.HTTP.Addr, s.cfg.GRPC.Addr} {
		name, _, err := net.SplitHostPort(addr)
		if ip := net.ParseIP(name); s.cfg.Development() && err == nil && name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			s.Log().WarnContext(ctx, "development mode on an address that others can reach; set AVAL_OIDC_ISSUER", "addr", addr)
		}
	}
}

func (s *Suite) takeFolder() error {
	if err := makeDataDir(s.cfg.DataDir); err != nil {
		return err
	}
	var err error
	if s.folder, err = lockFolder(s.cfg.DataDir); err != nil {
		return err
	}
	s.closers.Add("data folder", func(context.Context) error { return s.folder.release() })
	return nil
}

// openDatabase starts a private PostgreSQL where no database is named.
func (s *Suite) openDatabase(ctx context.Context) error {
	if !s.cfg.Database.URL.IsZero() {
		return nil
	}
	s.Log().InfoContext(ctx, "starting a private PostgreSQL", "dir", s.cfg.DataDir)
	db, err := pgdev.Start(ctx, pgdev.Config{Dir: filepath.Join(s.cfg.DataDir, databaseDir), Ephemeral: s.cfg.Ephemeral})
	if err != nil {
		return fmt.Errorf("private PostgreSQL: %w", err)
	}
	s.db = db
	s.closers.Add("private PostgreSQL", func(context.Context) error { return db.Stop() })
	s.cfg.Database.URL = config.NewSecret(db.DSN("postgres"))
	return nil
}

// buildNode builds the phases; they reach each other by the node's own address, known once it listens.
func (s *Suite) buildNode(ctx context.Context) error {
	verifier, token, err := s.callers(ctx)
	if err != nil {
		return err
	}
	key := []byte(s.cfg.Page.Key.Reveal())
	if len(key) == 0 {
		if key, err = pageKey(s.cfg.DataDir); err != nil {
			return err
		}
	}
	late := map[string]*host.Late{}
	s.node, err = host.NewNode(ctx, host.NodeConfig{
		Base: s.base, GRPC: s.cfg.GRPC, DevClock: s.cfg.Development(), Verifier: verifier,
		WebhookHosts: s.cfg.Webhooks.Hosts,
		Database:     s.cfg.Database, Migrate: true, PageKey: key, DrainDelay: drainDelay, DrainTimeout: drainTimeout,
		Conns: func(phase string) host.Conns {
			conn := host.NewLate()
			late[phase] = conn
			return host.OneConn(conn)
		},
	}, evaluationphase.Phase(), ordergatephase.Phase(), receivablesphase.Phase())
	if err != nil {
		return err
	}
	s.closers.Add("services", s.node.Close)
	addr, err := s.node.Listen()
	if err != nil {
		return err
	}
	s.grpcAddr = host.LoopbackOf(addr)
	for phase, conn := range late {
		made, err := host.DialService(ctx, s.base, s.grpcAddr, token(phase))
		if err != nil {
			return err
		}
		s.closers.Add("connection of "+phase, func(context.Context) error { return made.Close() })
		conn.Set(made)
	}
	return nil
}

// callers says whose tokens are accepted, and in whose name each phase calls.
func (s *Suite) callers(ctx context.Context) (authn.Verifier, func(phase string) authn.TokenSource, error) {
	if !s.cfg.Development() {
		verifier, err := s.cfg.OIDC.Verifier(ctx, s.base.Clock)
		token := authn.FileToken(s.cfg.Service.TokenFile)
		return verifier, func(string) authn.TokenSource { return token }, err
	}
	issuer, err := authn.NewIssuerWithClock(s.cfg.DataDir, s.base.Clock)
	if err != nil {
		return nil, nil, err
	}
	s.issuer = issuer
	return issuer, func(phase string) authn.TokenSource { return issuer.Source("service-"+phase, authn.RoleService) }, nil
}

func (s *Suite) openFront(ctx context.Context) error {
	own := host.Listen{Addr: s.grpcAddr}
	f, err := front.New(ctx, front.Config{
		Base: s.base, HTTP: s.cfg.HTTP, Metrics: true, DrainTimeout: drainTimeout,
		Peers: host.Peers{Evaluation: own, OrderGate: own, Receivables: own},
	})
	if err != nil {
		return err
	}
	s.front = f
	s.closers.Add("gateway", f.Close)
	addr, err := f.Addr()
	if err != nil {
		return err
	}
	s.httpAddr = host.LoopbackOf(addr)
	return nil
}

// Run serves until ctx ends, and with it each task, which is started once the suite is ready. It ends in order: the
// gateway first, then the services, stores last; and it closes the suite. A task that returns an error ends the suite.
func (s *Suite) Run(ctx context.Context, tasks ...func(ctx context.Context, s *Suite) error) (err error) {
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	calls, noCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer noCalls()
	all := []lifecycle.Task{
		{Name: "gateway", Run: func(ctx context.Context) error {
			defer noCalls() // the services end after the last request has got its answer
			return s.front.Run(ctx)
		}},
		{Name: "services", Run: func(context.Context) error { return s.node.Run(calls) }},
	}
	if s.db != nil {
		all = append(all, lifecycle.Task{Name: "private PostgreSQL", Run: s.db.Run})
	}
	for _, task := range tasks {
		all = append(all, lifecycle.Task{Name: "task", Run: func(ctx context.Context) error {
			if err := s.AwaitReady(ctx); err != nil {
				return err
			}
			return task(ctx, s)
		}})
	}
	return lifecycle.Run(ctx, s.Log(), all...)
}

// readyPoll is how often AwaitReady looks.
const readyPoll = 10 * time.Millisecond

// AwaitReady returns when the suite, which is being run, takes calls, or with the error of ctx.
func (s *Suite) AwaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for s.node.Ready(ctx) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close closes a suite that is not run, stores last. After Run it does nothing.
func (s *Suite) Close(ctx context.Context) error { return s.closers.Close(ctx) }

// HTTPAddr is where REST is served, "host:port" with the real port.
func (s *Suite) HTTPAddr() string { return s.httpAddr }

// GRPCAddr is where all services are served, "host:port" with the real port.
func (s *Suite) GRPCAddr() string { return s.grpcAddr }

// DataDir is the folder with what is kept.
func (s *Suite) DataDir() string { return s.cfg.DataDir }

// PrivateDatabase is the folder of the private PostgreSQL, empty where another database is named.
func (s *Suite) PrivateDatabase() string {
	if s.db == nil {
		return ""
	}
	return s.db.Dir()
}

// DatabaseURL names the database, with its password.
func (s *Suite) DatabaseURL() config.Secret { return s.cfg.Database.URL }

// Log is the suite's log.
func (s *Suite) Log() *slog.Logger { return s.base.Log() }

// Issuer makes development tokens; it is nil where tokens come from an OIDC provider.
func (s *Suite) Issuer() *authn.Issuer { return s.issuer }

// TokenFor makes a development token for the subject with the role, good for thirty days.
func (s *Suite) TokenFor(role, subject string) (string, error) {
	if s.issuer == nil {
		return "", ErrNoIssuer
	}
	return s.issuer.Token([]string{role}, subject, tokenTTL)
}

// Dial connects to the suite's services in the name the token gives, nil for calls that carry a token themselves.
// The business date of a call's context goes with it, and errors are *errs.Error. The caller closes the connection.
func (s *Suite) Dial(ctx context.Context, token authn.TokenSource) (*grpc.ClientConn, error) {
	return host.DialService(ctx, s.base, s.grpcAddr, token)
}
