// Package violation is the register of acts beyond authority and of what was found altered (S2.9): who, what, the evidence,
// who has to look into it, and what became of it. Every phase keeps one; they meet in a list.
package violation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

const (
	maxEvidence = 8192
	maxName     = 128
	// idLength keeps ids short; 96 bits of a hash do not meet by chance.
	idLength = 24
)

// Nobody is the subject of what was found and nobody is known to have done.
const Nobody = "unknown"

// Reasons for which a decision is refused.
const (
	// ReasonSamePerson: nobody decides on itself.
	ReasonSamePerson = "SAME_PERSON"
	// ReasonNotTheSupervisor: the person does not supervise whoever did it.
	ReasonNotTheSupervisor = "NOT_THE_SUPERVISOR"
)

// Kind is how it came into the register.
type Kind string

// The kinds.
const (
	// RefusedAct: somebody tried what they had no authority for, and was refused.
	RefusedAct Kind = "REFUSED_ACT"
	// Alteration: what is stored is not what was stored; found by verification.
	Alteration Kind = "ALTERATION"
)

// Attempt is what somebody tried and was refused, or what was found.
type Attempt struct {
	Kind    Kind // empty: RefusedAct
	Subject string
	Roles   []string
	// Act is what they tried; ObjectKind and ObjectID say on what, as they named it.
	Act, ObjectKind, ObjectID, CustomerID string
	// ReasonCode and Message are what they were told, or what was found.
	ReasonCode, Message string
	Date                calendar.Date
	// Sent is the request in a form that is the same for the same request.
	Sent []byte
	// Readable is the request for people.
	Readable string
}

// Violation is an attempt as recorded.
type Violation struct {
	ID           string        `json:"violation_id"`
	Number       int64         `json:"-"`
	Phase        string        `json:"phase,omitempty"` // empty: evaluation, which kept the first
	Kind         Kind          `json:"kind,omitempty"`  // empty: RefusedAct
	Subject      string        `json:"subject"`
	Roles        []string      `json:"roles"`
	Act          string        `json:"act"`
	ObjectKind   string        `json:"object_kind,omitempty"`
	ObjectID     string        `json:"object_id,omitempty"`
	CustomerID   string        `json:"customer_id,omitempty"`
	ReasonCode   string        `json:"reason_code"`
	Message      string        `json:"message"`
	Date         calendar.Date `json:"business_date"`
	Evidence     string        `json:"evidence,omitempty"`
	EvidenceHash string        `json:"evidence_hash"`
	CreateTime   time.Time     `json:"create_time,omitzero"`
	// SupervisorRoles are those of which one looks into it.
	SupervisorRoles []string `json:"supervisor_roles,omitempty"`

	// Outcome says what became of it; zero: nobody has decided.
	Outcome Outcome `json:"-"`
}

// Outcome is what became of a violation.
type Outcome struct {
	// Verdict is CONFIRMED, MISTAKE or UNFOUNDED; empty: nobody has decided.
	Verdict    string
	Note       string
	DecidedBy  string
	DecideDate calendar.Date
}

// Of makes the record of an attempt. The same person sending the same request on the
// same day for the same refusal makes the same id: a retry is no second attempt; what
// was found altered is the same on every day. What they sent was refused before anybody
// checked it, so names are cut and cleaned.
func Of(phase string, a Attempt) Violation {
	sent := sha256.Sum256(a.Sent)
	hash := hex.EncodeToString(sent[:])
	date := a.Date.String()
	if a.Kind == "" {
		a.Kind = RefusedAct
	}
	if a.Kind != RefusedAct {
		date = string(a.Kind)
	}
	id := sha256.Sum256([]byte(strings.Join([]string{a.Subject, a.Act, a.ReasonCode, date, hash}, "\x00")))
	return Violation{
		ID: "V-" + hex.EncodeToString(id[:])[:idLength], Phase: phase, Kind: a.Kind, Subject: a.Subject, Roles: a.Roles, Act: a.Act,
		ObjectKind: a.ObjectKind, ObjectID: clean(a.ObjectID, maxName), CustomerID: clean(a.CustomerID, maxName),
		ReasonCode: a.ReasonCode, Message: a.Message, Date: a.Date, Evidence: clean(a.Readable, maxEvidence), EvidenceHash: hash,
		SupervisorRoles: Supervisors(a.Roles),
	}
}

// clean makes text that can be stored, at most so many bytes of it.
func clean(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// supervision is who looks into the acts of whom, the highest role first.
var supervision = []struct {
	of string
	by []string
}{
	{"GENERAL_MANAGER", []string{"CHAIRMAN"}},
	{"SALES_DIRECTOR", []string{"GENERAL_MANAGER"}},
	{"FINANCE_DIRECTOR", []string{"GENERAL_MANAGER"}},
	{"OPERATOR", []string{"GENERAL_MANAGER"}},
	{"FINANCE_MANAGER", []string{"FINANCE_DIRECTOR"}},
	{"CREDIT_MANAGER", []string{"FINANCE_DIRECTOR"}},
	{"SALES_MANAGER", []string{"SALES_DIRECTOR"}},
	{"SALES_SUPERVISOR", []string{"SALES_MANAGER"}},
	{"FINANCE_CLERK", []string{"FINANCE_MANAGER"}},
	{"CREDIT_ANALYST", []string{"CREDIT_MANAGER"}},
	{"COLLECTOR", []string{"CREDIT_MANAGER"}},
	{"SALESPERSON", []string{"SALES_SUPERVISOR", "SALES_MANAGER"}},
}

// Supervisors are the roles that look into an act of somebody with these roles; of anybody else's the finance director.
func Supervisors(roles []string) []string {
	for _, s := range supervision {
		if slices.Contains(roles, s.of) {
			return slices.Clone(s.by)
		}
	}
	return []string{"FINANCE_DIRECTOR"}
}

// Above reports whether the roles see and decide on everything.
func Above(roles []string) bool {
	return slices.Contains(roles, "GENERAL_MANAGER") || slices.Contains(roles, "CHAIRMAN")
}

// Decide says what became of it. Errors: FailedPrecondition VIOLATION_DECIDED, PermissionDenied SAME_PERSON and
// NOT_THE_SUPERVISOR.
func (v Violation) Decide(actor string, roles []string, verdict, note string, today calendar.Date) (Violation, error) {
	supervises := func(role string) bool { return slices.Contains(v.SupervisorRoles, role) }
	switch {
	case v.Outcome.Verdict != "":
		return v, errs.New(errs.FailedPrecondition, "VIOLATION_DECIDED", "%s decided on violation %s", v.Outcome.DecidedBy, v.ID).With("violation_id", v.ID)
	case actor == v.Subject:
		return v, errs.New(errs.PermissionDenied, ReasonSamePerson, "nobody decides on itself").With("violation_id", v.ID)
	case !Above(roles) && !slices.ContainsFunc(roles, supervises):
		return v, errs.New(errs.PermissionDenied, ReasonNotTheSupervisor, "violation %s is for %s", v.ID, strings.Join(v.SupervisorRoles, ", ")).With("violation_id", v.ID)
	}
	v.Outcome = Outcome{Verdict: verdict, Note: note, DecidedBy: actor, DecideDate: today}
	return v, nil
}
