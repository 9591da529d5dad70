package dunning

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

// maxRate bounds rates and shares: a year's interest above the principal is a slip of the pen.
const maxRate = 1

// places are what a letter may have filled in.
var places = []string{"{customer}", "{date}", "{total}", "{currency}", "{items}", "{days}", "{level}", "{pay_by}"}

var place = regexp.MustCompile(`\{[^{}]*\}`)

// Check returns what single fields cannot say of a policy, under a field path.
func (p Policy) Check(field string) []errs.Violation {
	var out []errs.Violation
	say := func(path, rule, format string, args ...any) {
		out = append(out, errs.Violation{Field: field + path, Rule: rule, Message: fmt.Sprintf(format, args...)})
	}
	names := map[string]bool{}
	for n, s := range p.Strategies {
		at := fmt.Sprintf(".strategies[%d]", n)
		if names[s.Name] {
			say(at+".name", "unique", "two strategies are called %q", s.Name)
		}
		names[s.Name] = true
		s.check(at, say)
	}
	return out
}

type sayer func(path, rule, format string, args ...any)

func (s Strategy) check(at string, say sayer) {
	if s.Interest.Rate.IsValid() && (s.Interest.Rate.Num < 0 || s.Interest.Rate.Num > maxRate*s.Interest.Rate.Den) {
		say(at+".annual_interest", "range", "late interest is 0%% to 100%% a year")
	}
	if !slices.IsSortedFunc(s.RemindBefore, func(a, b int) int { return b - a }) || len(slices.Compact(slices.Clone(s.RemindBefore))) < len(s.RemindBefore) {
		say(at+".remind_before_days", "falling", "days before the due date must fall")
	}
	if len(s.RemindBefore) > 0 && s.Reminder.TitleEN == "" {
		say(at+".reminder", "required", "say what a reminder writes")
	}
	s.Reminder.check(at+".reminder", say)
	for n, l := range s.Levels {
		path := fmt.Sprintf("%s.levels[%d]", at, n)
		l.Letter.check(path+".letter", say)
		if l.FeeShare.IsValid() && (l.FeeShare.Num < 0 || l.FeeShare.Num > maxRate*l.FeeShare.Den) {
			say(path+".fee_share", "range", "a fee is 0%% to 100%% of the original amount")
		}
		for currency, fee := range l.Fees {
			if fee.IsNegative() {
				say(path+".fees", "range", "the fee in %s is below zero", currency)
			}
		}
		if l.ChargeInterest && !s.Interest.Rate.IsValid() {
			say(path+".charge_interest", "rate", "give annual_interest, or do not charge it")
		}
		if n == 0 {
			continue
		}
		before := s.Levels[n-1]
		if l.DaysPastDue != 0 && l.DaysPastDue < before.DaysPastDue {
			say(path+".days_past_due", "rising", "level %d comes before level %d", n+1, n)
		}
		if l.WaitDays == 0 && l.DaysPastDue <= before.DaysPastDue {
			say(path+".wait_days", "required", "level %d would follow level %d at once: give a wait or more days past due", n+1, n)
		}
	}
}

func (l Letter) check(at string, say sayer) {
	for field, text := range map[string]string{"title_zh": l.TitleZH, "body_zh": l.BodyZH, "title_en": l.TitleEN, "body_en": l.BodyEN} {
		for _, found := range place.FindAllString(text, -1) {
			if !slices.Contains(places, found) {
				say(at+"."+field, "place", "%s is no place to fill; these are: %s", found, strings.Join(places, " "))
			}
		}
	}
}
