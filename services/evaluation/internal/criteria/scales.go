package criteria

import "fmt"

// checkScales refuses a policy that looks at ratings by others and does not say what they
// are worth.
func (p Policy) checkScales(bad func(field, rule, message string)) {
	if len(p.Scales) == 0 && p.Uses(ExternalRating) {
		bad("rating_scales", "required", "external_rating needs what the ratings are worth")
	}
	seen := map[string]bool{}
	for i, s := range p.Scales {
		if seen[s.Agency] {
			bad(fmt.Sprintf("rating_scales[%d].agency", i), "unique", "has two scales")
		}
		seen[s.Agency] = true
	}
}
