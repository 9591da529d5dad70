// Package ordergatephase makes the phase during the sale a phase that can be run.
package ordergatephase

import (
	"context"

	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/ordergate"
)

// Phase describes the phase.
func Phase() host.Phase {
	return host.Phase{Name: ordergate.Schema, New: func(ctx context.Context, p host.Parts) (host.Service, error) {
		s, err := ordergate.New(ctx, ordergate.Deps{
			Config: ordergate.Config{SkipMigrations: !p.Migrate, Historic: p.DevClock},
			Pool:   p.Pool, Clock: p.Clock, Log: p.Log, PageKey: p.PageKey, Evaluation: p.Evaluation,
			Reporting: ordergate.Reporting{Zone: p.Zone, FontFile: p.FontFile, Scheduled: !p.DevClock},
			Webhooks:  ordergate.Webhooks{Hosts: p.WebhookHosts, Development: p.DevClock},
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}
