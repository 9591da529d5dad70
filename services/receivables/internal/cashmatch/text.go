package cashmatch

import (
	"slices"
	"strings"
	"unicode"
)

const (
	// minNumber is the shortest number that is looked for in a text, normal.
	minNumber = 4
	// minSimilar is the shortest number in which one character may differ.
	minSimilar = 6
	// minContained is the shortest name that counts where it stands within a text, in characters.
	minContained = 4
	// maxJoined is how many neighbouring words may be one number that was torn apart.
	maxJoined = 3
	maxWords  = 400
)

// text is a payment's text as it is looked through.
type text struct {
	// numbers are the words, and words in a row as one, normal.
	numbers map[string]bool
	// long are those in which a similar number is looked for.
	long []string
	// name is all of it as a name.
	name string
}

func newText(s string) text {
	t := text{numbers: map[string]bool{}, name: NormalName(s)}
	words := Words(s)
	for i := range words {
		joined := ""
		for n := i; n < min(i+maxJoined, len(words)); n++ {
			joined += words[n]
			t.numbers[Normal(joined)] = true
		}
	}
	for w := range t.numbers {
		if len(w) >= minSimilar-1 && strings.ContainsFunc(w, unicode.IsDigit) {
			t.long = append(t.long, w)
		}
	}
	slices.Sort(t.long)
	return t
}

// Words are the words of a text: letters and digits in a row, and digits apart from the letters around them.
func Words(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(out) >= maxWords {
			break
		}
		out = append(out, w)
		if digits := strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsDigit(r) }); len(digits) > 0 && digits[0] != w {
			for _, d := range digits {
				if len(d) >= minNumber {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// maxCandidates bounds the numbers that one text may name.
const maxCandidates = 200

// Candidates are the words of a text that may be numbers of documents, orders or customers, as they stand there and as they may
// have stood before they were torn apart.
func Candidates(s string) []string {
	var out []string
	add := func(w string) {
		if len(w) >= minNumber && len(out) < maxCandidates && strings.ContainsFunc(w, unicode.IsDigit) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:()[]<>\"'，；：（）、。", r)
	}) {
		w = strings.Trim(w, ".#-/_+*")
		add(w)
		add(strings.ToUpper(w))
	}
	words := Words(strings.ToUpper(s))
	for i := range words {
		plain, hyphened := words[i], words[i]
		add(plain)
		for n := i + 1; n < min(i+maxJoined, len(words)); n++ {
			plain, hyphened = plain+words[n], hyphened+"-"+words[n]
			add(plain)
			add(hyphened)
		}
	}
	return out
}

// Normal is a number as it is compared: letters and digits alone, in capitals, without zeros in front.
func Normal(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, s)
	if short := strings.TrimLeft(s, "0"); short != "" {
		return short
	}
	return s
}

func (t text) has(name string) bool { return strings.Contains(t.name, name) }

// named are the items whose numbers the text has, and how: exactly, by their order, or nearly.
func (t text) named(items []Item) (found []Item, kind Kind, on string) {
	for _, step := range []struct {
		kind Kind
		is   func(Item) bool
	}{
		{ItemNamed, func(i Item) bool { return t.number(i.ID) || t.number(i.DocumentID) }},
		{OrderNamed, func(i Item) bool { return t.number(i.OrderID) || t.number(i.Reference) }},
		{SimilarNumber, func(i Item) bool { return t.nearly(i.DocumentID) }},
	} {
		var ids []string
		for _, item := range items {
			if step.is(item) {
				found, ids = append(found, item), append(ids, item.ID)
			}
		}
		if len(found) == 0 || step.kind == SimilarNumber && len(found) > 1 {
			found = nil
			continue
		}
		return found, step.kind, strings.Join(ids[:min(len(ids), maxNamed)], ", ")
	}
	return nil, "", ""
}

// without is the text without the numbers of items, which stand there for themselves and for no others.
func (t text) without(items []Item) text {
	own := map[string]bool{}
	for _, i := range items {
		for _, s := range []string{i.ID, i.DocumentID, i.OrderID, i.Reference} {
			own[Normal(s)] = true
		}
	}
	t.long = slices.DeleteFunc(slices.Clone(t.long), func(w string) bool { return own[w] })
	return t
}

// maxNamed bounds the numbers said in a reason.
const maxNamed = 20

func (t text) number(s string) bool {
	n := Normal(s)
	return len(n) >= minNumber && t.numbers[n]
}

// nearly says that a word of the text differs from a number by one character: another, one more, one less, or two that
// changed places; or is its end, as where the first digits of all numbers are the same.
func (t text) nearly(s string) bool {
	n := Normal(s)
	if len(n) < minSimilar {
		return false
	}
	return slices.ContainsFunc(t.long, func(w string) bool { return oneApart(w, n) || len(w) < len(n) && strings.HasSuffix(n, w) })
}

func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// forms are the legal forms at the end of a name, which one writes and another leaves out.
func forms() []string {
	return []string{
		"股份有限公司", "有限责任公司", "有限公司", "集团", "公司", "INCORPORATED", "CORPORATION", "COMPANY", "LIMITED", "GMBHCOKG", "GMBH", "CORP", "INC", "LTD", "LLC", "PLC", "CO", "AG", "KG", "SA",
	}
}

// NormalName is a name as it is compared: letters and digits alone, in capitals, full-width ones as others, without its legal
// form.
func NormalName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFEE0
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, s)
	for range 2 {
		for _, f := range forms() {
			if short := strings.TrimSuffix(s, f); len([]rune(short)) >= minContained {
				s = short
			}
		}
	}
	return s
}

// similar says that two names share most of their pairs of characters: four of five.
func similar(a, b string) bool {
	x, y := pairs(a), pairs(b)
	if len(x) < minContained || len(y) < minContained {
		return false
	}
	common := 0
	for p, n := range x {
		common += min(n, y[p])
	}
	total := 0
	for _, n := range x {
		total += n
	}
	for _, n := range y {
		total += n
	}
	return 2*common*5 >= total*4
}

func pairs(s string) map[string]int {
	r := []rune(s)
	out := map[string]int{}
	for i := 0; i+1 < len(r); i++ {
		out[string(r[i:i+2])]++
	}
	return out
}
