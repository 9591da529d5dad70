// Package outcomes holds what became of customers against what a policy makes of them.
package outcomes

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/policytool"
	"github.com/avalcredit/aval/services/suite/access"
)

// ReasonFileInvalid is the reason of errors of a file of outcomes; violations' fields are lines.
const ReasonFileInvalid = "OUTCOMES_INVALID"

// perCall is how many customers one call tries.
const perCall = 100

// Columns say how a file of outcomes is read.
type Columns struct {
	// CustomerID and Outcome are the headers of the columns.
	CustomerID, Outcome string
	// Bad and Good are the texts of a customer that defaulted and of one that did not.
	Bad, Good string
}

// Outcome is what became of a customer.
type Outcome struct {
	CustomerID string
	Bad        bool
}

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, ReasonFileInvalid, format, args...)
}

// Read reads a CSV file. A text that is neither of the two, an empty number and a customer that stands twice are errors:
// nothing is taken for a good customer by default.
func Read(in io.Reader, c Columns) ([]Outcome, error) {
	r := csv.NewReader(in)
	header, err := r.Read()
	if err != nil {
		return nil, invalid("the header cannot be read: %v", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	id, outcome := slices.Index(header, c.CustomerID), slices.Index(header, c.Outcome)
	for name, at := range map[string]int{c.CustomerID: id, c.Outcome: outcome} {
		if at < 0 {
			return nil, invalid("the file has no column %q; it has %s", name, strings.Join(header, ", "))
		}
	}
	seen := map[string]int{}
	var all []Outcome
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, invalid("%v", err)
		}
		line, _ := r.FieldPos(0)
		o := Outcome{CustomerID: strings.TrimSpace(row[id])}
		switch text := strings.TrimSpace(row[outcome]); text {
		case c.Bad:
			o.Bad = true
		case c.Good:
		default:
			return nil, invalid("line %d: %s %.40q is neither %q nor %q", line, c.Outcome, text, c.Bad, c.Good)
		}
		if first, twice := seen[o.CustomerID]; twice || o.CustomerID == "" {
			return nil, invalid("line %d: customer %q is empty or stands in line %d already", line, o.CustomerID, first)
		}
		seen[o.CustomerID] = line
		all = append(all, o)
	}
}

// Try has the suite rate the customers under a policy, of which nothing is kept.
func Try(ctx context.Context, s *access.Suite, policyYAML string, all []Outcome) ([]policytool.Rated, error) {
	ctx, err := s.As(ctx, "validate", "OPERATOR")
	if err != nil {
		return nil, err
	}
	client := evaluationv1.NewPolicyTrialServiceClient(s.Conn())
	var rated []policytool.Rated
	for chunk := range slices.Chunk(all, perCall) {
		request := &evaluationv1.TryEvaluationPolicyRequest{Source: &evaluationv1.TryEvaluationPolicyRequest_Yaml{Yaml: policyYAML}}
		for _, o := range chunk {
			request.CustomerIds = append(request.CustomerIds, o.CustomerID)
		}
		answer, err := client.TryEvaluationPolicy(ctx, request)
		if err != nil {
			return nil, err
		}
		if len(answer.GetRatings()) != len(chunk) {
			return nil, fmt.Errorf("the suite rated %d of %d customers", len(answer.GetRatings()), len(chunk))
		}
		for i, r := range answer.GetRatings() {
			one := policytool.Rated{CustomerID: r.GetCustomerId(), Bad: chunk[i].Bad}
			if r.GetGrade() != evaluationv1.Grade_GRADE_UNSPECIFIED {
				one.Grade = strings.TrimPrefix(r.GetGrade().String(), "GRADE_")
			}
			if r.GetScore() != "" {
				score, ok := new(big.Rat).SetString(r.GetScore())
				if !ok {
					return nil, fmt.Errorf("score %q of customer %s is no number", r.GetScore(), r.GetCustomerId())
				}
				one.Score = score
			}
			rated = append(rated, one)
		}
	}
	return rated, nil
}
