package suite

import (
	"context"
	"fmt"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/host"
)

// ChainBreak is one place where a hash chain does not hold.
type ChainBreak struct {
	// Chain names it, "journal/C-1001".
	Chain string
	// Sequence is the entry within it.
	Sequence int64
	// Problem says what is wrong.
	Problem string
}

// ChainReport is what one phase says of its chains.
type ChainReport struct {
	// Phase is its name.
	Phase string
	// Chains and Entries count what was recomputed.
	Chains, Entries int64
	// Breaks are the first thousand at most; none where all holds.
	Breaks []ChainBreak
}

// VerifyChains has all phases recompute their hash chains. The connections' caller must be an operator, auditor or
// credit manager.
func VerifyChains(ctx context.Context, conns host.Conns) ([]ChainReport, error) {
	e, err := evaluationv1.NewOperationsServiceClient(conns.Evaluation).VerifyChains(ctx, &evaluationv1.VerifyChainsRequest{})
	if err != nil {
		return nil, fmt.Errorf("evaluation: %w", err)
	}
	g, err := ordergatev1.NewOperationsServiceClient(conns.OrderGate).VerifyChains(ctx, &ordergatev1.VerifyChainsRequest{})
	if err != nil {
		return nil, fmt.Errorf("ordergate: %w", err)
	}
	r, err := receivablesv1.NewOperationsServiceClient(conns.Receivables).VerifyChains(ctx, &receivablesv1.VerifyChainsRequest{})
	if err != nil {
		return nil, fmt.Errorf("receivables: %w", err)
	}
	return []ChainReport{
		{"evaluation", e.GetChains(), e.GetEntries(), breaksOf(e.GetBreaks())},
		{"ordergate", g.GetChains(), g.GetEntries(), breaksOf(g.GetBreaks())},
		{"receivables", r.GetChains(), r.GetEntries(), breaksOf(r.GetBreaks())},
	}, nil
}

// breakMessage is the message that each phase has of its own.
type breakMessage interface {
	GetChain() string
	GetSequence() int64
	GetProblem() string
}

func breaksOf[B breakMessage](messages []B) []ChainBreak {
	var list []ChainBreak
	for _, m := range messages {
		list = append(list, ChainBreak{Chain: m.GetChain(), Sequence: m.GetSequence(), Problem: m.GetProblem()})
	}
	return list
}
