// Package rating turns facts and the payment record into a grade, a limit and a term
// under a policy. Rate is a pure function: the same inputs under the same policy give
// the same record, byte for byte.
package rating

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/formula"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/invoices"
	"github.com/avalcredit/aval/services/evaluation/internal/payment"
)

// Format is the version of the record's form; it changes when the form does. A record of an
// older one is made again as it was made then.
const (
	Format = formatRaise

	// formatRaise is the first that says exactly what raises the grade.
	formatRaise = 2
)

// Trigger is why a customer was rated.
type Trigger string

// The triggers.
const (
	// OnDemand: somebody asked for it.
	OnDemand Trigger = "ON_DEMAND"
	// TransactionCompleted: an invoice was settled in full (S1.4).
	TransactionCompleted Trigger = "TRANSACTION_COMPLETED"
	// Interval: the policy's review interval ran out.
	Interval Trigger = "INTERVAL"
	// NewFact: a form was submitted, and something is known that the newest rating did not know.
	NewFact Trigger = "NEW_FACT"
	// NewPolicy: a version of the policy came into force, and all customers are rated again.
	NewPolicy Trigger = "NEW_POLICY"
)

// Inputs are everything a rating rests on, beside the policy.
type Inputs struct {
	CustomerID string `json:"customer_id"`
	// Sequence is the number of the rating within the customer, from 1.
	Sequence int64         `json:"sequence"`
	Date     calendar.Date `json:"business_date"`
	Trigger  Trigger       `json:"trigger"`
	// Cause says in words what set it off, for example "invoice 4711 settled".
	Cause    string `json:"cause,omitempty"`
	Currency string `json:"currency_code"`
	// UsualPurchase is what sales stated; nil: nothing.
	UsualPurchase *money.Money `json:"usual_purchase,omitempty"`
	// Closed: the relation has ended.
	Closed bool `json:"closed"`
	// Facts known on the date, in the order of recording.
	Facts   []fact.Fact    `json:"facts"`
	Payment payment.Record `json:"payment_record"`
	// Invoices of the firm with third parties; nil: none is known, or the policy does not ask for them.
	Invoices *invoices.Summary `json:"invoices,omitempty"`
	// Previous is the rating before; nil for the first.
	Previous *Previous `json:"previous,omitempty"`
}

// Previous is what a rating needs of the one before, to say why the grade moved.
type Previous struct {
	RatingID      string           `json:"rating_id"`
	Grade         grade.Grade      `json:"grade"`
	PolicyVersion int64            `json:"policy_version"`
	Indicators    []PreviousFigure `json:"indicators"`
	Caps          []string         `json:"caps,omitempty"`
	// Score is the scorecard's, empty where it gave none.
	Score string `json:"score,omitempty"`
}

// PreviousFigure is one indicator of the rating before.
type PreviousFigure struct {
	Dimension string      `json:"dimension"`
	Name      string      `json:"name"`
	Value     string      `json:"value,omitempty"`
	Grade     grade.Grade `json:"grade,omitempty"`
}

// IndicatorResult is one figure of a rating.
type IndicatorResult struct {
	Name string `json:"name"`
	// Value is exact, a decimal or a fraction; empty where missing.
	Value   string `json:"value,omitempty"`
	Unit    string `json:"unit"`
	Missing bool   `json:"missing"`
	// MissingWhy says why there is no value, in words.
	MissingWhy string `json:"missing_why,omitempty"`
	// MissingRule is what the policy does with the missing value.
	MissingRule string      `json:"missing_rule,omitempty"`
	Grade       grade.Grade `json:"grade,omitempty"`
	// Threshold is what the value was compared with, in words.
	Threshold string        `json:"threshold"`
	FactIDs   []string      `json:"fact_ids,omitempty"`
	AsOf      calendar.Date `json:"as_of_date,omitzero"`
}

// DimensionResult is as good as its worst indicator.
type DimensionResult struct {
	Name       string            `json:"name"`
	Grade      grade.Grade       `json:"grade,omitempty"`
	Indicators []IndicatorResult `json:"indicators"`
}

// CapResult is a cap on the grade.
type CapResult struct {
	Name    string      `json:"name"`
	Grade   grade.Grade `json:"grade"`
	Holds   bool        `json:"holds"`
	FactIDs []string    `json:"fact_ids,omitempty"`
}

