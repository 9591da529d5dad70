package suite_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/suite"
)

// system is a running suite in either form, as a client sees it.
type system struct {
	http  string                                          // "http://host:port"
	grpc  map[string]string                               // phase to address
	token func(t testing.TB, role, subject string) string // one that is accepted
	conns map[string]*grpc.ClientConn                     // phase to a connection without a token
	stop  func(t testing.TB)                              // ends it in order and checks that it does
}

func (s *system) dial(t testing.TB) {
	t.Helper()
	s.conns = map[string]*grpc.ClientConn{}
	for phase, addr := range s.grpc {
		conn, err := grpcclient.Dial(t.Context(), addr, grpcclient.Options{ForwardBusinessDate: true, Timeout: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		s.conns[phase] = conn
	}
}

// forms are the two ways to run the same services.
func forms() map[string]func(t testing.TB) *system {
	return map[string]func(t testing.TB) *system{"one process": oneProcess, "five processes": fiveProcesses}
}

func oneProcess(t testing.TB) *system {
	t.Helper()
	return serve(t, suite.Config{Database: hostDatabase(pgtest.Database(t))})
}

// serve runs the suite in this process until the test ends.
func serve(t testing.TB, cfg suite.Config) *system {
	t.Helper()
	cfg.HTTP.Addr, cfg.GRPC.Addr = "127.0.0.1:0", "127.0.0.1:0"
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	if cfg.Log.Level == "" {
		cfg.Log.Level = "error"
	}
	s, err := suite.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		ended <- s.Run(ctx, func(context.Context, *suite.Suite) error {
			close(ready)
			return nil
		})
	}()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the suite ended with %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the suite ended at once: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the suite is not ready after a minute")
	}
	system := &system{
		http: "http://" + s.HTTPAddr(),
		grpc: map[string]string{"evaluation": s.GRPCAddr(), "ordergate": s.GRPCAddr(), "receivables": s.GRPCAddr()},
		token: func(t testing.TB, role, subject string) string {
			t.Helper()
			token, err := s.TokenFor(role, subject)
			if err != nil {
				t.Fatal(err)
			}
			return token
		},
		stop: func(t testing.TB) {
			t.Helper()
			if err := stop(); err != nil {
				t.Errorf("the suite ended with %v", err)
			}
		},
	}
	system.dial(t)
	return system
}

func fiveProcesses(t testing.TB) *system {
	t.Helper()
	return processes(t, phases()...)
}

func phases() []string { return []string{"evaluation", "ordergate", "receivables"} }

// processes runs the gateway and the phases named; the others have an address at which nobody answers. A phase that is
// named again runs as a further replica, to which there is a connection under its name and its place: "ordergate 2".
func processes(t testing.TB, run ...string) *system {
	t.Helper()
	bin := programs(t)
	provider := newProvider(t)
	system := &system{grpc: map[string]string{}, token: provider.token}
	for _, phase := range phases() {
		system.grpc[phase] = freeAddr(t)
	}
	env := environment(t, system, provider)
	var started []*process
	for i, phase := range run {
		addr := system.grpc[phase]
		if slices.Contains(run[:i], phase) {
			addr = freeAddr(t)
			system.grpc[fmt.Sprintf("%s %d", phase, i+1)] = addr
		}
		program := filepath.Join(bin, phase+"d")
		migrate := exec.CommandContext(t.Context(), program, "--migrate") //nolint:gosec // built above
		migrate.Env = env
		if out, err := migrate.CombinedOutput(); err != nil {
			t.Fatalf("%s --migrate: %v\n%s", phase, err, out)
		}
		started = append(started, start(t, program, append(env, "AVAL_GRPC_ADDR="+addr)))
	}
	front := freeAddr(t)
	system.http = "http://" + front
	started = append(started, start(t, filepath.Join(bin, "gatewayd"), append(env, "AVAL_HTTP_ADDR="+front)))
	for _, p := range started {
		p.awaitReady(t)
	}
	system.stop = func(t testing.TB) {
		t.Helper()
		for i := len(started) - 1; i >= 0; i-- {
			started[i].end(t)
		}
	}
	system.dial(t)
	return system
}

