package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// Bounds of making a report.
const (
	reportPage  = 500              // accounts read at a time
	reportLease = 10 * time.Minute // a claim whose holder has died is free after it
)

// Reports makes and keeps the daily reports.
type Reports struct {
	Store    *postgres.Store
	Settings *policy.Cache[report.Settings]
	Clock    calendar.Clock
	Pages    *page.Signer
	busy     chan struct{} // one report at a time is made in a process
}

// NewReports returns reports on a store.
func NewReports(store *postgres.Store, settings *policy.Cache[report.Settings], clock calendar.Clock, pages *page.Signer) *Reports {
	return &Reports{Store: store, Settings: settings, Clock: clock, Pages: pages, busy: make(chan struct{}, 1)}
}

// Daily is a report, and whether it is kept.
type Daily struct {
	report.Daily
	Hash []byte // of what is kept; nil where it is not
}

// Get returns the report of a date (none: today): the one that is kept, else one made now and not kept.
// Errors: DATE_NOT_REACHED, REPORT_BUSY.
func (r *Reports) Get(ctx context.Context, date calendar.Date) (Daily, error) {
	today := r.Clock.Today(ctx)
	if date.IsZero() {
		date = today
	}
	if date.After(today) {
		return Daily{}, errs.New(errs.FailedPrecondition, "DATE_NOT_REACHED", "%s has not come yet; today is %s", date, today).
			WithViolations(errs.Violation{Field: "date", Rule: "DATE_NOT_REACHED", Message: "must be today or earlier"})
	}
	kept, found, err := r.Store.Report(ctx, date)
	if err != nil {
		return Daily{}, err
	}
	if found {
		return decodeKept(kept)
	}
	select {
	case r.busy <- struct{}{}:
	default:
		return Daily{}, errs.New(errs.ResourceExhausted, "REPORT_BUSY", "another report is being made; try again").WithRetryAfter(time.Second)
	}
	defer func() { <-r.busy }()
	made, err := r.make(ctx, date)
	return Daily{Daily: made}, err
}

func decodeKept(k postgres.KeptReport) (Daily, error) {
	d := Daily{Hash: k.Hash}
	if err := json.Unmarshal(k.Content, &d.Daily); err != nil {
		return Daily{}, fmt.Errorf("report of %s: %w", k.Date, err)
	}
	return d, nil
}

// Keep makes the report of a date and keeps it, once: it reports false where it is kept already or another replica is making it.
func (r *Reports) Keep(ctx context.Context, date calendar.Date, worker string) (bool, error) {
	claimed, err := r.Store.ClaimReport(ctx, date, worker, reportLease)
	if err != nil || !claimed {
		return false, err
	}
	made, err := r.make(ctx, date)
	if err != nil {
		return false, err
	}
	content, err := json.Marshal(made)
	if err != nil {
		return false, fmt.Errorf("report of %s: %w", date, err)
	}
	counts, err := json.Marshal(made.Counts)
	if err != nil {
		return false, fmt.Errorf("report of %s: %w", date, err)
	}
	return r.Store.KeepReport(ctx, postgres.KeptReport{
		Date: date, MadeAt: made.MadeAt, PolicyVersion: made.Settings.Version, Counts: counts, Content: content,
	})
}

// Missing are the dates from the first to the last whose report is not kept, oldest first.
func (r *Reports) Missing(ctx context.Context, first, last calendar.Date) ([]calendar.Date, error) {
	kept, err := r.Store.Reports(ctx, last.AddDays(1), last.DaysSince(first)+1)
	if err != nil {
		return nil, err
	}
	have := map[calendar.Date]bool{}
	for _, k := range kept {
		have[k.Date] = true
	}
	if len(kept) == 0 {
		return []calendar.Date{last}, nil // the first report of an installation
	}
	var missing []calendar.Date
	for d := first; !d.After(last); d = d.AddDays(1) {
		if !have[d] && d.After(kept[len(kept)-1].Date) {
			missing = append(missing, d)
		}
	}
	return missing, nil
}

