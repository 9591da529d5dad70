// Package fakesuite is a gRPC server that answers every public method of the suite as a test likes, for tests of the
// programs that call the suite.
package fakesuite

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/rpcerr"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

// Call is one call as the server got it.
type Call struct {
	// Method is the full name without the leading slash.
	Method string
	// Request as received.
	Request proto.Message
	// BusinessDate as in the header; empty: none.
	BusinessDate string
	// Caller as in the token.
	Caller authn.Principal
}

// Answer answers a call. A nil message is an empty answer.
type Answer func(call Call) (proto.Message, error)

// Start runs a server that answers GetDelivery with "nothing pending" and everything else by the function, and
// returns a connection to it with development tokens. Both end with the test.
func Start(t testing.TB, answer Answer) *access.Suite {
	t.Helper()
	issuer, err := authn.NewIssuer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		return handle(stream, issuer, answer)
	}))
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	suite, err := access.Dial(ctx, access.Target{Addr: listener.Addr().String(), Issuer: issuer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = suite.Close() })
	return suite
}

func handle(stream grpc.ServerStream, issuer *authn.Issuer, answer Answer) error {
	path, _ := grpc.Method(stream.Context())
	method, err := invoke.Find(path)
	if err != nil {
		return rpcerr.ToStatus(err).Err()
	}
	call := Call{Method: method.Name, Request: method.NewRequest()}
	if err := stream.RecvMsg(call.Request); err != nil {
		return err
	}
	md, _ := metadata.FromIncomingContext(stream.Context())
	if dates := md.Get("aval-business-date"); len(dates) > 0 {
		call.BusinessDate = dates[0]
	}
	if tokens := md.Get("authorization"); len(tokens) > 0 {
		if call.Caller, err = issuer.Verify(stream.Context(), strings.TrimPrefix(tokens[0], "Bearer ")); err != nil {
			return rpcerr.ToStatus(err).Err()
		}
	}
	if strings.HasSuffix(call.Method, "/GetDelivery") {
		return stream.SendMsg(method.NewResponse())
	}
	response, err := answer(call)
	if err != nil {
		return rpcerr.ToStatus(err).Err()
	}
	if response == nil {
		response = method.NewResponse()
	}
	return stream.SendMsg(response)
}
