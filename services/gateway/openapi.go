package gateway

import (
	_ "embed" // for the texts below
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/authz"
	"github.com/avalcredit/aval/proto"
)

// about is the description at the head of the document.
//
//go:embed about.md
var about string

// examples are bodies of the main calls, by the full name of the RPC. A test validates each.
//
//go:embed examples.json
var examples []byte

// object is a JSON object of the document.
type object = map[string]any

// document adds to the generated document what the contracts cannot say: who may call, how to present a token, the
// errors, examples, and operation ids that are unique over the three services.
func document(routes []Route, version string) (object, error) {
	var doc object
	if err := json.Unmarshal(proto.OpenAPI(), &doc); err != nil {
		return nil, fmt.Errorf("gateway: the generated OpenAPI document: %w", err)
	}
	var bodies map[string]json.RawMessage
	if err := json.Unmarshal(examples, &bodies); err != nil {
		return nil, fmt.Errorf("gateway: examples: %w", err)
	}
	if version == "" {
		version = "dev"
	}
	doc["info"] = object{"title": "Aval", "version": version, "description": about}
	doc["schemes"] = []string{"http", "https"}
	doc["securityDefinitions"] = object{"bearer": object{
		"type": "apiKey", "in": "header", "name": "Authorization",
		"description": `"Bearer " followed by an access token.`,
	}}
	doc["security"] = []object{{"bearer": []string{}}}
	doc["tags"] = tags(doc, routes)
	for _, route := range routes {
		operation, err := dig(doc, "paths", documented(route.Template), strings.ToLower(route.Method))
		if err != nil {
			return nil, err
		}
		if err := describe(operation, route); err != nil {
			return nil, err
		}
		if body, ok := bodies[route.FullMethod()[1:]]; ok {
			if err := addExample(doc, operation, body); err != nil {
				return nil, fmt.Errorf("%s: %w", route.FullMethod(), err)
			}
		}
	}
	return doc, nil
}

// wide is a parameter of a path that takes slashes too: the document names it without saying so.
var wide = regexp.MustCompile(`\{([^}=]+)=\*\*\}`)

// documented is a template as the generated document writes it.
func documented(template string) string { return wide.ReplaceAllString(template, "{$1}") }

// describe completes one operation.
func describe(operation object, route Route) error {
	rules, err := authz.RulesOf(route.RPC.ParentFile())
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	rule := rules[route.FullMethod()]
	operation["operationId"] = operationID(route)
	operation["tags"] = []string{tagOf(route)}
	operation["x-aval-rpc"] = route.FullMethod()[1:]
	operation["x-aval-roles"] = rule.Roles
	text := "Roles: " + strings.Join(rule.Roles, ", ") + "."
	if rule.OwnCustomers {
		text += " A salesperson without another of these roles reaches its own customers only; others are NOT_FOUND."
	}
	operation["description"] = text
	responses, err := dig(operation, "responses")
	if err != nil {
		return err
	}
	for status, what := range refusals(route) {
		responses[status] = object{"description": what, "schema": object{"$ref": "#/definitions/rpcStatus"}}
	}
	parameters, _ := operation["parameters"].([]any)
	operation["parameters"] = append(parameters, object{
		"name": BusinessDateHeader, "in": "header", "required": false, "type": "string", "format": "date",
		"description": "Business date of this request, YYYY-MM-DD, where the suite runs in development mode; refused elsewhere (BUSINESS_DATE_NOT_SETTABLE).",
	})
	return nil
}

// refusals are the errors a call can answer with, by status. The body is google.rpc.Status with an ErrorInfo whose
// reason programs read.
func refusals(route Route) map[string]string {
	all := map[string]string{
		"400": "The request is wrong (MALFORMED_JSON, UNKNOWN_FIELD, UNKNOWN_PARAMETER, INVALID_VALUE, INVALID_FIELD; the fields are in BadRequest), or the state of the system does not allow it (code 9, FAILED_PRECONDITION).",
		"401": "No access token (TOKEN_MISSING), or one that is not accepted (TOKEN_INVALID, TOKEN_EXPIRED).",
		"403": "The caller's roles are not enough (ROLE_REQUIRED), or it is not the caller's step (NOT_YOUR_STEP).",
		"404": "There is no such thing, or not for this caller.",
		"429": "Too many requests, or the service is overloaded; Retry-After says when to come again.",
		"503": "A service that is needed cannot be reached; Retry-After says when to come again. Writes may be sent again with the same request_id.",
	}
	if route.Body != "" {
		all["409"] = "It exists already, the request_id was used for another body (REQUEST_ID_REUSED), or another change came first (code 10, ABORTED)."
		all["413"] = fmt.Sprintf("The body is larger than %d bytes (BODY_TOO_LARGE).", MaxBody)
		all["415"] = "The body is not application/json in UTF-8 (MEDIA_TYPE_NOT_SUPPORTED)."
	}
	return all
}

// addExample puts the example where readers of the document look: into the schema of the body.
func addExample(doc, operation object, body json.RawMessage) error {
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		parameter, ok := p.(object)
		if !ok || parameter["in"] != "body" {
			continue
		}
		schema, err := dig(parameter, "schema")
		if err != nil {
			return err
		}
		if reference, ok := schema["$ref"].(string); ok {
			if schema, err = dig(doc, "definitions", reference[strings.LastIndex(reference, "/")+1:]); err != nil {
				return err
			}
		}
		schema["example"] = body
		parameter["x-example"] = body
		return nil
	}
	return fmt.Errorf("gateway: an example for a call without a body")
}

func dig(from object, path ...string) (object, error) {
	for _, name := range path {
		next, ok := from[name].(object)
		if !ok {
			return nil, fmt.Errorf("gateway: the generated OpenAPI document lacks %s", strings.Join(path, " "))
		}
		from = next
	}
	return from, nil
}

// phaseOf is the phase in the words of the business.
func phaseOf(service protoreflect.Descriptor) string {
	switch service.ParentFile().Package() {
	case "aval.evaluation.v1":
		return "Before the sale"
	case "aval.ordergate.v1":
		return "During the sale"
	default:
		return "After the sale"
	}
}

// tagOf tells services of the same name apart by their phase.
func tagOf(route Route) string {
	service := route.RPC.Parent()
	if service.Name() != "OperationsService" {
		return string(service.Name())
	}
	return string(service.Name()) + " (" + packageWord(service) + ")"
}

func operationID(route Route) string {
	id := string(route.RPC.Name())
	if route.RPC.Parent().Name() == "OperationsService" {
		id += "_" + packageWord(route.RPC.Parent())
	}
	return id
}

// packageWord is "ordergate" for aval.ordergate.v1.
func packageWord(service protoreflect.Descriptor) string {
	return strings.Split(string(service.ParentFile().Package()), ".")[1]
}

// tags lists the services that have REST calls, with their descriptions as generated from the contracts.
func tags(doc object, routes []Route) []object {
	described := map[string]any{}
	generated, _ := doc["tags"].([]any)
	for _, t := range generated {
		if tag, ok := t.(object); ok {
			described[fmt.Sprint(tag["name"])] = tag["description"]
		}
	}
	var list []object
	seen := map[string]bool{}
	for _, route := range routes {
		name := tagOf(route)
		if seen[name] {
			continue
		}
		seen[name] = true
		service := route.RPC.Parent()
		list = append(list, object{
			"name": name, "description": described[string(service.Name())], "x-aval-phase": phaseOf(service),
		})
	}
	return list
}
