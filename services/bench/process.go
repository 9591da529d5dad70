package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// gateProcess is the gate in a process of its own.
type gateProcess struct {
	ready
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

func startGate(ctx context.Context, dsn string) (*gateProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &gateProcess{cmd: exec.CommandContext(ctx, self, "--serve="+dsn)} //nolint:gosec // this program itself
	g.cmd.Stderr = os.Stderr
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if g.stdin, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	g.out = bufio.NewReader(out)
	line, err := g.out.ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the gate did not start: %w", err), g.stop())
	}
	return g, json.Unmarshal(line, &g.ready)
}

func (g *gateProcess) stop() error {
	return errors.Join(g.stdin.Close(), g.cmd.Wait())
}
