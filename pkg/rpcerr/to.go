// Package rpcerr carries errs.Error over gRPC and back, so that a NotFound of the
// third service is still that NotFound at the first. What was not meant for callers
// is masked, with an id by which the log has the rest.
package rpcerr

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// Domain is the domain of every ErrorInfo that this product makes.
	Domain = "aval"
	// MetaErrorID is the metadata key under which a masked error has its id.
	MetaErrorID = "error_id"

	// Details travel in trailers, whose size proxies limit; these bounds keep the
	// whole below 8 KiB in all but absurd cases.
	maxMessage    = 1024
	maxViolations = 50
	idBytes       = 8
)

// ToStatus returns the status for the error: code from the kind, ErrorInfo with
// domain "aval", reason and metadata, BadRequest with the violations, RetryInfo. An
// error of kind Internal, and every error that is neither an *errs.Error nor a
// status nor of an ended context, shows nothing but the id that ID returns for the
// log. For nil it returns nil, which is the status OK.
func ToStatus(err error) *status.Status {
	if err == nil {
		return nil
	}
	e := classify(err)
	if codeOf(e.Kind) == codes.Internal {
		e = mask(e, err)
	}
	s := status.New(codeOf(e.Kind), limit(e.Message))
	withDetails, detailErr := s.WithDetails(details(e)...)
	if detailErr != nil {
		// Only an unmarshalable detail gets here, and all text was made valid above;
		// the code alone is still a right answer.
		return s
	}
	return withDetails
}

// ID returns the short id under which a masked error is found in the log: the one it
// already has when it came masked from another service, else one computed from its
// text, so that the same defect has the same id.
func ID(err error) string {
	if err == nil {
		return ""
	}
	if id := classify(err).Meta[MetaErrorID]; id != "" {
		return id
	}
	sum := sha256.Sum256([]byte(err.Error()))
	return hex.EncodeToString(sum[:idBytes])
}

// classify finds the Error in err, or makes one of an error that has none: a status,
// an ended context, or something unknown.
func classify(err error) *errs.Error {
	if e, ok := errs.As(err); ok {
		return e
	}
	var carrier interface{ GRPCStatus() *status.Status }
	if errors.As(err, &carrier) {
		if s := carrier.GRPCStatus(); s.Code() != codes.OK {
			return fromStatus(s, err)
		}
	}
	kind := errs.KindOf(err)
	return errs.New(kind, kind.String(), "%s", genericMessage(kind)).WithCause(err)
}

func mask(e *errs.Error, err error) *errs.Error {
	id := ID(err)
	masked := errs.New(errs.Internal, e.Reason, "internal error, id %s", id).With(MetaErrorID, id)
	if masked.Reason == "" {
		masked.Reason = errs.Internal.String()
	}
	return masked
}

func details(e *errs.Error) []protoadapt.MessageV1 {
	info := &errdetails.ErrorInfo{Domain: Domain, Reason: limit(e.Reason)}
	if info.GetReason() == "" {
		info.Reason = e.Kind.String()
	}
	if len(e.Meta) > 0 {
		info.Metadata = make(map[string]string, len(e.Meta))
	}
	for k, v := range e.Meta {
		info.Metadata[limit(k)] = limit(v)
	}
	list := []protoadapt.MessageV1{info}
	if len(e.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range e.Violations[:min(len(e.Violations), maxViolations)] {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: limit(v.Field), Reason: limit(v.Rule), Description: limit(v.Message),
			})
		}
		list = append(list, bad)
	}
	if e.RetryAfter > 0 {
		list = append(list, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	return list
}

// limit makes text fit to travel: valid UTF-8 of bounded length.
func limit(s string) string {
	if len(s) > maxMessage {
		cut := maxMessage
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
