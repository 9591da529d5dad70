// Package dryrun tries a policy version on all customers from the command line.
package dryrun

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/suite/access"
)

const (
	// every is how often the run is looked at.
	every = 500 * time.Millisecond
	// mostShown bounds the list of customers; the spreadsheet has more.
	mostShown = 20
)

// Spec is what to try.
type Spec struct {
	// Version of the evaluation policy: a draft, or a signed one.
	Version int64
	// AskAnew takes no payment record that was asked for before.
	AskAnew bool
}

// Done is a run that has succeeded, with its spreadsheet.
type Done struct {
	Run  *evaluationv1.PortfolioRun
	XLSX []byte
}

// Run starts a dry run, tells how far it is, and waits for its end. Where ctx ends first the run is cancelled.
func Run(ctx context.Context, s *access.Suite, spec Spec, progress func(done, total int64)) (Done, error) {
	ctx, err := s.As(ctx, "policy-try", "OPERATOR")
	if err != nil {
		return Done{}, err
	}
	client := evaluationv1.NewPortfolioRunServiceClient(s.Conn())
	started, err := client.SimulateEvaluationPolicy(ctx, &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: "policy-try-" + rand.Text(), Version: spec.Version, AskAnew: spec.AskAnew})
	if err != nil {
		return Done{}, err
	}
	id := started.GetPortfolioRun().GetPortfolioRunId()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_, err := client.CancelPortfolioRun(last, &evaluationv1.CancelPortfolioRunRequest{PortfolioRunId: id})
			return Done{}, errors.Join(ctx.Err(), err)
		case <-time.After(every):
		}
		got, err := client.GetPortfolioRun(ctx, &evaluationv1.GetPortfolioRunRequest{PortfolioRunId: id})
		if err != nil {
			return Done{}, err
		}
		run := got.GetPortfolioRun()
		progress(run.GetDone(), run.GetTotal())
		switch run.GetState() {
		case evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_SUCCEEDED:
			file, err := client.DownloadPortfolioRun(ctx, &evaluationv1.DownloadPortfolioRunRequest{PortfolioRunId: id, Language: evaluationv1.PortfolioLanguage_PORTFOLIO_LANGUAGE_EN})
			return Done{Run: run, XLSX: file.GetData()}, err
		case evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_FAILED, evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_CANCELLED:
			return Done{}, fmt.Errorf("the run %s ended %s: %s %s", id, word(run.GetState().String(), "PORTFOLIO_RUN_STATE_"), run.GetErrorReason(), run.GetErrorMessage())
		default:
		}
	}
}

// Print prints what the run made of the customers.
func (d Done) Print(out io.Writer) error {
	r := d.Run.GetResult()
	fmt.Fprintf(out, "version %d on %s: %d customers, %d not rated; %d moved down, %d up; %d grants tighten, %d lose their credit\n",
		d.Run.GetPolicyVersion(), d.Run.GetBusinessDate(), r.GetCustomers(), r.GetFailed(), r.GetMovedDown(), r.GetMovedUp(), r.GetTightened(), r.GetCreditLost())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "before\tafter\tcustomers\tlimits before\tlimits after\t")
	for _, c := range r.GetMigration() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t\n", grade(c.GetFromGrade()), grade(c.GetToGrade()), c.GetCustomers(), sums(c.GetLimitsBefore()), sums(c.GetLimitsAfter()))
	}
	fmt.Fprintf(w, "all\t\t%d\t%s\t%s\t\n", r.GetCustomers(), sums(r.GetLimitsBefore()), sums(r.GetLimitsAfter()))
	if err := w.Flush(); err != nil {
		return err
	}
	most := r.GetMostAffected()
	for _, c := range most[:min(len(most), mostShown)] {
		fmt.Fprintf(out, "%s (%s): grade %s to %s, limit %s to %s: %s\n", c.GetCustomerId(), cmp.Or(c.GetSalespersonId(), "nobody's"), grade(c.GetGradeBefore()), grade(c.GetGradeAfter()),
			limit(c.GetLimitBefore(), c.GetUnlimitedBefore()), limit(c.GetLimitAfter(), c.GetUnlimitedAfter()), c.GetDeciding())
	}
	return nil
}

func word(name, prefix string) string { return strings.TrimPrefix(name, prefix) }

func grade(g evaluationv1.Grade) string {
	if g == evaluationv1.Grade_GRADE_UNSPECIFIED {
		return "none"
	}
	return word(g.String(), "GRADE_")
}

func limit(m *typev1.Money, unlimited bool) string {
	switch {
	case unlimited:
		return "unlimited"
	case m == nil:
		return "none"
	default:
		return m.GetAmount() + " " + m.GetCurrencyCode()
	}
}

func sums(all []*typev1.Money) string {
	texts := make([]string, len(all))
	for i, m := range all {
		texts[i] = m.GetAmount() + " " + m.GetCurrencyCode()
	}
	return strings.Join(texts, ", ")
}
