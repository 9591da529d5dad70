package authn_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func newVerifier(t *testing.T, p *provider, change func(*authn.OIDCConfig)) (authn.Verifier, *calendar.Fixed) {
	t.Helper()
	clock := calendar.FixedClock(time.Unix(startOfTests, 0), time.UTC)
	cfg := authn.OIDCConfig{Issuer: p.url, Audience: audience, Clock: clock, ServiceSubjects: []string{"svc-gate"}}
	if change != nil {
		change(&cfg)
	}
	v, err := authn.NewOIDC(context.Background(), cfg)
	must(t, err)
	return v, clock
}

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	keys := []signingKey{newKey(t, "r", jose.RS256), newKey(t, "e", jose.ES256), newKey(t, "d", jose.EdDSA)}
	p := newProvider(t, keys...)
	v, _ := newVerifier(t, p, nil)
	want := authn.Principal{Subject: "u-1", Name: "U. One", Roles: []string{"AUDITOR", "SALES_MANAGER"}}
	for _, key := range keys {
		for _, typ := range []string{"", "JWT", "at+jwt", "application/at+JWT"} {
			for range 2 { // the second time out of the cache
				got, err := v.Verify(context.Background(), key.sign(t, typ, p.good(nil)))
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s %q: %+v, %v", key.alg, typ, got, err)
				}
			}
		}
	}
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k", jose.RS256)
	p := newProvider(t, key)
	v, _ := newVerifier(t, p, nil)
	with := func(changes map[string]any) string { return key.sign(t, "JWT", p.good(changes)) }
	for name, token := range badTokens(t, p, key) {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				got, err := v.Verify(context.Background(), token)
				if errs.KindOf(err) != errs.Unauthenticated || !reflect.ValueOf(got).IsZero() {
					t.Fatalf("%+v, %v", got, err)
				}
				reason := "TOKEN_INVALID"
				if strings.HasPrefix(name, "ended") {
					reason = "TOKEN_EXPIRED"
				}
				if errs.ReasonOf(err) != reason {
					t.Errorf("reason is %s", errs.ReasonOf(err))
				}
				if public, _ := errs.As(err); len(token) > 20 && strings.Contains(public.Message, token[:20]) {
					t.Error("the message repeats the token")
				}
			}
		})
	}
	for name, changes := range map[string]map[string]any{
		"ended within the leeway": {"exp": startOfTests - 29},
		"begins within it":        {"nbf": startOfTests + 29, "iat": startOfTests + 29},
		"fractions of seconds":    {"exp": startOfTests + 0.5},
	} {
		if _, err := v.Verify(context.Background(), with(changes)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// badTokens are tokens nobody may accept where the provider has published the key, by what is wrong with them.
func badTokens(t *testing.T, p *provider, key signingKey) map[string]string {
	t.Helper()
	foreign, pss := newKey(t, "k", jose.RS256), signingKey{"k", jose.PS256, key.private}
	good := key.sign(t, "JWT", p.good(nil))
	public, err := x509.MarshalPKIXPublicKey(key.private.Public())
	must(t, err)
	with := func(changes map[string]any) string { return key.sign(t, "JWT", p.good(changes)) }
	return map[string]string{
		"empty":                      "",
		"no JWT":                     "hello",
		"two parts":                  "e30.e30",
		"garbage in parts":           "a.b.c",
		"none":                       unsigned(t, "none", p.good(nil)),
		"None":                       unsigned(t, "None", p.good(nil)),
		"no alg":                     unsigned(t, "", p.good(nil)),
		"signature removed":          good[:strings.LastIndex(good, ".")+1],
		"signature of another":       good[:strings.LastIndex(good, ".")+1] + last(with(map[string]any{"sub": "u-2"})),
		"claims of another":          swapClaims(t, good, p.good(map[string]any{"sub": "boss"})),
		"foreign key":                foreign.sign(t, "JWT", p.good(nil)),
		"key nobody has":             newKey(t, "other", jose.RS256).sign(t, "JWT", p.good(nil)),
		"alg not allowed PS256":      pss.sign(t, "JWT", p.good(nil)),
		"alg not allowed ES384":      newKey(t, "k", jose.ES384).sign(t, "JWT", p.good(nil)),
		"public key as shared":       signWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, "JWT", p.good(nil)),
		"logout token":               key.sign(t, "logout+jwt", p.good(nil)),
		"wrong issuer":               with(map[string]any{"iss": p.url + "/"}),
		"no issuer":                  with(map[string]any{"iss": nil}),
		"wrong audience":             with(map[string]any{"aud": "aval-gate-2"}),
		"no audience":                with(map[string]any{"aud": nil}),
		"no end":                     with(map[string]any{"exp": nil}),
		"end is text":                with(map[string]any{"exp": "tomorrow"}),
		"end is negative":            with(map[string]any{"exp": -1}),
		"end is endless":             with(map[string]any{"exp": 1e300}),
		"ended":                      with(map[string]any{"exp": startOfTests - 31}),
		"ended at the leeway's end":  with(map[string]any{"exp": startOfTests - 30}),
		"not valid yet":              with(map[string]any{"nbf": startOfTests + 31}),
		"issued in future":           with(map[string]any{"iat": startOfTests + 31}),
		"no subject":                 with(map[string]any{"sub": nil}),
		"subject is a number":        with(map[string]any{"sub": 7}),
		"subject with control bytes": with(map[string]any{"sub": "u\n1"}),
		"subject too long":           with(map[string]any{"sub": strings.Repeat("u", 256)}),
		"roles are one text":         with(map[string]any{"aval_roles": "SALES_MANAGER"}),
		"roles are numbers":          with(map[string]any{"aval_roles": []int{1}}),
		"too long":                   with(map[string]any{"padding": strings.Repeat("x", 20<<10)}),
	}
}

// unsigned makes the tokens no library wants to make.
func unsigned(t *testing.T, alg string, claims map[string]any) string {
	t.Helper()
	header := map[string]string{"typ": "JWT"}
	if alg != "" {
		header["alg"] = alg
	}
	return encoded(t, header) + "." + encoded(t, claims) + "."
}

func swapClaims(t *testing.T, token string, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	return parts[0] + "." + encoded(t, claims) + "." + parts[2]
}

func last(token string) string { return token[strings.LastIndex(token, ".")+1:] }

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return base64.RawURLEncoding.EncodeToString(text)
}

