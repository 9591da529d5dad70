package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// field is one setting.
type field struct {
	key      string // "grpc.addr"
	env      string // "AVAL_GRPC_ADDR"
	fallback string
	required bool
	open     bool // a map: its own keys are free
	secret   bool
	direct   bool // a secret that the environment may hold itself
	index    []int
}

// fieldsOf lists the settings of a struct. Mistakes in its tags are mistakes in the program and found at its first start.
func fieldsOf(prefix string, t reflect.Type) ([]field, error) {
	fields, err := collect(t, "", nil)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for i := range fields {
		f := &fields[i]
		f.env = prefix + strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))
		if other, twice := seen[f.env]; twice {
			return nil, fmt.Errorf("config: %s and %s share the variable %s", other, f.key, f.env)
		}
		seen[f.env] = f.key
	}
	return fields, nil
}

func collect(t reflect.Type, path string, index []int) ([]field, error) {
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, option, _ := strings.Cut(sf.Tag.Get("koanf"), ",")
		if name == "-" || (!sf.IsExported() && !sf.Anonymous) {
			continue
		}
		at := append(append([]int(nil), index...), i)
		key := path
		switch {
		case option == "squash" && sf.Type.Kind() == reflect.Struct:
		case name == "" || strings.ContainsAny(name, ". "):
			return nil, fmt.Errorf("config: field %s.%s needs a koanf tag with a plain name", t.Name(), sf.Name)
		case path == "":
			key = name
		default:
			key = path + "." + name
		}
		if sf.Type.Kind() == reflect.Struct && !isText(sf.Type) {
			inner, err := collect(sf.Type, key, at)
			if err != nil {
				return nil, err
			}
			fields = append(fields, inner...)
			continue
		}
		fields = append(fields, field{
			key:      key,
			fallback: sf.Tag.Get("default"),
			required: sf.Tag.Get("required") == "true",
			open:     sf.Type.Kind() == reflect.Map,
			secret:   sf.Type == reflect.TypeFor[Secret](),
			direct:   sf.Tag.Get("secret") == "env",
			index:    at,
		})
	}
	return fields, nil
}

// isText reports whether values of the struct are written as one text, as dates and secrets are.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
