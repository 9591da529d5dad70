package errs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

func TestKindAndReasonOf(t *testing.T) {
	t.Parallel()
	notFound := errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "customer %q", "C1")
	var typedNil *errs.Error
	for name, c := range map[string]struct {
		err    error
		kind   errs.Kind
		reason string
	}{
		"nil":              {nil, 0, ""},
		"plain":            {errors.New("disk full"), errs.Internal, ""},
		"own":              {notFound, errs.NotFound, "CUSTOMER_UNKNOWN"},
		"wrapped":          {fmt.Errorf("reading: %w", notFound), errs.NotFound, "CUSTOMER_UNKNOWN"},
		"joined":           {errors.Join(errors.New("x"), notFound), errs.NotFound, "CUSTOMER_UNKNOWN"},
		"outermost first":  {errs.New(errs.Aborted, "RACE", "x").WithCause(notFound), errs.Aborted, "RACE"},
		"canceled":         {fmt.Errorf("query: %w", context.Canceled), errs.Canceled, ""},
		"deadline":         {context.DeadlineExceeded, errs.DeadlineExceeded, ""},
		"field":            {errs.Field("amount", "positive", "is %d", -1), errs.Invalid, "INVALID_FIELD"},
		"nil of this type": {error(typedNil), errs.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := errs.KindOf(c.err); got != c.kind {
				t.Errorf("kind %v, want %v", got, c.kind)
			}
			if got := errs.ReasonOf(c.err); got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
		})
	}
}

func TestCopiesShareNothing(t *testing.T) {
	t.Parallel()
	base := errs.Field("a", "required", "is missing").With("k", "1")
	cause := errors.New("inner")
	derived := base.With("k", "2").With("l", "3").WithCause(cause).WithRetryAfter(time.Second).
		WithViolations(errs.Violation{Field: "b"})
	if base.Meta["k"] != "1" || len(base.Meta) != 1 || base.Cause != nil || base.RetryAfter != 0 || len(base.Violations) != 1 {
		t.Errorf("the original changed: %+v", base)
	}
	if derived.Meta["k"] != "2" || derived.Meta["l"] != "3" || !errors.Is(derived, cause) ||
		derived.RetryAfter != time.Second || len(derived.Violations) != 2 {
		t.Errorf("the copy lacks something: %+v", derived)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	if err := errs.Fields(); err != nil {
		t.Errorf("no violations are an error: %v", err)
	}
	err := errs.Fields(
		errs.Violation{Field: "a", Rule: "required", Message: "is missing"},
		errs.Violation{Field: "b", Rule: "max", Message: "is too long"},
	)
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid || len(e.Violations) != 2 || e.Message != "a: is missing; b: is too long" {
		t.Errorf("%+v", e)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	e := errs.New(errs.Unavailable, "DATABASE_DOWN", "try again").WithCause(errors.New("dial refused"))
	if got, want := e.Error(), "DATABASE_DOWN: try again: dial refused"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if e.Message != "try again" {
		t.Errorf("the public message is %q", e.Message)
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := errs.Kind(0); k <= errs.Internal; k++ {
		if seen[k.String()] {
			t.Errorf("kind %d has the name %s of another", k, k)
		}
		seen[k.String()] = true
	}
	if got := errs.Kind(200).String(); got != "NONE" {
		t.Errorf("a kind out of range is %s", got)
	}
}
