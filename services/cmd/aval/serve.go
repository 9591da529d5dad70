package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/avalcredit/aval/services/suite"
)

type serveCommand struct{ demoFlag }

// Run serves until SIGINT or SIGTERM.
func (c *serveCommand) Run(ctx context.Context) error {
	cfg, err := suite.Load()
	if err != nil {
		return err
	}
	if cfg.Log.Level == "" {
		cfg.Log.Level = "warn" // the terminal is for people here
	}
	s, err := suite.Start(ctx, cfg)
	if err != nil {
		return err
	}
	return s.Run(ctx, c.ready)
}

// ready is called once the suite takes calls; when ctx ends it has to return.
func (c *serveCommand) ready(ctx context.Context, s *suite.Suite) error {
	if err := c.load(ctx, s); err != nil {
		return err
	}
	return announce(os.Stdout, s)
}

// announce prints where the suite is and, in development mode, a token of each role.
func announce(w io.Writer, s *suite.Suite) error {
	database := "private PostgreSQL in " + s.PrivateDatabase()
	if s.PrivateDatabase() == "" {
		database = "as AVAL_DATABASE_URL names it"
	}
	text := fmt.Sprintf("Aval is up.\n  REST      http://%s\n  API       http://%s/docs and /openapi.json\n  gRPC      %s\n  data      %s\n  database  %s\n",
		s.HTTPAddr(), s.HTTPAddr(), s.GRPCAddr(), s.DataDir(), database)
	if s.Issuer() != nil {
		text += "Development tokens, good for 30 days (export TOKEN=...; aval token makes others):\n"
		for _, role := range suite.Roles() {
			token, err := s.TokenFor(role, suite.SubjectOf(role))
			if err != nil {
				return err
			}
			text += fmt.Sprintf("  %-17s %s\n", role, token)
		}
	}
	_, err := io.WriteString(w, text+"Ctrl-C ends it.\n")
	return err
}
