package receivables_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/mail"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/receivables"
)

// dunningRun proposes and approves a run of a day in the office, whose items are overdue by far.
func (o *office) dunningRun(t *testing.T, day string) *receivablesv1.DunningRun {
	t.Helper()
	return o.approve(t, o.propose(t, "a", day), day)
}

func (o *office) dunningLetters(t *testing.T, q *receivablesv1.ListDunningLettersRequest) map[string]*receivablesv1.DunningLetter {
	t.Helper()
	got, err := o.dunning.ListDunningLetters(o.as(t, collector, ""), q)
	must(t, err)
	out := map[string]*receivablesv1.DunningLetter{}
	for _, l := range got.GetLetters() {
		out[l.GetCustomerId()] = l
	}
	return out
}

// untilMail waits for the mail of a customer's letter to reach a state.
func (o *office) untilMail(t *testing.T, run, customer, state string) *receivablesv1.DunningLetter {
	t.Helper()
	last := ""
	for range 1000 {
		l := o.dunningLetters(t, &receivablesv1.ListDunningLettersRequest{DunningRunId: run})[customer]
		if last = l.GetMailState(); last == state {
			return l
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("the mail of %s is %s, not %s", customer, last, state)
	return nil
}

// mailOf takes a mail apart: its recipients, heading, text and attached file.
func mailOf(t *testing.T, letter string) (to, subject, text, name string, file []byte) {
	t.Helper()
	to, rest, _ := strings.Cut(letter, "\n")
	m, err := netmail.ReadMessage(strings.NewReader(rest))
	must(t, err)
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	must(t, err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	must(t, err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return to, subject, text, name, file
		}
		must(t, err)
		body, err := io.ReadAll(part) // quoted-printable is decoded by the reader
		must(t, err)
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			body, err = base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(string(body)))
			must(t, err)
		}
		if part.FileName() == "" {
			text = string(body)
		} else {
			name, file = part.FileName(), body
		}
	}
}

