package config

import "log/slog"

const hidden = "[redacted]"

// Secret is a setting that must not be seen: it prints, logs and marshals as "[redacted]". It comes from a file whose
// path is set under the key with "_file" appended, and from the environment itself where the field's tag says
// secret:"env"; never from the configuration file.
type Secret struct{ value string }

// NewSecret wraps a value, for tests and for programs that make the secret themselves.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether nothing was set.
func (s Secret) IsZero() bool { return s.value == "" }

// String implements fmt.Stringer.
func (s Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return hidden }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	s.value = string(text)
	return nil
}
