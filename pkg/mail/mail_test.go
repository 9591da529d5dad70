package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// post is a queue, a clock and the server that its letters go to.
type post struct {
	pool  *pgxpool.Pool
	clock *calendar.Fixed
	box   *mailbox
}

func newPost(t *testing.T) *post {
	t.Helper()
	return &post{pool: pgtest.New(t, "alpha", nil), clock: calendar.FixedClock(noon, time.UTC), box: newMailbox(t)}
}

func (p *post) relay() *mail.Relay {
	return mail.NewRelay(mail.Config{
		Pool: p.pool, Clock: p.clock, Poll: 5 * time.Millisecond, MaxRefusals: 3,
		Server: mail.Server{Host: p.box.host, Port: p.box.port, Security: mail.None, From: "credit@seller.example", Timeout: 5 * time.Second},
	})
}

func (p *post) enqueue(t *testing.T, m mail.Message) (added bool, err error) {
	t.Helper()
	err = pg.InTx(t.Context(), p.pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		added, err = mail.Enqueue(ctx, tx, m, p.clock.Now())
		return err
	})
	return added, err
}

// until runs a relay until a message is in a state.
func (p *post) until(t *testing.T, key string, want mail.State) mail.Status {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = p.relay().Run(ctx) })
	for range 2000 {
		if s := p.status(t, key); s.State == want {
			return s
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	t.Fatalf("%s is %+v, not %s", key, p.status(t, key), want)
	return mail.Status{}
}

func (p *post) status(t *testing.T, key string) mail.Status {
	t.Helper()
	s, err := mail.Statuses(t.Context(), p.pool, key)
	if err != nil {
		t.Fatal(err)
	}
	return s[key]
}

func letterTo(to string) mail.Message {
	return mail.Message{
		Key: "statement/1", To: []string{to}, Cc: []string{"sales@seller.example"}, ReplyTo: "replies@seller.example",
		Subject: "对账单 Statement of account", Text: "敬启者：\n请核对。\n",
		Attachments: []mail.Attachment{{Name: "statement.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 \x00\xff")}},
	}
}

func TestLetterArrivesAsItWas(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if added, err := p.enqueue(t, letterTo("accounts@buyer.example")); err != nil || !added {
		t.Fatalf("queued %v, %v", added, err)
	}
	s := p.until(t, "statement/1", mail.Sent)
	if s.Attempts != 1 || !s.SentTime.Equal(noon) {
		t.Errorf("status %+v", s)
	}
	got := p.box.got()
	if len(got) != 1 || got[0].from != "credit@seller.example" || strings.Join(got[0].to, " ") != "accounts@buyer.example sales@seller.example" {
		t.Fatalf("letters %+v", got)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(got[0].header(t, "Subject")); err != nil || subject != "对账单 Statement of account" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if to := got[0].header(t, "Reply-To"); !strings.Contains(to, "replies@seller.example") {
		t.Errorf("reply to %q", to)
	}
	name, content := attachment(t, got[0].text)
	if name != "statement.pdf" || content != "%PDF-1.4 \x00\xff" {
		t.Errorf("attachment %q %q", name, content)
	}
}

// attachment reads the second part of a letter.
func attachment(t *testing.T, text string) (name, content string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	if _, err := parts.NextPart(); err != nil {
		t.Fatal(err)
	}
	part, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return part.FileName(), string(decoded(t, body))
}

func TestOnceHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	m := letterTo("accounts@buyer.example")
	for i := range 3 {
		if added, err := p.enqueue(t, m); err != nil || added != (i == 0) {
			t.Fatalf("time %d: queued %v, %v", i, added, err)
		}
	}
	other := m
	other.Text = "another"
	if _, err := p.enqueue(t, other); errs.ReasonOf(err) != mail.ReasonReused {
		t.Fatalf("another message under the same key: %v", err)
	}
	p.until(t, m.Key, mail.Sent)
	for i := range 40 { // and many relays at once
		m.Key = fmt.Sprintf("many/%02d", i)
		if _, err := p.enqueue(t, m); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var relays sync.WaitGroup
	for range 3 {
		relays.Go(func() { _ = p.relay().Run(ctx) })
	}
	p.until(t, "many/39", mail.Sent)
	for i := range 40 {
		p.until(t, fmt.Sprintf("many/%02d", i), mail.Sent)
	}
	stop()
	relays.Wait()
	ids := map[string]int{}
	for _, l := range p.box.got() {
		ids[l.header(t, "Message-Id")]++
	}
	if len(p.box.got()) != 41 || len(ids) != 41 {
		t.Errorf("%d letters with %d identifiers, want 41 each", len(p.box.got()), len(ids))
	}
}

func TestRolledBackIsNotSent(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	gone := errors.New("rolled back")
	err := pg.InTx(t.Context(), p.pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := mail.Enqueue(ctx, tx, letterTo("a@buyer.example"), noon); err != nil {
			return err
		}
		return gone
	})
	if !errors.Is(err, gone) {
		t.Fatal(err)
	}
	m := letterTo("b@buyer.example")
	m.Key = "statement/2"
	if _, err := p.enqueue(t, m); err != nil {
		t.Fatal(err)
	}
	p.until(t, "statement/2", mail.Sent)
	if got := p.box.got(); len(got) != 1 || got[0].to[0] != "b@buyer.example" {
		t.Errorf("letters %+v", got)
	}
}

