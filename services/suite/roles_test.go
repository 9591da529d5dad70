package suite_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
	"github.com/avalcredit/aval/services/gateway"
	"github.com/avalcredit/aval/services/suite"
)

// Every method of every service answers nobody without a token, and exactly the roles its contract names.
func TestRolesByMethods(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	tokens := map[string]string{}
	for _, role := range append(suite.Roles(), authn.RoleService) {
		tokens[role] = s.token(t, role, "somebody")
	}
	cells := 0
	for _, service := range gateway.Services() {
		rules, err := authz.RulesOf(service.ParentFile())
		if err != nil {
			t.Fatal(err)
		}
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			name := "/" + string(service.FullName()) + "/" + string(method.Name())
			call := func(ctx context.Context) error {
				if method.IsStreamingServer() {
					return firstOf(ctx, s.conns["ordergate"], name, dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output()))
				}
				return s.conns["ordergate"].Invoke(ctx, name, dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output()))
			}
			if err := call(t.Context()); errs.KindOf(err) != errs.Unauthenticated {
				t.Errorf("%s without a token: %v", name, err)
			}
			for role, token := range tokens {
				cells++
				err := call(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token))
				refused := errs.ReasonOf(err) == "ROLE_REQUIRED"
				if named := slices.Contains(rules[name].Roles, role); refused == named || errs.KindOf(err) == errs.Unimplemented {
					t.Errorf("%s as %s (named: %v): %v", name, role, named, err)
				}
			}
		}
	}
	if cells < 1000 {
		t.Errorf("only %d cells were tried", cells)
	}
}

// firstOf opens a server stream and waits a little for its first answer: a stream that stays silent was let in.
func firstOf(ctx context.Context, conn *grpc.ClientConn, name string, in, out *dynamicpb.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, name)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(in); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return rpcerr.FromError(stream.RecvMsg(out))
}
