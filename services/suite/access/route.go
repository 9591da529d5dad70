package access

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
)

// Phases of a suite, as Target.Phases names them.
const (
	Evaluation  = "evaluation"
	OrderGate   = "ordergate"
	Receivables = "receivables"
)

// routed sends each call to the phase that the method belongs to, "/aval.PHASE.v1.Service/Method".
type routed map[string]*grpc.ClientConn

func (r routed) conn(method string) (*grpc.ClientConn, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(method, "/aval."), ".")
	conn, ok := r[name]
	if !ok {
		return nil, errs.New(errs.Invalid, "PHASE_UNKNOWN", "no address is known for %s; known are %s", method,
			strings.Join(slices.Sorted(maps.Keys(r)), ", "))
	}
	return conn, nil
}

// Invoke implements grpc.ClientConnInterface.
func (r routed) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	conn, err := r.conn(method)
	if err != nil {
		return err
	}
	return conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (r routed) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	conn, err := r.conn(method)
	if err != nil {
		return nil, err
	}
	return conn.NewStream(ctx, desc, method, opts...)
}

// close ends all connections; several phases may share one.
func (r routed) close() error {
	var failures []error
	closed := map[*grpc.ClientConn]bool{}
	for _, conn := range r {
		if !closed[conn] {
			closed[conn] = true
			failures = append(failures, conn.Close())
		}
	}
	return errors.Join(failures...)
}
