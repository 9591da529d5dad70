package rpc

import (
	"errors"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
)

// A panic in a goroutine of a stream ends that stream with an internal error, and not the process.
func TestPanicOfAStreamIsAnError(t *testing.T) {
	t.Parallel()
	if err := safely(func() error { panic("of a reader") }); err == nil || !strings.Contains(err.Error(), "of a reader") || errs.KindOf(err) != errs.Internal {
		t.Errorf("%v", err)
	}
	if want := errors.New("as it was"); !errors.Is(safely(func() error { return want }), want) {
		t.Error("an error was changed")
	}
}
