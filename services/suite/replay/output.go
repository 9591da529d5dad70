package replay

import (
	"encoding/json"
	"io"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
)

// ReasonLineMalformed is the reason in the output for a line that is no call.
const ReasonLineMalformed = "LINE_MALFORMED"

// result is what became of one line.
type result struct {
	number   int
	response proto.Message
	err      error
	accepted bool
}

// output writes one JSON object a line.
type output struct{ w io.Writer }

type outLine struct {
	Line     int             `json:"line"`
	Column   int             `json:"column,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
	Error    *outError       `json:"error,omitempty"`
	Accepted bool            `json:"accepted,omitempty"`
}

type outError struct {
	Code    string     `json:"code"`
	Reason  string     `json:"reason"`
	Message string     `json:"message"`
	Fields  []outField `json:"fields,omitempty"`
}

type outField struct {
	Field   string `json:"field"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

func (o output) result(r *result) error {
	out := outLine{Line: r.number, Accepted: r.accepted}
	if r.err != nil {
		out.Error = describe(r.err)
		return o.write(out)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.response)
	if err != nil {
		return err
	}
	out.Response = text
	return o.write(out)
}

func (o output) malformed(e *LineError) error {
	return o.write(outLine{Line: e.Line, Column: e.Column, Error: &outError{
		Code: "INVALID_ARGUMENT", Reason: ReasonLineMalformed, Message: e.Message,
	}})
}

func describe(err error) *outError {
	out := &outError{Code: code.Code(rpcerr.ToStatus(err).Proto().GetCode()).String(), Reason: errs.ReasonOf(err), Message: err.Error()}
	if e, ok := errs.As(err); ok {
		out.Message = e.Message
		for _, v := range e.Violations {
			out.Fields = append(out.Fields, outField{Field: v.Field, Rule: v.Rule, Message: v.Message})
		}
	}
	return out
}

// write compacts what it is given: protojson puts spaces where it likes.
func (o output) write(l outLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = o.w.Write(append(text, '\n'))
	return err
}
