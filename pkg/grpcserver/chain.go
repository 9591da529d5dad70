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

// unary is the one interceptor of unary calls. Innermost it checks the request and bounds the time of the call.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	err = s.around(ctx, info.FullMethod, req, func(ctx context.Context) (err error) {
		if s.open[info.FullMethod] {
			resp, err = handler(ctx, req)
			return err
		}
		if err := s.validate(ctx, req); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
		defer cancel()
		resp, err = handler(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// stream is the one interceptor of streams.
func (s *Server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return s.around(stream.Context(), info.FullMethod, nil, func(ctx context.Context) error {
		return s.validatingStream(srv, streamWithContext{stream, ctx}, info, handler)
	})
}

func (s *Server) validatingStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if !s.open[info.FullMethod] {
		stream = validatedStream{stream, s}
	}
	// A stream that never ends by itself would hold up the shutdown: its handler is told.
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

// validate looks at the text before the rules: a rule may be satisfied by text that cannot be stored. What another service
// of the suite repeats was taken in before, and is not refused for being blank.
func (s *Server) validate(ctx context.Context, req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	caller, _ := authn.FromContext(ctx)
	if err := s.text.check(message.ProtoReflect(), caller.Service()); err != nil {
		return err
	}
	if err := violations(s.validator.Validate(message)); err != nil || caller.Service() {
		return err
	}
	return s.blank.check(message.ProtoReflect())
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
