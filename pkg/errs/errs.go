// Package errs is the one error type that crosses package borders: a kind that
// callers branch on, a reason that programs read, a message that people read, and a
// cause that stays inside the process. It knows nothing of any transport.
package errs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ReasonInvalidField is the reason of every error made by Field and Fields.
const ReasonInvalidField = "INVALID_FIELD"

// Violation names one field of a request that breaks a rule.
type Violation struct {
	// Field is the path of the field as the caller wrote it, for example
	// "lines[2].amount".
	Field string `json:"field"`
	// Rule is the machine-readable name of the broken rule, for example "required".
	Rule string `json:"rule"`
	// Message is the sentence for people.
	Message string `json:"message"`
}

// Error is an error that a caller may see. Everything except Cause is public.
type Error struct {
	// Kind says what the caller can do about it.
	Kind Kind
	// Reason is the stable machine-readable name, UPPER_SNAKE_CASE.
	Reason string
	// Message is the sentence for people; it holds no internals.
	Message string
	// Meta carries the figures behind the message, for programs.
	Meta map[string]string
	// Violations lists the fields at fault; set with kind Invalid only.
	Violations []Violation
	// RetryAfter is the wait after which the same call may succeed; 0 = not stated.
	RetryAfter time.Duration
	// Cause is the inner error for the log; it never leaves the process.
	Cause error
	// Witnessed is set where what was refused goes around procedure: who tried it is recorded, as are acts beyond authority,
	// whatever the kind. It never leaves the process.
	Witnessed bool
}

// New makes an error whose message is formatted as with fmt.Sprintf.
func New(kind Kind, reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error with reason INVALID_FIELD and one violation.
func Field(field, rule, format string, args ...any) *Error {
	v := Violation{Field: field, Rule: rule, Message: fmt.Sprintf(format, args...)}
	return invalid([]Violation{v})
}

// Fields joins violations into one Invalid error with reason INVALID_FIELD; without
// violations it returns nil.
func Fields(violations ...Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return invalid(slices.Clone(violations))
}

func invalid(violations []Violation) *Error {
	parts := make([]string, len(violations))
	for i, v := range violations {
		parts[i] = v.Field + ": " + v.Message
	}
	return &Error{
		Kind:       Invalid,
		Reason:     ReasonInvalidField,
		Message:    strings.Join(parts, "; "),
		Violations: violations,
	}
}

// Error returns the text for the log, the cause included. What a caller may see is
// the field Message.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	text := e.Message
	if e.Reason != "" {
		text = e.Reason + ": " + text
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause. Like Error it bears a nil receiver: a typed nil that
// slipped into an error interface must not bring down the handler that reports it.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Cause
}

// With returns a copy of the error with one more entry of metadata.
func (e *Error) With(key, value string) *Error {
	c := e.clone()
	if c.Meta == nil {
		c.Meta = make(map[string]string, 1)
	}
	c.Meta[key] = value
	return c
}

// WithCause returns a copy of the error that wraps the given inner error.
func (e *Error) WithCause(err error) *Error {
	c := e.clone()
	c.Cause = err
	return c
}

// WithWitness returns a copy of the error whose refused act is recorded.
func (e *Error) WithWitness() *Error {
	c := e.clone()
	c.Witnessed = true
	return c
}

// WithRetryAfter returns a copy of the error that tells the caller how long to wait.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	c := e.clone()
	c.RetryAfter = wait
	return c
}

// WithViolations returns a copy of the error with more violations.
func (e *Error) WithViolations(violations ...Violation) *Error {
	c := e.clone()
	c.Violations = append(c.Violations, violations...)
	return c
}

func (e *Error) clone() *Error {
	c := *e
	c.Meta = maps.Clone(e.Meta)
	c.Violations = slices.Clone(e.Violations)
	return &c
}

// As finds the first *Error in the tree of err.
func As(err error) (*Error, bool) {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e, true
	}
	return nil, false
}

// KindOf returns the kind of the first *Error in the tree of err. The errors of an
// ended context have the kinds Canceled and DeadlineExceeded; any other error is
// Internal; nil has the zero Kind.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	if e, ok := As(err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	default:
		return Internal
	}
}

// ReasonOf returns the reason of the first *Error in the tree of err, or "".
func ReasonOf(err error) string {
	if e, ok := As(err); ok {
		return e.Reason
	}
	return ""
}
