package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

const (
	audience = "aval-gate"
	// startOfTests is what the clock of these tests shows, in seconds since 1970.
	startOfTests = 1_800_000_000
)

// provider is an OpenID Connect provider as far as a resource server sees one: discovery and keys.
type provider struct {
	url     string
	fetches atomic.Int32
	broken  atomic.Bool

	mu   sync.Mutex
	keys jose.JSONWebKeySet
}

func newProvider(t *testing.T, keys ...signingKey) *provider {
	t.Helper()
	p := &provider{}
	p.publish(keys...)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.url, "jwks_uri": p.url + "/keys",
			// What a provider says it can do does not widen what is accepted.
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "PS256", "none"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		if p.broken.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(p.keys)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// publish replaces the provider's keys.
func (p *provider) publish(keys ...signingKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = jose.JSONWebKeySet{}
	for _, k := range keys {
		p.keys.Keys = append(p.keys.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Use: "sig"})
	}
}

// signingKey signs tokens under an id.
type signingKey struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

func newKey(t *testing.T, id string, alg jose.SignatureAlgorithm) signingKey {
	t.Helper()
	var (
		private crypto.Signer
		err     error
	)
	switch alg {
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	must(t, err)
	return signingKey{id, alg, private}
}

// sign makes a token of the claims as they are.
func (k signingKey) sign(t *testing.T, typ string, claims map[string]any) string {
	t.Helper()
	return signWith(t, jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, typ, claims)
}

func signWith(t *testing.T, key jose.SigningKey, typ string, claims map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(key, options)
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	signed, err := signer.Sign(payload)
	must(t, err)
	text, err := signed.CompactSerialize()
	must(t, err)
	return text
}

// good are claims nothing is wrong with; changes replace claims, or remove those that are nil.
func (p *provider) good(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": p.url, "aud": []string{"another", audience}, "sub": "u-1", "name": "U. One",
		"aval_roles": []string{"SALES_MANAGER", "AUDITOR", "SALES_MANAGER", "offline_access"},
		"iat":        startOfTests - 60, "exp": startOfTests + 3600,
	}
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
			continue
		}
		claims[name] = value
	}
	return claims
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
