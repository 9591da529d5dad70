package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonMappingInvalid is the reason of errors of a mapping; the violations' fields are "line:column".
const ReasonMappingInvalid = "MAPPING_INVALID"

// maxMapping is the largest mapping file, in bytes.
const maxMapping = 1 << 20

// Mapping says how the columns of a file become the fields of a kind.
type Mapping struct {
	kind      kind
	encoding  string // "utf-8" or "gbk"
	delimiter rune
	fields    []source
}

// source is where the value of one target field comes from.
type source struct {
	spec     field
	at       yaml.Node // for messages
	column   string
	constant *string
	fallback *string
	keep     bool // white space around the value stays
	date     dateFormat
	number   numberFormat
	values   map[string]string
}

// ParseMapping reads the mapping of a kind from YAML text. Errors have kind Invalid and reason MAPPING_INVALID, with a
// violation for each mistake whose field is "line:column".
func ParseMapping(kindName string, text []byte) (Mapping, error) {
	k, ok := kindOf(kindName)
	if !ok {
		return Mapping{}, errs.New(errs.Invalid, ReasonMappingInvalid,
			"%.40q is not a kind; there are %s", kindName, strings.Join(Kinds(), ", "))
	}
	if len(text) > maxMapping {
		return Mapping{}, errs.New(errs.Invalid, ReasonMappingInvalid, "the mapping is larger than 1 MiB")
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return Mapping{}, errs.New(errs.Invalid, ReasonMappingInvalid, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	m := &mappingParser{mapping: Mapping{kind: k, encoding: "utf-8", delimiter: ','}}
	if len(document.Content) == 0 {
		m.fail(&yaml.Node{Line: 1, Column: 1}, "the mapping is empty")
	} else {
		m.members(document.Content[0], m.top)
	}
	m.required()
	if len(m.wrong) > 0 {
		first := m.wrong[0]
		return Mapping{}, &errs.Error{
			Kind: errs.Invalid, Reason: ReasonMappingInvalid, Violations: m.wrong,
			Message: fmt.Sprintf("the mapping is wrong in %d places; first at %s: %s", len(m.wrong), first.Field, first.Message),
		}
	}
	return m.mapping, nil
}

type mappingParser struct {
	mapping   Mapping
	sawFields bool
	wrong     []errs.Violation
}

func (p *mappingParser) fail(at *yaml.Node, format string, args ...any) {
	p.wrong = append(p.wrong, errs.Violation{
		Field: strconv.Itoa(at.Line) + ":" + strconv.Itoa(at.Column), Rule: "mapping", Message: fmt.Sprintf(format, args...),
	})
}

// members walks the keys of a YAML mapping; a key that stands twice is a mistake.
func (p *mappingParser) members(node *yaml.Node, visit func(key, value *yaml.Node)) {
	if node.Kind != yaml.MappingNode {
		p.fail(node, "must be a mapping of keys to values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if seen[key.Value] {
			p.fail(key, "%q stands twice", key.Value)
			continue
		}
		seen[key.Value] = true
		visit(key, value)
	}
}

func (p *mappingParser) top(key, value *yaml.Node) {
	switch key.Value {
	case "encoding":
		switch strings.ToLower(p.text(value)) {
		case "utf-8", "utf8":
			p.mapping.encoding = "utf-8"
		case "gbk", "gb2312", "gb18030":
			p.mapping.encoding = "gbk"
		default:
			p.fail(value, "encoding must be utf-8 or gbk")
		}
	case "delimiter":
		named := map[string]rune{"comma": ',', ",": ',', "semicolon": ';', ";": ';', "tab": '\t', "\t": '\t'}
		delimiter, ok := named[p.text(value)]
		if !ok {
			p.fail(value, "delimiter must be comma, semicolon or tab")
			return
		}
		p.mapping.delimiter = delimiter
	case "fields":
		p.sawFields = true
		p.members(value, p.field)
	default:
		p.fail(key, "%.40q is not a key; there are encoding, delimiter, fields", key.Value)
	}
}

func (p *mappingParser) text(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode {
		p.fail(node, "must be a single value")
		return ""
	}
	return node.Value
}

func (p *mappingParser) field(key, value *yaml.Node) {
	spec, ok := p.mapping.kind.field(key.Value)
	if !ok {
		p.fail(key, "%s have no field %.40q; there are %s", p.mapping.kind.name, key.Value, strings.Join(p.mapping.kind.names(), ", "))
		return
	}
	s := source{spec: spec, at: *key}
	if value.Kind == yaml.ScalarNode {
		// "customer_id: 客户编号" is short for a mapping with only a column.
		s.column = value.Value
	} else {
		p.members(value, func(key, value *yaml.Node) { p.option(&s, key, value) })
	}
	switch {
	case s.column == "" && s.constant == nil:
		p.fail(key, "%s needs a column or a constant", spec.name)
	case s.column != "" && s.constant != nil:
		p.fail(key, "%s has both a column and a constant", spec.name)
	}
	p.mapping.fields = append(p.mapping.fields, s)
}

func (p *mappingParser) option(s *source, key, value *yaml.Node) {
	var err error
	switch key.Value {
	case "column":
		s.column = p.text(value)
	case "constant":
		text := p.text(value)
		s.constant = &text
	case "default":
		text := p.text(value)
		s.fallback = &text
	case "trim":
		if value.Value != "true" && value.Value != "false" {
			p.fail(value, "trim must be true or false")
		}
		s.keep = value.Value == "false"
	case "date_format":
		if s.spec.form != formDate {
			p.fail(key, "%s is not a date", s.spec.name)
		} else if s.date, err = parseDateFormat(p.text(value)); err != nil {
			p.fail(value, "%v", err)
		}
	case "number_format":
		if s.spec.form != formAmount {
			p.fail(key, "%s is not an amount", s.spec.name)
		} else if s.number, err = parseNumberFormat(p.text(value)); err != nil {
			p.fail(value, "%v", err)
		}
	case "values":
		s.values = map[string]string{}
		p.members(value, func(key, value *yaml.Node) { s.values[key.Value] = p.text(value) })
	default:
		p.fail(key, "%.40q is not a key of a field; there are column, constant, default, trim, date_format, number_format, values", key.Value)
	}
}

func (p *mappingParser) required() {
	if !p.sawFields {
		p.fail(&yaml.Node{Line: 1, Column: 1}, "fields is missing")
		return
	}
	for _, spec := range p.mapping.kind.fields {
		has := slices.ContainsFunc(p.mapping.fields, func(s source) bool { return s.spec.name == spec.name })
		if spec.required && !has {
			p.fail(&yaml.Node{Line: 1, Column: 1}, "fields.%s is missing: %s need it", spec.name, p.mapping.kind.name)
		}
	}
}
