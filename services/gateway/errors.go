package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
)

// Reasons of the errors that the gateway itself makes; all others are the services'.
const (
	ReasonMalformedJSON    = "MALFORMED_JSON"
	ReasonUnknownField     = "UNKNOWN_FIELD"
	ReasonDuplicateField   = "DUPLICATE_FIELD"
	ReasonInvalidValue     = "INVALID_VALUE"
	ReasonUnknownParameter = "UNKNOWN_PARAMETER"
	ReasonInvalidParameter = "INVALID_PARAMETER"
	ReasonBodyTooLarge     = "BODY_TOO_LARGE"
	ReasonBodyUnreadable   = "BODY_UNREADABLE"
	ReasonMediaType        = "MEDIA_TYPE_NOT_SUPPORTED"
	ReasonRouteUnknown     = "ROUTE_UNKNOWN"
	ReasonMethodNotAllowed = "METHOD_NOT_ALLOWED"
	ReasonPathMalformed    = "PATH_MALFORMED"
)

// defaultRetryAfter is the wait in seconds where the service names none.
const defaultRetryAfter = 1

// refusal is an error with a status that no code of gRPC stands for.
type refusal struct {
	why    *errs.Error
	status int
}

// Error implements error.
func (r refusal) Error() string { return r.why.Error() }

// Unwrap shows the error within to errs.As.
func (r refusal) Unwrap() error { return r.why }

// writeError answers with the error as google.rpc.Status JSON. It is the only place that does.
func (g *Gateway) writeError(w http.ResponseWriter, r *http.Request, err error) {
	st := rpcerr.ToStatus(err)
	status := runtime.HTTPStatusFromCode(st.Code())
	var own refusal
	if errors.As(err, &own) {
		status = own.status
	}
	reason := ""
	retry := float64(defaultRetryAfter)
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.RetryInfo:
			retry = max(retry, math.Ceil(d.GetRetryDelay().AsDuration().Seconds()))
		}
	}
	h := w.Header()
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(reason))
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(retry)))
	case http.StatusMethodNotAllowed:
		h.Set("Allow", strings.Join(g.allowed(r), ", "))
	}
	body, jsonErr := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(st.Proto())
	if jsonErr != nil {
		g.log.ErrorContext(r.Context(), "an error cannot be written as JSON", "error", jsonErr)
		status, body = http.StatusInternalServerError, []byte(`{"code":13,"message":"internal error","details":[]}`)
	}
	if status >= http.StatusInternalServerError {
		g.log.WarnContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "status", status,
			"reason", reason, "error", err)
	}
	h.Del("Trailer")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, typed as such, with nosniff; a caller that left does not care
}

// challenge tells a missing token from a bad one, as RFC 6750 has it.
func challenge(reason string) string {
	if reason == reasonTokenMissing {
		return `Bearer realm="aval"`
	}
	return `Bearer realm="aval", error="invalid_token"`
}

// serviceError is the library's hook for what a service answered, and for what it could not decode itself.
func (g *Gateway) serviceError(
	_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error,
) {
	var routing *runtime.HTTPStatusError
	if errors.As(err, &routing) && routing.HTTPStatus == http.StatusBadRequest {
		err = errs.New(errs.Invalid, ReasonPathMalformed, "the path cannot be read").WithCause(routing.Err)
	}
	g.writeError(w, r, rpcerr.FromError(err))
}

// routingError is the library's hook for paths and methods that nobody serves.
func (g *Gateway) routingError(
	_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, status int,
) {
	switch status {
	case http.StatusMethodNotAllowed:
		g.writeError(w, r, refusal{errs.New(errs.Unimplemented, ReasonMethodNotAllowed,
			"this path does not take %.16q", r.Method), status})
	case http.StatusNotFound:
		g.writeError(w, r, errs.New(errs.NotFound, ReasonRouteUnknown, "there is no such path; see /openapi.json"))
	default:
		g.writeError(w, r, errs.New(errs.Invalid, ReasonPathMalformed, "the path cannot be read"))
	}
}

// allowed are the methods that the request's path takes.
func (g *Gateway) allowed(r *http.Request) []string {
	var methods []string
	for _, route := range g.routes {
		if route.shape.MatchString(r.URL.EscapedPath()) && !slices.Contains(methods, route.Method) {
			methods = append(methods, route.Method)
		}
	}
	slices.Sort(methods)
	return methods
}