// Result is what a rating found.
type Result struct {
	Grade    grade.Grade `json:"grade"`
	Deciding string      `json:"deciding,omitempty"`
	Reason   string      `json:"reason"`

	Dimensions []DimensionResult `json:"dimensions"`
	Caps       []CapResult       `json:"caps,omitempty"`
	// Scorecard is nil where the policy has none.
	Scorecard *ScoreResult `json:"scorecard,omitempty"`

	Treatment grade.Treatment `json:"treatment"`
	// Limit is the recommended one; nil where the grade gets none or none can be told.
	Limit            *money.Money `json:"recommended_limit,omitempty"`
	TermDays         int          `json:"recommended_term_days"`
	GraceDays        int          `json:"grace_days"`
	LimitExplanation string       `json:"limit_explanation"`
	Improvements     []string     `json:"improvements,omitempty"`
	// Raise is what lifts the grade; nil for A, and where nothing is graded.
	Raise *Raise `json:"raise,omitempty"`
	// LimitFormula and TermFormula are the policy's formulas, worked out; nil where it has
	// none or the grade gets no credit.
	LimitFormula *formula.Worked `json:"limit_formula,omitempty"`
	TermFormula  *formula.Worked `json:"term_formula,omitempty"`
}

// Record is a rating as it is stored: inputs, the policy's identity, result.
type Record struct {
	Format        int    `json:"format"`
	RatingID      string `json:"rating_id"`
	Inputs        Inputs `json:"inputs"`
	PolicyVersion int64  `json:"policy_version"`
	PolicyHash    string `json:"policy_hash"`
	Result        Result `json:"result"`
	// Evidence is a hash of the facts and figures; the same evidence gives no new rating.
	Evidence string `json:"evidence"`
}

// ID names the rating of a customer with a number.
func ID(customerID string, sequence int64) string { return fmt.Sprintf("%s.%d", customerID, sequence) }

// Bytes is the canonical form of the record: JSON with the fields in a fixed order.
func (r Record) Bytes() ([]byte, error) { return json.Marshal(r) }

// Parse reads what Bytes wrote.
func Parse(data []byte) (Record, error) {
	var r Record
	err := json.Unmarshal(data, &r)
	return r, err
}

// Before is what the next rating needs of this one.
func (r Record) Before() *Previous {
	p := &Previous{
		RatingID: r.RatingID, Grade: r.Result.Grade, PolicyVersion: r.PolicyVersion, Indicators: []PreviousFigure{},
	}
	for _, d := range r.Result.Dimensions {
		for _, i := range d.Indicators {
			p.Indicators = append(p.Indicators, PreviousFigure{Dimension: d.Name, Name: i.Name, Value: i.Value, Grade: i.Grade})
		}
	}
	for _, c := range r.Result.Caps {
		if c.Holds {
			p.Caps = append(p.Caps, c.Name)
		}
	}
	if r.Result.Scorecard != nil {
		p.Score = r.Result.Scorecard.Score
	}
	return p
}

// evidence is what makes two ratings the same: who, by which policy, on which facts
// and figures. The day alone makes no difference; what it does to a figure does.
type evidence struct {
	PolicyHash    string            `json:"policy_hash"`
	Closed        bool              `json:"closed"`
	UsualPurchase *money.Money      `json:"usual_purchase"`
	Facts         []string          `json:"facts"`
	Payment       payment.Record    `json:"payment_record"`
	Dimensions    []DimensionResult `json:"dimensions"`
	Caps          []CapResult       `json:"caps"`
	// Absent where the policy has none, so that older evidence stays what it was.
	Invoices  *invoices.Summary `json:"invoices,omitempty"`
	Scorecard *ScoreResult      `json:"scorecard,omitempty"`
}

func evidenceOf(in Inputs, policyHash string, res Result) (string, error) {
	e := evidence{
		PolicyHash: policyHash, Closed: in.Closed, UsualPurchase: in.UsualPurchase,
		Payment: in.Payment, Dimensions: make([]DimensionResult, len(res.Dimensions)), Caps: res.Caps,
		Invoices: in.Invoices, Scorecard: undated(res.Scorecard, in.Date),
	}
	for _, f := range in.Facts {
		e.Facts = append(e.Facts, f.ID+"|"+f.VerifiedBy+"|"+f.SupersededBy)
	}
	e.Payment.AsOf = calendar.Date{}
	for i, d := range res.Dimensions {
		e.Dimensions[i] = DimensionResult{Name: d.Name, Grade: d.Grade}
		for _, ind := range d.Indicators {
			if ind.AsOf == in.Date {
				ind.AsOf = calendar.Date{}
			}
			e.Dimensions[i].Indicators = append(e.Dimensions[i].Indicators, ind)
		}
	}
	data, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// undated is the scorecard without the day of its figures where that is only the day of
// the rating.
func undated(card *ScoreResult, day calendar.Date) *ScoreResult {
	if card == nil {
		return nil
	}
	c := *card
	c.Items = slices.Clone(card.Items)
	for i := range c.Items {
		if c.Items[i].Figure.AsOf == day {
			c.Items[i].Figure.AsOf = calendar.Date{}
		}
	}
	return &c
}