func TestRolesClaim(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k", jose.EdDSA)
	p := newProvider(t, key)
	for _, c := range []struct {
		claim   string
		changes map[string]any
		want    []string
	}{
		{"", map[string]any{"aval_roles": nil}, nil},
		{"", map[string]any{"aval_roles": []string{}}, []string{}},
		{"", map[string]any{"aval_roles": []string{"ROLE_CHAIRMAN", "chairman", "UNSPECIFIED"}}, []string{}},
		{"roles", map[string]any{"roles": []string{"ERP"}}, []string{"ERP"}},
		{"realm_access.roles", map[string]any{"realm_access": map[string]any{"roles": []string{"ERP"}}}, []string{"ERP"}},
		{"https://aval.example/roles", map[string]any{"https://aval.example/roles": []string{"ERP"}}, []string{"ERP"}},
		// SERVICE is not for the provider's administrators to give away.
		{"", map[string]any{"aval_roles": []string{"SERVICE", "ERP"}}, []string{"ERP"}},
		{"", map[string]any{"sub": "svc-gate", "aval_roles": nil}, []string{"SERVICE"}},
		{"", map[string]any{"sub": "svc-gate", "aval_roles": []string{"SERVICE"}}, []string{"SERVICE"}},
	} {
		v, _ := newVerifier(t, p, func(cfg *authn.OIDCConfig) { cfg.RolesClaim = c.claim })
		got, err := v.Verify(context.Background(), key.sign(t, "", p.good(c.changes)))
		must(t, err)
		if fmt.Sprint(got.Roles) != fmt.Sprint(c.want) {
			t.Errorf("%q %v: roles are %v, want %v", c.claim, c.changes, got.Roles, c.want)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	first, second := newKey(t, "1", jose.EdDSA), newKey(t, "2", jose.EdDSA)
	p := newProvider(t, first)
	v, clock := newVerifier(t, p, nil)
	verify := func(k signingKey, subject string) error {
		_, err := v.Verify(context.Background(), k.sign(t, "", p.good(map[string]any{"sub": subject})))
		return err
	}
	must(t, verify(first, "a"))
	if err := verify(second, "a"); errs.KindOf(err) != errs.Unauthenticated {
		t.Fatalf("a key not published yet: %v", err)
	}
	p.publish(first, second)
	must(t, verify(second, "a"))
	must(t, verify(first, "b"))
	p.publish(second)
	must(t, verify(second, "b"))
	// The withdrawn key's tokens that were seen are good for some minutes, others from the next fetch on are not.
	must(t, verify(first, "a"))
	_ = verify(newKey(t, "3", jose.EdDSA), "a") // makes the keys be fetched
	if err := verify(first, "c"); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("a withdrawn key: %v", err)
	}
	clock.Advance(6 * time.Minute)
	if err := verify(first, "a"); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("a withdrawn key, much later: %v", err)
	}
}

