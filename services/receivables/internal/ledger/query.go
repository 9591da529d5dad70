package ledger

import "github.com/avalcredit/aval/pkg/calendar"

// Query asks for a part of a customer's ledger.
type Query struct {
	CustomerID string
	From, To   calendar.Date // none: no bound
	KnownOn    calendar.Date // only what was posted by then; none: all
	After      int64         // sequence
	Limit      int
}

// Break is one place where a chain does not hold.
type Break struct {
	Chain    string
	Sequence int64
	Problem  string
}

// MaxBreaks bounds a report.
const MaxBreaks = 1000

// Report is what a verification found.
type Report struct {
	Chains, Entries int64
	Breaks          []Break // at most MaxBreaks
}

// Add reports a break.
func (r *Report) Add(chain string, sequence int64, problem string) {
	if len(r.Breaks) < MaxBreaks {
		r.Breaks = append(r.Breaks, Break{chain, sequence, problem})
	}
}
