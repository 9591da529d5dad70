// Package replay runs history through a suite: a file of calls, one a line, each on its business date and in the name
// of whoever made it.
//
// The whole file is read and checked before its first line runs. Lines of one business date run beside each other,
// those of one customer in their order; a line whose customer is not known runs alone, and so does one that draws a
// serial number, which must not depend on who was faster. Before a new date starts, and at the beginning and the end,
// everything that the phases have to tell each other is delivered, so that a file gives the same result however often
// it is interrupted and run again from its start.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
	"github.com/avalcredit/aval/services/suite/progress"
)

// ReasonFileInvalid is the reason of Run's error where the file holds lines that are no calls; nothing was run.
const ReasonFileInvalid = "REPLAY_FILE_INVALID"

const (
	defaultConcurrency  = 16
	defaultDeliveryWait = time.Minute
	callerPrefix        = "replay-"

	// numbered is the call whose result depends on that of other customers: forms get their serial numbers across
	// all of them. It runs alone, so that a file gives the same numbers every time.
	numbered = "aval.evaluation.v1.CreditApplicationService/SubmitCreditApplication"
)

// Options of Run. The zero value of all but Suite and Out is good.
type Options struct {
	// Suite is where the calls go.
	Suite *access.Suite
	// Out gets an NDJSON line per call, in the order of the file.
	Out io.Writer
	// Screen draws the progress; nil draws none.
	Screen io.Writer
	// Clock measures the progress; nil is the host's.
	Clock calendar.Clock
	// Concurrency is how many customers are worked on at once; 0 is 16.
	Concurrency int
	// DeliveryWait bounds each wait for delivery between the phases; 0 is a minute.
	DeliveryWait time.Duration
}

// Summary of a run.
type Summary struct {
	// Lines that ran: the sum of the three that follow.
	Lines int64
	// Done: answered.
	Done int64
	// Skipped: answered with an error that the line accepts.
	Skipped int64
	// Failed: answered with another error.
	Failed int64
	// Elapsed since the first line; Rate is lines a second.
	Elapsed time.Duration
	Rate    float64
	// Wrong are the lines that are no calls; nothing ran then.
	Wrong []*LineError
}

// Run runs the file. The error says that the run could not be done or not be finished; lines that failed are only
// counted and stand in the output. It is Invalid with reason REPLAY_FILE_INVALID, and nothing has run, where a line is
// no call.
func Run(ctx context.Context, in io.ReadSeeker, o Options) (Summary, error) {
	o.complete()
	content, err := Scan(in)
	if err != nil {
		return Summary{}, err
	}
	if content.WrongLines > 0 {
		return refuse(o.Out, content)
	}
	if content.NamesCallers && !o.Suite.ActsAsAnyone() {
		return Summary{}, errs.New(errs.Invalid, access.ReasonOneCaller,
			`the file says who calls ("as"), which one token cannot follow; run it in a development suite`)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return Summary{}, err
	}
	r := &run{
		Options: o, owners: owners{}, out: output{w: o.Out},
		bar: progress.New(o.Screen, o.Clock, "replay", int64(content.Lines)),
	}
	// What a run that was killed left undelivered comes before everything else. Asked on the file's first date, a suite
	// that lets nobody set the date says so before anything runs.
	if err = r.delivered(access.On(ctx, content.First), "before the first line"); err == nil {
		err = r.file(ctx, newReader(in))
	}
	r.sum.Elapsed, r.sum.Rate = r.bar.Close()
	return r.sum, err
}

func (o *Options) complete() {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.DeliveryWait <= 0 {
		o.DeliveryWait = defaultDeliveryWait
	}
	if o.Clock == nil {
		o.Clock = calendar.SystemClock(time.UTC)
	}
}

func refuse(w io.Writer, c Content) (Summary, error) {
	out := output{w: w}
	for _, wrong := range c.Wrong {
		if err := out.malformed(wrong); err != nil {
			return Summary{}, err
		}
	}
	return Summary{Wrong: c.Wrong}, errs.New(errs.Invalid, ReasonFileInvalid,
		"%d lines are no calls, nothing was run; the first: %v", c.WrongLines, c.Wrong[0])
}

// run is one run of a file.
type run struct {
	Options
	owners owners
	out    output
	bar    *progress.Bar
	sum    Summary
}

func (r *run) file(ctx context.Context, in *reader) error {
	for {
		lines, err := in.together()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !lines[0].date.IsZero() {
			r.bar.Note(lines[0].date.String())
		}
		if err := r.lines(ctx, lines); err != nil {
			return err
		}
		if err := r.delivered(ctx, fmt.Sprintf("after line %d", lines[len(lines)-1].number)); err != nil {
			return err
		}
	}
}

// lines runs the lines of one date and writes their results.
func (r *run) lines(ctx context.Context, lines []line) error {
	keys := make([]string, len(lines))
	for i, l := range lines {
		customer := r.owners.of(l.request)
		r.owners.learn(l.request, customer)
		if l.method.Name != numbered {
			keys[i] = customer
		}
	}
	results := make([]*result, len(lines))
	err := lanes.Run(ctx, r.Concurrency, keys, func(ctx context.Context, i int) error {
		var err error
		results[i], err = r.call(ctx, lines[i])
		r.bar.Add(1)
		return err
	})
	for _, done := range results {
		if done == nil {
			continue // not started when the run was stopped
		}
		r.count(done)
		if err := r.out.result(done); err != nil {
			return err
		}
	}
	return err
}

func (r *run) count(done *result) {
	r.sum.Lines++
	switch {
	case done.err == nil:
		r.sum.Done++
	case done.accepted:
		r.sum.Skipped++
	default:
		r.sum.Failed++
	}
}

// call makes one call. Its error is not the answer of the suite, which is in the result: it says that the run ends.
func (r *run) call(ctx context.Context, l line) (*result, error) {
	subject, roles := access.DefaultCaller(callerPrefix, l.method.Roles)
	if l.as.Role != "" {
		subject, roles = access.DefaultCaller(callerPrefix, []string{l.as.Role})
	}
	if l.as.Subject != "" {
		subject = l.as.Subject
	}
	callCtx, err := r.Suite.As(access.On(ctx, l.date), subject, roles...)
	if err != nil {
		return nil, err
	}
	response, err := invoke.Call(callCtx, r.Suite.Conn(), l.method, l.request)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return &result{
		number: l.number, response: response, err: err,
		accepted: err != nil && slices.Contains(l.accept, errs.ReasonOf(err)),
	}, nil
}

// delivered waits until the phases have told each other everything.
func (r *run) delivered(ctx context.Context, when string) error {
	if err := access.Delivered(ctx, r.Suite, r.DeliveryWait); err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	return nil
}
