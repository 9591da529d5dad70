// Package evaluationphase makes the phase before the sale a phase that can be run.
package evaluationphase

import (
	"context"

	"github.com/avalcredit/aval/services/evaluation"
	"github.com/avalcredit/aval/services/host"
)

// Phase describes the phase.
func Phase() host.Phase {
	return host.Phase{Name: evaluation.Schema, New: func(ctx context.Context, p host.Parts) (host.Service, error) {
		s, err := evaluation.New(ctx, evaluation.Deps{
			Config: evaluation.Config{SkipMigrations: !p.Migrate, Reviews: !p.DevClock, RequestDays: p.RequestDays},
			Pool:   p.Pool, Clock: p.Clock, Log: p.Log, PageKey: p.PageKey, FontFile: p.FontFile, OrderGate: p.OrderGate, Receivables: p.Receivables,
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}
