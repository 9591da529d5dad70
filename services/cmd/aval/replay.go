package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/progress"
	"github.com/avalcredit/aval/services/suite/replay"
)

type replayCommand struct {
	File        string `arg:"" help:"NDJSON file: a call on each line."`
	Out         string `placeholder:"FILE" help:"Where the answers go, one a line in the order of the file; default: standard output."`
	Concurrency int    `default:"16" help:"How many customers are worked on at once."`
	reach
}

// Run replays the file and prints a summary; it fails where a line failed.
func (c *replayCommand) Run(ctx context.Context) (err error) {
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, done, err := outFile(c.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return c.with(ctx, func(ctx context.Context, s *access.Suite) error {
		sum, err := replay.Run(ctx, in, replay.Options{
			Suite: s, Out: out, Screen: progress.Terminal(os.Stderr), Concurrency: c.Concurrency,
		})
		for _, wrong := range sum.Wrong {
			fmt.Fprintf(os.Stderr, "%s:%d:%d: %s\n", c.File, wrong.Line, wrong.Column, wrong.Message)
		}
		if len(sum.Wrong) == 0 {
			fmt.Fprintf(os.Stderr, "%d lines in %v, %.0f a second: %d done, %d accepted refusals, %d failed\n",
				sum.Lines, sum.Elapsed.Round(time.Millisecond), sum.Rate, sum.Done, sum.Skipped, sum.Failed)
		}
		if err == nil && sum.Failed > 0 {
			err = fmt.Errorf("%d lines failed; the answers say why", sum.Failed)
		}
		return err
	})
}

// outFile opens the file for answers, or standard output. done writes what is left.
func outFile(name string) (w io.Writer, done func() error, err error) {
	file := os.Stdout
	if name != "" {
		if file, err = os.Create(name); err != nil {
			return nil, nil, err
		}
	}
	buffered := bufio.NewWriter(file)
	return buffered, func() error {
		err := buffered.Flush()
		if name != "" {
			err = errors.Join(err, file.Close())
		}
		return err
	}, nil
}