func TestServerPutsOffAndRefuses(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.box.set(func(b *mailbox) {
		b.refuse = func(to string) error {
			switch to {
			case "sales@seller.example":
				return nil
			case "nobody@buyer.example":
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
			}
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "greylisted"}
		}
	})
	bad := letterTo("nobody@buyer.example")
	bad.Key = "bad"
	slow := letterTo("slow@buyer.example")
	slow.Key = "slow"
	for _, m := range []mail.Message{bad, slow} {
		if _, err := p.enqueue(t, m); err != nil {
			t.Fatal(err)
		}
	}
	if s := p.until(t, "bad", mail.Failed); !strings.Contains(s.LastError, "no such mailbox") {
		t.Errorf("status %+v", s)
	}
	if s := p.until(t, "slow", mail.Queued); s.State != mail.Queued {
		t.Errorf("status %+v", s)
	}
	p.box.set(func(b *mailbox) { b.refuse = nil })
	p.clock.Advance(time.Hour)
	if s := p.until(t, "slow", mail.Sent); s.Attempts != 2 {
		t.Errorf("sent at attempt %d", s.Attempts)
	}
	// What failed is sent again when a person says so, and not otherwise.
	if len(p.box.got()) != 1 {
		t.Fatalf("letters %+v", p.box.got())
	}
	p.act(t, mail.Resend, "bad")
	p.until(t, "bad", mail.Sent)
	if len(p.box.got()) != 2 {
		t.Errorf("%d letters", len(p.box.got()))
	}
}

func TestPutOffTooOftenFails(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.box.set(func(b *mailbox) {
		b.refuse = func(string) error { return &smtp.SMTPError{Code: 452, Message: "mailbox full"} }
	})
	if _, err := p.enqueue(t, letterTo("full@buyer.example")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := p.status(t, "statement/1").Attempts
		p.untilAttempts(t, before+1)
		p.clock.Advance(2 * time.Hour)
	}
	if s := p.until(t, "statement/1", mail.Failed); s.Attempts != 3 || !strings.Contains(s.LastError, "mailbox full") {
		t.Errorf("status %+v", s)
	}
}

