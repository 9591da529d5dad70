package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

// Caller is in whose name a line is called.
type Caller struct {
	// Role without the prefix "ROLE_", for example SALES_MANAGER; empty: the default of the method.
	Role string
	// Subject of the person; empty: "replay-" and the role.
	Subject string
}

// line is one call of the file.
type line struct {
	number  int
	date    calendar.Date // zero: today
	method  invoke.Method
	request proto.Message
	as      Caller
	accept  []string
}

// LineError is a line of the file that cannot be read as a call.
type LineError struct {
	// Line and Column count from 1, the column in bytes.
	Line, Column int
	// Message is what is wrong.
	Message string
}

// Error implements error.
func (e *LineError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// parser reads one line. The offsets of its values are kept, so that mistakes can be shown where they are.
type parser struct {
	text   []byte
	number int
	line   line
	seen   map[string]int // key -> offset of its value
}

func parse(text []byte, number int) (line, *LineError) {
	p := &parser{text: text, number: number, seen: map[string]int{}, line: line{number: number}}
	if err := p.syntax(); err != nil {
		return line{}, err
	}
	if err := p.object(text, 0, p.member); err != nil {
		return line{}, err
	}
	if _, ok := p.seen["call"]; !ok {
		return line{}, p.fail(0, `"call" is missing: the full name of a method`)
	}
	at, ok := p.seen["request"]
	if !ok {
		return line{}, p.fail(0, `"request" is missing`)
	}
	if err := p.parseRequest(at); err != nil {
		return line{}, err
	}
	return p.line, nil
}

func (p *parser) fail(offset int, format string, args ...any) *LineError {
	return &LineError{Line: p.number, Column: offset + 1, Message: fmt.Sprintf(format, args...)}
}

// syntax checks the whole line first: what walks it afterwards meets no error of syntax.
func (p *parser) syntax() *LineError {
	var all json.RawMessage
	err := json.Unmarshal(p.text, &all)
	var wrong *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return p.fail(max(int(wrong.Offset)-1, 0), "%s", wrong.Error())
	default:
		return p.fail(0, "%v", err)
	}
}

// object walks the members of one JSON object at base within the line.
func (p *parser) object(text []byte, base int, member func(key string, value json.RawMessage, at int) *LineError) *LineError {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return p.fail(base, "not a JSON object")
	}
	keys := map[string]bool{}
	for d.More() {
		at := base + skip(text, int(d.InputOffset()))
		name, err := d.Token()
		if err != nil {
			return p.fail(at, "%v", err)
		}
		key, _ := name.(string)
		if keys[key] {
			return p.fail(at, "%q stands twice", key)
		}
		keys[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return p.fail(at, "%v", err)
		}
		if err := member(key, value, base+int(d.InputOffset())-len(value)); err != nil {
			return err
		}
	}
	return nil
}

// skip moves over what stands between two members.
func skip(text []byte, at int) int {
	for at < len(text) && strings.IndexByte(", \t\r", text[at]) >= 0 {
		at++
	}
	return at
}

func (p *parser) member(key string, value json.RawMessage, at int) *LineError {
	p.seen[key] = at
	switch key {
	case "business_date":
		var text string
		if json.Unmarshal(value, &text) != nil {
			return p.fail(at, "business_date must be a string, YYYY-MM-DD")
		}
		date, err := calendar.ParseDate(text)
		if err != nil {
			return p.fail(at, "business_date %.20q is not a date, YYYY-MM-DD", text)
		}
		p.line.date = date
	case "call":
		var text string
		if json.Unmarshal(value, &text) != nil {
			return p.fail(at, "call must be a string")
		}
		method, err := invoke.Find(text)
		if err != nil {
			return p.fail(at, "%v", err)
		}
		p.line.method = method
	case "accept":
		if json.Unmarshal(value, &p.line.accept) != nil {
			return p.fail(at, "accept must be a list of error reasons")
		}
	case "as":
		return p.object(value, at, p.caller)
	case "request":
	default:
		return p.fail(at, "%.40q is not a key of a line; there are business_date, call, request, as, accept", key)
	}
	return nil
}

func (p *parser) caller(key string, value json.RawMessage, at int) *LineError {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return p.fail(at, "as.%.40s must be a string", key)
	}
	switch key {
	case "role":
		if !authn.KnownRole(text) {
			return p.fail(at, "%.40q is not a role; write it like SALES_MANAGER", text)
		}
		p.line.as.Role = text
	case "subject":
		p.line.as.Subject = text
	default:
		return p.fail(at, "%.40q is not a key of as; there are role, subject", key)
	}
	return nil
}

var protoPosition = regexp.MustCompile(`\(line (\d+):(\d+)\):?\s*`)

// parseRequest runs last, for the method may stand behind its request.
func (p *parser) parseRequest(at int) *LineError {
	d := json.NewDecoder(bytes.NewReader(p.text[at:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return p.fail(at, "%v", err)
	}
	p.line.request = p.line.method.NewRequest()
	err := protojson.Unmarshal(raw, p.line.request)
	if err == nil {
		return nil
	}
	// The library separates its prefix with a space that changes from build to build.
	message := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	offset := at
	if m := protoPosition.FindStringSubmatchIndex(message); m != nil {
		if column, err := strconv.Atoi(message[m[4]:m[5]]); err == nil && message[m[2]:m[3]] == "1" {
			offset += column - 1
		}
		message = message[:m[0]] + message[m[1]:]
	}
	return p.fail(offset, "request: %s", message)
}
