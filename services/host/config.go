// Package host runs phases of the suite as programs: settings, server, database, callers and an orderly end. The
// all-in-one program and the separate ones are wired by the same code.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/telemetry"
)

// Prefix begins the names of all environment variables.
const Prefix = "AVAL"

// minPageKey is the shortest key for page tokens, in bytes.
const minPageKey = 16

// Listen is where a server listens.
type Listen struct {
	// Addr is "host:port"; port 0 means any free one.
	Addr string `koanf:"addr"`
}

// Database names the database and bounds what is taken of it.
type Database struct {
	// URL is postgres://..., from the environment or from the file that AVAL_DATABASE_URL_FILE names.
	URL config.Secret `koanf:"url" secret:"env"`
	// MaxConns bounds the connections of one phase; 0 leaves it to the URL or the driver.
	MaxConns int32 `koanf:"max_conns"`
	// RequestDays is how many days before and after the sale remember a request by its id; 0 means 90.
	RequestDays int `koanf:"request_days"`
}

// OIDC says whose access tokens are accepted.
type OIDC struct {
	// Issuer is the provider's URL.
	Issuer string `koanf:"issuer"`
	// Audience must be among a token's audiences.
	Audience string `koanf:"audience"`
	// RolesClaim is the claim with the roles; empty means "aval_roles".
	RolesClaim string `koanf:"roles_claim"`
	// ServiceSubjects are the subjects that are services of the suite.
	ServiceSubjects []string `koanf:"service_subjects"`
}

// Verifier asks the provider for its keys' address.
func (o OIDC) Verifier(ctx context.Context, clock calendar.Clock) (authn.Verifier, error) {
	return authn.NewOIDC(ctx, authn.OIDCConfig{
		Issuer: o.Issuer, Audience: o.Audience, RolesClaim: o.RolesClaim, ServiceSubjects: o.ServiceSubjects, Clock: clock,
	})
}

// General are the settings of every program of the suite.
type General struct {
	// TimeZone is where business dates change, an IANA name.
	TimeZone string `koanf:"time_zone" default:"Asia/Shanghai"`
	// Log sets the log up.
	Log struct {
		// Level is debug, info, warn or error.
		Level string `koanf:"level"`
	} `koanf:"log"`
	// Webhooks says where stops and releases may be posted to.
	Webhooks struct {
		// Hosts are the names allowed, ".example.com" for all names below one; empty: none but in development.
		Hosts []string `koanf:"hosts"`
	} `koanf:"webhooks"`
	// Mail is where letters to customers go out.
	Mail Mail `koanf:"mail"`
	// Font is of documents (PDF).
	Font struct {
		// File is a TrueType font with Chinese characters; empty: the usual places are looked through.
		File string `koanf:"file"`
	} `koanf:"font"`
	// OTLP says where traces go.
	OTLP struct {
		// Endpoint is the URL of a collector, http://host:4317; empty sends none.
		Endpoint string `koanf:"endpoint"`
	} `koanf:"otlp"`
}

// Mail names the SMTP server that letters to customers go out by.
type Mail struct {
	// Host is the server's name; empty: letters wait in their queue.
	Host string `koanf:"host"`
	// Port is 587 by default, 465 with tls, 25 with none.
	Port int `koanf:"port"`
	// Security of the connection: starttls (default), tls, none.
	Security string `koanf:"security"`
	// Username, where the server asks for one.
	Username string `koanf:"username"`
	// Password is secret and comes from the file that AVAL_MAIL_PASSWORD_FILE names.
	Password config.Secret `koanf:"password"`
	// From is the credit department's own address.
	From string `koanf:"from"`
}

// Server is the mail server that the settings name.
func (m Mail) Server() (mail.Server, error) {
	s := mail.Server{
		Host: m.Host, Port: m.Port, Security: mail.Security(m.Security), Username: m.Username, Password: m.Password.Reveal(), From: m.From,
	}
	return s, s.Check()
}

