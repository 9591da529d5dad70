package customer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Likeness is why two files may be of one firm.
type Likeness string

// The likenesses.
const (
	// SameCode: the same unified social credit code, or registration number and country.
	SameCode Likeness = "SAME_CODE"
	// SameNumber: the same number without leading zeros and regard to case.
	SameNumber Likeness = "SAME_NUMBER"
	// SameName: one of the names is the same but for spelling and legal form.
	SameName Likeness = "SAME_NAME"
	// SimilarName: the names are one character apart.
	SimilarName Likeness = "SIMILAR_NAME"
)

// Duplicate is another file that may be of the same firm.
type Duplicate struct {
	CustomerID  string     `json:"customer_id"`
	DisplayName string     `json:"display_name"`
	Likenesses  []Likeness `json:"likenesses"`
}

// minSimilar is the length below which a character more or less makes another name.
const minSimilar = 6

// Compare tells what two files have in common that one firm's would; empty: nothing.
func (c Customer) Compare(o Customer) []Likeness {
	var found []Likeness
	if (c.USCC != "" && c.USCC == o.USCC) || (c.RegistrationKey() != "" && c.RegistrationKey() == o.RegistrationKey()) {
		found = append(found, SameCode)
	}
	if NumberKey(c.ID) == NumberKey(o.ID) {
		found = append(found, SameNumber)
	}
	mine := c.NameKeys()
	switch {
	case slices.ContainsFunc(o.NameKeys(), func(k string) bool { return slices.Contains(mine, k) }):
		found = append(found, SameName)
	case similar(c.mainKey(), o.mainKey()):
		found = append(found, SimilarName)
	}
	return found
}

// RegistrationKey is country and registration number without punctuation and case;
// empty where the file has no number.
func (c Customer) RegistrationKey() string {
	var b strings.Builder
	for _, r := range c.RegistrationNumber {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return c.CountryCode + ":" + b.String()
}

// NameKeys are the keys of all names of the file, without repetition.
func (c Customer) NameKeys() []string {
	keys := []string{}
	for _, name := range append([]string{c.LegalName, c.DisplayName}, c.Aliases...) {
		if key := NameKey(name); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// mainKey prefers the registered name: the other one is how people call it.
func (c Customer) mainKey() string {
	if keys := c.NameKeys(); len(keys) > 0 {
		return keys[0]
	}
	return ""
}

// NameHalves are the first and the second half of the key of the main name, empty for
// a short one.
func (c Customer) NameHalves() (head, tail string) {
	key := []rune(c.mainKey())
	if len(key) < minSimilar {
		return "", ""
	}
	return string(key[:len(key)/2]), string(key[len(key)/2:])
}

// SimilarHalves are the halves that a name one character apart may have: the character
// is in one of its halves, and the other half begins or ends this name.
func (c Customer) SimilarHalves() (heads, tails []string) {
	heads, tails = []string{}, []string{}
	key := []rune(c.mainKey())
	for n := max(len(key)-1, minSimilar); n <= len(key)+1 && len(key) > 1; n++ {
		heads = append(heads, string(key[:min(n/2, len(key))]))
		tails = append(tails, string(key[max(len(key)-(n-n/2), 0):]))
	}
	return heads, tails
}

// similar reports whether two keys are one character apart: one more, one less, another
// one. A digit tells firms apart, and in a short name every character does.
func similar(a, b string) bool {
	if a == b || utf8.RuneCountInString(a) < minSimilar || utf8.RuneCountInString(b) < minSimilar {
		return false
	}
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	if len(x) > 1 || len(y) > 1 {
		return false
	}
	return !slices.ContainsFunc(append(x, y...), unicode.IsDigit)
}
