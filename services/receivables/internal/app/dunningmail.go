package app

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/mail"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/receivables/internal/app/letter"
	"github.com/avalcredit/aval/services/receivables/internal/app/letterfile"
	"github.com/avalcredit/aval/services/receivables/internal/app/reportfile"
	"github.com/avalcredit/aval/services/receivables/internal/dunning"
	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// dispatch is a run that goes out, with what is the same for all of its letters.
type dispatch struct {
	run        Run
	policy     dunning.Policy
	limitation limitation.Rules
	head       terms.Letterhead
	font       *paper.Font // nil: there is none, and no letter goes by mail
}

func (s *Service) dispatch(ctx context.Context, run Run) (dispatch, error) {
	policy, err := s.Policies.ByVersion(ctx, run.PolicyVersion)
	if err != nil {
		return dispatch{}, err
	}
	out := dispatch{run: run, policy: policy.Collection.Dunning, limitation: policy.Claims.Limitation, head: policy.Cash.Letterhead}
	// The approval asked for a font. Where it is gone since, the letters go out on paper: they are approved, and nobody is left out.
	if font, err := paper.FindFont(s.FontFile); err == nil {
		out.font = &font
	}
	return out, nil
}

// mailable refuses a run with letters by mail where their documents cannot be made. Errors: FailedPrecondition FONT_MISSING.
func (s *Service) mailable(ctx context.Context, tx pgx.Tx, runID string) error {
	some, err := postgres.AnyByMail(ctx, tx, runID)
	if err != nil || !some {
		return err
	}
	_, err = paper.FindFont(s.FontFile)
	return err
}

// mail queues a letter for the customer, with its document; one that has no address, or that mail cannot carry, stays to be printed.
func (s *Service) mail(ctx context.Context, d dispatch, to statement.Correspondence, l LetterPaper) error {
	if len(to.Emails) == 0 || d.font == nil || l.ID == "" {
		return nil
	}
	file, in, err := documentOf(l, to.Language, *d.font)
	if err != nil {
		s.toPrint(ctx, l.ID, err)
		return nil
	}
	title, body := in.Words()
	message := letter.Cover{
		Key: l.Key(), To: to.Emails, Language: to.Language, Subject: subject(title, l.ID), Text: body, Name: file.Name, Document: file.Data,
	}.Message(d.head)
	err = pg.InTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := mail.Enqueue(ctx, tx, message, s.act(ctx).Now)
		return err
	})
	if errs.KindOf(err) == errs.Invalid { // found before anything was written
		s.toPrint(ctx, l.ID, err)
		return nil
	}
	return err
}

// toPrint says why a letter does not go by mail; a run goes on without.
func (s *Service) toPrint(ctx context.Context, letterID string, why error) {
	s.Log.WarnContext(ctx, "a dunning letter does not go by mail and is to be printed", "letter", letterID, "error", why)
}

// paper is a letter with all that its document says.
func (d dispatch) paper(l postgres.Letter, lines []postgres.Taken) LetterPaper {
	strategy, _ := d.policy.ByName(l.Strategy)
	out := LetterPaper{Letter: l, Text: strategy.Text(l.Level), Levels: len(strategy.Levels)}
	for _, t := range lines {
		out.Lines = append(out.Lines, t.Line)
	}
	return out
}

// maxSubject is how long a heading may be in the subject of a mail, in bytes.
const maxSubject = 300

// subject is a heading on one line, not too long, and the number.
func subject(title, number string) string {
	title = strings.Join(strings.FieldsFunc(title, func(r rune) bool { return r < ' ' || r == 0x7F }), " ")
	for len(title) > maxSubject {
		runes := []rune(title)
		title = string(runes[:len(runes)-1])
	}
	return title + " " + number
}

func documentOf(l LetterPaper, language statement.Language, font paper.Font) (reportfile.File, letterfile.Letter, error) {
	in := letterfile.Letter{
		Number: l.ID, Customer: l.DisplayName, Date: l.Date, Level: l.Level, Total: l.Total, Text: l.Text, Made: l.CreateTime,
		English: language == statement.English,
	}
	for _, line := range l.Lines {
		in.Lines = append(in.Lines, line.Line)
	}
	file, err := letterfile.PDF(in, font)
	return file, in, err
}

// DunningLetterDocument is the document of a letter in a language: that which its mail carried, in the customer's. Errors: NotFound
// DUNNING_LETTER_UNKNOWN, FailedPrecondition FONT_MISSING.
func (s *Service) DunningLetterDocument(ctx context.Context, id string, language statement.Language) (reportfile.File, error) {
	l, err := s.DunningLetterPaper(ctx, id)
	if err != nil {
		return reportfile.File{}, err
	}
	font, err := paper.FindFont(s.FontFile)
	if err != nil {
		return reportfile.File{}, err
	}
	file, _, err := documentOf(l, language, font)
	if err != nil {
		return file, errs.New(errs.Internal, "INTERNAL", "the document could not be made").WithCause(err)
	}
	return file, nil
}
