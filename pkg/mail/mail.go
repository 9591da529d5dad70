// Package mail sends letters by electronic mail, each once. A letter is queued in the transaction of what it tells of, under
// a key that names it; a relay hands it to an SMTP server. What the relay cannot know - it died, or the connection broke
// after the whole letter had gone out - it does not guess: such a letter is UNCERTAIN and waits for a person.
package mail

import (
	"crypto/sha256"
	"encoding/binary"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

// Limits of a message.
const (
	maxKey         = 256
	maxRecipients  = 50
	maxSubject     = 400
	maxBody        = 1 << 20
	maxAttachments = 20
	maxAttached    = 20 << 20
	maxAddress     = 254
)

// State is how far a message is.
type State string

// The states. SENT and CANCELLED are final; FAILED and UNCERTAIN wait for a person.
const (
	Queued    State = "QUEUED"
	Sending   State = "SENDING"
	Sent      State = "SENT"
	Failed    State = "FAILED"
	Uncertain State = "UNCERTAIN"
	Cancelled State = "CANCELLED"
)

// Attachment is a file sent with a message.
type Attachment struct {
	Name, ContentType string
	Content           []byte
}

// Message is a letter. Key names it within the schema, for example "statement/ST-17": one key is sent once.
type Message struct {
	Key         string
	From        string // empty: the relay's
	To, Cc      []string
	ReplyTo     string // empty: none
	Subject     string
	Text        string
	Attachments []Attachment
}

// Status is where a message stands.
type Status struct {
	Key      string
	To       []string
	Subject  string
	State    State
	Attempts int
	// LastError is what the server or the network said last; empty: nothing went wrong.
	LastError string
	QueueTime time.Time
	// SentTime is when the server took it; zero: not yet.
	SentTime time.Time
}

// CheckAddress holds an address to the form name@domain, without a display name; field is its path. Its error has kind
// Invalid.
func CheckAddress(field, address string) error {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxAddress || !plain(address) {
		return errs.Field(field, "email", "%.80q is not a mail address; write it like accounts@example.com", address)
	}
	return nil
}

// plain says that a text has no control characters, with which one could write headers of one's own.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F })
}

// check holds a message to the limits. Its errors have kind Invalid and name the field.
func (m Message) check() error {
	switch {
	case m.Key == "" || len(m.Key) > maxKey || !plain(m.Key):
		return errs.Field("key", "key", "a message needs a key of 1 to %d bytes", maxKey)
	case len(m.To) == 0 || len(m.To)+len(m.Cc) > maxRecipients:
		return errs.Field("to", "recipients", "a message needs 1 to %d recipients", maxRecipients)
	case m.Subject == "" || len(m.Subject) > maxSubject || !plain(m.Subject):
		return errs.Field("subject", "subject", "a message needs a subject of one line, at most %d bytes", maxSubject)
	case len(m.Text) > maxBody:
		return errs.Field("text", "max_len", "the text of a message has at most %d bytes", maxBody)
	case len(m.Attachments) > maxAttachments:
		return errs.Field("attachments", "max_items", "a message has at most %d attachments", maxAttachments)
	}
	size := 0
	for _, a := range m.Attachments {
		if a.Name == "" || !plain(a.Name) || strings.ContainsAny(a.Name, `/\`) || a.ContentType == "" || !plain(a.ContentType) {
			return errs.Field("attachments", "name", "an attachment needs a plain file name and a content type")
		}
		size += len(a.Content)
	}
	if size > maxAttached {
		return errs.Field("attachments", "size", "the attachments of a message have at most %d bytes", maxAttached)
	}
	return m.checkAddresses()
}

func (m Message) checkAddresses() error {
	optional := map[string]string{"from": m.From, "reply_to": m.ReplyTo}
	for field, address := range optional {
		if address == "" {
			continue
		}
		if err := CheckAddress(field, address); err != nil {
			return err
		}
	}
	for field, list := range map[string][]string{"to": m.To, "cc": m.Cc} {
		for _, address := range list {
			if err := CheckAddress(field, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// digest tells two messages apart; the key is not part of it.
func (m Message) digest() []byte {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(p)))
			h.Write(n[:])
			h.Write([]byte(p))
		}
	}
	put(m.From, m.ReplyTo, m.Subject, m.Text, strings.Join(m.To, "\n"), strings.Join(m.Cc, "\n"))
	for _, a := range m.Attachments {
		put(a.Name, a.ContentType, string(a.Content))
	}
	return h.Sum(nil)
}
