package receivables_test

import (
	"bytes"
	"context"
	"io"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/rpcerr"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables"
)

// mailbox is a real SMTP server that keeps what it is sent; it refuses addresses that begin with "nobody".
type mailbox struct {
	port int

	mu      sync.Mutex
	letters []string // to, then all of the message
}

type mailSession struct {
	box *mailbox
	to  []string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	box := &mailbox{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: box}, nil }))
	server.Domain = "mail.example"
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own server
	must(t, err)
	box.port = listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return box
}

func (s *mailSession) Reset()                               { s.to = nil }
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, strings.Join(s.to, " ")+"\n"+string(text))
	return err
}

func (b *mailbox) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.letters...)
}

// office is a world with a mail server, whose background work runs.
type office struct {
	*world
	box        *mailbox
	statements receivablesv1.StatementServiceClient
	letters    receivablesv1.LetterServiceClient
}

func newOffice(t *testing.T) *office {
	t.Helper()
	if _, err := paper.FindFont(""); err != nil {
		t.Skipf("documents are not made: %v", err)
	}
	box := newMailbox(t)
	w := newWorldWith(t, func(d *receivables.Deps) {
		d.Mail = mail.Server{Host: "127.0.0.1", Port: box.port, Security: mail.None, From: "credit@seller.example"}
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.service.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	o := &office{world: w, box: box, statements: receivablesv1.NewStatementServiceClient(w.conn), letters: receivablesv1.NewLetterServiceClient(w.conn)}
	w.deliver(t, profile("C-1", "anna", 1))
	w.deliver(t, profile("C-2", "bert", 1))
	w.post(t, "2024-01-10", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", InvoiceDate: "2024-01-10", Amount: cny("1000")})
	w.post(t, "2024-02-10", &receivablesv1.Invoice{InvoiceId: "I-2", CustomerId: "C-1", InvoiceDate: "2024-02-10", Amount: cny("500")})
	w.post(t, "2024-02-10", &receivablesv1.Invoice{InvoiceId: "I-3", CustomerId: "C-2", InvoiceDate: "2024-02-10", Amount: cny("70")})
	w.pay(t, "2024-02-20", &receivablesv1.Receipt{ReceiptId: "R-1", CustomerId: "C-1", ReceiptDate: "2024-02-20", Amount: cny("400")})
	w.pay(t, "2024-03-05", &receivablesv1.Receipt{ReceiptId: "R-2", CustomerId: "C-1", ReceiptDate: "2024-03-05", Amount: cny("50")})
	return o
}

func (o *office) analyst(t *testing.T, day string) context.Context {
	return o.as(t, "CREDIT_ANALYST", day)
}

func (o *office) draft(t *testing.T, request string, kind receivablesv1.StatementKind, ids ...string) []*receivablesv1.AccountStatement {
	t.Helper()
	got, err := o.statements.DraftStatements(o.analyst(t, "2024-03-10"), &receivablesv1.DraftStatementsRequest{
		RequestId: request, Kind: kind, AsOfDate: "2024-02-29", CustomerIds: ids,
	})
	must(t, err)
	return got.GetStatements()
}

func (o *office) writeTo(t *testing.T, customer, address string, language receivablesv1.LetterLanguage) {
	t.Helper()
	_, err := o.statements.SetCorrespondence(o.analyst(t, "2024-03-10"), &receivablesv1.SetCorrespondenceRequest{
		RequestId: "to " + customer + address, Correspondence: &receivablesv1.Correspondence{CustomerId: customer, Emails: []string{address}, Language: language},
	})
	must(t, err)
}

func (o *office) stateOn(t *testing.T, id, day string) string {
	t.Helper()
	got, err := o.statements.GetStatement(o.as(t, "AUDITOR", day), &receivablesv1.GetStatementRequest{StatementId: id})
	must(t, err)
	return strings.TrimPrefix(got.GetStatement().GetState().String(), "STATEMENT_STATE_")
}

func (o *office) until(t *testing.T, id, want string) {
	t.Helper()
	for range 1000 {
		if o.stateOn(t, id, "2024-03-10") == want {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("statement %s is %s, not %s", id, o.stateOn(t, id, "2024-03-10"), want)
}

func reasonOf(err error) string { return errs.ReasonOf(rpcerr.FromError(err)) }

const confirmation, account = receivablesv1.StatementKind_STATEMENT_KIND_CONFIRMATION, receivablesv1.StatementKind_STATEMENT_KIND_ACCOUNT

// S1.17: a letter goes to the customer itself, once, says the balance of the day whatever came later, and what the customer answers is kept; an agreed
// balance starts the limitation periods of its items anew.
func TestConfirmationLetter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	st := o.draft(t, "draft", confirmation, "C-1")[0]
	if st.GetStatementId() != "ST-1" || st.GetBalance().GetAmount() != "1100.00" || st.GetAsOfDate() != "2024-02-29" || st.GetState() != receivablesv1.StatementState_STATEMENT_STATE_DRAFTED {
		t.Fatalf("draft %v", st)
	}
	send := &receivablesv1.SendStatementsRequest{RequestId: "send", StatementIds: []string{"ST-1"}}
	if _, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), send); reasonOf(err) != "CORRESPONDENCE_MISSING" {
		t.Fatalf("sent to nobody: %v", err)
	}
	o.writeTo(t, "C-1", "accounts@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN)
	if again := o.draft(t, "again", confirmation, "C-1"); again[0].GetStatementId() != "ST-1" {
		t.Errorf("a second of the same day: %v", again)
	}
	for range 2 { // the same request twice
		got, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), send)
		must(t, err)
		equal(t, "recipients", strings.Join(got.GetStatements()[0].GetRecipients(), " "), "accounts@buyer.example")
	}
	o.until(t, "ST-1", "SENT")
	if _, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), &receivablesv1.SendStatementsRequest{RequestId: "twice", StatementIds: []string{"ST-1"}}); reasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("sent twice: %v", err)
	}
	letters := o.box.got()
	if len(letters) != 1 || !strings.HasPrefix(letters[0], "accounts@buyer.example\n") || !strings.Contains(letters[0], "application/pdf") {
		t.Fatalf("letters %q", letters)
	}
	_, text, _ := strings.Cut(letters[0], "\n")
	m, err := netmail.ReadMessage(strings.NewReader(text))
	must(t, err)
	if from := m.Header.Get("From"); !strings.Contains(from, "credit@seller.example") {
		t.Errorf("from %q", from)
	}
	equal(t, "waited for", o.stateOn(t, "ST-1", "2024-04-09"), "SENT")
	equal(t, "not answered", o.stateOn(t, "ST-1", "2024-04-10"), "NO_ANSWER")
	list, err := o.statements.ListStatements(o.as(t, "AUDITOR", "2024-04-10"), &receivablesv1.ListStatementsRequest{State: receivablesv1.StatementState_STATEMENT_STATE_NO_ANSWER})
	must(t, err)
	equal(t, "listed as not answered", len(list.GetStatements()), 1)
	// First it has another figure; that is cleared up.
	got, err := o.statements.RecordStatementAnswer(o.analyst(t, "2024-04-11"), &receivablesv1.RecordStatementAnswerRequest{
		RequestId: "differs", StatementId: "ST-1", CustomerFigure: cny("1050"), Reason: "paid 50 in March", AnsweredBy: "Li Ming",
	})
	must(t, err)
	if s := got.GetStatement(); s.GetState() != receivablesv1.StatementState_STATEMENT_STATE_DIFFERS || s.GetDifference().GetAmount() != "-50.00" || s.GetRecordedBy() != "CREDIT_ANALYST" {
		t.Errorf("differs %v", s)
	}
	equal(t, "period before, from the last part payment", o.lastDay(t, "I-1"), "2027-03-05")
	_, err = o.statements.RecordStatementAnswer(o.analyst(t, "2024-04-15"), &receivablesv1.RecordStatementAnswerRequest{
		RequestId: "agrees", StatementId: "ST-1", Agrees: true, AnswerDate: "2024-04-14", AnsweredBy: "Li Ming",
	})
	must(t, err)
	equal(t, "agreed", o.stateOn(t, "ST-1", "2024-06-01"), "CONFIRMED")
	equal(t, "period after", o.lastDay(t, "I-1"), "2027-04-14")
	equal(t, "another customer's", o.lastDay(t, "I-3"), "2027-03-11")
	var agreed int64
	must(t, o.pool.QueryRow(t.Context(), `SELECT agreed_balance FROM balance_confirmations WHERE customer_id = 'C-1' AND as_of_date = '2024-02-29' AND agreed_date = '2024-04-14'`).Scan(&agreed))
	equal(t, "agreed balance", agreed, int64(110000))
	if _, err := o.statements.CancelStatement(o.analyst(t, "2024-04-16"), &receivablesv1.CancelStatementRequest{RequestId: "cancel", StatementId: "ST-1", Reason: "wrong"}); reasonOf(err) != "STATEMENT_STATE" {
		t.Errorf("an agreed statement was taken back: %v", err)
	}
}

