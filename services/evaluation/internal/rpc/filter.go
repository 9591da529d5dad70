package rpc

import (
	"strconv"
	"strings"

	"go.einride.tech/aip/filtering"
	"go.einride.tech/aip/ordering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// maxFilterDepth bounds the work on one filter; its length is bounded by the contract.
const maxFilterDepth = 32

// parseFilter reads an AIP-160 filter; nil for the empty one.
func parseFilter(text string) (*customer.Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil //nolint:nilnil // no filter is no error
	}
	var p filtering.Parser
	p.Init(text)
	parsed, err := p.Parse()
	if err != nil {
		return nil, errs.Field("filter", "syntax", "cannot be read: %s", err)
	}
	f, err := filterOf(parsed.GetExpr(), maxFilterDepth)
	return &f, err
}

func filterOf(e *expr.Expr, depth int) (customer.Filter, error) {
	call := e.GetCallExpr()
	if depth == 0 || call == nil {
		return customer.Filter{}, errs.Field("filter", "syntax", `is a comparison like grade = "A", or several with AND, OR, NOT`)
	}
	switch call.GetFunction() {
	case filtering.FunctionAnd, filtering.FunctionOr, filtering.FunctionNot, filtering.FunctionFuzzyAnd:
		f := customer.Filter{Op: customer.Op(call.GetFunction())}
		if call.GetFunction() == filtering.FunctionFuzzyAnd {
			f.Op = customer.And
		}
		for _, a := range call.GetArgs() {
			arg, err := filterOf(a, depth-1)
			if err != nil {
				return customer.Filter{}, err
			}
			f.Args = append(f.Args, arg)
		}
		return f, nil
	default:
		return comparison(call)
	}
}

func comparison(call *expr.Expr_Call) (customer.Filter, error) {
	if len(call.GetArgs()) != 2 {
		return customer.Filter{}, errs.Field("filter", "function", "there is no function %.64q", call.GetFunction())
	}
	field := call.GetArgs()[0].GetIdentExpr().GetName()
	value, ok := literal(call.GetArgs()[1])
	if !ok {
		return customer.Filter{}, errs.Field("filter", "value", "compare %.64q with a text", field)
	}
	switch field {
	case "life_cycle":
		value = strings.TrimPrefix(value, "LIFE_CYCLE_")
	case "grade":
		value = strings.TrimPrefix(value, "GRADE_")
	}
	return customer.Filter{Op: customer.Op(call.GetFunction()), Field: field, Value: value}, nil
}

// literal is the text of a quoted string, a bare word or a whole number.
func literal(e *expr.Expr) (string, bool) {
	if ident := e.GetIdentExpr(); ident != nil {
		return ident.GetName(), true
	}
	switch c := e.GetConstExpr().GetConstantKind().(type) {
	case *expr.Constant_StringValue:
		return c.StringValue, true
	case *expr.Constant_Int64Value:
		return strconv.FormatInt(c.Int64Value, 10), true
	default:
		return "", false
	}
}

// parseOrder reads the order of a list: one field, optionally descending.
func parseOrder(text string) (customer.Order, error) {
	var o ordering.OrderBy
	if err := o.UnmarshalString(text); err != nil {
		return customer.Order{}, errs.Field("order_by", "syntax", "cannot be read; write it like display_name desc")
	}
	switch len(o.Fields) {
	case 0:
		return customer.Order{Field: "customer_id"}, nil
	case 1:
		return customer.Order{Field: o.Fields[0].Path, Descending: o.Fields[0].Desc}, nil
	default:
		return customer.Order{}, errs.Field("order_by", "single", "names one field")
	}
}
