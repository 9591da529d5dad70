package rpc

import (
	"fmt"
	"strings"
)

// wordOf is an enum value without the prefix of its kind; the unspecified one is empty.
func wordOf(value fmt.Stringer, prefix string) string {
	word := strings.TrimPrefix(value.String(), prefix+"_")
	if word == "UNSPECIFIED" {
		return ""
	}
	return word
}

// enumOf is the enum value of a word; an unknown one is unspecified.
func enumOf[T ~int32](values map[string]int32, prefix, word string) T {
	return T(values[prefix+"_"+word])
}
