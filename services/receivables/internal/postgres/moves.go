package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/pg"
)

// FoldMoves puts rows of what moved together that are of the same day and due date, and returns how many are left of them. Any number
// of programs may do it at once, beside postings and agings: every sum stays what it was.
func (s *Store) FoldMoves(ctx context.Context) (int64, error) {
	n, err := s.q.FoldOpenMoves(ctx)
	return n, pg.Err(err)
}
