package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// Monthly is the receivables report of a month. It is kept as JSON.
type Monthly struct {
	Month         string                       `json:"month"`
	MadeAt        time.Time                    `json:"made_at"`
	PolicyVersion int64                        `json:"policy_version"`
	Buckets       []string                     `json:"buckets"`
	Figures       []figures.Row                `json:"figures"` // of the month before, then of the month
	Units         []figures.Row                `json:"units"`
	AgingByUnit   []aging.Row                  `json:"aging_by_unit"`
	AgingByPerson []aging.Row                  `json:"aging_by_person"`
	AgingTotals   []aging.Row                  `json:"aging_totals"`
	Overdue       []figures.Concentration      `json:"overdue"`
	Rolls         map[string][]figures.RollRow `json:"rolls"`
	AimsByUnit    []AimsRow                    `json:"aims_by_unit"`
	AimsByGrade   []AimsRow                    `json:"aims_by_grade"`
	Control       []ControlRow                 `json:"control"`
	Provisions    []ProvisionTotal             `json:"provisions"`
	Missing       figures.Missing              `json:"missing,omitempty"`
	// Hash of what is kept; nil where it is not.
	Hash []byte `json:"-"`
}

// Last is the last day of the month.
func (m Monthly) Last() calendar.Date { return calendar.MustDate(m.Month + "-01").EndOfMonth() }

// MonthlyReport returns the report of a month, given by its first day (none: the last one that is over): the one that is
// kept, else one made now and not kept. Errors: FailedPrecondition MONTH_NOT_OVER.
func (s *Service) MonthlyReport(ctx context.Context, month calendar.Date) (Monthly, error) {
	today := s.Clock.Today(ctx)
	if month.IsZero() {
		month = today.AddMonths(-1, 1)
	}
	if !month.EndOfMonth().Before(today) {
		return Monthly{}, errs.New(errs.FailedPrecondition, "MONTH_NOT_OVER", "%s is not over; today is %s", month.String()[:7], today).With("field", "month")
	}
	kept, found, err := s.store.Month(ctx, month)
	if err != nil {
		return Monthly{}, err
	}
	if !found {
		return s.makeMonth(ctx, month)
	}
	m := Monthly{}
	if err := json.Unmarshal(kept.Content, &m); err != nil {
		return Monthly{}, fmt.Errorf("report of %s: %w", month, err)
	}
	m.Hash = kept.Hash
	return m, nil
}

// MonthlyReports lists the newest months whose report is kept, without their content.
func (s *Service) MonthlyReports(ctx context.Context, limit int) ([]Monthly, error) {
	kept, err := s.store.Months(ctx, limit)
	out := make([]Monthly, len(kept))
	for i, k := range kept {
		out[i] = Monthly{Month: k.Month.String()[:7], MadeAt: k.MadeAt.UTC(), PolicyVersion: k.PolicyVersion, Hash: k.Hash}
	}
	return out, err
}

// monthLease is after how long a claim whose holder has died is free.
const monthLease = time.Hour

// KeepDueMonth makes and keeps the report of the last month that is over, from the policy's day and hour on; now is in the
// business time zone. It reports the month made, or none where there is nothing to do.
func (s *Service) KeepDueMonth(ctx context.Context, now time.Time, worker string) (string, error) {
	today := calendar.FromTime(now, now.Location())
	policy, err := s.Policies.InForce(ctx, today)
	if err != nil {
		return "", err
	}
	month := today.AddMonths(-1, 1)
	if p := policy.Figures; today.Day() < p.ReportDay || (today.Day() == p.ReportDay && now.Hour() < p.ReportHour) {
		month = today.AddMonths(-2, 1)
	}
	claimed, err := s.store.ClaimMonth(ctx, month, worker, monthLease)
	if err != nil || !claimed {
		return "", err
	}
	m, err := s.makeMonth(ctx, month)
	if err != nil {
		return "", err
	}
	content, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	kept, err := s.store.KeepMonth(ctx, postgres.MonthlyReport{Month: month, MadeAt: m.MadeAt, PolicyVersion: m.PolicyVersion, Content: content})
	if err != nil || !kept {
		return "", err
	}
	return m.Month, nil
}

// topOverdue is how many of the most overdue customers a report names.
const topOverdue = 20

// makeMonth puts a report together: documents and money as they stand at the end of the month, ceilings and limits as the
// gate has them now.
func (s *Service) makeMonth(ctx context.Context, month calendar.Date) (Monthly, error) {
	last, before := month.EndOfMonth(), month.AddDays(-1)
	policy, err := s.Policies.InForce(ctx, last)
	if err != nil {
		return Monthly{}, err
	}
	m := Monthly{
		Month: month.String()[:7], MadeAt: s.Clock.Now().UTC().Truncate(time.Microsecond), PolicyVersion: policy.Version,
		Buckets: aging.NewBuckets(policy.AgingBounds, aging.ByDueDate).Names,
	}
	for _, part := range []func() error{
		func() (err error) {
			m.Figures, err = s.figuresBy(ctx, before.AddMonths(0, 1), last, figures.ByMonth)
			return
		},
		func() (err error) { m.Units, err = s.figuresBy(ctx, month, last, figures.ByUnit); return },
		func() error { return s.agings(ctx, &m, last) },
		func() (err error) {
			m.Overdue, _, err = s.Concentration(ctx, figures.ConcentrationQuery{AsOf: last, Top: topOverdue, ByOverdue: true})
			return
		},
		func() (err error) {
			m.Rolls, _, _, err = s.RollRates(ctx, figures.RollQuery{From: before, To: last})
			return
		},
		func() error {
			p, err := s.Provision(ctx, last, before)
			m.Provisions = p.Totals
			return err
		},
		func() (err error) {
			m.AimsByUnit, m.Missing, err = s.Aims(ctx, figures.Query{From: month, To: last, GroupBy: figures.ByUnit})
			return
		},
		func() (err error) {
			m.AimsByGrade, _, err = s.Aims(ctx, figures.Query{From: month, To: last, GroupBy: figures.ByGrade})
			return
		},
		func() (err error) { m.Control, _, _, err = s.TotalControl(ctx, last); return },
	} {
		if err := part(); err != nil {
			return Monthly{}, err
		}
	}
	return m, nil
}

func (s *Service) figuresBy(ctx context.Context, from, to calendar.Date, by figures.GroupBy) ([]figures.Row, error) {
	p, _, err := s.Figures(ctx, figures.Query{From: from, To: to, GroupBy: by, Limit: maxGroups})
	return p.Rows, err
}

func (s *Service) agings(ctx context.Context, m *Monthly, last calendar.Date) error {
	for _, a := range []struct {
		by   aging.GroupBy
		into *[]aging.Row
	}{{aging.GroupUnit, &m.AgingByUnit}, {aging.GroupSalesperson, &m.AgingByPerson}} {
		p, _, err := s.Aging(ctx, aging.Query{AsOf: last, By: aging.ByDueDate, GroupBy: a.by, Limit: maxGroups})
		if err != nil {
			return err
		}
		*a.into, m.AgingTotals = p.Rows, p.Totals
	}
	return nil
}
