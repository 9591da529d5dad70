package front

import (
	"context"
	"errors"
	"os"

	"github.com/alecthomas/kong"

	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/services/host"
)

// Settings are those of a gateway that runs as a program of its own.
type Settings struct {
	host.General `koanf:",squash"`
	host.Peers   `koanf:",squash"`
	// HTTP is where REST is served.
	HTTP host.Listen `koanf:"http"`
	// Admin is where probes and metrics are served; empty serves the metrics on the REST port.
	Admin host.Listen `koanf:"admin"`
}

// Validate implements config's check.
func (s *Settings) Validate() error {
	if s.HTTP.Addr == "" {
		s.HTTP.Addr = "127.0.0.1:8080"
	}
	if s.Peers.Evaluation.Addr == "" || s.Peers.OrderGate.Addr == "" || s.Peers.Receivables.Addr == "" {
		return errors.New("AVAL_EVALUATION_ADDR, AVAL_ORDERGATE_ADDR and AVAL_RECEIVABLES_ADDR must be set")
	}
	return nil
}

// Main is the main function of a program that runs the gateway alone; it ends the process.
func Main(program string) {
	var cli struct {
		Version kong.VersionFlag `help:"Print the version and exit."`
	}
	kong.Parse(&cli, kong.Name(program), kong.Vars{"version": host.Version()},
		kong.Description("Runs Aval's REST gateway. Settings come from the environment, AVAL_..., and the file AVAL_CONFIG names."))
	os.Exit(host.Main(program, os.Stderr, func(ctx context.Context) error {
		var settings Settings
		if err := config.Load(host.Prefix, &settings); err != nil {
			return err
		}
		return Run(ctx, program, settings)
	}))
}

// Run runs the gateway alone until ctx ends.
func Run(ctx context.Context, program string, settings Settings) (err error) {
	base, err := settings.NewBase(ctx, program)
	if err != nil {
		return err
	}
	closers := &lifecycle.Closers{}
	defer func() { err = errors.Join(err, closers.Close(ctx)) }()
	closers.Add("telemetry", base.Telemetry.Shutdown)
	f, err := New(ctx, Config{Base: base, HTTP: settings.HTTP, Peers: settings.Peers, Metrics: settings.Admin.Addr == ""})
	if err != nil {
		return err
	}
	closers.Add("gateway", f.Close)
	tasks := []lifecycle.Task{{Name: "gateway", Run: f.Run}}
	if settings.Admin.Addr != "" {
		admin, err := host.NewAdmin(base, settings.Admin, f.Ready)
		if err != nil {
			return err
		}
		tasks = append(tasks, lifecycle.Task{Name: "admin", Run: admin.Run})
	}
	return lifecycle.Run(ctx, base.Log(), tasks...)
}
