package replay

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// owners knows whose customer the documents of the file belong to. Its size is one entry a document created.
type owners map[string]string

// documents are the fields by which a request names a document.
var documents = []protoreflect.Name{"order_id", "invoice_id", "receipt_id", "application_id"}

// of returns the customer that a request concerns, or "" where it names none that is known.
func (o owners) of(request proto.Message) string {
	m := request.ProtoReflect()
	if customer := text(m, "customer_id"); customer != "" {
		return customer
	}
	if customer := inBody(m); customer != "" {
		return customer
	}
	for _, name := range documents {
		if id := text(m, name); id != "" {
			return o[key(name, id)]
		}
	}
	if decision := text(m, "decision_id"); decision != "" {
		// A decision's id is its account and its place in it.
		if dot := strings.LastIndexByte(decision, '.'); dot > 0 {
			return decision[:dot]
		}
	}
	return ""
}

// learn remembers whose document a request creates.
func (o owners) learn(request proto.Message, customer string) {
	if customer == "" {
		return
	}
	bodies(request.ProtoReflect(), func(body protoreflect.Message) {
		if text(body, "customer_id") != customer {
			return
		}
		for _, name := range documents {
			if id := text(body, name); id != "" && owns(body, name) {
				o[key(name, id)] = customer
			}
		}
	})
}

// owns tells the document itself from one it refers to: an invoice names its order, which is not its own.
func owns(body protoreflect.Message, id protoreflect.Name) bool {
	kind := strings.TrimSuffix(string(id), "_id")
	return strings.Contains(strings.ToLower(string(body.Descriptor().Name())), kind)
}

func inBody(m protoreflect.Message) (customer string) {
	bodies(m, func(body protoreflect.Message) {
		if customer == "" {
			customer = text(body, "customer_id")
		}
	})
	return customer
}

// bodies calls visit for each message that stands in the request as a single field, as the document to create does.
func bodies(m protoreflect.Message, visit func(protoreflect.Message)) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Kind() == protoreflect.MessageKind && !field.IsList() && !field.IsMap() {
			visit(value.Message())
		}
		return true
	})
}

func text(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}

func key(name protoreflect.Name, id string) string { return string(name) + "\x00" + id }
