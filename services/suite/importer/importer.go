// Package importer brings customers, opening limits, invoices, receipts and orders from CSV files into a suite.
//
// It works in three steps: read the whole file and check every row; have the suite check each good row as if it were sent,
// and keep nothing of it; send. Nothing is sent unless the first two steps found nothing wrong, or good rows are kept. The
// second step tries each row by itself: what a row is refused for because of another row of the same file (two receipts
// that pay one invoice twice) shows in the third. The calls of the third step have no transaction in common: where the
// suite refuses a row that the second step found good, for that reason or because something else changed the suite in
// between, the rows sent before it stay. The report says so, and importing the file again does
// no harm: a row is named by its content, so what is there already is left as it is.
package importer

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/lanes"
	"github.com/avalcredit/aval/services/suite/progress"
)

const (
	defaultConcurrency = 16
	deliveryWait       = time.Minute
)

// Options of Run. The zero value of all but Suite is good.
type Options struct {
	// Suite that the rows go to.
	Suite *access.Suite
	// DryRun stops after the second step.
	DryRun bool
	// KeepGood sends the good rows though others are bad.
	KeepGood bool
	// Caps of the file; the zero value is DefaultCaps.
	Caps Caps
	// Concurrency is how many customers are worked on at once; 0 is 16.
	Concurrency int
	// Screen draws the progress; nil draws none.
	Screen io.Writer
	// Clock measures the progress; nil is the host's.
	Clock calendar.Clock
	// OnProblem is called for each bad row, in the order in which they are found; nil: not called.
	OnProblem func(Problem)
}

// Report is what an import found and did.
type Report struct {
	// Rows of the file, the header not counted.
	Rows int
	// Bad rows: those with a problem.
	Bad int
	// New rows: sent, or in a dry run those that would be.
	New int
	// Same rows: in the suite already, left as they are.
	Same int
	// NotSent are good rows that were not sent because others are bad.
	NotSent int
	// Stopped are customers of the file whose limits do not carry: they are beyond S2.18 (the order policy's credit stop) with
	// what they owe, and the finance director is asked to withdraw the credit. They are looked for where a limit was new.
	Stopped []Stopped
	// Amounts of the new rows by currency.
	Amounts map[string]money.Money
	// Elapsed is the time that sending took; Rate is rows a second.
	Elapsed time.Duration
	Rate    float64
}

// Stopped is a customer to whom nothing ships in spite of its limit.
type Stopped struct {
	CustomerID string
	// Reason as the suite gives it.
	Reason string
}

// Run imports a file. Bad rows are in the report and are no error; an error says that the file or the mapping cannot be
// used (kind Invalid), or that the suite cannot be reached.
func Run(ctx context.Context, in io.Reader, m Mapping, o Options) (Report, error) {
	o.complete()
	job := &job{Options: o, report: Report{Amounts: map[string]money.Money{}}}
	rows, err := job.read(in, m)
	if err != nil {
		return job.report, err
	}
	if job.report.Rows == 0 {
		return job.report, fileError("the file has a header and no rows")
	}
	if len(rows) == 0 {
		return job.report, nil
	}
	if m.kind.credit {
		// What earlier files brought must be at the gate before credit is held against it.
		if err := access.Delivered(ctx, o.Suite, deliveryWait); err != nil {
			return job.report, err
		}
	}
	if err := job.bring(ctx, m, rows); err != nil || !m.kind.credit || o.DryRun || job.report.New == 0 {
		return job.report, err
	}
	// What the gate makes of the credit is known when all is delivered again.
	if err := access.Delivered(ctx, o.Suite, deliveryWait); err != nil {
		return job.report, err
	}
	return job.report, job.challenged(ctx, rows)
}

// bring asks the suite about the rows and sends those that are new.
func (j *job) bring(ctx context.Context, m Mapping, rows []row) error {
	ctx, err := j.Suite.As(ctx, importSubject, "OPERATOR")
	if err != nil {
		return err
	}
	method, err := m.kind.method()
	if err != nil {
		return err
	}
	j.server = &server{
		suite: j.Suite, kind: m.kind, create: method, workers: j.Concurrency, customers: map[string]customer{},
	}
	fresh, err := j.check(ctx, rows)
	if err != nil {
		return err
	}
	switch {
	case j.stopped():
		j.report.NotSent = fileRows(fresh)
		return nil
	case j.DryRun:
		for _, r := range fresh {
			j.count(r)
		}
		return nil
	default:
		return j.send(ctx, fresh)
	}
}

