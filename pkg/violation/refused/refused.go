// Package refused enters what a server refuses into the register of violations.
package refused

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/violation"
)

// Watch has a phase's refused acts recorded: of the services of one contract, "aval.evaluation.v1". objects are the fields that
// name what a request is about, the narrowest first. A registrar that shows nothing, of a program without callers, is left alone.
func Watch(r grpc.ServiceRegistrar, register *violation.Register, contract string, objects ...protoreflect.Name) {
	w, ok := r.(grpcserver.Witness)
	if !ok {
		return
	}
	watch := watcher{register: register, prefix: "/" + contract + ".", objects: objects}
	w.OnRefused(watch.refused)
}

type watcher struct {
	register *violation.Register
	prefix   string
	objects  []protoreflect.Name
}

// refused records a refusal, where it was an act on this phase. A register that cannot be written lets no act through
// either: the failure is logged, with all that would have been recorded.
func (w watcher) refused(ctx context.Context, f grpcserver.Refusal) {
	act, ours := strings.CutPrefix(f.Method, w.prefix)
	if !ours || !isAct(f.Method) {
		return
	}
	at := violation.Attempt{
		Subject: f.Caller.Subject, Roles: f.Caller.Roles, Act: strings.ReplaceAll(act, "/", "."), ReasonCode: errs.ReasonOf(f.Err), Message: messageOf(f.Err),
	}
	if f.Request != nil {
		at.ObjectKind, at.ObjectID, at.CustomerID = w.objectOf(f.Request.ProtoReflect())
		at.Readable = protojson.MarshalOptions{}.Format(f.Request)
		// What cannot be marshalled was not received.
		at.Sent, _ = proto.MarshalOptions{Deterministic: true}.Marshal(f.Request)
	}
	if err := w.register.Record(ctx, at); err != nil {
		w.register.Log.ErrorContext(ctx, "a refused act could not be recorded", "subject", at.Subject, "act", at.Act,
			"object", at.ObjectKind+"/"+at.ObjectID, "reason", at.ReasonCode, "error", err)
	}
}

func messageOf(err error) string {
	if e, ok := errs.As(err); ok {
		return e.Message
	}
	return err.Error()
}

// isAct reports whether a method does something: it is no read over REST, nor by its name.
func isAct(fullMethod string) bool {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(fullMethod[1:], "/", ".")))
	if err != nil {
		return false
	}
	options, _ := found.Options().(*descriptorpb.MethodOptions)
	rule, _ := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return !strings.HasPrefix(string(found.Name()), "Get")
	}
	_, get := rule.GetPattern().(*annotations.HttpRule_Get)
	return !get
}

// objectOf finds what a request is about, in it or in what it creates.
func (w watcher) objectOf(m protoreflect.Message) (kind, id, customerID string) {
	customerID = named(m, "customer_id")
	for _, field := range slices.Concat(w.objects, []protoreflect.Name{"customer_id", "version"}) {
		if id = named(m, field); id == "" {
			continue
		}
		kind = strings.TrimSuffix(string(field), "_id")
		if field == "version" {
			kind = "policy"
		}
		return kind, id, customerID
	}
	return "", "", customerID
}

// named is the value of a field of the message, or of a message in it; empty: none.
func named(m protoreflect.Message, field protoreflect.Name) string {
	if f := m.Descriptor().Fields().ByName(field); f != nil && m.Has(f) && !f.IsList() && f.Message() == nil {
		return fmt.Sprint(m.Get(f).Interface())
	}
	var found string
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			return true
		}
		inner := v.Message()
		if g := inner.Descriptor().Fields().ByName(field); g != nil && inner.Has(g) && !g.IsList() && g.Message() == nil {
			found = fmt.Sprint(inner.Get(g).Interface())
		}
		return found == ""
	})
	return found
}
