package authn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/avalcredit/aval/pkg/calendar"
)

// DefaultRolesClaim is the claim that lists the caller's roles where OIDCConfig names none.
const DefaultRolesClaim = "aval_roles"

const (
	providerTimeout = 10 * time.Second
	// keyRefreshEvery and keyRefreshBurst keep tokens with invented key ids from making us flood the provider.
	keyRefreshEvery = 10 * time.Second
	keyRefreshBurst = 6
)

// OIDCConfig says whose tokens are accepted.
type OIDCConfig struct {
	// Issuer is the provider's URL; its keys are found by OpenID Connect discovery below it.
	Issuer string
	// Audience must be among the audiences of a token.
	Audience string
	// RolesClaim is the claim with the list of roles; a dotted name ("realm_access.roles") descends into objects.
	// Empty means DefaultRolesClaim.
	RolesClaim string
	// ServiceSubjects are the subjects that are services of the suite. Only they get the role SERVICE, and a token
	// that claims it for another subject does not.
	ServiceSubjects []string
	// Client asks the provider; nil means one with a timeout of ten seconds.
	Client *http.Client
	// Clock decides whether a token is in its time; nil means the system's.
	Clock calendar.Clock
}

// NewOIDC asks the provider for its keys' address and returns a verifier of its tokens, which follows the rotation of
// the keys. It fails where the provider cannot be reached or calls itself by another name.
func NewOIDC(ctx context.Context, cfg OIDCConfig) (Verifier, error) {
	if cfg.Issuer == "" || cfg.Audience == "" {
		return nil, errors.New("authn: issuer and audience must be set")
	}
	if cfg.RolesClaim == "" {
		cfg.RolesClaim = DefaultRolesClaim
	}
	if cfg.Clock == nil {
		cfg.Clock = calendar.SystemClock(time.UTC)
	}
	client := http.Client{Timeout: providerTimeout}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, &client), cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("authn: discovering %s: %w", cfg.Issuer, err)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("authn: discovering %s: %w", cfg.Issuer, err)
	}
	client.Transport = &heldBack{
		next:  client.Transport,
		limit: rate.NewLimiter(rate.Every(keyRefreshEvery), keyRefreshBurst),
		clock: cfg.Clock,
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), &client), found.Keys)
	v := newTokenVerifier(cfg.Issuer, cfg.Audience, watchedKeys{keys}, cfg.Clock)
	v.roles = func(claims map[string]json.RawMessage, subject string) ([]string, error) {
		roles, err := rolesOf(claims, cfg.RolesClaim)
		if err != nil {
			return nil, err
		}
		roles = slices.DeleteFunc(roles, func(r string) bool { return r == RoleService })
		if slices.Contains(cfg.ServiceSubjects, subject) {
			roles = append(roles, RoleService)
		}
		return roles, nil
	}
	return v, nil
}

// rolesOf reads the roles that mean something here; a provider's other roles are none of our business.
func rolesOf(claims map[string]json.RawMessage, name string) ([]string, error) {
	value, ok := claimAt(claims, name)
	if !ok {
		return nil, nil
	}
	var listed []string
	if err := json.Unmarshal(value, &listed); err != nil {
		return nil, invalid("its roles are not a list of names").WithCause(err)
	}
	listed = slices.DeleteFunc(listed, func(r string) bool { return !KnownRole(r) })
	slices.Sort(listed)
	return slices.Compact(listed), nil
}

// claimAt finds a claim by its whole name first, as names may be URLs with dots, then by descending at each dot.
func claimAt(claims map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if value, ok := claims[name]; ok {
		return value, true
	}
	head, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return nil, false
	}
	var inner map[string]json.RawMessage
	if err := json.Unmarshal(claims[head], &inner); err != nil {
		return nil, false
	}
	return claimAt(inner, rest)
}

// errHeldBack is not an outage: the keys were fetched moments ago.
var errHeldBack = errors.New("keys were fetched moments ago")

// heldBack bounds how often keys are fetched and makes an answer other than 200 an error of the transport.
type heldBack struct {
	next  http.RoundTripper
	limit *rate.Limiter
	clock calendar.Clock
}

// RoundTrip implements http.RoundTripper.
func (h *heldBack) RoundTrip(req *http.Request) (*http.Response, error) {
	if !h.limit.AllowN(h.clock.Now(), 1) {
		return nil, errHeldBack
	}
	next := h.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the provider answered %s", resp.Status)
	}
	return resp, nil
}

func isFetchFailure(err error) bool {
	var fetch *url.Error
	return errors.As(err, &fetch) && !errors.Is(err, errHeldBack)
}
