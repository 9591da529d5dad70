package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/avalcredit/aval/services/gateway"
)

type document struct {
	Info                struct{ Title, Version, Description string }
	SecurityDefinitions map[string]struct{ Name, In string }
	Tags                []struct{ Name, Description string }
	Paths               map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Tags        []string
		RPC         string   `json:"x-aval-rpc"`
		Roles       []string `json:"x-aval-roles"`
		Responses   map[string]any
		Parameters  []struct {
			Name, In string
			Example  json.RawMessage `json:"x-example"`
		}
	}
}

func fetch(t *testing.T, url string) (http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
	}
	return resp.Header, text
}

// What is served, what the document lists and what the contracts declare are the same calls, each answered by its RPC.
func TestServedDescribedDeclared(t *testing.T) {
	t.Parallel()
	b := &backend{}
	server := newGateway(t, b)
	_, text := fetch(t, server.URL+"/openapi.json")
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	routes, err := gateway.Routes()
	if err != nil {
		t.Fatal(err)
	}
	var declared, described []string
	for _, route := range routes {
		// A parameter that takes slashes, {name=**}, is described by its name alone.
		declared = append(declared, route.Method+" "+strings.ReplaceAll(route.Template, "=**}", "}"))
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, operation := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
			if ids[operation.OperationID] {
				t.Errorf("operation id %s twice", operation.OperationID)
			}
			ids[operation.OperationID] = true
			if len(operation.Roles) == 0 || operation.RPC == "" || operation.Responses["401"] == nil || len(operation.Tags) != 1 {
				t.Errorf("%s %s is described in part only", method, path)
			}
		}
	}
	slices.Sort(declared)
	slices.Sort(described)
	if !slices.Equal(declared, described) {
		t.Errorf("declared %q\ndescribed %q", declared, described)
	}
	for _, route := range routes {
		path := regexp.MustCompile(`\{[^}]*version\}`).ReplaceAllString(route.Template, "7")
		path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "X-1")
		body := ""
		if route.Body != "" {
			body = "{}"
		}
		if got := send(t, route.Method, server.URL+path, body, nil); got.status != 200 || b.method != route.FullMethod() {
			t.Errorf("%s %s: %d %s, answered by %s, want %s", route.Method, path, got.status, got.reason(), b.method, route.FullMethod())
		}
	}
	if doc.Info.Title != "Aval" || doc.SecurityDefinitions["bearer"].Name != "Authorization" || doc.Info.Description == "" {
		t.Errorf("the head of the document: %+v %+v", doc.Info, doc.SecurityDefinitions)
	}
}

// Examples are requests that the contracts' own rules accept.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	server := newGateway(t, &backend{})
	_, text := fetch(t, server.URL+"/openapi.json")
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	routes, err := gateway.Routes()
	if err != nil {
		t.Fatal(err)
	}
	writes, shown := 0, 0
	for _, route := range routes {
		if route.Body == "" {
			continue
		}
		writes++
		for _, p := range doc.Paths[route.Template][strings.ToLower(route.Method)].Parameters {
			if p.In != "body" || p.Example == nil {
				continue
			}
			shown++
			if err := validExample(route, p.Example); err != nil {
				t.Errorf("%s: %v", route.FullMethod(), err)
			}
		}
	}
	if shown < 140 {
		t.Errorf("%d of %d writes have an example", shown, writes)
	}
}

func validExample(route gateway.Route, example []byte) error {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(route.RPC.Input().FullName())
	if err != nil {
		return err
	}
	message := kind.New()
	body := message
	if route.Body != "*" {
		body = message.Mutable(message.Descriptor().Fields().ByName(protoreflect.Name(route.Body))).Message()
	}
	if err := protojson.Unmarshal(example, body.Interface()); err != nil {
		return err
	}
	if field := message.Descriptor().Fields().ByName("request_id"); field != nil && !message.Has(field) {
		message.Set(field, protoreflect.ValueOfString("in-the-query")) // as a PATCH has it
	}
	// What stands in the path is a name of some form, a number or a month.
	for _, id := range []string{"X-1.1", "X-1", "W-1", "2012-06"} {
		fillPath(route, message, id)
		if err = protovalidate.Validate(message.Interface()); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", proto.MessageName(message.Interface()), err)
}

// fillPath sets the fields that the path of a route names.
func fillPath(route gateway.Route, message protoreflect.Message, id string) {
	for _, name := range regexp.MustCompile(`\{([a-z_.]+)\}`).FindAllStringSubmatch(route.Template, -1) {
		at := message
		names := strings.Split(name[1], ".")
		for _, n := range names[:len(names)-1] {
			at = at.Mutable(at.Descriptor().Fields().ByName(protoreflect.Name(n))).Message()
		}
		field := at.Descriptor().Fields().ByName(protoreflect.Name(names[len(names)-1]))
		if field.Kind() == protoreflect.Int64Kind {
			at.Set(field, protoreflect.ValueOfInt64(1))
		} else {
			at.Set(field, protoreflect.ValueOfString(id))
		}
	}
}

// The page shows every call and runs under a policy that allows no script, and no style but our own file.
func TestDocs(t *testing.T) {
	t.Parallel()
	server := newGateway(t, &backend{})
	header, text := fetch(t, server.URL+"/docs")
	page := string(text)
	routes, err := gateway.Routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		if !strings.Contains(page, "<code>"+route.Template+"</code>") {
			t.Errorf("%s is not on the page", route.Template)
		}
	}
	for _, forbidden := range []string{"<script", "style=", "onclick", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page contains %s", forbidden)
		}
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'; style-src 'self'") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	if header, _ := fetch(t, server.URL+"/docs/style.css"); header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style: %s", header.Get("Content-Type"))
	}
	if got := send(t, http.MethodGet, server.URL+"/", "", nil); got.status != http.StatusSeeOther || got.header.Get("Location") != "/docs" {
		t.Errorf("/: %d to %s", got.status, got.header.Get("Location"))
	}
}

// What HTTP does not carry is named where people read about the API: every call of the contracts that is a stream.
func TestStreamsAreNamed(t *testing.T) {
	t.Parallel()
	server := newGateway(t, &backend{})
	_, text := fetch(t, server.URL+"/openapi.json")
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	streams := 0
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "aval.") {
			return true
		}
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				if !m.IsStreamingClient() && !m.IsStreamingServer() {
					continue
				}
				streams++
				if name := fmt.Sprintf("`%s.%s`", service.Name(), m.Name()); !strings.Contains(doc.Info.Description, name) {
					t.Errorf("the API's description does not name the stream %s", name)
				}
			}
		}
		return true
	})
	if streams < 2 {
		t.Errorf("%d streams found", streams)
	}
}
