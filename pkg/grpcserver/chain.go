package grpcserver

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
)

// around is one interceptor, written once for unary calls and streams: it may refuse, or go on with another context.
type around func(ctx context.Context, method string, next func(context.Context) error) error

// arounds are the interceptors in order, the outermost first. Errors take their form on the wire in exactly one place,
// so everything that refuses stands inside it; who is calling is known before anything is said about the call.
func (s *Server) arounds() []around {
	return []around{
		s.recovering, s.logging, s.mapping, s.authenticating, s.limiting, s.authorizing, s.dating,
	}
}

func (s *Server) unaryChain() []grpc.UnaryServerInterceptor {
	var chain []grpc.UnaryServerInterceptor
	for _, a := range s.arounds() {
		chain = append(chain, func(
			ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
		) (resp any, err error) {
			err = a(ctx, info.FullMethod, func(ctx context.Context) (err error) {
				resp, err = handler(ctx, req)
				return err
			})
			if err != nil {
				return nil, err
			}
			return resp, nil
		})
	}
	return append(chain, s.validatingUnary)
}

func (s *Server) streamChain() []grpc.StreamServerInterceptor {
	var chain []grpc.StreamServerInterceptor
	for _, a := range s.arounds() {
		chain = append(chain, func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return a(stream.Context(), info.FullMethod, func(ctx context.Context) error {
				return handler(srv, streamWithContext{stream, ctx})
			})
		})
	}
	return append(chain, s.validatingStream)
}

// validatingUnary is innermost: it checks the request and bounds the time of the call.
func (s *Server) validatingUnary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if s.open[info.FullMethod] {
		return handler(ctx, req)
	}
	if err := s.validate(ctx, req); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	return handler(ctx, req)
}

func (s *Server) validatingStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if !s.open[info.FullMethod] {
		stream = validatedStream{stream, s}
		if info.IsClientStream || !info.IsServerStream {
			return handler(srv, stream)
		}
	}
	// A watch, of health or of events, never ends by itself and would hold up the shutdown.
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	go func() {
		select {
		case <-s.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return handler(srv, streamWithContext{stream, ctx})
}

type streamWithContext struct {
	grpc.ServerStream
	ctx context.Context // that is how a stream carries one
}

// Context implements grpc.ServerStream.
func (s streamWithContext) Context() context.Context { return s.ctx }

// validatedStream checks every message of the caller as it comes.
type validatedStream struct {
	grpc.ServerStream
	server *Server
}

// RecvMsg implements grpc.ServerStream.
func (v validatedStream) RecvMsg(m any) error {
	if err := v.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return v.server.validate(v.Context(), m)
}

// validate looks at the text before the rules: a rule may be satisfied by text that cannot be stored.
func (s *Server) validate(ctx context.Context, req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	caller, _ := authn.FromContext(ctx)
	if err := checkText(message.ProtoReflect(), caller.Service()); err != nil {
		return err
	}
	return violations(s.validator.Validate(message))
}

// openServices are those that need no token: they say nothing about the business. Reflection is not registered but in
// development.
func openServices() []string {
	return []string{
		healthv1.Health_ServiceDesc.ServiceName,
		reflectionv1.ServerReflection_ServiceDesc.ServiceName,
		reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName,
	}
}

// openMethods are the methods of those services that are registered, by their full names.
func openMethods(server *grpc.Server) map[string]bool {
	methods := map[string]bool{}
	for name, service := range server.GetServiceInfo() {
		if !slices.Contains(openServices(), name) {
			continue
		}
		for _, method := range service.Methods {
			methods["/"+name+"/"+method.Name] = true
		}
	}
	return methods
}