// The letters of a run go by mail to the customers themselves, once, each in its language and with the document that is kept of it; where
// nobody said where letters go they are listed to be printed; what becomes of each shows.
func TestDunningLettersByMail(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.signDunning(t)
	o.deliver(t, profile("C-3", "anna", 1), profile("C-4", "anna", 1))
	for _, id := range []string{"C-3", "C-4"} {
		o.post(t, "2024-02-10", &receivablesv1.Invoice{InvoiceId: "I-" + id, CustomerId: id, InvoiceDate: "2024-02-10", Amount: cny("300")})
	}
	o.writeTo(t, "C-1", "accounts@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN)
	o.writeTo(t, "C-2", "finance@other.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_ZH)
	o.writeTo(t, "C-4", "nobody@third.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_ZH)
	run := o.dunningRun(t, "2024-06-01")
	equal(t, "letters", run.GetLetters(), 4)
	id := run.GetDunningRunId()

	english, chinese, failed := o.untilMail(t, id, "C-1", "SENT"), o.untilMail(t, id, "C-2", "SENT"), o.untilMail(t, id, "C-4", "FAILED")
	equal(t, "key", english.GetLetterKey(), "dunning/"+english.GetDunningLetterId())
	printed := o.dunningLetters(t, &receivablesv1.ListDunningLettersRequest{DunningRunId: id, MailState: "PRINT"})
	if l := printed["C-3"]; len(printed) != 1 || l.GetMailState() != "PRINT" || l.GetLetterKey() != "" {
		t.Errorf("to be printed: %v", printed)
	}
	if list := o.dunningLetters(t, &receivablesv1.ListDunningLettersRequest{MailState: "FAILED"}); len(list) != 1 || list["C-4"] == nil {
		t.Errorf("failed: %v", list)
	}

	byRecipient := map[string]string{}
	for _, l := range o.box.got() {
		to, _, _ := strings.Cut(l, "\n")
		byRecipient[to] = l
	}
	equal(t, "mails", len(o.box.got()), 2)
	for to, c := range map[string]struct {
		letter   *receivablesv1.DunningLetter
		language receivablesv1.DunningLanguage
		title    string
		says     string
	}{
		"accounts@buyer.example": {english, receivablesv1.DunningLanguage_DUNNING_LANGUAGE_ENGLISH, "Reminder", "Name of C-1: please pay 1050.00 by 2024-06-08"},
		"finance@other.example":  {chinese, receivablesv1.DunningLanguage_DUNNING_LANGUAGE_CHINESE, "催款函", "Name of C-2：请付 70.00"},
	} {
		number := c.letter.GetDunningLetterId()
		_, subject, text, name, file := mailOf(t, byRecipient[to])
		equal(t, "subject to "+to, subject, c.title+" "+number)
		equal(t, "file to "+to, name, number+".pdf")
		if !strings.Contains(text, c.says) {
			t.Errorf("the mail to %s does not say %q:\n%s", to, c.says, text)
		}
		kept, err := o.dunning.DownloadDunningLetter(o.as(t, "AUDITOR", ""), &receivablesv1.DownloadDunningLetterRequest{DunningLetterId: number, Language: c.language})
		must(t, err)
		equal(t, "the document sent to "+to+" is the one that is kept", string(file) == string(kept.GetData()), true)
	}

	// A person corrects nothing but says that it be sent again; the letter is queued as it was.
	resent, err := o.letters.ResendLetter(o.as(t, "OPERATOR", ""), &receivablesv1.ResendLetterRequest{RequestId: "again", LetterKey: failed.GetLetterKey()})
	must(t, err)
	equal(t, "sent again", resent.GetLetter().GetState(), "QUEUED")
	o.untilMail(t, id, "C-4", "FAILED")
	equal(t, "mails", len(o.box.got()), 2)
}

// signDunning puts a policy with one level in force.
func (o *office) signDunning(t *testing.T) {
	t.Helper()
	o.sign(t, &receivablesv1.ReceivablesPolicy{
		Name: "office", BaseCurrency: "CNY", AgingBounds: []int32{30}, DefaultTermDays: 30, DefaultAfterDays: 91,
		Collection: &receivablesv1.CollectionPolicy{Strategies: []*receivablesv1.DunningStrategy{
			{Name: "s", Levels: []*receivablesv1.DunningLevel{{Name: "l", DaysPastDue: 5, Letter: letter()}}},
		}},
	})
}

// A mail of which nobody knows whether it arrived shows so on the letter.
func TestDunningLetterUncertain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.signDunning(t)
	o.writeTo(t, "C-1", "accounts@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN)
	id := o.dunningRun(t, "2024-06-01").GetDunningRunId()
	l := o.untilMail(t, id, "C-1", "SENT")
	_, err := o.pool.Exec(t.Context(), `UPDATE mail_queue SET state = 'UNCERTAIN', sent_at = NULL WHERE message_key = $1`, l.GetLetterKey())
	must(t, err)
	o.untilMail(t, id, "C-1", "UNCERTAIN")
	_, err = o.letters.SettleLetter(o.as(t, "OPERATOR", ""), &receivablesv1.SettleLetterRequest{RequestId: "settle", LetterKey: l.GetLetterKey()})
	must(t, err)
	o.untilMail(t, id, "C-1", "SENT")
	equal(t, "mails", len(o.box.got()), 1)
}

// Where the documents of letters by mail cannot be made a run is not approved; where all are to be printed it is.
func TestDunningLettersNeedAFont(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(d *receivables.Deps) { d.FontFile = t.TempDir() + "/none.ttf" })
	w.work(t)
	o := &office{world: w, statements: receivablesv1.NewStatementServiceClient(w.conn)}
	o.signDunning(t)
	w.deliver(t, profile("C-1", "anna", 1))
	w.post(t, "2024-02-10", &receivablesv1.Invoice{InvoiceId: "I-1", CustomerId: "C-1", InvoiceDate: "2024-02-10", Amount: cny("300")})
	run := w.propose(t, "a", "2024-06-01")
	o.writeTo(t, "C-1", "accounts@buyer.example", receivablesv1.LetterLanguage_LETTER_LANGUAGE_EN)
	approve := func(ctx context.Context) error {
		_, err := w.dunning.ApproveDunningRun(ctx, &receivablesv1.ApproveDunningRunRequest{RequestId: "approve", DunningRunId: run.GetDunningRunId()})
		return err
	}
	want(t, approve(w.as(t, manager, "2024-06-01")), errs.FailedPrecondition, "FONT_MISSING")
	_, err := w.pool.Exec(t.Context(), `DELETE FROM correspondence`)
	must(t, err)
	must(t, approve(w.as(t, manager, "2024-06-01")))
	w.until(t, run.GetDunningRunId(), receivablesv1.DunningRunState_DUNNING_RUN_STATE_SENT)
	list := o.dunningLetters(t, &receivablesv1.ListDunningLettersRequest{MailState: "PRINT"})
	equal(t, "to be printed", len(list), 1)
	left, err := mail.List(t.Context(), w.pool, "", "", 1)
	must(t, err)
	equal(t, "queued", len(left), 0)
}
