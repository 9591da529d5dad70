// Command bench measures the suite on this machine and prints ratios.
package main

import (
	"context"
	"os"

	"github.com/alecthomas/kong"

	"github.com/avalcredit/aval/services/bench"
	"github.com/avalcredit/aval/services/host"
)

func main() {
	var cfg bench.Config
	kong.Parse(&cfg, kong.Name("bench"), kong.Description("Measures the suite on this machine; each figure stands on a line of its own, \"bench NAME VALUE\"."))
	os.Exit(host.Main("bench", os.Stderr, func(ctx context.Context) error { return bench.Run(ctx, cfg, os.Stdout) }))
}
