package authn

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Verifier turns an access token into a caller.
type Verifier interface {
	// Verify returns the caller the token stands for. A token that is not good gives an *errs.Error of kind
	// Unauthenticated with reason TOKEN_INVALID or TOKEN_EXPIRED; keys that cannot be had give Unavailable.
	Verify(ctx context.Context, token string) (Principal, error)
}

const (
	// Leeway is how far the clocks of issuer and verifier may differ.
	Leeway = 30 * time.Second
	// maxTokenBytes is what the servers' header limit lets through anyway.
	maxTokenBytes = 16 << 10
	// maxSubject is the longest subject OpenID Connect allows, in bytes.
	maxSubject = 255

	reasonInvalid = "TOKEN_INVALID"
	reasonExpired = "TOKEN_EXPIRED"
)

// algorithms are the signatures that are accepted: no shared secrets, and never "none".
func algorithms() []string { return []string{oidc.RS256, oidc.ES256, oidc.EdDSA} }

// tokenVerifier checks signature, issuer, audience and times of a token and reads the caller out of it.
type tokenVerifier struct {
	tokens   *oidc.IDTokenVerifier
	roles    func(claims map[string]json.RawMessage, subject string) ([]string, error)
	clock    calendar.Clock
	verified *tokenCache
}

// newTokenVerifier leaves the times to us: the library's leeway is five minutes and cannot be set.
func newTokenVerifier(issuer, audience string, keys oidc.KeySet, clock calendar.Clock) *tokenVerifier {
	return &tokenVerifier{
		tokens: oidc.NewVerifier(issuer, keys, &oidc.Config{
			ClientID:             audience,
			SupportedSigningAlgs: algorithms(),
			SkipExpiryCheck:      true,
		}),
		clock:    clock,
		verified: newTokenCache(maxCachedTokens),
	}
}

// Verify implements Verifier.
func (v *tokenVerifier) Verify(ctx context.Context, token string) (Principal, error) {
	now := v.clock.Now()
	key := sha256.Sum256([]byte(token))
	if p, ok := v.verified.get(key, now); ok {
		return p, nil
	}
	if len(token) > maxTokenBytes {
		return Principal{}, invalid("it is too long")
	}
	if err := checkType(token); err != nil {
		return Principal{}, err
	}
	ctx, failure := withKeyFailure(ctx)
	signed, err := v.tokens.Verify(ctx, token)
	if err != nil {
		if failure.err != nil {
			return Principal{}, errs.New(errs.Unavailable, "KEYS_UNAVAILABLE",
				"the keys to verify the access token are not available").WithCause(failure.err)
		}
		return Principal{}, invalid("its signature, issuer or audience is not accepted").WithCause(err)
	}
	var claims claims
	if err := signed.Claims(&claims); err != nil {
		return Principal{}, invalid("its claims are malformed").WithCause(err)
	}
	if err := claims.check(now); err != nil {
		return Principal{}, err
	}
	roles, err := v.roles(claims.all, claims.Subject)
	if err != nil {
		return Principal{}, err
	}
	p := Principal{Subject: claims.Subject, Name: claims.Name, Roles: roles}
	v.verified.put(key, p, now, claims.expiry())
	return p, nil
}

// claims are the standard claims we read, and all others as they came.
type claims struct {
	Subject   string       `json:"sub"`
	Name      string       `json:"name"`
	Expiry    *json.Number `json:"exp"`
	NotBefore *json.Number `json:"nbf"`
	IssuedAt  *json.Number `json:"iat"`

	all map[string]json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *claims) UnmarshalJSON(text []byte) error {
	type plain claims
	if err := json.Unmarshal(text, (*plain)(c)); err != nil {
		return err
	}
	return json.Unmarshal(text, &c.all)
}

// check refuses tokens without an end, outside their time, or without a usable subject.
func (c *claims) check(now time.Time) error {
	if c.Expiry == nil {
		return invalid("it has no end")
	}
	for _, n := range []*json.Number{c.Expiry, c.NotBefore, c.IssuedAt} {
		if _, ok := seconds(n); n != nil && !ok {
			return invalid("a time in it is malformed")
		}
	}
	if !now.Before(c.expiry().Add(Leeway)) {
		return errs.New(errs.Unauthenticated, reasonExpired, "the access token has expired")
	}
	for _, n := range []*json.Number{c.NotBefore, c.IssuedAt} {
		if from, ok := seconds(n); ok && now.Add(Leeway).Before(from) {
			return invalid("it is not valid yet")
		}
	}
	if c.Subject == "" || len(c.Subject) > maxSubject || strings.ContainsFunc(c.Subject, unicode.IsControl) {
		return invalid("its subject is missing or unusable")
	}
	return nil
}

// expiry is the end of the token; check has seen that there is one.
func (c *claims) expiry() time.Time {
	at, _ := seconds(c.Expiry)
	return at
}

// seconds reads a NumericDate (RFC 7519): seconds since 1970 in UTC, with or without a fraction.
func seconds(n *json.Number) (time.Time, bool) {
	if n == nil {
		return time.Time{}, false
	}
	f, err := n.Float64()
	const farthest = 1 << 40 // the year 36812; keeps the conversion below from overflowing
	if err != nil || f < 0 || f > farthest {
		return time.Time{}, false
	}
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*float64(time.Second))), true
}

// checkType refuses JWTs made for another purpose, as logout and refresh tokens are, by their "typ" header.
func checkType(token string) error {
	head, _, ok := strings.Cut(token, ".")
	if !ok {
		return invalid("it is not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return invalid("it is not a JWT").WithCause(err)
	}
	var header struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return invalid("it is not a JWT").WithCause(err)
	}
	accepted := []string{"", "jwt", "at+jwt"}
	if !slices.Contains(accepted, strings.TrimPrefix(strings.ToLower(header.Type), "application/")) {
		return invalid("it is not an access token")
	}
	return nil
}

// invalid says why a token is refused without repeating anything of the token.
func invalid(why string) *errs.Error {
	return errs.New(errs.Unauthenticated, reasonInvalid, "the access token is not accepted: %s", why)
}

// keyFailure is how a key set says that it could not get keys: the library flattens errors into text.
type keyFailure struct{ err error }

type keyFailureKey struct{}

func withKeyFailure(ctx context.Context) (context.Context, *keyFailure) {
	f := &keyFailure{}
	return context.WithValue(ctx, keyFailureKey{}, f), f
}

// watchedKeys reports a key set's failures to reach its source, other than those it was held back from trying.
type watchedKeys struct{ oidc.KeySet }

// VerifySignature implements oidc.KeySet.
func (k watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	if f, ok := ctx.Value(keyFailureKey{}).(*keyFailure); ok && err != nil {
		if isFetchFailure(err) || errors.Is(err, ctx.Err()) {
			f.err = err
		}
	}
	return payload, err
}
