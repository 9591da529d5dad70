package policy

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"buf.build/go/protovalidate"
	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// ReasonInvalid is the reason of a policy text that is not a valid policy.
	ReasonInvalid = "POLICY_INVALID"
	// maxText bounds a policy's text, in bytes.
	maxText = 1 << 20
	// maxViolations bounds an answer; people mend a few and try again.
	maxViolations = 100
)

// ParseYAML reads a policy from YAML into a message and checks the message's own
// rules. Each violation names its place as "path:line:column" in Field; path is
// what the caller calls the text. Unknown fields, repeated keys, anchors and
// further documents are refused, so that nothing in a signed text is without effect.
func ParseYAML(path string, text []byte, into proto.Message) error {
	if len(text) > maxText {
		return invalid([]errs.Violation{violation(path, 1, 1, "size", "the text is longer than 1 MiB")})
	}
	// One kind of line end, or places would be counted differently by reader and person.
	text = []byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)))
	if vs := checkText(path, string(text)); len(vs) > 0 {
		return invalid(vs)
	}
	if vs := checkShape(path, text); len(vs) > 0 {
		return invalid(vs)
	}
	err := protoyaml.UnmarshalOptions{Path: path, Validator: validator{}}.Unmarshal(text, into)
	if err == nil {
		return nil
	}
	return invalid(violationsOf(path, err))
}

// validator gives protoyaml the one-argument form it wants.
type validator struct{}

// Validate implements protoyaml.Validator.
func (validator) Validate(m proto.Message) error { return protovalidate.Validate(m) }

func invalid(vs []errs.Violation) error {
	vs = vs[:min(len(vs), maxViolations)]
	return errs.New(errs.Invalid, ReasonInvalid, "%s: %s", vs[0].Field, vs[0].Message).
		With("violations", strconv.Itoa(len(vs))).WithViolations(vs...)
}

func violation(path string, line, column int, rule, message string) errs.Violation {
	return errs.Violation{Field: fmt.Sprintf("%s:%d:%d", path, line, column), Rule: rule, Message: message}
}

// checkText refuses characters that YAML takes for line ends and people do not see.
func checkText(path, text string) (vs []errs.Violation) {
	for i, line := range strings.Split(text, "\n") {
		if at := strings.IndexAny(line, "\u0085\u2028\u2029"); at >= 0 {
			vs = append(vs, violation(path, i+1, len([]rune(line[:at]))+1, "character", "invisible line separator"))
		}
	}
	return vs
}

// checkShape finds what the message reader would overlook.
func checkShape(path string, text []byte) []errs.Violation {
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return []errs.Violation{violation(path, 1, 1, "empty", "the text holds no policy")}
		}
		return []errs.Violation{syntaxError(path, err)}
	}
	var vs []errs.Violation
	walk(&doc, func(n *yaml.Node) {
		switch {
		case n.Kind == yaml.AliasNode, n.Anchor != "":
			vs = append(vs, violation(path, n.Line, n.Column, "anchor", "anchors and aliases are not allowed: write the value out"))
		case n.Kind == yaml.MappingNode:
			vs = append(vs, repeatedKeys(path, n)...)
		}
	})
	if len(doc.Content) == 1 && doc.Content[0].Kind != yaml.MappingNode {
		n := doc.Content[0]
		vs = append(vs, violation(path, max(n.Line, 1), max(n.Column, 1), "type", "a policy is a mapping of fields"))
	}
	if err := dec.Decode(&more); err == nil {
		vs = append(vs, violation(path, max(more.Line, 1), max(more.Column, 1), "document", "one document only"))
	} else if !errors.Is(err, io.EOF) {
		vs = append(vs, syntaxError(path, err))
	}
	return vs
}

func walk(n *yaml.Node, visit func(*yaml.Node)) {
	visit(n)
	for _, c := range n.Content { // an alias has none: no loops
		walk(c, visit)
	}
}

func repeatedKeys(path string, n *yaml.Node) (vs []errs.Violation) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if line, ok := first[k.Value]; ok {
			vs = append(vs, violation(path, k.Line, k.Column, "repeated", fmt.Sprintf("%q stands already in line %d", k.Value, line)))
			continue
		}
		first[k.Value] = k.Line
	}
	return vs
}

// syntaxError places a YAML error, which names the line only.
func syntaxError(path string, err error) errs.Violation {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^(?:unmarshal errors:\s+)?line (\d+): `).FindStringSubmatch(text); m != nil {
		if n, aerr := strconv.Atoi(m[1]); aerr == nil {
			line, text = n, text[len(m[0]):]
		}
		// For these the library counts lines from 0, for all others from 1.
		if regexp.MustCompile(`^did not find expected (node content|key|'-' indicator|',' or|<)`).MatchString(text) {
			line++
		}
	}
	return violation(path, line, 1, "syntax", text)
}

// violationsOf takes protoyaml's joined errors apart: each begins with its place
// and ends with the line of text, and unwraps to what is wrong.
func violationsOf(path string, err error) []errs.Violation {
	list := []error{err}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		list = j.Unwrap()
	}
	place := regexp.MustCompile(`^` + regexp.QuoteMeta(path) + `:(\d+):(\d+) `)
	vs := make([]errs.Violation, 0, len(list))
	for _, e := range list {
		m := place.FindStringSubmatch(e.Error())
		cause := errors.Unwrap(e)
		if m == nil || cause == nil {
			vs = append(vs, syntaxError(path, e))
			continue
		}
		line, err1 := strconv.Atoi(m[1])
		column, err2 := strconv.Atoi(m[2])
		if err1 != nil || err2 != nil {
			line, column = 1, 1
		}
		message, rule := cause.Error(), "yaml"
		// A broken rule of the contract ends with the rule's name in brackets.
		if r := regexp.MustCompile(`(?s)^(.*) \(([a-z][\w.]*)\)$`).FindStringSubmatch(message); r != nil {
			message, rule = r[1], r[2]
		}
		vs = append(vs, violation(path, line, column, rule, message))
	}
	return vs
}
