package grpcclient

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
)

const (
	authorizationHeader = "authorization"
	businessDateHeader  = "aval-business-date"
)

// unary readies a call and rebuilds its error.
func (o *Options) unary() grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, call ...grpc.CallOption,
	) error {
		ctx, err := o.outgoing(ctx)
		if err != nil {
			return err
		}
		ctx, cancel := o.deadline(ctx)
		defer cancel()
		if err := invoke(ctx, method, req, reply, conn, call...); err != nil {
			o.Log.DebugContext(ctx, "call failed", "method", method, "target", conn.Target(), "error", err)
			return o.rebuild(err)
		}
		return nil
	}
}

// stream sets no deadline where there is none: streams may be long. One there is, is shaved as well.
func (o *Options) stream() grpc.StreamClientInterceptor {
	return func(
		ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, call ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		ctx, err := o.outgoing(ctx)
		if err != nil {
			return nil, err
		}
		if until, ok := ctx.Deadline(); ok {
			shaved, cancel := context.WithDeadline(ctx, until.Add(-shave))
			call = append(call, grpc.OnFinish(func(error) { cancel() }))
			ctx = shaved
		}
		s, err := open(ctx, desc, conn, method, call...)
		if err != nil {
			return nil, o.rebuild(err)
		}
		return rebuiltStream{s, o}, nil
	}
}

// outgoing adds the token and the business date, unless the call carries them already.
func (o *Options) outgoing(ctx context.Context) (context.Context, error) {
	set, _ := metadata.FromOutgoingContext(ctx)
	if o.Token != nil && len(set.Get(authorizationHeader)) == 0 {
		token, err := o.Token(ctx)
		if err != nil {
			return nil, errs.New(errs.Unavailable, "TOKEN_UNAVAILABLE", "no access token to call with").WithCause(err)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, authorizationHeader, "Bearer "+token)
	}
	if date, ok := calendar.BusinessDate(ctx); ok && o.ForwardBusinessDate && len(set.Get(businessDateHeader)) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, businessDateHeader, date.String())
	}
	return ctx, nil
}

func (o *Options) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if until, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, until.Add(-shave))
	}
	return context.WithTimeout(ctx, o.Timeout)
}

func (o *Options) rebuild(err error) error {
	if err == nil || o.KeepStatus || errors.Is(err, io.EOF) {
		return err
	}
	return rpcerr.FromError(err)
}

// rebuiltStream rebuilds the errors of a stream, wherever they come up.
type rebuiltStream struct {
	grpc.ClientStream
	options *Options
}

// Header implements grpc.ClientStream.
func (s rebuiltStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, s.options.rebuild(err)
}

// SendMsg implements grpc.ClientStream.
func (s rebuiltStream) SendMsg(m any) error { return s.options.rebuild(s.ClientStream.SendMsg(m)) }

// RecvMsg implements grpc.ClientStream.
func (s rebuiltStream) RecvMsg(m any) error { return s.options.rebuild(s.ClientStream.RecvMsg(m)) }

// CloseSend implements grpc.ClientStream.
func (s rebuiltStream) CloseSend() error { return s.options.rebuild(s.ClientStream.CloseSend()) }
