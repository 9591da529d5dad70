package application

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

// ReasonGrantChanged: the standing grant is another than the one that the form was routed by.
const ReasonGrantChanged = "GRANT_CHANGED"

// Temporary is how and when a limit for a time holds.
type Temporary struct {
	// Mode is REPLACE or ADD.
	Mode  string        `json:"mode"`
	From  calendar.Date `json:"from_date"`
	Until calendar.Date `json:"until_date"`
	// Standing is the version of the grant that the form was routed by.
	Standing int64 `json:"standing_version,omitempty"`
}

// validateTemporary checks what needs no standing grant.
func (a Application) validateTemporary() error {
	t := a.Temporary
	switch {
	case t == nil:
		return nil
	case t.Mode != grant.Replace && t.Mode != grant.Add:
		return errs.Field("application.temporary.mode", "defined_only", "is neither REPLACE nor ADD")
	case t.Until.Before(t.From):
		return errs.Field("application.temporary.until_date", "order", "is before from_date")
	case a.TermDays != 0:
		return errs.Field("application.requested_term_days", "empty", "the standing term holds for a limit for a time")
	case !a.ValidUntil.IsZero():
		return errs.Field("application.requested_valid_until_date", "empty", "a limit for a time ends on until_date")
	}
	return nil
}

// lacks names what a limit for a time needs of the standing grant, and does not find.
func (t Temporary) lacks(standing grant.Grant, day calendar.Date) (field, message string) {
	switch {
	case standing.Version == 0 || standing.Treatment != grade.Credit || standing.Limit == nil:
		return "standing_grant", "a limit for a time needs a standing grant of credit"
	case t.Until.Before(day):
		return "temporary.until_date", "the last day asked for is over"
	case !standing.ValidUntil.IsZero() && t.Until.After(standing.ValidUntil):
		return "temporary.until_date", "the standing grant ends before, on " + standing.ValidUntil.String()
	case len(standing.Temporary) >= grant.MaxTemporary:
		return "standing_grant", "the grant has as many limits for a time as it may"
	}
	return "", ""
}

func (a Application) temporaryLimit() grant.TemporaryLimit {
	return grant.TemporaryLimit{Mode: a.Temporary.Mode, Amount: a.Limit, From: a.Temporary.From, Until: a.Temporary.Until}
}

// asked is what people sign for: the highest limit that would hold, and the term; nil:
// there would be no bound.
func (a Application) asked(standing grant.Grant) (limit *money.Money, days int) {
	if a.Temporary == nil {
		return &a.Limit, a.TermDays
	}
	return standing.Peak(a.temporaryLimit()), standing.TermDays
}

// CheckStanding refuses to complete a form for a limit for a time where the standing
// grant is another now: people signed for a sum that no longer is one. Errors:
// FailedPrecondition GRANT_CHANGED, APPLICATION_STATE.
func (a Application) CheckStanding(newest grant.Grant, day calendar.Date) error {
	switch t := a.Temporary; {
	case t == nil:
		return nil
	case newest.Version != t.Standing:
		return errs.New(errs.FailedPrecondition, ReasonGrantChanged,
			"the standing grant was changed since the submission: return or withdraw the form, so that it is routed anew")
	case t.Until.Before(day):
		return errs.New(errs.FailedPrecondition, ReasonState, "the last day asked for, %s, is over: reject or withdraw the form", t.Until)
	}
	return nil
}
