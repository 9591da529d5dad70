package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/importer"
	"github.com/avalcredit/aval/services/suite/progress"
)

type importCommand struct {
	Kind        string `arg:"" enum:"customers,limits,invoices,receipts,orders,firm-invoices,bank-statement" help:"What the rows are: customers, limits, invoices, receipts, orders; firm-invoices: what a firm sold to and bought from others; bank-statement: movements on an account of the company, camt.053 or CSV."`
	File        string `arg:"" help:"CSV file, UTF-8 or GBK, plain or gzip; a bank-statement may be camt.053."`
	Mapping     string `placeholder:"FILE" help:"YAML file that says which column is which field; needed but for a bank-statement."`
	Account     string `placeholder:"ID" help:"Of a bank-statement: the bank account; a camt.053 file names it itself."`
	DryRun      bool   `help:"Say what would happen and change nothing."`
	KeepGood    bool   `help:"Import the good rows though others are bad; else one bad row keeps all out."`
	Concurrency int    `default:"16" help:"How many customers are worked on at once."`
	reach
}

// errBadRows ends the program with exit code 1.
var errBadRows = errors.New("not every row was imported")

// Run imports the file and prints each bad row and a summary; it fails where a row is bad.
func (c *importCommand) Run(ctx context.Context) error {
	if c.Kind == bankStatement {
		return c.importStatement(ctx)
	}
	if c.Mapping == "" || c.Account != "" {
		return errors.New("name the mapping with --mapping; --account is for a bank-statement")
	}
	text, err := os.ReadFile(c.Mapping)
	if err != nil {
		return err
	}
	mapping, err := importer.ParseMapping(c.Kind, text)
	if err != nil {
		return c.explain(err)
	}
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	return c.with(ctx, func(ctx context.Context, s *access.Suite) error {
		report, err := importer.Run(ctx, in, mapping, importer.Options{
			Suite: s, DryRun: c.DryRun, KeepGood: c.KeepGood, Concurrency: c.Concurrency,
			Screen: progress.Terminal(os.Stderr),
			OnProblem: func(p importer.Problem) {
				fmt.Fprintf(os.Stderr, "%s:%s\n", c.File, p)
			},
		})
		c.summary(os.Stdout, report)
		if err == nil && !report.OK() {
			err = errBadRows
		}
		return c.explain(err)
	})
}

// explain puts the mapping's mistakes one a line, each where it is.
func (c *importCommand) explain(err error) error {
	e, ok := errs.As(err)
	if !ok || e.Reason != importer.ReasonMappingInvalid || len(e.Violations) == 0 {
		return err
	}
	for _, v := range e.Violations {
		fmt.Fprintf(os.Stderr, "%s:%s: %s\n", c.Mapping, v.Field, v.Message)
	}
	return fmt.Errorf("the mapping is wrong in %d places", len(e.Violations))
}

func (c *importCommand) summary(w io.Writer, r importer.Report) {
	verb := "imported"
	if c.DryRun {
		verb = "would be imported"
	}
	var sums []string
	for _, currency := range slices.Sorted(maps.Keys(r.Amounts)) {
		sums = append(sums, currency+" "+r.Amounts[currency].String())
	}
	amounts := ""
	if len(sums) > 0 {
		amounts = " (" + strings.Join(sums, ", ") + ")"
	}
	_, _ = fmt.Fprintf(w, "%d rows: %d %s%s, %d in the suite already, %d bad, %d left out\n",
		r.Rows, r.New, verb, amounts, r.Same, r.Bad, r.NotSent)
	if r.Elapsed > 0 {
		_, _ = fmt.Fprintf(w, "%v, %.0f rows a second\n", r.Elapsed.Round(time.Millisecond), r.Rate)
	}
	for _, c := range r.Stopped {
		_, _ = fmt.Fprintf(w, "Customer %s is stopped in spite of its limit, and the finance director asked to withdraw it: %s\n", c.CustomerID, c.Reason)
	}
	if r.NotSent > 0 && r.New > 0 && !c.DryRun {
		_, _ = fmt.Fprintln(w, "The suite refused a row that had been good when asked before; the rows sent until then stay. Import the file again when it is mended.")
	}
}
