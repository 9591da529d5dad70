package mail_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// mailbox is a real SMTP server on this machine that keeps what it is sent.
type mailbox struct {
	host string
	port int

	mu      sync.Mutex
	letters []letter
	refuse  func(to string) error // a refusal of a recipient; nil: none
	hangUp  bool                  // takes the whole letter, then closes the connection without a word
}

type letter struct {
	from string
	to   []string
	text string
}

func (l letter) header(t *testing.T, name string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(l.text))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get(name)
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	box := &mailbox{host: "127.0.0.1"}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{box: box, conn: c}, nil }))
	server.Domain, server.AllowInsecureAuth = "mail.example", true
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	box.port = listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return box
}

func (b *mailbox) got() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]letter(nil), b.letters...)
}

func (b *mailbox) set(fn func(b *mailbox)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fn(b)
}

type session struct {
	box  *mailbox
	conn *smtp.Conn
	letter
}

func (s *session) Reset()        { s.letter = letter{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.box.mu.Lock()
	refuse := s.box.refuse
	s.box.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.text = string(text)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, s.letter)
	if s.box.hangUp {
		_ = s.conn.Conn().Close()
		return errors.New("gone")
	}
	return nil
}

// decoded is base64 over lines.
func decoded(t *testing.T, body []byte) []byte {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
