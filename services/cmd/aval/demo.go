package main

import (
	"context"
	"os"

	"github.com/avalcredit/aval/services/suite"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/demo"
	"github.com/avalcredit/aval/services/suite/progress"
)

// demoSeed draws the company that everybody sees.
const demoSeed = 20120103

type demoCommand struct{ reach }

// Run loads the demo company unless it is there and prints what became of it.
func (c *demoCommand) Run(ctx context.Context) error { return c.with(ctx, loadDemo) }

func loadDemo(ctx context.Context, s *access.Suite) error {
	figures, err := demo.Load(ctx, demo.Options{Suite: s, Seed: demoSeed, Screen: progress.Terminal(os.Stderr)})
	if err != nil {
		return err
	}
	return figures.Print(os.Stdout)
}

// demoFlag has serve load the demo company before it says that it is up.
type demoFlag struct {
	Demo bool `help:"Load a demo company, all of it invented, by way of the public API (once; development mode only)."`
}

func (d demoFlag) load(ctx context.Context, s *suite.Suite) error {
	if !d.Demo {
		return nil
	}
	if s.Issuer() == nil {
		return suite.ErrNoIssuer
	}
	return dialed(ctx, access.Target{Addr: s.GRPCAddr(), Issuer: s.Issuer()}, loadDemo)
}
