package rpc

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
)

// Whatever is written as a filter is read or refused, never a crash.
func TestFilterReadsOrRefuses(t *testing.T) {
	t.Parallel()
	words := []string{"region", "=", "!=", `"east"`, "AND", "OR", "NOT", "(", ")", "-", ":", "*", ".", ",", "1", "1.5", "<=", ">", `"`, "'", " ", "\x00", "名", "grade"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 40).Draw(t, "words"), rapid.SampledFrom([]string{"", " "}).Draw(t, "gap"))
		if _, err := parseFilter(text); err != nil && errs.KindOf(err) != errs.Invalid {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func TestFilterDepthIsBounded(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(NOT ", 100) + `region = "east"` + strings.Repeat(")", 100)
	if _, err := parseFilter(deep); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("%v", err)
	}
}
