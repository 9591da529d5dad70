package approval_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

func both(name string, roles ...string) approval.Step { return approval.Step{Name: name, AllOf: roles} }

// The third row of S2.12: sales manager and general manager review, in any order, and
// the chairman approves.
func chairmansForm() approval.Form {
	return approval.New("applicant", 2, []approval.Step{both("review", "SALES_MANAGER", "GENERAL_MANAGER"), step("approval", "CHAIRMAN")})
}

func signs(t *testing.T, f approval.Form, subject string, roles ...string) approval.Form {
	t.Helper()
	next, err := f.Apply(act(subject, approval.Approve, roles...))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestAllReviewersSignInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]string{{"SALES_MANAGER", "GENERAL_MANAGER"}, {"GENERAL_MANAGER", "SALES_MANAGER"}} {
		f := signs(t, chairmansForm(), "first", order[0])
		if got := f.NextRoles(); !slices.Equal(got, []string{order[1]}) {
			t.Fatalf("after %s the form waits for %v", order[0], got)
		}
		for _, wrong := range []approval.Act{act("x", approval.Approve, order[0]), act("x", approval.Approve, "CHAIRMAN")} {
			if _, err := f.Apply(wrong); errs.ReasonOf(err) != approval.ReasonNotYourStep {
				t.Fatalf("%v", err)
			}
		}
		f = signs(t, f, "second", order[1])
		if f = signs(t, f, "third", "CHAIRMAN"); f.State != approval.Approved || f.Acts[2].Step != 1 {
			t.Fatalf("%+v", f)
		}
	}
}

// Who holds both roles leaves the one to others that they can take.
func TestHolderOfBothRolesBlocksNobody(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"SALES_MANAGER", "GENERAL_MANAGER"} {
		f := signs(t, chairmansForm(), "both", "SALES_MANAGER", "GENERAL_MANAGER")
		if got := f.NextRoles(); len(got) != 2 {
			t.Fatalf("the form waits for %v", got)
		}
		if f = signs(t, f, "other", second); len(f.Acts) != 2 || !slices.Equal(f.NextRoles(), []string{"CHAIRMAN"}) {
			t.Fatalf("%+v", f)
		}
	}
}

func TestRoutesByConditions(t *testing.T) {
	t.Parallel()
	table := approval.Table{
		{MaxAmount: amount(500), When: approval.When{Groups: []string{"G"}}, Steps: []approval.Step{step("key account", "SALES_MANAGER")}},
		{MaxAmount: amount(100), When: approval.When{Grades: []string{"A"}, AmountOver: money.Ratio{Num: 1, Den: 10}, DaysOver: days(5)}, Steps: []approval.Step{step("a", "X")}},
		{MaxAmount: amount(100), Steps: []approval.Step{step("b", "X")}},
		{When: approval.When{AmountOver: money.Ratio{Num: 1, Den: 2}, DaysOver: days(30)}, Steps: []approval.Step{step("c", "X")}},
		{When: approval.When{AmountOver: money.Ratio{Num: 100, Den: 1}, DaysOver: days(3650)}, Steps: []approval.Step{step("d", "X")}},
	}
	if found := table.Check("table"); len(found) != 0 {
		t.Fatalf("%v", found)
	}
	for name, c := range map[string]struct {
		asked approval.Case
		row   int
	}{
		"grade known":                       {approval.Case{Amount: 100, Grade: "A"}, 1},
		"grade not known":                   {approval.Case{Amount: 100}, 2},
		"another grade":                     {approval.Case{Amount: 100, Grade: "B"}, 2},
		"group":                             {approval.Case{Amount: 500, Grade: "B", Group: "G"}, 0},
		"group, too much":                   {approval.Case{Amount: 501, Grade: "B", Group: "G"}, 3},
		"as recommended":                    {approval.Case{Amount: 99, Grade: "B", Recommended: amount(99), Days: 30, RecommendedDays: days(30)}, 2},
		"a tenth over":                      {approval.Case{Amount: 99, Grade: "A", Recommended: amount(90)}, 1},
		"more than a tenth over":            {approval.Case{Amount: 100, Grade: "A", Recommended: amount(90)}, 3},
		"over, for a row without a bound":   {approval.Case{Amount: 99, Grade: "B", Recommended: amount(98)}, 3},
		"half over":                         {approval.Case{Amount: 150, Recommended: amount(100)}, 3},
		"more than half over":               {approval.Case{Amount: 151, Recommended: amount(100)}, 4},
		"five days over":                    {approval.Case{Amount: 1, Grade: "A", Days: 35, RecommendedDays: days(30)}, 1},
		"six days over":                     {approval.Case{Amount: 1, Grade: "A", Days: 36, RecommendedDays: days(30)}, 3},
		"days over the bound of the fourth": {approval.Case{Amount: 1, Days: 61, RecommendedDays: days(30)}, 4},
	} {
		if row, _, err := table.RouteCase(c.asked); err != nil || row != c.row {
			t.Errorf("%s: row %d, %v; want %d", name, row, err, c.row)
		}
	}
	if _, _, err := table.RouteCase(approval.Case{Amount: 101, Recommended: amount(0)}); errs.ReasonOf(err) != approval.ReasonAuthorityExceeded {
		t.Errorf("beyond a recommendation of nothing: %v", err)
	}
	shadowed := approval.Table{table[2], {MaxAmount: amount(50), When: approval.When{Grades: []string{"A"}}, Steps: table[2].Steps}}
	if found := shadowed.Check("table"); len(found) != 1 || found[0].Field != "table[1]" {
		t.Errorf("%v", found)
	}
	if found := (approval.Table{{Steps: []approval.Step{{Name: "x", AnyOf: []string{"A"}, AllOf: []string{"B"}}, {Name: "y", AnyOf: []string{"A"}, DueDays: 1}}}}).Check("table"); len(found) != 2 {
		t.Errorf("%v", found)
	}
}