func (p *post) untilAttempts(t *testing.T, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = p.relay().Run(ctx) })
	for range 2000 {
		if s := p.status(t, "statement/1"); s.Attempts == n && s.State != mail.Sending {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("status %+v, want %d attempts", p.status(t, "statement/1"), n)
}

// The connection breaks when all of the letter has gone out: whether it arrived only a person can find out.
func TestBrokenAfterTheLetterIsNotSentAgain(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.box.set(func(b *mailbox) { b.hangUp = true })
	if _, err := p.enqueue(t, letterTo("accounts@buyer.example")); err != nil {
		t.Fatal(err)
	}
	p.until(t, "statement/1", mail.Uncertain)
	p.clock.Advance(24 * time.Hour)
	other := letterTo("accounts@buyer.example")
	other.Key = "other"
	p.box.set(func(b *mailbox) { b.hangUp = false })
	if _, err := p.enqueue(t, other); err != nil {
		t.Fatal(err)
	}
	p.until(t, "other", mail.Sent)
	if n := len(p.box.got()); n != 2 || p.status(t, "statement/1").State != mail.Uncertain {
		t.Fatalf("%d letters, %+v", n, p.status(t, "statement/1"))
	}
	p.act(t, mail.Settle, "statement/1")
	if s := p.status(t, "statement/1"); s.State != mail.Sent || s.SentTime.IsZero() {
		t.Errorf("status %+v", s)
	}
}

// A process that was killed while it sent leaves its message SENDING.
func TestKilledWhileSending(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if _, err := p.enqueue(t, letterTo("accounts@buyer.example")); err != nil {
		t.Fatal(err)
	}
	_, err := p.pool.Exec(t.Context(), `UPDATE mail_queue SET state = 'SENDING', claim = 'gone', claimed_until = $1, attempts = 1`, noon.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	other := letterTo("accounts@buyer.example")
	other.Key = "other"
	if _, err := p.enqueue(t, other); err != nil {
		t.Fatal(err)
	}
	p.until(t, "other", mail.Sent)
	if s := p.status(t, "statement/1"); s.State != mail.Sending {
		t.Fatalf("another process's message was taken: %+v", s)
	}
	p.clock.Advance(11 * time.Minute)
	p.until(t, "statement/1", mail.Uncertain)
	if len(p.box.got()) != 1 {
		t.Errorf("%d letters", len(p.box.got()))
	}
}

func TestNoServerLetsLettersWait(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if _, err := p.enqueue(t, letterTo("accounts@buyer.example")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := mail.NewRelay(mail.Config{Pool: p.pool, Clock: p.clock, Poll: time.Millisecond}).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s := p.status(t, "statement/1"); s.State != mail.Queued || s.Attempts != 0 {
		t.Errorf("status %+v", s)
	}
	p.act(t, mail.Cancel, "statement/1")
	for name, c := range map[string]struct {
		act    func(context.Context, pgx.Tx, string, time.Time) error
		key    string
		reason string
	}{
		"cancelled is not sent again": {mail.Resend, "statement/1", mail.ReasonState},
		"nor cancelled twice":         {mail.Cancel, "statement/1", mail.ReasonState},
		"unknown":                     {mail.Settle, "none", mail.ReasonUnknown},
	} {
		if err := p.try(t, c.act, c.key); errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (p *post) act(t *testing.T, act func(context.Context, pgx.Tx, string, time.Time) error, key string) {
	t.Helper()
	if err := p.try(t, act, key); err != nil {
		t.Fatal(err)
	}
}

func (p *post) try(t *testing.T, act func(context.Context, pgx.Tx, string, time.Time) error, key string) error {
	t.Helper()
	return pg.InTx(t.Context(), p.pool, func(ctx context.Context, tx pgx.Tx) error { return act(ctx, tx, key, p.clock.Now()) })
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for name, c := range map[string]struct {
		change func(m *mail.Message)
		field  string
	}{
		"no key":               {func(m *mail.Message) { m.Key = "" }, "key"},
		"no recipient":         {func(m *mail.Message) { m.To = nil }, "to"},
		"not an address":       {func(m *mail.Message) { m.To = []string{"nobody"} }, "to"},
		"a display name":       {func(m *mail.Message) { m.To = []string{"A <a@b.example>"} }, "to"},
		"a header of its own":  {func(m *mail.Message) { m.To = []string{"a@b.example\r\nBcc: x@y.example"} }, "to"},
		"a subject of 2 lines": {func(m *mail.Message) { m.Subject = "a\r\nBcc: x@y.example" }, "subject"},
		"a path as a name":     {func(m *mail.Message) { m.Attachments[0].Name = "../x" }, "attachments"},
		"too large":            {func(m *mail.Message) { m.Attachments[0].Content = make([]byte, 21<<20) }, "attachments"},
		"bad copy":             {func(m *mail.Message) { m.Cc = []string{"@"} }, "cc"},
	} {
		m := letterTo("accounts@buyer.example")
		c.change(&m)
		_, err := p.enqueue(t, m)
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid || len(e.Violations) == 0 || e.Violations[0].Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]mail.Server{
		"unknown security": {Host: "mail.example", Security: "ssl", From: "a@b.example"},
		"no sender":        {Host: "mail.example"},
		"no port":          {Host: "mail.example", Port: 70000, From: "a@b.example"},
	} {
		if err := s.Check(); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
