// Package proto holds the contracts of the suite, and what is generated from all of them together.
package proto

import _ "embed" // for the document below

// openAPI is generated next to the code, in a folder that is emptied before each generation.
//
//go:embed gen/openapi/aval.swagger.json
var openAPI []byte

// OpenAPI returns the OpenAPI 2.0 document of all REST calls as generated, a copy of its own for each caller.
func OpenAPI() []byte { return append([]byte(nil), openAPI...) }