func TestLateStepGoesToOneMoreRoleOnce(t *testing.T) {
	t.Parallel()
	review := both("review", "SALES_MANAGER", "GENERAL_MANAGER")
	review.DueDays, review.EscalateTo = 3, "SALES_DIRECTOR"
	f := approval.New("applicant", 0, []approval.Step{review, step("approval", "CHAIRMAN")})
	f.Opened = calendar.MustDate("2026-06-29")
	if got := f.Due(); got != calendar.MustDate("2026-07-02") {
		t.Fatalf("due %s", got)
	}
	if _, late := f.Escalate(calendar.MustDate("2026-07-02")); late {
		t.Fatal("on its last day the step is in time")
	}
	late, did := f.Escalate(calendar.MustDate("2026-07-03"))
	if _, again := late.Escalate(calendar.MustDate("2026-07-09")); !did || again || len(f.Escalations) != 0 {
		t.Fatalf("%v %v", did, again)
	}
	want := approval.Escalation{Step: 0, Role: "SALES_DIRECTOR", Due: calendar.MustDate("2026-07-02"), Date: calendar.MustDate("2026-07-03")}
	if len(late.Escalations) != 1 || late.Escalations[0] != want || len(late.NextRoles()) != 3 {
		t.Fatalf("%+v", late)
	}
	// The director stands for one of the two, and for no more than one.
	one := signs(t, late, "director", "SALES_DIRECTOR")
	if i, _ := one.NextIndex(); i != 0 {
		t.Fatalf("%+v", one)
	}
	if _, err := one.Apply(act("director", approval.Approve, "SALES_DIRECTOR", "GENERAL_MANAGER")); errs.ReasonOf(err) != approval.ReasonSamePerson {
		t.Fatalf("%v", err)
	}
	two := signs(t, one, "manager", "GENERAL_MANAGER")
	if _, more := two.Escalate(calendar.MustDate("2027-01-01")); more || !two.Due().IsZero() {
		t.Fatal("a step without due days is never late")
	}
}

