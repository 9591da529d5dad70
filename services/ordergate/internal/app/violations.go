package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// noteTime bounds how long a refusal waits for its note.
const noteTime = 2 * time.Second

// Violations keeps acts that were refused because the person may not take them (S2.9) in the audit trail.
type Violations struct {
	Store *postgres.Store
	Clock calendar.Clock
	Log   *slog.Logger
}

// refusalDetail is what the audit trail keeps of a refused act.
type refusalDetail struct {
	Reason     string   `json:"reason"`
	Roles      []string `json:"roles"`
	RequestID  string   `json:"request_id,omitempty"`
	CustomerID string   `json:"customer_id,omitempty"`
	Message    string   `json:"message"`
}

// Note keeps the refusal of an act, where err is one: the person is the applicant or has acted before (SAME_PERSON), or does not hold a
// role of the next step (NOT_YOUR_STEP). It returns err, whatever becomes of the note: a person is refused even where the trail cannot
// be written, which is logged.
func (v *Violations) Note(ctx context.Context, c Caller, act Attempt, err error) error {
	reason := errs.ReasonOf(err)
	if v == nil || err == nil || (reason != "SAME_PERSON" && reason != "NOT_YOUR_STEP") {
		return err
	}
	d := refusalDetail{Reason: reason, Roles: c.Roles, RequestID: act.RequestID, CustomerID: act.CustomerID}
	if e, ok := errs.As(err); ok {
		d.Message = e.Message
	}
	today := v.Clock.Today(ctx)
	noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	detail, noteErr := json.Marshal(d)
	if noteErr == nil {
		noteErr = v.Store.NoteRefusal(noteCtx, audit.Event{
			Stream: "refused/" + act.Action, Actor: c.Subject, Action: "refused." + act.Action, Subject: act.Subject,
			BusinessDate: today, Detail: detail,
		})
	}
	if noteErr != nil {
		v.Log.ErrorContext(ctx, "a refused act could not be noted", "actor", c.Subject, "action", act.Action, "subject", act.Subject, "reason", reason, "error", noteErr)
	}
	return err
}

// Attempt is what somebody tried: an action such as ActOnApproval on a subject, of a customer's where one is concerned.
type Attempt struct {
	Action, Subject, RequestID, CustomerID string
}

// The actions whose refusals are kept.
const (
	ActOnApproval = "approval.act"
	SignPolicy    = "orderPolicy.sign"
)

// attempt is what the command tried.
func (w *work) attempt() Attempt {
	a := Attempt{Action: ActOnApproval, Subject: w.key.AccountID, CustomerID: w.key.AccountID, RequestID: w.req.ID}
	if len(w.orders) > 0 {
		a.Subject = w.orders[0]
	}
	return a
}

func violationOf(x postgres.Refusal) (report.Violation, error) {
	var d refusalDetail
	if err := json.Unmarshal(x.Detail, &d); err != nil {
		return report.Violation{}, fmt.Errorf("refusal of %s at %s: %w", x.Actor, x.At, err)
	}
	const prefix = len("refused.")
	return report.Violation{
		At: x.At, Actor: x.Actor, Roles: d.Roles, Action: x.Action[min(prefix, len(x.Action)):], Subject: x.Subject, CustomerID: d.CustomerID, Reason: d.Reason,
	}, nil
}
