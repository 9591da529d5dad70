package app

import (
	"context"
	"maps"
	"slices"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/violation"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

const maxBreaks = 1000

// VerifyChains recomputes every hash chain of the phase: ratings, grants, the
// versions of the policy, the audit trail. What it finds is in the register of violations too.
func (a *App) VerifyChains(ctx context.Context) (audit.Report, error) {
	report, err := postgres.VerifyChains(ctx, a.Pool)
	if err != nil {
		return report, err
	}
	policies, err := a.Book.Store.Verify(ctx)
	if err != nil {
		return report, err
	}
	report.Streams++
	report.Broken = append(report.Broken, policies...)
	trail, err := audit.Verify(ctx, a.Pool)
	if err != nil {
		return report, err
	}
	report.Streams += trail.Streams
	report.Entries += trail.Entries
	for _, b := range trail.Broken {
		report.Broken = append(report.Broken, audit.Break{Stream: "audit/" + b.Stream, Seq: b.Seq, Why: b.Why})
	}
	report.Broken = report.Broken[:min(len(report.Broken), maxBreaks)]
	for _, b := range violation.Most(report.Broken) {
		a.Register.Found(ctx, b.Stream, b.Seq, b.Why)
	}
	return report, nil
}

// StreamDelivery is how much of a stream waits for its receiver.
type StreamDelivery struct {
	Stream  string
	Pending int64
}

// Delivery says how much waits to be delivered, by stream.
func (a *App) Delivery(ctx context.Context) ([]StreamDelivery, error) {
	var all []StreamDelivery
	for _, stream := range slices.Sorted(maps.Keys(a.Relays)) {
		n, err := a.Relays[stream].Pending(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, StreamDelivery{Stream: stream, Pending: n})
	}
	return all, nil
}
