// Package violation is the register of attempts to act without authority (S2.9).
package violation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/avalcredit/aval/pkg/calendar"
)

const (
	maxEvidence = 8192
	maxName     = 128
	// idLength keeps ids short; 96 bits of a hash do not meet by chance.
	idLength = 24
)

// Attempt is what somebody tried and was refused.
type Attempt struct {
	Subject string
	Roles   []string
	// Act is what they tried; ObjectKind and ObjectID say on what, as they named it.
	Act, ObjectKind, ObjectID, CustomerID string
	// ReasonCode and Message are what they were told.
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
}

// Of makes the record of an attempt. The same person sending the same request on the
// same day for the same refusal makes the same id: a retry is no second attempt. What
// they sent was refused before anybody checked it, so names are cut and cleaned.
func Of(a Attempt) Violation {
	sent := sha256.Sum256(a.Sent)
	hash := hex.EncodeToString(sent[:])
	id := sha256.Sum256([]byte(strings.Join([]string{a.Subject, a.Act, a.ReasonCode, a.Date.String(), hash}, "\x00")))
	return Violation{
		ID: "V-" + hex.EncodeToString(id[:])[:idLength], Subject: a.Subject, Roles: a.Roles, Act: a.Act,
		ObjectKind: a.ObjectKind, ObjectID: clean(a.ObjectID, maxName), CustomerID: clean(a.CustomerID, maxName),
		ReasonCode: a.ReasonCode, Message: a.Message, Date: a.Date, Evidence: clean(a.Readable, maxEvidence), EvidenceHash: hash,
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
