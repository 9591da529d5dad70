package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

const defaultCurrency = "CNY"

// Problem is one reason for which a row is not imported.
type Problem struct {
	// Line of the file, from 1.
	Line int
	// Column is its header and number; empty where the row as a whole is meant.
	Column string
	// Field of the kind; empty where the row as a whole is meant.
	Field string
	// Reason for programs, in UPPER_SNAKE_CASE.
	Reason string
	// Message for people.
	Message string
}

// String is the problem in one line, without the file's name.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: ", p.Line)
	if p.Column != "" {
		fmt.Fprintf(&b, "column %s: ", p.Column)
	}
	if p.Field != "" {
		fmt.Fprintf(&b, "%s: ", p.Field)
	}
	fmt.Fprintf(&b, "%s [%s]", p.Message, p.Reason)
	return b.String()
}

// row is a good row: the request that it becomes.
type row struct {
	line     int
	key      string
	customer string
	amount   money.Money // zero value where the kind has none
	request  proto.Message
	// lines of the file that a batch was made of, in order; nil: line is the only one.
	lines []int
}

// rows counts the rows of the file that it stands for.
func (r row) rows() int { return max(len(r.lines), 1) }

// builder makes requests of rows.
type builder struct {
	mapping   Mapping
	table     *table
	method    invoke.Method
	validator protovalidate.Validator
	seen      map[string]int // key -> line
}

func newBuilder(m Mapping, t *table) (*builder, error) {
	method, err := m.kind.method()
	if err != nil {
		return nil, err
	}
	validator, err := protovalidate.New(protovalidate.WithMessages(method.NewRequest()))
	if err != nil {
		return nil, err
	}
	b := &builder{mapping: m, table: t, method: method, validator: validator, seen: map[string]int{}}
	return b, b.columns()
}

// columns checks that the file has the columns that the mapping names.
func (b *builder) columns() error {
	var wrong []errs.Violation
	for _, s := range b.mapping.fields {
		if s.column == "" {
			continue
		}
		at, ok := b.table.place[s.column]
		var said string
		switch {
		case !ok:
			said = fmt.Sprintf("the file has no column %q; it has %s", s.column, strings.Join(b.table.columns, ", "))
		case at < 0:
			said = fmt.Sprintf("the file has several columns %q", s.column)
		default:
			continue
		}
		place := strconv.Itoa(s.at.Line) + ":" + strconv.Itoa(s.at.Column)
		wrong = append(wrong, errs.Violation{Field: place, Rule: "mapping", Message: said})
	}
	if len(wrong) == 0 {
		return nil
	}
	return &errs.Error{
		Kind: errs.Invalid, Reason: ReasonMappingInvalid, Violations: wrong,
		Message: fmt.Sprintf("the mapping does not fit the file at %s: %s", wrong[0].Field, wrong[0].Message),
	}
}

// values are the texts of a row by target field.
type values map[string]string

// build makes the request of a row, or says all that is wrong with it.
func (b *builder) build(r record) (row, []Problem) {
	if len(r.fields) != len(b.table.columns) {
		return row{}, []Problem{{Line: r.line, Reason: "COLUMN_COUNT", Message: fmt.Sprintf(
			"has %d columns, the header has %d", len(r.fields), len(b.table.columns))}}
	}
	var problems []Problem
	vals := values{}
	for i := range b.mapping.fields {
		s := &b.mapping.fields[i]
		text, reason, said := b.value(s, r)
		if said != "" {
			problems = append(problems, b.problem(r.line, s, reason, said))
			continue
		}
		vals[s.spec.name] = text
	}
	out := row{line: r.line, key: vals[b.mapping.kind.key], customer: vals["customer_id"]}
	if out.request, problems = b.request(vals, &out, problems); len(problems) > 0 {
		return row{}, problems
	}
	if b.mapping.kind.key == "" {
		return out, nil
	}
	if first, twice := b.seen[out.key]; twice {
		s := b.source(b.mapping.kind.key)
		return row{}, []Problem{b.problem(r.line, s, "DUPLICATE_ROW",
			fmt.Sprintf("%q stands in line %d already", out.key, first))}
	}
	b.seen[out.key] = r.line
	return out, nil
}

// value reads the text of one field; said is what is wrong with it.
func (b *builder) value(s *source, r record) (text, reason, said string) {
	if s.constant != nil {
		return *s.constant, "", ""
	}
	text = strings.Clone(r.fields[b.table.place[s.column]]) // the record's memory is used again
	if said := badText(text, b.mapping.encoding); said != "" {
		return "", "TEXT_INVALID", said
	}
	if !s.keep {
		text = strings.TrimSpace(text)
	}
	switch {
	case text == "" && s.fallback != nil:
		return *s.fallback, "", ""
	case text == "" && s.spec.required:
		return "", "VALUE_MISSING", "is empty and is needed"
	case text == "":
		return "", "", ""
	}
	if s.values != nil {
		mapped, ok := s.values[text]
		if !ok {
			return "", "VALUE_UNKNOWN", fmt.Sprintf("%.60q is not among the values of the mapping", text)
		}
		return mapped, "", ""
	}
	return b.convert(s, text)
}

func (b *builder) convert(s *source, text string) (converted, reason, said string) {
	var err error
	switch s.spec.form {
	case formDate:
		if converted, err = s.date.parse(text); err != nil {
			return "", "DATE_INVALID", fmt.Sprintf("%.40q %v (%s)", text, err, s.date)
		}
	case formAmount:
		if converted, err = s.number.parse(text); err != nil {
			return "", "AMOUNT_INVALID", fmt.Sprintf("%.40q %v", text, err)
		}
	default:
		converted = text
	}
	return converted, "", ""
}

