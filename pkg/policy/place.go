package policy

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/errs"
)

// Placed returns the violations of a policy's fields ("limit.factor", "dimensions[1].name")
// with their place in the text it was written in, as "path:line:column", and the field in
// the message. A field that is not written is placed where it would belong.
func Placed(path string, text []byte, found []errs.Violation) []errs.Violation {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return found
	}
	out := make([]errs.Violation, len(found))
	for i, v := range found {
		n := find(doc.Content[0], v.Field)
		out[i] = violation(path, n.Line, n.Column, v.Rule, v.Field+": "+v.Message)
	}
	return out
}

// find returns the node of a field, or the nearest one around it.
func find(n *yaml.Node, field string) *yaml.Node {
	if field == "" {
		return n
	}
	head, rest, _ := strings.Cut(field, ".")
	name, index, listed := strings.Cut(strings.TrimSuffix(head, "]"), "[")
	next := member(n, name)
	if next == nil {
		return n
	}
	if listed {
		i, err := strconv.Atoi(index)
		if err != nil || next.Kind != yaml.SequenceNode || i < 0 || i >= len(next.Content) {
			return next
		}
		next = next.Content[i]
	}
	return find(next, rest)
}

func member(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