func TestDelegations(t *testing.T) {
	t.Parallel()
	given := approval.Delegation{
		Principal: "boss", Deputy: "deputy", Roles: []string{"GENERAL_MANAGER"},
		From: calendar.MustDate("2026-07-01"), Until: calendar.MustDate("2026-07-10"), Ended: calendar.MustDate("2026-07-08"),
	}
	for day, holds := range map[string]bool{"2026-06-30": false, "2026-07-01": true, "2026-07-07": true, "2026-07-08": false} {
		a := act("deputy", approval.Approve, "SALESPERSON")
		a.For, a.Date = "boss", calendar.MustDate(day)
		got, err := approval.Seat(a, []approval.Delegation{given})
		if (err == nil) != holds || holds && !slices.Equal(got.Roles, given.Roles) {
			t.Errorf("%s: %+v %v", day, got, err)
		}
	}
	for name, change := range map[string]func(*approval.Act){
		"somebody else": func(a *approval.Act) { a.Subject = "stranger" }, "another seat": func(a *approval.Act) { a.For = "chairman" },
	} {
		a := act("deputy", approval.Approve)
		a.For = "boss"
		change(&a)
		if _, err := approval.Seat(a, []approval.Delegation{given}); errs.KindOf(err) != errs.PermissionDenied || errs.ReasonOf(err) != approval.ReasonNoDelegation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := given.Check([]string{"GENERAL_MANAGER"}, given.From); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*approval.Delegation){
		"to oneself": func(d *approval.Delegation) { d.Deputy = "boss" }, "to nobody": func(d *approval.Delegation) { d.Deputy = " " },
		"a role not held": func(d *approval.Delegation) { d.Roles = []string{"CHAIRMAN"} }, "no role": func(d *approval.Delegation) { d.Roles = nil },
		"backwards": func(d *approval.Delegation) { d.Until = d.From.AddDays(-1) }, "in the past": func(d *approval.Delegation) { d.From = d.From.AddDays(-1) },
	} {
		d := given
		change(&d)
		if err := d.Check([]string{"GENERAL_MANAGER"}, given.From); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One form, one seat each: neither the deputy nor the one whose seat it is acts twice, and
// nobody decides about their own application in the seat of another.
func TestDeputyTakesNoSecondSeat(t *testing.T) {
	t.Parallel()
	deputy := func(subject, principal string, roles ...string) approval.Act {
		a := act(subject, approval.Approve, roles...)
		a.For = principal
		return a
	}
	f := approval.New("applicant", 0, []approval.Step{step("review", "SALES_MANAGER"), step("approval", "GENERAL_MANAGER")})
	reviewed, err := f.Apply(deputy("deputy", "manager", "SALES_MANAGER"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		form approval.Form
		act  approval.Act
	}{
		"the deputy again, in their own seat":       {reviewed, act("deputy", approval.Approve, "GENERAL_MANAGER")},
		"the deputy again, in another seat":         {reviewed, deputy("deputy", "boss", "GENERAL_MANAGER")},
		"whose seat was taken":                      {reviewed, act("manager", approval.Approve, "GENERAL_MANAGER")},
		"another deputy of whose seat was taken":    {reviewed, deputy("second", "manager", "GENERAL_MANAGER")},
		"the applicant in another's seat":           {f, deputy("applicant", "manager", "SALES_MANAGER")},
		"a deputy of the applicant":                 {f, deputy("deputy", "applicant", "SALES_MANAGER")},
		"a deputy for whom somebody signed before":  {reviewed, deputy("manager", "boss", "GENERAL_MANAGER")},
		"whoever acted before, in whatever seat it": {reviewed, deputy("boss", "deputy", "GENERAL_MANAGER")},
	} {
		if after, err := c.form.Apply(c.act); errs.ReasonOf(err) != approval.ReasonSamePerson || !reflect.DeepEqual(after, c.form) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStepInWriting(t *testing.T) {
	t.Parallel()
	f := approval.New("applicant", 0, []approval.Step{{Name: "exception", AnyOf: []string{"SALES_MANAGER"}, InWriting: true}})
	a := act("manager", approval.Approve, "SALES_MANAGER")
	a.Reason = " "
	if _, err := f.Apply(a); errs.ReasonOf(err) != approval.ReasonRequired {
		t.Fatalf("%v", err)
	}
	if f = signs(t, f, "manager", "SALES_MANAGER"); f.State != approval.Approved {
		t.Fatalf("%+v", f)
	}
}

func anyRow() *rapid.Generator[[]approval.Step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) approval.Step {
		s := approval.Step{Name: "step", DueDays: rapid.IntRange(0, 2).Draw(t, "due days"), InWriting: rapid.Bool().Draw(t, "in writing")}
		if s.DueDays > 0 {
			s.EscalateTo = rapid.SampledFrom(roles).Draw(t, "escalate to")
		}
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 3, rapid.ID).Draw(t, "roles")
		if rapid.Bool().Draw(t, "all of") {
			s.AllOf = list
		} else {
			s.AnyOf = list
		}
		return s
	}), 1, 4)
}

// Whatever the order of acts, in whoever's seat, and whatever is late: a form that is
// approved was signed by as many different people as its row says, none of them the
// applicant, in as many different seats, none of which is the applicant's or that of
// somebody who signed; and each step by people who held its roles, or the role that a
// late step went to, each for a role of their own.
func TestNeverFewerPeopleThanTheRowSays(t *testing.T) {
	t.Parallel()
	approved, deputed, late := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		people := []string{"applicant", "b", "c", "d", "e", "f", "g", "h"}
		given := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) approval.Delegation {
			from := calendar.MustDate("2026-07-01").AddDays(rapid.IntRange(-3, 5).Draw(t, "from"))
			return approval.Delegation{
				Principal: rapid.SampledFrom(people).Draw(t, "principal"), Deputy: rapid.SampledFrom(people).Draw(t, "deputy"),
				Roles: rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 4, rapid.ID).Draw(t, "delegated"), From: from, Until: from.AddDays(4),
			}
		}), 0, 12).Draw(t, "delegations")
		row := anyRow().Draw(t, "row")
		f := approval.New("applicant", 0, row)
		f.Opened = calendar.MustDate("2026-07-01")
		day := f.Opened
		for range rapid.IntRange(1, 60).Draw(t, "acts") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				day = day.AddDays(rapid.IntRange(1, 4).Draw(t, "days"))
				fallthrough
			case 1:
				f, _ = f.Escalate(day)
			default:
				a := anyAct(people...).Draw(t, "act")
				a.Date = day
				if a.Decision != approval.Approve && rapid.IntRange(0, 9).Draw(t, "mostly approve") > 0 {
					a.Decision = approval.Approve
				}
				if len(given) > 0 && rapid.Bool().Draw(t, "as a deputy") {
					d := rapid.SampledFrom(given).Draw(t, "delegation")
					a.Subject, a.For = d.Deputy, d.Principal
				}
				a, err := approval.Seat(a, given)
				if err != nil {
					continue
				}
				if next, err := f.Apply(a); err == nil {
					f = next
				}
			}
		}
		if f.State != approval.Approved {
			return
		}
		approved++
		late += len(f.Escalations)
		for _, a := range f.Acts {
			if a.For != "" {
				deputed++
			}
		}
		signedByEnough(t, f, row)
	})
	if approved == 0 || deputed == 0 || late == 0 {
		t.Fatalf("%d forms approved, %d acts of deputies, %d late steps: the test tests nothing", approved, deputed, late)
	}
}

