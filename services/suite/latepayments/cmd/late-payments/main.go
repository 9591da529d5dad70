// Command late-payments turns the late-payments CSV file into lines for aval replay.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/suite/latepayments"
)

type command struct {
	File       string   `arg:"" help:"The CSV file."`
	Out        string   `placeholder:"FILE" help:"Where the lines go; default: standard output."`
	Customers  int      `help:"Only this many customers; 0: all."`
	Until      string   `placeholder:"DATE" help:"Only invoices up to this date, YYYY-MM-DD."`
	Checkpoint []string `default:"2012-06-30,2012-12-31,2013-06-30,2013-09-30" help:"Dates at whose end aging and accounts are read."`
}

func main() {
	var c command
	kong.Parse(&c, kong.Name("late-payments"),
		kong.Description("Turns a CSV file of invoices with due and settled dates into lines for aval replay."))
	os.Exit(host.Main("late-payments", os.Stderr, func(context.Context) error { return c.run() }))
}

func (c *command) run() (err error) {
	var o latepayments.Options
	o.Customers = c.Customers
	if c.Until != "" {
		if o.Until, err = calendar.ParseDate(c.Until); err != nil {
			return err
		}
	}
	for _, text := range c.Checkpoint {
		d, err := calendar.ParseDate(text)
		if err != nil {
			return err
		}
		o.Checkpoints = append(o.Checkpoints, d)
	}
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	invoices, err := latepayments.Read(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	out := os.Stdout
	if c.Out != "" {
		if out, err = os.Create(c.Out); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	buffered := bufio.NewWriter(out)
	return errors.Join(latepayments.Write(buffered, invoices, o), buffered.Flush())
}