// lastDay is the last day of an item's limitation period.
func (o *office) lastDay(t *testing.T, item string) string {
	t.Helper()
	got, err := receivablesv1.NewLimitationServiceClient(o.conn).GetLimitation(o.as(t, "AUDITOR", "2024-06-01"), &receivablesv1.GetLimitationRequest{ItemId: item})
	must(t, err)
	return got.GetLimitation().GetLastDate()
}

// Nobody answers what did not reach it: not while the letter waits, nor when it failed; once it was handed over on paper it may be answered.
func TestAnswerToWhatDidNotArrive(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.writeTo(t, "C-1", "nobody@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN)
	id := o.draft(t, "draft", confirmation, "C-1")[0].GetStatementId()
	agree := &receivablesv1.RecordStatementAnswerRequest{RequestId: "agrees", StatementId: id, Agrees: true, AnsweredBy: "Li Ming"}
	refused := func(when string) {
		t.Helper()
		if _, err := o.statements.RecordStatementAnswer(o.analyst(t, "2024-03-12"), agree); reasonOf(err) != "STATEMENT_STATE" {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("a draft")
	_, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), &receivablesv1.SendStatementsRequest{RequestId: "send", StatementIds: []string{id}})
	must(t, err)
	o.until(t, id, "NOT_DELIVERED")
	_, err = o.pool.Exec(t.Context(), `UPDATE mail_queue SET state = 'QUEUED', next_attempt_at = now() + interval '1 hour'`)
	must(t, err)
	equal(t, "waits", o.stateOn(t, id, "2024-03-12"), "QUEUED")
	refused("in the queue")
	_, err = o.pool.Exec(t.Context(), `UPDATE mail_queue SET state = 'FAILED'`)
	must(t, err)
	refused("not delivered")
	equal(t, "the period runs on", o.lastDay(t, "I-1"), "2027-03-05")
	_, err = o.statements.SendStatements(o.analyst(t, "2024-03-11"), &receivablesv1.SendStatementsRequest{RequestId: "by hand", StatementIds: []string{id}, ByPost: true})
	must(t, err)
	equal(t, "handed over", o.stateOn(t, id, "2024-03-12"), "SENT")
	_, err = o.statements.RecordStatementAnswer(o.analyst(t, "2024-03-12"), agree)
	must(t, err)
	equal(t, "period after", o.lastDay(t, "I-1"), "2027-03-12")
	v := o.told(t, 1)[0]
	if v.GetAct() != "StatementService.RecordStatementAnswer" || v.GetReasonCode() != "STATEMENT_STATE" {
		t.Errorf("%v", v)
	}
}

// A statement of account shows the month and what is open; it is for those who need one; what was wrong is taken back and drawn up again; a mailbox
// that does not exist shows, and a person sends again.
func TestStatementOfAccount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	list := o.draft(t, "all", account)
	if len(list) != 2 || list[0].GetCustomerId() != "C-1" || list[1].GetCustomerId() != "C-2" {
		t.Fatalf("drafts %v", list)
	}
	got, err := o.statements.GetStatement(o.by(t, "anna", "SALESPERSON", "2024-03-10"), &receivablesv1.GetStatementRequest{StatementId: list[0].GetStatementId()})
	must(t, err)
	st := got.GetStatement()
	var moved, open []string
	for _, e := range st.GetEntries() {
		moved = append(moved, e.GetDocumentId()+" "+e.GetAmount().GetAmount()+" "+e.GetBalance().GetAmount())
	}
	for _, i := range st.GetItems() {
		open = append(open, i.GetItemId()+" "+i.GetOpenAmount().GetAmount())
	}
	equal(t, "opening", st.GetOpeningBalance().GetAmount(), "1000.00")
	equal(t, "entries", strings.Join(moved, ", "), "I-2 500.00 1500.00, R-1 -400.00 1100.00")
	equal(t, "items", strings.Join(open, ", "), "I-1 600.00, I-2 500.00")
	equal(t, "balance", st.GetBalance().GetAmount(), "1100.00")
	if _, err := o.statements.GetStatement(o.by(t, "bert", "SALESPERSON", "2024-03-10"), &receivablesv1.GetStatementRequest{StatementId: st.GetStatementId()}); status.Code(err) != codes.NotFound {
		t.Errorf("another's customer: %v", err)
	}
	if _, err := o.statements.SendStatements(o.by(t, "anna", "SALESPERSON", ""), &receivablesv1.SendStatementsRequest{RequestId: "x", StatementIds: []string{"ST-1"}}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a salesperson sent it: %v", err)
	}
	file, err := o.statements.DownloadStatement(o.as(t, "AUDITOR", ""), &receivablesv1.DownloadStatementRequest{StatementId: st.GetStatementId()})
	must(t, err)
	if file.GetContentType() != paper.ContentType || !bytes.HasPrefix(file.GetData(), []byte("%PDF")) {
		t.Errorf("file %s, %d bytes", file.GetContentType(), len(file.GetData()))
	}
	// Nobody needs another of that day; one that was taken back makes room.
	equal(t, "all have one", len(o.draft(t, "more", account)), 0)
	_, err = o.statements.CancelStatement(o.analyst(t, "2024-03-10"), &receivablesv1.CancelStatementRequest{RequestId: "cancel", StatementId: list[1].GetStatementId(), Reason: "to be in English"})
	must(t, err)
	next := o.draft(t, "next", account)
	if len(next) != 1 || next[0].GetCustomerId() != "C-2" {
		t.Fatalf("drafts %v", next)
	}
	o.writeTo(t, "C-2", "nobody@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_ZH)
	sent, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), &receivablesv1.SendStatementsRequest{RequestId: "send", StatementIds: []string{next[0].GetStatementId()}})
	must(t, err)
	o.until(t, next[0].GetStatementId(), "NOT_DELIVERED")
	failed, err := o.letters.ListLetters(o.as(t, "OPERATOR", ""), &receivablesv1.ListLettersRequest{State: "FAILED"})
	must(t, err)
	if l := failed.GetLetters(); len(l) != 1 || l[0].GetLetterKey() != sent.GetStatements()[0].GetLetterKey() || !strings.Contains(l[0].GetLastError(), "no such mailbox") {
		t.Errorf("letters %v", failed)
	}
	if _, err := o.letters.SettleLetter(o.as(t, "OPERATOR", ""), &receivablesv1.SettleLetterRequest{RequestId: "settle", LetterKey: failed.GetLetters()[0].GetLetterKey()}); reasonOf(err) != mail.ReasonState {
		t.Errorf("a letter that was refused arrived: %v", err)
	}
	resent, err := o.letters.ResendLetter(o.as(t, "OPERATOR", ""), &receivablesv1.ResendLetterRequest{RequestId: "resend", LetterKey: failed.GetLetters()[0].GetLetterKey()})
	must(t, err)
	if s := resent.GetLetter().GetState(); s != "QUEUED" {
		t.Errorf("sent again: %s", s)
	}
	// By post nothing is queued.
	byPost, err := o.statements.SendStatements(o.analyst(t, "2024-03-10"), &receivablesv1.SendStatementsRequest{RequestId: "post", StatementIds: []string{"ST-1"}, ByPost: true})
	must(t, err)
	if s := byPost.GetStatements()[0]; s.GetLetterKey() != "" || !s.GetByPost() || s.GetState() != receivablesv1.StatementState_STATEMENT_STATE_SENT {
		t.Errorf("by post: %v", s)
	}
	if _, err := o.statements.DraftStatements(o.analyst(t, "2024-03-10"), &receivablesv1.DraftStatementsRequest{RequestId: "ahead", Kind: account, AsOfDate: "2024-03-11"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a day ahead: %v", err)
	}
}
