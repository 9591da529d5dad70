package gateway

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed pages/*
var pageFiles embed.FS

// maxFieldDepth is how deep the page shows the fields of a body.
const maxFieldDepth = 4

// pages are what people and tools read about the API, made once at start.
type pages struct {
	openAPI, docs, style []byte
}

func newPages(routes []Route, version string) (*pages, error) {
	doc, err := document(routes, version)
	if err != nil {
		return nil, err
	}
	p := &pages{}
	if p.openAPI, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("gateway: the OpenAPI document: %w", err)
	}
	if p.style, err = pageFiles.ReadFile("pages/style.css"); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if p.docs, err = renderDocs(p.openAPI, routes); err != nil {
		return nil, fmt.Errorf("gateway: the page about the API: %w", err)
	}
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET only", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	switch r.URL.Path {
	case "/openapi.json":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(p.openAPI) // here and below: a reader that left does not care
	case "/docs":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		_, _ = w.Write(p.docs)
	case "/docs/style.css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(p.style)
	default:
		http.Redirect(w, r, "/docs", http.StatusSeeOther)
	}
}

// The part of an OpenAPI document that the page shows.
type (
	docRoot struct {
		Info        struct{ Title, Version, Description string } `json:"info"`
		Tags        []docTag                                     `json:"tags"`
		Paths       map[string]map[string]docOperation           `json:"paths"`
		Definitions map[string]docSchema                         `json:"definitions"`
	}
	docTag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Phase       string `json:"x-aval-phase"`
	}
	docOperation struct {
		Summary     string         `json:"summary"`
		Description string         `json:"description"`
		OperationID string         `json:"operationId"`
		Tags        []string       `json:"tags"`
		Parameters  []docParameter `json:"parameters"`
		Responses   map[string]struct {
			Description string `json:"description"`
		} `json:"responses"`
		RPC string `json:"x-aval-rpc"`
	}
	docParameter struct {
		Name        string          `json:"name"`
		In          string          `json:"in"`
		Description string          `json:"description"`
		Required    bool            `json:"required"`
		Type        string          `json:"type"`
		Format      string          `json:"format"`
		Enum        []string        `json:"enum"`
		Schema      docSchema       `json:"schema"`
		Example     json.RawMessage `json:"x-example"`
	}
	docSchema struct {
		Ref         string               `json:"$ref"`
		Type        string               `json:"type"`
		Format      string               `json:"format"`
		Description string               `json:"description"`
		Enum        []string             `json:"enum"`
		Properties  map[string]docSchema `json:"properties"`
		Items       *docSchema           `json:"items"`
	}
)

// What the page's template is given.
type (
	pageView struct {
		Title, Version string
		About          []string
		Phases         []phaseView
	}
	phaseView struct {
		Name     string
		Services []serviceView
	}
	serviceView struct {
		Name, Description string
		Operations        []operationView
	}
	operationView struct {
		ID, Method, Path, Summary, Roles, RPC, Curl string
		Parameters, Fields                          []fieldView
		Responses                                   []fieldView
	}
	fieldView struct{ Name, Type, Description string }
)

func renderDocs(openAPI []byte, routes []Route) ([]byte, error) {
	var doc docRoot
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, err
	}
	page, err := template.ParseFS(pageFiles, "pages/docs.html")
	if err != nil {
		return nil, err
	}
	view := pageView{Title: doc.Info.Title, Version: doc.Info.Version, About: paragraphs(doc.Info.Description)}
	for _, tag := range doc.Tags {
		service := serviceView{Name: tag.Name, Description: tag.Description}
		for _, route := range routes {
			if tagOf(route) == tag.Name {
				service.Operations = append(service.Operations, doc.operation(route))
			}
		}
		if n := len(view.Phases); n == 0 || view.Phases[n-1].Name != tag.Phase {
			view.Phases = append(view.Phases, phaseView{Name: tag.Phase})
		}
		last := &view.Phases[len(view.Phases)-1]
		last.Services = append(last.Services, service)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// paragraphs parts the description at its list items.
func paragraphs(text string) []string {
	var list []string
	for _, block := range strings.Split(strings.ReplaceAll(text, "\n- ", "\n\n- "), "\n\n") {
		if block = strings.TrimPrefix(strings.Join(strings.Fields(block), " "), "- "); block != "" {
			list = append(list, strings.ReplaceAll(block, "`", ""))
		}
	}
	return list
}

func (d docRoot) operation(route Route) operationView {
	op := d.Paths[route.Template][strings.ToLower(route.Method)]
	view := operationView{
		ID: op.OperationID, Method: route.Method, Path: route.Template, Summary: op.Summary, Roles: op.Description, RPC: op.RPC,
	}
	var example json.RawMessage
	for _, p := range op.Parameters {
		if p.In != "body" {
			view.Parameters = append(view.Parameters, fieldView{
				Name: p.Name, Type: p.In + ", " + typeName(docSchema{Type: p.Type, Format: p.Format}),
				Description: strings.TrimSpace(p.Description + " " + strings.Join(p.Enum, ", ")),
			})
			continue
		}
		example = p.Example
		view.Fields = d.fields(p.Schema, route.bodyMessage(), "", maxFieldDepth)
	}
	view.Curl = curl(route, example)
	for status, response := range op.Responses {
		if status != "default" {
			view.Responses = append(view.Responses, fieldView{Name: status, Description: response.Description})
		}
	}
	slices.SortFunc(view.Responses, func(a, b fieldView) int { return strings.Compare(a.Name, b.Name) })
	return view
}

// fields lists what a body may hold, in the order of the contract, without what is output only.
func (d docRoot) fields(schema docSchema, message protoreflect.MessageDescriptor, prefix string, depth int) []fieldView {
	schema = d.resolve(schema)
	if depth == 0 || message == nil {
		return nil
	}
	var list []fieldView
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		property, ok := schema.Properties[string(field.Name())]
		if !ok || strings.HasPrefix(property.Description, "Output") {
			continue
		}
		name := prefix + string(field.Name())
		inner := property
		if field.IsList() && property.Items != nil {
			name, inner = name+"[]", *property.Items
		}
		resolved := d.resolve(inner)
		list = append(list, fieldView{
			Name: name, Type: typeName(resolved),
			Description: strings.TrimSpace(property.Description + " " + strings.Join(resolved.Enum, ", ")),
		})
		if nested := field.Message(); nested != nil && nested.ParentFile().Package() != "google.protobuf" && !isMoney(nested) {
			list = append(list, d.fields(inner, nested, name+".", depth-1)...)
		}
	}
	return list
}

func isMoney(message protoreflect.MessageDescriptor) bool {
	return message.FullName() == "aval.type.v1.Money"
}

func (d docRoot) resolve(schema docSchema) docSchema {
	if schema.Ref == "" {
		return schema
	}
	return d.Definitions[schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]]
}

func typeName(s docSchema) string {
	switch {
	case len(s.Enum) > 0:
		return "enum"
	case s.Properties["currency_code"].Type != "" && len(s.Properties) == 2:
		return "money"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

// curl is the call as one would type it; $AVAL is the address and $TOKEN an access token.
func curl(route Route, example json.RawMessage) string {
	line := "curl -sS -H \"Authorization: Bearer $TOKEN\""
	if route.Method != http.MethodGet {
		line += " -X " + route.Method
	}
	path := route.Template
	if route.Method == http.MethodPatch {
		path += "?request_id=REQUEST_ID"
	}
	line += " \"$AVAL" + path + "\""
	if route.Body == "" {
		return line
	}
	var body bytes.Buffer
	if example == nil || json.Indent(&body, example, "", "  ") != nil {
		body.WriteString("{}")
	}
	return line + " -H \"Content-Type: application/json\" -d '" + body.String() + "'"
}
