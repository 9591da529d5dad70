package audit_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/audit"
)

// TestContentIsUnambiguous: different parts never give the same bytes, so no
// hash can stand for two events.
func TestContentIsUnambiguous(t *testing.T) {
	t.Parallel()
	parts := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 9), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := slices.EqualFunc(a, b, bytes.Equal)
		if bytes.Equal(audit.Content(a...), audit.Content(b...)) != same {
			t.Fatalf("%v and %v", a, b)
		}
	})
}
