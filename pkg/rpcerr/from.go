package rpcerr

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/errs"
)

// FromError rebuilds the *errs.Error that a call of another service answered with.
// The text of a status that carries no ErrorInfo of this product (a transport
// failure, which may name addresses) is kept as the cause only. An error that is no
// status at all, and nil, is returned as it is.
func FromError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errs.As(err); ok {
		return err
	}
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return err
	}
	s := carrier.GRPCStatus()
	if s.Code() == codes.OK {
		return err
	}
	return fromStatus(s, err)
}

func fromStatus(s *status.Status, cause error) *errs.Error {
	kind := kindOf(s.Code())
	e := errs.New(kind, kind.String(), "%s", genericMessage(kind)).WithCause(cause)
	for _, d := range s.Details() {
		switch detail := d.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != Domain {
				continue
			}
			e.Reason, e.Message = detail.GetReason(), s.Message()
			for k, v := range detail.GetMetadata() {
				e = e.With(k, v)
			}
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, errs.Violation{
					Field: v.GetField(), Rule: v.GetReason(), Message: v.GetDescription(),
				})
			}
		case *errdetails.RetryInfo:
			e.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return e
}

func codeOf(k errs.Kind) codes.Code {
	switch k {
	case errs.Invalid:
		return codes.InvalidArgument
	case errs.Unauthenticated:
		return codes.Unauthenticated
	case errs.PermissionDenied:
		return codes.PermissionDenied
	case errs.NotFound:
		return codes.NotFound
	case errs.AlreadyExists:
		return codes.AlreadyExists
	case errs.FailedPrecondition:
		return codes.FailedPrecondition
	case errs.Aborted:
		return codes.Aborted
	case errs.ResourceExhausted:
		return codes.ResourceExhausted
	case errs.Unavailable:
		return codes.Unavailable
	case errs.DeadlineExceeded:
		return codes.DeadlineExceeded
	case errs.Canceled:
		return codes.Canceled
	case errs.Unimplemented:
		return codes.Unimplemented
	default:
		return codes.Internal
	}
}

func kindOf(c codes.Code) errs.Kind {
	switch c {
	case codes.InvalidArgument, codes.OutOfRange:
		return errs.Invalid
	case codes.Unauthenticated:
		return errs.Unauthenticated
	case codes.PermissionDenied:
		return errs.PermissionDenied
	case codes.NotFound:
		return errs.NotFound
	case codes.AlreadyExists:
		return errs.AlreadyExists
	case codes.FailedPrecondition:
		return errs.FailedPrecondition
	case codes.Aborted:
		return errs.Aborted
	case codes.ResourceExhausted:
		return errs.ResourceExhausted
	case codes.Unavailable:
		return errs.Unavailable
	case codes.DeadlineExceeded:
		return errs.DeadlineExceeded
	case codes.Canceled:
		return errs.Canceled
	case codes.Unimplemented:
		return errs.Unimplemented
	default:
		return errs.Internal
	}
}

// genericMessage is the sentence for an error whose own text is not for callers.
func genericMessage(k errs.Kind) string {
	switch k {
	case errs.Invalid:
		return "the request is not valid"
	case errs.Unauthenticated:
		return "the caller is not authenticated"
	case errs.PermissionDenied:
		return "the caller may not do this"
	case errs.NotFound:
		return "there is no such thing"
	case errs.AlreadyExists:
		return "it exists already"
	case errs.FailedPrecondition:
		return "the state of the system does not allow this"
	case errs.Aborted:
		return "another change came first; try again"
	case errs.ResourceExhausted:
		return "a limit is used up"
	case errs.Unavailable:
		return "a service that is needed cannot be reached; try again later"
	case errs.DeadlineExceeded:
		return "the time allowed for the call was used up"
	case errs.Canceled:
		return "the caller gave up the call"
	case errs.Unimplemented:
		return "there is no such operation"
	default:
		return "internal error"
	}
}
