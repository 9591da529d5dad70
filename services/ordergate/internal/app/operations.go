package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/simulate"
)

// KindSimulation is the kind of operation that runs a policy over past decisions.
const KindSimulation = "SIMULATE_ORDER_POLICY"

// maxOpen is how many operations may wait or run.
const maxOpen = 20

// Operations keeps long-running work; a worker does it.
type Operations struct {
	Store    *operation.Store
	Policies *policy.Cache[check.Policy]
	Clock    calendar.Clock
	Pages    *page.Signer
	Wake     func() // called when work was queued, so that this process looks at once; nil: none
}

// Operation is long-running work with what it was asked to do and, in the end, what came out.
type Operation struct {
	operation.Operation
	Simulation simulate.Spec
	Result     *simulate.Result // nil until it has succeeded
}

// Simulate queues a run of a policy version over the decisions of a period (to none: today).
// Errors: POLICY_NOT_FOUND, PERIOD_INVALID, TOO_MANY_OPERATIONS, REQUEST_ID_REUSED.
func (o *Operations) Simulate(ctx context.Context, c Caller, req idem.Request, spec simulate.Spec) (Operation, error) {
	today := o.Clock.Today(ctx)
	spec.AsOf = today
	if spec.To.IsZero() {
		spec.To = today
	}
	if spec.From.After(spec.To) || spec.To.After(today) {
		return Operation{}, errs.Field("from_date", "PERIOD_INVALID", "the period must begin before it ends, and end today (%s) or earlier", today)
	}
	if _, err := o.Policies.ByVersion(ctx, spec.Version); err != nil {
		return Operation{}, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return Operation{}, fmt.Errorf("simulation: %w", err)
	}
	id, err := o.Store.Create(ctx, req, operation.Operation{ID: "sim-" + rand.Text(), Kind: KindSimulation, Spec: text, CreatedBy: c.Subject}, maxOpen)
	if err != nil {
		return Operation{}, err
	}
	if o.Wake != nil {
		o.Wake()
	}
	return o.Get(ctx, id)
}

// Get returns an operation. Errors: OPERATION_UNKNOWN.
func (o *Operations) Get(ctx context.Context, id string) (Operation, error) {
	found, err := o.Store.Get(ctx, id)
	if err != nil {
		return Operation{}, err
	}
	return operationOf(found)
}

func operationOf(x operation.Operation) (Operation, error) {
	out := Operation{Operation: x}
	if err := json.Unmarshal(x.Spec, &out.Simulation); err != nil {
		return Operation{}, fmt.Errorf("operation %s: %w", x.ID, err)
	}
	if x.State == operation.Succeeded && len(x.Outcome) > 0 {
		out.Result = &simulate.Result{}
		if err := json.Unmarshal(x.Outcome, out.Result); err != nil {
			return Operation{}, fmt.Errorf("operation %s: %w", x.ID, err)
		}
	}
	return out, nil
}

// Cancel asks for the end of an operation and returns it. Errors: OPERATION_UNKNOWN.
func (o *Operations) Cancel(ctx context.Context, id string) (Operation, error) {
	if err := o.Store.Cancel(ctx, id); err != nil {
		return Operation{}, err
	}
	return o.Get(ctx, id)
}

// List lists operations, newest first; state "" is any.
func (o *Operations) List(ctx context.Context, state string, size32 int32, token string) (Page[Operation], error) {
	sum := page.Checksum("operations", state)
	cur, err := o.Pages.Decode(token, sum, 2)
	if err != nil {
		return Page[Operation]{}, err
	}
	var before *time.Time
	var behind string
	if cur != nil {
		micros, err := strconv.ParseInt(cur[0], 10, 64)
		if err != nil {
			return Page[Operation]{}, errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token is not valid")
		}
		t := time.UnixMicro(micros).UTC()
		before, behind = &t, cur[1]
	}
	size := page.Size(size32, pageDefault, pageMax)
	found, err := o.Store.List(ctx, operation.ListQuery{Kinds: []string{KindSimulation}, State: state, Before: before, ID: behind, Limit: size + 1})
	if err != nil {
		return Page[Operation]{}, err
	}
	var out Page[Operation]
	if len(found) > size {
		found = found[:size]
		last := found[size-1]
		out.Next = o.Pages.Encode(sum, strconv.FormatInt(last.CreatedAt.UnixMicro(), 10), last.ID)
	}
	for _, x := range found {
		op, err := operationOf(x)
		if err != nil {
			return Page[Operation]{}, err
		}
		out.Items = append(out.Items, op)
	}
	return out, nil
}
