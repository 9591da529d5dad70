package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/avalcredit/aval/pkg/lifecycle"
)

// foldEvery is how often what moved is put together: between two times aging reads a row more for each posting.
const foldEvery = 5 * time.Minute

// Folder puts together what moved of all that is open.
type Folder interface {
	FoldMoves(ctx context.Context) error
}

// Moves keeps what moved of all that is open as few rows as there are days and due dates. Any number of replicas may run it.
type Moves struct {
	folder Folder
	log    *slog.Logger
}

// NewMoves returns the job; it does nothing before Run.
func NewMoves(f Folder, log *slog.Logger) *Moves { return &Moves{folder: f, log: log} }

// Run works until ctx ends and returns nil then.
func (j *Moves) Run(ctx context.Context) error {
	return lifecycle.Every(ctx, foldEvery, func(ctx context.Context) {
		if err := j.folder.FoldMoves(ctx); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "what moved could not be put together; the next round makes up for it", "error", err)
		}
	})
}
