package customer_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// Whatever is moved where: no group is ever part of itself, the tree stays within its
// depth, and what is below a group has its root.
func TestGroupsStayATree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tree := customer.Tree{}
		ids := make([]string, 40)
		for i := range ids {
			ids[i] = fmt.Sprintf("G%d", i)
		}
		for range rapid.IntRange(1, 120).Draw(t, "moves") {
			id := rapid.SampledFrom(ids).Draw(t, "group")
			parent := rapid.SampledFrom(append([]string{""}, ids...)).Draw(t, "parent")
			before, had := tree[id]
			if err := tree.Move(id, parent); err != nil {
				if reason := errs.ReasonOf(err); reason != customer.ReasonGroupCycle && reason != customer.ReasonGroupTooDeep {
					t.Fatal(err)
				}
				if now, has := tree[id]; now != before || has != had {
					t.Fatal("a refused move moved something")
				}
			}
		}
		for _, id := range ids {
			levels, at := 1, id
			for tree[at] != "" {
				at = tree[at]
				if levels++; levels > customer.MaxGroupLevels {
					t.Fatalf("%s is %d levels deep", id, levels)
				}
			}
			if tree.Root(id) != at {
				t.Fatalf("the root of %s is %s, not %s", id, tree.Root(id), at)
			}
		}
	})
}

