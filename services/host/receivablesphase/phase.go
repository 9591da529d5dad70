// Package receivablesphase makes the phase after the sale a phase that can be run.
package receivablesphase

import (
	"context"

	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/receivables"
)

// Phase describes the phase.
func Phase() host.Phase {
	return host.Phase{Name: receivables.Schema, New: func(ctx context.Context, p host.Parts) (host.Service, error) {
		s, err := receivables.New(ctx, receivables.Deps{
			Config: receivables.Config{SkipMigrations: !p.Migrate, Warnings: !p.DevClock, RequestDays: p.RequestDays},
			Pool:   p.Pool, Clock: p.Clock, Log: p.Log, PageKey: p.PageKey, OrderGate: p.OrderGate, Evaluation: p.Evaluation,
			Mail: p.Mail, FontFile: p.FontFile, Zone: p.Zone,
		})
		if err != nil {
			return nil, err
		}
		return service{s}, nil
	}}
}

type service struct{ *receivables.Service }

// Close implements host.Service.
func (s service) Close(context.Context) error {
	s.Service.Close()
	return nil
}
