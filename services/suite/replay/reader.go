package replay

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/avalcredit/aval/pkg/calendar"
)

const (
	// maxLine is the longest line; the suite itself takes requests of a few MiB at most.
	maxLine = 4 << 20
	// maxTogether bounds what is in memory at once. A longer date is cut: the cut is one more barrier.
	maxTogether = 20_000
)

// reader gives the lines of a file. Empty lines are skipped and counted.
type reader struct {
	scan   *bufio.Scanner
	number int
	next   *line
}

func newReader(in io.Reader) *reader {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 64<<10), maxLine)
	return &reader{scan: scan}
}

// read returns the next line, io.EOF at the end, a *LineError for a line that is no call. Reading may go on after
// a *LineError.
func (r *reader) read() (line, error) {
	if r.next != nil {
		l := *r.next
		r.next = nil
		return l, nil
	}
	for r.scan.Scan() {
		r.number++
		text := r.scan.Bytes()
		if r.number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		l, wrong := parse(text, r.number)
		if wrong != nil {
			return line{}, wrong
		}
		return l, nil
	}
	if errors.Is(r.scan.Err(), bufio.ErrTooLong) {
		return line{}, errTooLong(r.number + 1)
	}
	if err := r.scan.Err(); err != nil {
		return line{}, err
	}
	return line{}, io.EOF
}

// lineTooLongError ends the reading: the rest of the line is not read to find the next.
type lineTooLongError struct{ *LineError }

// Unwrap shows the place.
func (e lineTooLongError) Unwrap() error { return e.LineError }

func errTooLong(number int) error {
	return lineTooLongError{&LineError{Line: number, Column: maxLine, Message: "the line is longer than 4 MiB"}}
}

// together returns the lines of one business date, or a part of them. At the end it returns io.EOF.
func (r *reader) together() ([]line, error) {
	var lines []line
	for len(lines) < maxTogether {
		l, err := r.read()
		if errors.Is(err, io.EOF) && len(lines) > 0 {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		if len(lines) > 0 && l.date != lines[0].date {
			r.next = &l
			return lines, nil
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// Content is what a file holds, as found by reading all of it before anything runs.
type Content struct {
	// Lines that are calls.
	Lines int
	// First and Last are the earliest and the latest business date; zero where the lines have none.
	First, Last calendar.Date
	// NamesCallers is set where a line says who calls.
	NamesCallers bool
	// Wrong are the lines that are no calls, at most 1,000.
	Wrong []*LineError
	// WrongLines counts them all.
	WrongLines int
}

const maxWrong = 1000

// Scan reads the whole file and says what is in it. A file in which some lines have a business date and others have
// none is wrong at the first line that differs. The error is that of the reader only.
func Scan(in io.Reader) (Content, error) {
	var c Content
	r := newReader(in)
	dated, mixed := 0, false
	for {
		l, err := r.read()
		var wrong *LineError
		switch {
		case errors.Is(err, io.EOF):
			return c, nil
		case errors.As(err, &wrong):
			c.wrong(wrong)
			if errors.As(err, new(lineTooLongError)) {
				return c, nil
			}
			continue
		case err != nil:
			return c, err
		}
		c.Lines++
		c.NamesCallers = c.NamesCallers || l.as != Caller{}
		if !l.date.IsZero() {
			dated++
			c.dates(l.date)
		}
		if dated != 0 && dated != c.Lines && !mixed {
			mixed = true
			c.wrong(&LineError{Line: l.number, Column: 1, Message: "either all lines have a business_date or none has"})
		}
	}
}

func (c *Content) wrong(e *LineError) {
	c.WrongLines++
	if len(c.Wrong) < maxWrong {
		c.Wrong = append(c.Wrong, e)
	}
}

func (c *Content) dates(d calendar.Date) {
	if c.First.IsZero() || d.Before(c.First) {
		c.First = d
	}
	if d.After(c.Last) {
		c.Last = d
	}
}
