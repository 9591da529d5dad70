package rpcerr_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
)

// overTheWire is what the other side sees of an error: its status, marshaled.
func overTheWire(t interface{ Fatal(...any) }, err error) error {
	raw, marshalErr := proto.Marshal(rpcerr.ToStatus(err).Proto())
	if marshalErr != nil {
		t.Fatal(marshalErr)
	}
	var s statuspb.Status
	if unmarshalErr := proto.Unmarshal(raw, &s); unmarshalErr != nil {
		t.Fatal(unmarshalErr)
	}
	return status.FromProto(&s).Err()
}

func TestErrorsSurviveTheWire(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, 100)
		e := errs.New(errs.Kind(rapid.IntRange(int(errs.Invalid), int(errs.Internal)-1).Draw(t, "kind")),
			rapid.StringMatching(`[A-Z][A-Z_]{0,30}`).Draw(t, "reason"), "%s", text.Draw(t, "message"))
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			e = e.With(text.Draw(t, "key"), text.Draw(t, "value"))
		}
		for range rapid.IntRange(0, 3).Draw(t, "violations") {
			e = e.WithViolations(errs.Violation{
				Field: text.Draw(t, "field"), Rule: text.Draw(t, "rule"), Message: text.Draw(t, "why"),
			})
		}
		e = e.WithRetryAfter(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "retry ms")) * time.Millisecond)
		sent := fmt.Errorf("handler: %w", e.WithCause(errors.New("secret")))

		back, ok := errs.As(rpcerr.FromError(overTheWire(t, sent)))
		if !ok {
			t.Fatal("no *errs.Error came back")
		}
		back.Cause = nil
		if !reflect.DeepEqual(back, e) {
			t.Fatalf("sent %+v, got %+v", e, back)
		}
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for kind, code := range map[errs.Kind]codes.Code{
		errs.Invalid: codes.InvalidArgument, errs.Unauthenticated: codes.Unauthenticated,
		errs.PermissionDenied: codes.PermissionDenied, errs.NotFound: codes.NotFound,
		errs.AlreadyExists: codes.AlreadyExists, errs.FailedPrecondition: codes.FailedPrecondition,
		errs.Aborted: codes.Aborted, errs.ResourceExhausted: codes.ResourceExhausted,
		errs.Unavailable: codes.Unavailable, errs.DeadlineExceeded: codes.DeadlineExceeded,
		errs.Canceled: codes.Canceled, errs.Unimplemented: codes.Unimplemented, errs.Internal: codes.Internal,
		0: codes.Internal,
	} {
		if got := rpcerr.ToStatus(errs.New(kind, "X", "x")).Code(); got != code {
			t.Errorf("%v became %v, want %v", kind, got, code)
		}
	}
	if got := rpcerr.ToStatus(nil).Code(); got != codes.OK {
		t.Errorf("nil became %v", got)
	}
}

func TestErrorInfoIsAlwaysThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason string
	}{
		"own reason":         {errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "x"), codes.NotFound, "CUSTOMER_UNKNOWN"},
		"no reason":          {errs.New(errs.Aborted, "", "x"), codes.Aborted, "ABORTED"},
		"canceled":           {context.Canceled, codes.Canceled, "CANCELED"},
		"deadline":           {fmt.Errorf("query: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "DEADLINE_EXCEEDED"},
		"unknown":            {errors.New("secret"), codes.Internal, "INTERNAL"},
		"internal":           {errs.New(errs.Internal, "LEDGER_UNBALANCED", "secret"), codes.Internal, "LEDGER_UNBALANCED"},
		"status":             {status.Error(codes.Unimplemented, "secret"), codes.Unimplemented, "UNIMPLEMENTED"},
		"status of a defect": {status.Error(codes.DataLoss, "secret"), codes.Internal, "INTERNAL"},
		"status OK as error": {okError{}, codes.Internal, "INTERNAL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rpcerr.ToStatus(c.err)
			if s.Code() != c.code || strings.Contains(s.String(), "secret") {
				t.Errorf("status %v, want code %v and nothing internal", s, c.code)
			}
			for _, d := range s.Details() {
				if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == rpcerr.Domain && info.GetReason() == c.reason {
					return
				}
			}
			t.Errorf("no ErrorInfo with reason %s in %v", c.reason, s.Details())
		})
	}
}

