package authn

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/avalcredit/aval/pkg/calendar"
)

const (
	// DevelopmentIssuer is the issuer named in tokens of an Issuer.
	DevelopmentIssuer = "aval-development"
	// DevelopmentAudience is the audience named in tokens of an Issuer.
	DevelopmentAudience = "aval"

	keyFile = "dev-issuer.key"
)

// Issuer makes and verifies tokens for development and tests, signed with a key of its own. It is no identity provider:
// whoever can read the key's file is anybody.
type Issuer struct {
	*tokenVerifier
	signer jose.Signer
}

// NewIssuer returns an issuer whose Ed25519 key is kept in the folder's file dev-issuer.key, readable by the owner
// only. The key is made where there is none; several processes may do so at once and agree on one.
func NewIssuer(dir string) (*Issuer, error) {
	return NewIssuerWithClock(dir, calendar.SystemClock(time.UTC))
}

// NewIssuerWithClock is NewIssuer with a clock that says when tokens are issued and verified.
func NewIssuerWithClock(dir string, clock calendar.Clock) (*Issuer, error) {
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(dir, path); err == nil {
			key, err = readKey(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("authn: development key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("authn: development key: %w", err)
	}
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Public()}}
	v := newTokenVerifier(DevelopmentIssuer, DevelopmentAudience, keys, clock)
	v.roles = func(claims map[string]json.RawMessage, _ string) ([]string, error) {
		return rolesOf(claims, DefaultRolesClaim)
	}
	return &Issuer{tokenVerifier: v, signer: signer}, nil
}

// Token makes a token for the subject with the roles, good for ttl from now. The subject also serves as the name.
func (i *Issuer) Token(roles []string, subject string, ttl time.Duration) (string, error) {
	return i.TokenFor(Principal{Subject: subject, Name: subject, Roles: roles}, ttl)
}

// TokenFor makes a token for the principal, good for ttl from now. Roles the suite does not know are an error.
func (i *Issuer) TokenFor(p Principal, ttl time.Duration) (string, error) {
	for _, role := range p.Roles {
		if !KnownRole(role) {
			return "", fmt.Errorf("authn: %q is no role", role)
		}
	}
	now := i.clock.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": DevelopmentIssuer, "aud": DevelopmentAudience, "sub": p.Subject, "name": p.Name,
		DefaultRolesClaim: slices.Clone(p.Roles), "iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("authn: %w", err)
	}
	signed, err := i.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("authn: signing: %w", err)
	}
	return signed.CompactSerialize()
}

// Source returns a source of tokens for one subject, each good for an hour and replaced well before it ends.
func (i *Issuer) Source(subject string, roles ...string) TokenSource {
	const ttl = time.Hour
	kept := &keptToken{}
	return func(context.Context) (string, error) {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		now := i.clock.Now()
		if kept.token != "" && now.Before(kept.renew) {
			return kept.token, nil
		}
		token, err := i.Token(roles, subject, ttl)
		if err != nil {
			return "", err
		}
		kept.token, kept.renew = token, now.Add(ttl/2)
		return token, nil
	}
}

// readKey refuses a key others can read: it would make them anybody.
func readKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s must be readable by its owner only (chmod 600)", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not a PEM file", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T, not an Ed25519 key", path, parsed)
	}
	return key, nil
}

// makeKey writes a new key under another name and links it into place, so that nobody ever reads half a key and the
// first of several writers wins.
func makeKey(dir, path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, keyFile+".*") // created with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	if err := pem.Encode(draft, &pem.Block{Type: "PRIVATE KEY", Bytes: der}); err != nil {
		return errors.Join(err, draft.Close())
	}
	if err := errors.Join(draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
