// Command aval is all of Aval in one program, and the operator's tool for it.
package main

import (
	"context"
	"os"

	"github.com/alecthomas/kong"

	"github.com/avalcredit/aval/services/host"
)

// commands are the subcommands, one file each.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run everything in one process: services, REST gateway and a private PostgreSQL."`
	Token   tokenCommand   `cmd:"" help:"Print an access token for development."`
	Verify  verifyCommand  `cmd:"" help:"Recompute all hash chains; exit 1 where one does not hold."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Replay  replayCommand  `cmd:"" help:"Run history from an NDJSON file through a suite."`
	Demo    demoCommand    `cmd:"" help:"Load the demo company into a suite in development mode, unless it is there."`
	Import  importCommand  `cmd:"" help:"Import customers, limits, invoices, receipts, orders or firms' own invoices from a CSV file, or a bank statement."`
	Policy  policyCommand  `cmd:"" help:"Check, compare and validate evaluation policies."`
}

func main() {
	var cli commands
	parsed := kong.Parse(&cli, kong.Name("aval"),
		kong.Description("Aval manages trade credit: who may buy on credit, whether an order may go, who owes what since when. Settings come from the environment, AVAL_..., and the file AVAL_CONFIG names."),
		kong.UsageOnError())
	os.Exit(host.Main("aval", os.Stderr, func(ctx context.Context) error {
		parsed.BindTo(ctx, (*context.Context)(nil))
		return parsed.Run()
	}))
}
