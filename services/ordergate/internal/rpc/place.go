package rpc

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/errs"
)

// placed gives the violations of a policy that came as text the line and column of their field in it, in the form that the reader of
// the text uses; the field stands in the message then. Errors of another kind are returned as they are.
func placed(path, text string, err error) error {
	e, ok := errs.As(err)
	if !ok || len(e.Violations) == 0 {
		return err
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
		return err
	}
	found := make([]errs.Violation, 0, len(e.Violations))
	for _, v := range e.Violations {
		field := strings.TrimPrefix(v.Field, "policy.")
		if n := find(doc.Content[0], field); n != nil {
			v.Field, v.Message = path+":"+strconv.Itoa(n.Line)+":"+strconv.Itoa(n.Column), field+": "+v.Message
		}
		found = append(found, v)
	}
	return policyInvalid(found)
}

// find is the node of a field such as rules[2].limit.threshold, or of the nearest one around it where the text leaves it out.
func find(n *yaml.Node, field string) *yaml.Node {
	for _, part := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := child(n, part)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, part string) *yaml.Node {
	if i, err := strconv.Atoi(part); err == nil && n.Kind == yaml.SequenceNode {
		if i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i].Value; key == part || key == camel(part) {
			return n.Content[i+1]
		}
	}
	return nil
}

// camel is a field's name as JSON has it, which a policy's text may use too.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}