func TestGroupPartOfItself(t *testing.T) {
	t.Parallel()
	tree := customer.Tree{}
	for _, m := range [][2]string{{"B", "A"}, {"C", "B"}} {
		if err := tree.Move(m[0], m[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, below := range []string{"A", "B", "C"} {
		if err := tree.Move("A", below); errs.ReasonOf(err) != customer.ReasonGroupCycle {
			t.Errorf("A becomes part of %s: %v", below, err)
		}
	}
	if tree.Root("C") != "A" || tree.Root("elsewhere") != "elsewhere" || tree.Root("") != "" {
		t.Error("roots are wrong")
	}
}

func TestLifeCycle(t *testing.T) {
	t.Parallel()
	const (
		p, a, w, o, c = customer.Prospect, customer.Active, customer.Watch, customer.PhasedOut, customer.Closed
	)
	allowed := map[customer.LifeCycle][]customer.LifeCycle{
		p: {p, a, c}, a: {a, w, o, c}, w: {w, a, o, c}, o: {o, w, c}, c: {c, p},
	}
	for from, next := range allowed {
		for _, to := range []customer.LifeCycle{p, a, w, o, c} {
			old := customer.Customer{ID: "C-1", DisplayName: "Firm", LifeCycle: from}.Complete()
			_, err := old.Apply(customer.Patch{Values: customer.Customer{LifeCycle: to}, Fields: []string{"life_cycle"}})
			if ok := slices.Contains(next, to); ok != (err == nil) {
				t.Errorf("%s to %s: %v", from, to, err)
			} else if !ok && errs.ReasonOf(err) != customer.ReasonLifeCycle {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	base := customer.Customer{
		ID: "0042", DisplayName: "Sunrise", LegalName: "Sunrise Trading Co., Ltd.", USCC: "91350100M000100Y43",
		RegistrationNumber: "HRB 1234", CountryCode: "DE", Aliases: []string{"Old Dawn Ltd"},
	}
	cases := []struct {
		other customer.Customer
		want  []customer.Likeness
	}{
		{customer.Customer{ID: "9", DisplayName: "Moonlight"}, nil},
		{customer.Customer{ID: "42", DisplayName: "Moonlight"}, []customer.Likeness{customer.SameNumber}},
		{customer.Customer{ID: "9", DisplayName: "Moonlight", USCC: "91350100M000100Y43"}, []customer.Likeness{customer.SameCode}},
		{customer.Customer{ID: "9", DisplayName: "Moonlight", CountryCode: "DE", RegistrationNumber: "hrb-1234"}, []customer.Likeness{customer.SameCode}},
		{customer.Customer{ID: "9", DisplayName: "Moonlight", CountryCode: "AT", RegistrationNumber: "hrb-1234"}, nil},
		{customer.Customer{ID: "9", DisplayName: "SUNRISE TRADING"}, []customer.Likeness{customer.SameName}},
		{customer.Customer{ID: "9", DisplayName: "Dawn", Aliases: []string{"old dawn"}}, []customer.Likeness{customer.SameName}},
		{customer.Customer{ID: "9", DisplayName: "Sunrize Trading"}, []customer.Likeness{customer.SimilarName}},
		{customer.Customer{ID: "9", DisplayName: "Sunrise Tradings"}, []customer.Likeness{customer.SimilarName}},
		{customer.Customer{ID: "9", DisplayName: "Sunris Trading"}, []customer.Likeness{customer.SimilarName}},
		{customer.Customer{ID: "9", DisplayName: "Sunrise Trading 2"}, nil},
		{customer.Customer{ID: "9", DisplayName: "Sonrize Trading"}, nil},
	}
	for _, c := range cases {
		if got := base.Compare(c.other); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.other, got, c.want)
		}
		if got := c.other.Compare(base); !slices.Equal(got, c.want) {
			t.Errorf("%+v the other way round: %v, want %v", c.other, got, c.want)
		}
	}
	if got := (customer.Customer{ID: "1", DisplayName: "Hope"}).Compare(customer.Customer{ID: "2", DisplayName: "Hape"}); got != nil {
		t.Errorf("short names are told apart by a character: %v", got)
	}
}

// The halves by which storage looks for similar names miss none: of two names that are
// alike, one half of the stored one is among the halves looked for.
func TestHalvesFindEverySimilarName(t *testing.T) {
	t.Parallel()
	name := rapid.StringOfN(rapid.RuneFrom([]rune("abcd东方")), 6, 14, -1)
	rapid.Check(t, func(t *rapid.T) {
		a := []rune(name.Draw(t, "name"))
		at := rapid.IntRange(0, len(a)-1).Draw(t, "at")
		b := slices.Clone(a)
		switch rapid.SampledFrom([]string{"other", "more", "less"}).Draw(t, "edit") {
		case "other":
			b[at] = 'z'
		case "more":
			b = slices.Insert(b, at, 'z')
		default:
			b = slices.Delete(b, at, at+1)
		}
		mine, stored := customer.Customer{ID: "1", DisplayName: string(a)}, customer.Customer{ID: "2", DisplayName: string(b)}
		if !slices.Contains(mine.Compare(stored), customer.SimilarName) {
			return // too short, or the same after all
		}
		head, tail := stored.NameHalves()
		heads, tails := mine.SimilarHalves()
		if !slices.Contains(heads, head) && !slices.Contains(tails, tail) {
			t.Fatalf("%q is not found for %q: %q %q in %q %q", string(b), string(a), head, tail, heads, tails)
		}
	})
}

func TestValidateListsAndPattern(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2026-03-02")
	cases := map[string]func(*customer.Customer){
		"customer.aliases":                        func(c *customer.Customer) { c.Aliases = []string{" "} },
		"customer.addresses.lines":                func(c *customer.Customer) { c.Addresses = []customer.Address{{Purpose: "delivery"}} },
		"customer.addresses.country_code":         func(c *customer.Customer) { c.Addresses = []customer.Address{{Lines: "Road 1", CountryCode: "cn"}} },
		"customer.purchase_pattern.peak_months":   func(c *customer.Customer) { c.Pattern = &customer.Pattern{PeakMonths: []int{3, 3}} },
		"customer.purchase_pattern.interval_days": func(c *customer.Customer) { c.Pattern = &customer.Pattern{IntervalDays: -1} },
		"customer.uscc":                           func(c *customer.Customer) { c.USCC, c.CountryCode = "91350100M000100Y43", "DE" },
	}
	for field, spoil := range cases {
		c := customer.Customer{ID: "C-1", DisplayName: "Firm"}.Complete()
		spoil(&c)
		e, ok := errs.As(c.Validate(today))
		if !ok || e.Reason != errs.ReasonInvalidField || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, e)
		}
	}
}

func TestMergeIsRefused(t *testing.T) {
	t.Parallel()
	closed := func(change func(c *customer.Customer)) customer.Customer {
		c := customer.Customer{ID: "C-2", DisplayName: "Firm", LifeCycle: customer.Closed}.Complete()
		change(&c)
		return c
	}
	into := customer.Customer{ID: "C-1", DisplayName: "Firm", USCC: "91350100M000100Y43"}.Complete()
	cases := map[string]struct {
		from, into customer.Customer
		reason     string
	}{
		"itself":         {into, into, errs.ReasonInvalidField},
		"open":           {closed(func(c *customer.Customer) { c.LifeCycle = customer.Active }), into, customer.ReasonNotClosed},
		"merged already": {closed(func(c *customer.Customer) { c.MergedIntoID = "C-9" }), into, customer.ReasonMerged},
		"into a merged":  {closed(func(*customer.Customer) {}), customer.Customer{ID: "C-1", MergedIntoID: "C-9"}.Complete(), customer.ReasonMerged},
		"into a closed":  {closed(func(*customer.Customer) {}), customer.Customer{ID: "C-1", LifeCycle: customer.Closed}.Complete(), customer.ReasonSurvivorClosed},
		"two currencies": {closed(func(c *customer.Customer) { c.Currency = "USD" }), into, customer.ReasonCurrencyDiffers},
		"two firms":      {closed(func(c *customer.Customer) { c.USCC = "91350100M000100Y44" }), into, customer.ReasonCodesDiffer},
		"the same firm":  {closed(func(c *customer.Customer) { c.USCC = into.USCC }), into, ""},
		"without a code": {closed(func(*customer.Customer) {}), into, ""},
	}
	for name, c := range cases {
		if got := errs.ReasonOf(c.from.CheckMerge(c.into)); got != c.reason {
			t.Errorf("%s: %q, want %q", name, got, c.reason)
		}
	}
}