// Base is what every program has once it runs.
type Base struct {
	// Telemetry is the log, traces and metrics.
	Telemetry *telemetry.Telemetry
	// Clock is the system's, with dates in the business time zone.
	Clock calendar.Clock
	// Zone is the business time zone.
	Zone *time.Location
	// FontFile is the font of documents; empty: the usual places are looked through.
	FontFile string
	// Mail is where letters to customers go out.
	Mail mail.Server
}

// Log is the program's log.
func (b Base) Log() *slog.Logger { return b.Telemetry.Log }

// NewBase sets up clock and telemetry for the named program. The caller shuts the telemetry down.
func (g General) NewBase(ctx context.Context, program string) (Base, error) {
	if g.TimeZone == "" {
		g.TimeZone = "Asia/Shanghai"
	}
	zone, err := calendar.Zone(g.TimeZone)
	if err != nil {
		return Base{}, err
	}
	server, err := g.Mail.Server()
	if err != nil {
		return Base{}, err
	}
	t, err := telemetry.New(ctx, telemetry.Config{Service: program, LogLevel: g.Log.Level, OTLPEndpoint: g.OTLP.Endpoint})
	if err != nil {
		return Base{}, err
	}
	return Base{Telemetry: t, Clock: calendar.SystemClock(zone), Zone: zone, FontFile: g.Font.File, Mail: server}, nil
}

// Peers are the addresses of the other services, as gRPC writes them.
type Peers struct {
	// Evaluation is the phase before the sale.
	Evaluation Listen `koanf:"evaluation"`
	// OrderGate is the phase during the sale.
	OrderGate Listen `koanf:"ordergate"`
	// Receivables is the phase after the sale.
	Receivables Listen `koanf:"receivables"`
}

// PhaseConfig are the settings of a program that runs one phase.
type PhaseConfig struct {
	General `koanf:",squash"`
	Peers   `koanf:",squash"`
	// GRPC is where the phase serves.
	GRPC Listen `koanf:"grpc"`
	// Admin is where probes and metrics are served; empty serves none.
	Admin    Listen   `koanf:"admin"`
	Database Database `koanf:"database"`
	OIDC     OIDC     `koanf:"oidc"`
	// Service says in whose name the phase calls others.
	Service struct {
		// TokenFile holds the access token; it is read again when it changes.
		TokenFile string `koanf:"token_file"`
	} `koanf:"service"`
	// Page signs page tokens; all replicas need the same key.
	Page struct {
		// Key is secret and comes from the file that AVAL_PAGE_KEY_FILE names.
		Key config.Secret `koanf:"key"`
	} `koanf:"page"`
}

// complete checks what serving needs, and fills in the addresses.
func (c *PhaseConfig) complete() error {
	if c.GRPC.Addr == "" {
		c.GRPC.Addr = "127.0.0.1:9090"
	}
	var missing []error
	for _, need := range []struct {
		name  string
		value string
	}{
		{"AVAL_OIDC_ISSUER", c.OIDC.Issuer},
		{"AVAL_OIDC_AUDIENCE", c.OIDC.Audience},
		{"AVAL_SERVICE_TOKEN_FILE", c.Service.TokenFile},
		{"AVAL_EVALUATION_ADDR", c.Peers.Evaluation.Addr},
		{"AVAL_ORDERGATE_ADDR", c.Peers.OrderGate.Addr},
		{"AVAL_RECEIVABLES_ADDR", c.Peers.Receivables.Addr},
	} {
		if need.value == "" {
			missing = append(missing, fmt.Errorf("%s must be set", need.name))
		}
	}
	if len(c.Page.Key.Reveal()) < minPageKey {
		missing = append(missing, fmt.Errorf("AVAL_PAGE_KEY_FILE must name a file with at least %d characters", minPageKey))
	}
	return errors.Join(append(missing, c.needDatabase())...)
}

func (c *PhaseConfig) needDatabase() error {
	if c.Database.URL.IsZero() {
		return errors.New("AVAL_DATABASE_URL, or AVAL_DATABASE_URL_FILE, must be set")
	}
	return nil
}

// Version is the commit the program was built from, or "dev".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if revision == "" {
		return "dev"
	}
	return revision + changed
}