// okError claims to be a status without being an error.
type okError struct{}

func (okError) Error() string              { return "secret" }
func (okError) GRPCStatus() *status.Status { return status.New(codes.OK, "secret") }

// The id in the answer is the id in the log, also two services further on.
func TestMaskedErrorsKeepTheirID(t *testing.T) {
	t.Parallel()
	defect := errors.New("relation x does not exist")
	id := rpcerr.ID(defect)
	if id == "" || id != rpcerr.ID(errors.New("relation x does not exist")) || id == rpcerr.ID(errors.New("y")) {
		t.Fatalf("id %q does not stand for the defect", id)
	}
	err := overTheWire(t, defect)
	for range 2 {
		if raw := rpcerr.ID(err); raw != id {
			t.Errorf("the status has the id %s, want %s", raw, id)
		}
		rebuilt := rpcerr.FromError(err)
		e, ok := errs.As(rebuilt)
		if !ok || e.Meta[rpcerr.MetaErrorID] != id || !strings.Contains(e.Message, id) || rpcerr.ID(rebuilt) != id {
			t.Errorf("%+v lacks the id %s", e, id)
		}
		err = overTheWire(t, fmt.Errorf("calling: %w", rebuilt))
	}
	if rpcerr.ID(nil) != "" {
		t.Error("no error has an id")
	}
}

func TestFromError(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	own := errs.New(errs.NotFound, "X", "x")
	for name, err := range map[string]error{"nil": nil, "plain": plain, "own": own, "status OK": okError{}} {
		if got := rpcerr.FromError(err); got != err { //nolint:errorlint // identity is what is tested
			t.Errorf("%s: became %v", name, got)
		}
	}
	transport := status.Error(codes.Unavailable, "dial tcp 10.1.2.3:7443: connection refused")
	e, ok := errs.As(rpcerr.FromError(transport))
	if !ok || e.Kind != errs.Unavailable || strings.Contains(e.Message, "10.1.2.3") || !errors.Is(e, transport) {
		t.Errorf("a transport failure became %+v", e)
	}
	foreign, err := status.New(codes.NotFound, "no such bucket").WithDetails(&errdetails.ErrorInfo{Domain: "other", Reason: "B"})
	if err != nil {
		t.Fatal(err)
	}
	if got := errs.ReasonOf(rpcerr.FromError(foreign.Err())); got != "NOT_FOUND" {
		t.Errorf("a reason of another domain became ours: %s", got)
	}
}

// Text of any length and with any bytes leaves as a status that can be marshaled.
func TestTextIsMadeFitToTravel(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("欠", 5_000)
	e := errs.New(errs.Invalid, "X", "%s\xff", long).With("k\xff", long)
	for range 200 {
		e = e.WithViolations(errs.Violation{Field: "f\xff", Rule: "r", Message: "m"})
	}
	back, ok := errs.As(rpcerr.FromError(overTheWire(t, e)))
	if !ok || back.Kind != errs.Invalid || len(back.Violations) != 50 {
		t.Fatalf("%+v", back)
	}
	if !utf8.ValidString(back.Message) || len(back.Message) > 1_100 || !strings.HasPrefix(back.Message, "欠欠") {
		t.Errorf("message of %d bytes", len(back.Message))
	}
	for k, v := range back.Meta {
		if k != "k\uFFFD" || len(v) > 1_100 || !utf8.ValidString(v) {
			t.Errorf("metadata %q of %d bytes", k, len(v))
		}
	}
}