// environment is what all programs of a system are told.
func environment(t testing.TB, system *system, provider *provider) []string {
	t.Helper()
	dir := t.TempDir()
	service, key := filepath.Join(dir, "service.token"), filepath.Join(dir, "page.key")
	for path, text := range map[string]string{service: provider.token(t, "SERVICE", "aval-services"), key: strings.Repeat("k", 32)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AVAL_DATABASE_URL=" + pgtest.Database(t), "AVAL_LOG_LEVEL=warn",
		"AVAL_OIDC_ISSUER=" + provider.url, "AVAL_OIDC_AUDIENCE=aval", "AVAL_OIDC_SERVICE_SUBJECTS=aval-services",
		"AVAL_SERVICE_TOKEN_FILE=" + service, "AVAL_PAGE_KEY_FILE=" + key,
	}
	for phase, addr := range system.grpc {
		env = append(env, "AVAL_"+strings.ToUpper(phase)+"_ADDR="+addr)
	}
	return slices.Clip(env)
}

// process is a program that runs until the test ends.
type process struct {
	name  string
	admin string
	cmd   *exec.Cmd
	log   *bytes.Buffer
	ended chan error
	once  sync.Once
}

func start(t testing.TB, program string, env []string) *process {
	t.Helper()
	p := &process{name: filepath.Base(program), admin: freeAddr(t), log: &bytes.Buffer{}, ended: make(chan error, 1)}
	p.cmd = exec.Command(program) //nolint:gosec,noctx // built by the test, ended by it
	p.cmd.Env = append(env, "AVAL_ADMIN_ADDR="+p.admin)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.end(t)
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.name, p.log)
		}
	})
	return p
}

func (p *process) awaitReady(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + p.admin + "/readyz") //nolint:noctx // bounded by the loop
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("%s ended at once: %v\n%s", p.name, err, p.log)
		default:
		}
	}
	t.Fatalf("%s is not ready after a minute", p.name)
}

// end asks the process to end and makes sure that it does, in order and within ten seconds.
func (p *process) end(t testing.TB) {
	t.Helper()
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-p.ended:
			if err != nil {
				t.Errorf("%s ended with %v", p.name, err)
			}
		case <-time.After(10 * time.Second):
			_ = p.cmd.Process.Kill()
			t.Errorf("%s did not end within ten seconds by itself (%v)", p.name, <-p.ended)
		}
	})
}

func hostDatabase(url string) host.Database {
	return host.Database{URL: config.NewSecret(url), MaxConns: 8}
}

// freeAddr is a port nobody listens on now.
func freeAddr(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// built are the separate programs, shared by the tests that run at the same time: linking takes its time.
var built struct {
	sync.Mutex
	users int
	dir   string
}

// programs builds the separate programs into a folder that is there until the last test that uses it has ended.
func programs(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.users == 0 {
		dir, err := os.MkdirTemp("", "aval-programs-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
		args := []string{"build", "-o", dir + string(os.PathSeparator)}
		for _, name := range []string{"evaluationd", "ordergated", "receivablesd", "gatewayd"} {
			args = append(args, "github.com/avalcredit/aval/services/cmd/"+name)
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil { //nolint:gosec,noctx // our own programs
			t.Fatalf("building the programs: %v\n%s", err, out)
		}
	}
	built.users++
	t.Cleanup(func() {
		built.Lock()
		defer built.Unlock()
		if built.users--; built.users == 0 {
			_ = os.RemoveAll(built.dir)
		}
	})
	return built.dir
}

// provider is an OpenID Connect provider, as far as verifying tokens goes.
type provider struct {
	url    string
	signer jose.Signer
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(map[string]any{
		"issuer": server.URL, "jwks_uri": server.URL + "/keys", "authorization_endpoint": server.URL + "/authorize",
		"token_endpoint": server.URL + "/token", "id_token_signing_alg_values_supported": []string{"ES256"},
	}))
	mux.HandleFunc("/keys", answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}))
	return &provider{url: server.URL, signer: signer}
}

func (p *provider) token(t testing.TB, role, subject string) string {
	t.Helper()
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": p.url, "aud": "aval", "sub": subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		authn.DefaultRolesClaim: []string{role},
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := p.signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
