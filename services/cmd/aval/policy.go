package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/policytool"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/dryrun"
	"github.com/avalcredit/aval/services/suite/outcomes"
)

type policyCommand struct {
	Check    policyCheckCommand    `cmd:"" help:"Check the text of an evaluation policy; needs no suite."`
	Diff     policyDiffCommand     `cmd:"" help:"Say what differs between two evaluation policies; needs no suite."`
	Try      policyTryCommand      `cmd:"" help:"Rate all customers under a version of the evaluation policy, usually a draft, and say what would become of their grades and limits; changes nothing."`
	Validate policyValidateCommand `cmd:"" help:"Rate customers whose outcome is known under an evaluation policy and say how well it tells them apart; keeps nothing."`
}

// readPolicy reads a policy and prints what is wrong with it, one a line, each where it is.
func readPolicy(file string) (*evaluationv1.EvaluationPolicy, string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	spec, err := policytool.Check(file, text)
	e, ok := errs.As(err)
	if err == nil || !ok || len(e.Violations) == 0 {
		return spec, string(text), err
	}
	for _, v := range e.Violations {
		fmt.Fprintf(os.Stderr, "%s: %s\n", v.Field, v.Message)
	}
	return nil, "", fmt.Errorf("%s is not a policy that can be used; mistakes found: %d", file, len(e.Violations))
}

type policyCheckCommand struct {
	File string `arg:"" help:"Policy in YAML."`
}

// Run checks a policy; it fails where the policy cannot be used.
func (c *policyCheckCommand) Run(context.Context) error {
	spec, _, err := readPolicy(c.File)
	if err == nil {
		fmt.Printf("%s: %q can be used\n", c.File, spec.GetName())
	}
	return err
}

type policyDiffCommand struct {
	Before string `arg:"" help:"Policy in YAML."`
	After  string `arg:"" help:"Policy in YAML."`
}

// Run prints what differs, a line for each value, nothing where the policies say the same.
func (c *policyDiffCommand) Run(context.Context) error {
	before, _, errBefore := readPolicy(c.Before)
	after, _, errAfter := readPolicy(c.After)
	if err := errors.Join(errBefore, errAfter); err != nil {
		return err
	}
	for _, line := range policytool.Diff(before, after) {
		fmt.Println(line)
	}
	return nil
}

type policyValidateCommand struct {
	Policy         string `arg:"" help:"Policy in YAML."`
	Outcomes       string `required:"" placeholder:"FILE" help:"CSV file, UTF-8, with a customer and its outcome a row."`
	CustomerColumn string `default:"customer_id" help:"Header of the column with the customers' numbers."`
	OutcomeColumn  string `default:"defaulted" help:"Header of the column with the outcomes."`
	Bad            string `default:"1" help:"Text of the outcome of a customer that defaulted."`
	Good           string `default:"0" help:"Text of the outcome of one that did not."`
	reach
}

// Run rates the customers of the file and prints how well the policy tells them apart.
func (c *policyValidateCommand) Run(ctx context.Context) error {
	_, text, err := readPolicy(c.Policy)
	if err != nil {
		return err
	}
	in, err := os.Open(c.Outcomes)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	all, err := outcomes.Read(in, outcomes.Columns{CustomerID: c.CustomerColumn, Outcome: c.OutcomeColumn, Bad: c.Bad, Good: c.Good})
	if err != nil {
		return err
	}
	return c.with(ctx, func(ctx context.Context, s *access.Suite) error {
		rated, err := outcomes.Try(ctx, s, text, all)
		if err != nil {
			return err
		}
		return policytool.Validate(rated).Print(os.Stdout)
	})
}

type policyTryCommand struct {
	Version int64  `arg:"" help:"Version of the evaluation policy: a draft, or a signed one."`
	AskAnew bool   `help:"Ask receivables for every payment record anew, also where one of today is at hand."`
	File    string `placeholder:"FILE.xlsx" help:"Write the result as a spreadsheet too."`
	reach
}

// Run tries the version on all customers and prints what came out.
func (c *policyTryCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, s *access.Suite) error {
		var shown int64 = -1
		done, err := dryrun.Run(ctx, s, dryrun.Spec{Version: c.Version, AskAnew: c.AskAnew}, func(done, total int64) {
			if done != shown {
				fmt.Fprintf(os.Stderr, "%d of %d customers\n", done, total)
				shown = done
			}
		})
		if err != nil {
			return err
		}
		if c.File != "" {
			if err := os.WriteFile(c.File, done.XLSX, 0o600); err != nil {
				return err
			}
		}
		return done.Print(os.Stdout)
	})
}
