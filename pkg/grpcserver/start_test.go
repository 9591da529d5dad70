package grpcserver_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
)

const patience = 20 * time.Second

// running is a server on a free port of this machine, and a plain client without any of our own interceptors.
type running struct {
	*grpcserver.Server
	conn   *grpc.ClientConn
	issuer *authn.Issuer
	log    *buffer
	stop   func() error // ends the server and returns what Run returned
}

func start(t *testing.T, cfg grpcserver.Config, deps grpcserver.Deps, handle echo.Handler) *running {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	must(t, err)
	r := &running{issuer: issuer, log: &buffer{}}
	cfg.Addr = "127.0.0.1:0"
	if cfg.DrainDelay == 0 {
		cfg.DrainDelay = -1
	}
	deps.Log = slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if deps.Verifier == nil {
		deps.Verifier = issuer
	}
	r.Server, err = grpcserver.New(cfg, deps)
	must(t, err)
	echo.Register(r.Registrar(), "EchoService", handle)
	addr, err := r.Listen()
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	r.conn, err = grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() {
		_ = r.conn.Close()
		if err := r.stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return r
}

// as returns a context that calls with a good token.
func (r *running) as(t *testing.T, subject string, roles ...string) context.Context {
	t.Helper()
	token, err := r.issuer.Token(roles, subject, time.Hour)
	must(t, err)
	return withToken(limited(t), token)
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func repeat(_ context.Context, _, text string) (string, error) { return text, nil }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want checks code and reason of an answer.
func want(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if got := status.Code(err); got != code {
		t.Fatalf("code is %v, want %v (%v)", got, code, err)
	}
	if got := info(err).GetReason(); got != reason {
		t.Fatalf("reason is %q, want %q (%v)", got, reason, err)
	}
}

func info(err error) *errdetails.ErrorInfo { return detail[*errdetails.ErrorInfo](err) }

func detail[T any](err error) T {
	var none T
	for _, d := range status.Convert(err).Details() {
		if found, ok := d.(T); ok {
			return found
		}
	}
	return none
}

func cases[T any](t *testing.T, file string) []T {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var list []T
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	must(t, decoder.Decode(&list))
	return list
}

// buffer is a log that is written and read at once.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
