package app

import (
	"context"

	"github.com/avalcredit/aval/services/receivables/internal/limitation"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// WrittenOffQuery asks for what was written off, oldest due first.
type WrittenOffQuery = postgres.WrittenOffQuery

// WrittenOff is what was written off of an item, and how its limitation period stands today.
type WrittenOff struct {
	postgres.WrittenOff
	Period limitation.Period
}

// WrittenOffs lists what was written off, within the caller's scope.
func (s *Service) WrittenOffs(ctx context.Context, q WrittenOffQuery) ([]WrittenOff, error) {
	q.Salesperson = scoped(ctx)
	found, err := s.store.WrittenOffs(ctx, q)
	if err != nil {
		return nil, err
	}
	rules, err := s.limitationRules(ctx)
	if err != nil {
		return nil, err
	}
	claims := make([]postgres.OpenClaim, len(found))
	for i, w := range found {
		claims[i] = w.OpenClaim
	}
	periods, err := s.periods(ctx, claims, rules, s.Clock.Today(ctx))
	if err != nil {
		return nil, err
	}
	out := make([]WrittenOff, len(found))
	for i, w := range found {
		out[i] = WrittenOff{w, periods[i]}
	}
	return out, nil
}
