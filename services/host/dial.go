package host

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/grpcclient"
)

// callTimeout bounds calls between services that come without a deadline.
const callTimeout = 10 * time.Second

// DialService connects a phase to another service, in the name the token gives. It does not wait for the other side.
func DialService(ctx context.Context, base Base, target string, token authn.TokenSource) (*grpc.ClientConn, error) {
	t := base.Telemetry
	return grpcclient.Dial(ctx, target, grpcclient.Options{
		Token: token, Log: t.Log, ForwardBusinessDate: true, Timeout: callTimeout, Tracer: t.Tracer, Meter: t.Meter,
	})
}

// LoopbackOf is the address by which a program reaches its own listener, which may listen on all addresses.
func LoopbackOf(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	if tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return tcp.String()
}

// Late is a connection that is named before it is made: services in one process call each other by the server's
// address, which is known only when they are registered. Calls wait for it.
type Late struct {
	once sync.Once
	set  chan struct{}
	conn grpc.ClientConnInterface
}

// NewLate returns a connection that waits for Set.
func NewLate() *Late { return &Late{set: make(chan struct{})} }

// Set makes the connection; only the first call counts.
func (l *Late) Set(conn grpc.ClientConnInterface) {
	l.once.Do(func() {
		l.conn = conn
		close(l.set)
	})
}

func (l *Late) wait(ctx context.Context) error {
	select {
	case <-l.set:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Invoke implements grpc.ClientConnInterface.
func (l *Late) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if err := l.wait(ctx); err != nil {
		return err
	}
	return l.conn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (l *Late) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	return l.conn.NewStream(ctx, desc, method, opts...)
}
