// Package access is how the operator's commands reach a suite: the connection, and in whose name they call.
package access

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
)

// Reasons of the errors of this package.
const (
	// ReasonNoCredentials: neither a token nor a development key says who calls.
	ReasonNoCredentials = "CREDENTIALS_MISSING"
	// ReasonOneCaller: a token is given, so nobody else can be acted as.
	ReasonOneCaller = "CALLER_IS_FIXED"
)

// issuerKey is where authn keeps the development key within a data folder.
const issuerKey = "dev-issuer.key"

// callTimeout is the deadline of one call; posting to a suite that starts up or recovers may take seconds.
const callTimeout = 30 * time.Second

// Target says which suite to reach and how. Exactly one of Token and Issuer is set.
type Target struct {
	// Addr is host:port of the suite's gRPC server.
	Addr string
	// Phases are the addresses of phases that run on their own, by name; those not named are at Addr.
	Phases map[string]string
	// Token is the one token all calls carry.
	Token authn.TokenSource
	// Issuer makes a development token for whomever a call is made as.
	Issuer *authn.Issuer
}

// TargetOf reads the operator's choice: a token file, else the development key that a suite in development mode
// keeps in its data folder. It never makes a key.
func TargetOf(addr, tokenFile, dataDir string) (Target, error) {
	if tokenFile != "" {
		return Target{Addr: addr, Token: authn.FileToken(tokenFile)}, nil
	}
	if dataDir != "" {
		_, err := os.Stat(filepath.Join(dataDir, issuerKey))
		if err == nil {
			issuer, err := authn.NewIssuer(dataDir)
			return Target{Addr: addr, Issuer: issuer}, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Target{}, err
		}
	}
	return Target{}, errs.New(errs.Invalid, ReasonNoCredentials,
		"no token: name a file with --token-file, or with --data-dir the data folder of a suite in development mode")
}

// Suite is a connection to a suite. It may be used by several goroutines.
type Suite struct {
	conns  routed
	issuer *authn.Issuer

	mu     sync.Mutex
	tokens map[string]authn.TokenSource
}

// Dial connects to the suite. It does not wait for it.
func Dial(ctx context.Context, target Target) (*Suite, error) {
	s := &Suite{conns: routed{}, issuer: target.Issuer, tokens: map[string]authn.TokenSource{}}
	byAddr := map[string]*grpc.ClientConn{}
	for _, phase := range []string{Evaluation, OrderGate, Receivables} {
		addr := cmp.Or(target.Phases[phase], target.Addr)
		if addr == "" {
			continue
		}
		if byAddr[addr] == nil {
			conn, err := grpcclient.Dial(ctx, addr, grpcclient.Options{
				Token: target.Token, ForwardBusinessDate: true, Timeout: callTimeout,
			})
			if err != nil {
				return nil, errors.Join(err, s.conns.close())
			}
			byAddr[addr] = conn
		}
		s.conns[phase] = byAddr[addr]
	}
	return s, nil
}

// Conn is the connection; each call goes to the phase that it belongs to. Calls carry the business date of their
// context, and the token of As or the fixed one.
func (s *Suite) Conn() grpc.ClientConnInterface { return s.conns }

// Close ends the connection.
func (s *Suite) Close() error { return s.conns.close() }

// ActsAsAnyone reports whether calls can be made in the name of several people: development tokens are at hand.
func (s *Suite) ActsAsAnyone() bool { return s.issuer != nil }

// As returns a context whose calls are made by the subject with the roles. Where one token is fixed it returns ctx.
func (s *Suite) As(ctx context.Context, subject string, roles ...string) (context.Context, error) {
	if s.issuer == nil {
		return ctx, nil
	}
	token, err := s.source(subject, roles)(ctx)
	if err != nil {
		return nil, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

func (s *Suite) source(subject string, roles []string) authn.TokenSource {
	key := subject + "\x00" + strings.Join(roles, ",")
	s.mu.Lock()
	defer s.mu.Unlock()
	source, ok := s.tokens[key]
	if !ok {
		source = s.issuer.Source(subject, roles...)
		s.tokens[key] = source
	}
	return source
}

// On returns a context whose calls have the business date, in suites that let it be set.
func On(ctx context.Context, date calendar.Date) context.Context {
	if date.IsZero() {
		return ctx
	}
	return calendar.WithBusinessDate(ctx, date)
}

// DefaultCaller is who makes a call that names nobody: the first of the roles that may. A salesperson sees its own
// customers only, so the next role is added to it.
func DefaultCaller(prefix string, allowed []string) (subject string, roles []string) {
	role := allowed[0]
	roles = []string{role}
	if role == "SALESPERSON" && len(allowed) > 1 {
		roles = slices.Clone(allowed[:2])
	}
	return prefix + strings.ReplaceAll(strings.ToLower(role), "_", "-"), roles
}