// make reads all journals as they stood at the end of the date.
func (r *Reports) make(ctx context.Context, date calendar.Date) (report.Daily, error) {
	settings, err := r.Settings.InForce(ctx, date)
	if err != nil {
		return report.Daily{}, err
	}
	b := report.NewBuilder(date, settings)
	var after postgres.Key
	for {
		keys, err := r.Store.Journals(ctx, after, reportPage)
		if err != nil {
			return report.Daily{}, err
		}
		if len(keys) == 0 {
			break
		}
		after = keys[len(keys)-1]
		if err := r.accounts(ctx, b, keys, date); err != nil {
			return report.Daily{}, err
		}
	}
	if err := r.refusals(ctx, b, date); err != nil {
		return report.Daily{}, err
	}
	return b.Report(r.Clock.Now()), nil
}

// maxDay is how many entries of one date are read together; the accounts of a page are parted where they have more.
const maxDay = 20_000

func (r *Reports) accounts(ctx context.Context, b *report.Builder, keys []postgres.Key, date calendar.Date) error {
	extents, err := r.Store.Extents(ctx, keys, date)
	if err != nil {
		return err
	}
	states, err := r.Store.States(ctx, extents)
	if err != nil {
		return err
	}
	for len(extents) > 0 {
		n, entries := 0, int64(0)
		for n < len(extents) && (n == 0 || entries+extents[n].Head-extents[n].Before <= maxDay) {
			entries += extents[n].Head - extents[n].Before
			n++
		}
		days, err := r.days(ctx, extents[:n], date)
		if err != nil {
			return err
		}
		for i, x := range extents[:n] {
			days[i].Account = states[x.Key]
			if a := days[i].Account; a.Held > 0 {
				if days[i].OnHold, err = r.Store.HeldAt(ctx, x.Key, x.Head, a.Held); err != nil {
					return err
				}
			}
			if err := b.Account(days[i]); err != nil {
				return err
			}
		}
		extents = extents[n:]
	}
	return nil
}

// days reads what happened on the date in the journals where something did.
func (r *Reports) days(ctx context.Context, extents []postgres.Extent, date calendar.Date) ([]report.Day, error) {
	days := make([]report.Day, len(extents))
	var ranges []postgres.Range
	var of []int
	for i, x := range extents {
		if x.Head > x.Before {
			ranges = append(ranges, postgres.Range{Key: x.Key, After: x.Before, Upto: x.Head, From: date})
			of = append(of, i)
		}
	}
	err := r.Store.Ranges(ctx, ranges, func(i int, e gate.Entry) error {
		if e.BusinessDate == date {
			if e.Decision != nil {
				e.Decision = []byte{} // that there is one is enough
			}
			days[of[i]].Entries = append(days[of[i]].Entries, e)
		}
		return nil
	})
	return days, err
}

func (r *Reports) refusals(ctx context.Context, b *report.Builder, date calendar.Date) error {
	found, count, err := r.Store.Refusals(ctx, date, report.MaxRows)
	if err != nil {
		return err
	}
	for _, x := range found {
		v, err := violationOf(x)
		if err != nil {
			return err
		}
		b.Violation(v)
	}
	b.MoreViolations(count - int64(len(found)))
	return nil
}

// Kept lists the reports that are kept, newest first, with their counts only.
func (r *Reports) Kept(ctx context.Context, size32 int32, token string) (Page[Daily], error) {
	sum := page.Checksum("dailyReports")
	cur, err := r.Pages.Decode(token, sum, 1)
	if err != nil {
		return Page[Daily]{}, err
	}
	var before calendar.Date
	if cur != nil {
		if before, err = calendar.ParseDate(cur[0]); err != nil {
			return Page[Daily]{}, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token is not valid")
		}
	}
	size := page.Size(size32, pageDefault, pageMax)
	found, err := r.Store.Reports(ctx, before, size+1)
	if err != nil {
		return Page[Daily]{}, err
	}
	var out Page[Daily]
	if len(found) > size {
		found = slices.Clip(found[:size])
		out.Next = r.Pages.Encode(sum, found[size-1].Date.String())
	}
	for _, k := range found {
		d := Daily{Hash: k.Hash}
		d.Date, d.MadeAt, d.Settings.Version = k.Date, k.MadeAt.UTC(), k.PolicyVersion
		if err := json.Unmarshal(k.Counts, &d.Counts); err != nil {
			return Page[Daily]{}, fmt.Errorf("report of %s: %w", k.Date, err)
		}
		out.Items = append(out.Items, d)
	}
	return out, nil
}
