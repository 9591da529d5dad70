// Package config fills a program's settings from defaults, an optional YAML file and the environment, in that order.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const (
	// maxFile bounds the configuration file and files with secrets, in bytes.
	maxFile = 1 << 20

	fileSuffix = "_file"
)

// Load fills into, a pointer to a struct whose fields carry koanf tags, from the environment and from the YAML file
// that <PREFIX>_CONFIG names, if it is set. The environment wins over the file, the file over `default` tags, those over
// what into holds already.
//
// The setting "grpc.addr" is the variable <PREFIX>_GRPC_ADDR; lists are separated by commas; an empty variable counts as
// unset. Keys of the file that are no setting are errors, as is a field with the tag required:"true" that nothing
// sets. See Secret for secrets. If into has a method Validate() error it is called last. Errors name the keys.
func Load(prefix string, into any) error { return LoadFrom(prefix, into, os.LookupEnv) }

// LoadFrom is Load with another environment.
func LoadFrom(prefix string, into any, lookup func(name string) (string, bool)) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("config: %T is no pointer to a struct", into)
	}
	prefix = strings.TrimSuffix(prefix, "_") + "_"
	fields, err := fieldsOf(prefix, target.Elem().Type())
	if err != nil {
		return err
	}
	l := loader{fields: fields, lookup: lookup, values: koanf.New(".")}
	if err := errors.Join(l.fallbacks(), l.file(prefix+"CONFIG"), l.environment()); err != nil {
		return err
	}
	if err := l.decode(into); err != nil {
		return err
	}
	if err := l.missing(target.Elem()); err != nil {
		return err
	}
	if v, ok := into.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return fmt.Errorf("config: %w", err)
		}
	}
	return nil
}

type loader struct {
	fields []field
	lookup func(string) (string, bool)
	values *koanf.Koanf
}

func (l *loader) fallbacks() error {
	var failures []error
	for _, f := range l.fields {
		if f.fallback == "" {
			continue
		}
		if f.secret {
			failures = append(failures, fmt.Errorf("config: %s: a secret has no default", f.key))
			continue
		}
		failures = append(failures, l.values.Set(f.key, f.fallback))
	}
	return errors.Join(failures...)
}

// file merges the configuration file, after looking at each of its keys.
func (l *loader) file(variable string) error {
	path, ok := l.lookup(variable)
	if !ok || path == "" {
		return nil
	}
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("config: %s: %w", variable, err)
	}
	content := koanf.New(".")
	if err := content.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
		return fmt.Errorf("config: %s: %w", path, err)
	}
	var failures []error
	for _, key := range content.Keys() {
		if content.Get(key) == nil {
			content.Delete(key) // "grpc:" with everything below it commented out
			if !l.section(key) {
				failures = append(failures, fmt.Errorf("config: %s: %s: there is no such setting", path, key))
			}
			continue
		}
		if err := l.known(key); err != nil {
			failures = append(failures, fmt.Errorf("config: %s: %s: %w", path, key, err))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, f := range l.fields {
		if !f.secret || !content.Exists(f.key+fileSuffix) {
			continue
		}
		if err := l.secretFile(f, content.String(f.key+fileSuffix)); err != nil {
			return fmt.Errorf("config: %s: %w", path, err)
		}
		content.Delete(f.key + fileSuffix)
	}
	return l.values.Merge(content)
}

func (l *loader) known(key string) error {
	for _, f := range l.fields {
		switch {
		case f.secret && key == f.key:
			return fmt.Errorf("a secret is not written here; name a file that holds it with %s", f.key+fileSuffix)
		case f.secret && key == f.key+fileSuffix, key == f.key, f.open && strings.HasPrefix(key, f.key+"."):
			return nil
		}
	}
	return errors.New("there is no such setting")
}

// section reports whether the key is a setting or has settings below it.
func (l *loader) section(key string) bool {
	return slices.ContainsFunc(l.fields, func(f field) bool {
		return f.key == key || strings.HasPrefix(f.key, key+".")
	})
}

func (l *loader) environment() error {
	var failures []error
	for _, f := range l.fields {
		value, ok := l.lookup(f.env)
		ok = ok && value != ""
		if !f.secret {
			if ok {
				failures = append(failures, l.values.Set(f.key, value))
			}
			continue
		}
		if err := l.secret(f, value, ok); err != nil {
			failures = append(failures, fmt.Errorf("config: %w", err))
		}
	}
	return errors.Join(failures...)
}

// secret takes a secret from the environment or, better, from the file named there.
func (l *loader) secret(f field, value string, direct bool) error {
	variable := f.env + strings.ToUpper(fileSuffix)
	path, inFile := l.lookup(variable)
	inFile = inFile && path != ""
	switch {
	case direct && inFile:
		return fmt.Errorf("%s: both %s and %s are set", f.key, f.env, variable)
	case direct && !f.direct:
		return fmt.Errorf("%s: a secret is not taken from %s; name a file that holds it with %s", f.key, f.env, variable)
	case direct:
		return l.values.Set(f.key, value)
	case inFile:
		return l.secretFile(f, path)
	}
	return nil
}

func (l *loader) secretFile(f field, path string) error {
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.key+fileSuffix, err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		return fmt.Errorf("%s: %s is empty", f.key+fileSuffix, path)
	}
	return l.values.Set(f.key, value)
}

func (l *loader) decode(into any) error {
	err := l.values.UnmarshalWithConf("", into, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result:           into,
		TagName:          "koanf",
		WeaklyTypedInput: true,
		ErrorUnused:      true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(),
			mapstructure.StringToSliceHookFunc(","),
			mapstructure.TextUnmarshallerHookFunc(),
		),
	}})
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

func (l *loader) missing(target reflect.Value) error {
	var failures []error
	for _, f := range l.fields {
		if f.required && target.FieldByIndex(f.index).IsZero() {
			name := f.env
			if f.secret && !f.direct {
				name += strings.ToUpper(fileSuffix)
			}
			failures = append(failures, fmt.Errorf("config: %s must be set (%s)", f.key, name))
		}
	}
	return errors.Join(failures...)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