func (o *Options) complete() {
	if o.Caps == (Caps{}) {
		o.Caps = DefaultCaps()
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Clock == nil {
		o.Clock = calendar.SystemClock(time.UTC)
	}
	if o.OnProblem == nil {
		o.OnProblem = func(Problem) {}
	}
}

// job is one import.
type job struct {
	Options
	report Report
	// builder knows which column became which field of a request.
	builder *builder
	server  *server
}

// stopped says whether bad rows keep the good ones from going on.
func (j *job) stopped() bool { return j.report.Bad > 0 && !j.KeepGood }

// read is the first step.
func (j *job) read(in io.Reader, m Mapping) ([]row, error) {
	t, err := openTable(in, m, j.Caps)
	if err != nil {
		return nil, err
	}
	b, err := newBuilder(m, t)
	if err != nil {
		return nil, err
	}
	j.builder = b
	var rows []row
	for {
		r, err := t.record()
		if errors.Is(err, io.EOF) {
			if m.kind.batched {
				return batches(rows)
			}
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		j.report.Rows++
		good, problems := b.build(r)
		if len(problems) == 0 {
			rows = append(rows, good)
			continue
		}
		j.report.Bad++
		for _, p := range problems {
			j.OnProblem(p)
		}
	}
}

// verdict is what the suite says of one row.
type verdict struct {
	state state
	no    *refusal
	asked bool
}

// check is the second step. It returns the rows that are not in the suite yet.
func (j *job) check(ctx context.Context, rows []row) ([]row, error) {
	if err := j.server.know(ctx, rows); err != nil {
		return nil, err
	}
	verdicts, _, err := j.each(ctx, "check", rows, func(ctx context.Context, r row) (verdict, error) {
		st, no, err := j.server.check(ctx, r)
		return verdict{state: st, no: no, asked: true}, err
	})
	if err != nil {
		return nil, err
	}
	var fresh []row
	for i, v := range verdicts {
		switch v.state {
		case stateNew:
			fresh = append(fresh, rows[i])
		case stateSame:
			j.report.Same += rows[i].rows()
		case stateBad:
			j.bad(rows[i], v.no)
		}
	}
	return fresh, nil
}

// errStop ends sending at the first refusal.
var errStop = errors.New("a row was refused")

// send is the third step.
func (j *job) send(ctx context.Context, rows []row) error {
	verdicts, bar, err := j.each(ctx, "send", rows, func(ctx context.Context, r row) (verdict, error) {
		st, no, err := j.server.send(ctx, r)
		if err == nil && no != nil && !j.KeepGood {
			err = errStop
		}
		return verdict{state: st, no: no, asked: err == nil || no != nil}, err
	})
	j.report.Elapsed, j.report.Rate = bar.Close()
	for i, v := range verdicts {
		switch {
		case !v.asked:
			j.report.NotSent += rows[i].rows()
		case v.state == stateNew:
			j.count(rows[i])
		case v.state == stateSame:
			j.report.Same += rows[i].rows()
		default:
			j.bad(rows[i], v.no)
		}
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// challenged notes for which customers of the rows the withdrawal of their credit is asked.
func (j *job) challenged(ctx context.Context, rows []row) error {
	ctx, err := j.Suite.As(ctx, importSubject, "OPERATOR")
	if err != nil {
		return err
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.customer
	}
	reasons := make([]string, len(rows))
	err = lanes.Run(ctx, j.Concurrency, keys, func(ctx context.Context, i int) (err error) {
		reasons[i], err = j.server.stopped(ctx, rows[i].customer)
		return err
	})
	for i, reason := range reasons {
		if reason != "" {
			j.report.Stopped = append(j.report.Stopped, Stopped{CustomerID: rows[i].customer, Reason: reason})
		}
	}
	return err
}

// each asks about every row, those of one customer in their order.
func (j *job) each(
	ctx context.Context, label string, rows []row, ask func(context.Context, row) (verdict, error),
) ([]verdict, *progress.Bar, error) {
	bar := progress.New(j.Screen, j.Clock, label, int64(fileRows(rows)))
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.customer
	}
	verdicts := make([]verdict, len(rows))
	err := lanes.Run(ctx, j.Concurrency, keys, func(ctx context.Context, i int) error {
		var err error
		verdicts[i], err = ask(ctx, rows[i])
		bar.Add(int64(rows[i].rows()))
		return err
	})
	bar.Close()
	return verdicts, bar, err
}

func (j *job) count(r row) {
	j.report.New += r.rows()
	if r.amount.Currency == "" {
		return
	}
	sum, ok := j.report.Amounts[r.amount.Currency]
	if !ok {
		sum = money.Zero(r.amount.Currency)
	}
	j.report.Amounts[r.amount.Currency] = sum.Add(r.amount)
}

func (j *job) bad(r row, no *refusal) {
	j.report.Bad += r.rows()
	if len(no.at) == 0 {
		j.OnProblem(Problem{Line: r.line, Reason: no.reason, Message: no.message})
	}
	for _, v := range no.at {
		line, path := r.place(v.Field)
		j.OnProblem(j.builder.at(line, path, no.reason, v.Message))
	}
}

// OK says whether every row is in the suite now, or would be.
func (r Report) OK() bool { return r.Bad == 0 && r.NotSent == 0 }
