package host_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/host"
)

// A program says all that is missing at once, by the names an operator sets.
func TestMissingSettings(t *testing.T) {
	t.Parallel()
	whole := func() host.PhaseConfig {
		var c host.PhaseConfig
		c.Database.URL = config.NewSecret("postgres://nobody@127.0.0.1:1/none")
		c.OIDC.Issuer, c.OIDC.Audience = "http://127.0.0.1:1", "aval"
		c.Service.TokenFile = "/nowhere"
		c.Page.Key = config.NewSecret(strings.Repeat("k", 16))
		c.Peers.Evaluation.Addr, c.Peers.OrderGate.Addr, c.Peers.Receivables.Addr = "a:1", "b:1", "c:1"
		return c
	}
	for name, c := range map[string]struct {
		change func(*host.PhaseConfig)
		says   []string
	}{
		"nothing": {func(c *host.PhaseConfig) { *c = host.PhaseConfig{} }, []string{
			"AVAL_DATABASE_URL", "AVAL_OIDC_ISSUER", "AVAL_OIDC_AUDIENCE", "AVAL_SERVICE_TOKEN_FILE", "AVAL_PAGE_KEY_FILE",
			"AVAL_EVALUATION_ADDR", "AVAL_ORDERGATE_ADDR", "AVAL_RECEIVABLES_ADDR",
		}},
		"a short key":         {func(c *host.PhaseConfig) { c.Page.Key = config.NewSecret("short") }, []string{"AVAL_PAGE_KEY_FILE"}},
		"no such time zone":   {func(c *host.PhaseConfig) { c.TimeZone = "Shanghai" }, []string{"Shanghai"}},
		"no such log level":   {func(c *host.PhaseConfig) { c.Log.Level = "loud" }, []string{"loud"}},
		"provider is not up":  {func(*host.PhaseConfig) {}, []string{"http://127.0.0.1:1"}},
		"collector malformed": {func(c *host.PhaseConfig) { c.OTLP.Endpoint = "collector:4317" }, []string{"collector:4317"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := whole()
			c.change(&cfg)
			err := host.RunPhase(t.Context(), "test", host.Phase{Name: "nothing"}, cfg)
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %s", err, text)
				}
			}
		})
	}
}

func TestLoopbackOf(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "10.1.2.3:80": "10.1.2.3:80",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := host.LoopbackOf(tcp); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

type answering struct{ grpc.ClientConnInterface }

func (answering) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }

// Calls on a connection that is not made yet wait for it, as long as their time allows.
func TestLate(t *testing.T) {
	t.Parallel()
	late := host.NewLate()
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := late.Invoke(short, "/x/Y", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before it is made: %v", err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- late.Invoke(t.Context(), "/x/Y", nil, nil) }()
	late.Set(answering{})
	late.Set(nil) // only the first counts
	if err := <-waiting; err != nil {
		t.Errorf("after it is made: %v", err)
	}
}

func TestRequestsAreRememberedForADayAtLeast(t *testing.T) {
	t.Parallel()
	base, err := host.General{}.NewBase(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	cfg := host.NodeConfig{Base: base, GRPC: host.Listen{Addr: "127.0.0.1:0"}, Verifier: nobodys{}, Database: host.Database{RequestDays: -1}}
	if _, err := host.NewNode(t.Context(), cfg, host.Phase{Name: "none"}); err == nil || !strings.Contains(err.Error(), "request_days") {
		t.Errorf("-1 days: %v", err)
	}
}

// nobodys knows no caller.
type nobodys struct{}

func (nobodys) Verify(context.Context, string) (authn.Principal, error) {
	return authn.Principal{}, errs.New(errs.Unauthenticated, "TOKEN_INVALID", "nobody is known")
}
