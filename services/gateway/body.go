package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/avalcredit/aval/pkg/errs"
)

// checkBody says what is wrong with a JSON body, by position where it is no JSON and by field where it does not fit the
// message. A nil message takes no body; an empty body is one without fields.
func checkBody(message protoreflect.MessageDescriptor, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if message == nil {
		return errs.New(errs.Invalid, ReasonMalformedJSON, "this call takes no body")
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	walk := bodyWalk{decoder: json.NewDecoder(bytes.NewReader(body))}
	walk.decoder.UseNumber()
	if err := walk.message(message, ""); err != nil {
		return fmt.Errorf("gateway: walking a body: %w", err)
	}
	if len(walk.found) > 0 {
		return violated(walk.reason, walk.found)
	}
	// What is left is rare, as a number out of range; the library's text names the field.
	if err := protojson.Unmarshal(body, dynamicpb.NewMessage(message)); err != nil {
		return errs.New(errs.Invalid, ReasonInvalidValue, "%s", plain(err)).WithCause(err)
	}
	return nil
}

// checkSyntax makes sure that the body is one JSON value in UTF-8.
func checkSyntax(body []byte) error {
	if !utf8.Valid(body) {
		at := 0
		for rest := body; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			at, rest = at+size, rest[size:]
		}
		return malformed(body, at, "invalid UTF-8")
	}
	var value json.RawMessage
	err := json.Unmarshal(body, &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return malformed(body, int(syntax.Offset)-1, syntax.Error())
	}
	return err
}

// malformed names the place by line and column, both from 1, the column in bytes.
func malformed(body []byte, offset int, why string) error {
	before := body[:min(max(offset, 0), len(body))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + len(before) - (1 + bytes.LastIndexByte(before, '\n'))
	return errs.New(errs.Invalid, ReasonMalformedJSON, "the body is not JSON: line %d, column %d: %s", line, column, why).
		With("line", fmt.Sprint(line)).With("column", fmt.Sprint(column))
}

// plain takes off what the library varies on purpose, so that nobody relies on it.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return regexp.MustCompile(`^proto:\s*(\(line \d+:\d+\):\s*)?`).ReplaceAllString(text, "")
}

// bodyWalk goes through a body of sound JSON along a message.
type bodyWalk struct {
	decoder *json.Decoder
	reason  string
	found   []errs.Violation
}

func (w *bodyWalk) note(reason, rule, path, why string) {
	if w.reason == "" {
		w.reason = reason
	}
	w.found = append(w.found, errs.Violation{Field: shown(path), Rule: rule, Message: why})
}

// message walks the value of a message field, or the whole body where path is empty.
func (w *bodyWalk) message(message protoreflect.MessageDescriptor, path string) error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	if token == nil && path != "" {
		return nil
	}
	if token != json.Delim('{') {
		name := path
		if name == "" {
			name = "body"
		}
		w.note(ReasonInvalidValue, "type", name, "must be an object")
		return w.skipRest(token)
	}
	seen := map[protoreflect.FieldNumber]bool{}
	for w.decoder.More() {
		key, err := w.decoder.Token()
		if err != nil {
			return err
		}
		name := fmt.Sprint(key)
		at := name
		if path != "" {
			at = path + "." + name
		}
		field := fieldNamed(message, name)
		if field == nil {
			w.note(ReasonUnknownField, "unknown_field", at, "there is no such field")
			err = w.skip()
		} else {
			if seen[field.Number()] {
				w.note(ReasonDuplicateField, "duplicate_field", at, "is given twice")
			}
			seen[field.Number()] = true
			err = w.field(field, at)
		}
		if err != nil {
			return err
		}
	}
	_, err = w.decoder.Token() // the closing brace
	return err
}

func (w *bodyWalk) field(field protoreflect.FieldDescriptor, path string) error {
	if field.IsMap() {
		return w.skip() // left to the library
	}
	if !field.IsList() {
		return w.single(field, path)
	}
	token, err := w.decoder.Token()
	switch {
	case err != nil || token == nil:
		return err
	case token != json.Delim('['):
		w.note(ReasonInvalidValue, "type", path, "must be a list")
		return w.skipRest(token)
	}
	for i := 0; w.decoder.More(); i++ {
		if err := w.single(field, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	_, err = w.decoder.Token() // the closing bracket
	return err
}

func (w *bodyWalk) single(field protoreflect.FieldDescriptor, path string) error {
	if message := field.Message(); message != nil {
		if message.ParentFile().Package() == "google.protobuf" {
			return w.skip() // has a JSON form of its own; left to the library
		}
		return w.message(message, path)
	}
	token, err := w.decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if why := unfitToken(field, token); why != "" {
		w.note(ReasonInvalidValue, "type", path, why)
	}
	return w.skipRest(token)
}

// unfitToken says why a JSON scalar cannot be the field's value.
func unfitToken(field protoreflect.FieldDescriptor, token json.Token) string {
	text, isText := token.(string)
	number, isNumber := token.(json.Number)
	_, isBool := token.(bool)
	switch field.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		if !isText {
			return "must be a string"
		}
	case protoreflect.BoolKind:
		if !isBool {
			return "must be true or false"
		}
	case protoreflect.EnumKind:
		if !isText && !isNumber {
			return "must be the name of a value of " + string(field.Enum().Name())
		}
		return unfitEnum(field.Enum(), text+number.String())
	default:
		if !isNumber && !isText {
			return "must be a number"
		}
		// "1e3" and "1.0" are whole numbers too; the library knows.
		if written := text + number.String(); !strings.ContainsAny(written, ".eE") {
			return unfit(field, written)
		}
	}
	return ""
}

// skip passes over the next value whatever it is.
func (w *bodyWalk) skip() error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	return w.skipRest(token)
}

// skipRest passes over the rest of a value whose first token has been read.
func (w *bodyWalk) skipRest(token json.Token) error {
	if _, opens := token.(json.Delim); !opens {
		return nil
	}
	for depth := 1; depth > 0; {
		next, err := w.decoder.Token()
		if err != nil {
			return err
		}
		switch next {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
