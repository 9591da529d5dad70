// Package echo is a small service with rules of authorization and validation, for the tests of what stands around
// services. Its contract is made here, so that no contract of the product exists for tests only.
package echo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

// Methods of the services, as calls name them.
const (
	// Say is for SALESPERSON, with its own customers, SALES_MANAGER and AUDITOR.
	Say = "/aval.echo.v1.EchoService/Say"
	// Sign is for GENERAL_MANAGER.
	Sign = "/aval.echo.v1.EchoService/Sign"
	// Deliver is for SERVICE.
	Deliver = "/aval.echo.v1.EchoService/Deliver"
	// Talk is a stream both ways, for SALES_MANAGER.
	Talk = "/aval.echo.v1.EchoService/Talk"
	// MaxText is the longest text a request may have.
	MaxText = 64
)

// Handler answers a request; method is its full name.
type Handler func(ctx context.Context, method, text string) (string, error)

// File is the contract. Besides EchoService it has UnruledService, which says nothing about authorization, and
// NobodyService, which names no role.
var File = sync.OnceValue(func() protoreflect.FileDescriptor {
	file, err := protodesc.NewFile(contract(), protoregistry.GlobalFiles)
	if err == nil {
		err = protoregistry.GlobalFiles.RegisterFile(file)
	}
	if err != nil {
		panic(fmt.Sprintf("echo: the contract is wrong: %v", err))
	}
	return file
})

func contract() *descriptorpb.FileDescriptorProto {
	text := &descriptorpb.FieldOptions{}
	proto.SetExtension(text, validate.E_Field, &validate.FieldRules{Type: &validate.FieldRules_String_{
		String_: &validate.StringRules{MinLen: proto.Uint64(1), MaxLen: proto.Uint64(MaxText)},
	}})
	message := func(name string, options *descriptorpb.FieldOptions) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{
			Name: &name,
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("text"), Number: proto.Int32(1), Options: options, JsonName: proto.String("text"),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		}
	}
	say := &optionsv1.Authorization{
		Roles: []optionsv1.Role{
			optionsv1.Role_ROLE_SALESPERSON, optionsv1.Role_ROLE_SALES_MANAGER, optionsv1.Role_ROLE_AUDITOR,
		},
		Scope: optionsv1.DataScope_DATA_SCOPE_CUSTOMER,
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("aval/echo/v1/echo.proto"), Package: proto.String("aval.echo.v1"), Syntax: proto.String("proto3"),
		Dependency:  []string{"aval/options/v1/authorization.proto", "buf/validate/validate.proto"},
		MessageType: []*descriptorpb.DescriptorProto{message("Request", text), message("Response", nil)},
		Service: []*descriptorpb.ServiceDescriptorProto{
			{Name: proto.String("EchoService"), Method: []*descriptorpb.MethodDescriptorProto{
				method("Say", say, false),
				method("Sign", only(optionsv1.Role_ROLE_GENERAL_MANAGER), false),
				method("Deliver", only(optionsv1.Role_ROLE_SERVICE), false),
				method("Talk", only(optionsv1.Role_ROLE_SALES_MANAGER), true),
			}},
			{Name: proto.String("UnruledService"), Method: []*descriptorpb.MethodDescriptorProto{method("Say", nil, false)}},
			{Name: proto.String("NobodyService"), Method: []*descriptorpb.MethodDescriptorProto{
				method("Say", &optionsv1.Authorization{}, false),
				method("Sign", only(optionsv1.Role_ROLE_UNSPECIFIED), false),
			}},
		},
	}
}

func only(role optionsv1.Role) *optionsv1.Authorization {
	return &optionsv1.Authorization{Roles: []optionsv1.Role{role}}
}

func method(name string, rule *optionsv1.Authorization, stream bool) *descriptorpb.MethodDescriptorProto {
	options := &descriptorpb.MethodOptions{}
	if rule != nil {
		proto.SetExtension(options, optionsv1.E_Authorization, rule)
	}
	return &descriptorpb.MethodDescriptorProto{
		Name: &name, Options: options, ClientStreaming: &stream, ServerStreaming: &stream,
		InputType: proto.String(".aval.echo.v1.Request"), OutputType: proto.String(".aval.echo.v1.Response"),
	}
}

// Register puts one of the file's services, by its short name, on a server.
func Register(r grpc.ServiceRegistrar, service string, handle Handler) {
	contract := File().Services().ByName(protoreflect.Name(service))
	desc := &grpc.ServiceDesc{ServiceName: string(contract.FullName()), HandlerType: (*any)(nil)}
	for i := range contract.Methods().Len() {
		m := contract.Methods().Get(i)
		full := "/" + desc.ServiceName + "/" + string(m.Name())
		if m.IsStreamingClient() {
			desc.Streams = append(desc.Streams, grpc.StreamDesc{
				StreamName: string(m.Name()), ClientStreams: true, ServerStreams: true,
				Handler: func(_ any, stream grpc.ServerStream) error { return talk(stream, full, handle) },
			})
			continue
		}
		desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: string(m.Name()), Handler: unary(full, handle)})
	}
	r.RegisterService(desc, struct{}{})
}

func unary(full string, handle Handler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := message("Request", "")
		if err := decode(request); err != nil {
			return nil, err
		}
		answer := func(ctx context.Context, request any) (any, error) {
			text, err := handle(ctx, full, Text(request))
			return message("Response", text), err
		}
		if intercept == nil {
			return answer(ctx, request)
		}
		return intercept(ctx, request, &grpc.UnaryServerInfo{Server: srv, FullMethod: full}, answer)
	}
}

func talk(stream grpc.ServerStream, full string, handle Handler) error {
	for {
		request := message("Request", "")
		if err := stream.RecvMsg(request); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		text, err := handle(stream.Context(), full, Text(request))
		if err != nil {
			return err
		}
		if err := stream.SendMsg(message("Response", text)); err != nil {
			return err
		}
	}
}

// Request makes a request, for streams.
func Request(text string) proto.Message { return message("Request", text) }

// Response makes a response to receive into, for streams.
func Response() proto.Message { return message("Response", "") }

// Text reads the text of a request or response.
func Text(m any) string {
	d, ok := m.(*dynamicpb.Message)
	if !ok {
		return ""
	}
	return d.Get(d.Descriptor().Fields().ByName("text")).String()
}

// Call calls a unary method.
func Call(ctx context.Context, conn grpc.ClientConnInterface, method, text string, options ...grpc.CallOption) (string, error) {
	response := message("Response", "")
	err := conn.Invoke(ctx, method, message("Request", text), response, options...)
	return Text(response), err
}

func message(name protoreflect.Name, text string) *dynamicpb.Message {
	m := dynamicpb.NewMessage(File().Messages().ByName(name))
	if text != "" {
		m.Set(m.Descriptor().Fields().ByName("text"), protoreflect.ValueOfString(text))
	}
	return m
}