func (b *builder) source(name string) *source {
	for i := range b.mapping.fields {
		if b.mapping.fields[i].spec.name == name {
			return &b.mapping.fields[i]
		}
	}
	return nil
}

func (b *builder) problem(line int, s *source, reason, said string) Problem {
	p := Problem{Line: line, Reason: reason, Message: said}
	if s != nil {
		p.Field = s.spec.name
		if s.column != "" {
			p.Column = b.table.name(b.table.place[s.column])
		}
	}
	return p
}

// request puts the values at their places in the request and, where nothing was wrong so far, checks it by the
// contract's rules.
func (b *builder) request(vals values, out *row, problems []Problem) (proto.Message, []Problem) {
	currency := vals["currency_code"]
	if currency == "" {
		currency = defaultCurrency
	}
	body := map[string]any{}
	for i := range b.mapping.fields {
		s := &b.mapping.fields[i]
		text := vals[s.spec.name]
		if text == "" || s.spec.path == "" {
			continue
		}
		value, reason, err := b.typed(s.spec, text, currency)
		if err != nil {
			problems = append(problems, b.problem(out.line, s, reason, err.Error()))
			continue
		}
		if m, ok := value.(money.Money); ok && s.spec.required {
			out.amount = m
		}
		put(body, s.spec.path, value)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return b.checked(out.line, body)
}

func (b *builder) typed(f field, text, currency string) (value any, reason string, err error) {
	switch f.form {
	case formDays:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, "NUMBER_INVALID", fmt.Errorf("%.40q is not a whole number", text)
		}
		return n, "", nil
	case formAmount:
		m, err := money.Parse(currency, text)
		if err != nil {
			e, _ := errs.As(err)
			return nil, e.Reason, errors.New(e.Message)
		}
		return m, "", nil
	case formEnum:
		name, ok := enumValue(b.method.NewRequest().ProtoReflect().Descriptor(), f.path, text)
		if !ok {
			return nil, "VALUE_UNKNOWN", fmt.Errorf("%.60q is not one of its values", text)
		}
		return name, "", nil
	default:
		return text, "", nil
	}
}

// enumValue finds the value's full name; the prefix that all values of an enum share may be left out.
func enumValue(m protoreflect.MessageDescriptor, path, text string) (string, bool) {
	var enum protoreflect.EnumDescriptor
	for _, part := range strings.Split(path, ".") {
		part, _, _ = strings.Cut(part, "[")
		f := m.Fields().ByName(protoreflect.Name(part))
		if f == nil {
			return "", false
		}
		if m = f.Message(); m == nil {
			enum = f.Enum()
		}
	}
	if enum == nil {
		return "", false
	}
	prefix := strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
	for _, name := range []string{text, prefix + text} {
		if v := enum.Values().ByName(protoreflect.Name(name)); v != nil && v.Number() != 0 {
			return name, true
		}
	}
	return "", false
}

// put sets a value at a path such as order.amount or invoices[0].invoice_id.
func put(body map[string]any, path string, value any) {
	head, rest, deeper := strings.Cut(path, ".")
	name, _, listed := strings.Cut(head, "[")
	if !deeper {
		body[name] = value
		return
	}
	inner, _ := body[name].(map[string]any)
	if list, ok := body[name].([]any); ok {
		inner, _ = list[0].(map[string]any)
	}
	if inner == nil {
		inner = map[string]any{}
		body[name] = inner
		if listed {
			body[name] = []any{inner}
		}
	}
	put(inner, rest, value)
}

// checked makes the request of its JSON, names it by its content and holds it against the contract's rules.
func (b *builder) checked(line int, body map[string]any) (proto.Message, []Problem) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, []Problem{{Line: line, Reason: "ROW_INVALID", Message: err.Error()}}
	}
	request := b.method.NewRequest()
	if err := protojson.Unmarshal(text, request); err != nil {
		return nil, []Problem{{Line: line, Reason: "ROW_INVALID", Message: err.Error()}}
	}
	// The same row has the same id wherever it stands and whenever it is imported.
	sum := sha256.Sum256(append([]byte(b.mapping.kind.name+"\x00"), text...))
	id := "import-" + b.mapping.kind.name + "-" + hex.EncodeToString(sum[:16])
	request.ProtoReflect().Set(request.ProtoReflect().Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(id))
	return request, b.violations(line, b.validator.Validate(request))
}

func (b *builder) violations(line int, err error) []Problem {
	var failed *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &failed):
		return []Problem{{Line: line, Reason: "ROW_INVALID", Message: err.Error()}}
	}
	var problems []Problem
	for _, v := range failed.Violations {
		path := protovalidate.FieldPathString(v.Proto.GetField())
		problems = append(problems, b.at(line, path, errs.ReasonInvalidField, v.Proto.GetMessage()))
	}
	return problems
}

// at is a problem of a field of the request, in the file's words where the field came from the file.
func (b *builder) at(line int, path, reason, said string) Problem {
	if s := b.source("currency_code"); s != nil && strings.HasSuffix(path, "currency_code") {
		return b.problem(line, s, reason, said)
	}
	for i := range b.mapping.fields {
		if s := &b.mapping.fields[i]; within(path, s.spec.path) {
			return b.problem(line, s, reason, said)
		}
	}
	for _, f := range b.mapping.kind.fields {
		if within(path, f.path) {
			path = f.name
			break
		}
	}
	return Problem{Line: line, Field: path, Reason: reason, Message: said}
}

// within says whether a path is a field's own or lies in it; of an amount the field is the whole of it.
func within(path, field string) bool {
	return field != "" && (path == field || strings.HasPrefix(path, field+"."))
}