func signedByEnough(t *rapid.T, f approval.Form, row []approval.Step) {
	need := 0
	for i, s := range row {
		need += max(1, len(s.AllOf))
		var on []approval.Act
		for _, a := range f.Acts {
			if a.Step == i {
				on = append(on, a)
			}
		}
		if len(on) != max(1, len(s.AllOf)) {
			t.Fatalf("step %d of %+v has %d acts", i, f, len(on))
		}
		late := slices.ContainsFunc(f.Escalations, func(e approval.Escalation) bool { return e.Step == i })
		for _, a := range on {
			held := slices.ContainsFunc(a.Roles, func(r string) bool {
				return slices.Contains(s.AnyOf, r) || slices.Contains(s.AllOf, r) || late && r == s.EscalateTo
			})
			if !held || a.Decision != approval.Approve || s.InWriting && a.Reason == "" {
				t.Fatalf("act %+v on step %+v", a, s)
			}
		}
		for _, r := range s.AllOf {
			by := slices.ContainsFunc(on, func(a approval.Act) bool {
				return slices.Contains(a.Roles, r) || late && slices.Contains(a.Roles, s.EscalateTo)
			})
			if !by {
				t.Fatalf("nobody signed step %d for %s: %+v", i, r, f)
			}
		}
	}
	persons := map[string]bool{f.Applicant: true}
	for _, a := range f.Acts {
		for _, who := range []string{a.Subject, a.For} {
			if who == "" {
				continue
			}
			if persons[who] {
				t.Fatalf("%s has two parts in %+v", who, f)
			}
			persons[who] = true
		}
	}
	if len(f.Acts) != need {
		t.Fatalf("%d people signed, the row asks for %d", len(f.Acts), need)
	}
}
