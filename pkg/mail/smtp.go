package mail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/avalcredit/aval/pkg/errs"
)

// Security is how the connection to the server is kept from others.
type Security string

// The kinds of security. The default is STARTTLS; None is for a server on the same machine.
const (
	StartTLS Security = "starttls"
	TLS      Security = "tls"
	None     Security = "none"
)

// Server is the SMTP server that takes messages, and in whose name they go out.
type Server struct {
	Host string // empty: nothing is sent
	Port int    // 0: 587, with TLS 465, with None 25
	// Security of the connection; empty: STARTTLS.
	Security Security
	// Username and Password; empty: the server asks for none.
	Username, Password string
	// From is the sender of messages that name none.
	From string
	// Timeout bounds each step of a sending (30 s).
	Timeout time.Duration
	// TLSConfig, where the machine's own roots do not do; nil: they do.
	TLSConfig *tls.Config
}

// Check holds the settings to what can work. Its error has kind Invalid and names the setting.
func (s Server) Check() error {
	switch s.Security {
	case "", StartTLS, TLS, None:
	default:
		return errs.Field("mail.security", "in", "%.40q is none of starttls, tls, none", string(s.Security))
	}
	if s.Host == "" {
		return nil
	}
	if s.Port < 0 || s.Port > 65535 {
		return errs.Field("mail.port", "port", "%d is not a port", s.Port)
	}
	return CheckAddress("mail.from", s.From)
}

// verdict is what is known of a sending.
type verdict int

const (
	later   verdict = iota // the server was not reached, or could not be told: try again
	putOff                 // the server refused it for now
	refused                // the server refused it for good
	taken                  // the server has it
	unknown                // the whole message went out, and no answer came back
)

type outcome struct {
	verdict verdict
	said    string
}

// send hands one message to the server.
func (s Server) send(ctx context.Context, m Message, queued time.Time) outcome {
	msg, err := s.compose(m, queued)
	if err != nil {
		return outcome{refused, err.Error()}
	}
	client, err := gomail.NewClient(s.Host, s.options()...)
	if err != nil {
		return outcome{later, err.Error()}
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return outcome{verdict: taken}
	}
	return judge(err)
}

// judge says what an error means for the message: what the server answered counts; where it answered nothing it has the
// message only if all of it went out.
func judge(err error) outcome {
	var sent *gomail.SendError
	if !errors.As(err, &sent) {
		return outcome{later, err.Error()} // it was not reached, or did not let us in
	}
	switch code := sent.ErrorCode(); {
	case code >= 500:
		return outcome{refused, err.Error()}
	case code >= 400:
		return outcome{putOff, err.Error()}
	case sent.Reason == gomail.ErrSMTPReset:
		return outcome{verdict: taken}
	case sent.Reason == gomail.ErrSMTPDataClose || sent.Reason == gomail.ErrAmbiguous:
		return outcome{unknown, err.Error()}
	default:
		return outcome{later, err.Error()}
	}
}

func (s Server) options() []gomail.Option {
	opts := []gomail.Option{gomail.WithTimeout(s.Timeout)}
	switch s.Security {
	case TLS:
		opts = append(opts, gomail.WithSSLPort(false), gomail.WithTLSPolicy(gomail.TLSMandatory))
	case None:
		opts = append(opts, gomail.WithTLSPortPolicy(gomail.NoTLS))
	default:
		opts = append(opts, gomail.WithTLSPortPolicy(gomail.TLSMandatory))
	}
	if s.Port != 0 {
		opts = append(opts, gomail.WithPort(s.Port))
	}
	if s.TLSConfig != nil {
		opts = append(opts, gomail.WithTLSConfig(s.TLSConfig))
	}
	if s.Username != "" {
		kind := gomail.SMTPAuthAutoDiscover
		if s.Security == None {
			kind = gomail.SMTPAuthPlainNoEnc
		}
		opts = append(opts, gomail.WithSMTPAuth(kind), gomail.WithUsername(s.Username), gomail.WithPassword(s.Password))
	}
	return opts
}

// compose makes the message as it goes over the wire. Its identifier follows from its key, so that a copy can be told to be
// one by whoever gets it.
func (s Server) compose(m Message, queued time.Time) (*gomail.Msg, error) {
	from := m.From
	if from == "" {
		from = s.From
	}
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(from), msg.To(m.To...)); err != nil {
		return nil, err
	}
	if len(m.Cc) > 0 {
		if err := msg.Cc(m.Cc...); err != nil {
			return nil, err
		}
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, err
		}
	}
	id := sha256.Sum256([]byte(m.Key + "\n" + queued.UTC().Format(time.RFC3339Nano)))
	_, domain, _ := strings.Cut(from, "@")
	msg.SetMessageIDWithValue(hex.EncodeToString(id[:16]) + "@" + domain)
	msg.SetDateWithValue(queued)
	msg.Subject(m.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	for _, a := range m.Attachments {
		err := msg.AttachReader(a.Name, bytes.NewReader(a.Content), gomail.WithFileContentType(gomail.ContentType(a.ContentType)))
		if err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// clean is a text that the database takes.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