func TestInventedKeysDoNotFloodTheProvider(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k", jose.EdDSA)
	p := newProvider(t, key)
	v, clock := newVerifier(t, p, nil)
	invented := newKey(t, "x", jose.EdDSA)
	for i := range 50 {
		invented.id = fmt.Sprint("invented-", i)
		if _, err := v.Verify(context.Background(), invented.sign(t, "", p.good(nil))); errs.KindOf(err) != errs.Unauthenticated {
			t.Fatal(err)
		}
	}
	if n := p.fetches.Load(); n > 6 {
		t.Errorf("the keys were fetched %d times", n)
	}
	// Who has a good token does not notice, and a new key is found a little later.
	_, err := v.Verify(context.Background(), key.sign(t, "", p.good(nil)))
	must(t, err)
	fresh := newKey(t, "fresh", jose.EdDSA)
	p.publish(key, fresh)
	clock.Advance(15 * time.Second)
	_, err = v.Verify(context.Background(), fresh.sign(t, "", p.good(nil)))
	must(t, err)
}

func TestProviderAway(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k", jose.EdDSA)
	p := newProvider(t, key)
	v, clock := newVerifier(t, p, nil)
	p.broken.Store(true)
	token := key.sign(t, "", p.good(nil))
	_, err := v.Verify(context.Background(), token)
	if errs.KindOf(err) != errs.Unavailable || errs.ReasonOf(err) != "KEYS_UNAVAILABLE" {
		t.Errorf("without keys: %v", err)
	}
	p.broken.Store(false)
	clock.Advance(time.Minute)
	_, err = v.Verify(context.Background(), token)
	must(t, err)
	p.broken.Store(true)
	_, err = v.Verify(context.Background(), key.sign(t, "", p.good(map[string]any{"sub": "u-9"})))
	must(t, err) // keys that are known suffice

	if _, err := authn.NewOIDC(context.Background(), authn.OIDCConfig{Issuer: p.url + "/other", Audience: audience}); err == nil {
		t.Error("a provider that is not there was accepted")
	}
	if _, err := authn.NewOIDC(context.Background(), authn.OIDCConfig{Issuer: p.url}); err == nil {
		t.Error("no audience was accepted")
	}
}

func TestCacheEndsWithTheToken(t *testing.T) {
	t.Parallel()
	key := newKey(t, "k", jose.EdDSA)
	p := newProvider(t, key)
	v, clock := newVerifier(t, p, nil)
	token := key.sign(t, "", p.good(map[string]any{"exp": startOfTests + 60}))
	for _, seconds := range []int{0, 30, 59} {
		clock.Set(time.Unix(startOfTests+int64(seconds), 0))
		_, err := v.Verify(context.Background(), token)
		must(t, err)
	}
	clock.Set(time.Unix(startOfTests+60, 0).Add(authn.Leeway))
	if _, err := v.Verify(context.Background(), token); errs.ReasonOf(err) != "TOKEN_EXPIRED" {
		t.Errorf("after its end: %v", err)
	}
}
