// Command withpg runs a command with TEST_DATABASE_URL naming a throw-away
// PostgreSQL server: withpg go test work. It starts none where the variable is
// set already.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/avalcredit/aval/pkg/pgdev"
)

const variable = "TEST_DATABASE_URL"

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpg:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) == 0 {
		return 2, errors.New("usage: withpg COMMAND [ARGUMENT...]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := os.Environ()
	if os.Getenv(variable) == "" {
		s, err := pgdev.Start(ctx, pgdev.Config{Ephemeral: true})
		if err != nil {
			return 1, err
		}
		defer func() {
			if serr := s.Stop(); serr != nil {
				fmt.Fprintln(os.Stderr, "withpg:", serr)
			}
		}()
		env = append(env, variable+"="+s.DSN("postgres"))
	}
	c := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // running it is the purpose
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 15 * time.Second // a command that ignores the interrupt is killed
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = env
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
